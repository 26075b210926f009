/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include "match/matcher.h"

#include <pthread.h>

/* ---- which tags, in which order ---- */

static const struct {
    const char *says;
    const char *rules[RULES_MAX];
    const char *event, *want;
} cases[] = {
    {"tags come in the order of the rules, not of the hits",
     {RULE("R3", "{contains: zzz}"), RULE("R1", "{pattern: 'w.et'}"), RULE("R2", "{contains: a}")},
     COMMAND("{\"command_text\":\"a wget zzz\"}"),
     "R3:T1059 R1:T1059 R2:T1059"},
    {"a rule's emits in their order",
     {"{rule_id: R1, rule_version: 1, name: n, applies_to: [command], match: {contains: a}, emits: "
      "[{tactic: TA0007, technique_id: T1083, confidence: 0.85}, {tactic: TA0004, technique_id: "
      "T1548, sub_technique_id: T1548.001, confidence: 0.95}]}"},
     COMMAND("{\"command_text\":\"a\"}"),
     "R1:T1083 R1:T1548.001"},
    {"below the floor there is no tag, at it there is",
     {RULE_OF("R1", "[command]", "{contains: a}", "T1059", "0.29", ""),
      RULE_OF("R2", "[command]", "{contains: a}", "T1059", "0.3", "")},
     COMMAND("{\"command_text\":\"a\"}"),
     "R2:T1059"},
    {"without an anchor there is no tag",
     {RULE("R1", "{contains: a}")},
     EVENT_OF("command", "\"session_id\":\"s\",", "{\"command_text\":\"a\"}"),
     ""},
    {"an identity is an anchor",
     {RULE("R1", "{contains: a}")},
     EVENT_OF("command", "\"identity_uuid\":\"i\",\"attacker_uuid\":null,",
              "{\"command_text\":\"a\"}"),
     "R1:T1059"},
    {"rules of another kind are not asked",
     {RULE_OF("R1", "[http_request]", "{contains: a}", "T1190", "0.5", ""),
      RULE_OF("R2", "[http_request, command]", "{contains: a}", "T1190", "0.5", "")},
     COMMAND("{\"command_text\":\"a\",\"raw_url\":\"a\"}"),
     "R2:T1190"},
    {"each kind has its default field",
     {RULE_OF("R1", "[http_request, command]", "{contains: a}", "T1190", "0.5", "")},
     EVENT_OF("http_request", "\"attacker_uuid\":\"a\",", "{\"raw_url\":\"/a\"}"),
     "R1:T1190"},
    {"a kind without a default field: the leaf never holds",
     {RULE_OF("R1", "[session]", "{contains: a}", "T1190", "0.5", ""),
      RULE_OF("R2", "[session]", "{not: {contains: a}}", "T1190", "0.5", "")},
     EVENT_OF("session", "\"attacker_uuid\":\"a\",", "{\"command_text\":\"a\"}"),
     "R2:T1190"},
    {"a kind that nobody knows has no tags",
     {RULE("R1", "{not: {contains: b}}"),
      RULE_OF("R2", "[martian]", "{contains: a}", "T1059", "1", "")},
     EVENT_OF("martian", "\"attacker_uuid\":\"a\",", "{\"command_text\":\"a\"}"),
     ""},
    {"an index without rules", {NULL}, COMMAND("{\"command_text\":\"a\"}"), ""},
    {"a lifter rule is not evaluated here",
     {RULE("R1", "{kind: 'lifter:credential_reuse'}")},
     COMMAND("{\"command_text\":\"a\"}"),
     ""},
    {"`not` of a text leaf holds where nothing hits",
     {RULE("R1", "{not: {contains: wget}}"), RULE("R2", "{not: {pattern: '^a$'}}")},
     COMMAND("{\"command_text\":\"a\"}"),
     "R1:T1059"},
    {"and on a missing field",
     {RULE("R1", "{not: {contains: wget}}"), RULE("R2", "{contains: ''}")},
     COMMAND("{}"),
     "R1:T1059"},
    {"a rule without any text leaf",
     {RULE("R1", "{field: n, gt: 4}"), RULE("R2", "{field: n, exists: false}"),
      RULE("R3", "{field: ip, cidr: 192.0.2.0/24}")},
     COMMAND("{\"n\":5,\"ip\":\"192.0.2.9\"}"),
     "R1:T1059 R3:T1059"},
    {"text leaves beside others, under all",
     {RULE("R1", "{all: [{contains: a}, {field: n, gt: 4}]}"),
      RULE("R2", "{all: [{contains: a}, {field: n, gt: 5}]}"),
      RULE("R3", "{all: [{field: n, gt: 4}, {contains: b}]}")},
     COMMAND("{\"command_text\":\"a\",\"n\":5}"),
     "R1:T1059"},
    {"and under any: it may hold without a hit",
     {RULE("R1", "{any: [{contains: b}, {field: n, gt: 4}]}"),
      RULE("R2", "{any: [{contains: b}, {not: {contains: c}}]}"),
      RULE("R3", "{any: [{contains: b}, {contains: c}]}")},
     COMMAND("{\"command_text\":\"a\",\"n\":5}"),
     "R1:T1059 R2:T1059"},
    {"all of a hit and a `not` that fails",
     {RULE("R1", "{all: [{contains: a}, {not: {contains: b}}]}"),
      RULE("R2", "{all: [{contains: a}, {not: {contains: c}}]}")},
     COMMAND("{\"command_text\":\"ab\"}"),
     "R2:T1059"},
    {"`not` of `not`",
     {RULE("R1", "{not: {not: {contains: a}}}"), RULE("R2", "{not: {not: {contains: b}}}")},
     COMMAND("{\"command_text\":\"a\"}"),
     "R1:T1059"},
    {"a list holds where any element does",
     {RULE("R1", "{field: l, equals: b}"), RULE("R2", "{field: l, pattern: '^[cd]$'}"),
      RULE("R3", "{field: l, contains: bc}"), RULE("R4", "{not: {field: l, equals: b}}")},
     COMMAND("{\"l\":[\"a\",[\"b\"],7,\"c\"]}"),
     "R1:T1059 R2:T1059"},
    {"elements together are no element",
     {RULE("R1", "{all: [{field: l, startswith: a}, {field: l, endswith: d}]}"),
      RULE("R2", "{field: l, pattern: 'a.*d'}")},
     COMMAND("{\"l\":[\"ab\",\"cd\"]}"),
     "R1:T1059"},
    {"an empty list holds nothing",
     {RULE("R1", "{field: l, contains: ''}")},
     COMMAND("{\"l\":[]}"),
     ""},
    {"numbers and text in one `in`",
     {RULE("R1", "{field: n, in: [5, a, true]}"), RULE("R2", "{field: n, in: ['5', a, 1]}")},
     COMMAND("{\"n\":5.0}"),
     "R1:T1059"},
    {"one pattern of several rules is found for each",
     {RULE("R1", "{pattern: 'wg[ea]t'}"),
      RULE("R2", "{all: [{pattern: 'wg[ea]t'}, {contains: b}]}"),
      RULE("R3", "{field: x, pattern: 'wg[ea]t'}")},
     COMMAND("{\"command_text\":\"wget a\"}"),
     "R1:T1059"},
    {"the same source as a literal and as a regex are two patterns",
     {RULE("R1", "{pattern: 'w.et'}"), RULE("R2", "{contains: 'w.et'}")},
     COMMAND("{\"command_text\":\"wget\"}"),
     "R1:T1059"},
    {"and with and without case",
     {RULE("R1", "{contains: wget}"), RULE("R2", "{contains: wget, ignore_case: true}")},
     COMMAND("{\"command_text\":\"WGET\"}"),
     "R2:T1059"},
    {"equals, startswith and endswith of one text",
     {RULE("R1", "{equals: ab}"), RULE("R2", "{startswith: ab}"), RULE("R3", "{endswith: ab}")},
     COMMAND("{\"command_text\":\"abab\"}"),
     "R2:T1059 R3:T1059"},
    {"a field of another type is no text",
     {RULE("R1", "{contains: '5'}"), RULE("R2", "{contains: ''}")},
     COMMAND("{\"command_text\":5}"),
     ""},
};

