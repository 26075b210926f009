/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "../unit.h"

static const struct {
    const char *says;
    str text;
    bool valid;
    const char *repaired;
} cases[] = {
    {"ASCII", STR("plain text, longer than eight bytes"), true,
     "plain text, longer than eight bytes"},
    {"two, three, four bytes", STR("\xC3\xB6\xE2\x82\xAC\xF0\x9F\x98\x80"), true,
     "\xC3\xB6\xE2\x82\xAC\xF0\x9F\x98\x80"},
    {"a lone continuation", STR("a\x80z"), false, "a\xEF\xBF\xBDz"},
    {"an overlong slash", STR("\xC0\xAF"), false, "\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"an overlong three bytes", STR("\xE0\x80\xAF"), false, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"an encoded surrogate", STR("\xED\xA0\x80"), false, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"beyond the last character", STR("\xF4\x90\x80\x80"), false,
     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"cut off", STR("ab\xE2\x82"), false, "ab\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"nothing", STR(""), true, ""},
};

static void test_repair(void **state)
{
    (void)state;
    for_each_row(c, cases)
    {
        buf b = {0};

        expect_int(c->says, utf8_valid(c->text), c->valid);
        utf8_repair(&b, c->text);
        expect_str(c->says, buf_str(&b), c->repaired);
        expect_true(c->says, utf8_valid(buf_str(&b)));
        buf_done(&b);
    }
    end_rows();
}

static void test_every_character(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        uint32_t forth = 0, back = 0;
        char text[4];
        unsigned len;

        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        len = utf8_encode(cp, text);
        if (utf8_decode(text, text + len, &forth) != len || forth != cp ||
            utf8_decode_back(text, text + len, &back) != len || back != cp)
            fail_msg("U+%04X does not read back", cp);
    }
    expect_true("ASCII is told",
                utf8_is_ascii(STR("0123456789")) && !utf8_is_ascii(STR("01234567\x80")));
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_repair),
                                       cmocka_unit_test(test_every_character)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
