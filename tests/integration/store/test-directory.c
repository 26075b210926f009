/* SPDX-License-Identifier: Apache-2.0 */
/* A watched directory at its limits: many files, other users, edits at the worst moment, crowds. */
#include "../../conformance/store/conformance.h"
#include "../../conformance/store/files.h"

#include "base/limits.h"

#include <errno.h>
#include <grp.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/wait.h>

typedef struct site {
    char place[64], dir[96];
    ttp_store *store;
    ttp_subscription *sub;
    atomic_int n_lines, n_missing;   /* of these: that the directory is gone */
    void (*on_line)(struct site *s); /* called from the store's thread */
} site;

static int set_up(void **state)
{
    site *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    /* in memory where there is such a place: a disk takes a minute for so many files */
    (void)snprintf(s->place, sizeof(s->place), "%s/ttp-directory.XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    *state = s;
    if (!mkdtemp(s->place) || chmod(s->place, 0755))
        return -1;
    (void)snprintf(s->dir, sizeof(s->dir), "%s/rules", s->place);
    return mkdir(s->dir, 0755);
}

static int tear_down(void **state)
{
    site *s = *state;

    (void)ttp_subscription_close(s->sub); /* returns NULL */
    (void)ttp_store_close(s->store);      /* returns NULL */
    remove_tree(s->place);
    free(s);
    return 0;
}

static void note_line(void *ctx, ttp_log_level level, const char *line)
{
    site *s = ctx;

    (void)level;
    s->n_missing += strstr(line, "its rules go on") != NULL;
    s->n_lines++;
    if (s->on_line)
        s->on_line(s);
}

static ttp_store_options options_of(site *s)
{
    return (ttp_store_options){.type = "filesystem", .rules_dir = s->dir, .log = {note_line, s}};
}

static void open_site(site *s)
{
    ttp_store_options o = options_of(s);

    s->sub = ttp_subscription_close(s->sub);
    s->store = ttp_store_close(s->store);
    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
    s->sub = subscribe(s->store);
}

static const char *in(const site *s, const char *name)
{
    return path_in(s->dir, name);
}

static void put(const site *s, const char *name, const char *rule_id, int version)
{
    char text[512];

    write_path(in(s, name), rule_text(text, rule_id, version));
}

static void put_numbered(const site *s, int number, int version)
{
    char name[32], id[16];

    (void)snprintf(name, sizeof(name), "r%06d.yaml", number);
    (void)snprintf(id, sizeof(id), "R%06d", number);
    put(s, name, id, version);
}

static void make_empty(const site *s, const char *name)
{
    assert_int_equal(mknod(in(s, name), S_IFREG | 0600, 0), 0);
}

static void test_scratch_names(void **state)
{
    static const char *const names[] = {".x.yaml.swp", ".x.yaml.swo", "x.yaml~", ".x.yaml.bak",
                                        "4913",        ".4913",       ".foo",    "x.yaml.tmp",
                                        "x.txt",       "x.yaml\n",    "x.yaml "};
    site *s = *state;
    ttp_store_rules *rules;

    put(s, "a.yaml", "A", 1);
    put(s, "A_1.yml", "A1", 1);
    for (int when = 0; when < 2; when++) {
        for_each_row(name, names) write_path(in(s, *name), "rule_id: [");
        if (when == 0)
            open_site(s);
        rules = load(s->store);
        expect_int("two names count", ttp_store_rules_count(rules), 2);
        expect_int("the others are not judged", ttp_store_rules_n_diagnostics(rules), 0);
        expect_int("nor mentioned", s->n_lines, 0);
        (void)ttp_store_rules_free(rules); /* returns NULL */
    }
    expect_quiet("nor any change", s->store, s->sub);
    write_path(in(s, "b.yaml"), "rule_id: [");
    (void)ttp_store_rules_free(load(s->store)); /* returns NULL */
    expect_int("what counts and is bad is mentioned, once", s->n_lines, 1);
    end_rows();
}

/* More ways of saving A version 2 over version 1, by those who take their time. */

static void save_slowly(site *s)
{
    char text[512];
    int fd = open(in(s, "a.yaml"), O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    (void)rule_text(text, "A", 2);
    for (size_t at = 0, len = strlen(text); at < len; at += 60) {
        assert_true(write(fd, text + at, len - at < 60 ? len - at : 60) > 0);
        (void)ttp_store_rules_free(load(s->store)); /* somebody looks; returns NULL */
    }
    assert_int_equal(close(fd), 0);
}

static void save_by_memory(site *s)
{
    char text[512];
    int fd = open(in(s, "a.yaml"), O_RDWR | O_CLOEXEC);
    size_t len = strlen(rule_text(text, "A", 2));
    char *p;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    memcpy(p, text, len);
    assert_int_equal(munmap(p, len), 0);
    assert_int_equal(close(fd), 0);
}

/* The real program is meant: what it does to the file differs from one to the next. */
static void run_program(const char *const words[])
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        (void)execvp(words[0], (char *const *)words); /* returns only where it failed */
        _exit(99);
    }
    (void)waitpid(child, &status, 0); /* else status stays bad */
    assert_int_equal(status, 0);
}

