/* SPDX-License-Identifier: Apache-2.0 */
#include "match/pattern.h"

#include "base/limits.h"
#include "match/matcher.h"
#include "match/pattern_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define SPANS_MAX 4
#define UNSET                                                                                      \
    {                                                                                              \
        SIZE_MAX, SIZE_MAX                                                                         \
    }

/* ---- where expressions hold ---- */

static const struct {
    const char *says;
    str source;
    pattern_kind kind;
    str text;
    int want;
    match_span spans[SPANS_MAX]; /* as many as the pattern has groups, and the whole */
} find_cases[] = {
    {"a literal", STR("wget"), PATTERN_LITERAL, STR("a wget b"), 0, {{2, 6}}},
    {"a literal that is not there", STR("wget"), PATTERN_LITERAL, STR("a wge"), 3, {{0}}},
    {"the empty expression holds at the start", STR(""), PATTERN_LITERAL, STR("ab"), 0, {{0, 0}}},
    {"it holds in the empty text, too", STR(""), PATTERN_LITERAL, STR(""), 0, {{0, 0}}},
    {"NUL is a character like others", STR("a\\x00b"), PATTERN_LITERAL, STR("xa\0b"), 0, {{1, 4}}},
    {"a dot takes a NUL", STR("a.b+"), PATTERN_LINEAR, STR("xa\0bb"), 0, {{1, 5}}},
    {"an astral character is one character",
     STR("^.$"),
     PATTERN_LINEAR,
     STR("\xf0\x9f\x98\x80"),
     0,
     {{0, 4}}},
    {"an astral literal",
     STR("\\U0001F600!"),
     PATTERN_LITERAL,
     STR("a\xf0\x9f\x98\x80!"),
     0,
     {{1, 6}}},
    {"an anchored literal holds at the start",
     STR("^ab"),
     PATTERN_LITERAL,
     STR("abc"),
     0,
     {{0, 2}}},
    {"and nowhere else", STR("^ab"), PATTERN_LITERAL, STR("cab"), 3, {{0}}},
    {"nor behind a newline", STR("\\Aab"), PATTERN_LITERAL, STR("c\nab"), 3, {{0}}},
    {"but with (?m) it does", STR("(?m)^ab"), PATTERN_LINEAR, STR("c\nab"), 0, {{2, 4}}},
    {"$ is the end", STR("ab$"), PATTERN_LITERAL, STR("cab"), 0, {{1, 3}}},
    {"$ is before a final newline, too", STR("ab$"), PATTERN_LITERAL, STR("ab\n"), 0, {{0, 2}}},
    {"but not before two", STR("ab$"), PATTERN_LITERAL, STR("ab\n\n"), 3, {{0}}},
    {"the newline itself can come before $",
     STR("\n$"),
     PATTERN_LITERAL,
     STR("ab\n\n"),
     0,
     {{2, 3}}},
    {"the end alone: before the final newline",
     STR("$"),
     PATTERN_LITERAL,
     STR("ab\n"),
     0,
     {{2, 2}}},
    {"\\Z is the very end", STR("ab\\Z"), PATTERN_LITERAL, STR("ab\n"), 3, {{0}}},
    {"\\Z behind the final newline", STR("\\s\\Z"), PATTERN_LINEAR, STR("ab\n"), 0, {{2, 3}}},
    {"$ and \\Z together are \\Z", STR("ab$\\Z"), PATTERN_LITERAL, STR("ab\n"), 3, {{0}}},
    {"both anchors", STR("^ab$"), PATTERN_LITERAL, STR("ab\n"), 0, {{0, 2}}},
    {"both anchors, another text", STR("^ab$"), PATTERN_LITERAL, STR("ab\nx"), 3, {{0}}},
    {"a program's $ before a final newline", STR("a+$"), PATTERN_LINEAR, STR("xaa\n"), 0, {{1, 3}}},
    {"and not before another", STR("a+$"), PATTERN_LINEAR, STR("xaa\n\n"), 3, {{0}}},
    {"(?m)$ before any newline", STR("(?m)a+$"), PATTERN_LINEAR, STR("xaa\nb"), 0, {{1, 3}}},
    {"nothing holds between $ and ^", STR("$^"), PATTERN_LINEAR, STR("a"), 3, {{0}}},
    {"but for the empty text", STR("$^"), PATTERN_LINEAR, STR(""), 0, {{0, 0}}},
    {"a dot takes no newline", STR("a.b"), PATTERN_LINEAR, STR("a\nb"), 3, {{0}}},
    {"with (?s) it does", STR("(?s)a.b"), PATTERN_LINEAR, STR("a\nb"), 0, {{0, 3}}},
    {"(?i) folds", STR("(?i)wget"), PATTERN_LITERAL, STR("a WgET"), 0, {{2, 6}}},
    {"(?i)k takes the Kelvin sign",
     STR("(?i)k"),
     PATTERN_LITERAL,
     STR("\xe2\x84\xaa"),
     0,
     {{0, 3}}},
    {"(?i)s takes the long s", STR("(?i)^as$"), PATTERN_LITERAL, STR("A\xc5\xbf"), 0, {{0, 3}}},
    {"(?i) at the end", STR("(?i)\xc3\xa9\\Z"), PATTERN_LITERAL, STR("x\xc3\x89"), 0, {{1, 3}}},
    {"(?i) at the end, before a newline", STR("(?i)s$"), PATTERN_LITERAL, STR("xS\n"), 0, {{1, 2}}},
    {"(?i) does not fold beyond its group",
     STR("(?i:w)get"),
     PATTERN_LINEAR,
     STR("wGET Wget"),
     0,
     {{5, 9}}},
    {"what has no case may stand outside",
     STR("(?i:w)/1"),
     PATTERN_LITERAL,
     STR("W/1"),
     0,
     {{0, 3}}},
    {"sharp s folds to capital sharp s",
     STR("(?i)\xc3\x9f+"),
     PATTERN_LINEAR,
     STR("\xe1\xba\x9e\xc3\x9f"),
     0,
     {{0, 5}}},
    {"\\w is Unicode's", STR("\\w+"), PATTERN_LINEAR, STR("-\xc3\xa9\xe4\xb8\xad_1-"), 0, {{1, 8}}},
    {"\\d takes other digits", STR("\\d\\d"), PATTERN_LINEAR, STR("1\xd9\xa0"), 0, {{0, 3}}},
    {"with (?a) it does not", STR("(?a)\\d\\d"), PATTERN_LINEAR, STR("1\xd9\xa0"), 3, {{0}}},
    {"\\s takes the line separator",
     STR("a\\sb"),
     PATTERN_LINEAR,
     STR("a\xe2\x80\xa8"
         "b"),
     0,
     {{0, 5}}},
    {"\\b at a word's edge", STR("\\bcat\\b"), PATTERN_LINEAR, STR("concat cat"), 0, {{7, 10}}},
    {"\\b asks Unicode",
     STR("\\bcat"),
     PATTERN_LINEAR,
     STR("\xc3\xa9"
         "cat"),
     3,
     {{0}}},
    {"with (?a) it asks ASCII",
     STR("(?a)\\bcat"),
     PATTERN_LINEAR,
     STR("\xc3\xa9"
         "cat"),
     0,
     {{2, 5}}},
    {"\\B inside a word", STR("\\Bat"), PATTERN_LINEAR, STR("at cat"), 0, {{4, 6}}},
    {"\\B holds nowhere in the empty text", STR("\\B"), PATTERN_LINEAR, STR(""), 3, {{0}}},
    {"\\B between two blanks", STR("\\B"), PATTERN_LINEAR, STR("a  b"), 0, {{2, 2}}},
    {"the first alternative wins", STR("a|ab"), PATTERN_LINEAR, STR("xab"), 0, {{1, 2}}},
    {"even where it is longer", STR("ab|a"), PATTERN_LINEAR, STR("xab"), 0, {{1, 3}}},
    {"leftmost comes before first", STR("b|ab"), PATTERN_LINEAR, STR("xab"), 0, {{1, 3}}},
    {"greedy", STR("<(.+)>"), PATTERN_LINEAR, STR("<a><b>"), 0, {{0, 6}, {1, 5}}},
    {"lazy", STR("<(.+?)>"), PATTERN_LINEAR, STR("<a><b>"), 0, {{0, 3}, {1, 2}}},
    {"a group that took no part",
     STR("(a)|(b)"),
     PATTERN_LINEAR,
     STR("b"),
     0,
     {{0, 1}, UNSET, {0, 1}}},
    {"a repeated group keeps its last round",
     STR("(?:(a)|(b))+"),
     PATTERN_LINEAR,
     STR("ab"),
     0,
     {{0, 2}, {0, 1}, {1, 2}}},
    {"counts", STR("(a{2,3})(a*)"), PATTERN_LINEAR, STR("aaaa"), 0, {{0, 4}, {0, 3}, {3, 4}}},
    {"an empty round ends a loop",
     STR("(a|b*)*"),
     PATTERN_LITERAL,
     STR("abb"),
     0,
     {{0, 3}, {3, 3}}},
    {"an empty alternative comes first",
     STR("(|a)+"),
     PATTERN_LITERAL,
     STR("a"),
     0,
     {{0, 0}, {0, 0}}},
    {"and gives way where it must", STR("(|a)*b"), PATTERN_LITERAL, STR("ab"), 0, {{0, 2}, {1, 1}}},
    {"what can match nothing at the edges is in the span",
     STR("\\s*wget.*"),
     PATTERN_LITERAL,
     STR("a  wget x"),
     0,
     {{1, 9}}},
    {"groups around a literal",
     STR("(w(get))"),
     PATTERN_LITERAL,
     STR("awget"),
     0,
     {{1, 5}, {1, 5}, {2, 5}}},
    {"an anchor behind what matches nothing", STR("x*^ab"), PATTERN_LITERAL, STR("xab"), 3, {{0}}},
    {"the text's start may not be skipped over",
     STR("(^)b|bb?c"),
     PATTERN_LINEAR,
     STR("abb"),
     3,
     {{0}}},
    {"look-ahead", STR("a(?=b)"), PATTERN_BACKTRACK, STR("acab"), 0, {{2, 3}}},
    {"negative look-behind", STR("(?<!a)(b)"), PATTERN_BACKTRACK, STR("abb"), 0, {{2, 3}, {2, 3}}},
    {"a back-reference", STR("(a+)-\\1$"), PATTERN_BACKTRACK, STR("aaa-b"), 3, {{0}}},
    {"a back-reference that holds",
     STR("(a+)-\\1\\Z"),
     PATTERN_BACKTRACK,
     STR("baa-aa"),
     0,
     {{1, 6}, {1, 3}}},
    {"an atomic group", STR("(?>a+)ab"), PATTERN_BACKTRACK, STR("aaab"), 3, {{0}}},
    {"a possessive repeat", STR("a++b"), PATTERN_BACKTRACK, STR("aab"), 0, {{0, 3}}},
    {"a condition", STR("(a)?b(?(1)c|d)"), PATTERN_BACKTRACK, STR("abd"), 0, {{1, 3}, UNSET}},
    {"groups of failed ways are forgotten",
     STR("((1*)(?:\\d))|(.{0,2}([\\D\n].\\w?)*+)^"),
     PATTERN_BACKTRACK,
     STR("Ba_-0"),
     0,
     {{4, 5}, {4, 5}, {4, 4}, UNSET}},
    {"look-around in the empty text", STR("(?!a)"), PATTERN_BACKTRACK, STR(""), 0, {{0, 0}}},
    {"a bad byte is one character",
     STR("^a.b$"),
     PATTERN_LINEAR,
     STR("a\xff"
         "b"),
     0,
     {{0, 3}}},
    {"a bad byte is U+FFFD to PCRE2, too",
     STR("a(?=\\uFFFD)(.+)b"),
     PATTERN_BACKTRACK,
     STR("a\xff\xc3"
         "b"),
     0,
     {{0, 4}, {1, 3}}},
    {"half a character at the end", STR("a.+"), PATTERN_LINEAR, STR("a\xf0\x9f"), 0, {{0, 3}}},
    {"a text that ends inside a literal",
     STR("(?i)\xc3\xa9$"),
     PATTERN_LITERAL,
     STR("\xc3"),
     3,
     {{0}}},
};

