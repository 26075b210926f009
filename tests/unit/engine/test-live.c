/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include "base/time.h"
#include "match/matcher.h"

/* ---- what changes do to tags ---- */

enum {
    OFF,
    CLIP,
    CLIP_LOW,
    CLIP_OPEN,
    ENABLE,
    PAST,
    FUTURE,
    DEFINE,
    DELETE,
    NOTHING
};

typedef struct step {
    int what;
    const char *text; /* a rule's id, or its whole text */
} step;

#define A(id) RULE(id, "{contains: a}")
#define STEPS_MAX 5

static const struct {
    const char *says;
    const char *rules[RULES_MAX];
    step steps[STEPS_MAX];
    const char *want; /* "id:confidence" of each tag */
} changes[] = {
    {"a disabled rule gives no tags, the others do", {A("R1"), A("R2")}, {{OFF, "R1"}}, "R2:0.5"},
    {"and does when it is enabled again",
     {A("R1"), A("R2")},
     {{OFF, "R1"}, {ENABLE, "R1"}},
     "R1:0.5 R2:0.5"},
    {"clipped: at most so sure", {A("R1"), A("R2")}, {{CLIP, "R1"}}, "R1:0.4 R2:0.5"},
    {"never more sure than the rule says",
     {RULE_OF("R1", "[command]", "{contains: a}", "T1059", "0.35", "")},
     {{CLIP, "R1"}},
     "R1:0.35"},
    {"clipped below the floor there is no tag", {A("R1"), A("R2")}, {{CLIP_LOW, "R1"}}, "R2:0.5"},
    {"clipped without a maximum is as it was", {A("R1")}, {{CLIP_OPEN, "R1"}}, "R1:0.5"},
    {"an expired state is as if it were not there", {A("R1")}, {{PAST, "R1"}}, "R1:0.5"},
    {"one that expires later holds", {A("R1"), A("R2")}, {{FUTURE, "R2"}}, "R1:0.5"},
    {"an edit keeps the state", {A("R1")}, {{OFF, "R1"}, {DEFINE, A("R1")}}, ""},
    {"a state waits for its rule", {A("R2")}, {{OFF, "R1"}, {DEFINE, A("R1")}}, "R2:0.5"},
    {"and outlives it",
     {A("R1")},
     {{OFF, "R1"}, {DELETE, "R1"}, {NOTHING, ""}, {DEFINE, A("R1")}},
     ""},
    {"a new rule takes its place", {A("R1"), A("R3")}, {{DEFINE, A("R2")}}, "R1:0.5 R2:0.5 R3:0.5"},
    {"at the front, too", {A("R1"), A("R3")}, {{DEFINE, A("R0")}}, "R0:0.5 R1:0.5 R3:0.5"},
    {"an edited one keeps its own",
     {A("R1"), A("R2"), A("R3")},
     {{DEFINE, RULE_OF("R2", "[command]", "{pattern: 'a$'}", "T1059", "0.9", "")}},
     "R1:0.5 R2:0.9 R3:0.5"},
    {"also where the load's order is its own",
     {A("R3"), A("R1"), A("R2")},
     {{DEFINE, RULE_OF("R1", "[command]", "{contains: a}", "T1059", "0.9", "")}},
     "R3:0.5 R1:0.9 R2:0.5"},
    {"what nobody looked for before",
     {A("R1")},
     {{DEFINE, RULE("R2", "{contains: zzzy}")}},
     "R1:0.5 R2:0.5"},
    {"an edit to it and away from it",
     {A("R1")},
     {{DEFINE, RULE("R1", "{contains: zzzy}")}, {DEFINE, RULE("R1", "{contains: zzzx}")}},
     ""},
    {"an edit that no longer matches", {A("R1")}, {{DEFINE, RULE("R1", "{contains: b}")}}, ""},
    {"a deleted rule is gone", {A("R1"), A("R2")}, {{DELETE, "R1"}}, "R2:0.5"},
    {"of a rule that is not there nothing is deleted", {A("R1")}, {{DELETE, "R9"}}, "R1:0.5"},
    {"deleted and made again", {A("R1")}, {{DELETE, "R1"}, {DEFINE, A("R1")}}, "R1:0.5"},
    {"a rule may change its kind of event",
     {A("R1"), A("R2")},
     {{DEFINE, RULE_OF("R1", "[http_request]", "{contains: a}", "T1059", "0.5", "")}},
     "R2:0.5"},
    {"no rules at first", {NULL}, {{DEFINE, A("R1")}}, "R1:0.5"},
    {"no rules in the end", {A("R1")}, {{DELETE, "R1"}}, ""},
};