static void save_by_copy(site *s)
{
    put(s, "next", "A", 2);
    run_program((const char *[]){"cp", in(s, "next"), in(s, "a.yaml"), NULL});
}

static void save_by_install(site *s)
{
    put(s, "next", "A", 2);
    run_program((const char *[]){"install", "-m", "644", in(s, "next"), in(s, "a.yaml"), NULL});
}

static void save_by_sed(site *s)
{
    run_program((const char *[]){"sed", "-i", "-e", "s/rule_version: 1/rule_version: 2/",
                                 in(s, "a.yaml"), NULL});
}

static void save_with_pause(site *s)
{
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
    (void)usleep(STORE_ABSENCE_MS * 1000 / 4); /* an editor's pause; a shorter one is as good */
    put(s, "a.yaml", "A", 2);
}

static void save_exchanged(site *s)
{
    put(s, "next", "A", 2);
    assert_int_equal(renameat2(AT_FDCWD, in(s, "next"), AT_FDCWD, in(s, "a.yaml"), RENAME_EXCHANGE),
                     0);
}

static const struct {
    const char *says;
    void (*save)(site *s);
} styles[] = {
    {"written slowly, while others look", save_slowly},
    {"written through memory", save_by_memory},
    {"cp over it", save_by_copy},
    {"install", save_by_install},
    {"sed -i", save_by_sed},
    {"deleted, and made again after a pause", save_with_pause},
    {"exchanged with another", save_exchanged},
};

static void test_styles(void **state)
{
    site *s = *state;

    for_each_row(c, styles)
    {
        put(s, "a.yaml", "A", 1);
        open_site(s);
        c->save(s);
        expect_next(c->says, s->sub, "definition A v2");
        expect_quiet(c->says, s->store, s->sub);
        expect_int("and nothing is said", s->n_lines, 0);
    }
    end_rows();
}

/* The bad file between them is complained of in the middle of the first scan. */
static void edit_on_both_sides(site *s)
{
    s->on_line = NULL;
    put(s, "a.yaml", "A", 2);
    put(s, "z.yaml", "Z", 2);
    put(s, "b.yaml", "B", 1);
}

static void test_edit_during_first_load(void **state)
{
    site *s = *state;

    put(s, "a.yaml", "A", 1);
    write_path(in(s, "m.yaml"), "rule_id: [");
    put(s, "z.yaml", "Z", 1);
    s->on_line = edit_on_both_sides;
    open_site(s);
    expect_true("the edit was made while the first scan ran", !s->on_line);
    expect_rules("nothing of it is lost", s->store, "A v2, B v1, Z v2");
    end_rows();
}

static void test_doubles_are_reported(void **state)
{
    site *s = *state;
    ttp_store_rules *rules;
    const ttp_diagnostic *d;

    put(s, "a.yaml", "A", 1);
    put(s, "b.yaml", "A", 2);
    open_site(s);
    rules = load(s->store);
    expect_int("one is reported", ttp_store_rules_n_diagnostics(rules), 1);
    d = ttp_store_rules_diagnostic(rules, 0);
    assert_non_null(d);
    expect_int("as a double", d->err.code, TTP_E_DUPLICATE);
    expect_c("by its rule_id", d->rule_id, "A");
    expect_c("with the file", d->err.where, in(s, "b.yaml"));
    expect_true("and the one that runs", strstr(d->err.text, "a.yaml"));
    expect_int("and said once", s->n_lines, 1);
    (void)ttp_store_rules_free(rules); /* returns NULL */
    assert_int_equal(unlink(in(s, "a.yaml")), 0);
    expect_next("it takes over when the first goes", s->sub, "definition A v2");
    rules = load(s->store);
    expect_int("then there is nothing to report", ttp_store_rules_n_diagnostics(rules), 0);
    (void)ttp_store_rules_free(rules); /* returns NULL */
    end_rows();
}

