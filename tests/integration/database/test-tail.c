/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions that overlap, a log that was pruned, a server that goes away.
 * Usage: test-tail sqlite|mariadb (the latter by tests/mariadb/with-mariadb)
 */
#include "stores.h"

#include "../../unit/db/full-disk.h"
#include "base/limits.h"
#include "store/database/internal.h"

#include <sys/socket.h>
#include <sys/un.h>

static size_t count_gaps(ttp_store *s)
{
    database *d = database_of(s);
    size_t n;

    pthread_mutex_lock(&d->lock);
    n = d->n_gaps;
    pthread_mutex_unlock(&d->lock);
    return n;
}

static size_t wait_for_no_gaps(ttp_store *s)
{
    for (int i = 0; i < 5000 && count_gaps(s); i++)
        (void)usleep(1000); /* woken early, it looks once more */
    return count_gaps(s);
}

static int64_t number_of(const char *url, const char *sql)
{
    db_conn *conn = connect_db(url);
    int64_t n = -1;

    expect_int(sql, db_number(conn, sql, &n, NULL), 0);
    (void)db_close(conn);
    return n;
}

/* A transaction that commits late arrives, nobody waits for it, and a worker that starts meanwhile
 * gets it, too. */
static void test_late_commit(void **state)
{
    const char *url = make_place("late.db");
    ttp_store *early = open_store(url), *late;
    ttp_subscription *sub = subscribe(early), *late_sub;
    db_conn *slow = connect_db(url), *quick = connect_db(url), *undone = connect_db(url);

    (void)state;
    must_exec(slow, "START TRANSACTION");
    must_exec(slow, INSERT("R1", QUOTED("R1", "1")));
    must_exec(undone, "START TRANSACTION");
    must_exec(undone, INSERT("R9", QUOTED("R9", "1")));
    must_exec(quick, INSERT("R2", QUOTED("R2", "2")));
    expect_changes("who commits is not held up", sub, 5000, "definition R2 2");
    late = open_store(url);
    late_sub = subscribe(late);
    must_exec(undone, "ROLLBACK");
    must_exec(quick, UPDATE("R2", "3"));
    expect_changes("nor later", sub, 5000, "definition R2 3");
    (void)usleep(200000); /* a score of polls */
    expect_true("what may still come is waited for", count_gaps(early) && count_gaps(late));
    must_exec(slow, UPDATE("R1", "4"));
    must_exec(slow, "COMMIT");
    expect_changes("it arrives, both rows of it", sub, 5000, "definition R1 4; definition R1 4");
    expect_changes("also at who came meanwhile", late_sub, 5000,
                   "definition R2 3; definition R1 4; definition R1 4");
    expect_int("then nothing is waited for", wait_for_no_gaps(early), 0);
    expect_int("by nobody", wait_for_no_gaps(late), 0);
    expect_changes("and nothing comes twice", sub, 60, "");
    (void)db_close(slow);
    (void)db_close(quick);
    (void)db_close(undone);
    (void)ttp_subscription_close(sub);
    (void)ttp_subscription_close(late_sub);
    (void)ttp_store_close(early);
    (void)ttp_store_close(late);
    end_rows();
}

#define N_OPEN 24

