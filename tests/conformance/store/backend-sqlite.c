/* SPDX-License-Identifier: Apache-2.0 */
/* A SQLite file whose rules another connection writes by plain SQL. */
#include "conformance.h"
#include "files.h"

#include <sqlite3.h>

static const char *set_up(fixture *f)
{
    (void)snprintf(f->place, sizeof(f->place), "/tmp/ttp-store.XXXXXX");
    return mkdtemp(f->place) ? NULL : "no directory could be made in /tmp";
}

static void tear_down(fixture *f)
{
    remove_tree(f->place);
}

static void choose(fixture *f, ttp_store_options *o)
{
    o->db_url = path_in(f->place, "store.db");
    o->poll_ms = 10;
}

static void run(fixture *f, const char *sql, const char *rule_id, const char *text)
{
    ttp_store_options o = {0};
    ttp_store *store = NULL;
    sqlite3 *db;
    sqlite3_stmt *stmt;

    choose(f, &o);
    o.type = "database";
    assert_int_equal(ttp_store_open(&o, &store, NULL), 0); /* makes the tables */
    (void)ttp_store_close(store);
    assert_int_equal(sqlite3_open(path_in(f->place, "store.db"), &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    (void)sqlite3_bind_text(stmt, 1, rule_id, -1, SQLITE_STATIC);
    if (text)
        (void)sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

static void put_rule(fixture *f, const char *rule_id, const char *text)
{
    run(f,
        "INSERT INTO ttp_rule VALUES (?1, 1, 'sql', ?2, '1970-01-01 00:00:00', 'sql')"
        " ON CONFLICT (rule_id) DO UPDATE SET yaml_content = excluded.yaml_content",
        rule_id, text);
}

static void delete_rule(fixture *f, const char *rule_id)
{
    run(f, "DELETE FROM ttp_rule WHERE rule_id = ?1", rule_id, NULL);
}

const backend backend_sqlite = {
    .name = "sqlite",
    .type = "database",
    .set_up = set_up,
    .tear_down = tear_down,
    .choose = choose,
    .put_rule = put_rule,
    .delete_rule = delete_rule,
};
