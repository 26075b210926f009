/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table may never miss: whatever it says of many patterns at once is what pattern_holds says of
 * each one alone. Texts lie in blocks of exactly their size, so that ASan sees who reads behind.
 */
#include "scanned.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* ---- by hand ---- */

static const struct {
    const char *says;
    str text;
    wanted patterns[8]; /* up to the first without a source */
} cases[] = {
    {"an empty text holds only what needs nothing",
     STR(""),
     {{STR(""), 0, true},
      {STR("a"), 0, false},
      {STR("^$"), REGEX, true},
      {STR("a*"), REGEX, true}}},
    {"every window size, in the middle",
     STR("xxabcdefxx"),
     {{STR("c"), 0, true},
      {STR("cd"), 0, true},
      {STR("cde"), 0, true},
      {STR("bcde"), 0, true},
      {STR("bcdef"), 0, true},
      {STR("bcdfe"), 0, false}}},
    {"a short alternative holds before a long one is met, which does not",
     STR("ab1x yo curl yz"),
     {{STR("ab[^ ]+x|curl yz*q"), REGEX, true},
      {STR("b[^ ]+x|curl yz*q"), REGEX, true},
      {STR("ab[^ ]+y|curl yz*q"), REGEX, false}}},
    {"the same, as far apart as windows of a block may be",
     STR("ab1x yo 0123456789 0123456789 0123456789 0123456789 curl yz"),
     {{STR("ab[^ ]+x|curl yz*q"), REGEX, true}}},
    {"every window size, at the text's end",
     STR("abcdef"),
     {{STR("f"), 0, true},
      {STR("ef"), 0, true},
      {STR("def"), 0, true},
      {STR("cdef"), 0, true},
      {STR("abcdef"), 0, true},
      {STR("abcdefg"), 0, false}}},
    {"a text shorter than the window",
     STR("ab"),
     {{STR("ab"), 0, true}, {STR("b"), 0, true}, {STR("abc"), 0, false}, {STR("abcd"), 0, false}}},
    {"anchored at the start",
     STR("wget -O x"),
     {{STR("wget"), PATTERN_AT_START, true},
      {STR("get"), PATTERN_AT_START, false},
      {STR("w"), PATTERN_AT_START, true},
      {STR("^wget"), REGEX, true},
      {STR("^get"), REGEX, false}}},
    {"anchored at the end",
     STR("x && sh"),
     {{STR("sh"), PATTERN_AT_END, true},
      {STR("s"), PATTERN_AT_END, false},
      {STR("&& sh"), PATTERN_AT_END, true},
      {STR("sh$"), REGEX, true},
      {STR("sh\\Z"), REGEX, true}}},
    {"a final newline is passed over by $ alone",
     STR("x && sh\n"),
     {{STR("sh"), PATTERN_AT_END, false},
      {STR("sh\n"), PATTERN_AT_END, true},
      {STR("sh$"), REGEX, true},
      {STR("sh\\Z"), REGEX, false},
      {STR("sh\n$"), REGEX, true},
      {STR("(?m)sh$"), REGEX, true}}},
    {"of two final newlines only the last is",
     STR("sh\n\n"),
     {{STR("sh$"), REGEX, false}, {STR("sh\n$"), REGEX, true}, {STR("(?m)sh$"), REGEX, true}}},
    {"the whole text",
     STR("root"),
     {{STR("root"), PATTERN_AT_START | PATTERN_AT_END, true},
      {STR("roo"), PATTERN_AT_START | PATTERN_AT_END, false},
      {STR("rootx"), PATTERN_AT_START | PATTERN_AT_END, false},
      {STR("ROOT"), PATTERN_AT_START | PATTERN_AT_END | PATTERN_IGNORE_CASE, true}}},
    {"case counts where it is asked for",
     STR("WGet"),
     {{STR("wget"), 0, false},
      {STR("wget"), PATTERN_IGNORE_CASE, true},
      {STR("WGet"), 0, true},
      {STR("(?i)wgET"), REGEX, true}}},
    {"the same bytes elsewhere than the first atom found",
     STR("WGET wget"),
     {{STR("wget"), 0, true}, {STR("Wget"), 0, false}, {STR("GET"), 0, true}}},
    {"the Kelvin sign is a k only without case",
     STR("\xE2\x84\xAAill"),
     {{STR("kill"), 0, false},
      {STR("kill"), PATTERN_IGNORE_CASE, true},
      {STR("(?i)KILL"), REGEX, true},
      {STR("\xE2\x84\xAA"), 0, true}}},
    {"a k is no Kelvin sign, at the very end of the text",
     STR("k"),
     {{STR("\xE2\x84\xAA"), 0, false},
      {STR("\xE2\x84\xAA"), PATTERN_IGNORE_CASE, true},
      {STR("\xE2\x84\xAA"), REGEX, false}}},
    {"NULs are characters",
     STR("a\0b\0"),
     {{STR("a\0b"), 0, true}, {STR("\0"), PATTERN_AT_END, true}, {STR("b\0c"), 0, false}}},
    {"regexes without an atom are tried on every text",
     STR("7"),
     {{STR("\\d"), REGEX, true}, {STR("[^0-9]"), REGEX, false}, {STR("^.$"), REGEX, true}}},
    {"one of several atoms is enough",
     STR("tftp -g"),
     {{STR("(?:wget|curl|tftp)\\s"), REGEX, true}, {STR("(?:wget|curl)\\s"), REGEX, false}}},
};