static pattern *compiled(str source, unsigned flags)
{
    ttp_err err = {0};
    pattern *p = NULL;

    if (pattern_from_regex(source, flags, &p, &err))
        print_error("%.*s: refused: %s\n", STR_ARG(source), err.text);
    return p;
}

static bool same_spans(const match_span *got, const match_span *want, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (got[i].start != want[i].start || got[i].end != want[i].end) {
            print_error("span %u: got %zd-%zd, want %zd-%zd\n", i, (ssize_t)got[i].start,
                        (ssize_t)got[i].end, (ssize_t)want[i].start, (ssize_t)want[i].end);
            return false;
        }
    }
    return true;
}

static bool finds(size_t i, const pattern *p, matcher *m)
{
    match_span spans[SPANS_MAX];
    unsigned n = pattern_n_groups(p) + 1;
    int holds = pattern_holds(p, m, find_cases[i].text);
    int found = pattern_find(p, m, find_cases[i].text, spans, SPANS_MAX);

    if (n > SPANS_MAX)
        n = SPANS_MAX;
    if (holds != find_cases[i].want || found != find_cases[i].want) {
        print_error("holds %d, found %d, want %d\n", holds, found, find_cases[i].want);
        return false;
    }
    if (pattern_get_kind(p) != find_cases[i].kind) {
        print_error("kind: got %d, want %d\n", pattern_get_kind(p), find_cases[i].kind);
        return false;
    }
    return found || same_spans(spans, find_cases[i].spans, n);
}

