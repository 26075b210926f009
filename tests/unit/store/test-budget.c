/* SPDX-License-Identifier: Apache-2.0 */
/* A rule whose pattern really hits its bound is disabled for a while, and comes back. */
#include "store/budget.h"
#include "store/store.h"

#include "base/time.h"
#include "ttp/follow.h"

#include "../unit.h"

#include <stdlib.h>
#include <unistd.h>

#define MINUTE_NS (60 * 1000000000LL)

typedef struct fixture {
    char dir[32], path[64];
    ttp_store *store;
    ttp_engine *engine;
    ttp_evaluator *evaluator;
    ttp_follower *follower;
    ttp_event *event;
} fixture;

static void set_up(fixture *f, uint32_t regex_budget, uint32_t disable_s)
{
    const char *json = "{\"source_kind\":\"command\",\"source_id\":\"s\",\"attacker_uuid\":\"a\","
                       "\"payload\":{\"command_text\":"
                       "\"xmrig aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax\"}}";
    const ttp_follower_options following = {.regex_budget = regex_budget,
                                            .budget_disable_s = disable_s};
    FILE *out;
    ttp_store_options options = {.type = "filesystem", .rules_dir = f->dir};

    *f = (fixture){.dir = "/tmp/ttp-budget-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/R1.yaml", f->dir);
    out = fopen(f->path, "we");
    assert_non_null(out);
    fprintf(out, "{rule_id: R1, rule_version: 1, name: n, applies_to: [command], "
                 "match: {pattern: 'xmrig (?:a+)+(?!.)x'}, "
                 "emits: [{tactic: TA0002, technique_id: T1059, confidence: 0.5}]}");
    assert_int_equal(fclose(out), 0);
    assert_int_equal(ttp_store_open(&options, &f->store, NULL), 0);
    assert_int_equal(ttp_engine_new(NULL, &f->engine), 0);
    f->evaluator = ttp_evaluator_new(NULL);
    assert_int_equal(ttp_evaluator_follow(f->evaluator, f->engine), 0);
    assert_int_equal(ttp_event_from_json(json, strlen(json), &f->event, NULL), 0);
    assert_int_equal(ttp_follower_open(f->store, f->engine, &following, &f->follower, NULL), 0);
}

static void tear_down(fixture *f)
{
    (void)ttp_follower_close(f->follower);
    (void)ttp_event_free(f->event);
    (void)ttp_evaluator_free(f->evaluator);
    (void)ttp_engine_free(f->engine);
    (void)ttp_store_close(f->store);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
}

static void hit_bound(fixture *f, unsigned n)
{
    while (n--) {
        size_t n_tags;

        assert_int_equal(ttp_evaluator_run_live(f->evaluator, f->event, &n_tags), 0);
    }
}

static ttp_rule_state state_of(fixture *f)
{
    ttp_rule_state s = {0};

    assert_int_equal(ttp_store_get_state(f->store, "R1", &s, NULL), 0);
    return s;
}

/* Looks at the budget (5 a minute) after so many hits, and again after more, so much later. */
static const struct {
    const char *says;
    unsigned first, second;
    int64_t later_ns;
    bool operator_set; /* before */
    bool disabled;
} cases[] = {
    {"fewer than allowed", 4, 0, 0, false, false},
    {"as many as allowed", 5, 0, 0, false, true},
    {"as many in two looks", 3, 2, MINUTE_NS / 2, false, true},
    {"as many, but not within a minute", 4, 4, MINUTE_NS, false, false},
    {"what an operator set stays", 9, 9, MINUTE_NS / 2, true, false},
};

static void test_window(void **state)
{
    const ttp_log quiet = {0};

    (void)state;
    for_each_row(c, cases)
    {
        const ttp_rule_state clipped = {.kind = TTP_STATE_CLIPPED,
                                        .has_confidence_max = true,
                                        .confidence_max = 0.4,
                                        .expires_at_us = TTP_TIME_NONE};
        budget *b = budget_new(5, 600);
        int64_t now = 7 * MINUTE_NS;
        ttp_rule_state s;
        fixture f;

        set_up(&f, TTP_REGEX_BUDGET_OFF, 0);
        hit_bound(&f, 3); /* before anybody looked: these count for nothing */
        if (c->operator_set)
            assert_int_equal(ttp_store_set_state(f.store, "R1", &clipped, "anna", NULL), 0);
        budget_check(b, f.engine, f.store, &quiet, now);
        hit_bound(&f, c->first);
        budget_check(b, f.engine, f.store, &quiet, now + 1);
        hit_bound(&f, c->second);
        budget_check(b, f.engine, f.store, &quiet, now + c->later_ns);
        s = state_of(&f);
        expect_int(c->says, s.kind == TTP_STATE_DISABLED, c->disabled);
        if (c->disabled) {
            int64_t left_us = s.expires_at_us - time_now_us();

            expect_c(c->says, s.set_by, "budget");
            expect_true(c->says, s.has_reason && strstr(s.reason, "5 searches hit their bound"));
            expect_true(c->says, left_us > 590 * 1000000LL && left_us <= 600 * 1000000LL);
        }
        if (c->operator_set)
            expect_int(c->says, s.kind, TTP_STATE_CLIPPED);
        (void)budget_free(b);
        tear_down(&f);
    }
    end_rows();
}

static bool wait_for(fixture *f, ttp_state_kind kind)
{
    for (unsigned i = 0; i < 600; i++) {
        if (state_of(f).kind == kind)
            return true;
        (void)usleep(10000);
    }
    return false;
}

static void test_follower(void **state)
{
    ttp_subscription *sub = NULL;
    ttp_change change;
    fixture f;

    (void)state;
    set_up(&f, 3, 1);
    assert_int_equal(ttp_store_subscribe(f.store, &sub, NULL), 0);
    hit_bound(&f, 3);
    expect_true("it is disabled", wait_for(&f, TTP_STATE_DISABLED));
    expect_int("which is announced", ttp_subscription_next(sub, 1000, &change), 0);
    expect_int("as a state", change.kind, TTP_CHANGE_STATE);
    expect_c("of this rule", change.rule_id, "R1");
    expect_c("by the budget", change.state.set_by, "budget");
    ttp_change_done(&change);
    expect_true("it comes back by itself", wait_for(&f, TTP_STATE_ENABLED));
    (void)ttp_subscription_close(sub);
    tear_down(&f);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_follower),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
