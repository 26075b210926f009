/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags into SQLite. Rows wait in memory and go in by batches, so that the write lock is held for
 * milliseconds however slowly tags arrive; a batch that fails is rolled back, stays, and is tried
 * again by the next flush.
 */
#include "base/arena.h"
#include "base/err.h"
#include "db/schema.h"
#include "tag/tag.h"

#include <errno.h>

/*
 * Each batch writes each index page it touches once, so large ones write less (see db/sqlite.c).
 * The bytes bound what tags with large evidence may hold back.
 */
#define BATCH_ROWS 32768
#define BATCH_BYTES (12u << 20)

static const char insert_sql[] =
    "INSERT INTO ttp_tag (" DB_TAG_COLUMNS ") VALUES"
    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    " ON CONFLICT (uuid) DO NOTHING"; /* OR IGNORE would also swallow rows that a CHECK refuses */

typedef struct sqlite_sink {
    tag_sink base;
    sqlite_db *db;
    arena texts;
    buf evidence; /* of the tag that is being kept */
    tag *rows;
    size_t n_rows, cap_rows, n_bytes;
    uint64_t inserted;
} sqlite_sink;

/* The texts of a tag, to copy them. */
static const size_t text_offsets[] = {
    offsetof(tag, source_kind),   offsetof(tag, source_id),    offsetof(tag, attacker_uuid),
    offsetof(tag, identity_uuid), offsetof(tag, session_id),   offsetof(tag, decky_id),
    offsetof(tag, tactic),        offsetof(tag, technique_id), offsetof(tag, sub_technique_id),
    offsetof(tag, rule_id),       offsetof(tag, evidence),     offsetof(tag, attack_release),
};

static int keep_row(sqlite_sink *s, const tag *t)
{
    tag copy = *t;

    if (mem_grow(s->rows, s->cap_rows, s->n_rows + 1))
        return -ENOMEM;
    buf_clear(&s->evidence);
    tag_put_evidence(&s->evidence, t);
    if (s->evidence.failed)
        return -ENOMEM;
    copy.evidence = buf_str(&s->evidence);
    copy.put_evidence = NULL; /* rule and event may go before the row is written */
    copy.rule = copy.event = NULL;
    copy.id = tag_get_id(t);
    copy.rule_name = STR_NULL; /* not a column */
    for (size_t i = 0; i < sizeof(text_offsets) / sizeof(text_offsets[0]); i++) {
        str *text = (str *)((char *)&copy + text_offsets[i]);

        if (!text->ptr)
            continue;
        *text = arena_str(&s->texts, *text);
        if (!text->ptr)
            return -ENOMEM;
        s->n_bytes += text->len;
    }
    s->rows[s->n_rows++] = copy;
    return 0;
}

/*
 * Texts live until the statement is reset, so SQLite need not copy them. Its errors (too big, out
 * of memory) stay with the statement only for the call, so each is looked at.
 */
static int bind_text(sqlite3_stmt *stmt, int *column, str text)
{
    (*column)++;
    if (!text.ptr)
        return sqlite3_bind_null(stmt, *column);
    return sqlite3_bind_text64(stmt, *column, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_texts(sqlite3_stmt *stmt, int *column, const str *texts, size_t n)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < n && code == SQLITE_OK; i++)
        code = bind_text(stmt, column, texts[i]);
    return code;
}

static int insert_row(sqlite3_stmt *stmt, const tag *t)
{
    char id[UUID_TEXT_LEN], url[64], created[26];
    size_t url_len = attack_mitre_url(tag_most_specific(t), url);
    int column = 0, code;

    uuid_format(&t->id, id);
    time_format_sql(t->created_us, created);
    const str before[] = {{id, sizeof(id)}, t->source_kind,     t->source_id, t->attacker_uuid,
                          t->identity_uuid, t->session_id,      t->decky_id,  t->tactic,
                          t->technique_id,  t->sub_technique_id};
    const str after[] = {t->evidence,
                         t->attack_release,
                         url_len ? (str){url, url_len} : STR_NULL,
                         {created, sizeof(created)}};
    code = bind_texts(stmt, &column, before, sizeof(before) / sizeof(before[0]));
    if (code == SQLITE_OK)
        code = sqlite3_bind_double(stmt, ++column, t->confidence);
    if (code == SQLITE_OK)
        code = bind_text(stmt, &column, t->rule_id);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(stmt, ++column, t->rule_version);
    if (code == SQLITE_OK)
        code = bind_texts(stmt, &column, after, sizeof(after) / sizeof(after[0]));
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    (void)sqlite3_reset(stmt); /* repeats the step's code */
    return code;
}

/* All rows in one transaction that is open already. */
static int insert_rows(sqlite_sink *s, uint64_t *ret_inserted, ttp_err *err)
{
    sqlite3_stmt *stmt;
    int rc = sqlite_db_prepare(s->db, insert_sql, &stmt, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < s->n_rows; i++) {
        int code = insert_row(stmt, &s->rows[i]);

        if (code != SQLITE_DONE)
            return sqlite_db_fail(s->db, code, err);
        *ret_inserted += (uint64_t)sqlite3_changes(sqlite_db_handle(s->db));
    }
    return 0;
}

static int sqlite_flush(tag_sink *sink, ttp_err *err)
{
    sqlite_sink *s = (sqlite_sink *)sink;
    uint64_t inserted = 0;
    int rc;

    if (s->n_rows == 0)
        return 0;
    rc = sqlite_db_begin(s->db, err);
    if (rc)
        return rc;
    rc = insert_rows(s, &inserted, err);
    if (!rc)
        rc = sqlite_db_commit(s->db, err);
    if (rc) {
        sqlite_db_rollback(s->db);
        return rc;
    }
    s->inserted += inserted;
    s->n_rows = s->n_bytes = 0;
    arena_clear(&s->texts, BATCH_BYTES);
    return 0;
}

static int sqlite_put(tag_sink *sink, const tag *t, ttp_err *err)
{
    sqlite_sink *s = (sqlite_sink *)sink;
    int rc = tag_check(t, err);

    if (rc)
        return rc;
    if (s->n_rows >= BATCH_ROWS || s->n_bytes >= BATCH_BYTES) {
        rc = sqlite_flush(sink, err);
        if (rc)
            return rc;
    }
    if (keep_row(s, t))
        return err_set(err, -ENOMEM, sqlite_db_path(s->db), "out of memory");
    return 0;
}

static void sqlite_free(tag_sink *sink)
{
    sqlite_sink *s = (sqlite_sink *)sink;

    (void)sqlite_db_close(s->db); /* NULL by convention */
    arena_done(&s->texts);
    buf_done(&s->evidence);
    free(s->rows);
    free(s);
}

int tag_sink_sqlite_new(const char *url, tag_sink **ret_sink, ttp_err *err)
{
    static const tag_sink_ops ops = {.put = sqlite_put, .flush = sqlite_flush, .free = sqlite_free};
    auto_free(sqlite_db) sqlite_db *db = NULL;
    sqlite_sink *s;
    int rc = sqlite_db_open(url, NULL, &db, err);

    if (!rc)
        rc = schema_prepare(db, err);
    if (rc)
        return rc;
    s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, -ENOMEM, url, "out of memory");
    s->base.ops = &ops;
    s->db = take(db);
    *ret_sink = &s->base;
    return 0;
}

uint64_t tag_sink_sqlite_inserted(const tag_sink *sink)
{
    return ((const sqlite_sink *)sink)->inserted;
}
