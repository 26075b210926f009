/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite in memory, which only the store itself can write to. */
#include "conformance.h"

#include "store/database/database.h"

static const char *set_up(fixture *f)
{
    (void)f;
    return NULL;
}

static void tear_down(fixture *f)
{
    (void)f;
}

static void choose(fixture *f, ttp_store_options *o)
{
    (void)f;
    o->db_url = ":memory:";
}

static void put_rule(fixture *f, const char *rule_id, const char *text)
{
    char written[65];

    assert_int_equal(
        database_upsert_rule(f->store, str_from(text), "memory", "test", written, NULL), 0);
    assert_string_equal(written, rule_id);
}

static void delete_rule(fixture *f, const char *rule_id)
{
    assert_int_equal(database_delete_rule(f->store, rule_id, NULL), 0);
}

const backend backend_memory = {
    .name = "memory",
    .type = "database",
    .is_private = true,
    .set_up = set_up,
    .tear_down = tear_down,
    .choose = choose,
    .put_rule = put_rule,
    .delete_rule = delete_rule,
};
