/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/rule.h"

#include "base/limits.h"
#include "ttp/rule.h"

#include "../unit.h"

#include <stdlib.h>

static const char whole[] = "rule_id: R0015\n"
                            "rule_version: 7\n"
                            "name: suid_search\n"
                            "description: why\n"
                            "applies_to: [http_request, command, somewhere]\n"
                            "match:\n"
                            "  any:\n"
                            "    - {field: command_text, pattern: '\\bfind\\b'}\n"
                            "    - {contains: x}\n"
                            "    - {field: n, in: [1, a, true]}\n"
                            "emits:\n"
                            "  - {tactic: TA0007, technique_id: T1083, confidence: 0.85}\n"
                            "  - {technique_id: T1059, sub_technique_id: T1059.004}\n"
                            "evidence_fields: [command_text, uid]\n"
                            "references: [a, b]\n"
                            "owner: blue\n"
                            "tests:\n"
                            "  match:\n"
                            "    - {raw_url: yx}\n"
                            "    - source_kind: command\n"
                            "      payload: {command_text: find /}\n"
                            "  no_match:\n"
                            "    - {raw_url: 'y'}\n";

static void test_whole(void **state)
{
    const rule_context keeping = {.keep_source = true};
    auto_free(rule) rule *r = NULL, *plain = NULL;
    ttp_err err = {0};
    buf extra = {0};

    (void)state;
    expect_int(err.text, rule_read(str_from(whole), "w.yaml", NULL, &plain, &err), 0);
    expect_true("bytes are not kept unasked", plain && !plain->source.ptr);
    expect_int(err.text, rule_read(str_from(whole), "w.yaml", &keeping, &r, &err), 0);
    assert_non_null(r);
    expect_str("rule_id", r->rule_id, "R0015");
    expect_int("rule_version", r->rule_version, 7);
    expect_str("name", r->name, "suid_search");
    expect_str("description", r->description, "why");
    expect_str("path", r->path, "w.yaml");
    expect_str("every byte of the file", r->source, whole);
    expect_true("attack_release", !r->attack_release.ptr);
    expect_int("applies_to", r->applies_to, 1u << EVENT_HTTP_REQUEST | 1u << EVENT_COMMAND);
    expect_int("other kinds", r->n_other_kinds, 1);
    expect_str("other kind", r->other_kinds[0], "somewhere");
    expect_int("emits", r->n_emits, 2);
    expect_str("tactic", r->emits[0].tactic, "TA0007");
    expect_true("confidence", r->emits[0].confidence == 0.85);
    expect_str("tactic from the catalogue", r->emits[1].tactic, "TA0002");
    expect_str("technique", r->emits[1].technique_id, "T1059");
    expect_str("sub-technique", r->emits[1].sub_technique_id, "T1059.004");
    expect_true("default confidence", r->emits[1].confidence == 0.5);
    expect_true("noted", r->gave_tactic_late);
    expect_int("evidence fields", r->n_evidence_fields, 2);
    expect_str("evidence field", r->evidence_fields[1], "uid");
    json_write(&extra, r->extra);
    expect_str("extra", buf_str(&extra), "{\"references\":[\"a\",\"b\"],\"owner\":\"blue\"}");
    buf_done(&extra);
    expect_int("tests", r->n_tests, 3);
    expect_int("a test's line", r->tests[1].line, 20);
    expect_int("a test's own kind", r->tests[1].kind, EVENT_COMMAND);
    expect_int("the first kind", r->tests[2].kind, EVENT_HTTP_REQUEST);
    expect_true("lifter", !r->lifter.ptr);
    end_rows();
}