/* Many at once, which end in another order than they began; every third is undone. */
static void test_many_open(void **state)
{
    const char *url = make_place("many.db");
    ttp_store *s = open_store(url);
    ttp_subscription *sub = subscribe(s);
    db_conn *conn[N_OPEN];
    unsigned seen[N_OPEN] = {0}, n = 0;
    char sql[512];
    ttp_change c;

    (void)state;
    for (int i = 0; i < N_OPEN; i++) {
        conn[i] = connect_db(url);
        must_exec(conn[i], "START TRANSACTION");
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO ttp_rule_state (rule_id, state) VALUES ('%d', 'disabled')", i);
        must_exec(conn[i], sql);
    }
    for (int i = 0; i < N_OPEN; i++) {
        int k = i * 7 % N_OPEN;

        must_exec(conn[k], k % 3 ? "COMMIT" : "ROLLBACK");
        if (i % 5 == 0)
            (void)usleep(25000); /* some polls come between */
        (void)db_close(conn[k]);
    }
    for (; n < N_OPEN * 2 / 3 && ttp_subscription_next(sub, 5000, &c) == 0; n++) {
        seen[strtol(c.rule_id, NULL, 10)]++;
        ttp_change_done(&c);
    }
    for (int i = 0; i < N_OPEN; i++)
        expect_int("each that was kept, once", seen[i], i % 3 != 0);
    expect_changes("and no other", sub, 100, "");
    expect_int("nothing is waited for", wait_for_no_gaps(s), 0);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

/* A wide gap is filled here and there, each row arrives once and the rest is still waited for. */
static void test_gap_is_filled(void **state)
{
    static const int order[] = {10, 5, 3, 7, 4, 1, 9, 6, 8};
    const char *url = make_place("fill.db");
    ttp_store *s = open_store(url);
    ttp_subscription *sub = subscribe(s);
    db_conn *open = connect_db(url);
    char sql[256], want[64];

    (void)state;
    must_exec(open, "START TRANSACTION"); /* draws 1, and so keeps the gate */
    must_exec(open, "INSERT INTO ttp_rule_state (rule_id, state) VALUES ('OPEN', 'disabled')");
    for_each_row(c, order)
    {
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO ttp_rule_change (seq, kind, rule_id, deleted) VALUES"
                       " (%d, 'state', 'S%d', 1)",
                       *c + 1, *c);
        run_sql(url, sql);
        (void)snprintf(want, sizeof(want), "state S%d enabled", *c);
        expect_changes("a row of the gap", sub, 5000, want);
    }
    expect_int("what is missing", count_gaps(s), 2);
    must_exec(open, "COMMIT");
    expect_changes("the first of them came", sub, 5000, "state OPEN disabled");
    expect_int("the other never will", wait_for_no_gaps(s), 0);
    (void)db_close(open);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

/* A disk that is full: said, nothing changed, and it goes on when there is room. */
static void test_full_disk(void **state)
{
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE}, got;
    const char *url = make_place("full.db");
    ttp_store *s = open_store(url);
    ttp_subscription *sub = subscribe(s);
    ttp_err err = {0};

    (void)state;
    expect_int("a rule", upsert(s, rule_1), 0);
    expect_changes("arrives", sub, 5000, "definition R1 1");
    disk_is_full = true;
    expect_int("set", ttp_store_set_state(s, "R1", &st, "me", &err), -ENOSPC);
    expect_true("what to do is told", strstr(err.text, "free some space"));
    expect_int("get", ttp_store_get_state(s, "R1", &got, NULL), 0);
    expect_int("nothing changed", got.kind, TTP_STATE_ENABLED);
    disk_is_full = false;
    expect_changes("for nobody", sub, 60, "");
    expect_int("then it works", ttp_store_set_state(s, "R1", &st, "me", NULL), 0);
    expect_changes("for all", sub, 5000, "state R1 disabled");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

/* A log that is gone is said once by the thread and once by who writes, not for each rule. */
static void test_no_log(void **state)
{
    const char *url = make_place("nolog.db");
    ttp_store *s = open_store(url);

    (void)state;
    expect_int("a rule", upsert(s, rule_1), 0);
    n_logged = 0;
    run_sql(url, "DROP TABLE ttp_rule_change");
    for (int i = 0; i < 20; i++)
        expect_int("the same again", upsert(s, rule_1), 0);
    (void)usleep(100000); /* some polls */
    expect_true("is said", n_logged >= 1 && n_logged <= 2);
    (void)ttp_store_close(s);
    end_rows();
}

static void move(const char *from, const char *to)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    for_each_row(suffix, suffixes)
    {
        char old[512], new[512];

        (void)snprintf(old, sizeof(old), "%s%s", from, *suffix);
        (void)snprintf(new, sizeof(new), "%s%s", to, *suffix);
        (void)rename(old, new); /* not each of the three has to be there */
    }
}

