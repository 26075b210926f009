/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may happen between listing a directory, opening a file of it and having read that. The
 * system's answers are ours here, by the linker (--wrap).
 */
#include "../../conformance/store/conformance.h"
#include "../../conformance/store/files.h"

#include "base/limits.h"
#include "rule/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

static atomic_bool all_look_regular; /* directories say of all that they hold: a regular file */
static atomic_int n_lease_losses;    /* so many leases are gone when they are given back */

struct dirent *__real_readdir64(DIR *dir);
struct dirent *__wrap_readdir64(DIR *dir);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);

struct dirent *__wrap_readdir64(DIR *dir)
{
    struct dirent *e = __real_readdir64(dir);

    if (e && all_look_regular)
        e->d_type = DT_REG;
    return e;
}

int __wrap_fcntl64(int fd, int command, ...)
{
    va_list arguments;
    long argument;
    int rc;

    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    rc = __real_fcntl64(fd, command, argument);
    if (command == F_SETLEASE && argument == F_UNLCK && n_lease_losses > 0) {
        n_lease_losses--;
        errno = EAGAIN;
        return -1;
    }
    return rc;
}

typedef struct site {
    char dir[64];
    ttp_store *store;
    ttp_subscription *sub;
} site;

static int set_up(void **state)
{
    site *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    all_look_regular = false;
    n_lease_losses = 0;
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/ttp-looking.XXXXXX");
    *state = s;
    return mkdtemp(s->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    site *s = *state;

    (void)ttp_subscription_close(s->sub); /* returns NULL */
    (void)ttp_store_close(s->store);      /* returns NULL */
    remove_tree(s->dir);
    free(s);
    return 0;
}

static void put(const site *s, const char *name, const char *rule_id, int version)
{
    char text[512];

    write_path(path_in(s->dir, name), rule_text(text, rule_id, version));
}

static void open_site(site *s)
{
    ttp_store_options o = {.type = "filesystem", .rules_dir = s->dir};

    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
    s->sub = subscribe(s->store);
}

/* As if each had taken the place of a regular file after the directory was listed. */
static void test_exchanged_after_listing(void **state)
{
    site *s = *state;
    ttp_store_rules *rules;

    put(s, "a.yaml", "A", 1);
    put(s, "target", "B", 2);
    assert_int_equal(symlink("target", path_in(s->dir, "b.yaml")), 0);
    assert_int_equal(mkfifo(path_in(s->dir, "fifo.yaml"), 0644), 0);
    assert_int_equal(mkdir(path_in(s->dir, "dir.yaml"), 0755), 0);
    assert_int_equal(symlink("loop.yaml", path_in(s->dir, "loop.yaml")), 0);
    assert_int_equal(symlink("/dev/zero", path_in(s->dir, "zero.yaml")), 0);
    assert_int_equal(symlink("nowhere", path_in(s->dir, "gone.yaml")), 0);
    all_look_regular = true;
    open_site(s);
    expect_rules("a file and a link to one", s->store, "A v1, B v2");
    rules = load(s->store);
    expect_int("each odd one is reported, one that is gone is not",
               ttp_store_rules_n_diagnostics(rules), 4);
    (void)ttp_store_rules_free(rules); /* returns NULL */
    end_rows();
}

/* Who keeps a writer waiting for too long loses its lease, and the file is not what was read. */
static void test_lease_lost(void **state)
{
    site *s = *state;

    put(s, "a.yaml", "A", 1);
    n_lease_losses = 3;
    open_site(s);
    expect_rules("looked at until it could be read in peace", s->store, "A v1");
    expect_int("as often as that took", n_lease_losses, 0);
    (void)ttp_subscription_close(s->sub); /* returns NULL; it may have been told of that */
    s->sub = subscribe(s->store);
    n_lease_losses = 1;
    put(s, "a.yaml", "A", 2);
    expect_next("an edit, too", s->sub, "definition A v2");
    end_rows();
}

static const struct {
    const char *says;
    size_t len; /* of the file */
    off_t hint; /* what it is said to be */
    int want;
} sizes[] = {
    {"as said", 1000, 1000, 0},
    {"it has grown", 50000, 1000, 0},
    {"it has grown by one", 1001, 1000, 0},
    {"it has shrunk", 1000, 5000, 0},
    {"it is empty now", 0, 5000, 0},
    {"empty", 0, 0, 0},
    {"nobody can say, as in /proc", 50000, 0, 0},
    {"as large as allowed", RULE_FILE_MAX, RULE_FILE_MAX, 0},
    {"grown to what is allowed", RULE_FILE_MAX, 10, 0},
    {"grown by one beyond it", RULE_FILE_MAX + 1, RULE_FILE_MAX, TTP_E_LIMIT},
    {"grown far beyond it", 3 * RULE_FILE_MAX, 10, TTP_E_LIMIT},
};

static void test_sizes(void **state)
{
    site *s = *state;

    for_each_row(c, sizes)
    {
        auto_free(buf) buf want = {0}, got = {0};
        int fd = open(path_in(s->dir, "x"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        for (size_t i = 0; i < c->len; i++)
            buf_put_char(&want, (char)('a' + i % 23));
        assert_int_equal(write(fd, want.ptr ? want.ptr : "", want.len), (ssize_t)want.len);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        expect_int(c->says, rule_file_bytes(fd, c->hint, "x", &got, NULL), c->want);
        if (!c->want)
            expect_true(c->says, str_eq(buf_str(&got), buf_str(&want)));
        assert_int_equal(close(fd), 0);
    }
    end_rows();
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_exchanged_after_listing),
        EACH(test_lease_lost),
        EACH(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
