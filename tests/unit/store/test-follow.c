/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that follows a directory and, for what no directory can do, a private database. */
#include "base/limits.h"
#include "base/time.h"
#include "tag/tag.h"
#include "ttp/follow.h"

#include "../unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 10000

typedef struct fixture {
    char dir[64];
    ttp_store *store;
    ttp_engine *engine;
    ttp_follower *follower;
    ttp_evaluator *evaluator;
    ttp_event *event;
    size_t n_loaded; /* atomic */
    bool hurry;      /* the first load is followed by more changes than a queue holds */
} fixture;

static void write_rule(const fixture *f, const char *id, const char *contains)
{
    char path[128];
    FILE *out;

    (void)snprintf(path, sizeof(path), "%s/%s.yaml", f->dir, id);
    out = fopen(path, "we");
    assert_non_null(out);
    fprintf(out,
            "{rule_id: %s, rule_version: 1, name: n, applies_to: [command], match: {contains: %s}, "
            "emits: [{tactic: TA0002, technique_id: T1059, confidence: 0.5}]}",
            id, contains);
    assert_int_equal(fclose(out), 0);
}

static void remove_rule(const fixture *f, const char *id)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s.yaml", f->dir, id);
    assert_int_equal(unlink(path), 0);
}

static void set_states(ttp_store *store, const char *rule_id, int n)
{
    ttp_rule_state off = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE};
    ttp_err err;

    for (int i = 0; i < n; i++)
        assert_int_equal(ttp_store_set_state(store, rule_id, &off, "me", &err), 0);
}

static void on_load(void *ctx, const ttp_store_rules *rules)
{
    fixture *f = ctx;

    (void)rules;
    if (__atomic_add_fetch(&f->n_loaded, 1, __ATOMIC_RELAXED) == 1 && f->hurry)
        set_states(f->store, "R1", STORE_QUEUE_MAX + 1);
}

static void set_up(fixture *f, bool hurry)
{
    const char *json = "{\"source_kind\":\"command\",\"source_id\":\"s\",\"attacker_uuid\":\"a\","
                       "\"payload\":{\"command_text\":\"a\"}}";
    ttp_follower_options options = {.loaded = on_load, .loaded_ctx = f};
    ttp_store_options store_options = {.type = "filesystem", .rules_dir = f->dir};
    ttp_err err = {0};

    *f = (fixture){.dir = "/tmp/ttp-follow-XXXXXX", .hurry = hurry};
    assert_non_null(mkdtemp(f->dir));
    write_rule(f, "R1", "a");
    assert_int_equal(ttp_store_open(&store_options, &f->store, &err), 0);
    assert_int_equal(ttp_engine_new(NULL, &f->engine), 0);
    assert_int_equal(ttp_follower_open(f->store, f->engine, &options, &f->follower, &err), 0);
    f->evaluator = ttp_evaluator_new(NULL);
    assert_int_equal(ttp_evaluator_follow(f->evaluator, f->engine), 0);
    assert_int_equal(ttp_event_from_json(json, strlen(json), &f->event, &err), 0);
}

/* The rules of a load are in effect a moment before it is told of. */
static void expect_loads(const char *says, fixture *f, size_t want)
{
    for (int i = 0; i < WAIT_MS && __atomic_load_n(&f->n_loaded, __ATOMIC_RELAXED) < want; i++)
        (void)usleep(1000);
    expect_int(says, __atomic_load_n(&f->n_loaded, __ATOMIC_RELAXED), want);
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        (void)unlinkat(dirfd(dir), entry->d_name, 0); /* "." and ".." stay */
    (void)closedir(dir);
    assert_int_equal(rmdir(path), 0);
}

static void tear_down(fixture *f)
{
    ttp_event_free(f->event);
    ttp_evaluator_free(f->evaluator);
    ttp_follower_close(f->follower);
    ttp_engine_free(f->engine);
    ttp_store_close(f->store);
    remove_dir(f->dir);
}

static void now(fixture *f, char *ids, size_t size)
{
    size_t n = 0, len = 0;

    assert_int_equal(ttp_evaluator_run_live(f->evaluator, f->event, &n), 0);
    ids[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(ids + len, size - len, "%s%s", i ? " " : "",
                                ttp_evaluator_tag(f->evaluator, i)->rule_id.ptr);
}

/* Until the event has these tags, but not for ever. */
static void expect_soon(const char *says, fixture *f, const char *want)
{
    int64_t end = time_monotonic_ns() + WAIT_MS * 1000000LL;
    char got[256];

    do {
        now(f, got, sizeof(got));
        if (strcmp(got, want) == 0)
            return;
        (void)usleep(200);
    } while (time_monotonic_ns() < end);
    expect_bytes(says, got, strlen(got), want);
}

static void test_edits(void **state)
{
    fixture f;

    (void)state;
    set_up(&f, false);
    expect_soon("what the directory held", &f, "R1");
    write_rule(&f, "R0", "a");
    expect_soon("a new rule", &f, "R0 R1");
    write_rule(&f, "R0", "b");
    expect_soon("an edited one", &f, "R1");
    write_rule(&f, "R2", "a");
    remove_rule(&f, "R1");
    expect_soon("a removed one", &f, "R2");
    expect_loads("all of it by changes, not by loading again", &f, 1);
    tear_down(&f);
    end_rows();
}

static void test_states(void **state)
{
    ttp_rule_state off = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE};
    ttp_err err;
    fixture f;

    (void)state;
    set_up(&f, false);
    assert_int_equal(ttp_store_set_state(f.store, "R1", &off, "me", &err), 0);
    expect_soon("disabled", &f, "");
    assert_int_equal(ttp_store_clear_state(f.store, "R1", "me", &err), 0);
    expect_soon("and not", &f, "R1");
    off.expires_at_us = time_now_us() + 300000;
    assert_int_equal(ttp_store_set_state(f.store, "R1", &off, "me", &err), 0);
    expect_soon("for a while", &f, "");
    expect_soon("which ends by itself", &f, "R1");
    tear_down(&f);
    end_rows();
}