static void test_leaves(void **state)
{
    auto_free(rule) rule *r = NULL;

    (void)state;
    assert_int_equal(rule_read(str_from(whole), NULL, NULL, &r, NULL), 0);
    expect_true("no path", !r->path.ptr);
    expect_int("leaves", r->n_leaves, 3);
    expect_int("any", r->match->type, EXPR_ANY);
    expect_int("kids", r->match->n_kids, 3);
    expect_int("the third leaf", r->leaves[r->match->kids[2]->leaf].op, LEAF_IN);
    expect_str("source of a pattern", r->leaves[0].pattern_source, "\\bfind\\b");
    expect_str("source of a list", r->leaves[2].pattern_source, "[1,\"a\",true]");
    expect_int("texts of a list", r->leaves[2].n_patterns, 1);
    expect_int("other values of a list", r->leaves[2].n_values, 2);
    expect_str("own field", leaf_field(&r->leaves[0], EVENT_HTTP_REQUEST), "command_text");
    expect_str("default field of one kind", leaf_field(&r->leaves[1], EVENT_COMMAND),
               "command_text");
    expect_str("default field of another", leaf_field(&r->leaves[1], EVENT_HTTP_REQUEST),
               "raw_url");
    expect_true("no default", !leaf_field(&r->leaves[1], EVENT_SESSION).ptr);
    expect_true("no default of an unknown kind",
                !leaf_field(&r->leaves[1], EVENT_UNKNOWN_KIND).ptr);
    end_rows();
}

static void count_failure(void *ctx, const rule *r, const rule_test *t)
{
    unsigned *lines = ctx;

    (void)r;
    *lines = *lines * 100 + t->line;
}

static const struct {
    const char *says, *tests;
    int want;
    unsigned want_lines; /* of the failing tests, two digits each */
} run_cases[] = {
    {"no tests, no failures", "", 0, 0},
    {"all pass", "tests: {match: [{command_text: abc}], no_match: [{command_text: xyz}, {}]}", 0,
     0},
    {"one should match", "tests:\n  match:\n    - {command_text: xyz}\n", 1, 9},
    {"two fail",
     "tests:\n  match: [{command_text: abc}]\n  no_match:\n    - {command_text: abc}\n"
     "    - {command_text: aabcc}\n",
     2, 1011},
    {"a payload may be called so", "tests: {no_match: [{payload: {command_text: abc}}]}", 0, 0},
};

static void test_run_tests(void **state)
{
    matcher *m = matcher_new(NULL);

    (void)state;
    for_each_row(c, run_cases)
    {
        auto_free(rule) rule *r = NULL;
        unsigned lines = 0;
        buf text = {0};

        buf_put_c(&text, "rule_id: R1\nrule_version: 1\nname: x\napplies_to: command\n"
                         "match: {pattern: abc}\n"
                         "emits: [{tactic: TA0007, technique_id: T1083, confidence: 1}]\n");
        buf_put_c(&text, c->tests);
        expect_int(c->says, rule_read(buf_str(&text), NULL, NULL, &r, NULL), 0);
        expect_int(c->says, r ? rule_run_tests(r, m, count_failure, &lines) : -1, c->want);
        expect_int(c->says, lines, c->want_lines);
        buf_done(&text);
    }
    (void)matcher_free(m); /* returns NULL */
    end_rows();
}

static void test_size_limit(void **state)
{
    buf text = {0};
    rule *r = NULL;
    ttp_err err = {0};

    (void)state;
    buf_put_c(&text, whole);
    buf_put_c(&text, "# ");
    while (text.len < RULE_FILE_MAX)
        buf_put_char(&text, 'x');
    expect_int("as long as allowed", rule_read(buf_str(&text), "x", NULL, &r, &err), 0);
    r = rule_unref(r);
    buf_put_char(&text, 'x');
    expect_int("one byte longer", rule_read(buf_str(&text), "x", NULL, &r, &err), TTP_E_LIMIT);
    expect_c("says so", err.text, "the rule has 1048577 bytes; expected at most 1048576");
    buf_done(&text);
    end_rows();
}

