/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables in MariaDB and MySQL. Texts compare by their bytes. Values go into the log as the
 * Python program's tables have them, whatever their types are there, so its columns are wide.
 */
#include "base/err.h"
#include "db/schema_dialect.h"

#include <errno.h>

/* How long one process waits for others that make tables: 6 times this, below any read timeout. */
#define LOCK_WAIT "5"
#define LOCK_TRIES 6
#define LOCK_NAME "CONCAT('ttp-schema-', MD5(DATABASE()))"

#define OURS " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"

static const char tag_table[] =
    "CREATE TABLE ttp_tag ("
    " uuid VARCHAR(36) NOT NULL PRIMARY KEY,"
    " source_kind VARCHAR(32) NOT NULL,"
    " source_id VARCHAR(1024) NOT NULL,"
    " attacker_uuid VARCHAR(64),"
    " identity_uuid VARCHAR(64),"
    " session_id VARCHAR(255),"
    " decky_id VARCHAR(255),"
    " tactic VARCHAR(16) NOT NULL,"
    " technique_id VARCHAR(16) NOT NULL,"
    " sub_technique_id VARCHAR(16),"
    " confidence DOUBLE NOT NULL,"
    " rule_id VARCHAR(64) NOT NULL,"
    " rule_version BIGINT NOT NULL,"
    " evidence LONGTEXT NOT NULL,"
    " attack_release VARCHAR(64) NOT NULL,"
    " mitre_url VARCHAR(255),"
    " created_at DATETIME(6) NOT NULL,"
    " CONSTRAINT ck_ttp_tag_anchor CHECK (attacker_uuid IS NOT NULL OR identity_uuid IS NOT NULL),"
    " CONSTRAINT ck_ttp_tag_confidence CHECK (confidence >= 0.0 AND confidence <= 1.0))" OURS;

static const char rule_table[] = "CREATE TABLE ttp_rule ("
                                 " rule_id VARCHAR(64) NOT NULL PRIMARY KEY,"
                                 " rule_version BIGINT NOT NULL,"
                                 " source_path VARCHAR(4096) NOT NULL,"
                                 " yaml_content MEDIUMTEXT NOT NULL,"
                                 " updated_at DATETIME(6) NOT NULL,"
                                 " updated_by VARCHAR(255) NOT NULL)" OURS;

static const char state_table[] =
    "CREATE TABLE ttp_rule_state ("
    " rule_id VARCHAR(64) NOT NULL PRIMARY KEY,"
    " state VARCHAR(16) NOT NULL,"
    " confidence_max DOUBLE,"
    " expires_at DATETIME(6),"
    " reason TEXT,"
    " set_by VARCHAR(255),"
    " set_at DATETIME(6),"
    " CONSTRAINT ck_ttp_rule_state CHECK (state IN ('enabled', 'disabled', 'clipped')),"
    " CONSTRAINT ck_ttp_rule_state_confidence"
    " CHECK (confidence_max >= 0.0 AND confidence_max <= 1.0))" OURS;

/*
 * Row 0 of ttp_schema is the gate of the log: whoever writes a log row holds it shared from before
 * its number is drawn until its transaction ends. Who can lock it alone knows that no transaction
 * is alive that could still bring an older number (see store/database/gaps.c). @ttp_seq tells our
 * own transactions which number they drew; it is nothing to anybody else.
 */
#define AT_THE_GATE                                                                                \
    " SELECT version INTO @ttp_gate FROM ttp_schema WHERE version = 0 LOCK IN SHARE MODE;"
#define DREW " SET @ttp_seq = LAST_INSERT_ID();"
#define LOG_RULE(deleted, row)                                                                     \
    " INSERT INTO ttp_rule_change (kind, rule_id, deleted)"                                        \
    " VALUES ('definition', LEFT(" row ".rule_id, 255), " deleted ");" DREW
/* through text: 0.1 of a FLOAT column is 0.1, not 0.10000000149 */
#define LOG_STATE                                                                                  \
    " INSERT INTO ttp_rule_change (kind, rule_id, deleted, state, confidence_max, expires_at,"     \
    " reason, set_by, set_at) VALUES ('state', LEFT(NEW.rule_id, 255), 0, NEW.state,"              \
    " CAST(NEW.confidence_max AS CHAR) + 0e0, NEW.expires_at, NEW.reason, NEW.set_by,"             \
    " NEW.set_at);" DREW
#define LOG_STATE_GONE                                                                             \
    " INSERT INTO ttp_rule_change (kind, rule_id, deleted)"                                        \
    " VALUES ('state', LEFT(OLD.rule_id, 255), 1);" DREW
#define SAME(column) "CAST(OLD." column " AS BINARY) <=> CAST(NEW." column " AS BINARY)"
#define TRIGGER(name, when)                                                                        \
    "CREATE TRIGGER IF NOT EXISTS " name " AFTER " when " FOR EACH ROW BEGIN" AT_THE_GATE