static ttp_change change_of(const step *s)
{
    ttp_change c = {.kind = TTP_CHANGE_STATE,
                    .state = {.expires_at_us = TTP_TIME_NONE, .kind = TTP_STATE_DISABLED}};
    int64_t now = time_now_us();

    if (s->what == CLIP || s->what == CLIP_LOW || s->what == CLIP_OPEN) {
        c.state.kind = TTP_STATE_CLIPPED;
        c.state.has_confidence_max = s->what != CLIP_OPEN;
        c.state.confidence_max = s->what == CLIP ? 0.4 : 0.29;
    } else if (s->what == ENABLE) {
        c.state.kind = TTP_STATE_ENABLED;
    } else if (s->what == PAST || s->what == FUTURE) {
        c.state.expires_at_us = s->what == PAST ? now - 1000000 : now + 3600000000;
    } else if (s->what == DEFINE || s->what == DELETE) {
        c.kind = TTP_CHANGE_DEFINITION;
        c.rule = s->what == DEFINE ? make_rule(s->text) : NULL;
    }
    (void)snprintf(c.rule_id, sizeof(c.rule_id), "%s", c.rule ? c.rule->rule_id.ptr : s->text);
    return c;
}

static ttp_engine *make_engine(const char *const *texts)
{
    rule *rules[RULES_MAX];
    size_t n = make_rules(texts, rules);
    ttp_engine *en = NULL;

    assert_int_equal(ttp_engine_new(NULL, &en), 0);
    assert_int_equal(ttp_engine_reset(en, rules, NULL, n), 0);
    drop_rules(rules, n);
    return en;
}

static evaluator *make_follower(ttp_engine *en)
{
    evaluator *e = evaluator_new(NULL, NULL);

    assert_non_null(e);
    assert_int_equal(ttp_evaluator_follow(e, en), 0);
    return e;
}

static void apply_steps(ttp_engine *en, const step *steps, size_t n)
{
    ttp_change batch[STEPS_MAX] = {0};

    for (size_t i = 0; i < n; i++)
        batch[i] = change_of(&steps[i]);
    assert_int_equal(ttp_engine_apply(en, batch, n), 0);
    for (size_t i = 0; i < n; i++)
        rule_unref(batch[i].rule);
}

static void run_live(evaluator *e, const char *event_text, buf *b)
{
    ttp_event *ev = make_event(event_text);
    size_t n = 0;

    buf_clear(b);
    assert_int_equal(ttp_evaluator_run_live(e, ev, &n), 0);
    for (size_t i = 0; i < n; i++) {
        const tag *t = ttp_evaluator_tag(e, i);

        buf_printf(b, "%s%s:%g", i ? " " : "", t->rule_id.ptr, t->confidence);
    }
    buf_put_c(b, "");
    ttp_event_free(ev);
}

#define AN_A COMMAND("{\"command_text\":\"zzzy a\"}")
#define MANY 400

/* So many rules that tables are edited, not built anew, and texts that come again are known. */
static void add_others(ttp_engine *en)
{
    ttp_change c[MANY] = {0};

    for (int i = 0; i < MANY; i++) {
        char text[400];

        (void)snprintf(text, sizeof(text), RULE("Z%03d", "{contains: zzz%d}"), i, i);
        c[i].kind = TTP_CHANGE_DEFINITION;
        c[i].rule = make_rule(text);
        (void)snprintf(c[i].rule_id, sizeof(c[i].rule_id), "%s", c[i].rule->rule_id.ptr);
    }
    assert_int_equal(ttp_engine_apply(en, c, MANY), 0);
    for (int i = 0; i < MANY; i++)
        rule_unref(c[i].rule);
}