static void test_find(void **state)
{
    matcher *m = matcher_new(NULL);
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(find_cases); i++) {
        pattern *p = compiled(find_cases[i].source, 0);

        if (!p || !finds(i, p, m)) {
            print_error("^ %s\n", find_cases[i].says);
            bad++;
        }
        pattern_unref(p);
    }
    matcher_free(m);
    assert_int_equal(bad, 0);
}

/* ---- literals ---- */

static const struct {
    const char *says;
    str literal;
    unsigned flags;
    str text;
    int want;
    match_span span;
} literal_cases[] = {
    {"somewhere", STR("b.c"), 0, STR("ab.c"), 0, {1, 4}},
    {"with case", STR("AB"), 0, STR("ab"), 3, {0}},
    {"without case", STR("AB"), PATTERN_IGNORE_CASE, STR("xaB"), 0, {1, 3}},
    {"the Kelvin sign folds to k", STR("K"), PATTERN_IGNORE_CASE, STR("\xe2\x84\xaa"), 0, {0, 3}},
    {"and the other way", STR("\xe2\x84\xaa"), PATTERN_IGNORE_CASE, STR("k"), 0, {0, 1}},
    {"dotless i has no simple fold", STR("i"), PATTERN_IGNORE_CASE, STR("\xc4\xb1"), 3, {0}},
    {"final sigma folds to sigma",
     STR("\xcf\x82"),
     PATTERN_IGNORE_CASE,
     STR("\xce\xa3"),
     0,
     {0, 2}},
    {"at the start", STR("ab"), PATTERN_AT_START, STR("abab"), 0, {0, 2}},
    {"not at the start", STR("b"), PATTERN_AT_START, STR("abab"), 3, {0}},
    {"at the end", STR("ab"), PATTERN_AT_END, STR("abab"), 0, {2, 4}},
    {"a final newline is text", STR("ab"), PATTERN_AT_END, STR("abab\n"), 3, {0}},
    {"at the end without case",
     STR("\xc3\xa9"),
     PATTERN_AT_END | PATTERN_IGNORE_CASE,
     STR("a\xc3\x89"),
     0,
     {1, 3}},
    {"the whole text", STR("ab"), PATTERN_AT_START | PATTERN_AT_END, STR("ab"), 0, {0, 2}},
    {"not the whole text", STR("ab"), PATTERN_AT_START | PATTERN_AT_END, STR("abab"), 3, {0}},
    {"the whole text without case", STR("aB"), 7, STR("Ab"), 0, {0, 2}},
    {"longer than the text", STR("abc"), 7, STR("Ab"), 3, {0}},
    {"nothing is everywhere", STR(""), 0, STR("a"), 0, {0, 0}},
    {"nothing without case", STR(""), PATTERN_IGNORE_CASE, STR(""), 0, {0, 0}},
    {"nothing at the end", STR(""), PATTERN_AT_END, STR("ab"), 0, {2, 2}},
    {"nothing is the whole of nothing only", STR(""), 6, STR("a"), 3, {0}},
    {"NULs", STR("a\0b"), 0, STR("\0a\0b"), 0, {1, 4}},
};