static void test_leaf_limit(void **state)
{
    (void)state;
    for (unsigned n = RULE_LEAVES_MAX; n <= RULE_LEAVES_MAX + 1; n++) {
        auto_free(rule) rule *r = NULL;
        buf text = {0};

        buf_put_c(&text,
                  "{rule_id: R1, rule_version: 1, name: x, applies_to: command, emits: [{tactic: "
                  "TA0007, technique_id: T1083, confidence: 1}], match: {any: [");
        for (unsigned i = 0; i < n; i++)
            buf_put_c(&text, "{field: n, gt: 1}, ");
        buf_put_c(&text, "]}}");
        expect_int("leaves up to the limit, no more",
                   rule_read(buf_str(&text), NULL, NULL, &r, NULL),
                   n > RULE_LEAVES_MAX ? TTP_E_LIMIT : 0);
        buf_done(&text);
    }
    end_rows();
}

static void test_rule_id_limit(void **state)
{
    (void)state;
    for (unsigned n = RULE_ID_MAX; n <= RULE_ID_MAX + 1; n++) {
        auto_free(rule) rule *r = NULL;
        buf text = {0};

        buf_put_c(&text, "rule_id: R");
        for (unsigned i = 1; i < n; i++)
            buf_put_char(&text, '0');
        buf_put_c(&text, strchr(whole, '\n'));
        expect_int("a rule_id up to the limit, no longer",
                   rule_read(buf_str(&text), NULL, NULL, &r, NULL),
                   n > RULE_ID_MAX ? TTP_E_INVALID : 0);
        buf_done(&text);
    }
    end_rows();
}

static void test_hash(void **state)
{
    static const uint8_t want[20] = {0xda, 0x39, 0xa3,
                                     0xee}; /* SHA-1 of nothing, not of the rule */
    auto_free(rule) rule *a = NULL, *b = NULL;
    buf text = {0};

    (void)state;
    buf_put_c(&text, whole);
    assert_int_equal(rule_read(buf_str(&text), NULL, NULL, &a, NULL), 0);
    buf_put_c(&text, "# a comment\n");
    assert_int_equal(rule_read(buf_str(&text), NULL, NULL, &b, NULL), 0);
    expect_true("the hash is of the bytes", memcmp(a->content_hash, b->content_hash, 20) != 0);
    expect_true("of all of them", memcmp(a->content_hash, want, 4) != 0);
    buf_done(&text);
    (void)rule_unref(b); /* returns NULL */
    b = NULL;
    end_rows();
}

static void test_public(void **state)
{
    ttp_rule *r = NULL;
    ttp_err err = {0};
    char line[1200];

    (void)state;
    expect_int("reads", ttp_rule_from_text(whole, sizeof(whole) - 1, "w.yaml", &r, &err), 0);
    assert_non_null(r);
    expect_c("id", ttp_rule_id(r), "R0015");
    expect_int("version", ttp_rule_version(r), 7);
    expect_c("name", ttp_rule_name(r), "suid_search");
    expect_true("one more reference", ttp_rule_ref(r) == r);
    expect_true("one less", !ttp_rule_unref(r));
    expect_c("still there", ttp_rule_id(r), "R0015");
    expect_true("the last one", !ttp_rule_unref(r));
    expect_true("of nothing", !ttp_rule_unref(NULL));
    expect_int("refuses", ttp_rule_from_text("x", 1, "w.yaml", &r, &err), TTP_E_INVALID);
    expect_c("says why", ttp_err_format(&err, line, sizeof(line)),
             "w.yaml:1:1: the document is x; expected a rule: a mapping with rule_id and so on");
    expect_int("nothing at all", ttp_rule_from_text(NULL, 0, NULL, &r, &err), TTP_E_SYNTAX);
    expect_int("nobody wants to know", ttp_rule_from_text("x", 1, NULL, &r, NULL), TTP_E_INVALID);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),      cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_run_tests),  cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_leaf_limit), cmocka_unit_test(test_rule_id_limit),
        cmocka_unit_test(test_hash),       cmocka_unit_test(test_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