/* The same steps one by one, with an event after each, and as one batch; alone and among many
 * others. */
static void test_changes(void **state)
{
    (void)state;
    for_each_row(c, changes)
    {
        for (int way = 0; way < 4; way++) {
            ttp_engine *en = make_engine(c->rules);
            evaluator *e = make_follower(en);
            auto_free(buf) buf b = {0};
            bool as_one = way % 2;
            size_t n = 0;

            while (n < STEPS_MAX && c->steps[n].text)
                n++;
            if (way / 2)
                add_others(en);
            run_live(e, AN_A, &b);
            for (size_t i = 0; !as_one && i < n; i++) {
                apply_steps(en, &c->steps[i], 1);
                run_live(e, AN_A, &b);
            }
            if (as_one)
                apply_steps(en, c->steps, n);
            run_live(e, AN_A, &b);
            expect_bytes(c->says, b.ptr ? b.ptr : "", b.len, c->want);
            evaluator_free(e);
            ttp_engine_free(en);
        }
    }
    end_rows();
}

/* ---- what is counted ---- */

static void put_counts(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    buf_printf(ctx, "%s:%d/%d ", rule_id, (int)c->fires, (int)c->suppressed);
}

static void expect_counters(const char *says, ttp_engine *en, const char *want)
{
    auto_free(buf) buf b = {0};

    ttp_engine_counts(en, put_counts, &b);
    expect_bytes(says, b.ptr ? b.ptr : "", b.len, want);
}

static void test_counters(void **state)
{
    static const char *const rules[] = {A("R1"), RULE("R2", "{contains: b}"), NULL};
    ttp_engine *en = make_engine(rules);
    evaluator *one = make_follower(en), *two = make_follower(en);
    auto_free(buf) buf b = {0};

    (void)state;
    run_live(one, AN_A, &b);
    run_live(two, AN_A, &b);
    expect_counters("over all evaluators", en, "R1:2/0 R2:0/0 ");
    apply_steps(en, (step[]){{OFF, "R1"}}, 1);
    run_live(one, AN_A, &b);
    expect_counters("would-be hits of a disabled rule", en, "R1:2/1 R2:0/0 ");
    evaluator_free(one);
    expect_counters("also of who is gone", en, "R1:2/1 R2:0/0 ");
    apply_steps(en, (step[]){{ENABLE, "R1"}, {DEFINE, A("R1")}, {DEFINE, A("R0")}}, 3);
    run_live(two, AN_A, &b);
    expect_counters("an edit keeps them", en, "R0:1/0 R1:3/1 R2:0/0 ");
    apply_steps(en, (step[]){{DELETE, "R1"}}, 1);
    run_live(two, AN_A, &b);
    apply_steps(en, (step[]){{DEFINE, A("R8")}}, 1);
    apply_steps(en, (step[]){{DEFINE, A("R9")}}, 1);
    expect_counters("a new rule begins at zero", en, "R0:2/0 R2:0/0 R8:0/0 R9:0/0 ");
    run_live(two, AN_A, &b);
    expect_counters("and has its own", en, "R0:3/0 R2:0/0 R8:1/0 R9:1/0 ");
    evaluator_free(two);
    ttp_engine_free(en);
    end_rows();
}