static void test_literals(void **state)
{
    matcher *m = matcher_new(NULL);
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(literal_cases); i++) {
        pattern *p = NULL;
        match_span span = {0};
        int rc = pattern_from_literal(literal_cases[i].literal, literal_cases[i].flags, &p);
        int holds = rc ? rc : pattern_holds(p, m, literal_cases[i].text);
        int found = rc ? rc : pattern_find(p, m, literal_cases[i].text, &span, 1);

        if (holds != literal_cases[i].want || found != holds ||
            (found == 0 && !same_spans(&span, &literal_cases[i].span, 1))) {
            print_error("%s: holds %d, found %d, want %d\n", literal_cases[i].says, holds, found,
                        literal_cases[i].want);
            bad++;
        }
        pattern_unref(p);
    }
    matcher_free(m);
    assert_int_equal(bad, 0);
}

/* ---- what expressions come down to ---- */

static const struct {
    const char *says;
    str source;
    str text; /* absent: no literal */
    pattern_folds folds;
    bool at_start, at_end, at_end_newline;
} lower_cases[] = {
    {"plain", STR("a/b"), STR("a/b"), PATTERN_FOLDS_NOTHING, false, false, false},
    {"escapes and a set of one", STR("\\x41[.]\\ "), STR("A. "), PATTERN_FOLDS_NOTHING, false,
     false, false},
    {"anchors", STR("\\A^ab$"), STR("ab"), PATTERN_FOLDS_NOTHING, true, false, true},
    {"the stricter end", STR("ab$\\Z"), STR("ab"), PATTERN_FOLDS_NOTHING, false, true, false},
    {"folded", STR("(?i)A-\\u212A"), STR("a-k"), PATTERN_FOLDS_ALL, false, false, false},
    {"nothing in it has case", STR("(?i)1/2"), STR("1/2"), PATTERN_FOLDS_NOTHING, false, false,
     false},
    {"mixed case rules", STR("a(?i:b)"), STR_NULL, 0, false, false, false},
    {"edges that can match nothing", STR("(?:sudo )?(rm .*)x{0,3}"), STR("rm "),
     PATTERN_FOLDS_NOTHING, false, false, false},
    {"an anchored edge stays", STR("^.*ab"), STR_NULL, 0, false, false, false},
    {"an anchor is no edge that can match nothing", STR("(?:^|x)ab"), STR_NULL, 0, false, false,
     false},
    {"alternatives", STR("ab|cd"), STR_NULL, 0, false, false, false},
    {"lines", STR("(?m)^ab"), STR_NULL, 0, false, false, false},
    {"anchors the wrong way round", STR("$^"), STR_NULL, 0, false, false, false},
};