/* The file is deleted, renamed or replaced: it is gone at first, then the other one is followed. */
static void test_another_file(void **state)
{
    const char *url = make_place("one.db"), *other = make_place("other.db");
    ttp_store_options o = {.type = "database", .db_url = other, .poll_ms = 10};
    ttp_store *s, *t = NULL;
    ttp_subscription *sub;
    char aside[512];

    (void)state;
    expect_int("a copy from elsewhere", ttp_store_open(&o, &t, NULL), 0);
    expect_int("with other rules", upsert(t, rule_1), 0);
    run_sql(other, UPDATE("R1", "7") ";" INSERT("R3", QUOTED("R3", "1")));
    (void)ttp_store_close(t);
    o.db_url = url;
    o.host = "h";
    expect_int("open", ttp_store_open(&o, &s, NULL), 0);
    sub = subscribe(s);
    run_sql(url, INSERT("R1", QUOTED("R1", "1")) ";" INSERT("R2", QUOTED("R2", "1")));
    expect_changes("the rules of the first", sub, 5000, "definition R1 1; definition R2 1");
    for (int i = 0; i < 5000 && number_of(url, "SELECT count(*) FROM ttp_rule_status") < 2; i++)
        (void)usleep(1000); /* woken early, it looks once more */
    (void)snprintf(aside, sizeof(aside), "%s.aside", url);
    move(url, aside);
    expect_changes("what is gone takes no rule away", sub, 300, "");
    expect_int("and is not made anew", access(url, F_OK), -1);
    move(other, url);
    expect_changes("the other one", sub, 40000,
                   "definition R1 7; definition R3 1; definition R2 gone");
    run_sql(url, UPDATE("R3", "2"));
    expect_changes("is followed", sub, 40000, "definition R3 2");
    for (int i = 0; i < 5000 && number_of(url, "SELECT count(*) FROM ttp_rule_status") < 2; i++)
        (void)usleep(1000); /* as above */
    expect_int("and holds the ledger",
               number_of(url, "SELECT count(*) FROM ttp_rule_status WHERE host = 'h'"), 2);
    run_sql(aside, UPDATE("R1", "99"));
    expect_changes("the first one is nothing to it", sub, 60, "");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

/* Who was away longer than the log remembers is told what differs, and nothing else. */
static void test_pruned(void **state)
{
    static const char *const prunings[] = {
        "DELETE FROM ttp_rule_change WHERE seq < (SELECT m FROM (SELECT max(seq) AS m FROM"
        " ttp_rule_change) AS x)",
        "DELETE FROM ttp_rule_change"};

    (void)state;
    for_each_row(pruning, prunings)
    {
        const char *url = make_place(pruning == prunings ? "pruned.db" : "emptied.db");
        const ttp_store_options o = {.type = "database", .db_url = url, .poll_ms = 1000000};
        ttp_store *s = NULL;
        ttp_subscription *sub;
        ttp_store_rules *rules = NULL;

        run_sql(url, ""); /* makes the file */
        expect_int("open", ttp_store_open(&o, &s, NULL), 0);
        run_sql(url, INSERT("R1", QUOTED("R1", "1")) ";" INSERT("R2", QUOTED("R2", "1")) ";" INSERT(
                         "R4", QUOTED("R4", "1")) ";"
                                                  "INSERT INTO ttp_rule_state (rule_id, state) "
                                                  "VALUES ('R1', 'disabled'), ('R2', 'disabled'),"
                                                  " ('R4', 'disabled')");
        expect_int("load", ttp_store_load(s, &rules, NULL), 0);
        (void)ttp_store_rules_free(rules);
        sub = subscribe(s);
        run_sql(url, UPDATE("R1", "2") "; DELETE FROM ttp_rule WHERE rule_id = 'R2';" INSERT(
                         "R3", QUOTED("R3", "1")) ";"
                                                  "UPDATE ttp_rule_state SET state = 'clipped',"
                                                  " confidence_max = 0.5 WHERE rule_id = 'R1';"
                                                  "DELETE FROM ttp_rule_state WHERE rule_id = "
                                                  "'R2'");
        run_sql(url, *pruning);
        expect_int("load", ttp_store_load(s, &rules, NULL), 0);
        expect_int("it is whole", ttp_store_rules_count(rules), 3);
        (void)ttp_store_rules_free(rules);
        expect_changes(*pruning, sub, 1000,
                       "definition R1 2; definition R3 1; definition R2 gone; state R1 clipped; "
                       "state R2 enabled");
        run_sql(url, UPDATE("R3", "2"));
        expect_int("load", ttp_store_load(s, &rules, NULL), 0);
        (void)ttp_store_rules_free(rules);
        expect_changes("then it goes on", sub, 1000, "definition R3 2");
        (void)ttp_subscription_close(sub);
        (void)ttp_store_close(s);
    }
    end_rows();
}

#define FLOOD "INSERT INTO ttp_rule_change (kind, rule_id, deleted) SELECT 'state', 'R1', 1 FROM "

static void test_log_is_bounded(void **state)
{
    const char *url = make_place("flood.db");
    ttp_store *s = open_store(url);
    int64_t n = 0;

    (void)state;
    run_sql(url, on_mariadb ? FLOOD "seq_1_to_70000"
                            : FLOOD "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM"
                                    " n WHERE i < 70000) SELECT i FROM n)");
    for (int i = 0; i < 200; i++) { /* each makes a worker look */
        run_sql(url, on_mariadb ? FLOOD "seq_1_to_1100"
                                : FLOOD "(SELECT 1 FROM ttp_rule_change LIMIT 1100)");
        (void)usleep(50000); /* some polls */
        n = number_of(url, "SELECT count(*) FROM ttp_rule_change");
        if (n <= STORE_QUEUE_MAX + 2 * 1100)
            break;
    }
    /* a server draws more numbers for such a statement than it uses, and numbers count */
    expect_true("old rows go, new ones stay",
                n <= STORE_QUEUE_MAX + 2 * 1100 && n >= (on_mariadb ? 1100 : STORE_QUEUE_MAX));
    (void)ttp_store_close(s);
    end_rows();
}

/* Old rows go by and by: not while somebody's transaction would have to be waited for. */
static void test_pruning_waits_for_nobody(void **state)
{
    const char *url = make_place("open.db");
    ttp_store *s = open_store(url);
    ttp_subscription *sub = subscribe(s);
    db_conn *slow = connect_db(url);

    (void)state;
    run_sql(url, INSERT("R0", QUOTED("R0", "1")));
    must_exec(slow, "START TRANSACTION");
    must_exec(slow, INSERT("R1", QUOTED("R1", "1")));
    run_sql(url, "INSERT INTO ttp_rule_change (seq, kind, rule_id, deleted) VALUES"
                 " (70000, 'definition', 'R9', 1)");
    run_sql(url, INSERT("R2", QUOTED("R2", "2")));
    expect_changes("what is far ahead", sub, 5000,
                   "definition R0 1; definition R9 gone; definition R2 2");
    (void)usleep(100000); /* some polls */
    run_sql(url, UPDATE("R2", "3"));
    /* who would wait for a lock would do so for 5 s */
    expect_changes("and later", sub, 3000, "definition R2 3");
    must_exec(slow, "COMMIT");
    expect_changes("what was open all the time", sub, 5000, "definition R1 1");
    for (int i = 4; i < 200 && number_of(url, "SELECT min(seq) FROM ttp_rule_change") < 70000;
         i++) {
        run_sql(url, FLOOD "seq_1_to_1100"); /* makes a worker look */
        (void)usleep(20000);                 /* some polls */
    }
    expect_true("then the old rows go",
                number_of(url, "SELECT min(seq) FROM ttp_rule_change") >= 70000);
    (void)db_close(slow);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

#define N_STARTS 10

static int start_and_set(const char *url, const char *rule_id)
{
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE};
    ttp_store *s = open_store(url);
    int rc = ttp_store_set_state(s, rule_id, &st, "me", NULL);

    (void)ttp_store_close(s);
    return rc != 0;
}

static void test_ten_start(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        char name[32], ids[N_STARTS][8];
        const char *url;
        pid_t child[N_STARTS];

        (void)snprintf(name, sizeof(name), "ten-%d.db", round);
        url = make_place(name);
        for (int i = 0; i < N_STARTS; i++) {
            (void)snprintf(ids[i], sizeof(ids[i]), "R%d", i);
            child[i] = start_elsewhere("start", url, ids[i]);
        }
        for (int i = 0; i < N_STARTS; i++)
            expect_int("each starts and writes", wait_for(child[i]), 0);
        expect_int("all is there", number_of(url, "SELECT count(*) FROM ttp_rule_state"), N_STARTS);
        expect_int("logged once", number_of(url, "SELECT count(*) FROM ttp_rule_change"), N_STARTS);
        expect_int("one version",
                   number_of(url, "SELECT count(*) FROM ttp_schema WHERE version > 0"), 1);
    }
    end_rows();
}

