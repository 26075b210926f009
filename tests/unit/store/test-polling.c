/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory that the kernel does not tell of: no inotify to be had, no watch, or a network
 * filesystem. The system's answers are ours here, by the linker (--wrap).
 */
#include "../../conformance/store/conformance.h"
#include "../../conformance/store/files.h"

#include "base/limits.h"
#include "base/time.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

static atomic_int init_error, watch_error, lease_error;
static atomic_bool is_remote;

int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __real_statfs64(const char *path, struct statfs64 *st);
int __wrap_statfs64(const char *path, struct statfs64 *st);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);

int __wrap_inotify_init1(int flags)
{
    errno = init_error;
    return init_error ? -1 : __real_inotify_init1(flags);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    errno = watch_error;
    return watch_error ? -1 : __real_inotify_add_watch(fd, path, mask);
}

int __wrap_statfs64(const char *path, struct statfs64 *st)
{
    int rc = __real_statfs64(path, st);

    if (is_remote)
        st->f_type = NFS_SUPER_MAGIC;
    return rc;
}

int __wrap_fcntl64(int fd, int command, ...)
{
    va_list arguments;
    long argument;

    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    errno = lease_error;
    return command == F_SETLEASE && lease_error ? -1 : __real_fcntl64(fd, command, argument);
}

/* Lines of the log that hold a word. */
typedef struct line_counts {
    atomic_int n_polled, n_watched, n_repaired;
} line_counts;

static void count_line(void *ctx, ttp_log_level level, const char *line)
{
    line_counts *n = ctx;

    (void)level;
    n->n_polled += strstr(line, "cannot be watched") != NULL;
    n->n_watched += strstr(line, "can be watched now") != NULL;
    n->n_repaired += strstr(line, "nothing had told of") != NULL;
}

typedef struct site {
    char dir[64];
    ttp_store *store;
    ttp_subscription *sub;
    line_counts lines;
} site;

