/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, the built-in table against a whole bundle and against the rule pack, and the public face. */
#include "bundle.h"

#include <dirent.h>

static const struct {
    const char *says;
    str id;
    bool technique, sub, tactic;
    const char *url;
} ids[] = {
    {"a technique", STR("T1059"), true, false, false, "https://attack.mitre.org/techniques/T1059"},
    {"a sub-technique", STR("T1548.001"), false, true, false,
     "https://attack.mitre.org/techniques/T1548/001"},
    {"a tactic", STR("TA0007"), false, false, true, "https://attack.mitre.org/tactics/TA0007"},
    {"empty", STR(""), false, false, false, ""},
    {"absent", STR_NULL, false, false, false, ""},
    {"lower case", STR("t1059"), false, false, false, ""},
    {"a digit short", STR("T105"), false, false, false, ""},
    {"a digit more", STR("T10590"), false, false, false, ""},
    {"a dot and nothing", STR("T1059."), false, false, false, ""},
    {"a short sub-technique", STR("T1059.04"), false, false, false, ""},
    {"a long sub-technique", STR("T1059.0004"), false, false, false, ""},
    {"a slash", STR("T1059/004"), false, false, false, ""},
    {"a NUL", STR("T105\0"), false, false, false, ""},
    {"a newline behind it", STR("T1059\n"), false, false, false, ""},
    {"letters for digits", STR("TA00O7"), false, false, false, ""},
};

static void test_ids(void **state)
{
    (void)state;
    for_each_row(c, ids)
    {
        char url[64];

        expect_int(c->says, attack_is_technique_id(c->id), c->technique);
        expect_int(c->says, attack_is_sub_technique_id(c->id), c->sub);
        expect_int(c->says, attack_is_tactic_id(c->id), c->tactic);
        expect_int(c->says, attack_mitre_url(c->id, url), strlen(c->url));
        expect_text(c->says, url, c->url);
    }
    end_rows();
}

static void test_builtin(void **state)
{
    const attack_catalogue *c = attack_builtin();
    const attack_technique *shell = attack_find(c, STR("T1059.004"));
    char url[64];

    (void)state;
    expect_str("release", attack_release(c), "enterprise-v18.1");
    expect_true("it says that it is partial", attack_is_builtin(c));
    expect_int("nothing left out", attack_skipped(c), 0);
    expect_int("all tactics", attack_tactic_count(c), 14);
    expect_str("the kill chain's first", attack_tactic_at(c, 0)->name, "Reconnaissance");
    expect_str("and last", attack_tactic_at(c, 13)->name, "Impact");
    expect_str("a name", shell->name, "Unix Shell");
    expect_true("its tactic", attack_has_tactic(shell, STR("TA0002")));
    expect_true("no other", !attack_has_tactic(shell, STR("TA0003")));
    expect_true("an unknown id", !attack_find(c, STR("T9999")));
    expect_true("an empty id", !attack_find(c, STR_NULL));
    expect_true("an unknown tactic", !attack_find_tactic(c, STR("TA9999")));
    for (size_t i = 0; i < attack_count(c); i++) {
        const attack_technique *t = attack_at(c, i);

        expect_true("sorted", i == 0 || str_cmp(attack_at(c, i - 1)->id, t->id) < 0);
        expect_true(t->id.ptr, attack_find(c, t->id) == t);
        expect_true("a sub-technique's parent is there",
                    t->id.len == 5 || attack_find(c, (str){t->id.ptr, 5}));
        attack_mitre_url(t->id, url);
        expect_str(t->id.ptr, t->url, url);
        expect_int(t->id.ptr, strlen(t->url.ptr), t->url.len);
    }
    expect_true("freeing it does nothing", !attack_free((attack_catalogue *)c));
    expect_str("release, still", attack_release(c), "enterprise-v18.1");
    end_rows();
}

static void compare_with(const attack_technique *t, const attack_technique *whole)
{
    expect_true(t->id.ptr, whole != NULL);
    if (!whole)
        return;
    expect_str(t->id.ptr, t->name, whole->name.ptr);
    expect_str(t->id.ptr, t->url, whole->url.ptr);
    expect_int(t->id.ptr, t->n_tactics, whole->n_tactics);
    expect_true("live", !whole->revoked && !whole->deprecated);
    for (unsigned i = 0; i < t->n_tactics && i < whole->n_tactics; i++)
        expect_str(t->id.ptr, t->tactics[i]->id, whole->tactics[i]->id.ptr);
}