/* stop, start or kill the server */
static void control(const char *command)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char line[64];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FILE *f;

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", getenv("TTP_TEST_MARIADB_CONTROL"));
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    f = fdopen(fd, "r+");
    assert_non_null(f);
    (void)fprintf(f, "%s\n", command);
    (void)fflush(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_string_equal(line, "ok\n");
    (void)fclose(f);
}

static void expect_goes_on(ttp_store *s)
{
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE};
    ttp_store_rules *rules = NULL;
    ttp_err err = {0};
    int rc = ttp_store_set_state(s, "R1", &st, "me", &err);

    expect_true("writing fails", rc < 0);
    expect_true("and it is said why", strstr(err.text, "server"));
    assert_int_equal(ttp_store_load(s, &rules, NULL), 0); /* what is loaded goes on */
    expect_int("all of it", ttp_store_rules_count(rules), 1);
    expect_int("and it is said", ttp_store_rules_n_diagnostics(rules), 1);
    expect_true("as a diagnostic", ttp_store_rules_diagnostic(rules, 0)->runs_last_good);
    (void)ttp_store_rules_free(rules);
}

static void test_server_goes(void **state)
{
    static const char *const ways[] = {"stop", "kill"};

    (void)state;
    for_each_row(way, ways)
    {
        const char *url = make_place(*way);
        ttp_store *s = open_store(url);
        ttp_subscription *sub = subscribe(s);
        ttp_store_rules *rules = NULL;
        ttp_rule_state st;

        expect_int("a rule", upsert(s, rule_1), 0);
        expect_changes("it is there", sub, 5000, "definition R1 1");
        assert_int_equal(ttp_store_load(s, &rules, NULL), 0);
        (void)ttp_store_rules_free(rules);
        n_logged = 0;
        control(*way);
        expect_goes_on(s);
        control("start");
        run_sql(url, UPDATE("R1", "2"));
        expect_changes(*way, sub, 20000, "definition R1 2");
        expect_int("said when it went, and when it was back", wait_for_logged(2), 2);
        run_sql(url, UPDATE("R1", "3"));
        expect_changes("a poll later", sub, 20000, "definition R1 3");
        run_sql(url, UPDATE("R1", "4"));
        expect_changes("and another one", sub, 20000, "definition R1 4");
        expect_int("but not at each poll", n_logged, 2);
        expect_int("reading works", ttp_store_get_state(s, "R1", &st, NULL), 0);
        (void)ttp_subscription_close(sub);
        (void)ttp_store_close(s);
    }
    end_rows();
}

