/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bitset.h"

#include "../unit.h"

typedef struct bitset_case {
    const char *says;
    unsigned n, each; /* every each-th number below n is added */
} bitset_case;

static void test_bitset(void **state)
{
    static const bitset_case cases[] = {
        {"one number", 1, 3},
        {"almost a word", 63, 3},
        {"a word", 64, 3},
        {"a word and a bit", 65, 3},
        {"some words", 1000, 3},
        {"a smaller set than before", 10, 3},
        {"many words", 100000, 3},
        {"few numbers far apart", 100000, 33333},
        {"some numbers far apart", 10000, 900},
        {"several in each word they are in", 20000, 20},
        {"more words than are told by bits", 300000, 3},
        {"few of so many", 300000, 50000},
    };
    bitset s = {0};

    (void)state;
    for_each_row(c, cases)
    {
        expect_int(c->says, bitset_begin(&s, c->n), 0);
        for (unsigned i = 0; i < c->n; i++)
            expect_true(c->says, !bitset_has(&s, i));
        for (unsigned i = c->n; i-- > 0;) {
            if (i % c->each == 0)
                expect_true(c->says, bitset_add(&s, i) && !bitset_add(&s, i));
        }
        expect_int(c->says, s.n_added, (c->n + c->each - 1) / c->each);
        bitset_sort(&s);
        for (unsigned i = 0; i < s.n_added; i++)
            expect_int(c->says, s.added[i], c->each * i);
    }
    bitset_done(&s);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bitset)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