static void test_tags(void **state)
{
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);

    (void)state;
    for_each_row(c, cases)
    {
        auto_free(engine_index) engine_index *ix = make_index(c->rules);
        ttp_event *ev = make_event(c->event);
        auto_free(buf) buf got = {0};
        const tag *tags;
        size_t n;

        for (unsigned round = 0; round < 2; round++) { /* what one event left must not show */
            buf_clear(&got);
            expect_int(c->says, evaluator_run(e, ix, ev, &tags, &n), 0);
            put_tags(&got, tags, n);
            expect_str(c->says, buf_str(&got), c->want);
        }
        (void)ttp_event_free(ev); /* returns NULL */
    }
    end_rows();
}

/* ---- evidence ---- */

#define WITH(fields) ", evidence_fields: " fields

static const struct {
    const char *says, *match, *fields, *payload, *want;
} evidence_cases[] = {
    {"the fields that are there, in their order", "{contains: a}", "[n, x.y, gone, command_text]",
     "{\"command_text\":\"a\",\"x\":{\"y\":[1,null]},\"n\":5.0}",
     "{\"n\":5.0,\"x.y\":[1,null],\"command_text\":\"a\"}"},
    {"who ran a command and where, each once", "{contains: a}", "[user]",
     "{\"command_text\":\"a\",\"pwd\":\"/\",\"uid\":0,\"user\":\"root\"}",
     "{\"user\":\"root\",\"uid\":0,\"pwd\":\"/\"}"},
    {"what matched, each text once", "{all: [{contains: a}, {pattern: 'b+'}, {endswith: a}]}",
     "[matched_tokens]", "{\"command_text\":\"abba\"}", "{\"matched_tokens\":[\"a\",\"bb\"]}"},
    {"leaves below `not` are no evidence", "{all: [{contains: a}, {not: {contains: x}}]}",
     "[matched_tokens, rule_pattern]", "{\"command_text\":\"ab\"}",
     "{\"matched_tokens\":[\"a\"],\"rule_pattern\":\"a\"}"},
    {"leaves that did not hold are none either", "{any: [{contains: x}, {contains: b}]}",
     "[matched_tokens, rule_pattern]", "{\"command_text\":\"ab\"}",
     "{\"matched_tokens\":[\"b\"],\"rule_pattern\":\"b\"}"},
    {"groups by name, else by number; those that took no part are null",
     "{pattern: '(?P<tool>wget|curl) (x)?(y)'}", "[matched_groups]",
     "{\"command_text\":\"curl y\"}",
     "{\"matched_groups\":{\"tool\":\"curl\",\"2\":null,\"3\":\"y\"}}"},
    {"nothing positive held", "{not: {contains: x}}",
     "[matched_tokens, matched_groups, rule_pattern]", "{\"command_text\":\"a\"}",
     "{\"matched_tokens\":[],\"matched_groups\":{}}"},
    {"a number that is compared has no text", "{field: n, gte: 2.5}",
     "[matched_tokens, rule_pattern]", "{\"n\":3}",
     "{\"matched_tokens\":[],\"rule_pattern\":\"2.5\"}"},
    {"of a list the element that matched", "{field: l, startswith: B, ignore_case: true}",
     "[matched_tokens]", "{\"l\":[\"ab\",\"bc\"]}", "{\"matched_tokens\":[\"b\"]}"},
    {"hostile text is escaped", "{contains: \"\\0\"}", "[matched_tokens]",
     "{\"command_text\":\"a\\u0000\\u2028\"}", "{\"matched_tokens\":[\"\\u0000\"]}"},
};

