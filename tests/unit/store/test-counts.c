/* SPDX-License-Identifier: Apache-2.0 */
#include "store/counts.h"

#include "../unit.h"

#include <stdlib.h>

static const struct {
    const char *says, *rule_id;
    ttp_rule_counts delta;
    unsigned long long fires, suppressed, ticks; /* of that rule, all together */
} steps[] = {
    {"a first hit", "R2", {.fires = 1}, 1, 0, 0},
    {"another rule, before it by name", "R1", {.suppressed = 5}, 0, 5, 0},
    {"more of the first", "R2", {.fires = 2, .suppressed = 1, .cuts = 4}, 3, 1, 0},
    {"nothing is no news", "R2", {0}, 3, 1, 0},
    {"the cost columns count, too", "R2", {.wakeups = 7, .verifications = 8, .ticks = 9}, 3, 1, 9},
};

typedef struct wanted {
    const char *rule_id;
    ttp_rule_counts found;
} wanted;

static int find(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    wanted *w = ctx;

    if (strcmp(rule_id, w->rule_id) == 0)
        w->found = *c;
    return 0;
}

static void test_sums(void **state)
{
    counts *c = counts_new();

    (void)state;
    for_each_row(step, steps)
    {
        wanted w = {.rule_id = step->rule_id};

        expect_int(step->says, counts_add(c, step->rule_id, &step->delta), 0);
        expect_int(step->says, counts_each(c, false, find, &w), 0);
        expect_int(step->says, w.found.fires, step->fires);
        expect_int(step->says, w.found.suppressed, step->suppressed);
        expect_int(step->says, w.found.ticks, step->ticks);
    }
    (void)counts_free(c);
    end_rows();
}

static void test_news(void **state)
{
    static const ttp_rule_counts one = {.fires = 1}, two = {.fires = 2};
    counts_row rows[4];
    counts *c = counts_new(), *sum = counts_new();
    wanted w = {.rule_id = "R1"};

    (void)state;
    expect_true("nothing is no news", !counts_has_news(c));
    expect_int("nothing is to write", counts_take(c, rows, 4), 0);
    expect_int("added", counts_add(c, "R1", &one), 0);
    expect_int("added", counts_add(c, "R2", &one), 0);
    expect_int("added", counts_add(c, "R3", &one), 0);
    expect_int("no more than there is room", counts_take(c, rows, 2), 2);
    expect_c("by name", rows[1].rule_id, "R2");
    expect_int("more came while it was written", counts_add(c, "R1", &two), 0);
    counts_written(c, rows, 2);
    expect_int("what came since and what was left", counts_take(c, rows, 4), 2);
    expect_c("first", rows[0].rule_id, "R1");
    expect_int("only what came since", rows[0].counts.fires, 2);
    expect_c("second", rows[1].rule_id, "R3");
    expect_int("not written is tried again", counts_take(c, rows, 4), 2);
    counts_written(c, rows, 2);
    expect_true("all is written", !counts_has_news(c));
    expect_int("more came", counts_add(c, "R1", &two), 0);
    expect_int("into a sum", counts_add_all(sum, c, true), 0);
    expect_int("twice", counts_add_all(sum, c, true), 0);
    expect_int("found", counts_each(sum, false, find, &w), 0);
    expect_int("what is not written, twice", w.found.fires, 4);
    expect_int("and all", counts_add_all(sum, c, false), 0);
    expect_int("found", counts_each(sum, false, find, &w), 0);
    expect_int("and all", w.found.fires, 9);
    w.found = (ttp_rule_counts){0};
    expect_int("the sum stays", counts_each(c, false, find, &w), 0);
    expect_int("the sum stays", w.found.fires, 5);
    (void)counts_free(c);
    (void)counts_free(sum);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_news)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
