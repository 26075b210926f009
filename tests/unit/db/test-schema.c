/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema.h"

#include "../unit.h"
#include "base/str.h"
#include "files.h"

/* Rows of a query, columns by a bar and rows by a semicolon. */
static void query(sqlite_db *db, const char *sql, buf *b)
{
    sqlite3_stmt *stmt;
    bool first = true;

    if (sqlite3_prepare_v2(sqlite_db_handle(db), sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite_db_handle(db)));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (!first)
            buf_put_char(b, ';');
        first = false;
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            if (i)
                buf_put_char(b, '|');
            buf_put_c(b, text ? text : "NULL");
        }
    }
    (void)sqlite3_finalize(stmt);
}

static void expect_query(const char *says, sqlite_db *db, const char *sql, const char *want)
{
    auto_free(buf) buf b = {0};

    query(db, sql, &b);
    expect_str(says, buf_str(&b), want);
}

static sqlite_db *open_db(const char *name)
{
    sqlite_db *db = NULL;
    ttp_err err = {0};

    if (sqlite_db_open(name, NULL, &db, &err))
        fail_msg("%s", err.text);
    return db;
}

static const char all_columns[] =
    "SELECT group_concat(name, ', ') FROM pragma_table_info('ttp_tag')";
static const char all_indexes[] =
    "SELECT group_concat(c, ' ') FROM (SELECT (SELECT group_concat(name) FROM"
    " (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) AS c"
    " FROM pragma_index_list('ttp_tag') AS l WHERE origin = 'c' ORDER BY c)";
static const char want_indexes[] = "attacker_uuid,technique_id identity_uuid,technique_id rule_id "
                                   "session_id technique_id,created_at";

static void test_new(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = open_db(in_dir("new.db"));
    ttp_err err = {0};

    (void)state;
    expect_int("before", schema_check(db, &err), TTP_E_NOT_FOUND);
    expect_int("made", schema_prepare(db, &err), 0);
    expect_int("after", schema_check(db, &err), 0);
    expect_query("columns", db, all_columns, DB_TAG_COLUMNS);
    expect_query("indexes", db, all_indexes, want_indexes);
    expect_query("version", db, "SELECT version FROM ttp_schema", "2");
    expect_query("a time as everywhere", db,
                 "SELECT count(*) FROM ttp_schema WHERE made_at LIKE '20__-__-__ __:__:__.___000'",
                 "1");
    expect_int("again", schema_prepare(db, &err), 0);
    expect_query("one version", db, "SELECT version FROM ttp_schema", "2");
    end_rows();
}

#define GOOD_ROW "'u', 'command', 'c1', 'a', NULL, NULL, NULL, 'TA0007', 'T1083', NULL, "

static const struct {
    const char *says, *values;
    bool want_ok;
} rows[] = {
    {"a good row", GOOD_ROW "0.5, 'R1', 1, '{}', 'r', NULL, 't'", true},
    {"confidence 0", GOOD_ROW "0, 'R1', 1, '{}', 'r', NULL, 't'", true},
    {"confidence 1", GOOD_ROW "1, 'R1', 1, '{}', 'r', NULL, 't'", true},
    {"confidence above 1", GOOD_ROW "1.001, 'R1', 1, '{}', 'r', NULL, 't'", false},
    {"confidence below 0", GOOD_ROW "-0.001, 'R1', 1, '{}', 'r', NULL, 't'", false},
    {"no confidence", GOOD_ROW "NULL, 'R1', 1, '{}', 'r', NULL, 't'", false},
    {"an identity alone",
     "'u', 'command', 'c1', NULL, 'i', NULL, NULL, 'TA0007', 'T1083', NULL, 0.5, 'R1', 1, '{}', "
     "'r', "
     "NULL, 't'",
     true},
    {"no anchor",
     "'u', 'command', 'c1', NULL, NULL, 's', 'd', 'TA0007', 'T1083', NULL, 0.5, 'R1', 1, '{}', "
     "'r', "
     "NULL, 't'",
     false},
};