/* base/now -> one; base/now/rules is followed; then now -> two. */
static void test_link_further_up(void **state)
{
    site *s = *state;
    char one[160];

    (void)snprintf(one, sizeof(one), "%s/one", s->place);
    assert_int_equal(mkdir(one, 0755), 0);
    assert_int_equal(mkdir(path_in(s->place, "two"), 0755), 0);
    assert_int_equal(mkdir(path_in(s->place, "one/rules"), 0755), 0);
    assert_int_equal(mkdir(path_in(s->place, "two/rules"), 0755), 0);
    assert_int_equal(symlink("one", path_in(s->place, "now")), 0);
    (void)snprintf(s->dir, sizeof(s->dir), "%s/now/rules", s->place);
    put(s, "a.yaml", "A", 1);
    open_site(s);
    (void)snprintf(s->dir, sizeof(s->dir), "%s/two/rules", s->place);
    put(s, "a.yaml", "A", 2);
    assert_int_equal(symlink("two", path_in(s->place, "next")), 0);
    assert_int_equal(rename(path_in(s->place, "next"), path_in(s->place, "now")), 0);
    expect_next("a link further up is turned", s->sub, "definition A v2");
    put(s, "a.yaml", "A", 3);
    expect_next("what it leads to is followed", s->sub, "definition A v3");
    (void)snprintf(s->dir, sizeof(s->dir), "%s/one/rules", s->place);
    put(s, "a.yaml", "A", 9);
    expect_quiet("and the old one no more", s->store, s->sub);
    end_rows();
}

#define N_MANY 10000

static void test_one_bad_among_many(void **state)
{
    site *s = *state;
    ttp_store_rules *rules;

    for (int i = 0; i < N_MANY; i++)
        put_numbered(s, i, 1);
    write_path(in(s, "r007777.yaml"), "rule_id: [");
    open_site(s);
    rules = load(s->store);
    expect_int("all but one are live", ttp_store_rules_count(rules), N_MANY - 1);
    expect_int("one is reported", ttp_store_rules_n_diagnostics(rules), 1);
    if (ttp_store_rules_n_diagnostics(rules))
        expect_c("by its name", ttp_store_rules_diagnostic(rules, 0)->err.where,
                 in(s, "r007777.yaml"));
    (void)ttp_store_rules_free(rules); /* returns NULL */
    expect_int("one line", s->n_lines, 1);
    put_numbered(s, 7777, 3);
    expect_next("mended", s->sub, "definition R007777 v3");
    end_rows();
}

static void expect_over_bound(const char *says, site *s, size_t n_rules, size_t n_diagnostics)
{
    ttp_store_rules *rules = load(s->store);

    expect_int(says, ttp_store_rules_count(rules), n_rules);
    expect_int(says, ttp_store_rules_n_diagnostics(rules), n_diagnostics);
    for (size_t i = 0; i < ttp_store_rules_n_diagnostics(rules); i++)
        expect_int(says, ttp_store_rules_diagnostic(rules, i)->err.code, TTP_E_LIMIT);
    (void)ttp_store_rules_free(rules); /* returns NULL */
}

