/* SPDX-License-Identifier: Apache-2.0 */
/* What only a server can refuse, and tables that the Python program made there. */
#include "stores.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static db_conn *root;

static void as_root(const char *sql)
{
    must_exec(root, sql);
}

/* A user u with these rights on the database; none: NULL. */
static void make_user(const char *url, const char *rights, const char *rights_on)
{
    const char *name = strstr(url, "localhost/") + strlen("localhost/");
    char sql[512];

    as_root("CREATE OR REPLACE USER u@localhost IDENTIFIED BY 'se@cr/et'");
    (void)snprintf(sql, sizeof(sql), "GRANT %s ON %.*s.%s TO u@localhost", rights,
                   (int)strcspn(name, "?"), name, rights_on);
    if (rights)
        as_root(sql);
}

static const char *user_url(const char *url, const char *user, char out[512])
{
    (void)snprintf(out, 512, "mysql://%s@%s", user, strchr(url, '@') + 1);
    return out;
}

static int open_as(const char *url, ttp_err *err)
{
    const ttp_store_options o = {.type = "database", .db_url = url, .poll_ms = 10};
    ttp_store *s = NULL;
    int rc = ttp_store_open(&o, &s, err);

    (void)ttp_store_close(s);
    return rc;
}

static const struct {
    const char *says, *user; /* NULL: root */
    const char *rights;      /* of that user */
    const char *before;      /* by root, in the database, which is made ready where ready is set */
    bool ready;
    int want;
    const char *want_text;
} refusals[] = {
    {"a wrong password", "u:wrong", "ALL", NULL, false, -EACCES,
     "refused the user or the password"},
    {"no password", "u:", "ALL", NULL, false, -EACCES, "DECNET_DB_PASSWORD"},
    {"an unknown user", "nobody:wrong", "ALL", NULL, false, -EACCES, "refused the user"},
    {"a user without rights", "u:se%40cr%2Fet", NULL, NULL, false, -EACCES, "GRANT"},
    {"a user who may only read an empty database", "u:se%40cr%2Fet", "SELECT", NULL, false, -EACCES,
     "GRANT"},
    {"triggers on a server with a binary log", "u:se%40cr%2Fet", "ALL", NULL, false, -EACCES,
     "log_bin_trust_function_creators"},
    {"who sees no triggers uses those that are there", "u:se%40cr%2Fet",
     "SELECT, INSERT, UPDATE, DELETE", NULL, true, 0, ""},
    {"who may only read reads", "u:se%40cr%2Fet", "SELECT", NULL, true, 0, ""},
    {"a password that was not encoded", "u:se@cr/et", "SELECT", NULL, true, 0, ""},
    {"a column less", NULL, NULL, "ALTER TABLE ttp_rule DROP COLUMN updated_by", true,
     TTP_E_INVALID, "table ttp_rule has no column updated_by"},
    {"a column that must be given", NULL, NULL,
     "ALTER TABLE ttp_rule_state ADD COLUMN more INT NOT NULL", true, TTP_E_INVALID,
     "a column more that must be given"},
    {"a column that need not", NULL, NULL, "ALTER TABLE ttp_rule ADD COLUMN more INT", true, 0, ""},
    {"a column with a default", NULL, NULL,
     "ALTER TABLE ttp_rule ADD COLUMN more INT NOT NULL DEFAULT 1", true, 0, ""},
    {"a table without a key", NULL, NULL, "ALTER TABLE ttp_rule DROP PRIMARY KEY", true,
     TTP_E_INVALID, "column rule_id of table ttp_rule is not its primary key"},
    {"a newer release", NULL, NULL, "INSERT INTO ttp_schema VALUES (3, '2030-01-01')", true,
     TTP_E_UNSUPPORTED, "a newer release made this database (schema version 3"},
    {"a trigger that is gone comes back", NULL, NULL, "DROP TRIGGER ttp_rule_updated", true, 0, ""},
    {"nothing of ours", NULL, NULL, NULL, false, 0, ""},
};

static void test_refusals(void **state)
{
    (void)state;
    for_each_row(c, refusals)
    {
        const char *place = make_place("");
        char url[512];
        ttp_err err = {0};

        if (c->ready)
            expect_int(c->says, open_as(place, NULL), 0);
        make_user(place, c->rights, "*");
        if (c->before)
            run_sql(place, c->before);
        expect_int(c->says, open_as(c->user ? user_url(place, c->user, url) : place, &err),
                   c->want);
        if (!strstr(err.text, c->want_text) || (!c->want && err.text[0]))
            expect_c(c->says, err.text, c->want_text);
        expect_true("no password is told",
                    !strstr(err.text, "wrong") && !strstr(err.where, "wrong") &&
                        !strstr(err.where, "cr") && !strstr(err.text, "cr/"));
    }
    end_rows();
}

