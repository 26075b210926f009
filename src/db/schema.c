/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema.h"

#include "base/err.h"
#include "base/str.h"
#include "db/driver.h"
#include "db/schema_dialect.h"

#include <errno.h>
#include <stddef.h>

static const char *const tag_columns[] = {
    "uuid",       "source_kind", "source_id",    "attacker_uuid", "identity_uuid",
    "session_id", "decky_id",    "tactic",       "technique_id",  "sub_technique_id",
    "confidence", "rule_id",     "rule_version", "evidence",      "attack_release",
    "mitre_url",  "created_at",
};

static const char *const rule_columns[] = {
    "rule_id", "rule_version", "source_path", "yaml_content", "updated_at", "updated_by",
};
static const char *const state_columns[] = {
    "rule_id", "state", "confidence_max", "expires_at", "reason", "set_by", "set_at",
};

/* A table that the Python program may have made before us. */
typedef struct shared_table {
    const char *name, *key, *what; /* what: one row of it, for messages */
    size_t sql;                    /* where schema_dialect has its text */
    const char *const *columns;
    size_t n_columns;
} shared_table;

#define COLUMNS_OF(list) (list), sizeof(list) / sizeof((list)[0])
#define MAX_COLUMNS 32
_Static_assert(sizeof(tag_columns) / sizeof(tag_columns[0]) <= MAX_COLUMNS, "room for a table");

static const shared_table shared[] = {
    {"ttp_tag", "uuid", "tag", offsetof(schema_dialect, tag_table), COLUMNS_OF(tag_columns)},
    {"ttp_rule", "rule_id", "rule", offsetof(schema_dialect, rule_table), COLUMNS_OF(rule_columns)},
    {"ttp_rule_state", "rule_id", "state", offsetof(schema_dialect, state_table),
     COLUMNS_OF(state_columns)},
};
#define N_SHARED (sizeof(shared) / sizeof(shared[0]))

static const schema_dialect *dialect_of(const db_conn *conn)
{
    return db_dialect_of(conn) == DB_SQLITE ? &schema_sqlite : &schema_mariadb;
}

/* A count(*) with up to two texts. */
static int count(db_conn *conn, const char *sql, const char *first, const char *second,
                 bool *ret_any, ttp_err *err)
{
    db_stmt *stmt;
    int rc = db_prepare(conn, sql, &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, first);
    if (second)
        db_bind_c(stmt, 2, second);
    rc = db_next(stmt, err);
    if (rc && rc != TTP_E_END)
        return rc;
    *ret_any = !rc && db_int(stmt, 0) > 0;
    db_reset(stmt);
    return 0;
}

static int has_table(db_conn *conn, const char *name, bool *ret_exists, ttp_err *err)
{
    return count(conn, dialect_of(conn)->count_tables, name, NULL, ret_exists, err);
}

static int has_piece(db_conn *conn, const schema_piece *piece, bool *ret_exists, ttp_err *err)
{
    *ret_exists = false;
    if (!piece->name)
        return 0;
    if (!piece->is_trigger)
        return has_table(conn, piece->name, ret_exists, err);
    return count(conn, dialect_of(conn)->count_triggers, piece->name, NULL, ret_exists, err);
}

/* The version of our own tables: 0 where there are none. */
static int read_version(db_conn *conn, int64_t *ret_version, ttp_err *err)
{
    bool exists;
    int rc = has_table(conn, "ttp_schema", &exists, err);

    *ret_version = 0;
    if (rc || !exists)
        return rc;
    rc = db_number(conn, "SELECT max(version) FROM ttp_schema", ret_version, err);
    if (!rc && *ret_version > DB_SCHEMA_VERSION)
        return err_set(err, TTP_E_UNSUPPORTED, db_where(conn),
                       "a newer release made this database (schema version %lld, this one knows "
                       "%d): use that release or another %s",
                       (long long)*ret_version, DB_SCHEMA_VERSION,
                       db_sql(conn, "file", "database"));
    return rc;
}

typedef struct found_columns {
    bool has[MAX_COLUMNS];
    char unknown[128]; /* a column of theirs that must be given and that we do not know */
} found_columns;

static void note_column(const shared_table *table, found_columns *found, db_stmt *info)
{
    str name = db_text(info, 0);

    for (size_t i = 0; i < table->n_columns; i++) {
        if (str_eq_nocase(name, str_from(table->columns[i]))) {
            found->has[i] = true;
            return;
        }
    }
    if (name.ptr && db_int(info, 1))
        (void)err_quote(found->unknown, sizeof(found->unknown), name.ptr, name.len, 64);
}

static int find_columns(db_conn *conn, const shared_table *table, found_columns *found,
                        ttp_err *err)
{
    db_stmt *stmt;
    int rc = db_prepare(conn, dialect_of(conn)->columns_of, &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, table->name);
    while ((rc = db_next(stmt, err)) == 0)
        note_column(table, found, stmt);
    return rc == TTP_E_END ? 0 : rc;
}

/* Rows are told apart by their key alone: it needs a primary key or a unique index of its own. */
static int check_key(db_conn *conn, const shared_table *table, ttp_err *err)
{
    bool has_key;
    int rc = count(conn, dialect_of(conn)->count_keys, table->name, table->key, &has_key, err);

    if (!rc && !has_key)
        return err_set(err, TTP_E_INVALID, db_where(conn),
                       "column %s of table %s is not its primary key: this table cannot "
                       "keep a %s from being written twice",
                       table->key, table->name, table->what);
    return rc;
}

