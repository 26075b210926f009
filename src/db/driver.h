/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a driver brings to db.h: one db_driver, and its own structs around these two heads. */
#include "db/db.h"
#include "db/sqlite.h"
#include "db/url.h"

typedef struct db_driver {
    db_dialect dialect;
    void (*close)(db_conn *conn);     /* statements are freed already */
    bool (*has_moved)(db_conn *conn); /* NULL: never */
    int (*exec)(db_conn *conn, const char *sql, ttp_err *err);
    int (*prepare)(db_conn *conn, const char *sql, db_stmt **ret_stmt, ttp_err *err);
    void (*free_stmt)(db_stmt *stmt);
    int (*begin)(db_conn *conn, bool read_only, ttp_err *err);
    int (*commit)(db_conn *conn, ttp_err *err);
    void (*rollback)(db_conn *conn);
    void (*reset)(db_stmt *stmt, bool keep_bindings);
    void (*bind_text)(db_stmt *stmt, unsigned at, str text);
    void (*bind_int)(db_stmt *stmt, unsigned at, int64_t value);
    void (*bind_double)(db_stmt *stmt, unsigned at, double value);
    int (*next)(db_stmt *stmt, ttp_err *err);
    uint64_t (*n_changes)(db_stmt *stmt);
    unsigned (*n_columns)(db_stmt *stmt);
    str (*text)(db_stmt *stmt, unsigned column);
    bool (*is_null)(db_stmt *stmt, unsigned column);
    int64_t (*integer)(db_stmt *stmt, unsigned column);
    int (*number)(db_stmt *stmt, unsigned column, double *ret_value);
} db_driver;

struct db_conn {
    const db_driver *driver;
    const char *where; /* the driver's */
    bool is_private, is_lost;
    db_stmt **kept;
    size_t n_kept, cap_kept;
};

struct db_stmt {
    db_conn *conn;
    char *sql;
};

extern const db_driver db_driver_sqlite;
/* owned: db goes with the connection. Returns 0 or -ENOMEM; db is then still the caller's. */
int driver_sqlite_new(sqlite_db *db, bool owned, db_conn **ret_conn, ttp_err *err);
int driver_sqlite_open(const char *url, const db_options *options, db_conn **ret_conn,
                       ttp_err *err);
/* TTP_E_UNSUPPORTED where this was built without libmariadb. */
int driver_mariadb_open(const db_url_server *server, const db_options *options, db_conn **ret_conn,
                        ttp_err *err);