static void test_checks(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = open_db(":memory:");

    (void)state;
    expect_int("made", schema_prepare(db, NULL), 0);
    for_each_row(c, rows)
    {
        auto_free(buf) buf sql = {0};

        buf_printf(&sql,
                   "DELETE FROM ttp_tag; INSERT INTO ttp_tag (" DB_TAG_COLUMNS ") VALUES (%s)",
                   c->values);
        expect_int(c->says, sqlite_db_exec(db, buf_c_str(&sql), NULL),
                   c->want_ok ? 0 : TTP_E_INVALID);
    }
    end_rows();
}

/* As SQLAlchemy writes it, with one row and one index by another name. */
static const char python_table[] =
    "CREATE TABLE ttp_tag (uuid VARCHAR NOT NULL, source_kind VARCHAR(32) NOT NULL,"
    " source_id VARCHAR NOT NULL, attacker_uuid VARCHAR, identity_uuid VARCHAR, session_id VARCHAR,"
    " decky_id VARCHAR, tactic VARCHAR NOT NULL, technique_id VARCHAR NOT NULL,"
    " sub_technique_id VARCHAR, confidence FLOAT NOT NULL, rule_id VARCHAR NOT NULL,"
    " rule_version INTEGER NOT NULL, evidence JSON, attack_release VARCHAR NOT NULL,"
    " mitre_url VARCHAR, created_at DATETIME NOT NULL, note TEXT, PRIMARY KEY (uuid),"
    " CHECK (attacker_uuid IS NOT NULL OR identity_uuid IS NOT NULL));"
    "CREATE INDEX ix_theirs ON ttp_tag (session_id);"
    "INSERT INTO ttp_tag VALUES (" GOOD_ROW
    "0.5, 'R1', 1, '{}', 'r', NULL, '2026-01-01 00:00:00.000000', 'x')";

static void test_python(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = open_db(in_dir("python.db"));
    auto_free(buf) buf before = {0};
    ttp_err err = {0};

    (void)state;
    expect_int("theirs", sqlite_db_exec(db, python_table, &err), 0);
    query(db, "SELECT sql FROM sqlite_master WHERE name = 'ttp_tag'", &before);
    expect_int("readable as it is", schema_check(db, &err), 0);
    expect_int("extended", schema_prepare(db, &err), 0);
    expect_query("not rewritten", db, "SELECT sql FROM sqlite_master WHERE name = 'ttp_tag'",
                 buf_c_str(&before));
    expect_query("its row stays", db, "SELECT uuid, note FROM ttp_tag", "u|x");
    expect_query("the missing indexes came, no second of theirs", db, all_indexes, want_indexes);
    expect_query("theirs keeps its name", db,
                 "SELECT count(*) FROM sqlite_master WHERE name = 'ix_theirs'", "1");
    expect_query("version", db, "SELECT version FROM ttp_schema", "2");
    end_rows();
}

static const struct {
    const char *says, *sql;
    int want;
    const char *want_text;
} broken[] = {
    {"a column less", "ALTER TABLE ttp_tag DROP COLUMN mitre_url", TTP_E_INVALID,
     "table ttp_tag has no column mitre_url: another program made it; name another file, or add "
     "the "
     "column"},
    {"a column that wants a value", "ALTER TABLE ttp_tag RENAME COLUMN tactic TO tactics",
     TTP_E_INVALID,
     "table ttp_tag has no column tactic: another program made it; name another file, or add the "
     "column"},
    {"a column more that may be empty", "ALTER TABLE ttp_tag ADD COLUMN more TEXT", 0, ""},
    {"a column more with a default", "ALTER TABLE ttp_tag ADD COLUMN more TEXT NOT NULL DEFAULT ''",
     0, ""},
    {"a column more that must be given",
     "DROP TABLE ttp_tag; CREATE TABLE ttp_tag (more TEXT NOT NULL, " DB_TAG_COLUMNS
     ", PRIMARY KEY (uuid))",
     TTP_E_INVALID,
     "table ttp_tag has a column more that must be given a value and that this program does not "
     "know"},
    {"a table without a key", "DROP TABLE ttp_tag; CREATE TABLE ttp_tag (" DB_TAG_COLUMNS ")",
     TTP_E_INVALID,
     "column uuid of table ttp_tag is not its primary key: this table cannot keep a tag from being "
     "written twice"},
    {"a unique index will do",
     "DROP TABLE ttp_tag; CREATE TABLE ttp_tag (" DB_TAG_COLUMNS
     "); CREATE UNIQUE INDEX u ON ttp_tag (uuid)",
     0, ""},
    {"a key of two columns will not",
     "DROP TABLE ttp_tag; CREATE TABLE ttp_tag (" DB_TAG_COLUMNS ", PRIMARY KEY (uuid, rule_id))",
     TTP_E_INVALID,
     "column uuid of table ttp_tag is not its primary key: this table cannot keep a tag from being "
     "written twice"},
    {"a newer release", "INSERT INTO ttp_schema VALUES (3, '')", TTP_E_UNSUPPORTED,
     "a newer release made this database (schema version 3, this one knows 2): use that release or "
     "another file"},
};

