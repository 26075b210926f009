/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sorted.h"

#include "../unit.h"

static const char *key_of(const void *items, size_t i)
{
    const char *const *texts = items;

    return texts[i];
}

static const char *const texts[] = {"", "A", "a", "aa", "b", "\xC3\xA9"};

static const struct {
    const char *says, *key;
    size_t n, want;
    bool found;
} cases[] = {
    {"nothing is in nothing", "a", 0, 0, false}, {"the first", "", 6, 0, true},
    {"the last", "\xC3\xA9", 6, 5, true},        {"one in the middle", "a", 6, 2, true},
    {"between two", "ab", 6, 4, false},          {"after all others", "\xFF", 6, 6, false},
    {"bytes are not signed", "z", 6, 5, false},
};

static void test_places(void **state)
{
    (void)state;
    for_each_row(c, cases)
    {
        bool found = !c->found;

        expect_int(c->says, sorted_place(texts, c->n, key_of, c->key, &found), c->want);
        expect_int(c->says, found, c->found);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
