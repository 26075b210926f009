/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database store between processes, and against rows that other programs wrote.
 * Usage: test-database sqlite|mariadb (the latter by tests/mariadb/with-mariadb)
 */
#include "stores.h"

#include <pthread.h>

static const struct {
    const char *says, *sql, *want;
    unsigned want_logged;
    enum {
        ON_BOTH,
        ON_SQLITE,
        ON_MARIADB
    } where;
    const char *apart; /* what may come instead, where the log is read between two statements */
} elsewhere[] = {
    {"a new rule", INSERT("R2", QUOTED("R2", "1")), "definition R2 1", 0},
    {"an edit whose clock is wrong", UPDATE("R1", "2"), "definition R1 2", 0},
    {"two edits of one transaction", "BEGIN;" UPDATE("R1", "2") ";" UPDATE("R1", "3") ";COMMIT",
     "definition R1 3; definition R1 3", 0},
    {"two edits within a second", UPDATE("R1", "2") ";" UPDATE("R1", "3"),
     "definition R1 3; definition R1 3", 0, ON_BOTH, "definition R1 2; definition R1 3"},
    {"two edits seen apart", UPDATE("R1", "2"), "definition R1 2", 0},
    {"a rename", "UPDATE ttp_rule SET rule_id = 'R2', yaml_content = '" QUOTED("R2", "1") "'",
     "definition R1 gone; definition R2 1", 0},
    {"a touch", "UPDATE ttp_rule SET updated_at = '2030-01-01', rule_version = 7", "", 0},
    {"another case is another text",
     "UPDATE ttp_rule SET yaml_content = REPLACE(yaml_content,"
     " 'abc', 'ABC')",
     "definition R1 1", 0},
    {"a delete", "DELETE FROM ttp_rule WHERE rule_id = 'R1'", "definition R1 gone", 0},
    {"a delete that did not happen", "BEGIN; DELETE FROM ttp_rule; ROLLBACK", "", 0},
    {"a delete and a new start", "DELETE FROM ttp_rule;" INSERT("R1", QUOTED("R1", "5")),
     "definition R1 gone; definition R1 5", 0},
    {"a state", "INSERT INTO ttp_rule_state (rule_id, state) VALUES ('R1', 'disabled')",
     "state R1 disabled", 0},
    {"states, each as it was",
     "INSERT INTO ttp_rule_state (rule_id, state) VALUES ('R1', 'disabled');"
     "UPDATE ttp_rule_state SET state = 'clipped', confidence_max = 0.5;"
     "DELETE FROM ttp_rule_state",
     "state R1 disabled; state R1 clipped; state R1 enabled", 0},
    {"a state of an unknown rule",
     "REPLACE INTO ttp_rule_state (rule_id, state) VALUES ('R9', 'clipped')", "state R9 clipped",
     0},
    {"broken YAML beside a good rule",
     INSERT("R2", "rule_id: [") ";" INSERT("R3", QUOTED("R3", "1")), "definition R3 1", 1},
    {"a row of another rule's text", INSERT("R2", QUOTED("R3", "1")), "", 1},
    {"an id that is none", INSERT("a.b", QUOTED("R3", "1")) ";" INSERT("R4", QUOTED("R4", "1")),
     "definition R4 1", 1},
    {"a state that is none",
     "PRAGMA ignore_check_constraints = ON;"
     "INSERT INTO ttp_rule_state (rule_id, state) VALUES ('R1', 'paused')",
     "", 1, ON_SQLITE},
    {"a state that is none",
     "SET check_constraint_checks = OFF;"
     "INSERT INTO ttp_rule_state (rule_id, state) VALUES ('R1', 'paused')",
     "", 1, ON_MARIADB},
    {"an expiry that is none",
     "INSERT INTO ttp_rule_state (rule_id, state, expires_at) VALUES ('R1', 'disabled', 'soon')",
     "", 1, ON_SQLITE},
    {"an expiry as the Python program's column may have it",
     "ALTER TABLE ttp_rule_state MODIFY expires_at VARCHAR(40);"
     "INSERT INTO ttp_rule_state (rule_id, state, expires_at) VALUES ('R1', 'disabled', 'soon')",
     "", 1, ON_MARIADB},
};