static int set_up(void **state)
{
    site *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    init_error = watch_error = lease_error = 0;
    is_remote = false;
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/ttp-polling.XXXXXX");
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

static void open_site(site *s, uint32_t reconcile_ms)
{
    ttp_store_options o = {.type = "filesystem",
                           .rules_dir = s->dir,
                           .reconcile_ms = reconcile_ms,
                           .log = {count_line, &s->lines}};

    s->sub = ttp_subscription_close(s->sub);
    s->store = ttp_store_close(s->store);
    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
    s->sub = subscribe(s->store);
}

static const struct {
    const char *says;
    int init_error, watch_error;
    bool is_remote;
} cases[] = {
    {"the user's instances are used up", EMFILE, 0, false},
    {"the system's files are used up", ENFILE, 0, false},
    {"a kernel without it", ENOSYS, 0, false},
    {"the user's watches are used up", 0, ENOSPC, false},
    {"no memory for a watch", 0, ENOMEM, false},
    {"a network filesystem", 0, 0, true},
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Three changes, in whatever order: a file that waits comes later. */
static void expect_changes(const char *says, ttp_subscription *sub, const char *const want[3])
{
    char got[3][160];

    for (int i = 0; i < 3; i++)
        (void)describe_next(sub, WAIT_MS, got[i]); /* returns where it wrote */
    qsort(got, 3, sizeof(got[0]), by_text);
    for (int i = 0; i < 3; i++)
        expect_bytes(says, got[i], strlen(got[i]), want[i]);
}

static void test_polled(void **state)
{
    site *s = *state;

    for_each_row(c, cases)
    {
        init_error = c->init_error;
        watch_error = c->watch_error;
        is_remote = c->is_remote;
        s->lines.n_polled = 0;
        put(s, "a.yaml", "A", 1);
        put(s, "gone.yaml", "GONE", 1);
        /* old, or a network filesystem would be given time to finish them */
        for (int i = 0; i < 2; i++)
            assert_int_equal(utimensat(AT_FDCWD, path_in(s->dir, i ? "a.yaml" : "gone.yaml"),
                                       (struct timespec[2]){{1, 0}, {1, 0}}, 0),
                             0);
        open_site(s, 0);
        expect_rules(c->says, s->store, "A v1, GONE v1");
        assert_int_equal(unlink(path_in(s->dir, "gone.yaml")), 0);
        put(s, "a.yaml", "A", 2);
        put(s, "b.yaml", "B", 1);
        expect_changes(c->says, s->sub,
                       (const char *const[3]){"definition A v2", "definition B v1",
                                              "definition GONE deleted"});
        expect_quiet(c->says, s->store, s->sub);
        expect_int("said once", s->lines.n_polled, 1);
        assert_int_equal(unlink(path_in(s->dir, "b.yaml")), 0);
    }
    end_rows();
}

static void test_watched_again(void **state)
{
    site *s = *state;

    init_error = EMFILE;
    open_site(s, 100);
    put(s, "a.yaml", "A", 1);
    expect_next("polled", s->sub, "definition A v1");
    expect_int("not yet", s->lines.n_watched, 0);
    init_error = 0;
    for (int i = 0; i < WAIT_MS && !s->lines.n_watched; i++)
        (void)usleep(1000); /* a short sleep is waited for again */
    expect_int("said when there was one to be had", s->lines.n_watched, 1);
    put(s, "a.yaml", "A", 2);
    expect_next("watched", s->sub, "definition A v2");
    expect_int("and that it could not, once", s->lines.n_polled, 1);
    end_rows();
}

static int begin_writing(const site *s, const char *name, const char *text)
{
    int fd = open(path_in(s->dir, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

/* Writes on, so that the file never rests, for twice as long as it would have to. */
static void keep_writing(int fd)
{
    for (int i = 0; i < 3 * STORE_SETTLE_MS / 100; i++) {
        assert_int_equal(write(fd, "# \n", 3), 3);
        (void)usleep(50000); /* a shorter one only writes sooner */
    }
}

static const struct {
    const char *says;
    int init_error, lease_error;
    bool is_remote;
} writers[] = {
    {"watched, another user's file", 0, EACCES, false},
    {"polled", EMFILE, 0, false},
    {"polled, another user's file", EMFILE, EACCES, false},
    {"a network filesystem", 0, 0, true},
};

static void test_half_written(void **state)
{
    site *s = *state;
    char text[512], line[160];

    for_each_row(c, writers)
    {
        const char *got;
        int fd;

        init_error = c->init_error;
        lease_error = c->lease_error;
        is_remote = c->is_remote;
        open_site(s, 0);
        /* the text is a whole rule all the time: only the writer knows that it is not the last */
        fd = begin_writing(s, "a.yaml", rule_text(text, "A", 1));
        keep_writing(fd);
        got = describe_next(s->sub, 0, line);
        expect_c(c->says, got, "nothing");
        assert_int_equal(close(fd), 0);
        expect_next(c->says, s->sub, "definition A v1");
        expect_quiet(c->says, s->store, s->sub);
        assert_int_equal(unlink(path_in(s->dir, "a.yaml")), 0);
    }
    end_rows();
}

/* At a start as well, where there is nothing yet to compare with. */
static void test_half_written_at_start(void **state)
{
    site *s = *state;
    char text[512];
    int fd;

    for_each_row(c, writers)
    {
        init_error = c->init_error;
        lease_error = c->lease_error;
        is_remote = c->is_remote;
        fd = begin_writing(s, "a.yaml", rule_text(text, "A", 1));
        open_site(s, 0);
        expect_rules(c->says, s->store, "");
        assert_int_equal(close(fd), 0);
        expect_next(c->says, s->sub, "definition A v1");
        assert_int_equal(unlink(path_in(s->dir, "a.yaml")), 0);
    }
    end_rows();
}

/* What is not told of: the target of a link that stands elsewhere. */
static void test_repair_is_said(void **state)
{
    site *s = *state;

    put(s, "target", "A", 1);
    assert_int_equal(mkdir(path_in(s->dir, "rules"), 0755), 0);
    assert_int_equal(symlink("../target", path_in(s->dir, "rules/a.yaml")), 0);
    (void)snprintf(s->dir + strlen(s->dir), sizeof(s->dir) - strlen(s->dir), "/rules");
    open_site(s, 30);
    *strrchr(s->dir, '/') = 0;
    (void)usleep(200000); /* some comparisons that find nothing; fewer would do as well */
    expect_int("nothing to repair, nothing said", s->lines.n_repaired, 0);
    for (int i = 2; i < 5; i++) {
        char want[64];

        put(s, "target", "A", i);
        (void)snprintf(want, sizeof(want), "definition A v%d", i);
        expect_next("repaired", s->sub, want);
    }
    expect_quiet("wholly", s->store, s->sub);
    for (int i = 0; i < WAIT_MS && !s->lines.n_repaired; i++)
        (void)usleep(1000); /* a short sleep is waited for again */
    expect_int("said, once", s->lines.n_repaired, 1);
    end_rows();
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_polled),         EACH(test_watched_again),
        EACH(test_half_written),   EACH(test_half_written_at_start),
        EACH(test_repair_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