static void test_lowering(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(lower_cases); i++) {
        pattern *p = compiled(lower_cases[i].source, 0);
        const pattern_literal *l = p ? pattern_get_literal(p) : NULL;
        bool ok = l ? lower_cases[i].text.ptr && str_eq(l->text, lower_cases[i].text) &&
                          l->folds == lower_cases[i].folds &&
                          l->at_start == lower_cases[i].at_start &&
                          l->at_end == lower_cases[i].at_end &&
                          l->at_end_newline == lower_cases[i].at_end_newline
                    : !lower_cases[i].text.ptr;

        if (!p || !ok) {
            print_error("%s: got %s\n", lower_cases[i].says, l ? l->text.ptr : "no literal");
            bad++;
        }
        pattern_unref(p);
    }
    assert_int_equal(bad, 0);
}

/* ---- refusals ---- */

static const struct {
    const char *says, *source;
    int want;
} refusal_cases[] = {
    {"a group that is not closed", "(a", TTP_E_SYNTAX},
    {"nothing to repeat", "*a", TTP_E_SYNTAX},
    {"a look-behind without a fixed width", "(?<=a+)b", TTP_E_SYNTAX},
    {"counts that multiply", "(?:(?:a{100}){100}){100}", TTP_E_LIMIT},
    {"as many instructions as are allowed", "[ab]{19999}", 0},
    {"one more", "[ab]{20000}", TTP_E_LIMIT},
    {"nothing, very often", "(?:){1000}", 0},
    {"loops of loops of what can be nothing", "((((((((((((((((a*)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+",
     0},
};

