/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "../unit.h"

#include "base/str.h"
#include "base/utf8.h"

static const struct {
    const char *says;
    str text;
    unsigned max_chars;
    const char *want;
} quote_cases[] = {
    {"plain text is kept", STR("wget http://x"), 80, "wget http://x"},
    {"control characters are shown", STR("a\x1b[31m\n\0b"), 80, "a\\x1b[31m\\x0a\\x00b"},
    {"DEL and C1 controls, too", STR("\x7f\xC2\x9b"), 80, "\\x7f\\u{9b}"},
    {"a bad byte is shown", STR("a\xFFz"), 80, "a\\xffz"},
    {"letters beyond ASCII are kept", STR("s\xC3\xB6ss"), 80, "s\xC3\xB6ss"},
    {"a bidirectional override is shown", STR("\xE2\x80\xAEx"), 80, "\\u{202e}x"},
    {"a zero-width space is shown", STR("\xE2\x80\x8Bx"), 80, "\\u{200b}x"},
    {"a long text is cut", STR("abcdefgh"), 4, "abcd..."},
    {"a text of just that length is not", STR("abcd"), 4, "abcd"},
};

static void test_quote(void **state)
{
    char out[64];

    (void)state;
    for_each_row(c, quote_cases) expect_c(
        c->says, err_quote(out, sizeof(out), c->text.ptr, c->text.len, c->max_chars), c->want);
    expect_c("a small buffer is not overrun", err_quote(out, 8, "\n\n\n\n", 4, 9), "\\x0a...");
    end_rows();
}

static void test_format(void **state)
{
    char out[2048], long_text[2000];
    ttp_err err;

    (void)state;
    expect_int("the code is handed through", err_at(&err, 7, "a.yaml", 3, 9, "%s", "bad"), 7);
    expect_c("all parts", ttp_err_format(&err, out, sizeof(out)), "a.yaml:3:9: bad");
    (void)err_at(&err, 1, "a.yaml", 3, 0, "bad");
    expect_c("no column", ttp_err_format(&err, out, sizeof(out)), "a.yaml:3: bad");
    (void)err_set(&err, 1, NULL, "bad");
    expect_c("no place", ttp_err_format(&err, out, sizeof(out)), "bad");
    expect_int("nobody wants to know", err_set(NULL, 4, "x", "y"), 4);
    for (unsigned i = 0; i + 1 < sizeof(long_text); i += 2)
        memcpy(long_text + i, "\xC3\xB6", 2);
    long_text[sizeof(long_text) - 2] = '\0';
    for (unsigned shift = 0; shift < 4; shift++) {
        (void)err_set(&err, 1, NULL, "%.*s%s", (int)shift, "xxxx", long_text);
        expect_true("a cut text is valid UTF-8", utf8_valid(str_from(err.text)));
        expect_true("and long", strlen(err.text) > sizeof(err.text) - 8);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quote), cmocka_unit_test(test_format)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