static void test_elsewhere(void **state)
{
    (void)state;
    for_each_row(c, elsewhere)
    {
        char name[64];
        const char *path, *got;
        ttp_store *s;
        ttp_subscription *sub;

        if (c->where == (on_mariadb ? ON_SQLITE : ON_MARIADB))
            continue;
        (void)snprintf(name, sizeof(name), "elsewhere-%zu.db", (size_t)(c - elsewhere));
        path = make_place(name);
        s = open_store(path);
        expect_int(c->says, upsert(s, rule_1), 0);
        sub = subscribe(s);
        n_logged = 0;
        run_sql_elsewhere(path, c->sql);
        got = changes(sub, *c->want ? 5000 : 100);
        expect_c(c->says, got, c->apart && strcmp(got, c->apart) == 0 ? c->apart : c->want);
        expect_int("log lines", wait_for_logged(c->want_logged), c->want_logged);
        (void)ttp_subscription_close(sub);
        (void)ttp_store_close(s);
    }
    end_rows();
}

/* A load is exact: what it holds is skipped, what is written right after it arrives. */
static void test_load(void **state)
{
    const char *path = make_place("load.db");
    ttp_store *s = open_store(path);
    ttp_subscription *sub = subscribe(s);
    ttp_store_rules *rules = NULL;
    ttp_rule_state st;

    (void)state;
    run_sql(path,
            INSERT("R1", QUOTED("R1", "1")) ";" INSERT("R2", "x: [") ";" INSERT(
                "R3",
                QUOTED("R3", "7")) ";"
                                   "INSERT INTO ttp_rule_state (rule_id, state, reason) VALUES "
                                   "('R3', 'disabled', '');"
                                   "INSERT INTO ttp_rule_state (rule_id, state, expires_at) VALUES"
                                   " ('R1', 'disabled', '2001-01-01 00:00:00.000000')");
    expect_int("load", ttp_store_load(s, &rules, NULL), 0);
    expect_int("rules", ttp_store_rules_count(rules), 2);
    expect_int("diagnostics", ttp_store_rules_n_diagnostics(rules), 1);
    expect_c("of", ttp_store_rules_diagnostic(rules, 0)->rule_id, "R2");
    expect_c("first", ttp_rule_id(ttp_store_rules_at(rules, 0, &st)), "R1");
    expect_int("expired", st.kind, TTP_STATE_ENABLED);
    expect_c("second", ttp_rule_id(ttp_store_rules_at(rules, 1, &st)), "R3");
    expect_int("disabled", st.kind, TTP_STATE_DISABLED);
    expect_true("reason", st.has_reason && !st.reason[0] && !st.has_confidence_max);
    ttp_subscription_skip(sub, ttp_store_rules_sequence(rules));
    run_sql(path, UPDATE("R1", "2"));
    expect_changes("after it", sub, 5000, "definition R1 2");
    run_sql(path, UPDATE("R2", "4"));
    expect_changes("mended", sub, 5000, "definition R2 4");
    run_sql(path, "UPDATE ttp_rule SET yaml_content = 'x: [' WHERE rule_id = 'R2'");
    expect_changes("broken", sub, 100, "");
    rules = ttp_store_rules_free(rules);
    expect_int("load", ttp_store_load(s, &rules, NULL), 0);
    expect_int("the last good version goes on", ttp_store_rules_count(rules), 3);
    expect_int("4", ttp_rule_version(ttp_store_rules_at(rules, 1, NULL)), 4);
    expect_true("and is told", ttp_store_rules_n_diagnostics(rules) == 1 &&
                                   ttp_store_rules_diagnostic(rules, 0)->runs_last_good);
    (void)ttp_store_rules_free(rules);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

/* A worker that looks at a state in the instant in which it expires. */
static int look_at(const char *path, const char *instant)
{
    ttp_store *own = open_store(path);
    int64_t at_us = strtoll(instant, NULL, 10);
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED};
    int rc;

    while (time_now_us() < at_us) {
    }
    rc = ttp_store_get_state(own, "R1", &st, NULL);
    (void)ttp_store_close(own);
    return rc || st.kind != TTP_STATE_ENABLED;
}

