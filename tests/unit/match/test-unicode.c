/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables against themselves. Against CPython they are held
 * by tests/differential/regex.
 */
#include "match/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *says;
    uint32_t cp;
    unsigned props;
} prop_cases[] = {
    {"NUL has no property", 0, 0},
    {"a letter is a word character", 'a', UNICODE_WORD},
    {"underscore is a word character", '_', UNICODE_WORD},
    {"a hyphen is not", '-', 0},
    {"a digit is a word character, too", '7', UNICODE_WORD | UNICODE_DIGIT},
    {"superscript two is a word character, no decimal digit", 0xB2, UNICODE_WORD},
    {"an Arabic digit is decimal", 0x0661, UNICODE_WORD | UNICODE_DIGIT},
    {"a mathematical digit is decimal", 0x1D7CE, UNICODE_WORD | UNICODE_DIGIT},
    {"the unit separator is white space", 0x1F, UNICODE_SPACE},
    {"escape is not", 0x1B, 0},
    {"next line is white space", 0x85, UNICODE_SPACE},
    {"the no-break space is white space", 0xA0, UNICODE_SPACE},
    {"the zero-width space is not", 0x200B, 0},
    {"an ideograph is a word character", 0x4E2D, UNICODE_WORD},
    {"a combining accent is not a word character", 0x0301, 0},
    {"a surrogate has no property", 0xD800, 0},
    {"the last character has no property", 0x10FFFF, 0},
    {"what lies beyond Unicode has no property", 0x110000, 0},
    {"not even the largest number", UINT32_MAX, 0},
};

static void test_props(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(prop_cases) / sizeof(*prop_cases); i++) {
        unsigned got = unicode_props(prop_cases[i].cp) &
                       (UNICODE_WORD | UNICODE_DIGIT | UNICODE_SPACE);
        if (got != prop_cases[i].props) {
            bad++;
            print_error("%s: got %u, want %u\n", prop_cases[i].says, got, prop_cases[i].props);
        }
    }
    assert_int_equal(bad, 0);
}

static const struct {
    const char *says;
    uint32_t a, b;
    bool same;
    uint32_t canon_a, fold_a;
} case_cases[] = {
    {"A is a", 'A', 'a', true, 'a', 'a'},
    {"a is A", 'a', 'A', true, 'a', 'a'},
    {"a is not b", 'a', 'b', false, 'a', 'a'},
    {"the Kelvin sign is k", 0x212A, 'k', true, 'k', 'k'},
    {"the long s is S", 0x17F, 'S', true, 's', 's'},
    {"the dotted capital I is i, though it does not fold to it", 0x130, 'i', true, 'i', 0x130},
    {"the dotless i is I", 0x131, 'I', true, 'i', 0x131},
    {"final sigma is sigma", 0x3C2, 0x3C3, true, 0x3C2, 0x3C3},
    {"capital sharp s is sharp s", 0x1E9E, 0xDF, true, 0xDF, 0xDF},
    {"sharp s is not s", 0xDF, 's', false, 0xDF, 0xDF},
    {"micro sign is mu", 0xB5, 0x3BC, true, 0xB5, 0x3BC},
    {"a digit has no other case", '1', '1', true, '1', '1'},
    {"Deseret has case", 0x10400, 0x10428, true, 0x10428, 0x10428},
    {"Cherokee folds to capitals, its canon is small", 0xAB70, 0x13A0, true, 0xAB70, 0x13A0},
    {"beyond Unicode nothing has case", 0x110041, 0x110061, false, 0x110041, 0x110041},
};

static bool in_one_orbit(uint32_t a, uint32_t b)
{
    uint32_t at = a;

    do {
        if (at == b)
            return true;
        at = unicode_orbit_next(at);
    } while (at != a);
    return false;
}

static void test_case(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(case_cases) / sizeof(*case_cases); i++) {
        uint32_t a = case_cases[i].a, b = case_cases[i].b;
        bool same = in_one_orbit(a, b), canons = unicode_canon(a) == unicode_canon(b);

        if (same != case_cases[i].same || canons != same ||
            unicode_canon(a) != case_cases[i].canon_a || unicode_fold(a) != case_cases[i].fold_a) {
            bad++;
            print_error("%s: got %d/%d, canon %x, fold %x; want %d, canon %x, fold %x\n",
                        case_cases[i].says, same, canons, unicode_canon(a), unicode_fold(a),
                        case_cases[i].same, case_cases[i].canon_a, case_cases[i].fold_a);
        }
    }
    assert_int_equal(bad, 0);
}

static void test_every_character(void **state)
{
    size_t n_cased, n_seen = 0;
    const uint32_t *cased = unicode_cased(&n_cased);

    (void)state;
    for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++) {
        uint32_t canon = unicode_canon(cp), at = cp;
        unsigned length = 0;

        do {
            assert_int_equal(unicode_canon(at), canon);
            at = unicode_orbit_next(at);
            assert_true(++length <= 4);
        } while (at != cp);
        assert_true(in_one_orbit(cp, canon));
        assert_int_equal(unicode_canon(unicode_fold(cp)), canon);
        assert_int_equal(unicode_fold(unicode_fold(cp)), unicode_fold(cp));
        if (length > 1) {
            assert_true(n_seen < n_cased);
            assert_int_equal(cased[n_seen++], cp);
        }
    }
    assert_int_equal(n_seen, n_cased);
}

static void test_ranges(void **state)
{
    static const unsigned props[] = {UNICODE_WORD, UNICODE_DIGIT, UNICODE_SPACE};

    (void)state;
    for (size_t p = 0; p < 3; p++) {
        size_t n, i = 0;
        const unicode_range *ranges = unicode_ranges(props[p], &n);

        for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++) {
            bool in;

            while (i < n && ranges[i].hi < cp)
                i++;
            in = i < n && ranges[i].lo <= cp;
            assert_int_equal(in, (unicode_props(cp) & props[p]) != 0);
        }
    }
}

static void test_ascii_canon(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 128; cp++)
        assert_int_equal(unicode_canon(cp), cp >= 'A' && cp <= 'Z' ? cp + 32 : cp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_props),       cmocka_unit_test(test_case),
        cmocka_unit_test(test_ascii_canon), cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