static void test_refusals(void **state)
{
    int bad = 0;

    (void)state;
    assert_int_equal(REGEX_PROGRAM_MAX, 20000);
    for (size_t i = 0; i < LENGTH(refusal_cases); i++) {
        ttp_err err = {0};
        pattern *p = NULL;
        int rc = pattern_from_regex(str_from(refusal_cases[i].source), 0, &p, &err);

        if (rc != refusal_cases[i].want || (rc && (!err.text[0] || err.column == 0))) {
            print_error("%s: got %d (%s), want %d\n", refusal_cases[i].says, rc, err.text,
                        refusal_cases[i].want);
            bad++;
        }
        pattern_unref(p);
    }
    assert_int_equal(bad, 0);
}

/* ---- identity ---- */

static void test_identity(void **state)
{
    pattern *p = compiled(STR("(?P<tool>wget|curl) (\\S+)"), PATTERN_IGNORE_CASE);
    pattern *q = compiled(STR("(?P<tool>wget|curl) (\\S+)"), PATTERN_IGNORE_CASE);
    pattern *other = compiled(STR("(?P<tool>wget|curl) (\\S+)"), 0);
    pattern *literal = NULL;

    (void)state;
    assert_int_equal(pattern_from_literal(STR("(?P<tool>wget|curl) (\\S+)"), 0, &literal), 0);
    assert_true(str_eq(pattern_source(p), STR("(?P<tool>wget|curl) (\\S+)")));
    assert_int_equal(pattern_flags(p), PATTERN_IGNORE_CASE);
    assert_true(pattern_is_regex(p));
    assert_false(pattern_is_regex(literal));
    assert_int_equal(pattern_n_groups(p), 2);
    assert_true(str_eq(pattern_group_name(p, 1), STR("tool")));
    assert_null(pattern_group_name(p, 2).ptr);
    assert_null(pattern_group_name(p, 3).ptr);
    assert_true(pattern_equal(p, q));
    assert_false(pattern_equal(p, other));
    assert_false(pattern_equal(other, literal));
    assert_true(pattern_memory(p) > pattern_source(p).len && pattern_memory(p) < 3000);
    assert_ptr_equal(pattern_ref(p), p);
    pattern_unref(p);
    assert_int_equal(pattern_n_groups(p), 2); /* one reference is left */
    pattern_unref(p);
    pattern_unref(q);
    pattern_unref(other);
    pattern_unref(literal);
    assert_null(pattern_unref(NULL));
}

/* A pattern made where a dead one stood must not be searched with the dead one's automaton. */
static void test_reused_address(void **state)
{
    matcher *m = matcher_new(NULL);

    (void)state;
    for (int i = 0; i < 50; i++) {
        pattern *p = compiled(i % 2 ? STR("a[bc]") : STR("x[yz]"), 0);

        assert_int_equal(pattern_holds(p, m, STR("-ab-")), i % 2 ? 0 : TTP_E_NOT_FOUND);
        pattern_unref(p);
    }
    matcher_free(m);
}

