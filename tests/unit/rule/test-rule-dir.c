/* SPDX-License-Identifier: Apache-2.0 */
/* Rules from real files, odd ones among them. */
#include "rule/rule.h"

#include "base/limits.h"

#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    bool want;
} name_cases[] = {
    {"R0001.yaml", true},   {"r_1.yml", true},      {"_.yaml", true},    {".yaml", false},
    {"x.yaml~", false},     {".x.yaml.swp", false}, {"4913", false},     {"x.yaml.tmp", false},
    {"x.YAML", false},      {"a-b.yaml", false},    {"a b.yaml", false}, {"a.b.yaml", false},
    {"x.json", false},      {"x.yamll", false},     {"", false},         {"x.yaml\n", false},
    {".x.yaml.swo", false}, {".x.yaml.bak", false}, {".4913", false},    {".foo", false},
    {"x.txt", false},       {"A_1.yml", true},      {"a.yaml", true},    {"\nx.yaml", false},
};

static void test_names(void **state)
{
    (void)state;
    for_each_row(c, name_cases)
        expect_int(c->name, rule_file_name_counts(str_from(c->name)), c->want);
    expect_int("a NUL does not end a name", rule_file_name_counts(STR("x.yaml\0")), false);
    end_rows();
}

static const char *in_dir(const char *dir, const char *name)
{
    static char path[4096];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    FILE *f = fopen(in_dir(dir, name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void write_rule(const char *dir, const char *name, const char *rule_id)
{
    char text[512];

    (void)snprintf(
        text, sizeof(text),
        "rule_id: %s\nrule_version: 1\nname: x\napplies_to: command\nmatch: {pattern: x}\n"
        "emits: [{tactic: TA0007, technique_id: T1083, confidence: 1}]\n",
        rule_id);
    write_file(dir, name, text);
}

static int make_dir(void **state)
{
    static char dir[64];

    (void)snprintf(dir, sizeof(dir), "%s/test-rule-dir.XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                 : "/tmp"); /* many files: quick in memory */
    *state = mkdtemp(dir);
    return *state ? 0 : -1;
}

static int remove_dir(void **state)
{
    DIR *d = opendir(*state);
    const struct dirent *e;

    while (d && (e = readdir(d))) {
        if (unlink(in_dir(*state, e->d_name)))
            (void)rmdir(in_dir(*state, e->d_name)); /* "." and ".." stay */
    }
    if (d)
        (void)closedir(d); /* was only read from */
    return rmdir(*state);
}

static void put_rule_ids(buf *b, const rule_dir *d)
{
    for (size_t i = 0; i < d->n_rules; i++) {
        buf_put_c(b, i ? " " : "");
        buf_put_str(b, d->rules[i]->rule_id);
    }
}

static void expect_dir(const char *says, const char *path, const char *want_ids,
                       const char *const *want_errors, size_t n_errors)
{
    rule_dir d = {0};
    buf ids = {0};
    ttp_err err = {0};
    size_t prefix = strlen(path) + 1;

    expect_int(says, rule_dir_read(path, NULL, &d, &err), 0);
    put_rule_ids(&ids, &d);
    expect_str(says, buf_str(&ids), want_ids);
    expect_int(says, d.n_errors, n_errors);
    for (size_t i = 0; i < d.n_errors && i < n_errors; i++) {
        char line[1200];

        expect_c(says, ttp_err_format(&d.errors[i], line, sizeof(line)) + prefix, want_errors[i]);
    }
    buf_done(&ids);
    rule_dir_done(&d);
}

static void test_order(void **state)
{
    const char *dir = *state;

    expect_dir("an empty directory", dir, "", NULL, 0);
    write_rule(dir, "b.yaml", "B");
    write_rule(dir, "B.yml", "UPPER");
    write_rule(dir, "a10.yaml", "A10");
    write_rule(dir, "a9.yaml", "A9");
    write_file(dir, ".a.yaml.swp", "broken: [");
    write_file(dir, "README.md", "broken: [");
    expect_dir("in the order of names, others passed over", dir, "UPPER A10 A9 B", NULL, 0);
    end_rows();
}

static void test_bad_files(void **state)
{
    static const char *const want[] = {
        "a.yaml:2:1: broken YAML: flow sequence without a closing bracket",
        "c.yaml: rule_id B is @/b.yaml's already; expected another",
        "d.yaml:1:1: the file is empty; expected a rule",
    };
    const char *dir = *state;
    char second[4096];
    const char *errors[] = {want[0], second, want[2]};

    write_file(dir, "a.yaml", "x: [\n");
    write_rule(dir, "b.yaml", "B");
    write_rule(dir, "c.yaml", "B");
    write_file(dir, "d.yaml", "");
    write_rule(dir, "e.yaml", "E");
    (void)snprintf(second, sizeof(second),
                   "c.yaml: rule_id B is %s/b.yaml's already; expected another", dir);
    expect_dir("bad files stop no others, the first of two with one id wins", dir, "B E", errors,
               3);
    end_rows();
}

static void make_large(const char *path)
{
    assert_int_equal(truncate(path, RULE_FILE_MAX + 1), 0);
}

static void test_odd_entries(void **state)
{
    static const char *const want[] = {
        "device.yaml: is a device; expected a regular file",
        "dir.yaml: is a directory; expected a regular file",
        "fifo.yaml: is a FIFO; expected a regular file",
        "gone.yaml: cannot open: No such file or directory",
        "large.yaml: has 1048577 bytes; expected at most 1048576",
        "loop.yaml: cannot open: Too many levels of symbolic links",
    };
    const char *dir = *state;
    char name[NAME_MAX + 1];

    assert_int_equal(mkdir(in_dir(dir, "dir.yaml"), 0700), 0);
    assert_int_equal(mkfifo(in_dir(dir, "fifo.yaml"), 0600), 0);
    assert_int_equal(symlink("/nonexistent/x", in_dir(dir, "gone.yaml")), 0);
    assert_int_equal(symlink("loop.yaml", in_dir(dir, "loop.yaml")), 0);
    assert_int_equal(symlink("/dev/zero", in_dir(dir, "device.yaml")), 0);
    assert_int_equal(symlink("target", in_dir(dir, "link.yaml")), 0);
    write_rule(dir, "target", "LINKED");
    write_rule(dir, "large.yaml", "LARGE");
    make_large(in_dir(dir, "large.yaml"));
    memset(name, 'z', sizeof(name));
    memcpy(name + NAME_MAX - 5, ".yaml", 6);
    write_rule(dir, name, "LONG_NAME");
    expect_dir("odd entries are reported, links to files are read", dir, "LINKED LONG_NAME", want,
               6);
    end_rows();
}

static void test_no_dir(void **state)
{
    rule_dir d = {0};
    ttp_err err = {0};

    expect_int("no such directory", rule_dir_read("/nonexistent/rules", NULL, &d, &err), -ENOENT);
    expect_c("says so", err.text, "cannot open the directory: No such file or directory");
    expect_c("says where", err.where, "/nonexistent/rules");
    write_rule(*state, "a.yaml", "A");
    expect_int("a file is none", rule_dir_read(in_dir(*state, "a.yaml"), NULL, &d, &err), -ENOTDIR);
    rule_dir_done(&d);
    end_rows();
}

static void test_paths(void **state)
{
    static char inner[128], first[128], odd[128], gone[] = "/nonexistent/x.yaml";
    char *paths[] = {first, inner, gone, odd};
    const char *dir = *state;
    rule_dir d = {0};
    buf ids = {0};

    write_rule(dir, "b.yaml", "B");
    write_rule(dir, "a.yaml", "A");
    write_rule(dir, "any-name.txt", "ANY");
    (void)snprintf(inner, sizeof(inner), "%s", dir);
    (void)snprintf(first, sizeof(first), "%s/b.yaml", dir);
    (void)snprintf(odd, sizeof(odd), "%s/any-name.txt", dir);
    expect_int("files and directories", rule_paths_read(paths, 4, NULL, &d), 0);
    put_rule_ids(&ids, &d);
    expect_str("in the order they are named", buf_str(&ids), "B A ANY");
    expect_int("one stands there twice, one is missing", d.n_errors, 2);
    expect_int("twice", d.n_errors > 0 ? d.errors[0].code : 0, TTP_E_DUPLICATE);
    expect_int("missing", d.n_errors > 1 ? d.errors[1].code : 0, -ENOENT);
    buf_done(&ids);
    rule_dir_done(&d);
    end_rows();
}

static void test_many(void **state)
{
    rule_dir d = {0};
    ttp_err err = {0};
    char name[32], id[32];

    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "r%03u.yaml", i);
        (void)snprintf(id, sizeof(id), "R%u", i % 200);
        write_rule(*state, name, id);
    }
    expect_int("many files", rule_dir_read(*state, NULL, &d, &err), 0);
    expect_int("rules", d.n_rules, 200);
    expect_int("the others have an id that was there", d.n_errors, 100);
    rule_dir_done(&d);
    end_rows();
}

static void test_file_limit(void **state)
{
    char name[32];

    for (unsigned i = 0; i <= RULE_DIR_FILES_MAX; i++) {
        rule_dir d = {0};
        const char *last;

        (void)snprintf(name, sizeof(name), "r%05u.yaml", i);
        assert_int_equal(mknod(in_dir(*state, name), S_IFREG | 0600, 0), 0);
        if (i + 1 < RULE_DIR_FILES_MAX)
            continue;
        expect_int("reads", rule_dir_read(*state, NULL, &d, NULL), 0);
        expect_int("an error a file, and one for those beyond the limit", d.n_errors, i + 1);
        last = d.n_errors ? d.errors[d.n_errors - 1].text : "";
        expect_c("the last one", last,
                 i < RULE_DIR_FILES_MAX
                     ? "the file is empty; expected a rule"
                     : "has 50001 rule files; expected at most 50000, the rest is not read");
        rule_dir_done(&d);
    }
    end_rows();
}

static void test_one_file(void **state)
{
    auto_free(rule) rule *r = NULL;
    ttp_err err = {0};
    char path[4096];

    write_rule(*state, "a.yaml", "A");
    (void)snprintf(path, sizeof(path), "%s/a.yaml", (const char *)*state);
    expect_int("a file", rule_read_file(path, NULL, &r, &err), 0);
    expect_str("its path", r ? r->path : STR_NULL, path);
    expect_int("a file that is not there is a system error",
               rule_read_file("/nonexistent.yaml", NULL, &r, &err), -ENOENT);
    expect_int("a device is no rule", rule_read_file("/dev/zero", NULL, &r, &err), TTP_E_INVALID);
    end_rows();
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), IN_DIR(test_order),      IN_DIR(test_bad_files),
        IN_DIR(test_odd_entries),     IN_DIR(test_no_dir),     IN_DIR(test_one_file),
        IN_DIR(test_paths),           IN_DIR(test_file_limit), IN_DIR(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