static void test_broken(void **state)
{
    (void)state;
    for_each_row(c, broken)
    {
        auto_free(sqlite_db) sqlite_db *db = open_db(":memory:");
        ttp_err err = {0};

        expect_int(c->says, schema_prepare(db, &err), 0);
        expect_int(c->says, sqlite_db_exec(db, c->sql, &err), 0);
        expect_c(c->says, err.text, "");
        expect_int(c->says, schema_prepare(db, &err), c->want);
        expect_c(c->says, err.text, c->want_text);
        expect_int("reading says the same", schema_check(db, NULL), c->want);
    }
    end_rows();
}

/* A refused table is left as it was: nothing half made. */
static void test_undone(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = open_db(in_dir("undone.db"));
    ttp_err err = {0};

    (void)state;
    expect_int("theirs", sqlite_db_exec(db, "CREATE TABLE ttp_tag (uuid TEXT PRIMARY KEY)", NULL),
               0);
    expect_int("refused", schema_prepare(db, NULL), TTP_E_INVALID);
    expect_query("as before", db, "SELECT group_concat(name) FROM sqlite_master",
                 "ttp_tag,sqlite_autoindex_ttp_tag_1");
    expect_int("no transaction is open", sqlite_db_begin(db, NULL), 0);
    sqlite_db_rollback(db);
    expect_int("theirs",
               sqlite_db_exec(db, "DROP TABLE ttp_tag; CREATE TABLE ttp_rule (rule_id TEXT)", NULL),
               0);
    expect_int("refused", schema_prepare(db, &err), TTP_E_INVALID);
    expect_c("and told", err.text,
             "table ttp_rule has no column rule_version: another program made it; name another "
             "file, or add the column");
    expect_query("as before", db, "SELECT group_concat(name) FROM sqlite_master", "ttp_rule");
    end_rows();
}

/* What release 0.1 made: ttp_tag and version 1, with a tag in it. */
static void test_upgrade(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = open_db(in_dir("upgrade.db"));
    ttp_err err = {0};

    (void)state;
    expect_int("version 1", sqlite_db_exec(db, python_table, &err), 0);
    expect_int("version 1",
               sqlite_db_exec(db,
                              "CREATE TABLE ttp_schema (version INTEGER NOT NULL PRIMARY KEY,"
                              " made_at TEXT NOT NULL);"
                              "INSERT INTO ttp_schema VALUES (1, '2026-01-01 00:00:00.000000')",
                              &err),
               0);
    expect_int("extended", schema_prepare(db, &err), 0);
    expect_c("extended", err.text, "");
    expect_query("versions", db, "SELECT version FROM ttp_schema", "1;2");
    expect_query("its tag stays", db, "SELECT uuid, note FROM ttp_tag", "u|x");
    expect_query("rules", db, "SELECT count(*) FROM ttp_rule", "0");
    expect_int("again", schema_prepare(db, &err), 0);
    expect_query("versions", db, "SELECT version FROM ttp_schema", "1;2");
    expect_int("a rebuilt table",
               sqlite_db_exec(db,
                              "CREATE TABLE n AS SELECT * FROM ttp_rule; DROP TABLE ttp_rule;"
                              "CREATE TABLE ttp_rule (rule_id VARCHAR NOT NULL, rule_version"
                              " INTEGER, source_path VARCHAR, yaml_content TEXT, updated_at"
                              " DATETIME, updated_by VARCHAR, PRIMARY KEY (rule_id))",
                              &err),
               0);
    expect_int("once more", schema_prepare(db, &err), 0);
    expect_int("a rule", sqlite_db_exec(db, "INSERT INTO ttp_rule (rule_id) VALUES ('R1')", &err),
               0);
    expect_query("its triggers are back", db, "SELECT rule_id FROM ttp_rule_change", "R1");
    end_rows();
}