static void test_evidence(void **state)
{
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);

    (void)state;
    for_each_row(c, evidence_cases)
    {
        auto_free(buf) buf rule_text = {0}, event_text = {0}, got = {0};
        const char *texts[RULES_MAX] = {NULL};
        engine_index *ix;
        ttp_event *ev;
        const tag *tags;
        size_t n;

        buf_printf(&rule_text, RULE_OF("R1", "[command]", "%s", "T1059", "0.5", WITH("%s")),
                   c->match, c->fields);
        buf_printf(&event_text, COMMAND("%s"), c->payload);
        texts[0] = buf_c_str(&rule_text);
        ix = make_index(texts);
        ev = make_event(buf_c_str(&event_text));
        expect_int(c->says, evaluator_run(e, ix, ev, &tags, &n), 0);
        expect_int(c->says, n, 1);
        if (n)
            tag_put_evidence(&got, &tags[0]);
        expect_str(c->says, buf_str(&got), c->want);
        (void)ttp_event_free(ev); /* returns NULL */
        engine_index_unref(ix);
    }
    end_rows();
}

/* ---- bounds ---- */

typedef struct lines {
    unsigned n;
    char all[1024];
} lines;

static void keep_line(void *ctx, ttp_log_level level, const char *line)
{
    lines *l = ctx;

    expect_int("it is a warning", level, TTP_LOG_WARNING);
    l->n++;
    (void)snprintf(l->all + strlen(l->all), sizeof(l->all) - strlen(l->all), "%s\n", line);
}