static const struct {
    const char *says, *url;
    int want;
    const char *want_text;
} unreachable[] = {
    {"nobody listens", "mysql://u:secret@127.0.0.1:1/x", -ECONNREFUSED, "check that it runs"},
    {"no socket", "mysql://u:secret@/x?unix_socket=/nonexistent", -ECONNREFUSED,
     "check that it runs"},
    {"no such host", "mysql://u:secret@host.invalid/x", -ENOENT, "check the host's name"},
    {"no such database", NULL, -ENOENT, "CREATE DATABASE"},
};

static void test_unreachable(void **state)
{
    char none[512];

    (void)state;
    for_each_row(c, unreachable)
    {
        ttp_err err = {0};

        expect_int(c->says, open_as(c->url ? c->url : mariadb_url_of(none, "root", "none"), &err),
                   c->want);
        if (!strstr(err.text, c->want_text))
            expect_c(c->says, err.text, c->want_text);
        expect_true("no password is told",
                    !strstr(err.text, "secret") && !strstr(err.where, "secret"));
    }
    end_rows();
}

/* A server that takes the connection and says nothing does not hold us for ever. */
static void test_silent(void **state)
{
    char url[128];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t start_ns = time_monotonic_ns();

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(url, sizeof(url), "mysql://u:x@127.0.0.1:%d/x", ntohs(a.sin_port));
    expect_true("it fails", open_as(url, NULL) < 0);
    expect_true("within 10 s", time_monotonic_ns() - start_ns < 10000000000);
    (void)close(fd);
    end_rows();
}

static void test_read_only(void **state)
{
    const char *place = make_place("");
    ttp_rule_state st = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE};
    char url[512];
    ttp_err err = {0};
    ttp_store *s;

    (void)state;
    expect_int("made", open_as(place, NULL), 0);
    make_user(place, "ALL", "*");
    s = open_store(user_url(place, "u:se%40cr%2Fet", url));
    as_root("SET GLOBAL read_only = 1");
    expect_int("a server that is read-only", ttp_store_set_state(s, "R1", &st, "me", &err), -EROFS);
    expect_true("is told", strstr(err.text, "read-only"));
    as_root("SET GLOBAL read_only = 0");
    expect_int("and then it works", ttp_store_set_state(s, "R1", &st, "me", NULL), 0);
    as_root("LOCK TABLES mysql.user READ"); /* any other lock does not matter */
    as_root("UNLOCK TABLES");
    (void)ttp_store_close(s);
    end_rows();
}

/* As SQLAlchemy makes them, with a row each. */
static const char python_tables[] =
    "CREATE TABLE ttp_rule (rule_id VARCHAR(64) NOT NULL, rule_version INTEGER NOT NULL,"
    " source_path VARCHAR(255) NOT NULL, yaml_content TEXT NOT NULL, updated_at DATETIME NOT NULL,"
    " updated_by VARCHAR(64) NOT NULL, PRIMARY KEY (rule_id)) CHARSET=utf8mb4"
    " COLLATE=utf8mb4_general_ci;"
    "CREATE TABLE ttp_rule_state (rule_id VARCHAR(64) NOT NULL,"
    " state ENUM('enabled', 'disabled', 'clipped') NOT NULL, confidence_max FLOAT, expires_at"
    " DATETIME, reason VARCHAR(255), set_by VARCHAR(64), set_at DATETIME, PRIMARY KEY (rule_id))"
    " CHARSET=utf8mb3;" INSERT(
        "R1", QUOTED("R1", "1")) ";"
                                 "INSERT INTO ttp_rule_state VALUES ('R1', 'clipped', 0.1, "
                                 "'2030-01-01 00:00:00', 'why', 'me',"
                                 " '2026-01-01 00:00:00')";