/* Connections that the server ended while they were idle are nobody's trouble. */
static void test_thrown_out(void **state)
{
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE}, got;
    const char *url = make_place("out");
    const ttp_store_options o = {.type = "database", .db_url = url, .poll_ms = 1000000};
    ttp_store *s = NULL;
    ttp_store_rules *rules = NULL;
    ttp_subscription *sub;
    char sql[64];

    (void)state;
    expect_int("open", ttp_store_open(&o, &s, NULL), 0);
    sub = subscribe(s);
    for (int i = 0; i < 3; i++) {
        int64_t id = number_of(url, "SELECT id FROM information_schema.processlist WHERE db ="
                                    " DATABASE() AND id <> CONNECTION_ID()");

        (void)snprintf(sql, sizeof(sql), "KILL %lld", (long long)id);
        run_sql(url, sql);
        if (i == 0)
            expect_int("set", ttp_store_set_state(s, "R1", &st, "me", NULL), 0);
        else if (i == 1)
            expect_int("get", ttp_store_get_state(s, "R1", &got, NULL), 0);
        else
            expect_int("load", ttp_store_load(s, &rules, NULL), 0);
    }
    expect_int("all of it came", ttp_store_rules_n_diagnostics(rules), 0);
    (void)ttp_store_rules_free(rules);
    expect_int("what was set is there", got.kind, TTP_STATE_DISABLED);
    expect_changes("one change", sub, 0, "state R1 disabled");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest both[] = {
        cmocka_unit_test(test_pruned),
        cmocka_unit_test(test_log_is_bounded),
        cmocka_unit_test(test_no_log),
        cmocka_unit_test(test_ten_start),
    };
    const struct CMUnitTest servers[] = {
        cmocka_unit_test(test_late_commit),   cmocka_unit_test(test_many_open),
        cmocka_unit_test(test_gap_is_filled), cmocka_unit_test(test_thrown_out),
        cmocka_unit_test(test_server_goes),   cmocka_unit_test(test_pruning_waits_for_nobody),
    };
    const struct CMUnitTest files[] = {cmocka_unit_test(test_full_disk),
                                       cmocka_unit_test(test_another_file)};
    int rc;

    on_mariadb = argc == 2 && strcmp(argv[1], "mariadb") == 0;
    if (on_mariadb && !mariadb_socket()) {
        printf("SKIP: no server: run it by tests/mariadb/with-mariadb\n");
        return 77;
    }
    if (argc == 4)
        return start_and_set(argv[2], argv[3]);
    if (make_test_dir(NULL))
        return 1;
    rc = cmocka_run_group_tests(both, NULL, NULL);
    rc |= on_mariadb ? cmocka_run_group_tests(servers, NULL, NULL)
                     : cmocka_run_group_tests(files, NULL, NULL);
    return rc | remove_test_dir(NULL);
}
