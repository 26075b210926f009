/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite under the contract of db.h: thin, over sqlite.c. */
#include "base/err.h"
#include "db/driver.h"

#include <errno.h>

typedef struct sqlite_conn {
    db_conn head; /* must be first */
    sqlite_db *db;
    bool owned;
} sqlite_conn;

typedef struct sqlite_statement {
    db_stmt head; /* must be first */
    sqlite3_stmt *stmt;
    int bind_code; /* the first refusal, told by the run */
} sqlite_statement;

static sqlite_db *db_of(db_conn *conn)
{
    return ((sqlite_conn *)conn)->db;
}

static sqlite3_stmt *raw(db_stmt *stmt)
{
    return ((sqlite_statement *)stmt)->stmt;
}

static void close_conn(db_conn *conn)
{
    if (((sqlite_conn *)conn)->owned)
        (void)sqlite_db_close(db_of(conn)); /* returns NULL */
    free(conn);
}

static bool has_moved(db_conn *conn)
{
    return sqlite_db_has_moved(db_of(conn));
}

static int exec(db_conn *conn, const char *sql, ttp_err *err)
{
    return sqlite_db_exec(db_of(conn), sql, err);
}

static int prepare(db_conn *conn, const char *sql, db_stmt **ret_stmt, ttp_err *err)
{
    sqlite_statement *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, conn->where, "out of memory");
    rc = sqlite_db_prepare(db_of(conn), sql, &s->stmt, err);
    if (rc) {
        free(s);
        return rc;
    }
    *ret_stmt = &s->head;
    return 0;
}

static void free_stmt(db_stmt *stmt)
{
    (void)sqlite3_reset(raw(stmt)); /* kept by db; repeats what was handled */
    free(stmt);
}

static int begin(db_conn *conn, bool read_only, ttp_err *err)
{
    return read_only ? sqlite_db_exec(db_of(conn), "BEGIN", err)
                     : sqlite_db_begin(db_of(conn), err);
}

static int commit(db_conn *conn, ttp_err *err)
{
    return sqlite_db_commit(db_of(conn), err);
}

static void rollback(db_conn *conn)
{
    sqlite_db_rollback(db_of(conn));
}

static void reset(db_stmt *stmt, bool keep_bindings)
{
    (void)sqlite3_reset(raw(stmt)); /* repeats the last step's result, which was handled */
    if (keep_bindings)
        return;
    (void)sqlite3_clear_bindings(raw(stmt)); /* always SQLITE_OK */
    ((sqlite_statement *)stmt)->bind_code = SQLITE_OK;
}

static void note_code(db_stmt *stmt, int code)
{
    sqlite_statement *s = (sqlite_statement *)stmt;

    if (s->bind_code == SQLITE_OK)
        s->bind_code = code;
}

static void bind_text(db_stmt *stmt, unsigned at, str text)
{
    note_code(stmt, text.ptr ? sqlite3_bind_text64(raw(stmt), (int)at, text.ptr, text.len,
                                                   SQLITE_STATIC, SQLITE_UTF8)
                             : sqlite3_bind_null(raw(stmt), (int)at));
}

static void bind_int(db_stmt *stmt, unsigned at, int64_t value)
{
    note_code(stmt, sqlite3_bind_int64(raw(stmt), (int)at, value));
}

static void bind_double(db_stmt *stmt, unsigned at, double value)
{
    note_code(stmt, sqlite3_bind_double(raw(stmt), (int)at, value));
}

static int next(db_stmt *stmt, ttp_err *err)
{
    int code = ((sqlite_statement *)stmt)->bind_code;

    if (code == SQLITE_OK)
        code = sqlite3_step(raw(stmt));
    if (code == SQLITE_ROW)
        return 0;
    return code == SQLITE_DONE ? TTP_E_END : sqlite_db_fail(db_of(stmt->conn), code, err);
}

static uint64_t n_changes(db_stmt *stmt)
{
    return (uint64_t)sqlite3_changes(sqlite_db_handle(db_of(stmt->conn)));
}

static unsigned n_columns(db_stmt *stmt)
{
    return (unsigned)sqlite3_column_count(raw(stmt));
}

static bool is_null(db_stmt *stmt, unsigned column)
{
    return sqlite3_column_type(raw(stmt), (int)column) == SQLITE_NULL;
}

static str text(db_stmt *stmt, unsigned column)
{
    const char *p;

    if (is_null(stmt, column))
        return STR_NULL;
    p = sqlite3_column_blob(raw(stmt), (int)column); /* NULL where it is empty */
    return (str){p ? p : "", p ? (size_t)sqlite3_column_bytes(raw(stmt), (int)column) : 0};
}

static int64_t integer(db_stmt *stmt, unsigned column)
{
    return sqlite3_column_int64(raw(stmt), (int)column);
}

static int number(db_stmt *stmt, unsigned column, double *ret_value)
{
    int type = sqlite3_column_type(raw(stmt), (int)column);

    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER)
        return TTP_E_INVALID;
    *ret_value = sqlite3_column_double(raw(stmt), (int)column);
    return 0;
}

const db_driver db_driver_sqlite = {
    .dialect = DB_SQLITE,
    .close = close_conn,
    .has_moved = has_moved,
    .exec = exec,
    .prepare = prepare,
    .free_stmt = free_stmt,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .reset = reset,
    .bind_text = bind_text,
    .bind_int = bind_int,
    .bind_double = bind_double,
    .next = next,
    .n_changes = n_changes,
    .n_columns = n_columns,
    .text = text,
    .is_null = is_null,
    .integer = integer,
    .number = number,
};

int driver_sqlite_new(sqlite_db *db, bool owned, db_conn **ret_conn, ttp_err *err)
{
    sqlite_conn *conn = calloc(1, sizeof(*conn));

    if (!conn)
        return err_set(err, -ENOMEM, sqlite_db_path(db), "out of memory");
    conn->head.driver = &db_driver_sqlite;
    conn->head.where = sqlite_db_path(db);
    conn->head.is_private = strcmp(sqlite_db_path(db), DB_MEMORY_PATH) == 0;
    conn->db = db;
    conn->owned = owned;
    *ret_conn = &conn->head;
    return 0;
}

int driver_sqlite_open(const char *url, const db_options *options, db_conn **ret_conn, ttp_err *err)
{
    const sqlite_db_options o = {.read_only = options->read_only,
                                 .must_exist = options->must_exist,
                                 .busy_timeout_ms = options->busy_timeout_ms};
    auto_free(sqlite_db) sqlite_db *db = NULL;
    int rc = sqlite_db_open(url, &o, &db, err);

    if (!rc)
        rc = driver_sqlite_new(db, true, ret_conn, err);
    if (!rc)
        (void)take(db); /* the connection's from here */
    return rc;
}
