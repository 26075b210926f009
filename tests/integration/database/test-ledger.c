/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's tables. Usage: test-ledger [mariadb]; beside a server (tests/mariadb/with-mariadb)
 * with mariadb, else in a file.
 */
#include "../../unit/unit.h"

#include "base/str.h"
#include "base/time.h"
#include "db/schema.h"
#include "ttp/ledger.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 20000

static bool on_mariadb;

typedef struct fixture {
    char dir[32], url[256];
    db_conn *db; /* what another program does */
} fixture;

static atomic_uint n_warnings;

static void count_log(void *ctx, ttp_log_level level, const char *line)
{
    (void)ctx;
    if (level >= TTP_LOG_WARNING && strstr(line, "the ledger"))
        n_warnings++;
}

static void run_sql(fixture *f, const char *sql)
{
    ttp_err err = {0};

    if (db_exec(f->db, sql, &err))
        fail_msg("%s: %s", sql, err.text);
}

static int64_t number(fixture *f, const char *sql)
{
    ttp_err err = {0};
    int64_t n = -1;

    if (db_number(f->db, sql, &n, &err))
        fail_msg("%s: %s", sql, err.text);
    return n;
}

static void make_database(fixture *f)
{
    const char *socket = getenv("TTP_TEST_MARIADB");
    static unsigned serial;
    char url[256], sql[64];
    db_conn *server = NULL;

    assert_non_null(socket);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE ledger_%u", ++serial);
    (void)snprintf(url, sizeof(url), "mysql://root@/mysql?unix_socket=%s", socket);
    (void)snprintf(f->url, sizeof(f->url), "mysql://root@/ledger_%u?unix_socket=%s", serial,
                   socket);
    assert_int_equal(db_open(url, NULL, &server, NULL), 0);
    assert_int_equal(db_exec(server, sql, NULL), 0);
    (void)db_close(server);
}

static void set_up(fixture *f)
{
    *f = (fixture){.dir = "/tmp/ttp-ledger-XXXXXX"};
    n_warnings = 0;
    assert_non_null(mkdtemp(f->dir));
    if (on_mariadb)
        make_database(f);
    else
        (void)snprintf(f->url, sizeof(f->url), "%s/t.db", f->dir);
    assert_int_equal(db_open(f->url, NULL, &f->db, NULL), 0);
    assert_int_equal(db_schema_prepare(f->db, NULL), 0);
}

static void tear_down(fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[300];

    f->db = db_close(f->db);
    for (size_t i = 0; !on_mariadb && i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s%s", f->url, suffixes[i]);
        (void)unlink(path); /* it may not be there */
    }
    assert_int_equal(rmdir(f->dir), 0);
}

