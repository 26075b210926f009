/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/tag.h"

#include "../db/files.h"
#include "../db/full-disk.h"
#include "../unit.h"
#include "alloc.h"
#include "db/schema.h"
#include "tags.h"

#include <errno.h>

static tag_sink *open_sink(const char *url)
{
    tag_sink *s = NULL;
    ttp_err err = {0};

    if (tag_sink_sqlite_new(url, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

/* Tags source_id first to last-1. Returns the first failure. */
static int put_numbered(tag_sink *s, unsigned first, unsigned last, ttp_err *err)
{
    int rc = 0;

    for (unsigned i = first; i < last && !rc; i++) {
        char id[32];
        tag t = sample_tag();

        (void)snprintf(id, sizeof(id), "cmd_%u", i);
        t.source_id = str_from(id);
        renew_id(&t);
        rc = tag_sink_put(s, &t, err);
    }
    return rc;
}

/* One row as text, columns by a bar. */
static void expect_row(const char *says, const char *path, const char *sql, const char *want)
{
    auto_free(buf) buf b = {0};
    sqlite_db *db = NULL;
    sqlite3_stmt *stmt = NULL;

    if (sqlite_db_open(path, NULL, &db, NULL) || sqlite_db_prepare(db, sql, &stmt, NULL))
        fail_msg("%s: cannot be asked", sql);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            if (i)
                buf_put_char(&b, '|');
            buf_put_c(&b, text ? text : "NULL");
        }
    }
    expect_str(says, buf_str(&b), want);
    (void)sqlite_db_close(db);
}

static const char count_rows[] = "SELECT count(*) FROM ttp_tag";

static void test_row(void **state)
{
    const char *path = in_dir("row.db");
    tag_sink *s = open_sink(path);
    tag t = sample_tag();

    (void)state;
    expect_int("put", tag_sink_put(s, &t, NULL), 0);
    t.technique_id = STR("T1548");
    t.sub_technique_id = STR("T1548.001");
    t.attacker_uuid = STR_NULL;
    t.identity_uuid = STR("i1");
    t.evidence = STR_NULL;
    renew_id(&t);
    expect_int("put", tag_sink_put(s, &t, NULL), 0);
    expect_int("nothing yet", tag_sink_sqlite_inserted(s), 0);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    expect_int("both", tag_sink_sqlite_inserted(s), 2);
    (void)tag_sink_free(s);
    expect_row(
        "every column", path, "SELECT " DB_TAG_COLUMNS " FROM ttp_tag WHERE rowid = 1",
        "68fb11d9-e52c-5751-9b99-75877c5465ba|command|cmd_42|a1|NULL|s1|decky-01|TA0007|T1083|"
        "NULL|0.85|R0015|1|{\"command_text\":\"find / -perm -4000\"}|enterprise-v18.1|"
        "https://attack.mitre.org/techniques/T1083|2026-07-10 01:01:38.082718");
    expect_row(
        "a sub-technique of an identity", path,
        "SELECT attacker_uuid, identity_uuid, sub_technique_id, evidence, mitre_url FROM ttp_tag "
        "WHERE rowid = 2",
        "NULL|i1|T1548.001|{}|https://attack.mitre.org/techniques/T1548/001");
    expect_row("types", path,
               "SELECT typeof(uuid), typeof(confidence), typeof(rule_version), typeof(evidence), "
               "typeof(created_at) FROM ttp_tag",
               "text|real|integer|text|text");
    end_rows();
}

static void test_replay(void **state)
{
    const char *path = in_dir("replay.db");
    tag_sink *s = open_sink(path);

    (void)state;
    expect_int("put", put_numbered(s, 0, 40000, NULL), 0);
    expect_int("full batches are written by themselves", tag_sink_sqlite_inserted(s), 32768);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    expect_int("all are new", tag_sink_sqlite_inserted(s), 40000);
    expect_int("again", put_numbered(s, 0, 40000, NULL), 0);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    expect_int("nothing is new", tag_sink_sqlite_inserted(s), 40000);
    (void)tag_sink_free(s);
    s = open_sink(path);
    expect_int("some new ones", put_numbered(s, 39990, 40010, NULL), 0);
    expect_int("and twice in a batch", put_numbered(s, 40000, 40010, NULL), 0);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    expect_int("are told", tag_sink_sqlite_inserted(s), 10);
    expect_int("an empty flush", tag_sink_flush(s, NULL), 0);
    (void)tag_sink_free(s);
    expect_row("rows", path, count_rows, "40010");
    end_rows();
}

static int keep_first(void *ctx, const tag *t, ttp_err *err)
{
    buf *b = ctx;

    (void)err;
    tag_write_json(b, t);
    buf_put_char(b, '\n');
    return 0;
}

/* Out of the database comes what went in, NULs and all. */
static void test_read_back(void **state)
{
    const char *path = in_dir("back.db");
    auto_free(buf) buf want = {0};
    auto_free(buf) buf got = {0};
    tag_sink *s = open_sink(path);
    tag t = sample_tag();
    uint64_t bad = 7;

    (void)state;
    t.source_id = STR("with\0a NUL and \xC3\xB6");
    t.session_id = STR("");
    t.confidence = 0.1 + 0.2;
    renew_id(&t);
    expect_int("put", tag_sink_put(s, &t, NULL), 0);
    expect_int("put", put_numbered(s, 0, 1, NULL), 0);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    (void)tag_sink_free(s);
    (void)keep_first(&want, &t, NULL);
    t = sample_tag();
    t.source_id = STR("cmd_0");
    renew_id(&t);
    (void)keep_first(&want, &t, NULL);
    expect_int("read", tag_read_sqlite(path, keep_first, &got, &bad, NULL, NULL), 0);
    expect_str("both, in order", buf_str(&got), buf_c_str(&want));
    expect_int("none is bad", bad, 0);
    end_rows();
}

static const struct {
    const char *says, *change;
    const char *want_column; /* NULL: the row is fine */
} hand_made[] = {
    {"as it was", "confidence = 0.4", NULL},
    {"a uuid that is none", "uuid = 'x'", "uuid"},
    {"a tactic by name", "tactic = 'discovery'", "tactic"},
    {"a technique of three digits", "technique_id = 'T108'", "technique_id"},
    {"a sub-technique without a dot", "sub_technique_id = 'T1083001'", "sub_technique_id"},
    {"an empty rule", "rule_id = ''", "rule_id"},
    {"a release with an escape sequence", "attack_release = char(27)", "attack_release"},
    {"a time that is none", "created_at = 'today'", "created_at"},
};

static int count_row(void *ctx, const tag *t, ttp_err *err)
{
    (void)t;
    (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

static void test_hand_made(void **state)
{
    (void)state;
    for_each_row(c, hand_made)
    {
        const char *path = in_dir("hand.db");
        char sql[200], want[200] = "";
        tag_sink *s = open_sink(path);
        sqlite_db *db = NULL;
        ttp_err bad_err = {0};
        unsigned n = 0;
        uint64_t bad;

        expect_int("put", put_numbered(s, 0, 2, NULL), 0);
        expect_int("flush", tag_sink_flush(s, NULL), 0);
        (void)tag_sink_free(s);
        (void)snprintf(sql, sizeof(sql), "UPDATE ttp_tag SET %s WHERE rowid = 2", c->change);
        if (sqlite_db_open(path, NULL, &db, NULL) || sqlite_db_exec(db, sql, NULL))
            fail_msg("%s", sql);
        (void)sqlite_db_close(db);
        expect_int(c->says, tag_read_sqlite(path, count_row, &n, &bad, &bad_err, NULL), 0);
        expect_int(c->says, n, c->want_column ? 1 : 2);
        expect_int(c->says, bad, c->want_column != NULL);
        if (c->want_column)
            (void)snprintf(want, sizeof(want),
                           "row 2 of ttp_tag: column %s holds no value that a tag can have",
                           c->want_column);
        expect_c(c->says, bad_err.text, want);
        if (unlink(path))
            fail_msg("cannot remove %s", path);
    }
    end_rows();
}

static int stop_at_once(void *ctx, const tag *t, ttp_err *err)
{
    (void)t;
    (void)err;
    ++*(unsigned *)ctx;
    return TTP_E_END;
}

static void test_read_outcomes(void **state)
{
    const char *path = in_dir("outcomes.db");
    tag_sink *s = open_sink(path);
    unsigned n = 0;
    uint64_t bad;
    ttp_err err = {0};

    (void)state;
    expect_int("put", put_numbered(s, 0, 10, NULL), 0);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    expect_int("the reader ends it", tag_read_sqlite(path, stop_at_once, &n, &bad, NULL, &err),
               TTP_E_END);
    expect_int("at once", n, 1);
    (void)tag_sink_free(s);
    expect_int("a file that is missing",
               tag_read_sqlite(in_dir("none.db"), count_row, &n, &bad, NULL, &err), -ENOENT);
    expect_int("a database without tags",
               tag_read_sqlite(":memory:", count_row, &n, &bad, NULL, &err), TTP_E_NOT_FOUND);
    expect_c("is told", err.text, "no table ttp_tag: nothing was ever tagged into this database");
    end_rows();
}

/* A batch that fails is not lost: it is written once there is room again. */
static void test_full(void **state)
{
    const char *path = in_dir("full.db");
    tag_sink *s = open_sink(path);
    ttp_err err = {0};

    (void)state;
    expect_int("put", put_numbered(s, 0, 100, NULL), 0);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    expect_int("put", put_numbered(s, 100, 5000, NULL), 0);
    disk_is_full = true;
    expect_int("no room", tag_sink_flush(s, &err), -ENOSPC);
    disk_is_full = false;
    expect_int("nothing of it counts", tag_sink_sqlite_inserted(s), 100);
    expect_row("nothing of it is there", path, count_rows, "100");
    expect_int("room again", tag_sink_flush(s, &err), 0);
    expect_int("all count", tag_sink_sqlite_inserted(s), 5000);
    (void)tag_sink_free(s);
    expect_row("all are there", path, count_rows, "5000");
    end_rows();
}

static void test_refused(void **state)
{
    tag_sink *s = open_sink(":memory:");
    tag t = sample_tag();
    ttp_err err = {0};

    (void)state;
    t.attacker_uuid = STR_NULL;
    expect_int("no anchor", tag_sink_put(s, &t, &err), TTP_E_INVALID);
    expect_int("nothing to write", tag_sink_flush(s, &err), 0);
    expect_int("nothing written", tag_sink_sqlite_inserted(s), 0);
    (void)tag_sink_free(s);
    expect_int("another database", tag_sink_sqlite_new("mysql://h/x", &s, &err), TTP_E_UNSUPPORTED);
    end_rows();
}

/* Rows of a megabyte go out before they fill the memory. */
static void test_large(void **state)
{
    enum {
        SIZE = 1 << 20
    };
    const char *path = in_dir("large.db");
    tag_sink *s = open_sink(path);
    char *text = malloc(SIZE + 8);

    (void)state;
    memset(text, 'x', SIZE + 8);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + SIZE - 2, "\"}", 2);
    for (unsigned i = 0; i < 20; i++) {
        tag t = sample_tag();

        t.rule_version = i + 1;
        t.evidence = (str){text, SIZE};
        renew_id(&t);
        expect_int("put", tag_sink_put(s, &t, NULL), 0);
    }
    expect_true("some are written already", tag_sink_sqlite_inserted(s) >= 12);
    expect_int("flush", tag_sink_flush(s, NULL), 0);
    (void)tag_sink_free(s);
    expect_row("whole", path, "SELECT count(*), min(length(evidence)) FROM ttp_tag", "20|1048576");
    free(text);
    end_rows();
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot be made to fail under a sanitizer\n");
        return;
    }
    for (long nth = 0; nth < 1500; nth += nth < 50 ? 1 : 29) {
        tag t = sample_tag();
        tag_sink *s = NULL;
        int rc;

        fail_allocations_after(nth);
        rc = tag_sink_sqlite_new(":memory:", &s, NULL);
        if (!rc)
            rc = tag_sink_put(s, &t, NULL);
        if (!rc)
            rc = tag_sink_flush(s, NULL);
        fail_allocations_after(-1);
        expect_true("it worked or said so", rc == 0 || rc == -ENOMEM);
        if (s)
            expect_int("the row counts if it worked", tag_sink_sqlite_inserted(s), rc == 0);
        (void)tag_sink_free(s);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),           cmocka_unit_test(test_replay),
        cmocka_unit_test(test_read_back),     cmocka_unit_test(test_hand_made),
        cmocka_unit_test(test_read_outcomes), cmocka_unit_test(test_full),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_large),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
