/* SPDX-License-Identifier: Apache-2.0 */
/* A database of a real server, whose rules another connection writes by plain SQL. */
#include "../../mariadb/server.h"
#include "conformance.h"

static const char *set_up(fixture *f)
{
    if (!mariadb_socket())
        return "no server: run it by tests/mariadb/with-mariadb";
    (void)mariadb_make(f->place);
    return NULL;
}

static void tear_down(fixture *f)
{
    mariadb_drop(f->place);
}

static void choose(fixture *f, ttp_store_options *o)
{
    o->db_url = f->place;
    o->poll_ms = 10;
}

static void run(fixture *f, const char *sql, const char *rule_id, const char *text)
{
    ttp_store_options o = {0};
    ttp_store *store = NULL;
    db_stmt *stmt = NULL;
    db_conn *conn;

    choose(f, &o);
    o.type = "database";
    assert_int_equal(ttp_store_open(&o, &store, NULL), 0); /* makes the tables */
    (void)ttp_store_close(store);
    conn = connect_db(f->place);
    assert_int_equal(db_prepare(conn, sql, &stmt, NULL), 0);
    db_bind_c(stmt, 1, rule_id);
    if (text)
        db_bind_c(stmt, 2, text);
    assert_int_equal(db_run(stmt, NULL, NULL), 0);
    (void)db_close(conn);
}

static void put_rule(fixture *f, const char *rule_id, const char *text)
{
    run(f,
        "INSERT INTO ttp_rule VALUES (?, 1, 'sql', ?, '1970-01-01 00:00:01', 'sql')"
        " ON DUPLICATE KEY UPDATE yaml_content = VALUES(yaml_content)",
        rule_id, text);
}

static void delete_rule(fixture *f, const char *rule_id)
{
    run(f, "DELETE FROM ttp_rule WHERE rule_id = ?", rule_id, NULL);
}

const backend backend_mariadb = {
    .type = "database",
    .name = "mariadb",
    .set_up = set_up,
    .tear_down = tear_down,
    .choose = choose,
    .put_rule = put_rule,
    .delete_rule = delete_rule,
};