/* A state that was set before its rule was there, and before the follower. */
static void test_state_before_rule(void **state)
{
    ttp_follower_options options = {0};
    ttp_err err;
    fixture f;

    (void)state;
    set_up(&f, false);
    f.follower = ttp_follower_close(f.follower);
    set_states(f.store, "R5", 1);
    assert_int_equal(ttp_follower_open(f.store, f.engine, &options, &f.follower, &err), 0);
    write_rule(&f, "R5", "a");
    write_rule(&f, "R6", "a");
    expect_soon("the state is found when the rule comes", &f, "R1 R6");
    tear_down(&f);
    end_rows();
}

/* More changes than a queue holds: the reader is told, and loads again. */
static void test_falling_behind(void **state)
{
    fixture f;

    (void)state;
    set_up(&f, true);
    write_rule(&f, "R2", "a");
    expect_soon("afterwards all is as it should be", &f, "R2");
    expect_loads("it was loaded again", &f, 2);
    tear_down(&f);
    end_rows();
}

#define BURST 3000

/* Many changes at once: a subscriber sees each, the engine makes fewer snapshots, and ends right.
 */
static void test_burst(void **state)
{
    ttp_subscription *sub = NULL;
    ttp_change change;
    uint64_t first, last = 0;
    ttp_err err;
    int n = 0;
    fixture f;

    (void)state;
    set_up(&f, false);
    first = ttp_engine_generation(f.engine);
    assert_int_equal(ttp_store_subscribe(f.store, &sub, &err), 0);
    for (int i = 0; i < BURST; i++) {
        set_states(f.store, "R1", 1);
        if (i < BURST - 1)
            assert_int_equal(ttp_store_clear_state(f.store, "R1", "me", &err), 0);
    }
    for (; ttp_subscription_next(sub, 0, &change) == 0; n++) {
        last = change.sequence;
        ttp_change_done(&change);
    }
    expect_int("each of them", n, 2 * BURST - 1);
    expect_soon("the last one counts", &f, "");
    for (int i = 0; i < WAIT_MS && ttp_follower_sequence(f.follower) < last; i++)
        (void)usleep(1000);
    expect_int("and is known to be in effect", ttp_follower_sequence(f.follower), last);
    expect_true("no more snapshots than changes",
                ttp_engine_generation(f.engine) - first <= 2 * BURST - 1);
    expect_loads("no loading again", &f, 1);
    ttp_subscription_close(sub);
    tear_down(&f);
    end_rows();
}

static void ignore(int signal_number)
{
    (void)signal_number;
}

/* The thread takes none of the program's signals. */
static void test_signals(void **state)
{
    struct sigaction action = {.sa_handler = ignore}, before;
    sigset_t set, old;
    int got = 0;
    fixture f;

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    set_up(&f, false);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    (void)usleep(20000);
    assert_int_equal(sigpending(&set), 0);
    got = sigismember(&set, SIGUSR1);
    expect_int("it waits for the thread that blocks it here", got, 1);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    assert_int_equal(sigwait(&set, &got), 0);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void)sigaction(SIGUSR1, &before, NULL);
    tear_down(&f);
    end_rows();
}

/* A store that cannot be read, and what then stays. */
static void test_unreadable(void **state)
{
    ttp_store_options options = {.type = "filesystem", .rules_dir = "/nonexistent/rules"};
    ttp_store *store = NULL;
    ttp_err err = {0};
    int rc = ttp_store_open(&options, &store, &err);

    (void)state;
    if (!rc) {
        ttp_follower *follower = NULL;
        ttp_engine *engine = NULL;

        assert_int_equal(ttp_engine_new(NULL, &engine), 0);
        rc = ttp_follower_open(store, engine, NULL, &follower, &err);
        expect_true("no follower", follower == NULL);
        ttp_engine_free(engine);
        ttp_store_close(store);
    }
    expect_true("the failure reaches the caller", rc < 0 && err.text[0]);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_state_before_rule),
        cmocka_unit_test(test_falling_behind),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
