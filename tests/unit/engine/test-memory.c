/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: an event that tags nothing takes none once all is warm, and whichever allocation fails,
 * the call says so, loses nothing, and the next one works.
 */
#include "rules.h"

#include <errno.h>
#include <stdlib.h>

static long allowed = -1; /* allocations until one fails; negative: none fails */
static unsigned long n_allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fails(void)
{
    n_allocations++;
    return allowed >= 0 && allowed-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

static const char *const rules[RULES_MAX] = {
    RULE_OF("R1", "[command, payload]", "{pattern: '(?i)(?P<tool>wget|curl)\\s+(\\S+)'}", "T1105",
            "0.5",
            ", evidence_fields: [matched_tokens, matched_groups, rule_pattern, command_text]"),
    RULE("R2", "{all: [{contains: KILL, ignore_case: true}, {not: {field: n, gt: 3}}, {field: l, "
               "in: [a, 1]}]}"),
    RULE("R3", "{pattern: '(a+)b (?=a)\\1b'}"),
    RULE("R4", "{any: [{pattern: '^\\d+$'}, {pattern: '\\bfind\\b.*-perm'}]}"),
    RULE("R5", "{field: ip, cidr: 192.0.2.0/24}"),
};

static const struct {
    const char *says, *event, *want;
} events[] = {
    {"nothing at all", COMMAND("{}"), ""},
    {"plain text", COMMAND("{\"command_text\":\"uname -a; ls\"}"), ""},
    {"text beyond ASCII", COMMAND("{\"command_text\":\"\\u00e9\\u212ail \\ud83d\\ude00\"}"), ""},
    {"a hit that decides nothing", COMMAND("{\"command_text\":\"kill 1\",\"n\":4,\"l\":[\"a\"]}"),
     ""},
    {"a regex that is tried in vain", COMMAND("{\"command_text\":\"find / -name x\"}"), ""},
    {"back-references in vain", COMMAND("{\"command_text\":\"aaab aac\",\"ip\":\"198.51.100.1\"}"),
     ""},
    {"a kind that nobody names",
     EVENT_OF("session", "\"attacker_uuid\":\"a\",", "{\"command_text\":\"wget x\"}"), ""},
    {"tags, but nobody to hang them on", EVENT_OF("payload", "", "{\"payload_text\":\"x\"}"), ""},
    {"a tag with all evidence", COMMAND("{\"command_text\":\"WGet http://192.0.2.1/x\",\"uid\":0}"),
     "R1:T1105"},
    {"many tags",
     COMMAND(
         "{\"command_text\":\"curl a; kill; aab aab; find x -perm\",\"l\":1,\"ip\":\"192.0.2.1\"}"),
     "R1:T1105 R2:T1059 R3:T1059 R4:T1059 R5:T1059"},
};

static void test_warm(void **state)
{
    auto_free(engine_index) engine_index *ix = make_index(rules);
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);

    (void)state;
    for_each_row(c, events)
    {
        ttp_event *ev = make_event(c->event);
        const tag *tags;
        size_t n;

        for (unsigned i = 0; i < 3; i++) {
            n_allocations = 0;
            assert_int_equal(evaluator_run(e, ix, ev, &tags, &n), 0);
        }
        expect_int(c->says, n > 0, *c->want != '\0');
        if (!*c->want)
            expect_int(c->says, n_allocations, 0);
        (void)ttp_event_free(ev); /* returns NULL */
    }
    end_rows();
}

static void test_index(void **state)
{
    rule *made[RULES_MAX];
    size_t n_rules = make_rules(rules, made);
    int rc = -ENOMEM;
    long n = 0;

    (void)state;
    for (; rc && n < 10000; n++) {
        engine_index *ix = NULL;

        allowed = n;
        rc = engine_index_new(made, n_rules, STR("enterprise-v18.1"), &ix);
        allowed = -1;
        if (rc) {
            expect_int("what fails is memory", rc, -ENOMEM);
            expect_true("nothing is handed out", ix == NULL);
        }
        engine_index_unref(ix);
    }
    print_message("%ld allocations\n", n - 1);
    expect_int("it is made in the end", rc, 0);
    expect_true("something was tried", n > 10);
    drop_rules(made, n_rules);
    end_rows();
}

