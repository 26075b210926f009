/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cores.h"

#include "../unit.h"

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/ttp-cores-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = strchr(path + sizeof(root), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* it may be there; fopen tells the rest */
        *slash = '/';
    }
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static const struct {
    const char *says, *groups;
    unsigned want;
} cases[] = {
    {"no group at all", "", 0},
    {"a quota of its own", "0::/two\n", 2},
    {"a part of a core is one", "0::/part\n", 1},
    {"one and a half are two", "0::/half\n", 2},
    {"no quota", "0::/free\n", 0},
    {"a group that cannot be seen from here", "0::/elsewhere/deep\n", 0},
    {"the group above has less", "0::/two/three\n", 2},
    {"the group above has more", "0::/two/one\n", 1},
    {"nonsense", "0::/nonsense\n", 0},
    {"v1", "5:memory:/x\n4:cpu,cpuacct:/old\n", 3},
    {"v1 without a quota", "4:cpu:/open\n", 0},
    {"cpuset is another controller", "4:cpuset:/old\n", 0},
    {"the least of v1 and v2", "4:cpu:/old\n0::/two\n", 2},
    {"no line of that file's", "nothing\n:\n::\n", 0},
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st; /* of any kind */
    (void)type;
    (void)at;
    return remove(path);
}

static void test_quota(void **state)
{
    char groups[PATH_MAX];

    (void)state;
    assert_non_null(mkdtemp(root));
    put("two/cpu.max", "200000 100000\n");
    put("part/cpu.max", "1000 100000\n");
    put("half/cpu.max", "150000 100000\n");
    put("free/cpu.max", "max 100000\n");
    put("two/three/cpu.max", "300000 100000\n");
    put("two/one/cpu.max", "100000 100000\n");
    put("nonsense/cpu.max", "much\n");
    put("cpu/old/cpu.cfs_quota_us", "250000\n");
    put("cpu/old/cpu.cfs_period_us", "100000\n");
    put("cpu/open/cpu.cfs_quota_us", "-1\n");
    put("cpu/open/cpu.cfs_period_us", "100000\n");
    (void)snprintf(groups, sizeof(groups), "%s/groups", root);
    for_each_row(c, cases)
    {
        put("groups", c->groups);
        expect_int(c->says, cores_by_quota(groups, root), c->want);
    }
    expect_int("no such file", cores_by_quota("/nonexistent", root), 0);
    put("cpu.max", "100000 100000\n");
    put("groups", "0::/\n");
    expect_int("the root's own", cores_by_quota(groups, root), 1);
    expect_int("cleaned up", nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    end_rows();
}

static void test_usable(void **state)
{
    (void)state;
    expect_true("there is one at least", cores_usable() >= 1);
    expect_true("and no more than the machine has",
                (long)cores_usable() <= sysconf(_SC_NPROCESSORS_CONF));
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
