/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile events by the pack, and by rules that share an atom: the work that they cause stays in
 * proportion to their length, and what is cut off for that is counted.
 */
#include "cli/hostile.h"

#include "base/limits.h"

#include "../unit/unit.h"

typedef struct work {
    uint64_t bytes, searches, cut;
} work;

static work work_of(const evaluator *e)
{
    const evaluator_stats *s = evaluator_get_stats(e);

    return (work){s->searched_bytes, s->searches, s->regex_cut};
}

static work evaluate_case(evaluator *e, const hostile_case *c, size_t *ret_n_tags)
{
    work before = work_of(e), after;

    *ret_n_tags = 0;
    for (size_t i = 0; i < c->n_events; i++) {
        const tag *tags;
        size_t n;

        expect_int(c->name, evaluator_run(e, c->index, c->events[i], &tags, &n), 0);
        *ret_n_tags += n;
    }
    after = work_of(e);
    return (work){after.bytes - before.bytes, after.searches - before.searches,
                  after.cut - before.cut};
}

static const struct {
    const char *name;
    bool tags; /* some rule must hold */
    bool cuts; /* some search must be cut off, or few may: one in ten */
} wanted[] = {
    {"10 MB of commands", true, false},
    {"10 MB of one letter", false, false},
    {"a list of 1,000,000", true, false},
    {"10,000 fields", true, false},
    {"an atom that 500 patterns share", false, true},
    {"all atoms", true, true},
};

static void check_case(evaluator *e, const hostile_case *c)
{
    size_t n_tags;
    work w = evaluate_case(e, c, &n_tags);

    expect_true(c->name, w.bytes <= (uint64_t)VERIFY_BYTES_MIN * c->n_events +
                                        (uint64_t)VERIFY_BYTES_PER_BYTE * c->n_bytes);
    print_message("%s: %.1f bytes of automata a byte, %llu searches, %llu cut off, %zu tags\n",
                  c->name, (double)w.bytes / (double)c->n_bytes, (unsigned long long)w.searches,
                  (unsigned long long)w.cut, n_tags);
    for_each_row(row, wanted)
    {
        if (strcmp(row->name, c->name) != 0)
            continue;
        expect_int(c->name, n_tags > 0, row->tags);
        expect_true(c->name, row->cuts ? w.cut > 0 : w.cut <= w.searches / 10);
    }
}

static void test_work(void **state)
{
    rule_dir dir = {0};
    hostile_set set;
    evaluator *e = evaluator_new(NULL, NULL);
    ttp_err err;
    size_t n_tags;
    work w;

    (void)state;
    assert_int_equal(rule_dir_read(PACK_DIR, NULL, &dir, &err), 0);
    assert_int_equal(hostile_set_make(dir.rules, dir.n_rules, &set), 0);
    w = evaluate_case(e, &set.ordinary, &n_tags);
    expect_int("nothing is cut off in ordinary commands", w.cut, 0);
    expect_true("which are tagged", n_tags > 0);
    expect_true("all cases are there", set.n_cases >= sizeof(wanted) / sizeof(wanted[0]));
    for (size_t i = 0; i < set.n_cases; i++)
        check_case(e, &set.cases[i]);
    hostile_set_done(&set);
    rule_dir_done(&dir);
    (void)evaluator_free(e);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
