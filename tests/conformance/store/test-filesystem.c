/* SPDX-License-Identifier: Apache-2.0 */
/* What only a watched directory meets: ways of saving, names, exchanged directories, odd files. */
#include "conformance.h"
#include "files.h"

#include "base/limits.h"

#include <errno.h>

typedef struct site {
    fixture f;
    char dir[600]; /* the rules, a directory inside the fixture's place */
    ttp_store *store;
    ttp_subscription *sub;
} site;

static const char *in(const site *s, const char *name)
{
    return path_in(s->dir, name);
}

static const char *beside(const site *s, const char *name)
{
    return path_in(s->f.place, name);
}

static void put(const char *path, const char *rule_id, int version)
{
    char text[512];

    write_path(path, rule_text(text, rule_id, version));
}

static void move(const char *from, const char *to)
{
    assert_int_equal(rename(from, to), 0);
}

static void open_site(site *s)
{
    ttp_store_options o = {.type = "filesystem", .rules_dir = s->dir};

    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
    s->sub = subscribe(s->store);
}

static void close_site(site *s)
{
    s->sub = ttp_subscription_close(s->sub);
    s->store = ttp_store_close(s->store);
}

static int set_up(void **state)
{
    site *s = calloc(1, sizeof(*s));

    if (!s || backend_filesystem.set_up(&s->f))
        return -1;
    (void)snprintf(s->dir, sizeof(s->dir), "%s/rules", s->f.place);
    *state = s;
    return mkdir(s->dir, 0755);
}

static int tear_down(void **state)
{
    site *s = *state;

    backend_filesystem.tear_down(&s->f);
    free(s);
    return 0;
}

/* Ways of saving: a.yaml holds A version 1 and becomes version 2. */

static void save_in_place(site *s)
{
    put(in(s, "a.yaml"), "A", 2);
}

