/* SPDX-License-Identifier: Apache-2.0 */
/* Files, the data directory and the environment. */
#include "bundle.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define V18 BUNDLE(EXECUTION "," SHELL "," COLLECTION("18.1"))
#define V19 BUNDLE(EXECUTION "," SHELL "," COLLECTION("19.0"))

/* A directory of this test's own: home/.local/share/ttp/attack and data/ttp/attack. */
static char top[] = "/tmp/ttp-load-XXXXXX";

static const char *in_top(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_top(name), "we");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    static const char *const dirs[] = {
        "home",
        "home/.local",
        "home/.local/share",
        "home/.local/share/ttp",
        "home/.local/share/ttp/attack",
        "data",
        "data/ttp",
        "data/ttp/attack",
    };

    (void)state;
    if (!mkdtemp(top))
        return -1;
    for_each_row(dir, dirs)
    {
        if (mkdir(in_top(*dir), 0700))
            return -1;
    }
    write_file("18.json", V18);
    write_file("garbage.json", "no bundle");
    write_file("empty.json", "");
    write_file("home/.local/share/ttp/attack/enterprise-attack-18.1.json", V18);
    write_file("data/ttp/attack/enterprise-attack-19.0.json", V19);
    write_file("data/ttp/attack/mobile-attack-19.0.json", V19);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const files[] = {
        "18.json",
        "garbage.json",
        "empty.json",
        "long.json",
        "home/.local/share/ttp/attack/enterprise-attack-18.1.json",
        "data/ttp/attack/enterprise-attack-19.0.json",
        "data/ttp/attack/mobile-attack-19.0.json",
        "home/.local/share/ttp/attack",
        "home/.local/share/ttp",
        "home/.local/share",
        "home/.local",
        "home",
        "data/ttp/attack",
        "data/ttp",
        "data",
        "",
    };

    (void)state;
    for_each_row(file, files)(void) remove(in_top(*file));
    return 0;
}

static const struct {
    const char *says, *file;
    int want;
    const char *sentence;
} loads[] = {
    {"a bundle", "18.json", 0, ""},
    {"a file that is not there", "none.json", -ENOENT, "cannot open"},
    {"a directory", "home", -EISDIR, "cannot read"},
    {"an empty file", "empty.json", TTP_E_SYNTAX, "JSON"},
    {"no JSON", "garbage.json", TTP_E_SYNTAX, "JSON"},
    {"a file too long to be one", "long.json", TTP_E_LIMIT, "256 MiB"},
};

static void test_load(void **state)
{
    int fd = open(in_top("long.json"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(ftruncate(fd, (off_t)ATTACK_BUNDLE_MAX + 1), 0); /* takes no room */
    close(fd);
    for_each_row(c, loads)
    {
        attack_catalogue *made = NULL;
        ttp_err err = {0};

        expect_int(c->says, attack_load(in_top(c->file), NULL, &made, &err), c->want);
        if (c->want)
            expect_text(c->says, err.where, in_top(c->file));
        if (!strstr(err.text, c->sentence))
            expect_text(c->says, err.text, c->sentence);
        attack_free(made);
    }
    end_rows();
}

static void test_pipe(void **state)
{
    attack_catalogue *made = NULL;
    char path[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], V18, strlen(V18)), strlen(V18));
    close(ends[1]);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(attack_load(path, NULL, &made, NULL), 0);
    assert_int_equal(attack_count(made), 1);
    attack_free(made);
    close(ends[0]);
}

static void set(const char *name, const char *value)
{
    if (!value)
        unsetenv(name);
    else if (value[0] == '/')
        setenv(name, in_top(value + 1), 1);
    else
        setenv(name, value, 1);
}

/* A leading '/' stands for the test's directory. */
static const struct {
    const char *says, *home, *data, *variable, *bundle, *release;
    int want;
    const char *want_release; /* or a part of the sentence */
} opens[] = {
    {"nothing named", "/home", NULL, NULL, NULL, NULL, 0, "enterprise-v18.1"},
    {"an empty name is none", "/home", NULL, "", "", NULL, 0, "enterprise-v18.1"},
    {"a file by the variable", "/home", NULL, "/data/ttp/attack/enterprise-attack-19.0.json", NULL,
     NULL, 0, "enterprise-v19.0"},
    {"a release by the variable", "/home", "/data", "19.0", NULL, NULL, 0, "enterprise-v19.0"},
    {"the option before the variable", "/home", "/data", "19.0", "/18.json", NULL, 0,
     "enterprise-v18.1"},
    {"the built-in one by name", "/home", "/data", "19.0", "builtin", NULL, 0, "enterprise-v18.1"},
    {"a fetched release, by default below HOME", "/home", NULL, NULL, "enterprise-v18.1", NULL, 0,
     "enterprise-v18.1"},
    {"a relative XDG_DATA_HOME is ignored", "/home", "data", NULL, "18.1", NULL, 0,
     "enterprise-v18.1"},
    {"a fetched release of another domain", "/home", "/data", NULL, "mobile-v19.0", NULL, 0,
     "enterprise-v19.0"},
    {"a release with another name for it", "/home", "/data", NULL, "19.0", "19.1", 0,
     "enterprise-v19.1"},
    {"a release that was not fetched", "/home", "/data", NULL, "18.1", NULL, TTP_E_NOT_FOUND,
     "ttp attack fetch enterprise-v18.1"},
    {"no home to look in", NULL, NULL, NULL, "18.1", NULL, TTP_E_INVALID, "HOME"},
    {"a file that is not there", "/home", NULL, NULL, "/none.json", NULL, -ENOENT, "cannot open"},
    {"the built-in one's own release", "/home", NULL, NULL, NULL, "enterprise-v18.1", 0,
     "enterprise-v18.1"},
    {"the same in short", "/home", NULL, NULL, NULL, "18.1", 0, "enterprise-v18.1"},
    {"another release of the built-in one", "/home", NULL, NULL, NULL, "19.0", TTP_E_INVALID,
     "not \"19.0\""},
    {"another domain of it", "/home", NULL, NULL, NULL, "ics-v18.1", TTP_E_INVALID, "ics-v18.1"},
    {"no release", "/home", NULL, NULL, NULL, "new", TTP_E_INVALID, "not \"new\""},
};

static void test_open(void **state)
{
    (void)state;
    for_each_row(c, opens)
    {
        const char *bundle = c->bundle && c->bundle[0] == '/' ? in_top(c->bundle + 1) : c->bundle;
        attack_catalogue *made = NULL;
        ttp_err err = {0};

        set("HOME", c->home);
        set("XDG_DATA_HOME", c->data);
        set("DECNET_TTP_ATTACK_BUNDLE", c->variable);
        expect_int(c->says, attack_open(bundle, c->release, &made, &err), c->want);
        if (c->want)
            expect_true(c->says, strstr(err.text, c->want_release) != NULL);
        else
            expect_str(c->says, attack_release(made), c->want_release);
        attack_free(made);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_open),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