/* The many rules of a large set: numbers reach beyond one segment, and are given anew. */
static void test_many_numbers(void **state)
{
    static const char *const none[] = {NULL};
    ttp_engine *en = make_engine(none);
    evaluator *e = make_follower(en);
    auto_free(buf) buf b = {0};
    ttp_change c[700] = {0};

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 700; i++) {
            char text[400];

            (void)snprintf(text, sizeof(text), RULE("R%d_%03d", "{contains: a%d}"), round, i, i);
            c[i].kind = TTP_CHANGE_DEFINITION;
            c[i].rule = make_rule(text);
            (void)snprintf(c[i].rule_id, sizeof(c[i].rule_id), "%s", c[i].rule->rule_id.ptr);
        }
        assert_int_equal(ttp_engine_apply(en, c, 700), 0);
        run_live(e, COMMAND("{\"command_text\":\"a699\"}"), &b);
        expect_int("those that hold: a6 a69 a699", ttp_engine_count(en), 700);
        for (int i = 0; i < 700; i++)
            c[i].rule = rule_unref(c[i].rule);
        if (round < 2)
            assert_int_equal(ttp_engine_apply(en, c, 700), 0);
    }
    expect_bytes("tags of the last round", b.ptr, b.len, "R2_006:0.5 R2_069:0.5 R2_699:0.5");
    buf_clear(&b);
    ttp_engine_counts(en, put_counts, &b);
    expect_true("counted once, in spite of numbers given anew",
                strstr(b.ptr, "R2_699:1/0 ") != NULL && strstr(b.ptr, "R2_698:0/0 ") != NULL);
    evaluator_free(e);
    ttp_engine_free(en);
    end_rows();
}

/* ---- snapshots ---- */

static void test_generations(void **state)
{
    static const char *const rules[] = {A("R1"), NULL};
    ttp_engine *en = make_engine(rules);
    evaluator *e = make_follower(en);
    uint64_t first = ttp_engine_generation(en);
    ttp_event *ev = make_event(AN_A);
    snapshot *held;
    size_t n;

    (void)state;
    expect_int("none before the first run", ttp_evaluator_generation(e), 0);
    assert_int_equal(ttp_evaluator_run_live(e, ev, &n), 0);
    expect_int("that of the run", ttp_evaluator_generation(e), first);
    apply_steps(en, (step[]){{DEFINE, A("R0")}}, 1);
    expect_int("a batch is one", ttp_engine_generation(en), first + 1);
    expect_str("the tags of the old one stay until the next run", ttp_evaluator_tag(e, 0)->rule_id,
               "R1");
    held = evaluator_hold_snapshot(e);
    ttp_evaluator_idle(e);
    expect_int("idle: none", ttp_evaluator_generation(e), 0);
    expect_true("and no tags", ttp_evaluator_tag(e, 0) == NULL);
    assert_int_equal(ttp_evaluator_run_live(e, ev, &n), 0);
    expect_int("the newest then", ttp_evaluator_generation(e), first + 1);
    expect_int("with its rules", n, 2);
    snapshot_unref(held);
    ttp_evaluator_follow(e, NULL);
    ttp_engine_free(en);
    expect_int("nothing is left of who follows no more", ttp_evaluator_generation(e), 0);
    evaluator_free(e);
    ttp_event_free(ev);
    end_rows();
}

/* ---- holes ---- */

static void test_tidy(void **state)
{
    static const char *const rules[] = {A("R1"), A("R2"), NULL};
    ttp_engine *en = make_engine(rules);
    evaluator *e = make_follower(en);
    auto_free(buf) buf b = {0};
    uint64_t before = ttp_engine_generation(en);

    (void)state;
    assert_int_equal(ttp_engine_tidy(en), 0);
    expect_int("nothing to do: no new snapshot", ttp_engine_generation(en), before);
    apply_steps(en, (step[]){{DEFINE, A("R1")}, {OFF, "R2"}, {DEFINE, A("R3")}}, 3);
    run_live(e, AN_A, &b);
    assert_int_equal(ttp_engine_tidy(en), 0);
    expect_int("the edit left a hole", ttp_engine_generation(en), before + 2);
    assert_int_equal(ttp_engine_tidy(en), 0);
    expect_int("which is gone then", ttp_engine_generation(en), before + 2);
    run_live(e, AN_A, &b);
    expect_bytes("all is as before", b.ptr, b.len, "R1:0.5 R3:0.5");
    expect_counters("and counts go on", en, "R1:2/0 R2:0/2 R3:2/0 ");
    evaluator_free(e);
    ttp_engine_free(en);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),      cmocka_unit_test(test_counters),
        cmocka_unit_test(test_many_numbers), cmocka_unit_test(test_generations),
        cmocka_unit_test(test_tidy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