static void test_too_many_files(void **state)
{
    site *s = *state;
    char name[32];

    put(s, "a.yaml", "A", 1);
    for (unsigned i = 1; i < RULE_DIR_FILES_MAX - 1; i++) {
        (void)snprintf(name, sizeof(name), "m%06u.yaml", i);
        make_empty(s, name);
    }
    put(s, "y.yaml", "Y", 1);
    open_site(s);
    expect_over_bound("as many as may be", s, 2, 0);
    expect_int("nothing to say", s->n_lines, 0);
    put(s, "z.yaml", "Z", 1);
    expect_over_bound("one more is reported", s, 2, 1);
    put(s, "zz.yaml", "ZZ", 1);
    expect_over_bound("and the next", s, 2, 1);
    expect_int("it is said once", s->n_lines, 1);
    put(s, "a.yaml", "A", 2);
    expect_next("the others are followed", s->sub, "definition A v2");
    open_site(s);
    expect_over_bound("at a start as well", s, 2, 1);
    assert_int_equal(unlink(in(s, "m000001.yaml")), 0);
    expect_next("room for the next by name", s->sub, "definition Z v1");
    expect_over_bound("still one too many", s, 3, 1);
    assert_int_equal(unlink(in(s, "m000002.yaml")), 0);
    expect_next("room for all", s->sub, "definition ZZ v1");
    expect_over_bound("nothing to report", s, 4, 0);
    end_rows();
}

