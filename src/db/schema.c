/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema.h"

#include "base/err.h"
#include "base/str.h"

static const char tag_table[] =
    "CREATE TABLE ttp_tag ("
    " uuid TEXT NOT NULL PRIMARY KEY,"
    " source_kind TEXT NOT NULL,"
    " source_id TEXT NOT NULL,"
    " attacker_uuid TEXT,"
    " identity_uuid TEXT,"
    " session_id TEXT,"
    " decky_id TEXT,"
    " tactic TEXT NOT NULL,"
    " technique_id TEXT NOT NULL,"
    " sub_technique_id TEXT,"
    " confidence REAL NOT NULL,"
    " rule_id TEXT NOT NULL,"
    " rule_version INTEGER NOT NULL,"
    " evidence TEXT NOT NULL,"
    " attack_release TEXT NOT NULL,"
    " mitre_url TEXT,"
    " created_at TEXT NOT NULL,"
    " CONSTRAINT ck_ttp_tag_anchor CHECK (attacker_uuid IS NOT NULL OR identity_uuid IS NOT NULL),"
    " CONSTRAINT ck_ttp_tag_confidence CHECK (confidence >= 0.0 AND confidence <= 1.0))";

static const char schema_table[] = "CREATE TABLE IF NOT EXISTS ttp_schema ("
                                   " version INTEGER NOT NULL PRIMARY KEY,"
                                   " made_at TEXT NOT NULL)";

static const char *const tag_columns[] = {
    "uuid",       "source_kind", "source_id",    "attacker_uuid", "identity_uuid",
    "session_id", "decky_id",    "tactic",       "technique_id",  "sub_technique_id",
    "confidence", "rule_id",     "rule_version", "evidence",      "attack_release",
    "mitre_url",  "created_at",
};
#define N_TAG_COLUMNS (sizeof(tag_columns) / sizeof(tag_columns[0]))

static const struct {
    const char *columns, *sql;
} tag_indexes[] = {
    {"identity_uuid,technique_id", "CREATE INDEX ix_ttp_tag_identity_technique"
                                   " ON ttp_tag (identity_uuid, technique_id)"},
    {"attacker_uuid,technique_id", "CREATE INDEX ix_ttp_tag_attacker_technique"
                                   " ON ttp_tag (attacker_uuid, technique_id)"},
    {"technique_id,created_at", "CREATE INDEX ix_ttp_tag_technique_created"
                                " ON ttp_tag (technique_id, created_at)"},
    {"session_id", "CREATE INDEX ix_ttp_tag_session ON ttp_tag (session_id)"},
    {"rule_id", "CREATE INDEX ix_ttp_tag_rule ON ttp_tag (rule_id)"},
};

/* The first column of a one-row query as a number; absent rows and NULL give 0. */
static int query_number(sqlite_db *db, const char *sql, const char *arg, int64_t *ret_value,
                        ttp_err *err)
{
    sqlite3_stmt *stmt;
    int rc = sqlite_db_prepare(db, sql, &stmt, err);
    int code;

    if (rc)
        return rc;
    if (arg)
        (void)sqlite3_bind_text(stmt, 1, arg, -1, SQLITE_STATIC); /* NULL, found nothing: no harm */
    code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sqlite_db_fail(db, code, err);
    *ret_value = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    (void)sqlite3_reset(stmt); /* the step was fine */
    return 0;
}