#define EXPLODES "{pattern: '(x+x+)+(?=y)z'}"

static void test_cut(void **state)
{
    static const char *const rules[RULES_MAX] = {
        RULE("XR1", EXPLODES), RULE("R1", "{all: [" EXPLODES ", {contains: x}]}"),
        RULE("R2", "{contains: x}"), RULE("R3", "{field: y, pattern: '(x+x+)+(?=y)z'}")};
    static const char text[] = COMMAND("{\"command_text\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz\"}");
    lines said = {0};
    const ttp_log log = {keep_line, &said};
    auto_free(engine_index) engine_index *ix = make_index(rules);
    auto_free(evaluator)
        evaluator *e = evaluator_new(&(matcher_options){.match_limit = 1000}, &log);
    ttp_event *ev = make_event(text),
              *other = make_event(COMMAND("{\"y\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz\"}"));
    auto_free(buf) buf got = {0};
    const tag *tags;
    size_t n;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(evaluator_run(e, ix, ev, &tags, &n), 0);
    put_tags(&got, tags, n);
    expect_str("the other rules go on", buf_str(&got), "R2:T1059");
    expect_int("each rule is logged once, also one whose id ends another's", said.n, 2);
    expect_true("and named", strstr(said.all, "rule=R1 "));
    expect_int("each search is counted once, however many rules share it",
               evaluator_get_stats(e)->regex_cut, 5);
    assert_int_equal(evaluator_run(e, ix, other, &tags, &n), 0);
    expect_true("another rule is logged, too", said.n == 3 && strstr(said.all, "rule=R3 "));
    (void)ttp_event_free(ev); /* returns NULL */
    (void)ttp_event_free(other);
    end_rows();
}

/* Whatever the budget: where a rule holds, its evidence is whole or the cut is counted. */
static void test_budget(void **state)
{
    static const char *const rules[RULES_MAX] = {
        RULE_OF("R1", "[command]", "{pattern: '(?:a|b)*c(?=d)(d)'}", "T1059", "0.5",
                WITH("[matched_tokens, matched_groups]"))};
    ttp_event *ev = make_event(COMMAND("{\"command_text\":\"abababababababacabababababacd\"}"));
    auto_free(engine_index) engine_index *ix = make_index(rules);
    unsigned n_tagged = 0, n_cut = 0;

    (void)state;
    for (unsigned budget = 1; budget < 4000; budget += 1 + budget / 8) {
        auto_free(evaluator)
            evaluator *e = evaluator_new(&(matcher_options){.event_budget = budget}, NULL);
        auto_free(buf) buf got = {0};
        const tag *tags;
        size_t n;

        assert_int_equal(evaluator_run(e, ix, ev, &tags, &n), 0);
        n_tagged += n > 0;
        n_cut += evaluator_get_stats(e)->regex_cut > 0;
        expect_int("it holds, or it is cut off and counted", n > 0,
                   evaluator_get_stats(e)->regex_cut == 0);
        if (n)
            tag_put_evidence(&got, &tags[0]);
        if (n)
            expect_str("the evidence is whole", buf_str(&got),
                       "{\"matched_tokens\":[\"abababababacd\"],\"matched_groups\":{\"1\":\"d\"}}");
    }
    print_message("%u held, %u were cut off\n", n_tagged, n_cut);
    expect_true("both happened", n_tagged > 0 && n_cut > 0);
    (void)ttp_event_free(ev); /* returns NULL */
    end_rows();
}

/* ---- counts ---- */

