/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/tally.h"

#include "../unit.h"
#include "alloc.h"
#include "base/limits.h"
#include "tags.h"

static const struct {
    const char *says;
    str release, tactic, technique_id, sub_technique_id, rule_id;
    double confidence;
    int64_t after_us; /* the event, behind SAMPLE_US; TIME_NONE: no time */
} added[] = {
    {"", STR("enterprise-v18.1"), STR("TA0007"), STR("T1083"), STR_NULL, STR("R2"), 0.5, 20},
    {"", STR("enterprise-v18.1"), STR("TA0007"), STR("T1083"), STR_NULL, STR("R1"), 0.9, 10},
    {"", STR("enterprise-v17.1"), STR("TA0007"), STR("T1083"), STR_NULL, STR("R1"), 0.4, TIME_NONE},
    {"", STR("enterprise-v18.1"), STR("TA0004"), STR("T1548"), STR("T1548.001"), STR("R1"), 0.4, 5},
    {"", STR("enterprise-v18.1"), STR("TA0004"), STR("T1548"), STR_NULL, STR("R1"), 0.3, TIME_NONE},
    {"", STR("enterprise-v18.1"), STR("TA0007"), STR("T1083"), STR_NULL, STR("R2"), 0.5, 30},
};

static void add_all(tally *t)
{
    for_each_row(c, added)
    {
        tag x = sample_tag();

        x.attack_release = c->release;
        x.tactic = c->tactic;
        x.technique_id = c->technique_id;
        x.sub_technique_id = c->sub_technique_id;
        x.rule_id = c->rule_id;
        x.confidence = c->confidence;
        x.event_us = c->after_us == TIME_NONE ? TIME_NONE : SAMPLE_US + c->after_us;
        expect_int("adding", tally_add(t, &x), 0);
    }
}

static void test_rows(void **state)
{
    auto_free(tally) tally *t = tally_new(false);
    auto_free(mem) tally_row *rows = NULL;
    size_t n = 0, n_rules = 0;

    (void)state;
    add_all(t);
    expect_int("rows", tally_rows(t, &rows, &n), 0);
    expect_int("one row a tactic and technique", n, 3);
    expect_int("tags", tally_count(t), 6);
    expect_int("first row", rows[0].count, 4);
    expect_int("first event", rows[0].first_us, SAMPLE_US + 10);
    expect_int("last event", rows[0].last_us, SAMPLE_US + 30);
    expect_true("the highest confidence", rows[0].confidence == 0.9);
    expect_int("its rules", rows[0].n_rules, 2);
    expect_str("of two rules with as many tags the first by id", rows[0].top_rule, "R1");
    expect_int("sub-technique", rows[1].count, 1);
    expect_str("sub-technique", rows[1].sub_technique_id, "T1548.001");
    expect_true("no event of the third row had a time", rows[2].first_us == TIME_NONE);
    expect_int("different rules", tally_count_rules(t, &n_rules), 0);
    expect_int("different rules", n_rules, 2);
    end_rows();
}

static void test_releases(void **state)
{
    auto_free(tally) tally *t = tally_new(true);
    auto_free(mem) tally_row *rows = NULL;
    size_t n = 0;

    (void)state;
    add_all(t);
    expect_int("rows", tally_rows(t, &rows, &n), 0);
    expect_int("a release has rows of its own", n, 4);
    expect_int("first row", rows[0].count, 3);
    expect_str("its release", rows[0].release, "enterprise-v18.1");
    expect_str("top rule", rows[0].top_rule, "R2");
    expect_int("the other release", rows[1].count, 1);
    end_rows();
}

static void add_numbered(tally *t, unsigned technique, unsigned rule)
{
    char id[16], rule_id[16];
    tag x = sample_tag();

    (void)snprintf(id, sizeof(id), "T%u", technique);
    (void)snprintf(rule_id, sizeof(rule_id), "R%u", rule);
    x.technique_id = str_from(id);
    x.rule_id = str_from(rule_id);
    expect_int("adding", tally_add(t, &x), 0);
}

static void test_bounds(void **state)
{
    auto_free(tally) tally *t = tally_new(false);
    auto_free(mem) tally_row *rows = NULL;
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < TAG_TALLY_ROWS_MAX; i++)
        add_numbered(t, i, 0);
    expect_int("as many rows as are allowed", tally_beyond(t), 0);
    add_numbered(t, TAG_TALLY_ROWS_MAX, 0);
    expect_int("one more is only counted", tally_beyond(t), 1);
    add_numbered(t, 5, 0);
    expect_int("a known one goes on", tally_beyond(t), 1);
    for (unsigned i = 1; i <= TAG_TALLY_PAIRS_MAX; i++)
        add_numbered(t, 5, i);
    expect_int("rules beyond the bound count for their row", tally_beyond(t), 1);
    expect_int("rows", tally_rows(t, &rows, &n), 0);
    expect_int("rows", n, TAG_TALLY_ROWS_MAX);
    expect_int("tags of the row", rows[5].count, TAG_TALLY_PAIRS_MAX + 2);
    expect_int("its rules", rows[5].n_rules, TAG_TALLY_PAIRS_MAX - TAG_TALLY_ROWS_MAX + 1);
    expect_int("all tags", tally_count(t), TAG_TALLY_ROWS_MAX + 2 + TAG_TALLY_PAIRS_MAX);
    end_rows();
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot be made to fail under a sanitizer\n");
        return;
    }
    for (long nth = 0; nth < 40; nth++) {
        tally *t = tally_new(true);
        tag x = sample_tag();
        int rc;

        fail_allocations_after(nth);
        rc = tally_add(t, &x);
        fail_allocations_after(-1);
        expect_true("it worked or said so", rc == 0 || rc == -12);
        expect_int("counted only if it worked", tally_count(t), rc == 0);
        expect_int("another try works", tally_add(t, &x), 0);
        (void)tally_free(t);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_releases),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
