/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection to a database, whichever it is: the contract, and what the drivers share.
 *
 *     db_open(url) --> db_conn   sqlite.c behind driver_sqlite.c, or libmariadb in driver_mariadb.c
 *     db_prepare(sql) --> db_stmt --db_bind_*--> db_run    (no rows)
 *                                            \-> db_next, db_text..., db_reset
 *
 * SQL is what both dialects read; where they differ db_sql picks. Parameters are written as ?, and
 * counted from 1; columns from 0. Every failure is told as one sentence that says what to do, and
 * none of them holds a password. Threads: one at a time.
 */
#include "base/str.h"
#include "ttp/err.h"

typedef enum db_dialect {
    DB_SQLITE,
    DB_MARIADB, /* and MySQL */
} db_dialect;

typedef struct db_conn db_conn;
typedef struct db_stmt db_stmt;

typedef struct db_options {
    bool read_only;           /* SQLite: the file must be there and is not changed */
    bool must_exist;          /* SQLite: it is not made */
    unsigned busy_timeout_ms; /* how long to wait for another writer; 0: 30 seconds */
} db_options;

/*
 * Open a database by a name that db/url.h reads. options may be NULL. Returns 0, TTP_E_INVALID or
 * TTP_E_UNSUPPORTED (a name that is none; no MariaDB in this build), or what a failed statement
 * returns.
 */
int db_open(const char *url, const db_options *options, db_conn **ret_conn, ttp_err *err);
db_conn *db_close(db_conn *conn); /* rolls back what is open; takes NULL, returns NULL */
DEFINE_FREE_PTR(db_conn, db_conn *, db_close)

db_dialect db_dialect_of(const db_conn *conn);
const char *db_where(const db_conn *conn); /* for errors: the path, or user@host/name */
bool db_is_private(const db_conn *conn);   /* in memory: nobody else can write to it */
/* The server is gone, or threw us out: all further calls fail; only another db_open helps. */
bool db_is_lost(const db_conn *conn);
/* SQLite: the file that is open is no longer the one of its name. Asks the file system. */
bool db_has_moved(db_conn *conn);

/* Of two spellings of one statement, that of the connection's dialect. */
static inline const char *db_sql(const db_conn *conn, const char *sqlite, const char *mariadb)
{
    return db_dialect_of(conn) == DB_SQLITE ? sqlite : mariadb;
}

/*
 * Failures of all that follows: -EBUSY (locked for too long), -EDEADLK (MariaDB took another
 * transaction's side: roll back and do it again), -ENOTCONN (the connection is lost), -EROFS,
 * -ENOSPC, -EFBIG, -EACCES, -ENOENT, -EISDIR, -ENOMEM, -EIO, TTP_E_INVALID (no database, damaged, a
 * row that is not allowed), TTP_E_LIMIT (a value too large).
 */

/* Run one statement that has no parameters; rows are thrown away. */
int db_exec(db_conn *conn, const char *sql, ttp_err *err);

/*
 * A statement of this text, reset and without bindings (NULL); compiled once, kept, owned by conn.
 * The same text gives the same statement: do not ask for it again while reading its rows.
 */
int db_prepare(db_conn *conn, const char *sql, db_stmt **ret_stmt, ttp_err *err);

/* Texts must last until the statement is run or reset. What does not fit is told by the run. */
void db_bind_text(db_stmt *stmt, unsigned at, str text); /* STR_NULL: NULL */
void db_bind_c(db_stmt *stmt, unsigned at, const char *text);
void db_bind_int(db_stmt *stmt, unsigned at, int64_t value);
void db_bind_double(db_stmt *stmt, unsigned at, double value);

/* Run a statement whose rows do not matter. ret_changes (may be NULL): how many rows it changed. */
int db_run(db_stmt *stmt, uint64_t *ret_changes, ttp_err *err);
/* Returns 0 (a row is there), TTP_E_END (no more; reset), or a failure (reset). */
int db_next(db_stmt *stmt, ttp_err *err);
void db_reset(db_stmt *stmt); /* ends reading before the last row */

unsigned db_n_columns(db_stmt *stmt);
/* Of the row that db_next found; the bytes last until the next row or the reset. */
str db_text(db_stmt *stmt, unsigned column); /* the bytes as they are; STR_NULL for NULL */
bool db_is_null(db_stmt *stmt, unsigned column);
int64_t db_int(db_stmt *stmt, unsigned column); /* 0 where it is none */
/* Returns 0, or TTP_E_INVALID where the column holds no number. */
int db_double(db_stmt *stmt, unsigned column, double *ret_value);

/* The first column of the first row as a number; no row and NULL give 0. */
int db_number(db_conn *conn, const char *sql, int64_t *ret_value, ttp_err *err);

/* A transaction that writes: SQLite waits for other writers here, once, not amid the work. */
int db_begin(db_conn *conn, ttp_err *err);
/* One that only reads, and sees one moment throughout. End it with db_rollback. */
int db_begin_read(db_conn *conn, ttp_err *err);
int db_commit(db_conn *conn, ttp_err *err);
void db_rollback(db_conn *conn); /* does nothing where no transaction is open */
