/* SPDX-License-Identifier: Apache-2.0 */
#include "event/pyrepr.h"

#include "../unit.h"

static const struct {
    const char *says, *text, *want;
} cases[] = {
    {"a bytes literal", "b'GET / HTTP/1.0\\r\\n\\r\\n'", "GET / HTTP/1.0\r\n\r\n"},
    {"a plain one", "'a\\tb'", "a\tb"},
    {"double quotes", "b\"it's\"", "it's"},
    {"an escaped quote", "'it\\'s \\\"x\\\"'", "it's \"x\""},
    {"hexadecimal bytes", "b'\\x16\\x03\\xfF'", "\x16\x03\xff"},
    {"a u literal with characters", "u'\\u20ac\\U0001F600'", "\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"a surrogate is none", "'\\ud800'", "\xef\xbf\xbd"},
    {"beyond Unicode", "'\\U00110000'", "\xef\xbf\xbd"},
    {"a backslash", "'a\\\\x41'", "a\\x41"},
    {"an unknown escape stays", "'\\q'", "\\q"},
    {"a short hexadecimal one stays", "'\\x1'", "\\x1"},
    {"hexadecimal digits that are none", "'\\xzz'", "\\xzz"},
    {"a backslash at the end", "'a\\", "a\\"},
    {"no closing quote", "b'abc", "abc"},
    {"only quotes", "''", ""},
    {"a quote alone", "'", ""},
    {"no literal", "GET / HTTP/1.0", "GET / HTTP/1.0"},
    {"a b alone", "b", "b"},
    {"a word that begins with b", "bad", "bad"},
    {"nothing", "", ""},
};

static void test_decode(void **state)
{
    arena a = {0};

    (void)state;
    for_each_row(c, cases)
    {
        str got = STR_NULL;

        expect_int(c->says, pyrepr_decode(str_from(c->text), &a, &got), 0);
        expect_str(c->says, got, c->want);
    }
    {
        str got = STR_NULL;

        expect_int("a NUL", pyrepr_decode(STR("b'\\x00\\0'"), &a, &got), 0);
        expect_int("is a byte like others", got.len, 2);
    }
    arena_done(&a);
    end_rows();
}

static void test_is_bytes(void **state)
{
    (void)state;
    expect_true("b'...'", pyrepr_is_bytes(STR("b'SSH-2.0-Go'")));
    expect_true("b\"...\"", pyrepr_is_bytes(STR("b\"x\"")));
    expect_true("empty", pyrepr_is_bytes(STR("b''")));
    expect_true("not closed", !pyrepr_is_bytes(STR("b'SSH")));
    expect_true("closed by another", !pyrepr_is_bytes(STR("b'SSH\"")));
    expect_true("too short", !pyrepr_is_bytes(STR("b'")));
    expect_true("no b", !pyrepr_is_bytes(STR("'SSH'")));
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_decode),
                                       cmocka_unit_test(test_is_bytes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