static void test_stats(void **state)
{
    static const char *const rules[RULES_MAX] = {
        RULE("R1", "{contains: a}"),
        RULE_OF("R2", "[command]", "{contains: a}", "T1059", "0.1", "")};
    auto_free(engine_index) engine_index *ix = make_index(rules);
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);
    static const char *const events[] = {
        COMMAND("{\"command_text\":\"a\"}"), COMMAND("{\"command_text\":\"b\"}"),
        EVENT_OF("command", "", "{\"command_text\":\"a\"}"), EVENT_OF("email", "", "{}")};
    const evaluator_stats *stats = evaluator_get_stats(e);
    const tag *tags;
    size_t n;

    (void)state;
    for_each_row(text, events)
    {
        ttp_event *ev = make_event(*text);

        assert_int_equal(evaluator_run(e, ix, ev, &tags, &n), 0);
        (void)ttp_event_free(ev); /* returns NULL */
    }
    expect_int("every event is counted", stats->events, 4);
    expect_int("those with tags", stats->events_tagged, 1);
    expect_int("tags", stats->tags, 1);
    expect_int("what is below the floor, anchor or not", stats->dropped_floor, 2);
    expect_int("what has no anchor", stats->dropped_anchor, 1);
    expect_int("nothing was cut off", stats->regex_cut, 0);
    expect_int("rules", engine_index_count(ix), 2);
    expect_true("the index takes memory", engine_index_memory(ix) > 0);
    end_rows();
}

/* ---- explanations ---- */

static void test_explain(void **state)
{
    static const char *const rules[RULES_MAX] = {
        RULE("R1", "{all: [{pattern: 'b+'}, {not: {contains: x}}, {field: n, gt: 4}]}"),
        RULE("R2", "{field: l, contains: C, ignore_case: true}"),
        RULE_OF("R3", "[email]", "{contains: a}", "T1566", "0.1", "")};
    auto_free(engine_index) engine_index *ix = make_index(rules);
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);
    ttp_event *ev =
        make_event(COMMAND("{\"command_text\":\"\\u00e9abb\",\"n\":4,\"l\":[\"a\",\"bc\"]}"));
    const explain_rule *got;
    size_t n;

    (void)state;
    assert_int_equal(evaluator_explain(e, ix, ev, &got, &n), 0);
    assert_int_equal(n, 2);
    expect_str("in the rules' order", got[0].rule->rule_id, "R1");
    expect_int("it did not fire", got[0].fired, false);
    assert_int_equal(got[0].n_leaves, 3);
    expect_int("its regex held", got[0].leaves[0].held, true);
    expect_int("from this byte", got[0].leaves[0].start, 3);
    expect_int("to this", got[0].leaves[0].end, 5);
    expect_str("of this field", got[0].leaves[0].field, "command_text");
    expect_int("the leaf below `not` did not hold", got[0].leaves[1].held, false);
    expect_int("and stands nowhere", got[0].leaves[1].has_span, false);
    expect_int("nor did the number", got[0].leaves[2].held, false);
    expect_int("the other fired", got[1].fired, true);
    expect_int("in the second element", got[1].leaves[0].start, 1);
    (void)ttp_event_free(ev); /* returns NULL */
    ev = make_event(EVENT_OF("martian", "", "{}"));
    assert_int_equal(evaluator_explain(e, ix, ev, &got, &n), 0);
    expect_int("no rule is for a kind that nobody knows", n, 0);
    (void)ttp_event_free(ev); /* returns NULL */
    end_rows();
}

/* ---- the public face, as its header shows it ---- */

