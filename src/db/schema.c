/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>

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

/* A table that the Python program may have made before us. */
typedef struct shared_table {
    const char *name, *sql, *key, *what; /* what: one row of it, for messages */
    const char *const *columns;
    size_t n_columns;
} shared_table;

#define COLUMNS_OF(list) (list), sizeof(list) / sizeof((list)[0])
#define MAX_COLUMNS 32
_Static_assert(sizeof(tag_columns) / sizeof(tag_columns[0]) <= MAX_COLUMNS, "room for a table");

static const shared_table tag = {"ttp_tag", tag_table, "uuid", "tag", COLUMNS_OF(tag_columns)};

static const char *const rule_columns[] = {
    "rule_id", "rule_version", "source_path", "yaml_content", "updated_at", "updated_by",
};
static const char *const state_columns[] = {
    "rule_id", "state", "confidence_max", "expires_at", "reason", "set_by", "set_at",
};

static const shared_table rule_tables[] = {
    {"ttp_rule",
     "CREATE TABLE ttp_rule ("
     " rule_id TEXT NOT NULL PRIMARY KEY,"
     " rule_version INTEGER NOT NULL,"
     " source_path TEXT NOT NULL,"
     " yaml_content TEXT NOT NULL,"
     " updated_at TEXT NOT NULL,"
     " updated_by TEXT NOT NULL)",
     "rule_id", "rule", COLUMNS_OF(rule_columns)},
    {"ttp_rule_state",
     "CREATE TABLE ttp_rule_state ("
     " rule_id TEXT NOT NULL PRIMARY KEY,"
     " state TEXT NOT NULL,"
     " confidence_max REAL,"
     " expires_at TEXT,"
     " reason TEXT,"
     " set_by TEXT,"
     " set_at TEXT,"
     " CONSTRAINT ck_ttp_rule_state CHECK (state IN ('enabled', 'disabled', 'clipped')),"
     " CONSTRAINT ck_ttp_rule_state_confidence"
     " CHECK (confidence_max >= 0.0 AND confidence_max <= 1.0))",
     "rule_id", "state", COLUMNS_OF(state_columns)},
};
#define N_RULE_TABLES (sizeof(rule_tables) / sizeof(rule_tables[0]))

#define LOG_RULE(deleted, row)                                                                     \
    "INSERT INTO ttp_rule_change (kind, rule_id, deleted)"                                         \
    " VALUES ('definition', " row ".rule_id, " deleted ");"
#define LOG_STATE                                                                                  \
    "INSERT INTO ttp_rule_change (kind, rule_id, deleted, state, confidence_max, expires_at,"      \
    " reason, set_by, set_at) VALUES ('state', NEW.rule_id, 0, NEW.state, NEW.confidence_max,"     \
    " NEW.expires_at, NEW.reason, NEW.set_by, NEW.set_at);"
#define LOG_STATE_GONE                                                                             \
    "INSERT INTO ttp_rule_change (kind, rule_id, deleted) VALUES ('state', OLD.rule_id, 1);"

/*
 * The change log and what fills it, whoever writes. A state travels in its log row, so that two in
 * a row arrive as two; a definition is too long for that, its reader takes what the rule's row
 * holds by then. An UPDATE that leaves the text alone is none, one of the rule_id is two.
 */