static void test_cases(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);

    (void)state;
    for_each_row(c, cases)
    {
        auto_free(pattern_table) pattern_table *t = NULL;
        pattern *patterns[8];
        unsigned n = 0;
        found f;

        for (; n < 8 && c->patterns[n].source.ptr; n++)
            patterns[n] = new_pattern(&c->patterns[n]);
        assert_int_equal(pattern_table_new(patterns, n, &t), 0);
        expect_int(c->says, pattern_table_count(t), n);
        expect_true(c->says, pattern_table_memory(t) > 0);
        for (unsigned i = 0; i < n; i++)
            pattern_unref(patterns[i]); /* the table has references of its own */
        f = scan(t, m, c->text);
        for (unsigned i = 0; i < n; i++) {
            expect_int(c->says, f.hits[i], c->patterns[i].holds);
            if (f.hits[i] != c->patterns[i].holds)
                print_error("  pattern %.*s\n", STR_ARG(c->patterns[i].source));
        }
    }
    end_rows();
}

/* ---- literals longer than an atom may be ---- */

static const struct {
    const char *says;
    const char *before;
    size_t len, text_len; /* the literal and the text are as many times a letter */
    char last, text_last; /* and this behind */
    bool holds;
} long_cases[] = {
    {"the atom alone is not the literal", "(?i)", 5000, 4500, 'q', 'x', false},
    {"in any case", "(?i)", 5000, 5000, 'q', 'Q', true},
    {"the atom stands at the end of the text", "", 5000, 4096, 'q', 'a', false},
    {"all but the last byte", "", 5000, 5000, 'q', 'r', false},
    {"the whole literal", "", 5000, 5000, 'q', 'q', true},
    {"more than the literal", "", 5000, 6000, 'q', 'q', true},
    {"with edges that may match nothing", "(?:b|)(?:c|)(?:d|)(?:e|)(?i:x?)", 700, 600, 'q', 'q',
     false},
    {"whose edges do match nothing", "(?:b|)(?:c|)(?:d|)(?:e|)", 700, 700, 'q', 'q', true},
    {"the same in any case", "(?i)(?:b|)(?:c|)(?:d|)(?:e|)", 700, 600, 'q', 'q', false},
};

static str letters(const char *before, size_t n, char last)
{
    buf b = {0};

    buf_put_c(&b, before);
    for (size_t i = 0; i < n; i++)
        buf_put_char(&b, 'a');
    buf_put_char(&b, last);
    assert_false(b.failed);
    return buf_str(&b);
}

static void test_long(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);

    (void)state;
    for_each_row(c, long_cases)
    {
        auto_free(pattern_table) pattern_table *t = NULL;
        str source = letters(c->before, c->len, c->last);
        str text = letters("", c->text_len, c->text_last);
        pattern *p = new_pattern(&(wanted){source, REGEX, c->holds});

        assert_int_equal(pattern_table_new(&p, 1, &t), 0);
        expect_int(c->says, pattern_holds(p, m, text), c->holds ? 0 : TTP_E_NOT_FOUND);
        expect_int(c->says, scan(t, m, text).hits[0], c->holds);
        pattern_unref(p);
        free((char *)source.ptr);
        free((char *)text.ptr);
    }
    end_rows();
}

/* ---- many, and none ---- */

#define MANY 20000

static void count_hit(void *ctx, uint32_t index)
{
    uint32_t *seen = ctx;

    seen[0]++;
    seen[1] = index;
}

static void test_many(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);
    auto_free(pattern_table) pattern_table *t = NULL;
    static pattern *patterns[MANY];
    char text[32];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        int len = snprintf(text, sizeof(text), "<%u>", i * 7919u);

        assert_int_equal(pattern_from_literal((str){text, (size_t)len}, 0, &patterns[i]), 0);
    }
    assert_int_equal(pattern_table_new(patterns, MANY, &t), 0);
    for (unsigned i = 0; i < MANY; i++) {
        uint32_t seen[2] = {0, 0};
        int len = snprintf(text, sizeof(text), "a<%u>b", i * 7919u);

        assert_int_equal(pattern_table_scan(t, m, (str){text, (size_t)len}, count_hit, NULL, seen),
                         0);
        expect_int("each of many patterns is found, alone", seen[0], 1);
        expect_int("and is the right one", seen[1], i);
        pattern_unref(patterns[i]);
    }
    end_rows();
}

