/* SPDX-License-Identifier: Apache-2.0 */
#include "match/atoms.h"
#include "match/matcher.h"
#include "match/pattern_internal.h"
#include "match/table.h"

#include "../unit.h"

/* ---- what may stand around the first atom ---- */

static const struct {
    const char *says, *source;
    bool decides;
    bool ignore_case;
    /* bytes that may stand there (^ is the text's edge) and some that may not */
    const char *before, *not_before, *after, *not_after;
} context_cases[] = {
    {"a word's edges", "\\bqq\\b", true, true, "^ -\n", "a0_", "^ -.", "az9_"},
    {"inside a word", "\\Bqq\\B", true, true, "a0_", "^ -", "k_", "^ ."},
    {"a word's edge beside what is no word", "\\b--\\B", true, true, "a_", "^ -", "^ -", "a"},
    {"white space", "\\s+qq\\s", true, true, " \t\n", "^a", " \n", "^b"},
    {"white space that need not be there", "\\s*qq", true, true, "^a ", "", "^a ", ""},
    {"a choice with the start", "(^|/)qq", true, true, "^/", "a \n", "^a", ""},
    {"where lines start and end", "(?m)^qq$", true, true, "^\n", "a ", "^\n", "a "},
    {"a loop that may be empty, before it", "\\sz*qq", false, true, " z", "^aq", "^a", ""},
    {"sets look through case", "[^A]qq[B-D]", true, true, "bz ", "^a", "bcd", "^a "},
    {"with case, letters decide, too", "\\bqq\\b", true, false, "^ ", "a", "^ ", "a"},
    {"what is wider than one character does not", "\\s{2}qq", false, true, " ", "^a", "^a", ""},
    {"a final newline does not", "qq$", false, true, "^a", "", "^\n", "a "},
    {"ahead, anything", "qq(?=x)", false, true, "^a", "", "^a", ""},
    {"a loop goes on with its own", " [0-1]{7,13}", false, true, "^a", "", "01", "^ 2"},
};

static void expect_side(const char *says, const context_side *side, const char *bytes, bool want)
{
    for (; *bytes; bytes++) {
        unsigned c = *bytes == '^' ? SIDE_EDGE : (unsigned char)*bytes;

        expect_int(says, side_has(side, c), want);
    }
    expect_true(says, side_has(side, SIDE_OTHER));
}

static void test_contexts(void **state)
{
    (void)state;
    for_each_row(c, context_cases)
    {
        pattern *p = NULL;
        const atom_set *atoms;
        atom_context context = {context_any, context_any};

        assert_int_equal(pattern_from_regex(str_from(c->source),
                                            c->ignore_case ? PATTERN_IGNORE_CASE : 0, &p, NULL),
                         0);
        atoms = pattern_get_atoms(p);
        assert_non_null(atoms);
        if (atoms->contexts)
            context = atoms->contexts[0];
        expect_int(c->says, atoms->decides, c->decides);
        expect_side(c->says, &context.before, c->before, true);
        expect_side(c->says, &context.before, c->not_before, false);
        expect_side(c->says, &context.after, c->after, true);
        expect_side(c->says, &context.after, c->not_after, false);
        pattern_unref(p);
    }
    end_rows();
}

/* ---- the table against each pattern alone, on random patterns and texts ---- */

static const char *const pattern_parts[] = {
    "a",          "k",
    "s",          "-",
    "/",          " ",
    "\\b",        "\\B",
    "\\s+",       "\\w",
    "[ab]",       "[^k]",
    "(^|/)",      "(?:a|b|)",
    "^",          "$",
    "\\Z",        "(?m:^)",
    "(?m:$)",     "x?",
    "(ab)?",      "a*",
    "[0-9]{2,3}", "(?:-x|\\by)",
    "\xC5\xBF",   "\xE2\x84\xAA",
    "\xC3\xA9",   ".",
    "(?=a)",      "(?<=b)",
    "(?!a)",      "(?:ab){2}",
    "(?a:\\b)",   "(\\b|s)",
    "\\n",        "b+",
    "(?:a|kk)+?", "0",
};

static const char *const text_parts[] = {
    "a",
    "b",
    "k",
    "s",
    "K",
    "S",
    "A",
    "-",
    "/",
    " ",
    "x",
    "y",
    "0",
    "1",
    "\n",
    "\xC5\xBF",
    "\xE2\x84\xAA",
    "\xC3\xA9",
    "ab",
    "kk",
    "_",
    "\xC4\xB0",
    "\xC4\xB1",
    "i",
};

static uint32_t next_random(uint32_t *seed, size_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (uint32_t)((*seed >> 8) % n);
}

static void put_parts(buf *b, uint32_t *seed, const char *const *parts, size_t n_parts, size_t n)
{
    buf_clear(b);
    while (n-- > 0)
        buf_put_c(b, parts[next_random(seed, n_parts)]);
}

#define N_PATTERNS 40

static void count_hit(void *ctx, uint32_t index)
{
    ((uint8_t *)ctx)[index]++;
}

static size_t make_patterns(uint32_t *seed, pattern **patterns)
{
    auto_free(buf) buf b = {0};
    size_t n = 0;

    for (unsigned i = 0; i < N_PATTERNS; i++) {
        put_parts(&b, seed, pattern_parts, sizeof(pattern_parts) / sizeof(*pattern_parts),
                  1 + next_random(seed, 6));
        n += pattern_from_regex(buf_str(&b), next_random(seed, 2), &patterns[n], NULL) == 0;
    }
    return n;
}

static void test_table(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);
    auto_free(buf) buf text = {0};
    uint32_t seed = 1;
    size_t n_held = 0;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        auto_free(pattern_table) pattern_table *t = NULL;
        pattern *patterns[N_PATTERNS];
        size_t n = make_patterns(&seed, patterns);

        assert_int_equal(pattern_table_new(patterns, n, &t), 0);
        for (unsigned k = 0; k < 40; k++) {
            uint8_t hits[N_PATTERNS] = {0};

            put_parts(&text, &seed, text_parts, sizeof(text_parts) / sizeof(*text_parts),
                      next_random(&seed, 14));
            matcher_new_event(m);
            assert_int_equal(pattern_table_scan(t, m, buf_str(&text), count_hit, NULL, hits), 0);
            for (size_t i = 0; i < n; i++) {
                int held = pattern_holds(patterns[i], m, buf_str(&text)) == 0;

                n_held += (size_t)held;
                if (hits[i] != held)
                    print_error("  /%.*s/ on {%.*s}\n", STR_ARG(pattern_source(patterns[i])),
                                STR_ARG(buf_str(&text)));
                expect_int("the table says what the pattern says", hits[i], held);
            }
        }
        for (size_t i = 0; i < n; i++)
            pattern_unref(patterns[i]);
    }
    expect_true("many held", n_held > 1000);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