static const struct {
    const char *name, *sql;
} rule_log[] = {
    {"ttp_rule_change", "CREATE TABLE ttp_rule_change ("
                        " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
                        " kind TEXT NOT NULL,"
                        " rule_id TEXT NOT NULL,"
                        " deleted INTEGER NOT NULL,"
                        " state TEXT,"
                        " confidence_max REAL,"
                        " expires_at TEXT,"
                        " reason TEXT,"
                        " set_by TEXT,"
                        " set_at TEXT)"},
    {"ttp_rule_inserted", "CREATE TRIGGER ttp_rule_inserted AFTER INSERT ON ttp_rule"
                          " BEGIN " LOG_RULE("0", "NEW") " END"},
    {"ttp_rule_updated", "CREATE TRIGGER ttp_rule_updated AFTER UPDATE ON ttp_rule"
                         " WHEN OLD.rule_id = NEW.rule_id AND OLD.yaml_content IS NOT"
                         " NEW.yaml_content BEGIN " LOG_RULE("0", "NEW") " END"},
    {"ttp_rule_renamed",
     "CREATE TRIGGER ttp_rule_renamed AFTER UPDATE ON ttp_rule WHEN OLD.rule_id <> NEW.rule_id"
     " BEGIN " LOG_RULE("1", "OLD") LOG_RULE("0", "NEW") " END"},
    {"ttp_rule_deleted", "CREATE TRIGGER ttp_rule_deleted AFTER DELETE ON ttp_rule"
                         " BEGIN " LOG_RULE("1", "OLD") " END"},
    {"ttp_rule_state_inserted",
     "CREATE TRIGGER ttp_rule_state_inserted AFTER INSERT ON ttp_rule_state"
     " BEGIN " LOG_STATE " END"},
    {"ttp_rule_state_updated", "CREATE TRIGGER ttp_rule_state_updated AFTER UPDATE ON"
                               " ttp_rule_state WHEN OLD.rule_id = NEW.rule_id"
                               " BEGIN " LOG_STATE " END"},
    {"ttp_rule_state_renamed", "CREATE TRIGGER ttp_rule_state_renamed AFTER UPDATE ON"
                               " ttp_rule_state WHEN OLD.rule_id <> NEW.rule_id"
                               " BEGIN " LOG_STATE_GONE LOG_STATE " END"},
    {"ttp_rule_state_deleted",
     "CREATE TRIGGER ttp_rule_state_deleted AFTER DELETE ON ttp_rule_state"
     " BEGIN " LOG_STATE_GONE " END"},
};
#define N_RULE_LOG (sizeof(rule_log) / sizeof(rule_log[0]))

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

static int exists_already(sqlite_db *db, const char *name, bool *ret_exists, ttp_err *err)
{
    int64_t n = 0;
    int rc = query_number(
        db, "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'trigger') AND name = ?1",
        name, &n, err);

    *ret_exists = n > 0;
    return rc;
}

/* The version of our own tables: 0 where there are none. */
static int read_version(sqlite_db *db, int64_t *ret_version, ttp_err *err)
{
    bool exists;
    int rc = exists_already(db, "ttp_schema", &exists, err);

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
    bool has[MAX_COLUMNS];
    char unknown[128]; /* a column of theirs that must be given and that we do not know */
} found_columns;

static void note_column(const shared_table *table, found_columns *found, sqlite3_stmt *info)
{
    const char *name = (const char *)sqlite3_column_text(info, 0);
    bool must_be_given = sqlite3_column_int(info, 1) && sqlite3_column_type(info, 2) == SQLITE_NULL;

    for (size_t i = 0; name && i < table->n_columns; i++) {
        if (sqlite3_stricmp(name, table->columns[i]) == 0) {
            found->has[i] = true;
            return;
        }
    }
    if (name && must_be_given)
        (void)err_quote(found->unknown, sizeof(found->unknown), name, strlen(name), 64);
}

static int find_columns(sqlite_db *db, const shared_table *table, found_columns *found,
                        ttp_err *err)
{
    sqlite3_stmt *stmt;
    int rc = sqlite_db_prepare(
        db, "SELECT name, \"notnull\", dflt_value FROM pragma_table_info(?1)", &stmt, err);
    int code;

    if (rc)
        return rc;
    (void)sqlite3_bind_text(stmt, 1, table->name, -1, SQLITE_STATIC); /* else no column is found */
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        note_column(table, found, stmt);
    if (code != SQLITE_DONE)
        return sqlite_db_fail(db, code, err);
    (void)sqlite3_reset(stmt); /* the last step was fine */
    return 0;
}

/* Rows are told apart by their key alone: it needs a primary key or a unique index of its own. */
static int check_key(sqlite_db *db, const shared_table *table, ttp_err *err)
{
    auto_free(buf) buf sql = {0};
    int64_t n = 0;
    int rc;

    buf_printf(&sql,
               "SELECT count(*) FROM pragma_index_list('%s') AS l"
               " WHERE l.\"unique\" AND NOT l.partial AND"
               " (SELECT group_concat(name) FROM pragma_index_info(l.name)) = ?1",
               table->name);
    if (!buf_c_str(&sql))
        return err_set(err, -ENOMEM, sqlite_db_path(db), "out of memory");
    rc = query_number(db, buf_c_str(&sql), table->key, &n, err);
    if (!rc && n == 0)
        return err_set(err, TTP_E_INVALID, sqlite_db_path(db),
                       "column %s of table %s is not its primary key: this table cannot "
                       "keep a %s from being written twice",
                       table->key, table->name, table->what);
    return rc;
}