#define N_LETTERS 26
#define N_SIDES (N_LETTERS * (N_LETTERS - 1) / 2)

static void mark_hit(void *ctx, uint32_t index)
{
    ((bool *)ctx)[index] = true;
}

/* More different things beside one atom than the table tells apart. */
static void test_sides(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);
    auto_free(pattern_table) pattern_table *t = NULL;
    pattern *patterns[N_SIDES];
    char text[32];
    unsigned n = 0;

    (void)state;
    for (unsigned a = 0; a < N_LETTERS; a++) {
        for (unsigned b = a + 1; b < N_LETTERS; b++) {
            int len = snprintf(text, sizeof(text), "(?i:[%c%c])--", 'a' + a, 'a' + b);

            assert_int_equal(pattern_from_regex((str){text, (size_t)len}, 0, &patterns[n++], NULL),
                             0);
        }
    }
    assert_int_equal(pattern_table_new(patterns, n, &t), 0);
    for (unsigned a = 0; a < N_LETTERS; a++) {
        bool hits[N_SIDES] = {false};
        int len = snprintf(text, sizeof(text), a % 2 ? "-- %c--" : "  %c--", 'a' + a);

        assert_int_equal(pattern_table_scan(t, m, (str){text, (size_t)len}, mark_hit, NULL, hits),
                         0);
        for (unsigned i = 0; i < n; i++) {
            str source = pattern_source(patterns[i]);

            expect_int("each holds beside its own letters alone", hits[i],
                       memchr(source.ptr + 5, 'a' + (int)a, 2) != NULL);
        }
    }
    for (unsigned i = 0; i < n; i++)
        pattern_unref(patterns[i]);
    end_rows();
}

#define N_SAME 8000
#define N_PLACES 300000

/* An atom that stands everywhere, with uses beside which one always fails. */
static void test_cost(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);
    auto_free(pattern_table) pattern_table *t = NULL;
    auto_free(buf) buf text = {0};
    const wanted often = {STR("--[^0-9]"), REGEX, true}, never = {STR("--\\d"), REGEX, false};
    pattern *patterns[N_SAME], *one = new_pattern(&often);
    uint32_t seen[2] = {0, 0};
    clock_t start;

    (void)state;
    for (unsigned i = 0; i < N_SAME; i++)
        patterns[i] = one;
    patterns[0] = new_pattern(&never);
    assert_int_equal(pattern_table_new(patterns, N_SAME, &t), 0);
    for (unsigned i = 0; i < N_PLACES; i++)
        buf_put_c(&text, "--a");
    start = clock();
    assert_int_equal(pattern_table_scan(t, m, buf_str(&text), count_hit, NULL, seen), 0);
    expect_int("all but one hold", seen[0], N_SAME - 1);
    expect_true("each was looked at a bounded number of times",
                (clock() - start) / CLOCKS_PER_SEC < 2);
    pattern_unref(patterns[0]);
    pattern_unref(one);
    end_rows();
}

static void test_none(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);
    auto_free(pattern_table) pattern_table *t = NULL;

    (void)state;
    assert_int_equal(pattern_table_new(NULL, 0, &t), 0);
    assert_int_equal(pattern_table_count(t), 0);
    (void)scan(t, m, STR("whatever"));
    (void)scan(t, m, STR(""));
}

static void test_cut(void **state)
{
    const matcher_options options = {.match_limit = 100};
    auto_free(matcher) matcher *m = matcher_new(&options);
    auto_free(pattern_table) pattern_table *t = NULL;
    const wanted explodes = {STR("(x+x+)+(?=y)z"), REGEX, false}, plain = {STR("xx"), 0, true};
    pattern *patterns[2] = {new_pattern(&explodes), new_pattern(&plain)};
    found f;

    (void)state;
    assert_int_equal(pattern_table_new(patterns, 2, &t), 0);
    f = scan(t, m, STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz"));
    expect_int("a search that is cut off does not hold", f.hits[0], 0);
    expect_int("and is told of, once", f.cuts[0], 1);
    expect_int("the others go on", f.hits[1], 1);
    expect_int("and are not told of", f.cuts[1], 0);
    pattern_unref(patterns[0]);
    pattern_unref(patterns[1]);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases), cmocka_unit_test(test_long), cmocka_unit_test(test_many),
        cmocka_unit_test(test_sides), cmocka_unit_test(test_cost), cmocka_unit_test(test_none),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
