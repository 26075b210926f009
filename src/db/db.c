/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the driver, and keeps the statements. */
#include "db/db.h"

#include "base/err.h"
#include "db/driver.h"

#include <errno.h>

int db_open(const char *url, const db_options *options, db_conn **ret_conn, ttp_err *err)
{
    static const db_options defaults = {0};
    auto_free(db_url_server) db_url_server server = {0};
    int rc;

    if (!options)
        options = &defaults;
    if (!db_url_is_server(url))
        return driver_sqlite_open(url, options, ret_conn, err);
    rc = db_url_read_server(url, &server, err);
    return rc ? rc : driver_mariadb_open(&server, options, ret_conn, err);
}

static void free_statement(db_stmt *stmt)
{
    free(stmt->sql);
    stmt->conn->driver->free_stmt(stmt);
}

db_conn *db_close(db_conn *conn)
{
    if (!conn)
        return NULL;
    for (size_t i = 0; i < conn->n_kept; i++)
        free_statement(conn->kept[i]);
    free(conn->kept);
    conn->driver->close(conn);
    return NULL;
}

db_dialect db_dialect_of(const db_conn *conn)
{
    return conn->driver->dialect;
}

const char *db_where(const db_conn *conn)
{
    return conn->where;
}

bool db_is_private(const db_conn *conn)
{
    return conn->is_private;
}

bool db_is_lost(const db_conn *conn)
{
    return conn->is_lost;
}

bool db_has_moved(db_conn *conn)
{
    return conn->driver->has_moved && conn->driver->has_moved(conn);
}

static int fail_lost(const db_conn *conn, ttp_err *err)
{
    return err_set(err, -ENOTCONN, conn->where,
                   "the connection to the database server is lost: connect again");
}

int db_exec(db_conn *conn, const char *sql, ttp_err *err)
{
    return conn->is_lost ? fail_lost(conn, err) : conn->driver->exec(conn, sql, err);
}

int db_prepare(db_conn *conn, const char *sql, db_stmt **ret_stmt, ttp_err *err)
{
    auto_free(mem) char *copy = NULL;
    db_stmt *stmt;
    int rc;

    if (conn->is_lost)
        return fail_lost(conn, err);
    for (size_t i = 0; i < conn->n_kept; i++) {
        if (strcmp(conn->kept[i]->sql, sql) != 0)
            continue;
        conn->driver->reset(conn->kept[i], false);
        *ret_stmt = conn->kept[i];
        return 0;
    }
    copy = strdup(sql);
    if (!copy || mem_grow(conn->kept, conn->cap_kept, conn->n_kept + 1))
        return err_set(err, -ENOMEM, conn->where, "out of memory");
    rc = conn->driver->prepare(conn, sql, &stmt, err);
    if (rc)
        return rc;
    stmt->conn = conn;
    stmt->sql = take(copy);
    conn->kept[conn->n_kept++] = stmt;
    *ret_stmt = stmt;
    return 0;
}

void db_bind_text(db_stmt *stmt, unsigned at, str text)
{
    stmt->conn->driver->bind_text(stmt, at, text);
}

void db_bind_c(db_stmt *stmt, unsigned at, const char *text)
{
    db_bind_text(stmt, at, str_from(text));
}

void db_bind_int(db_stmt *stmt, unsigned at, int64_t value)
{
    stmt->conn->driver->bind_int(stmt, at, value);
}

void db_bind_double(db_stmt *stmt, unsigned at, double value)
{
    stmt->conn->driver->bind_double(stmt, at, value);
}

int db_next(db_stmt *stmt, ttp_err *err)
{
    int rc;

    if (stmt->conn->is_lost)
        return fail_lost(stmt->conn, err);
    rc = stmt->conn->driver->next(stmt, err);
    if (rc)
        db_reset(stmt);
    return rc;
}

int db_run(db_stmt *stmt, uint64_t *ret_changes, ttp_err *err)
{
    int rc = stmt->conn->is_lost ? fail_lost(stmt->conn, err) : stmt->conn->driver->next(stmt, err);

    if (ret_changes)
        *ret_changes = rc == TTP_E_END ? stmt->conn->driver->n_changes(stmt) : 0;
    db_reset(stmt);
    return rc == TTP_E_END ? 0 : rc;
}

void db_reset(db_stmt *stmt)
{
    stmt->conn->driver->reset(stmt, true);
}

unsigned db_n_columns(db_stmt *stmt)
{
    return stmt->conn->driver->n_columns(stmt);
}

str db_text(db_stmt *stmt, unsigned column)
{
    return stmt->conn->driver->text(stmt, column);
}

bool db_is_null(db_stmt *stmt, unsigned column)
{
    return stmt->conn->driver->is_null(stmt, column);
}

int64_t db_int(db_stmt *stmt, unsigned column)
{
    return stmt->conn->driver->integer(stmt, column);
}

int db_double(db_stmt *stmt, unsigned column, double *ret_value)
{
    return stmt->conn->driver->number(stmt, column, ret_value);
}

int db_number(db_conn *conn, const char *sql, int64_t *ret_value, ttp_err *err)
{
    db_stmt *stmt = NULL;
    int rc = db_prepare(conn, sql, &stmt, err);

    if (rc || !stmt)
        return rc;
    rc = db_next(stmt, err);
    if (rc && rc != TTP_E_END)
        return rc;
    *ret_value = rc ? 0 : db_int(stmt, 0);
    db_reset(stmt);
    return 0;
}

int db_begin(db_conn *conn, ttp_err *err)
{
    return conn->is_lost ? fail_lost(conn, err) : conn->driver->begin(conn, false, err);
}

int db_begin_read(db_conn *conn, ttp_err *err)
{
    return conn->is_lost ? fail_lost(conn, err) : conn->driver->begin(conn, true, err);
}

int db_commit(db_conn *conn, ttp_err *err)
{
    return conn->is_lost ? fail_lost(conn, err) : conn->driver->commit(conn, err);
}

void db_rollback(db_conn *conn)
{
    if (!conn->is_lost)
        conn->driver->rollback(conn);
}