static void test_public(void **state)
{
    static const char text[] =
        RULE_OF("R1", "[command]", "{contains: wget}", "T1105", "0.5", WITH("[command_text]"));
    static const char line[] = COMMAND("{\"command_text\":\"wget x\",\"uid\":0}");
    ttp_evaluator *e = ttp_evaluator_new(NULL);
    ttp_rule *r = NULL;
    ttp_ruleset *rules = NULL;
    ttp_event *ev = NULL;
    ttp_err err;
    const ttp_tag *t;
    size_t n, len;
    const char *evidence;

    (void)state;
    assert_int_equal(ttp_rule_from_text(text, strlen(text), NULL, &r, &err), 0);
    assert_int_equal(ttp_ruleset_new(&r, 1, NULL, &rules), 0);
    assert_null(ttp_rule_unref(r));
    assert_ptr_equal(ttp_ruleset_ref(rules), rules);
    assert_null(ttp_ruleset_unref(rules));
    expect_int("one rule", ttp_ruleset_count(rules), 1);
    assert_int_equal(ttp_event_from_json(line, strlen(line), &ev, &err), 0);
    assert_int_equal(ttp_evaluator_run(e, rules, ev, &n), 0);
    assert_int_equal(n, 1);
    t = ttp_evaluator_tag(e, 0);
    assert_non_null(t);
    evidence = ttp_tag_text(t, TTP_TAG_EVIDENCE, &len);
    expect_bytes("evidence", evidence, len, "{\"command_text\":\"wget x\",\"uid\":0}");
    expect_true("asked again it is the same",
                ttp_evaluator_tag(e, 0) == t &&
                    ttp_tag_text(t, TTP_TAG_EVIDENCE, &len) == evidence);
    evidence = ttp_tag_text(t, TTP_TAG_ATTACK_RELEASE, &len);
    expect_true("the catalogue's release", evidence && len > strlen("enterprise-v"));
    expect_true("there is no second tag", ttp_evaluator_tag(e, 1) == NULL);
    expect_true("nor one before the first", ttp_evaluator_tag(e, SIZE_MAX) == NULL);
    assert_null(ttp_event_free(ev));
    assert_null(ttp_evaluator_free(e));
    assert_null(ttp_ruleset_unref(rules));
    assert_null(ttp_ruleset_unref(NULL));
    assert_null(ttp_evaluator_free(NULL));
    expect_true("a directory that is not there",
                ttp_ruleset_load("/nonexistent", NULL, NULL, NULL, &rules, &err) < 0 &&
                    err.text[0]);
    end_rows();
}

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    engine_index *ix;
    uint64_t n_tags;
    int rc;
} worker;

static const char *const shared_events[] = {
    COMMAND("{\"command_text\":\"wget http://192.0.2.1/x; chmod +x x\"}"),
    COMMAND("{\"command_text\":\"\\u212aill -9 1\"}"),
    COMMAND("{\"command_text\":\"aab aab\"}"),
    COMMAND("{\"command_text\":\"nothing\"}"),
};

static void *work(void *arg)
{
    worker *w = arg;
    auto_free(evaluator) evaluator *e = evaluator_new(NULL, NULL);

    for (unsigned i = 0; !w->rc && i < 400; i++) {
        engine_index *ix = engine_index_ref(w->ix);
        ttp_event *ev = NULL;
        const char *text = shared_events[i % 4];
        const tag *tags;
        size_t n = 0;

        w->rc = ttp_event_from_json(text, strlen(text), &ev, NULL);
        if (!w->rc)
            w->rc = evaluator_run(e, ix, ev, &tags, &n);
        w->n_tags += n;
        (void)ttp_event_free(ev); /* returns NULL */
        engine_index_unref(ix);
    }
    return NULL;
}

static void test_threads(void **state)
{
    static const char *const rules[RULES_MAX] = {RULE("R1", "{pattern: '(?i)(wget|curl)\\s+\\S+'}"),
                                                 RULE("R2", "{contains: KILL, ignore_case: true}"),
                                                 RULE_OF("R3", "[command]",
                                                         "{pattern: '(a+)b \\1b'}", "T1059", "0.5",
                                                         WITH("[matched_groups]")),
                                                 RULE("R4", "{not: {pattern: '[a-z] '}}")};
    engine_index *ix = make_index(rules);
    worker workers[2] = {{.ix = ix}, {.ix = ix}};

    (void)state;
    for_each_row(w, workers) assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
    for_each_row(w, workers)
    {
        assert_int_equal(pthread_join(w->thread, NULL), 0);
        expect_int("no call failed", w->rc, 0);
        expect_int("one tag for each event", w->n_tags, 400);
    }
    engine_index_unref(ix);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),   cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_cut),    cmocka_unit_test(test_budget),
        cmocka_unit_test(test_stats),  cmocka_unit_test(test_explain),
        cmocka_unit_test(test_public), cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