static void test_expiry_race(void **state)
{
    const char *path = make_place("race.db");
    ttp_store *s = open_store(path);
    ttp_subscription *sub = subscribe(s);
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .set_at_us = TTP_TIME_NONE};
    int64_t at_us = time_now_us() + 300000;
    char instant[32];
    pid_t child[4];

    (void)state;
    (void)snprintf(instant, sizeof(instant), "%lld", (long long)at_us);
    st.expires_at_us = at_us;
    expect_int("set", ttp_store_set_state(s, "R1", &st, "me", NULL), 0);
    expect_changes("set", sub, 0, "state R1 disabled");
    for (int i = 0; i < 4; i++)
        child[i] = start_elsewhere("look", path, instant);
    for (int i = 0; i < 4; i++)
        expect_int("a worker", wait_for(child[i]), 0);
    expect_changes("one revert", sub, 5000, "state R1 enabled");
    expect_int("gone", ttp_store_get_state(s, "R1", &st, NULL), 0);
    expect_int("default", st.kind, TTP_STATE_ENABLED);
    expect_changes("no further", sub, 50, "");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

static atomic_uint n_reverts[2];

typedef struct rival {
    ttp_store *other; /* NULL: this is the other one's */
    pthread_t thread;
    bool looks;
} rival;

static void *look_too(void *store)
{
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED};

    (void)ttp_store_get_state(store, "R1", &st, NULL); /* st tells */
    return st.kind == TTP_STATE_ENABLED ? store : NULL;
}

/* Before the revert is committed the other one looks, and finds the state there, expired. */
static int publish_slowly(void *ctx, const char *topic, const char *json)
{
    rival *r = ctx;

    (void)topic;
    if (!strstr(json, "\"enabled\""))
        return 0; /* how it was set: that comes in from elsewhere */
    n_reverts[!r->other]++;
    if (r->other && !r->looks) {
        r->looks = pthread_create(&r->thread, NULL, look_too, r->other) == 0;
        (void)usleep(200000); /* time for it to look; woken early, the two race less */
    }
    return 0;
}

/* Each process tells its own bus once, whoever of them removes the state. */
static void test_one_revert_each(void **state)
{
    const char *path = make_place("rivals.db");
    rival first = {0}, other = {0};
    ttp_store_options o = {.type = "database",
                           .db_url = path,
                           .poll_ms = 10,
                           .publish = publish_slowly,
                           .publish_ctx = &other};
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED};
    ttp_store *s = NULL;
    void *told = NULL;

    (void)state;
    expect_int("open", ttp_store_open(&o, &first.other, NULL), 0);
    o.publish_ctx = &first;
    expect_int("open", ttp_store_open(&o, &s, NULL), 0);
    run_sql(path, "INSERT INTO ttp_rule_state (rule_id, state, expires_at) VALUES"
                  " ('R1', 'disabled', '2001-01-01 00:00:00.000000')");
    expect_int("the first looks", ttp_store_get_state(s, "R1", &st, NULL), 0);
    expect_int("and is told the default", st.kind, TTP_STATE_ENABLED);
    assert_true(first.looks);
    assert_int_equal(pthread_join(first.thread, &told), 0);
    expect_true("so is the other", told == first.other);
    for (int i = 0; i < 5000 && !(n_reverts[0] && n_reverts[1]); i++)
        (void)usleep(1000); /* woken early, it looks once more */
    (void)usleep(100000);   /* some polls */
    expect_int("the first tells it once", n_reverts[0], 1);
    expect_int("and so does the other", n_reverts[1], 1);
    (void)ttp_store_close(s);
    (void)ttp_store_close(first.other);
    end_rows();
}

