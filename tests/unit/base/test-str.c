/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "../unit.h"

#include <math.h>

static const struct {
    const char *says;
    str text;
    const char *want;
} json_cases[] = {
    {"plain", STR("abc"), "\"abc\""},
    {"empty", STR(""), "\"\""},
    {"quotes and backslashes", STR("a\"b\\c"), "\"a\\\"b\\\\c\""},
    {"controls", STR("\b\t\n\f\r\x01\x1f\x7f"), "\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f\""},
    {"NUL", STR("a\0b"), "\"a\\u0000b\""},
    {"beyond ASCII", STR("\xC3\xB6\xF0\x9F\x98\x80"), "\"\xC3\xB6\xF0\x9F\x98\x80\""},
    {"line separators", STR("\xE2\x80\xA8\xE2\x80\xA9"), "\"\\u2028\\u2029\""},
    {"bad bytes", STR("\xFFx\xC3"), "\"\xEF\xBF\xBDx\xEF\xBF\xBD\""},
};

static void test_json(void **state)
{
    (void)state;
    for_each_row(c, json_cases)
    {
        buf b = {0};

        buf_put_json(&b, c->text);
        expect_str(c->says, buf_str(&b), c->want);
        buf_done(&b);
    }
    end_rows();
}

static const struct {
    const char *says;
    double v;
    const char *want;
} double_cases[] = {
    {"a confidence", 0.85, "0.85"},
    {"one digit", 0.5, "0.5"},
    {"none", 1, "1.0"},
    {"zero", 0, "0.0"},
    {"negative", -0.25, "-0.25"},
    {"the zero that is negative", -0.0, "-0.0"},
    {"far beyond any integer", 1e30, "1e+30"},
    {"and below", -1e300, "-1e+300"},
    {"many digits", 0.1 + 0.2, "0.30000000000000004"},
    {"large", 1e300, "1e+300"},
    {"an integer beyond the short form", 123456, "123456.0"},
    {"not a number", NAN, "null"},
    {"infinite", INFINITY, "null"},
};

static void test_numbers(void **state)
{
    buf b = {0};

    (void)state;
    for_each_row(c, double_cases)
    {
        buf_clear(&b);
        buf_put_double(&b, c->v);
        expect_str(c->says, buf_str(&b), c->want);
    }
    for (unsigned i = 0; i <= 100; i++) {
        buf_clear(&b);
        buf_put_double(&b, i / 100.0);
        expect_true("hundredths read back", strtod(buf_c_str(&b), NULL) == i / 100.0);
    }
    buf_clear(&b);
    buf_put_i64(&b, INT64_MIN);
    buf_put_char(&b, ' ');
    buf_put_u64(&b, UINT64_MAX);
    expect_str("the ends of the integers", buf_str(&b),
               "-9223372036854775808 18446744073709551615");
    buf_done(&b);
    end_rows();
}

static void test_slices(void **state)
{
    (void)state;
    expect_true("order", str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("ab"), STR("a")) > 0);
    expect_true("NULs count", !str_eq(STR("a\0b"), STR("a\0c")));
    expect_true("start and end",
                str_starts(STR("abc"), STR("ab")) && str_ends(STR("abc"), STR("bc")));
    expect_true("longer than the text", !str_starts(STR("a"), STR("ab")));
    expect_true("without case", str_eq_nocase(STR("Ab@"), STR("aB@")));
    expect_true("@ and ` are no case of each other", !str_eq_nocase(STR("@"), STR("`")));
    expect_true("found", str_find(STR("a\0bc"), STR("bc")) != NULL);
    expect_true("hash depends on each byte",
                str_hash(STR("abcdefgh1")) != str_hash(STR("abcdefgh2")) &&
                    str_hash(STR("")) != str_hash(STR("\0")));
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_slices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
