/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "../unit.h"

static void test_alloc(void **state)
{
    arena a = {0};
    size_t total;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        unsigned char *kept[200];

        for (unsigned i = 0; i < 200; i++) {
            kept[i] = arena_alloc(&a, i * 37);
            expect_true("memory comes", kept[i] != NULL);
            expect_int("aligned to 16", (uintptr_t)kept[i] % 16, 0);
            memset(kept[i], (int)i, i * 37);
        }
        for (unsigned i = 1; i < 200; i++)
            expect_true("nothing overlaps", kept[i][0] == i && kept[i][i * 37 - 1] == i);
        total = a.total;
        arena_clear(&a, SIZE_MAX);
        expect_int("a cleared arena keeps its blocks", a.total, total);
    }
    expect_true("a warm arena does not grow", total == a.total);
    arena_clear(&a, 0);
    expect_int("or gives them back", a.total, 0);
    expect_true("a size beyond reason is refused", !arena_calloc(&a, SIZE_MAX / 2, 3));
    expect_true("and so is one near the end of size_t", !arena_alloc(&a, SIZE_MAX - 3));
    arena_done(&a);
    end_rows();
}

static void test_reserve(void **state)
{
    arena a = {0};
    size_t total;

    (void)state;
    expect_true("room for much", arena_reserve(&a, 10000));
    total = a.total;
    expect_true("room for all of it", total >= 10000);
    for (unsigned i = 0; i < 10; i++)
        expect_true("memory comes", arena_alloc(&a, 992) != NULL);
    expect_int("from there", a.total, total);
    expect_true("room for little", arena_reserve(&a, 10));
    expect_int("there is room for that still", a.total, total);
    expect_true("what cannot be had is refused", !arena_reserve(&a, SIZE_MAX));
    expect_true("and does no harm", arena_alloc(&a, 100) != NULL);
    arena_done(&a);
    end_rows();
}

static void test_str(void **state)
{
    arena a = {0};
    str s = arena_str(&a, (str){"a\0b", 3});

    (void)state;
    expect_true("bytes are copied, NULs too", s.len == 3 && memcmp(s.ptr, "a\0b", 4) == 0);
    expect_true("absent stays absent", !arena_str(&a, STR_NULL).ptr);
    expect_true("empty stays empty", arena_str(&a, STR("")).ptr != NULL);
    arena_done(&a);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_alloc), cmocka_unit_test(test_reserve),
                                       cmocka_unit_test(test_str)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