/* Another process's states are seen in full, and survive a restart. */
static void test_restart(void **state)
{
    const char *path = make_place("restart.db");
    ttp_store *one = open_store(path), *two = open_store(path);
    ttp_subscription *sub = subscribe(two);
    ttp_rule_state st = {.kind = TTP_STATE_CLIPPED,
                         .has_confidence_max = true,
                         .confidence_max = 0.1,
                         .expires_at_us = 4102444800123456,
                         .has_reason = true,
                         .reason = "it's noisy \xC3\xA4"};
    ttp_rule_state got;

    (void)state;
    expect_int("set", ttp_store_set_state(one, "R1", &st, "me", NULL), 0);
    expect_changes("arrives", sub, 5000, "state R1 clipped");
    (void)ttp_store_close(one);
    one = open_store(path);
    expect_int("get", ttp_store_get_state(one, "R1", &got, NULL), 0);
    expect_int("kind", got.kind, TTP_STATE_CLIPPED);
    expect_true("confidence", got.has_confidence_max && got.confidence_max == 0.1);
    expect_int("expiry", got.expires_at_us, st.expires_at_us);
    expect_c("reason", got.reason, st.reason);
    expect_c("set_by", got.set_by, "me");
    expect_true("set_at", got.set_at_us > 1700000000000000);
    expect_int("cleared", ttp_store_clear_state(one, "R1", "me", NULL), 0);
    expect_changes("arrives", sub, 5000, "state R1 enabled");
    expect_int("edits", upsert(one, rule_1), 0);
    expect_int("same again", upsert(one, rule_1), 0);
    expect_changes("once", sub, 5000, "definition R1 1");
    expect_int("refused", upsert(one, "rule_id: ["), TTP_E_SYNTAX);
    expect_int("deleted", database_delete_rule(one, "R1", NULL), 0);
    expect_int("twice", database_delete_rule(one, "R1", NULL), TTP_E_NOT_FOUND);
    expect_changes("arrives", sub, 5000, "definition R1 gone");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(one);
    (void)ttp_store_close(two);
    end_rows();
}

static int refuse(void *ctx, const char *topic, const char *json)
{
    (void)topic;
    (void)json;
    return *(int *)ctx;
}

static void test_publish(void **state)
{
    int answer = -EPIPE;
    const ttp_store_options options = {
        .type = "database", .db_url = ":memory:", .publish = refuse, .publish_ctx = &answer};
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE}, got;
    ttp_store *s = NULL;
    ttp_subscription *sub;

    (void)state;
    expect_int("open", ttp_store_open(&options, &s, NULL), 0);
    sub = subscribe(s);
    expect_int("set", ttp_store_set_state(s, "R1", &st, "me", NULL), -EPIPE);
    expect_int("rule", upsert(s, rule_1), -EPIPE);
    expect_changes("nothing", sub, 0, "");
    expect_int("get", ttp_store_get_state(s, "R1", &got, NULL), 0);
    expect_int("as before", got.kind, TTP_STATE_ENABLED);
    answer = 0;
    expect_int("set", ttp_store_set_state(s, "R1", &st, "me", NULL), 0);
    answer = -EPIPE;
    expect_int("clear", ttp_store_clear_state(s, "R1", "me", NULL), -EPIPE);
    expect_int("get", ttp_store_get_state(s, "R1", &got, NULL), 0);
    expect_int("still", got.kind, TTP_STATE_DISABLED);
    expect_changes("one", sub, 0, "state R1 disabled");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elsewhere),   cmocka_unit_test(test_load),
        cmocka_unit_test(test_expiry_race), cmocka_unit_test(test_one_revert_each),
        cmocka_unit_test(test_restart),     cmocka_unit_test(test_publish),
    };

    on_mariadb = argc == 2 && strcmp(argv[1], "mariadb") == 0;
    if (on_mariadb && !mariadb_socket()) {
        printf("SKIP: no server: run it by tests/mariadb/with-mariadb\n");
        return 77;
    }
    if (argc == 4 && strcmp(argv[1], "sql") == 0) {
        run_sql(argv[2], argv[3]);
        return 0;
    }
    if (argc == 4)
        return look_at(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
