/* SPDX-License-Identifier: Apache-2.0 */
#include "match/judge.h"

#include "match/pattern_internal.h"

#include "../pick.h"
#include "../unit.h"

static pattern *compile(const char *source)
{
    pattern *p = NULL;
    ttp_err err = {0};

    if (pattern_from_regex(str_from(source), 0, &p, &err))
        fail_msg("%s: %s", source, err.text);
    return p;
}

/* ---- never ---- */

static const struct {
    const char *says, *source;
    int want;
} never_cases[] = {
    {"an ordinary pattern can hold", "wget\\s+http", 0},
    {"the empty one holds everywhere", "", 0},
    {"nothing stands before the start", "a^b", 1},
    {"nothing stands behind the end", "b\\Za", 1},
    {"nor behind the end or the final newline", "$a", 1},
    {"but that newline itself does", "$\\n", 0},
    {"and nothing behind it", "$\\na", 1},
    {"two newlines stand behind no end", "$\\n\\n", 1},
    {"lines end inside a text", "(?m)$\\na", 0},
    {"but not within a line", "(?m)$a", 1},
    {"a line starts behind a newline", "(?m)a\\n^b", 0},
    {"and behind nothing else", "(?m)a^b", 1},
    {"what may be left out does not hinder", "(?:a^)?b", 0},
    {"one branch that can hold is enough", "a^b|c", 0},
    {"none is not", "a^b|$c", 1},
    {"no character is both", "[^\\s\\S]", 1},
    {"no character is none", "[^\\w\\W]x", 1},
    {"a word has no edge inside", "a\\bb", 1},
    {"it has one at its end", "a\\b-", 0},
    {"and is no inside there", "a\\B-", 1},
    {"between marks there is no word's edge", "-\\b-", 1},
    {"a surrogate is in no text, which is not known here", "\\ud800", 0},
    {"empty text: start and end at once", "^$", 0},
    {"a loop that must go round over nothing possible", "(?:a^b)+", 1},
    {"a loop that need not", "(?:a^b)*c", 0},
    {"what backtracks is judged without look-around", "(?=x)a^b", 1},
    {"a look-ahead itself is not judged", "(?=x)y", 0},
    {"nor a back-reference", "(a)\\1", 0},
    {"something impossible beside a back-reference", "(a)\\1$b", 1},
    {"counted loops", "(?:ab){50}$x", 1},
};

static void test_never(void **state)
{
    (void)state;
    for_each_row(c, never_cases)
    {
        pattern *p = compile(c->source);

        expect_int(c->says, judge_never_holds(p), c->want);
        (void)pattern_unref(p);
    }
    end_rows();
}

static void test_literal_holds(void **state)
{
    pattern *p = NULL;

    (void)state;
    assert_int_equal(pattern_from_literal(STR("a^b"), 0, &p), 0);
    expect_int("a literal can always hold", judge_never_holds(p), 0);
    (void)pattern_unref(p);
    end_rows();
}

/* Random patterns against all texts of up to 5 characters out of three. */

static void put_random(buf *out, unsigned depth)
{
    static const char *const parts[] = {"a",   "-",   "\\n",       "^",      "$",    "\\b",
                                        "\\B", "\\Z", "(?m:^)",    "(?m:$)", "[a-]", "\\w",
                                        "\\W", "\\A", "[^\\w\\W]", "."};
    unsigned n = 1 + pick(4);

    for (unsigned i = 0; i < n; i++) {
        bool group = depth && pick(4) == 0;

        if (group) {
            buf_put_c(out, "(?:");
            put_random(out, depth - 1);
            buf_put_c(out, pick(2) ? "|" : "");
            put_random(out, depth - 1);
            buf_put_c(out, ")");
            buf_put_c(out, (const char *const[]){"", "?", "*", "+"}[pick(4)]);
        } else {
            buf_put_c(out, parts[pick(sizeof(parts) / sizeof(parts[0]))]);
        }
    }
}

static bool holds_somewhere(const pattern *p, matcher *m, char *text, size_t len, size_t most)
{
    static const char chars[] = "a-\n";

    matcher_new_event(m);
    if (pattern_holds(p, m, (str){text, len}) == 0)
        return true;
    for (unsigned i = 0; len < most && i < 3; i++) {
        text[len] = chars[i];
        if (holds_somewhere(p, m, text, len + 1, most))
            return true;
    }
    return false;
}

static void test_never_is_so(void **state)
{
    matcher *m = matcher_new(NULL);
    unsigned n_never = 0, n_doubtful = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        auto_free(buf) buf source = {0};
        char text[8];
        pattern *p = NULL;
        bool never, holds;

        put_random(&source, 2);
        buf_put_char(&source, '\0');
        p = compile(source.ptr);
        never = judge_never_holds(p);
        holds = holds_somewhere(p, m, text, 0, 5);
        n_never += never;
        n_doubtful += !never && !holds;
        if (never && holds)
            expect_int(source.ptr, holds, false);
        (void)pattern_unref(p);
    }
    expect_true("many never hold", n_never > 300);
    expect_true("of the others nearly all hold in a short text", n_doubtful < 30);
    (void)matcher_free(m);
    end_rows();
}

/* ---- growth ---- */