static int check_table(sqlite_db *db, const shared_table *table, ttp_err *err)
{
    found_columns found = {0};
    int rc = find_columns(db, table, &found, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!found.has[i])
            return err_set(err, TTP_E_INVALID, sqlite_db_path(db),
                           "table %s has no column %s: another program made it; name another "
                           "file, or add the column",
                           table->name, table->columns[i]);
    }
    if (found.unknown[0])
        return err_set(err, TTP_E_INVALID, sqlite_db_path(db),
                       "table %s has a column %s that must be given a value and that this "
                       "program does not know",
                       table->name, found.unknown);
    return check_key(db, table, err);
}

/* Use the table that is there, or make it. */
static int adopt_table(sqlite_db *db, const shared_table *table, ttp_err *err)
{
    bool exists;
    int rc = exists_already(db, table->name, &exists, err);

    if (rc)
        return rc;
    return exists ? check_table(db, table, err) : sqlite_db_exec(db, table->sql, err);
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

/* The tables of the rules with their log; a trigger that went with a rebuilt table comes back. */
static int adopt_rules(sqlite_db *db, ttp_err *err)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < N_RULE_TABLES; i++)
        rc = adopt_table(db, &rule_tables[i], err);
    for (size_t i = 0; !rc && i < N_RULE_LOG; i++) {
        bool exists;

        rc = exists_already(db, rule_log[i].name, &exists, err);
        if (!rc && !exists)
            rc = sqlite_db_exec(db, rule_log[i].sql, err);
    }
    return rc;
}

/* Version 2 brought the tables of the rules; the step to it is that they are made. */
_Static_assert(DB_SCHEMA_VERSION == 2, "each further version needs its step here");

static int prepare_locked(sqlite_db *db, ttp_err *err)
{
    int64_t version;
    int rc = read_version(db, &version, err); /* again: another process may have been faster */

    if (!rc)
        rc = adopt_table(db, &tag, err);
    if (!rc)
        rc = add_indexes(db, err);
    if (!rc)
        rc = adopt_rules(db, err);
    if (!rc)
        rc = sqlite_db_exec(db, schema_table, err);
    if (!rc && version < DB_SCHEMA_VERSION)
        rc = sqlite_db_exec(db,
                            "INSERT INTO ttp_schema (version, made_at)"
                            " VALUES (2, strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
                            err);
    return rc;
}

/* Is all of ours there? */
static int is_complete(sqlite_db *db, bool *ret_complete, ttp_err *err)
{
    int64_t version;
    int rc = read_version(db, &version, err);

    *ret_complete = version == DB_SCHEMA_VERSION;
    if (!rc && *ret_complete)
        rc = exists_already(db, tag.name, ret_complete, err);
    for (size_t i = 0; !rc && *ret_complete && i < N_RULE_TABLES; i++)
        rc = exists_already(db, rule_tables[i].name, ret_complete, err);
    for (size_t i = 0; !rc && *ret_complete && i < N_RULE_LOG; i++)
        rc = exists_already(db, rule_log[i].name, ret_complete, err);
    return rc;
}

static int check_all(sqlite_db *db, ttp_err *err)
{
    int rc = check_table(db, &tag, err);

    for (size_t i = 0; !rc && i < N_RULE_TABLES; i++)
        rc = check_table(db, &rule_tables[i], err);
    return rc;
}

int schema_prepare(sqlite_db *db, ttp_err *err)
{
    bool complete;
    int rc = is_complete(db, &complete, err);

    if (rc)
        return rc;
    if (complete)
        return check_all(db, err); /* the usual case takes no write lock */
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
        rc = exists_already(db, tag.name, &exists, err);
    if (!rc && !exists)
        return err_set(err, TTP_E_NOT_FOUND, sqlite_db_path(db),
                       "no table ttp_tag: nothing was ever tagged into this database");
    return rc ? rc : check_table(db, &tag, err);
}