static void save_in_flushes(site *s)
{
    char text[512];
    int fd = open(in(s, "a.yaml"), O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    (void)rule_text(text, "A", 2);
    for (const char *p = text; *p; p++)
        assert_int_equal(write(fd, p, 1), 1);
    assert_int_equal(close(fd), 0);
}

static void save_by_rename(site *s)
{
    put(in(s, "a.yaml.tmp"), "A", 2);
    move(in(s, "a.yaml.tmp"), in(s, "a.yaml"));
}

static void save_create_then_write(site *s)
{
    write_path(in(s, "a.yaml"), "");
    (void)ttp_store_rules_free(load(s->store)); /* seen, and waited with */
    put(in(s, "a.yaml"), "A", 2);
}

static void save_delete_and_create(site *s)
{
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
    put(in(s, "a.yaml"), "A", 2);
}

static void save_backup_dance(site *s)
{
    put(in(s, "4913"), "A", 2);
    assert_int_equal(unlink(in(s, "4913")), 0);
    move(in(s, "a.yaml"), in(s, "a.yaml~"));
    put(in(s, "a.yaml"), "A", 2);
    assert_int_equal(unlink(in(s, "a.yaml~")), 0);
}

static void save_by_link(site *s)
{
    put(beside(s, "next"), "A", 2);
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
    assert_int_equal(link(beside(s, "next"), in(s, "a.yaml")), 0);
}

static void save_touch(site *s)
{
    assert_int_equal(utimensat(AT_FDCWD, in(s, "a.yaml"), NULL, 0), 0);
}

static void save_identical(site *s)
{
    put(in(s, "a.yaml"), "A", 1);
}

static void save_scratch_names(site *s)
{
    static const char *const names[] = {".a.yaml.swp", ".a.yaml.swo", "a.yaml~",    ".a.yaml.bak",
                                        "4913",        ".4913",       ".foo",       "a.yaml.tmp",
                                        "a.txt",       "a.yaml\n",    "a.yaml.yml~"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        write_path(in(s, names[i]), "rule_id: [");
}

static void save_other_names(site *s)
{
    put(in(s, "A_1.yml"), "A1", 1);
}

static void save_delete(site *s)
{
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
}

static void save_move_out(site *s)
{
    move(in(s, "a.yaml"), beside(s, "a.yaml"));
}

static void save_move_away_and_back(site *s)
{
    move(in(s, "a.yaml"), beside(s, "a.yaml"));
    move(beside(s, "a.yaml"), in(s, "a.yaml"));
}

static void save_other_file_same_rule(site *s)
{
    put(in(s, "b.yaml"), "A", 1);
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
}

static const struct {
    const char *says;
    void (*save)(site *s);
    const char *want; /* NULL: no change */
} styles[] = {
    {"written in place", save_in_place, "definition A v2"},
    {"written in several flushes", save_in_flushes, "definition A v2"},
    {"a temporary file and a rename", save_by_rename, "definition A v2"},
    {"created, then written", save_create_then_write, "definition A v2"},
    {"deleted and made again", save_delete_and_create, "definition A v2"},
    {"an editor's backup dance", save_backup_dance, "definition A v2"},
    {"a hard link", save_by_link, "definition A v2"},
    {"touched", save_touch, NULL},
    {"the same bytes again, right after the start", save_identical, NULL},
    {"scratch names", save_scratch_names, NULL},
    {"another name that counts", save_other_names, "definition A1 v1"},
    {"deleted", save_delete, "definition A deleted"},
    {"moved out of the directory", save_move_out, "definition A deleted"},
    {"moved away and back", save_move_away_and_back, NULL},
    {"copied under another name, then the first removed", save_other_file_same_rule, NULL},
};

static void test_styles(void **state)
{
    site *s = *state;

    for_each_row(c, styles)
    {
        put(in(s, "a.yaml"), "A", 1);
        open_site(s);
        c->save(s);
        if (c->want)
            expect_next(c->says, s->sub, c->want);
        expect_quiet(c->says, s->store, s->sub);
        close_site(s);
        remove_tree(s->dir);
        assert_int_equal(mkdir(s->dir, 0755), 0);
    }
    end_rows();
}

static void test_half_written(void **state)
{
    site *s = *state;
    char text[512];
    int fd;

    open_site(s);
    fd = open(in(s, "a.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    (void)rule_text(text, "A", 1);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    expect_quiet("whole, but somebody still writes it", s->store, s->sub);
    close_site(s);
    open_site(s);
    expect_rules("nor is it live at a start", s->store, "");
    assert_int_equal(close(fd), 0);
    expect_next("closed", s->sub, "definition A v1");
    close_site(s);
    end_rows();
}

static void test_doubles(void **state)
{
    site *s = *state;

    put(in(s, "b.yaml"), "A", 2);
    put(in(s, "c.yaml"), "A", 3);
    open_site(s);
    expect_rules("the first by name runs", s->store, "A v2");
    put(in(s, "a.yaml"), "A", 1);
    expect_next("one before it takes over", s->sub, "definition A v1");
    put(in(s, "c.yaml"), "A", 4);
    expect_quiet("the last one only waits", s->store, s->sub);
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
    expect_next("the next one takes over", s->sub, "definition A v2");
    put(in(s, "b.yaml"), "B", 1);
    expect_next("a rule_id changed inside a file: the next by name takes the old one", s->sub,
                "definition A v4");
    expect_next("and the new one comes", s->sub, "definition B v1");
    put(in(s, "c.yaml"), "C", 1);
    expect_next("nobody else has the old one: it goes", s->sub, "definition A deleted");
    expect_next("and the new one comes", s->sub, "definition C v1");
    expect_quiet("that was all", s->store, s->sub);
    close_site(s);
    end_rows();
}

static void test_state_follows_rule_id(void **state)
{
    site *s = *state;
    ttp_rule_state set = state_default, got;
    ttp_store_rules *rules;

    put(in(s, "other_name.yaml"), "A", 1);
    open_site(s);
    set.kind = TTP_STATE_DISABLED;
    expect_int("set", ttp_store_set_state(s->store, "A", &set, "me", NULL), 0);
    expect_next("announced", s->sub, "state A disabled");
    move(in(s, "other_name.yaml"), in(s, "a.yaml"));
    rules = load(s->store);
    assert_non_null(ttp_store_rules_at(rules, 0, &got));
    expect_int("it goes by rule_id, not by name", got.kind, TTP_STATE_DISABLED);
    (void)ttp_store_rules_free(rules);
    expect_quiet("and another name is no change", s->store, s->sub);
    close_site(s);
    end_rows();
}

static void test_directory_exchanged(void **state)
{
    site *s = *state;
    char next[600];

    (void)snprintf(next, sizeof(next), "%.500s/next", s->f.place);
    put(in(s, "a.yaml"), "A", 1);
    put(in(s, "b.yaml"), "B", 1);
    open_site(s);
    assert_int_equal(mkdir(next, 0755), 0);
    put(path_in(next, "a.yaml"), "A", 1);
    put(path_in(next, "b.yaml"), "B", 2);
    put(path_in(next, "c.yaml"), "C", 1);
    move(s->dir, beside(s, "old"));
    move(next, s->dir);
    expect_next("exchanged: only what differs", s->sub, "definition B v2");
    expect_next("and what is new", s->sub, "definition C v1");
    put(beside(s, "old/a.yaml"), "A", 9);
    expect_quiet("the old directory is nobody's", s->store, s->sub);
    put(in(s, "a.yaml"), "A", 2);
    expect_next("the new one is followed", s->sub, "definition A v2");
    move(s->dir, beside(s, "gone"));
    expect_rules("away: its rules go on", s->store, "A v2, B v2, C v1");
    move(beside(s, "gone"), s->dir);
    expect_quiet("back: nothing has changed", s->store, s->sub);
    remove_tree(s->dir);
    assert_int_equal(mkdir(s->dir, 0755), 0);
    put(in(s, "c.yaml"), "C", 2);
    expect_next("deleted and made again", s->sub, "definition C v2");
    expect_next("what is gone", s->sub, "definition A deleted");
    expect_next("is gone", s->sub, "definition B deleted");
    expect_quiet("that was all", s->store, s->sub);
    close_site(s);
    end_rows();
}

/* rules -> v1, then turned to v2 by a rename over it. */
static void test_link_to_directory(void **state)
{
    site *s = *state;

    assert_int_equal(rmdir(s->dir), 0);
    assert_int_equal(mkdir(beside(s, "v1"), 0755), 0);
    assert_int_equal(mkdir(beside(s, "v2"), 0755), 0);
    put(beside(s, "v1/a.yaml"), "A", 1);
    put(beside(s, "v2/a.yaml"), "A", 2);
    assert_int_equal(symlink("v1", s->dir), 0);
    open_site(s);
    assert_int_equal(symlink("v2", beside(s, "turned")), 0);
    move(beside(s, "turned"), s->dir);
    expect_next("the link is turned", s->sub, "definition A v2");
    put(in(s, "a.yaml"), "A", 3);
    expect_next("what it leads to is followed", s->sub, "definition A v3");
    close_site(s);
    end_rows();
}

/* As Kubernetes mounts a map: a.yaml -> ..data/a.yaml, ..data -> ..1 */
static void test_links_in_directory(void **state)
{
    site *s = *state;

    assert_int_equal(mkdir(in(s, "..1"), 0755), 0);
    assert_int_equal(mkdir(in(s, "..2"), 0755), 0);
    put(in(s, "..1/a.yaml"), "A", 1);
    put(in(s, "..2/a.yaml"), "A", 2);
    assert_int_equal(symlink("..1", in(s, "..data")), 0);
    assert_int_equal(symlink("..data/a.yaml", in(s, "a.yaml")), 0);
    open_site(s);
    expect_rules("links are read", s->store, "A v1");
    assert_int_equal(symlink("..2", in(s, "..data_tmp")), 0);
    move(in(s, "..data_tmp"), in(s, "..data"));
    expect_next("..data is turned", s->sub, "definition A v2");
    expect_quiet("once", s->store, s->sub);
    close_site(s);
    end_rows();
}

static void test_odd_files(void **state)
{
    site *s = *state;
    ttp_store_rules *rules;
    char long_name[256];
    int fd;

    put(in(s, "good.yaml"), "GOOD", 1);
    memset(long_name, 'x', 255);
    (void)snprintf(long_name + 250, 6, ".yaml");
    put(in(s, long_name), "LONG", 1);
    assert_int_equal(mkfifo(in(s, "fifo.yaml"), 0644), 0);
    assert_int_equal(mkdir(in(s, "dir.yaml"), 0755), 0);
    assert_int_equal(symlink("loop.yaml", in(s, "loop.yaml")), 0);
    assert_int_equal(symlink("/dev/zero", in(s, "zero.yaml")), 0);
    fd = open(in(s, "big.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 10 << 20), 0);
    assert_int_equal(close(fd), 0);
    open_site(s);
    expect_rules("the others are live", s->store, "GOOD v1, LONG v1");
    rules = load(s->store);
    expect_int("each odd one is reported", ttp_store_rules_n_diagnostics(rules), 5);
    (void)ttp_store_rules_free(rules);
    assert_int_equal(unlink(in(s, "fifo.yaml")), 0);
    put(in(s, "fifo.yaml"), "FIFO", 1);
    expect_next("one that becomes a file is taken", s->sub, "definition FIFO v1");
    close_site(s);
    end_rows();
}

#define N_FILES 200

static void test_one_bad_among_many(void **state)
{
    site *s = *state;
    ttp_store_rules *rules;
    char name[32], id[16];

    for (int i = 0; i < N_FILES; i++) {
        (void)snprintf(name, sizeof(name), "r%03d.yaml", i);
        (void)snprintf(id, sizeof(id), "R%03d", i);
        put(in(s, name), id, 1);
    }
    write_path(in(s, "r077.yaml"), "rule_id: [");
    open_site(s);
    rules = load(s->store);
    expect_int("all but one are live", ttp_store_rules_count(rules), N_FILES - 1);
    expect_int("one is reported", ttp_store_rules_n_diagnostics(rules), 1);
    (void)ttp_store_rules_free(rules);
    close_site(s);
    end_rows();
}

static long queue_limit(void)
{
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    long n = 0;

    if (f && fscanf(f, "%ld", &n) != 1)
        n = 0;
    if (f)
        (void)fclose(f); /* was only read from */
    return n;
}

/* The hook holds the thread up while more events come than the kernel keeps. */
typedef struct dam {
    pthread_mutex_t lock;
} dam;

static int wait_at_dam(void *ctx, const char *topic, const char *json)
{
    dam *d = ctx;

    (void)topic;
    (void)json;
    pthread_mutex_lock(&d->lock);
    pthread_mutex_unlock(&d->lock);
    return 0;
}

static void test_overflow(void **state)
{
    site *s = *state;
    dam d = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ttp_store_options o = {
        .type = "filesystem", .rules_dir = s->dir, .publish = wait_at_dam, .publish_ctx = &d};
    long limit = queue_limit();

    if (limit <= 0 || limit > 100000) {
        print_message("SKIP: the queue of inotify holds %ld events\n", limit);
        skip();
    }
    put(in(s, "b.yaml"), "B", 1);
    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
    s->sub = subscribe(s->store);
    pthread_mutex_lock(&d.lock);
    put(in(s, "a.yaml"), "A", 1);
    for (long i = 0; i < limit; i++) {
        write_path(in(s, "scratch~"), "x");
        assert_int_equal(unlink(in(s, "scratch~")), 0);
    }
    put(in(s, "c.yaml"), "C", 1);
    assert_int_equal(unlink(in(s, "b.yaml")), 0);
    pthread_mutex_unlock(&d.lock);
    expect_next("before the flood", s->sub, "definition A v1");
    expect_next("what came when nothing more fitted", s->sub, "definition C v1");
    expect_next("what went", s->sub, "definition B deleted");
    expect_quiet("exactly that", s->store, s->sub);
    close_site(s);
    end_rows();
}

static const struct {
    const char *says, *name;
    int want;
} no_directories[] = {
    {"a directory that is not there", "nowhere", -ENOENT},
    {"a file", "file", -ENOTDIR},
};

static void test_no_directory(void **state)
{
    site *s = *state;

    write_path(beside(s, "file"), "x");
    for_each_row(c, no_directories)
    {
        ttp_store_options o = {.type = "filesystem", .rules_dir = beside(s, c->name)};
        ttp_err err = {0};

        expect_int(c->says, ttp_store_open(&o, &s->store, &err), c->want);
        expect_true(c->says, strstr(err.text, "expected a directory"));
        expect_true(c->says, strcmp(err.where, o.rules_dir) == 0);
    }
    end_rows();
}

/* What no event tells of: a file that is a link to one elsewhere. */
static void test_reconcile(void **state)
{
    site *s = *state;
    ttp_store_options o = {.type = "filesystem", .rules_dir = s->dir, .reconcile_ms = 50};

    put(beside(s, "a"), "A", 1);
    assert_int_equal(symlink("../a", in(s, "a.yaml")), 0);
    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
    s->sub = subscribe(s->store);
    put(beside(s, "a"), "A", 2);
    expect_next("found by comparing", s->sub, "definition A v2");
    close_site(s);
    end_rows();
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_styles),
        EACH(test_half_written),
        EACH(test_doubles),
        EACH(test_state_follows_rule_id),
        EACH(test_directory_exchanged),
        EACH(test_link_to_directory),
        EACH(test_links_in_directory),
        EACH(test_odd_files),
        EACH(test_one_bad_among_many),
        EACH(test_overflow),
        EACH(test_no_directory),
        EACH(test_reconcile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