static const schema_piece own[] = {
    {"ttp_schema", "CREATE TABLE IF NOT EXISTS ttp_schema ("
                   " version INTEGER NOT NULL PRIMARY KEY,"
                   " made_at DATETIME(6) NOT NULL)" OURS},
    {NULL, "INSERT IGNORE INTO ttp_schema (version, made_at) VALUES (0, UTC_TIMESTAMP(6))"},
    {"ttp_rule_change", "CREATE TABLE IF NOT EXISTS ttp_rule_change ("
                        " seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
                        " kind VARCHAR(16) NOT NULL,"
                        " rule_id VARCHAR(255) NOT NULL,"
                        " deleted TINYINT NOT NULL,"
                        " state TEXT,"
                        " confidence_max DOUBLE,"
                        " expires_at TEXT,"
                        " reason TEXT,"
                        " set_by TEXT,"
                        " set_at TEXT)" OURS},
    {"ttp_rule_status",
     "CREATE TABLE IF NOT EXISTS ttp_rule_status ("
     " host VARCHAR(255) NOT NULL,"
     " rule_id VARCHAR(64) NOT NULL,"
     " rule_version BIGINT,"
     " content_hash CHAR(40),"
     " refused_hash CHAR(40),"
     " status VARCHAR(16) NOT NULL,"
     " error TEXT,"
     " since DATETIME(6) NOT NULL,"
     " PRIMARY KEY (host, rule_id),"
     " CONSTRAINT ck_ttp_rule_status CHECK (status IN ('live', 'quarantined')))" OURS},
    {"ttp_rule_counter", "CREATE TABLE IF NOT EXISTS ttp_rule_counter ("
                         " host VARCHAR(255) NOT NULL,"
                         " rule_id VARCHAR(64) NOT NULL,"
                         " fires BIGINT NOT NULL,"
                         " suppressed BIGINT NOT NULL,"
                         " cuts BIGINT NOT NULL,"
                         " wakeups BIGINT NOT NULL,"
                         " verifications BIGINT NOT NULL,"
                         " cycles BIGINT NOT NULL,"
                         " PRIMARY KEY (host, rule_id))" OURS},
    {"ttp_rule_inserted",
     TRIGGER("ttp_rule_inserted", "INSERT ON ttp_rule") LOG_RULE("0", "NEW") " END", true},
    {"ttp_rule_updated",
     TRIGGER("ttp_rule_updated",
             "UPDATE ON ttp_rule") " IF NOT (" SAME("rule_id") ") THEN" LOG_RULE("1", "OLD")
         LOG_RULE("0", "NEW") " ELSEIF NOT (" SAME("yaml_content") ") THEN" LOG_RULE(
             "0", "NEW") " END IF; END",
     true},
    {"ttp_rule_deleted",
     TRIGGER("ttp_rule_deleted", "DELETE ON ttp_rule") LOG_RULE("1", "OLD") " END", true},
    {"ttp_rule_state_inserted",
     TRIGGER("ttp_rule_state_inserted", "INSERT ON ttp_rule_state") LOG_STATE " END", true},
    {"ttp_rule_state_updated",
     TRIGGER("ttp_rule_state_updated", "UPDATE ON ttp_rule_state") " IF NOT (" SAME(
         "rule_id") ") THEN" LOG_STATE_GONE " END IF;" LOG_STATE " END",
     true},
    {"ttp_rule_state_deleted",
     TRIGGER("ttp_rule_state_deleted", "DELETE ON ttp_rule_state") LOG_STATE_GONE " END", true},
};

#define INDEX(name, columns)                                                                       \
    {                                                                                              \
        columns, "CREATE INDEX " name " ON ttp_tag (" columns ")"                                  \
    }

static const schema_index indexes[] = {
    INDEX("ix_ttp_tag_identity_technique", "identity_uuid,technique_id"),
    INDEX("ix_ttp_tag_attacker_technique", "attacker_uuid,technique_id"),
    INDEX("ix_ttp_tag_technique_created", "technique_id,created_at"),
    INDEX("ix_ttp_tag_session", "session_id"),
    INDEX("ix_ttp_tag_rule", "rule_id"),
};

/* The server's own lock ends with the connection, also where that is killed. */
static int lock(db_conn *conn, ttp_err *err)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        int64_t got = 0;
        int rc = db_number(conn, "SELECT GET_LOCK(" LOCK_NAME ", " LOCK_WAIT ")", &got, err);

        if (rc || got == 1)
            return rc;
    }
    return err_set(err, -EBUSY, db_where(conn),
                   "another process is making the tables and does not come to an end: see what "
                   "SHOW PROCESSLIST says of it, then run again");
}

static int unlock(db_conn *conn, int rc, ttp_err *err)
{
    int64_t freed;

    (void)err;
    (void)db_number(conn, "SELECT RELEASE_LOCK(" LOCK_NAME ")", &freed, NULL); /* or at the close */
    return rc;
}

#define HERE "table_schema = DATABASE() AND table_name = "

const schema_dialect schema_mariadb = {
    .tag_table = tag_table,
    .rule_table = rule_table,
    .state_table = state_table,
    .own = own,
    .n_own = sizeof(own) / sizeof(own[0]),
    .indexes = indexes,
    .n_indexes = sizeof(indexes) / sizeof(indexes[0]),
    .note_version = "INSERT IGNORE INTO ttp_schema (version, made_at) VALUES (2, UTC_TIMESTAMP(6))",
    .count_tables = "SELECT COUNT(*) FROM information_schema.tables WHERE " HERE "?",
    .count_triggers = "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema ="
                      " DATABASE() AND trigger_name = ?",
    .columns_of = "SELECT column_name, is_nullable = 'NO' AND column_default IS NULL AND extra"
                  " NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%'"
                  " FROM information_schema.columns WHERE " HERE "?",
    .count_keys = "SELECT COUNT(*) FROM (SELECT index_name FROM information_schema.statistics"
                  " WHERE " HERE "? AND non_unique = 0 GROUP BY index_name HAVING COUNT(*) = 1 AND"
                  " MAX(sub_part) IS NULL AND MAX(column_name) = ?) AS k",
    .count_indexes = "SELECT COUNT(*) FROM (SELECT index_name FROM information_schema.statistics"
                     " WHERE " HERE "'ttp_tag' GROUP BY index_name HAVING"
                     " GROUP_CONCAT(column_name ORDER BY seq_in_index) = ?) AS i",
    .lock = lock,
    .unlock = unlock,
};
