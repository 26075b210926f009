/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of db.h on SQLite; on a server: tests/integration/database/test-server.c. */
#include "db/db.h"

#include "../unit.h"
#include "files.h"

#include <errno.h>

static db_conn *open_at(const char *url)
{
    db_conn *conn = NULL;
    ttp_err err = {0};

    if (db_open(url, NULL, &conn, &err))
        fail_msg("%s", err.text);
    return conn;
}

static void test_values(void **state)
{
    auto_free(db_conn) db_conn *conn = open_at(":memory:");
    char bytes[] = "a\0\xC3\xA4'\\";
    const str text = {bytes, sizeof(bytes) - 1};
    db_stmt *stmt = NULL, *same = NULL;
    uint64_t n = 0;
    double d = 0;

    (void)state;
    expect_int("table", db_exec(conn, "CREATE TABLE t (i, d, t)", NULL), 0);
    expect_int("prepare", db_prepare(conn, "INSERT INTO t VALUES (?, ?, ?)", &stmt, NULL), 0);
    db_bind_int(stmt, 1, INT64_MIN);
    db_bind_double(stmt, 2, 0.1);
    db_bind_text(stmt, 3, text);
    expect_int("run", db_run(stmt, &n, NULL), 0);
    expect_int("one row", n, 1);
    expect_int("again", db_prepare(conn, "INSERT INTO t VALUES (?, ?, ?)", &same, NULL), 0);
    expect_true("it was kept", stmt == same);
    expect_int("without its bindings", db_run(stmt, NULL, NULL), 0);
    expect_int("rows", db_prepare(conn, "SELECT * FROM t ORDER BY rowid", &stmt, NULL), 0);
    expect_int("columns", db_n_columns(stmt), 3);
    expect_int("a row", db_next(stmt, NULL), 0);
    expect_true("integer", db_int(stmt, 0) == INT64_MIN);
    expect_true("number", db_double(stmt, 1, &d) == 0 && d == 0.1);
    expect_true("text, to the byte", str_eq(db_text(stmt, 2), text));
    expect_int("text is no number", db_double(stmt, 2, &d), TTP_E_INVALID);
    expect_int("a row", db_next(stmt, NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_true("NULL", db_is_null(stmt, i) && !db_text(stmt, i).ptr && !db_int(stmt, i));
    expect_int("the end", db_next(stmt, NULL), TTP_E_END);
    expect_int("from the beginning", db_next(stmt, NULL), 0);
    db_reset(stmt);
    end_rows();
}

static void test_numbers(void **state)
{
    static const struct {
        const char *sql;
        int64_t want;
    } rows[] = {{"SELECT 42", 42}, {"SELECT NULL", 0}, {"SELECT 1 WHERE 0", 0}};
    auto_free(db_conn) db_conn *conn = open_at(":memory:");

    (void)state;
    for_each_row(c, rows)
    {
        int64_t n = -1;

        expect_int(c->sql, db_number(conn, c->sql, &n, NULL), 0);
        expect_int(c->sql, n, c->want);
    }
    end_rows();
}

static void test_transactions(void **state)
{
    const char *path = in_dir("tx.db");
    auto_free(db_conn) db_conn *one = open_at(path);
    auto_free(db_conn) db_conn *two = open_at(path);
    int64_t n = 0;

    (void)state;
    expect_int("table", db_exec(one, "CREATE TABLE t (x UNIQUE)", NULL), 0);
    expect_true("not private", !db_is_private(one) && !db_is_lost(one));
    expect_c("named", db_where(one), path);
    expect_int("a view of one moment", db_begin_read(two, NULL), 0);
    expect_int("count", db_number(two, "SELECT count(*) FROM t", &n, NULL), 0);
    expect_int("begin", db_begin(one, NULL), 0);
    expect_int("insert", db_exec(one, "INSERT INTO t VALUES (1)", NULL), 0);
    expect_int("commit", db_commit(one, NULL), 0);
    expect_int("count", db_number(two, "SELECT count(*) FROM t", &n, NULL), 0);
    expect_int("it stays as it was", n, 0);
    db_rollback(two);
    expect_int("count", db_number(two, "SELECT count(*) FROM t", &n, NULL), 0);
    expect_int("then it is seen", n, 1);
    expect_int("begin", db_begin(one, NULL), 0);
    expect_int("insert", db_exec(one, "INSERT INTO t VALUES (2)", NULL), 0);
    db_rollback(one);
    db_rollback(one); /* nothing is open: nothing happens */
    expect_int("count", db_number(two, "SELECT count(*) FROM t", &n, NULL), 0);
    expect_int("undone", n, 1);
    expect_int("refused", db_exec(one, "INSERT INTO t VALUES (1)", NULL), TTP_E_INVALID);
    end_rows();
}

static void test_open(void **state)
{
    auto_free(db_conn) db_conn *memory = open_at("sqlite://");
    db_conn *conn = NULL;
    ttp_err err = {0};

    (void)state;
    expect_true("in memory it is private", db_is_private(memory));
    expect_int("unknown", db_open("oracle://u:secret@h/x", NULL, &conn, &err), TTP_E_UNSUPPORTED);
    expect_true("no password is told", !strstr(err.text, "secret"));
    expect_int("missing", db_open("/nonexistent/x.db", NULL, &conn, &err), -ENOENT);
    expect_true("closing nothing", !db_close(NULL));
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_open),
    };

    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