/* ---- bounds ---- */

/* with again and again; NULL: a and b without a period, so that states do not come again. */
static char *filled(const char *with, size_t len)
{
    char *text = malloc(len);
    uint32_t random = 1;

    assert_non_null(text);
    for (size_t i = 0; i < len; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = with ? with[i % strlen(with)] : random >> 31 ? 'a' : 'b';
    }
    return text;
}

static const struct {
    const char *says, *source, *text;
} linear_cases[] = {
    {"nested repeats", "(a+)+$", "a!"},
    {"overlapping repeats", "(x+x+)+y", "x"},
    {"states that double with each character", "(?:a|b)*a(?:a|b){12}c", NULL},
    {"the same with larger sets", "[ab]*a[ab]{200}[cd]", NULL},
    {"the same, asking what comes next", "[ab]*a[ab]{60}\\bc", NULL},
    {"a polynomial one", "a.*b.*c.*d", "abc"},
    {"loops of loops of nothing", "(?:(?:a*)*)*b", "a"},
};

/* The work for a text twice as long is about twice as much, never four times, whatever the cache
 * holds. */
static void test_linear_work(void **state)
{
    static const size_t caches[] = {0, 1, 20000};
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(linear_cases) * LENGTH(caches); i++) {
        size_t row = i / LENGTH(caches);
        pattern *p = compiled(str_from(linear_cases[row].source), 0);
        char *text = filled(linear_cases[row].text, 40000);
        uint64_t work[2];

        for (unsigned k = 0; k < 2; k++) {
            matcher *m = matcher_new(&(matcher_options){.cache_max = caches[i % LENGTH(caches)]});

            (void)pattern_holds(p, m, (str){text, 20000u << k}); /* the work counts here */
            work[k] = dfa_cache_work(m->automata);
            matcher_free(m);
        }
        if (work[1] > work[0] * 5 / 2 + 1000) {
            print_error("%s, cache %zu: work %llu, then %llu\n", linear_cases[row].says,
                        caches[i % LENGTH(caches)], (unsigned long long)work[0],
                        (unsigned long long)work[1]);
            bad++;
        }
        free(text);
        pattern_unref(p);
    }
    assert_int_equal(bad, 0);
}

static void test_cache_is_bounded(void **state)
{
    enum {
        CACHE = 100000
    };
    matcher *m = matcher_new(&(matcher_options){.cache_max = CACHE});
    char *text = filled(NULL, 3000);

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        char source[64];
        pattern *p;

        (void)snprintf(source, sizeof(source), "[ab]*a[ab]{%u}[cd]|x%u[^y]", i % 20, i);
        p = compiled(str_from(source), 0);
        assert_int_equal(pattern_holds(p, m, (str){text, 3000}), TTP_E_NOT_FOUND);
        assert_true(dfa_cache_memory(m->automata) <= CACHE);
        pattern_unref(p);
    }
    free(text);
    matcher_free(m);
}

static const struct {
    const char *says, *source, *text;
    int want;
} budget_cases[] = {
    {"nested repeats before a look-ahead", "(a+)+(?!a|$)", "a", TTP_E_LIMIT},
    {"what the approximation refuses is free", "(?=a)(a+)+$", "aaaaaaa!", TTP_E_NOT_FOUND},
    {"overlapping repeats", "(x+x+)+(?!x|$)", "x", TTP_E_LIMIT},
    {"a scan from each position", "(?!x)[^b]*[bc](?!b|d)", "aaac-d", 0},
    {"a scan from each position, in vain", "(?!x)a[^b-d]*(?=[cb])", "a", TTP_E_LIMIT},
    {"a scan in a look-ahead", "(?=.*z)a", "a", TTP_E_LIMIT},
    {"long back-references", "(a+)b\\1c", "aaaaaaaaaaaaaaaaab", TTP_E_NOT_FOUND},
    {"a cheap one", "(?<=x)y", "xy", 0},
};

