/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"
#include "files.h"

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
    o->rules_dir = f->place;
}

static const char *file_of(fixture *f, const char *rule_id, const char *suffix)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%s.yaml%s", rule_id, suffix);
    return path_in(f->place, name);
}

static void put_rule(fixture *f, const char *rule_id, const char *text)
{
    write_path(file_of(f, rule_id, ".tmp"), text);
    assert_int_equal(rename(file_of(f, rule_id, ".tmp"), file_of(f, rule_id, "")), 0);
}

static void delete_rule(fixture *f, const char *rule_id)
{
    assert_int_equal(unlink(file_of(f, rule_id, "")), 0);
}

const backend backend_filesystem = {
    .name = "filesystem",
    .type = "filesystem",
    .set_up = set_up,
    .tear_down = tear_down,
    .choose = choose,
    .put_rule = put_rule,
    .delete_rule = delete_rule,
};