static void test_builtin_is_the_bundles(void **state)
{
    const attack_catalogue *c = attack_builtin();
    attack_catalogue *whole = NULL;
    const char *path = find_shared_bundle();

    (void)state;
    if (!path)
        skip();
    assert_int_equal(attack_load(path, attack_release(c).ptr, &whole, NULL), 0);
    for (size_t i = 0; i < attack_count(c); i++)
        compare_with(attack_at(c, i), attack_find(whole, attack_at(c, i)->id));
    expect_int("tactics", attack_tactic_count(c), attack_tactic_count(whole));
    for (size_t i = 0; i < attack_tactic_count(c); i++) {
        const attack_tactic *t = attack_tactic_at(c, i);
        const attack_tactic *same = attack_find_tactic(whole, t->id);

        expect_true(t->id.ptr, same != NULL);
        if (!same)
            continue;
        expect_str(t->id.ptr, t->name, same->name.ptr);
        expect_str(t->id.ptr, t->shortname, same->shortname.ptr);
        expect_str(t->id.ptr, t->url, same->url.ptr);
    }
    attack_free(whole);
    end_rows();
}

/* The value behind each "key:", with or without quotes, must be known; returns how many there were.
 */
static size_t check_values(const char *file, str text, const char *key)
{
    size_t n = 0;

    for (const char *p = text.ptr; (p = strstr(p, key));) {
        size_t len;
        str id;

        p += strlen(key);
        p += strspn(p, " \"'");
        len = strcspn(p, " \"',}\r\n");
        id = (str){p, len};
        n++;
        if (!attack_find(attack_builtin(), id) && !attack_find_tactic(attack_builtin(), id)) {
            n_bad_rows++;
            print_error("%s emits %.*s, which the built-in table lacks\n", file, STR_ARG(id));
        }
    }
    return n;
}

static size_t check_rule(const char *dir, const char *name)
{
    static char text[1u << 20];
    char path[4096];
    FILE *f;
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "re");
    assert_non_null(f);
    len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = '\0';
    (void)fclose(f);
    (void)check_values(name, (str){text, len}, "tactic:");
    /* sub_technique_id ends in this, too */
    return check_values(name, (str){text, len}, "technique_id:");
}

static void test_builtin_has_what_the_pack_emits(void **state)
{
    const char *dir = SOURCE_ROOT "/rules/ttp";
    DIR *d = opendir(dir);
    size_t n = 0;

    (void)state;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (str_ends(str_from(e->d_name), STR(".yaml")))
            n += check_rule(dir, e->d_name);
    }
    if (d)
        closedir(d);
    if (n == 0) {
        print_message("SKIP: no rules in %s\n", dir);
        skip();
    }
    end_rows();
}

static const struct {
    const char *says, *id;
    int want;
    const char *name;
    unsigned n_tactics;
} finds[] = {
    {"a technique", "T1078", 0, "Valid Accounts", 4},
    {"a tactic", "TA0011", 0, "Command and Control", 0},
    {"an id that is not there", "T9999", TTP_E_NOT_FOUND, NULL, 0},
    {"a tactic that is not there", "TA9999", TTP_E_NOT_FOUND, NULL, 0},
    {"no id", "Valid Accounts", TTP_E_INVALID, NULL, 0},
    {"no text", NULL, TTP_E_INVALID, NULL, 0},
};

static void test_public_face(void **state)
{
    ttp_attack *attack = NULL;
    ttp_attack_entry e;

    (void)state;
    assert_int_equal(ttp_attack_open(NULL, NULL, &attack, NULL), 0);
    expect_true("partial", ttp_attack_is_partial(attack));
    expect_c("release", ttp_attack_release(attack), "enterprise-v18.1");
    for_each_row(c, finds)
    {
        e = (ttp_attack_entry){0};
        expect_int(c->says, ttp_attack_find(attack, c->id, &e), c->want);
        if (c->want)
            continue;
        expect_c(c->says, e.id, c->id);
        expect_c(c->says, e.name, c->name);
        expect_int(c->says, e.n_tactics, c->n_tactics);
        expect_true(c->says, e.url && !e.revoked && !e.deprecated && !e.successor);
    }
    expect_int("the first", ttp_attack_at(attack, 0, &e), 0);
    expect_c("the first", e.id, attack_at(attack, 0)->id.ptr);
    expect_c("its tactic", e.tactics[0], attack_at(attack, 0)->tactics[0]->id.ptr);
    expect_int("one behind the last", ttp_attack_at(attack, ttp_attack_count(attack), &e),
               TTP_E_NOT_FOUND);
    ttp_attack_close(attack);
    ttp_attack_close(NULL);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_builtin_is_the_bundles),
        cmocka_unit_test(test_builtin_has_what_the_pack_emits),
        cmocka_unit_test(test_public_face),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
