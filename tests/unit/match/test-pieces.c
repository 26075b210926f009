/* SPDX-License-Identifier: Apache-2.0 */
#include "match/pieces.h"

#include "../unit.h"

#include <stdlib.h>
#include <time.h>

typedef struct read_pieces {
    arena mem;
    pieces *p;
} read_pieces;

static read_pieces read(const char *source, bool ignore_case)
{
    read_pieces r = {0};
    regex re;

    assert_int_equal(regex_read(str_from(source), ignore_case, &r.mem, &re, NULL), 0);
    assert_int_equal(pieces_from_regex(&re, &r.p), 0);
    return r;
}

static void done(read_pieces *r)
{
    pieces_free(r->p);
    arena_done(&r->mem);
}

static bool holds(const pieces *p, str text)
{
    char *folded = malloc(text.len ? text.len : 1);
    bool result;

    assert_non_null(folded);
    for (size_t i = 0; i < text.len; i++)
        folded[i] =
            (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] + 32 : text.ptr[i]);
    result = pieces_hold(p, text, (str){folded, text.len});
    free(folded);
    return result;
}

static const struct {
    const char *says, *source;
    bool ignore_case;
    str text;
    bool holds;
} cases[] = {
    {"one after the other", "curl .*http.*-o", false, STR("curl -s http://a -o b"), true},
    {"in another order", "curl .*http.*-o", false, STR("-o http curl "), false},
    {"one behind the other, nothing between", "ab.*ba", false, STR("abba"), true},
    {"they do not overlap", "ab.*ba", false, STR("aba"), false},
    {"the second one missing", "ab.*ba", false, STR("ab b"), false},
    {"nothing at all", "a.*b", false, STR(""), false},
    {"an open start and end say nothing", ".*a.*", false, STR("a"), true},
    {"a line's end parts", "a.*b", false, STR("a\nb"), false},
    {"each line counts", "a.*b", false, STR("b a\nb a b\n"), true},
    {"the last line, too", "a.*b", false, STR("x\nab"), true},
    {"unless the dot takes all", "(?s)a.*b", false, STR("a\nb"), true},
    {"a line's end inside a literal of its own", "a\nb", false, STR("xa\nbx"), true},
    {"with case", "A.*b", false, STR("a b"), false},
    {"without", "A.*b", true, STR("xaXB"), true},
    {"so many characters at least between", "a.{2,}b", false, STR("axb a b"), true},
    {"and not fewer", "a.{2,}b", false, STR("axb"), false},
    {"gaps add up", "a.+.+b", false, STR("axb"), false},
    {"... to what is there", "a.+.+b", false, STR("axxb"), true},
    {"so many at least before", ".+a", false, STR("a"), false},
    {"before, on this line", ".+a", false, STR("x\na"), false},
    {"and behind", "a.+", false, STR("xa"), false},
    {"behind, on this line", "a.+", false, STR("a\nx"), false},
    {"a later place has room behind it no more than the first", "a.{3,}", false, STR("a123"), true},
    {"a lazy gap is a gap", "a.*?b", false, STR("a b"), true},
    {"nothing but length", "(.){3,}", false, STR("ab\nabc"), true},
    {"which is that of a line", ".{3,}", false, STR("ab\nab"), false},
    {"groups make no difference", "(a)(?:.*)(b)", false, STR("a-b"), true},
};

static void test_cases(void **state)
{
    (void)state;
    for_each_row(c, cases)
    {
        read_pieces r = read(c->source, c->ignore_case);

        expect_true(c->says, r.p != NULL);
        if (r.p)
            expect_int(c->says, holds(r.p, c->text), c->holds);
        expect_true("it knows its size", !r.p || pieces_memory(r.p) > 0);
        done(&r);
    }
    end_rows();
}

static const struct {
    const char *says, *source;
} others[] = {
    {"nothing but a gap", ".*"},
    {"a choice", "a|b"},
    {"a choice inside", "a.*(b|c)"},
    {"a class", "a[bc]"},
    {"a gap with an end", "a.{0,9}b"},
    {"a gap of something", "a\\w*b"},
    {"a loop of something", "(ab)*c"},
    {"an anchor", "^a.*b"},
    {"a word's edge", "\\ba.*b"},
    {"what looks ahead", "a(?=b)"},
    {"letters with case and without", "(?i:a).*b"},
    {"other letters", "\xC3\xA9.*b"},
    {"gaps of two kinds", "a.*b(?s:.*)c"},
    {"a line's end that a gap does not pass", "a\n.*b"},
    {"more literals than are kept",
     "a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a.*"
     "a.*a"},
};

static void test_others(void **state)
{
    (void)state;
    for_each_row(c, others)
    {
        read_pieces r = read(c->source, false);

        expect_true(c->says, r.p == NULL);
        done(&r);
    }
    end_rows();
}

/* A text that is all but a match, everywhere. */
static void test_cost(void **state)
{
    enum {
        LEN = 4 << 20
    };
    char *text = malloc(LEN);
    read_pieces r = read("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab.*b", false);
    clock_t start;

    (void)state;
    assert_non_null(text);
    assert_non_null(r.p);
    memset(text, 'a', LEN);
    start = clock();
    expect_int("it does not hold", pieces_hold(r.p, (str){text, LEN}, (str){text, LEN}), false);
    expect_true("and takes no longer than it must", (clock() - start) / CLOCKS_PER_SEC < 2);
    done(&r);
    free(text);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