static int check_table(db_conn *conn, const shared_table *table, ttp_err *err)
{
    found_columns found = {0};
    int rc = find_columns(conn, table, &found, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!found.has[i])
            return err_set(err, TTP_E_INVALID, db_where(conn),
                           "table %s has no column %s: another program made it; name another "
                           "%s, or add the column",
                           table->name, table->columns[i], db_sql(conn, "file", "database"));
    }
    if (found.unknown[0])
        return err_set(err, TTP_E_INVALID, db_where(conn),
                       "table %s has a column %s that must be given a value and that this "
                       "program does not know",
                       table->name, found.unknown);
    return check_key(conn, table, err);
}

static int check_all(db_conn *conn, ttp_err *err)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < N_SHARED; i++) {
        bool exists;

        rc = has_table(conn, shared[i].name, &exists, err);
        if (!rc && exists)
            rc = check_table(conn, &shared[i], err);
    }
    return rc;
}

static int make_shared(db_conn *conn, ttp_err *err)
{
    const char *texts = (const char *)dialect_of(conn);
    int rc = 0;

    for (size_t i = 0; !rc && i < N_SHARED; i++) {
        bool exists;

        rc = has_table(conn, shared[i].name, &exists, err);
        if (!rc && !exists)
            rc = db_exec(conn, *(const char *const *)(texts + shared[i].sql), err);
    }
    return rc;
}

/* An index on the same columns under another name serves as well. */
static int make_indexes(db_conn *conn, ttp_err *err)
{
    const schema_dialect *d = dialect_of(conn);
    int rc = 0;

    for (size_t i = 0; !rc && i < d->n_indexes; i++) {
        bool exists;

        rc = count(conn, d->count_indexes, d->indexes[i].columns, NULL, &exists, err);
        if (!rc && !exists)
            rc = db_exec(conn, d->indexes[i].sql, err);
    }
    return rc;
}

/*
 * Our tables and triggers; a trigger that went with a rebuilt table comes back. Who may not make
 * triggers may not see them either: where the version says that they were made, they are there.
 */
static int make_own(db_conn *conn, bool made_before, ttp_err *err)
{
    const schema_dialect *d = dialect_of(conn);
    int rc = 0;

    for (size_t i = 0; !rc && i < d->n_own; i++) {
        bool exists;

        rc = has_piece(conn, &d->own[i], &exists, err);
        if (rc || exists)
            continue;
        rc = db_exec(conn, d->own[i].sql, err);
        if (rc == -EACCES && made_before && (d->own[i].is_trigger || !d->own[i].name))
            rc = 0;
    }
    return rc;
}

/* Version 2 brought the tables of the rules; the step to it is that they are made. */
_Static_assert(DB_SCHEMA_VERSION == 2, "each further version needs its step here");

/* What is refused is refused before anything is made: not every server can undo it. */
static int prepare_locked(db_conn *conn, ttp_err *err)
{
    int64_t version;
    int rc = read_version(conn, &version, err); /* again: another process may have been faster */

    if (!rc)
        rc = check_all(conn, err);
    if (!rc)
        rc = make_shared(conn, err);
    if (!rc)
        rc = make_indexes(conn, err);
    if (!rc)
        rc = make_own(conn, version == DB_SCHEMA_VERSION, err);
    if (!rc && version < DB_SCHEMA_VERSION)
        rc = db_exec(conn, dialect_of(conn)->note_version, err);
    return rc;
}

/* Is all of ours there? */
static int is_complete(db_conn *conn, bool *ret_complete, ttp_err *err)
{
    const schema_dialect *d = dialect_of(conn);
    int64_t version;
    int rc = read_version(conn, &version, err);

    *ret_complete = version == DB_SCHEMA_VERSION;
    for (size_t i = 0; !rc && *ret_complete && i < N_SHARED; i++)
        rc = has_table(conn, shared[i].name, ret_complete, err);
    for (size_t i = 0; !rc && *ret_complete && i < d->n_own; i++)
        if (d->own[i].name)
            rc = has_piece(conn, &d->own[i], ret_complete, err);
    return rc;
}

int db_schema_prepare(db_conn *conn, ttp_err *err)
{
    const schema_dialect *d = dialect_of(conn);
    bool complete;
    int rc = is_complete(conn, &complete, err);

    if (rc)
        return rc;
    if (complete)
        return check_all(conn, err); /* the usual case takes no write lock */
    rc = d->lock(conn, err);
    return rc ? rc : d->unlock(conn, prepare_locked(conn, err), err);
}

int db_schema_check(db_conn *conn, ttp_err *err)
{
    int64_t version;
    bool exists;
    int rc = read_version(conn, &version, err);

    if (!rc)
        rc = has_table(conn, shared[0].name, &exists, err);
    if (!rc && !exists)
        return err_set(err, TTP_E_NOT_FOUND, db_where(conn),
                       "no table ttp_tag: nothing was ever tagged into this database");
    return rc ? rc : check_table(conn, &shared[0], err);
}

static int with_sqlite(sqlite_db *db, int (*fn)(db_conn *conn, ttp_err *err), ttp_err *err)
{
    db_conn *conn;
    int rc = driver_sqlite_new(db, false, &conn, err);

    if (rc)
        return rc;
    rc = fn(conn, err);
    (void)db_close(conn); /* returns NULL */
    return rc;
}

int schema_prepare(sqlite_db *db, ttp_err *err)
{
    return with_sqlite(db, db_schema_prepare, err);
}

int schema_check(sqlite_db *db, ttp_err *err)
{
    return with_sqlite(db, db_schema_check, err);
}
