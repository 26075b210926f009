/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bitset.h"

#include "../unit.h"

static void test_bitset(void **state)
{
    static const unsigned sizes[] = {1, 63, 64, 65, 1000, 10, 100000};
    bitset s = {0};

    (void)state;
    for_each_row(n, sizes)
    {
        expect_int("a set begins", bitset_begin(&s, *n), 0);
        for (unsigned i = 0; i < *n; i++)
            expect_true("and is empty", !bitset_has(&s, i));
        for (unsigned i = *n; i-- > 0;) {
            if (i % 3 == 0)
                expect_true("a number is added", bitset_add(&s, i) && !bitset_add(&s, i));
        }
        expect_int("once each", s.n_added, (*n + 2) / 3);
        bitset_sort(&s);
        for (unsigned i = 0; i < s.n_added; i++)
            expect_int("sorted", s.added[i], 3 * i);
    }
    bitset_done(&s);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bitset)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