static const struct {
    const char *says, *source;
    int want;
    bool exponential;
    unsigned degree, column;
} growth_cases[] = {
    {"a linear pattern cannot explode, whatever it holds", "(a+)+$", 0, false, 0, 0},
    {"nor one with counted loops", "(?:a{1,9}){1,9}b", 0, false, 0, 0},
    {"a loop in a loop, where a look-ahead makes it backtrack", "(a+)+(?!b)", 1, true, 0, 1},
    {"the same behind something", "xy(?:a+)+(?!b)", 1, true, 0, 6},
    {"two branches that are one", "(?:a|a)*(?!b)", 1, true, 0, 4},
    {"two branches that share a character", "(?:\\w|\\d)*(?!b)", 1, true, 0, 4},
    {"two that share none", "(?:\\w|\\s)*(?!b)", 1, false, 2, 4},
    {"loops at both ends of a round", "(?:\\s*a\\s*)*(?!b)", 1, true, 0, 4},
    {"a round with a mark of its own", "(?:a+b)*(?!c)", 1, false, 2, 4},
    {"a possessive loop inside is left by one way", "(?:a++)+(?!b)", 1, false, 2, 4},
    {"an atomic one as well", "(?:(?>a+))+(?!b)", 1, false, 2, 4},
    {"but inside of it there are many", "(?>(a+)+b)", 1, true, 0, 4},
    {"and inside of a look-ahead", "x(?=(a+)+b)", 1, true, 0, 5},
    {"many rounds are as bad as endless ones", "(?:a{1,50}){1,50}(?!b)", 1, true, 0, 4},
    {"few are not", "(?:a{1,2}){1,2}(?!b)", 0, false, 0, 0},
    {"a choice within a round, told apart at once", "(?:ab|cd)*(?!e)", 0, false, 0, 0},
    {"a choice with a shared beginning is none", "(?:ab|ac)*(?!e)", 0, false, 0, 0},
    {"a choice that splits one text in two ways", "(?:a|b|ab)*(?!e)", 1, true, 0, 4},
    {"a back-reference backtracks", "(a*)*\\1", 1, true, 0, 1},
    {"one loop, from every start", "\\s+(?!b)", 1, false, 2, 1},
    {"one loop, from one start", "^\\s+(?!b)", 0, false, 0, 0},
    {"loops in a row that share their text", "^\\s*\\s*\\s*(?!b)", 1, false, 3, 2},
    {"loops in a row that share none", "^\\s*\\w*(?!b)", 0, false, 0, 0},
    {"loops that share what stands between them", "^.*x.*x.*(?!b)", 1, false, 3, 2},
    {"and those that cannot", "^[^x]*x[^x]*x(?!b)", 0, false, 0, 0},
    {"from every start, one more", ".*x.*x(?!b)", 1, false, 3, 1},
};

static void test_growth(void **state)
{
    (void)state;
    for_each_row(c, growth_cases)
    {
        pattern *p = compile(c->source);
        judged_growth got = {0};

        expect_int(c->says, judge_growth(p, &got), c->want);
        if (c->want) {
            expect_int(c->says, got.exponential, c->exponential);
            expect_int(c->says, got.exponential ? 0 : got.degree, c->degree);
            expect_int(c->says, got.column, c->column);
        }
        (void)pattern_unref(p);
    }
    end_rows();
}

/* A pattern that is told to explode does: it reaches its bound on a short text. */
static const struct {
    const char *says, *source, *piece;
    unsigned times;
    const char *end;
} exploding[] = {
    {"a loop in a loop", "(?:a+)+(?!.)x", "a", 30, "x"},
    {"two branches that are one", "(?:a|a)*(?!.)x", "a", 30, "x"},
    {"loops at both ends of a round", "(?:\\s*a\\s*)*(?!.)x", "a  ", 30, "x"},
    {"inside of an atomic group", "(?>(a+)+b)", "a", 30, "c ab"},
    {"loops in a row", "^\\s*\\s*\\s*\\s*(?!.)x", " ", 120, "x"},
};

static void test_explodes(void **state)
{
    matcher *m = matcher_new(NULL);

    (void)state;
    for_each_row(c, exploding)
    {
        auto_free(buf) buf text = {0};
        pattern *p = compile(c->source);
        judged_growth got;

        for (unsigned i = 0; i < c->times; i++)
            buf_put_c(&text, c->piece);
        buf_put_c(&text, c->end);
        matcher_new_event(m);
        expect_int(c->says, judge_growth(p, &got), 1);
        expect_int(c->says, pattern_holds(p, m, buf_str(&text)), TTP_E_LIMIT);
        (void)pattern_unref(p);
    }
    (void)matcher_free(m);
    end_rows();
}

/* ---- how often ---- */

static const struct {
    const char *says, *source;
    uint32_t least, most;
} rate_cases[] = {
    {"a rare word", "xmrig", 0, 50},
    {"a common one", "http", 500, 20000},
    {"a choice is as common as all its words together", "http|wget|curl", 1000, 25000},
    {"a mark that is everywhere", "\\S/\\S", 20000, 200000},
    {"the same mark where little may stand beside it", "#/#", 0, 2000},
    {"a mark between two sets", "[#~]/[#~]", 0, 2000},
    {"at the text's start it costs nothing", "^/", 0, 0},
    {"at its end as well", "e$", 0, 0},
    {"no atom, no rate", "\\d+", 0, 0},
};

static void test_rate(void **state)
{
    (void)state;
    for_each_row(c, rate_cases)
    {
        pattern *p = compile(c->source);
        str text = STR_NULL;
        uint32_t rate = judge_atom_rate(p, &text);

        if (rate < c->least || rate > c->most)
            expect_int(c->says, rate, c->least);
        expect_true(c->says, rate == 0 || text.len);
        (void)pattern_unref(p);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never),       cmocka_unit_test(test_literal_holds),
        cmocka_unit_test(test_never_is_so), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_explodes),    cmocka_unit_test(test_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