#define RULE "INSERT INTO ttp_rule VALUES ('R1', 1, 's', 'y', 't', 'b')"
#define STATE                                                                                      \
    "INSERT INTO ttp_rule_state VALUES ('R1', 'clipped', 0.5, '2030-01-01 00:00:00', 'why', 'me'," \
    " 't')"

static const struct {
    const char *says, *before, *sql, *want;
} logged[] = {
    {"a new rule", "", RULE, "definition|R1|0|NULL"},
    {"an edited rule", RULE, "UPDATE ttp_rule SET yaml_content = 'z'", "definition|R1|0|NULL"},
    {"a touched rule", RULE, "UPDATE ttp_rule SET updated_at = 'z', yaml_content = 'y'", ""},
    {"an upserted rule", RULE,
     RULE " ON CONFLICT (rule_id) DO UPDATE SET yaml_content = excluded.yaml_content || 'z'",
     "definition|R1|0|NULL"},
    {"a replaced rule", RULE, "REPLACE INTO ttp_rule VALUES ('R1', 1, 's', 'z', 't', 'b')",
     "definition|R1|0|NULL"},
    {"a renamed rule", RULE, "UPDATE ttp_rule SET rule_id = 'R2'",
     "definition|R1|1|NULL;definition|R2|0|NULL"},
    {"a deleted rule", RULE, "DELETE FROM ttp_rule", "definition|R1|1|NULL"},
    {"two in one statement", RULE,
     "INSERT INTO ttp_rule SELECT 'R2', 1, 's', 'y', 't', 'b' UNION"
     " SELECT 'R3', 1, 's', 'y', 't', 'b'",
     "definition|R2|0|NULL;definition|R3|0|NULL"},
    {"a state", "", STATE, "state|R1|0|clipped"},
    {"the same state set again", STATE, "UPDATE ttp_rule_state SET state = 'clipped'",
     "state|R1|0|clipped"},
    {"a moved state", STATE, "UPDATE ttp_rule_state SET rule_id = 'R2'",
     "state|R1|1|NULL;state|R2|0|clipped"},
    {"a cleared state", STATE, "DELETE FROM ttp_rule_state", "state|R1|1|NULL"},
    {"a rolled back one", STATE, "BEGIN; DELETE FROM ttp_rule_state; ROLLBACK", ""},
};

static void test_log(void **state)
{
    (void)state;
    for_each_row(c, logged)
    {
        auto_free(sqlite_db) sqlite_db *db = open_db(":memory:");

        expect_int(c->says, schema_prepare(db, NULL), 0);
        expect_int(c->says, sqlite_db_exec(db, c->before, NULL), 0);
        expect_int(c->says, sqlite_db_exec(db, "DELETE FROM ttp_rule_change", NULL), 0);
        expect_int(c->says, sqlite_db_exec(db, c->sql, NULL), 0);
        expect_query(c->says, db,
                     "SELECT kind, rule_id, deleted, state FROM ttp_rule_change ORDER BY seq",
                     c->want);
    }
    end_rows();
}

static const struct {
    const char *says, *values;
    int want;
} states[] = {
    {"clipped", "'clipped', 0.5", 0},
    {"no maximum", "'disabled', NULL", 0},
    {"a state of its own", "'paused', NULL", TTP_E_INVALID},
    {"above 1", "'clipped', 1.5", TTP_E_INVALID},
};

static void test_state_checks(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = open_db(":memory:");

    (void)state;
    expect_int("made", schema_prepare(db, NULL), 0);
    for_each_row(c, states)
    {
        auto_free(buf) buf sql = {0};

        buf_printf(&sql,
                   "DELETE FROM ttp_rule_state; INSERT INTO ttp_rule_state"
                   " (rule_id, state, confidence_max) VALUES ('R1', %s)",
                   c->values);
        expect_int(c->says, sqlite_db_exec(db, buf_c_str(&sql), NULL), c->want);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),    cmocka_unit_test(test_checks),
        cmocka_unit_test(test_python), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_undone), cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_log),    cmocka_unit_test(test_state_checks),
    };

    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
