/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema_dialect.h"

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

static const char rule_table[] = "CREATE TABLE ttp_rule ("
                                 " rule_id TEXT NOT NULL PRIMARY KEY,"
                                 " rule_version INTEGER NOT NULL,"
                                 " source_path TEXT NOT NULL,"
                                 " yaml_content TEXT NOT NULL,"
                                 " updated_at TEXT NOT NULL,"
                                 " updated_by TEXT NOT NULL)";

static const char state_table[] =
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
    " CHECK (confidence_max >= 0.0 AND confidence_max <= 1.0))";

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
static const schema_piece own[] = {
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
    {"ttp_rule_inserted",
     "CREATE TRIGGER ttp_rule_inserted AFTER INSERT ON ttp_rule"
     " BEGIN " LOG_RULE("0", "NEW") " END",
     true},
    {"ttp_rule_updated",
     "CREATE TRIGGER ttp_rule_updated AFTER UPDATE ON ttp_rule"
     " WHEN OLD.rule_id = NEW.rule_id AND OLD.yaml_content IS NOT"
     " NEW.yaml_content BEGIN " LOG_RULE("0", "NEW") " END",
     true},
    {"ttp_rule_renamed",
     "CREATE TRIGGER ttp_rule_renamed AFTER UPDATE ON ttp_rule WHEN OLD.rule_id <> NEW.rule_id"
     " BEGIN " LOG_RULE("1", "OLD") LOG_RULE("0", "NEW") " END",
     true},
    {"ttp_rule_deleted",
     "CREATE TRIGGER ttp_rule_deleted AFTER DELETE ON ttp_rule"
     " BEGIN " LOG_RULE("1", "OLD") " END",
     true},
    {"ttp_rule_state_inserted",
     "CREATE TRIGGER ttp_rule_state_inserted AFTER INSERT ON ttp_rule_state"
     " BEGIN " LOG_STATE " END",
     true},
    {"ttp_rule_state_updated",
     "CREATE TRIGGER ttp_rule_state_updated AFTER UPDATE ON"
     " ttp_rule_state WHEN OLD.rule_id = NEW.rule_id"
     " BEGIN " LOG_STATE " END",
     true},
    {"ttp_rule_state_renamed",
     "CREATE TRIGGER ttp_rule_state_renamed AFTER UPDATE ON"
     " ttp_rule_state WHEN OLD.rule_id <> NEW.rule_id"
     " BEGIN " LOG_STATE_GONE LOG_STATE " END",
     true},
    {"ttp_rule_state_deleted",
     "CREATE TRIGGER ttp_rule_state_deleted AFTER DELETE ON ttp_rule_state"
     " BEGIN " LOG_STATE_GONE " END",
     true},
    {"ttp_rule_status",
     "CREATE TABLE ttp_rule_status ("
     " host TEXT NOT NULL,"
     " rule_id TEXT NOT NULL,"
     " rule_version INTEGER,"
     " content_hash TEXT,"
     " refused_hash TEXT,"
     " status TEXT NOT NULL,"
     " error TEXT,"
     " since TEXT NOT NULL,"
     " PRIMARY KEY (host, rule_id),"
     " CONSTRAINT ck_ttp_rule_status CHECK (status IN ('live', 'quarantined')))"},
    {"ttp_rule_counter", "CREATE TABLE ttp_rule_counter ("
                         " host TEXT NOT NULL,"
                         " rule_id TEXT NOT NULL,"
                         " fires INTEGER NOT NULL,"
                         " suppressed INTEGER NOT NULL,"
                         " cuts INTEGER NOT NULL,"
                         " wakeups INTEGER NOT NULL,"
                         " verifications INTEGER NOT NULL,"
                         " cycles INTEGER NOT NULL,"
                         " PRIMARY KEY (host, rule_id))"},
    {"ttp_schema", "CREATE TABLE ttp_schema ("
                   " version INTEGER NOT NULL PRIMARY KEY,"
                   " made_at TEXT NOT NULL)"},
};

static const schema_index indexes[] = {
    {"identity_uuid,technique_id", "CREATE INDEX ix_ttp_tag_identity_technique"
                                   " ON ttp_tag (identity_uuid, technique_id)"},
    {"attacker_uuid,technique_id", "CREATE INDEX ix_ttp_tag_attacker_technique"
                                   " ON ttp_tag (attacker_uuid, technique_id)"},
    {"technique_id,created_at", "CREATE INDEX ix_ttp_tag_technique_created"
                                " ON ttp_tag (technique_id, created_at)"},
    {"session_id", "CREATE INDEX ix_ttp_tag_session ON ttp_tag (session_id)"},
    {"rule_id", "CREATE INDEX ix_ttp_tag_rule ON ttp_tag (rule_id)"},
};

static int lock(db_conn *conn, ttp_err *err)
{
    return db_begin(conn, err);
}

static int unlock(db_conn *conn, int rc, ttp_err *err)
{
    if (!rc)
        rc = db_commit(conn, err);
    if (rc)
        db_rollback(conn);
    return rc;
}

const schema_dialect schema_sqlite = {
    .tag_table = tag_table,
    .rule_table = rule_table,
    .state_table = state_table,
    .own = own,
    .n_own = sizeof(own) / sizeof(own[0]),
    .indexes = indexes,
    .n_indexes = sizeof(indexes) / sizeof(indexes[0]),
    .note_version = "INSERT OR IGNORE INTO ttp_schema (version, made_at)"
                    " VALUES (2, strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
    .count_tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
    .count_triggers = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name = ?",
    .columns_of = "SELECT name, \"notnull\" AND dflt_value IS NULL FROM pragma_table_info(?)",
    .count_keys = "SELECT count(*) FROM pragma_index_list(?) AS l WHERE l.\"unique\" AND NOT"
                  " l.partial AND (SELECT group_concat(name) FROM pragma_index_info(l.name)) = ?",
    .count_indexes = "SELECT count(*) FROM pragma_index_list('ttp_tag') AS l WHERE NOT l.partial"
                     " AND (SELECT group_concat(name) FROM (SELECT name FROM"
                     " pragma_index_info(l.name) ORDER BY seqno)) = ?",
    .lock = lock,
    .unlock = unlock,
};