static ttp_store *open_store(const fixture *f, const char *host)
{
    const ttp_store_options o = {.type = "database",
                                 .db_url = f->url,
                                 .poll_ms = 10,
                                 .host = host,
                                 .log = {.fn = count_log}};
    ttp_store *store = NULL;
    ttp_err err = {0};

    if (ttp_store_open(&o, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

static void load(ttp_store *store)
{
    ttp_store_rules *rules = NULL;

    assert_int_equal(ttp_store_load(store, &rules, NULL), 0);
    (void)ttp_store_rules_free(rules);
}

/* Rules R<from>..R<to - 1>, in one transaction. */
static void put_rules(fixture *f, int from, int to)
{
    assert_int_equal(db_begin(f->db, NULL), 0);
    for (int i = from; i < to; i++) {
        char sql[600];

        (void)snprintf(
            sql, sizeof(sql),
            "INSERT INTO ttp_rule (rule_id, rule_version, source_path, yaml_content, updated_at,"
            " updated_by) VALUES ('R%d', 1, 'x', '{rule_id: R%d, rule_version: 1, name: n,"
            " applies_to: command, match: {contains: a}, emits: [{technique_id: T1105}]}',"
            " '2026-01-01 00:00:00', 'x')",
            i, i);
        run_sql(f, sql);
    }
    assert_int_equal(db_commit(f->db, NULL), 0);
}

/* Wait until the query gives this number. */
static void wait_for(const char *says, fixture *f, const char *sql, int64_t want)
{
    int64_t end_ns = time_monotonic_ns() + WAIT_MS * 1000000LL, got = number(f, sql);

    while (got != want && time_monotonic_ns() < end_ns) {
        (void)usleep(5000); /* woken early, it looks once more */
        got = number(f, sql);
    }
    expect_int(says, got, want);
}

#define N_RULES 1234 /* more than one transaction, and no multiple of a statement */

static void test_many(void **state)
{
    ttp_ledger *view = NULL;
    ttp_store *a, *asks;
    fixture f;

    (void)state;
    set_up(&f);
    put_rules(&f, 0, N_RULES);
    a = open_store(&f, "a");
    load(a);
    wait_for("each rule has its row", &f,
             "SELECT count(*) FROM ttp_rule_status WHERE status = 'live'", N_RULES);
    asks = open_store(&f, NULL);
    assert_int_equal(ttp_store_ledger(asks, &view, NULL), 0);
    expect_int("all of them", ttp_ledger_count(view), N_RULES);
    expect_int("of one host: who only asks is none", ttp_ledger_n_hosts(view), 1);
    for (size_t i = 0; i < ttp_ledger_count(view); i++)
        expect_int("live", ttp_ledger_at(view, i)->n_live, 1);
    (void)ttp_ledger_free(view);
    a = ttp_store_close(a);

    run_sql(&f, "DELETE FROM ttp_rule WHERE rule_id <> 'R7'");
    run_sql(&f, "UPDATE ttp_rule SET yaml_content = 'x' WHERE rule_id = 'R7'");
    a = open_store(&f, "a");
    load(a);
    wait_for("what went while it was away goes", &f, "SELECT count(*) FROM ttp_rule_status", 1);
    wait_for("what was broken is told", &f,
             "SELECT count(*) FROM ttp_rule_status WHERE status = 'quarantined' AND error LIKE "
             "'R7:1:1:%'"
             " AND content_hash IS NULL AND refused_hash IS NOT NULL",
             1);
    (void)ttp_store_close(a);
    (void)ttp_store_close(asks);
    tear_down(&f);
    end_rows();
}

static int keep_r1(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    if (strcmp(rule_id, "R1") == 0)
        *(ttp_rule_counts *)ctx = *c;
    return 0;
}

static ttp_rule_counts sum_of(ttp_store *store)
{
    ttp_rule_counts c = {0};
    ttp_err err = {0};

    if (ttp_store_counts(store, keep_r1, &c, &err))
        fail_msg("%s", err.text);
    return c;
}

static void count_many(ttp_store *store, uint64_t fires)
{
    for (int i = 0; i < 120; i++) {
        const ttp_rule_counts delta = {.fires = fires, .suppressed = 1, .cuts = 2, .ticks = 3};
        char id[16];

        (void)snprintf(id, sizeof(id), "R%d", i);
        expect_int("counted", ttp_store_count(store, id, &delta), 0);
    }
}

static void test_counts(void **state)
{
    ttp_store *a, *b, *asks;
    fixture f;

    (void)state;
    set_up(&f);
    a = open_store(&f, "a");
    b = open_store(&f, "b");
    asks = open_store(&f, NULL);
    count_many(a, 5);
    expect_int("own counts are seen at once", sum_of(a).fires, 5);
    wait_for("they are written before long", &f,
             "SELECT count(*) FROM ttp_rule_counter WHERE host = 'a'", 120);
    expect_int("and not counted twice then", sum_of(a).fires, 5);
    count_many(b, 7);
    count_many(a, 1);
    count_many(asks, 100);
    b = ttp_store_close(b);
    a = ttp_store_close(a);
    expect_int("at the end all is written, of all hosts", sum_of(asks).fires, 13);
    expect_int("the others too", sum_of(asks).suppressed, 3);
    expect_int("cuts", sum_of(asks).cuts, 6);
    expect_int("ticks", sum_of(asks).ticks, 9);
    expect_int("a row a host and rule", number(&f, "SELECT count(*) FROM ttp_rule_counter"), 240);
    a = open_store(&f, "a");
    count_many(a, 1);
    expect_int("a new start adds to it", sum_of(a).fires, 14);
    wait_for("in its row, too", &f,
             "SELECT fires FROM ttp_rule_counter WHERE host = 'a' AND rule_id = 'R1'", 7);
    expect_int("b is forgotten", ttp_store_forget_host(asks, "b", NULL), 0);
    expect_int("with what it counted", sum_of(asks).fires, 7);
    expect_int("nobody is forgotten twice", ttp_store_forget_host(asks, "b", NULL),
               TTP_E_NOT_FOUND);
    (void)ttp_store_close(a);
    (void)ttp_store_close(asks);
    tear_down(&f);
    end_rows();
}

/* The ledger's table goes and comes back: rules do not notice, and the rows are there again. */
static void test_lost_table(void **state)
{
    ttp_rule_state s;
    ttp_store *a;
    fixture f;

    (void)state;
    set_up(&f);
    put_rules(&f, 0, 3);
    a = open_store(&f, "a");
    load(a);
    wait_for("three rules", &f, "SELECT count(*) FROM ttp_rule_status", 3);
    run_sql(&f, "DROP TABLE ttp_rule_status");
    put_rules(&f, 3, 4);
    for (int i = 0; i < WAIT_MS / 5 && !n_warnings; i++)
        (void)usleep(5000); /* woken early, it looks once more */
    (void)usleep(100000);
    expect_int("said once", n_warnings, 1);
    expect_int("the rules go on", ttp_store_get_state(a, "R3", &s, NULL), 0);
    load(a);
    assert_int_equal(db_schema_prepare(f.db, NULL), 0);
    put_rules(&f, 4, 5);
    wait_for("all rules, not only what is new", &f, "SELECT count(*) FROM ttp_rule_status", 5);
    (void)ttp_store_close(a);
    tear_down(&f);
    end_rows();
}

/* Rows that none of us wrote are read with mistrust, and those of this host are put right. */
static void test_strangers(void **state)
{
    ttp_ledger *view = NULL;
    const ttp_ledger_rule *r;
    ttp_store *a;
    fixture f;

    (void)state;
    set_up(&f);
    put_rules(&f, 0, 1);
    run_sql(&f, "INSERT INTO ttp_rule_status (host, rule_id, status, since) VALUES"
                " ('a', 'R0', 'live', '2026-01-01 00:00:00'), ('a', 'no rule', 'live', '2026-01-01 "
                "00:00:00'),"
                " ('b', 'R0', 'live', '2026-01-01 00:00:00')");
    run_sql(&f, "INSERT INTO ttp_rule_counter (host, rule_id, fires, suppressed, cuts, wakeups, "
                "verifications,"
                " cycles) VALUES ('b', 'R1', -5, 1, 0, 0, 0, 0)");
    a = open_store(&f, "a");
    assert_int_equal(ttp_store_ledger(a, &view, NULL), 0);
    expect_int("before its load it runs nothing", ttp_ledger_find(view, "R0")->n_lagging, 2);
    (void)ttp_ledger_free(view);
    load(a);
    wait_for("the row is put right", &f,
             "SELECT count(*) FROM ttp_rule_status WHERE host = 'a' AND content_hash IS NOT NULL",
             1);
    wait_for("and the other goes", &f, "SELECT count(*) FROM ttp_rule_status WHERE host = 'a'", 1);
    assert_int_equal(ttp_store_ledger(a, &view, NULL), 0);
    r = ttp_ledger_find(view, "R0");
    expect_int("one is live", r->n_live, 1);
    expect_int("one lags", r->n_lagging, 1);
    (void)ttp_ledger_free(view);
    expect_int("a negative count is none", sum_of(a).fires, 0);
    expect_int("the others count", sum_of(a).suppressed, 1);
    (void)ttp_store_close(a);
    tear_down(&f);
    end_rows();
}

/* A private database has the same ledger, which nobody else can read. */
static void test_private(void **state)
{
    const ttp_store_options o = {.type = "database", .db_url = ":memory:", .host = "a"};
    const ttp_rule_counts delta = {.fires = 4};
    ttp_ledger *view = NULL;
    ttp_store *store = NULL;

    (void)state;
    assert_int_equal(ttp_store_open(&o, &store, NULL), 0);
    assert_int_equal(ttp_store_ledger(store, &view, NULL), 0);
    expect_int("one host", ttp_ledger_n_hosts(view), 1);
    (void)ttp_ledger_free(view);
    expect_int("counted", ttp_store_count(store, "R1", &delta), 0);
    expect_int("and seen", sum_of(store).fires, 4);
    (void)ttp_store_close(store);
    end_rows();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),       cmocka_unit_test(test_counts),
        cmocka_unit_test(test_lost_table), cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_private),
    };

    on_mariadb = argc > 1 && strcmp(argv[1], "mariadb") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
