/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection to a SQLite database: opened with the settings we measured to serve us, statements
 * kept, every failure told as one sentence that says what to do. One thread.
 */
#include "base/mem.h"
#include "ttp/err.h"

#include <sqlite3.h>
#include <stdbool.h>

typedef struct sqlite_db sqlite_db;

typedef struct sqlite_db_options {
    bool read_only;           /* the file must be there and is not changed */
    bool must_exist;          /* it is not made */
    unsigned busy_timeout_ms; /* how long to wait for another writer; 0: 30 seconds */
} sqlite_db_options;

/*
 * Open (and create, unless read_only) the database of a name that db/url.h reads. options may be
 * NULL. Returns 0, what db_url_sqlite_path returns, or what sqlite_db_fail returns.
 */
int sqlite_db_open(const char *url, const sqlite_db_options *options, sqlite_db **ret_db,
                   ttp_err *err);
sqlite_db *sqlite_db_close(sqlite_db *db); /* rolls back what is open; takes NULL, returns NULL */
DEFINE_FREE_PTR(sqlite_db, sqlite_db *, sqlite_db_close)

/* Is the file that is open no longer the one of its name? It was deleted, renamed or replaced. */
bool sqlite_db_has_moved(sqlite_db *db);

sqlite3 *sqlite_db_handle(sqlite_db *db);
const char *sqlite_db_path(const sqlite_db *db);

/* Run statements that return nothing. Returns 0 or what sqlite_db_fail returns. */
int sqlite_db_exec(sqlite_db *db, const char *sql, ttp_err *err);

/*
 * A statement of this text, reset and without bindings; compiled once, kept, owned by db. The same
 * text gives the same statement: do not ask for it again while stepping it.
 */
int sqlite_db_prepare(sqlite_db *db, const char *sql, sqlite3_stmt **ret_stmt, ttp_err *err);

/* BEGIN IMMEDIATE: waits for other writers here, once, and not in the middle of the work. */
int sqlite_db_begin(sqlite_db *db, ttp_err *err);
int sqlite_db_commit(sqlite_db *db, ttp_err *err);
void sqlite_db_rollback(sqlite_db *db); /* does nothing where no transaction is open */

/*
 * Tell what a SQLite result code means for a person. Returns -EBUSY (locked), -EROFS, -ENOSPC,
 * -EACCES, -ENOENT, -EISDIR, -ENOMEM, -EIO, TTP_E_INVALID (no database, damaged, a broken
 * constraint) or TTP_E_LIMIT (a value too large).
 */
int sqlite_db_fail(sqlite_db *db, int code, ttp_err *err);