static int table_exists(sqlite_db *db, const char *name, bool *ret_exists, ttp_err *err)
{
    int64_t n = 0;
    int rc = query_number(
        db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1", name, &n, err);

    *ret_exists = n > 0;
    return rc;
}

/* The version of our own tables: 0 where there are none. */
static int read_version(sqlite_db *db, int64_t *ret_version, ttp_err *err)
{
    bool exists;
    int rc = table_exists(db, "ttp_schema", &exists, err);

    *ret_version = 0;
    if (rc || !exists)
        return rc;
    rc = query_number(db, "SELECT max(version) FROM ttp_schema", NULL, ret_version, err);
    if (!rc && *ret_version > DB_SCHEMA_VERSION)
        return err_set(err, TTP_E_UNSUPPORTED, sqlite_db_path(db),
                       "a newer release made this database (schema version %lld, this one knows "
                       "%d): use that release or another file",
                       (long long)*ret_version, DB_SCHEMA_VERSION);
    return rc;
}

typedef struct found_columns {
    bool has[N_TAG_COLUMNS];
    char unknown[128]; /* a column of theirs that must be given and that we do not know */
} found_columns;

static void note_column(found_columns *found, sqlite3_stmt *info)
{
    const char *name = (const char *)sqlite3_column_text(info, 0);
    bool must_be_given = sqlite3_column_int(info, 1) && sqlite3_column_type(info, 2) == SQLITE_NULL;

    for (size_t i = 0; name && i < N_TAG_COLUMNS; i++) {
        if (sqlite3_stricmp(name, tag_columns[i]) == 0) {
            found->has[i] = true;
            return;
        }
    }
    if (name && must_be_given)
        (void)err_quote(found->unknown, sizeof(found->unknown), name, strlen(name), 64);
}

static int find_columns(sqlite_db *db, found_columns *found, ttp_err *err)
{
    sqlite3_stmt *stmt;
    int rc = sqlite_db_prepare(
        db, "SELECT name, \"notnull\", dflt_value FROM pragma_table_info('ttp_tag')", &stmt, err);
    int code;

    if (rc)
        return rc;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        note_column(found, stmt);
    if (code != SQLITE_DONE)
        return sqlite_db_fail(db, code, err);
    (void)sqlite3_reset(stmt); /* the last step was fine */
    return 0;
}

/* Rows are told apart by uuid alone: it needs a primary key or a unique index of its own. */
static int check_unique_uuid(sqlite_db *db, ttp_err *err)
{
    int64_t n = 0;
    int rc = query_number(db,
                          "SELECT count(*) FROM pragma_index_list('ttp_tag') AS l"
                          " WHERE l.\"unique\" AND NOT l.partial AND"
                          " (SELECT group_concat(name) FROM pragma_index_info(l.name)) = 'uuid'",
                          NULL, &n, err);

    if (!rc && n == 0)
        return err_set(err, TTP_E_INVALID, sqlite_db_path(db),
                       "column uuid of table ttp_tag is not its primary key: this table cannot "
                       "keep a tag from being written twice");
    return rc;
}

static int check_tag_table(sqlite_db *db, ttp_err *err)
{
    found_columns found = {0};
    int rc = find_columns(db, &found, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < N_TAG_COLUMNS; i++) {
        if (!found.has[i])
            return err_set(err, TTP_E_INVALID, sqlite_db_path(db),
                           "table ttp_tag has no column %s: another program made it; name another "
                           "file, or add the column",
                           tag_columns[i]);
    }
    if (found.unknown[0])
        return err_set(err, TTP_E_INVALID, sqlite_db_path(db),
                       "table ttp_tag has a column %s that must be given a value and that this "
                       "program does not know",
                       found.unknown);
    return check_unique_uuid(db, err);
}

/* An index on the same columns under another name serves as well. */
static int add_indexes(sqlite_db *db, ttp_err *err)
{
    for (size_t i = 0; i < sizeof(tag_indexes) / sizeof(tag_indexes[0]); i++) {
        int64_t n = 0;
        int rc = query_number(db,
                              "SELECT count(*) FROM pragma_index_list('ttp_tag') AS l WHERE"
                              " NOT l.partial AND (SELECT group_concat(name) FROM"
                              " (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) = ?1",
                              tag_indexes[i].columns, &n, err);

        if (!rc && n == 0)
            rc = sqlite_db_exec(db, tag_indexes[i].sql, err);
        if (rc)
            return rc;
    }
    return 0;
}

_Static_assert(DB_SCHEMA_VERSION == 1, "each further version needs its step here");

static int prepare_locked(sqlite_db *db, ttp_err *err)
{
    int64_t version;
    bool exists;
    int rc = read_version(db, &version, err); /* again: another process may have been faster */

    if (!rc)
        rc = table_exists(db, "ttp_tag", &exists, err);
    if (!rc)
        rc = exists ? check_tag_table(db, err) : sqlite_db_exec(db, tag_table, err);
    if (!rc)
        rc = add_indexes(db, err);
    if (!rc)
        rc = sqlite_db_exec(db, schema_table, err);
    if (!rc && version < DB_SCHEMA_VERSION)
        rc = sqlite_db_exec(db,
                            "INSERT INTO ttp_schema (version, made_at)"
                            " VALUES (1, strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
                            err);
    return rc;
}

int schema_prepare(sqlite_db *db, ttp_err *err)
{
    int64_t version;
    bool exists;
    int rc = read_version(db, &version, err);

    if (!rc)
        rc = table_exists(db, "ttp_tag", &exists, err);
    if (rc)
        return rc;
    if (exists && version == DB_SCHEMA_VERSION)
        return check_tag_table(db, err); /* the usual case takes no write lock */
    rc = sqlite_db_begin(db, err);
    if (rc)
        return rc;
    rc = prepare_locked(db, err);
    if (!rc)
        rc = sqlite_db_commit(db, err);
    if (rc)
        sqlite_db_rollback(db);
    return rc;
}

int schema_check(sqlite_db *db, ttp_err *err)
{
    int64_t version;
    bool exists;
    int rc = read_version(db, &version, err);

    if (!rc)
        rc = table_exists(db, "ttp_tag", &exists, err);
    if (!rc && !exists)
        return err_set(err, TTP_E_NOT_FOUND, sqlite_db_path(db),
                       "no table ttp_tag: nothing was ever tagged into this database");
    return rc ? rc : check_tag_table(db, err);
}
