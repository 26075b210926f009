/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/text.h"

#include "../unit.h"

static const struct {
    const char *says, *text;
    unsigned width;
    bool right;
    const char *want;
} cells[] = {
    {"padded", "ab", 4, false, "ab  "},
    {"padded on the left", "12", 4, true, "  12"},
    {"exact", "abcd", 4, false, "abcd"},
    {"cut", "abcde", 4, false, "abc\xE2\x80\xA6"},
    {"cut to one column", "abcde", 1, false, "\xE2\x80\xA6"},
    {"no width is no limit", "abcde", 0, false, "abcde"},
    {"no width on the right", "abcde", 0, true, "abcde"},
    {"letters beyond ASCII count once", "\xC3\xB6\xC3\xB6", 3, false, "\xC3\xB6\xC3\xB6 "},
    {"a combining mark takes no column", "o\xCC\x88x", 3, false, "o\xCC\x88x "},
    {"a wide character takes two", "\xE6\x97\xA5x", 4, false, "\xE6\x97\xA5x "},
    {"half a wide character is not shown", "\xE6\x97\xA5\xE6\x97\xA5", 3, false,
     "\xE6\x97\xA5\xE2\x80\xA6"},
    {"a wide one cut leaves a column to pad", "\xE6\x97\xA5\xE6\x97\xA5\xE6\x97\xA5", 4, false,
     "\xE6\x97\xA5\xE2\x80\xA6 "},
    {"an emoji takes two", "\xF0\x9F\x90\x9F", 3, false, "\xF0\x9F\x90\x9F "},
    {"nothing", "", 2, false, "  "},
};

static void test_cells(void **state)
{
    (void)state;
    for_each_row(c, cells)
    {
        auto_free(buf) buf b = {0};

        text_put_cell(&b, str_from(c->text), c->width, c->right);
        expect_str(c->says, buf_str(&b), c->want);
        if (c->width)
            expect_int(c->says, text_width(buf_str(&b)), c->width);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