static void test_python_tables(void **state)
{
    const char *url = make_place("");
    ttp_store_rules *rules = NULL;
    ttp_subscription *sub;
    ttp_rule_state st;
    ttp_store *s;
    char *large;

    (void)state;
    run_sql(url, python_tables);
    s = open_store(url);
    sub = subscribe(s);
    expect_int("load", ttp_store_load(s, &rules, NULL), 0);
    expect_int("its rule", ttp_store_rules_count(rules), 1);
    assert_non_null(ttp_store_rules_at(rules, 0, &st));
    expect_int("its state", st.kind, TTP_STATE_CLIPPED);
    expect_true("0.1 of a FLOAT is 0.1", st.confidence_max == 0.1);
    (void)ttp_store_rules_free(rules);
    run_sql(url, UPDATE("R1", "2") ";UPDATE ttp_rule SET yaml_content = REPLACE(yaml_content,"
                                   " 'abc', 'ABC');"
                                   "UPDATE ttp_rule_state SET reason = 'because'");
    expect_changes("its edits", sub, 5000, "definition R1 2; definition R1 2; state R1 clipped");
    expect_int("get", ttp_store_get_state(s, "R1", &st, NULL), 0);
    st.expires_at_us = time_now_us() - 1000000;
    expect_int("a state in its columns", ttp_store_set_state(s, "R1", &st, "me", NULL), 0);
    expect_changes("arrives", sub, 5000, "state R1 clipped");
    expect_int("expired", ttp_store_get_state(s, "R1", &st, NULL), 0);
    expect_int("it is the default", st.kind, TTP_STATE_ENABLED);
    expect_changes("one revert", sub, 5000, "state R1 enabled");
    large = malloc(70002);
    assert_non_null(large);
    memset(large, '#', 70000);
    memset(large + 69000, '\n', 1);
    (void)snprintf(large + 69001, 1000, "%s", rule_1);
    {
        ttp_err err = {0};

        expect_int("a file that its column cannot hold",
                   database_upsert_rule(s, str_from(large), "/x", "me", NULL, &err), TTP_E_INVALID);
        expect_true("is told with what to do", strstr(err.text, "MEDIUMTEXT"));
        run_sql(url, "ALTER TABLE ttp_rule MODIFY yaml_content MEDIUMTEXT NOT NULL");
        expect_int("done so", database_upsert_rule(s, str_from(large), "/x", "me", NULL, &err), 0);
    }
    free(large);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(s);
    end_rows();
}

static void test_statements(void **state)
{
    db_conn *conn = connect_db(make_place(""));
    char text[] = "a\0\xC3\xA4'\\";
    db_stmt *stmt = NULL;
    double d = 0;
    uint64_t n = 0;

    (void)state;
    must_exec(conn, "CREATE TABLE t (i BIGINT, d DOUBLE, f FLOAT, t MEDIUMTEXT, e DATETIME(6),"
                    " c DECIMAL(5, 2)) CHARSET=utf8mb4");
    expect_int("prepare", db_prepare(conn, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", &stmt, NULL),
               0);
    db_bind_int(stmt, 1, INT64_MIN);
    db_bind_double(stmt, 2, 0.1);
    db_bind_double(stmt, 3, 0.1);
    db_bind_text(stmt, 4, (str){text, sizeof(text) - 1});
    db_bind_c(stmt, 5, "2030-01-02 03:04:05.000006");
    db_bind_double(stmt, 6, 1.25);
    expect_int("run", db_run(stmt, &n, NULL), 0);
    expect_int("one row", n, 1);
    expect_int("without bindings",
               db_prepare(conn, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", &stmt, NULL), 0);
    expect_int("run", db_run(stmt, NULL, NULL), 0);
    expect_int("prepare", db_prepare(conn, "SELECT * FROM t ORDER BY i IS NULL", &stmt, NULL), 0);
    expect_int("row", db_next(stmt, NULL), 0);
    expect_true("integer", db_int(stmt, 0) == INT64_MIN);
    expect_true("double", db_double(stmt, 1, &d) == 0 && d == 0.1);
    expect_true("float", db_double(stmt, 2, &d) == 0 && d == 0.1);
    expect_true("text, to the byte", str_eq(db_text(stmt, 3), (str){text, sizeof(text) - 1}));
    expect_int("text is no number", db_double(stmt, 3, &d), TTP_E_INVALID);
    expect_str("time", db_text(stmt, 4), "2030-01-02 03:04:05.000006");
    expect_true("decimal", db_double(stmt, 5, &d) == 0 && d == 1.25);
    expect_str("a number as text", db_text(stmt, 0), "-9223372036854775808");
    expect_int("row", db_next(stmt, NULL), 0);
    for (unsigned i = 0; i < 6; i++)
        expect_true("NULL", db_is_null(stmt, i) && !db_text(stmt, i).ptr && !db_int(stmt, i));
    expect_int("end", db_next(stmt, NULL), TTP_E_END);
    expect_int("a typing error", db_prepare(conn, "SELEKT", &stmt, NULL), -EIO);
    (void)db_close(conn);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_silent),        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_python_tables), cmocka_unit_test(test_statements),
    };
    char url[512];
    int rc;

    if (!mariadb_socket()) {
        printf("SKIP: no server: run it by tests/mariadb/with-mariadb\n");
        return 77;
    }
    on_mariadb = true;
    root = connect_db(mariadb_url_of(url, "root", "mysql"));
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)db_close(root);
    return rc;
}
