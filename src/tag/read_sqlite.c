/* SPDX-License-Identifier: Apache-2.0 */
/* Tags out of SQLite: what this program or the Python one wrote, and rows made by hand with care.
 */
#include "base/err.h"
#include "db/schema.h"
#include "tag/tag.h"

/* In the order of DB_TAG_COLUMNS. */
enum {
    COL_UUID,
    COL_SOURCE_KIND,
    COL_SOURCE_ID,
    COL_ATTACKER_UUID,
    COL_IDENTITY_UUID,
    COL_SESSION_ID,
    COL_DECKY_ID,
    COL_TACTIC,
    COL_TECHNIQUE_ID,
    COL_SUB_TECHNIQUE_ID,
    COL_CONFIDENCE,
    COL_RULE_ID,
    COL_RULE_VERSION,
    COL_EVIDENCE,
    COL_ATTACK_RELEASE,
    COL_MITRE_URL,
    COL_CREATED_AT,
};

static str text_at(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);

    return (str){text, text ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

static void read_texts(sqlite3_stmt *stmt, tag *t)
{
    t->source_kind = text_at(stmt, COL_SOURCE_KIND);
    t->source_id = text_at(stmt, COL_SOURCE_ID);
    t->attacker_uuid = text_at(stmt, COL_ATTACKER_UUID);
    t->identity_uuid = text_at(stmt, COL_IDENTITY_UUID);
    t->session_id = text_at(stmt, COL_SESSION_ID);
    t->decky_id = text_at(stmt, COL_DECKY_ID);
    t->tactic = text_at(stmt, COL_TACTIC);
    t->technique_id = text_at(stmt, COL_TECHNIQUE_ID);
    t->sub_technique_id = text_at(stmt, COL_SUB_TECHNIQUE_ID);
    t->rule_id = text_at(stmt, COL_RULE_ID);
    t->evidence = text_at(stmt, COL_EVIDENCE);
    t->attack_release = text_at(stmt, COL_ATTACK_RELEASE);
}

/* The first column that holds no value of a tag; NULL where all do. */
static const char *read_row(sqlite3_stmt *stmt, tag *t)
{
    str created = text_at(stmt, COL_CREATED_AT);

    *t = (tag){.event_us = TIME_NONE};
    read_texts(stmt, t);
    t->confidence = sqlite3_column_double(stmt, COL_CONFIDENCE);
    t->rule_version = sqlite3_column_int64(stmt, COL_RULE_VERSION);
    if (uuid_parse(text_at(stmt, COL_UUID), &t->id))
        return "uuid";
    if (!t->source_kind.ptr || !t->source_id.ptr)
        return "source_id";
    if (!t->attacker_uuid.ptr && !t->identity_uuid.ptr)
        return "attacker_uuid";
    if (!attack_is_tactic_id(t->tactic))
        return "tactic";
    if (!attack_is_technique_id(t->technique_id))
        return "technique_id";
    if (t->sub_technique_id.ptr && !attack_is_sub_technique_id(t->sub_technique_id))
        return "sub_technique_id";
    if (!tag_is_rule_id(t->rule_id))
        return "rule_id";
    if (!tag_is_release(t->attack_release))
        return "attack_release";
    if (!(t->confidence >= 0 && t->confidence <= 1))
        return "confidence";
    return !created.ptr || time_parse(created, &t->created_us) ? "created_at" : NULL;
}

static int read_rows(sqlite_db *db, tag_row_fn *fn, void *ctx, uint64_t *ret_bad,
                     ttp_err *first_bad, ttp_err *err)
{
    sqlite3_stmt *stmt;
    int rc = sqlite_db_prepare(db, "SELECT " DB_TAG_COLUMNS ", rowid FROM ttp_tag ORDER BY rowid",
                               &stmt, err);
    int code = SQLITE_ROW;

    while (!rc && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        tag t;
        const char *bad = read_row(stmt, &t);

        if (!bad)
            rc = fn(ctx, &t, err);
        else if ((*ret_bad)++ == 0)
            (void)err_set(first_bad, TTP_E_INVALID, sqlite_db_path(db),
                          "row %lld of ttp_tag: column %s holds no value that a tag can have",
                          (long long)sqlite3_column_int64(stmt, COL_CREATED_AT + 1), bad);
    }
    if (rc)
        return rc;
    return code == SQLITE_DONE ? 0 : sqlite_db_fail(db, code, err);
}

int tag_read_sqlite(const char *url, tag_row_fn *fn, void *ctx, uint64_t *ret_bad,
                    ttp_err *first_bad, ttp_err *err)
{
    static const sqlite_db_options options = {.read_only = true};
    auto_free(sqlite_db) sqlite_db *db = NULL;
    int rc = sqlite_db_open(url, &options, &db, err);

    *ret_bad = 0;
    if (!rc)
        rc = schema_check(db, err);
    return rc ? rc : read_rows(db, fn, ctx, ret_bad, first_bad, err);
}