/* Another user: what happens as root happens to nobody else. Runs in a process of its own. */
static int as_nobody(void (*run)(site *s), site *s)
{
    pid_t child;
    int status = -1;

    if (getuid() == 0 && chown(s->dir, 65534, 65534))
        return -1;
    child = fork();
    if (child == 0) {
        if (getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
            _exit(99);
        n_bad_rows = 0;
        run(s);
        _exit(n_bad_rows ? 1 : 0);
    }
    (void)waitpid(child, &status, 0); /* else status stays bad */
    return status;
}

static void meet_closed_doors(site *s)
{
    ttp_store_options o = options_of(s);
    ttp_err err = {0};
    char text[160];

    put(s, "a.yaml", "A", 1);
    (void)chmod(s->dir, 0); /* seen by what comes out */
    expect_int("no permission", ttp_store_open(&o, &s->store, &err), -EACCES);
    expect_c("where", err.where, s->dir);
    expect_true("what, and what to do", strstr(err.text, "Permission denied; expected"));
    (void)chmod(s->dir, 0700);
    o.reconcile_ms = 50;
    expect_int("with it", ttp_store_open(&o, &s->store, &err), 0);
    if (n_bad_rows)
        return;
    s->sub = subscribe(s->store);
    (void)chmod(in(s, "a.yaml"), 0);
    for (int i = 0; i < WAIT_MS && !s->n_lines; i++)
        (void)usleep(1000); /* a short sleep is waited for again */
    expect_int("a file that may not be read is said once", s->n_lines, 1);
    expect_rules("and its rule goes on", s->store, "A v1");
    put(s, "b.yaml", "B", 1);
    (void)describe_next(s->sub, WAIT_MS, text); /* returns where it wrote */
    expect_bytes("others come", text, strlen(text), "definition B v1");
    (void)chmod(s->dir, 0);
    for (int i = 0; i < WAIT_MS && !s->n_missing; i++)
        (void)usleep(1000); /* a short sleep is waited for again */
    expect_rules("a directory that may not be read: its rules go on", s->store, "A v1, B v1");
    expect_int("which is said, once", s->n_missing, 1);
    (void)chmod(s->dir, 0700);
    put(s, "b.yaml", "B", 2);
    (void)describe_next(s->sub, WAIT_MS, text); /* returns where it wrote */
    expect_bytes("it is followed when it may be read again", text, strlen(text), "definition B v2");
    s->sub = ttp_subscription_close(s->sub);
    s->store = ttp_store_close(s->store);
}

static void test_no_permission(void **state)
{
    site *s = *state;

    expect_int("as an ordinary user", as_nobody(meet_closed_doors, s), 0);
    (void)chmod(s->dir, 0755); /* so that it can be removed; it is also where the child failed */
    end_rows();
}

/* No descriptor to be had for inotify: polled; the real limit, in a process of its own. */
static void run_out_of_instances(site *s)
{
    static int taken[4096];
    int n = 0;
    char text[160];

    while (n < 4096 && (taken[n] = inotify_init1(IN_CLOEXEC)) >= 0)
        n++;
    expect_true("the user's instances are used up", n < 4096);
    open_site(s);
    expect_int("said", s->n_lines, 1);
    put(s, "a.yaml", "A", 1);
    (void)describe_next(s->sub, WAIT_MS, text); /* returns where it wrote */
    expect_bytes("found all the same", text, strlen(text), "definition A v1");
    s->sub = ttp_subscription_close(s->sub);
    s->store = ttp_store_close(s->store);
}

static void test_out_of_instances(void **state)
{
    if (getuid() != 0) {
        print_message("SKIP: only root can become a user of whom no other test is\n");
        skip();
    }
    expect_int("as another user", as_nobody(run_out_of_instances, *state), 0);
    end_rows();
}

/* Writers of files and of states, and readers of both, all at once. */

#define N_THREADS 8
#define N_EDITS 12

typedef struct crowd {
    site *s;
    int number;
    ttp_subscription *sub;
    atomic_int *n_wrong, *n_done;
} crowd;

static void *write_all(void *arg)
{
    crowd *c = arg;
    char id[16], name[32], text[512], from[256];

    (void)snprintf(id, sizeof(id), "W%d", c->number);
    (void)snprintf(name, sizeof(name), "w%d.yaml", c->number);
    (void)snprintf(from, sizeof(from), "%s/.w%d", c->s->dir, c->number);
    for (int i = 1; i <= N_EDITS; i++) {
        ttp_rule_state state = state_default;

        if (c->number % 2) {
            write_path(from, rule_text(text, id, i));
            *c->n_wrong += rename(from, in(c->s, name)) != 0;
        } else {
            put(c->s, name, id, i);
        }
        state.kind = TTP_STATE_CLIPPED;
        state.has_confidence_max = true;
        state.confidence_max = i / 100.0;
        *c->n_wrong += ttp_store_set_state(c->s->store, id, &state, "me", NULL) != 0;
    }
    ++*c->n_done;
    return NULL;
}

/* Each writer's versions and states come in order, none twice, and the last ones come. */
static void *read_all(void *arg)
{
    crowd *c = arg;
    int version[N_THREADS] = {0}, state[N_THREADS] = {0}, n_left = 2 * N_THREADS;
    uint64_t last = 0;

    while (n_left > 0) {
        ttp_change change = {0};
        int writer, now;

        if (ttp_subscription_next(c->sub, WAIT_MS, &change)) {
            ++*c->n_wrong;
            return NULL;
        }
        writer = change.rule_id[1] - '0';
        *c->n_wrong += last && change.sequence != last + 1;
        last = change.sequence;
        if (change.kind == TTP_CHANGE_STATE) {
            now = (int)(change.state.confidence_max * 100 + 0.5);
            *c->n_wrong += now != state[writer] + 1;
            state[writer] = now;
        } else {
            now = change.rule ? (int)ttp_rule_version(change.rule) : 0;
            *c->n_wrong += now <= version[writer];
            version[writer] = now;
        }
        n_left -= now == N_EDITS;
        ttp_change_done(&change);
        if (last % 16 == (uint64_t)c->number)
            (void)ttp_store_rules_free(load(c->s->store)); /* returns NULL */
    }
    return NULL;
}

static void test_crowd(void **state)
{
    site *s = *state;
    crowd crowds[2 * N_THREADS];
    pthread_t threads[2 * N_THREADS];
    atomic_int n_wrong = 0, n_done = 0;

    open_site(s);
    for (int i = 0; i < 2 * N_THREADS; i++) {
        crowds[i] = (crowd){s, i / 2, i % 2 ? subscribe(s->store) : NULL, &n_wrong, &n_done};
    }
    for (int i = 0; i < 2 * N_THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i % 2 ? read_all : write_all, &crowds[i]), 0);
    for (int i = 0; i < 2 * N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 2 * N_THREADS; i++)
        (void)ttp_subscription_close(crowds[i].sub); /* returns NULL */
    expect_int("all writers came to their end", n_done, N_THREADS);
    expect_int("8 writers, 8 readers, every change in order", n_wrong, 0);
    end_rows();
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_scratch_names),          EACH(test_styles),
        EACH(test_edit_during_first_load), EACH(test_doubles_are_reported),
        EACH(test_link_further_up),        EACH(test_one_bad_among_many),
        EACH(test_too_many_files),         EACH(test_no_permission),
        EACH(test_out_of_instances),       EACH(test_crowd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