/* 64 KB of text. What is charged is the same each time, and never more than one search may spend.
 */
static void test_budget(void **state)
{
    enum {
        LEN = 65536,
        LIMIT = 100000,
        EVENT = 1000000
    };
    matcher *m = matcher_new(NULL);
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(budget_cases); i++) {
        pattern *p = compiled(str_from(budget_cases[i].source), 0);
        char *text = filled(budget_cases[i].text, LEN);
        uint64_t spent[2];
        int rc = 0;

        for (unsigned k = 0; k < 2; k++) {
            matcher_new_event(m);
            rc = pattern_holds(p, m, (str){text, LEN});
            spent[k] = EVENT - backtracker_budget(m->backtracker);
        }
        if (rc != budget_cases[i].want || spent[0] != spent[1] || spent[0] > LIMIT + LEN) {
            print_error("%s: got %d, want %d; spent %llu, then %llu\n", budget_cases[i].says, rc,
                        budget_cases[i].want, (unsigned long long)spent[0],
                        (unsigned long long)spent[1]);
            bad++;
        }
        free(text);
        pattern_unref(p);
    }
    matcher_free(m);
    assert_int_equal(bad, 0);
}

/* All searches of one event share its budget; the next event has its own. */
static void test_event_budget(void **state)
{
    matcher *m = matcher_new(&(matcher_options){.match_limit = 1000, .event_budget = 3000});
    pattern *hostile = compiled(STR("(a+)+(?!a|$)"), 0);
    pattern *cheap = compiled(STR("(?<=x)y"), 0);
    char *text = filled("a", 4096);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pattern_holds(hostile, m, (str){text, 4096}), TTP_E_LIMIT);
    assert_int_equal(backtracker_budget(m->backtracker), 0);
    assert_int_equal(pattern_holds(cheap, m, STR("xy")), TTP_E_LIMIT);
    matcher_new_event(m);
    assert_int_equal(pattern_holds(cheap, m, STR("xy")), 0);
    free(text);
    pattern_unref(hostile);
    pattern_unref(cheap);
    matcher_free(m);
}

/* A giant program whose states double and that asks what comes next is cut off; so is a long hunt
 * for spans. */
static void test_linear_budget(void **state)
{
    matcher *m = matcher_new(&(matcher_options){.linear_budget = 50000});
    pattern *giant = compiled(STR("[ab]*a[ab]{3000}\\bx"), 0), *small = compiled(STR("a+c"), 0);
    pattern *long_one = compiled(STR("(a|b)+$"), 0);
    char *text = filled(NULL, 10000);
    match_span span;

    (void)state;
    assert_int_equal(pattern_holds(small, m, (str){text, 10000}), TTP_E_NOT_FOUND);
    assert_int_equal(pattern_holds(giant, m, (str){text, 10000}), TTP_E_LIMIT);
    assert_int_equal(pattern_holds(giant, m, (str){text, 10000}), TTP_E_LIMIT);
    matcher_new_event(m);
    assert_int_equal(pattern_holds(giant, m, (str){text, 10}), TTP_E_NOT_FOUND);
    assert_int_equal(pattern_find(long_one, m, (str){text, 10000}, &span, 1), TTP_E_LIMIT);
    assert_int_equal(pattern_holds(long_one, m, (str){text, 10000}), 0);
    matcher_new_event(m);
    assert_int_equal(pattern_find(long_one, m, (str){text, 1000}, &span, 1), 0);
    free(text);
    pattern_unref(giant);
    pattern_unref(small);
    pattern_unref(long_one);
    matcher_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),          cmocka_unit_test(test_literals),
        cmocka_unit_test(test_lowering),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_identity),      cmocka_unit_test(test_reused_address),
        cmocka_unit_test(test_linear_work),   cmocka_unit_test(test_cache_is_bounded),
        cmocka_unit_test(test_budget),        cmocka_unit_test(test_event_budget),
        cmocka_unit_test(test_linear_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