/* With a cold evaluator each time; afterwards the same one must work. */
static bool run_once(const engine_index *ix, const char *says, const event *ev, const char *want,
                     long n)
{
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);
    auto_free(buf) buf got = {0};
    const tag *tags = NULL;
    size_t n_tags = 0;
    int rc;

    assert_non_null(e);
    allowed = n;
    rc = evaluator_run(e, ix, ev, &tags, &n_tags);
    allowed = -1;
    if (rc) {
        expect_int(says, rc, -ENOMEM);
        expect_true("no tag of a run that failed", ttp_evaluator_tag(e, 0) == NULL);
        expect_int("nor are they counted", evaluator_get_stats(e)->tags, 0);
    }
    expect_int(says, rc ? evaluator_run(e, ix, ev, &tags, &n_tags) : 0, 0);
    put_tags(&got, tags, n_tags);
    expect_str(says, buf_str(&got), want);
    return rc == 0;
}

static void test_run(void **state)
{
    auto_free(engine_index) engine_index *ix = make_index(rules);
    long n_most = 0;

    (void)state;
    for_each_row(c, events)
    {
        ttp_event *ev = make_event(c->event);
        long n = 0;

        while (n < 10000 && !run_once(ix, c->says, ev, c->want, n))
            n++;
        n_most = n > n_most ? n : n_most;
        (void)ttp_event_free(ev); /* returns NULL */
    }
    print_message("up to %ld allocations\n", n_most);
    expect_true("something was tried", n_most > 10);
    end_rows();
}

static bool explain_once(const engine_index *ix, const event *ev, long n)
{
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);
    const explain_rule *got = NULL;
    size_t n_rules = 0;
    int rc;

    assert_non_null(e);
    allowed = n;
    rc = evaluator_explain(e, ix, ev, &got, &n_rules);
    allowed = -1;
    if (rc)
        expect_int("what fails is memory", rc, -ENOMEM);
    else
        expect_int("every rule is explained", n_rules, 5);
    return rc == 0;
}

static void test_explain(void **state)
{
    auto_free(engine_index) engine_index *ix = make_index(rules);
    ttp_event *ev =
        make_event(COMMAND("{\"command_text\":\"curl a; kill; aab aab; find x -perm\",\"l\":1}"));
    long n = 0;

    (void)state;
    while (n < 10000 && !explain_once(ix, ev, n))
        n++;
    expect_true("something was tried", n > 5 && n < 10000);
    (void)ttp_event_free(ev); /* returns NULL */
    end_rows();
}

/* Evidence that is written when it is asked for: all of it, or no tag. */
static void test_late_evidence(void **state)
{
    static const char *const one[RULES_MAX] = {RULE_OF("R1", "[command]", "{contains: a}", "T1059",
                                                       "0.5", ", evidence_fields: [command_text]")};
    auto_free(engine_index) engine_index *ix = make_index(one);
    ttp_event *ev = make_event(COMMAND("{\"command_text\":\"abc\",\"uid\":0}"));
    const ttp_tag *t = NULL;
    unsigned n_failed = 0;

    (void)state;
    for (long n = 0; !t && n < 100; n++) {
        auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);
        const char *evidence;
        size_t len;

        assert_int_equal(ttp_evaluator_run(e, ix, ev, &len), 0);
        allowed = n;
        t = ttp_evaluator_tag(e, 0);
        allowed = -1;
        n_failed += !t;
        evidence = ttp_tag_text(ttp_evaluator_tag(e, 0), TTP_TAG_EVIDENCE, &len);
        expect_bytes("asked again it is whole", evidence, len,
                     "{\"command_text\":\"abc\",\"uid\":0}");
    }
    expect_true("it failed first, and came at last", t && n_failed > 0);
    (void)ttp_event_free(ev); /* returns NULL */
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warm),          cmocka_unit_test(test_index),
        cmocka_unit_test(test_run),           cmocka_unit_test(test_explain),
        cmocka_unit_test(test_late_evidence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
