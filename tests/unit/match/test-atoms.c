/* SPDX-License-Identifier: Apache-2.0 */
#include "match/atoms.h"

#include "match/matcher.h"
#include "match/pattern_internal.h"

#include "../pick.h"
#include "../unit.h"

#include <stdlib.h>
#include <time.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* ---- which ones ---- */

static const struct {
    const char *says, *source;
    atom_place place;
    const char *atoms[6]; /* in any order; none: NULL comes first */
} regex_cases[] = {
    {"a literal is its own atom", "wget", ATOM_ANYWHERE, {"wget"}},
    {"canonical: in lower case", "WGet", ATOM_ANYWHERE, {"wget"}},
    {"and with (?i) the same", "(?i)WGet", ATOM_ANYWHERE, {"wget"}},
    {"the Kelvin sign is a k",
     "\xE2\x84\xAA"
     "ill",
     ATOM_ANYWHERE,
     {"kill"}},
    {"a choice gives one for each", "curl|wget", ATOM_ANYWHERE, {"curl", "wget"}},
    {"a choice that can be empty gives none", "curl|", ATOM_ANYWHERE, {NULL}},
    {"a choice with an unknown branch gives none", "curl|\\d", ATOM_ANYWHERE, {NULL}},
    {"a choice in a sequence multiplies", "/(?:a|b)x", ATOM_ANYWHERE, {"/ax", "/bx"}},
    {"a small set is a choice", "x[yz]", ATOM_ANYWHERE, {"xy", "xz"}},
    {"both cases of a letter are one", "[Ww]get", ATOM_ANYWHERE, {"wget"}},
    {"a large set is not", "[a-z]", ATOM_ANYWHERE, {NULL}},
    {"nor a negated one", "[^a]", ATOM_ANYWHERE, {NULL}},
    {"nor classes", "\\w+\\s*\\d?", ATOM_ANYWHERE, {NULL}},
    {"the rarer of two parts", "in\\d+xz@q", ATOM_ANYWHERE, {"xz@q"}},
    {"whichever comes first", "xz@q\\d+in", ATOM_ANYWHERE, {"xz@q"}},
    {"an option may not be there", "wg(?:zzzz)?et", ATOM_ANYWHERE, {"wgzzzzet", "wget"}},
    {"a loop may not be there", "in(?:zzzz)*", ATOM_ANYWHERE, {"in"}},
    {"a loop of one or more is there once", "(?:zq)+", ATOM_ANYWHERE, {"zq"}},
    {"a fixed number of times", "(?:zq){3}", ATOM_ANYWHERE, {"zqzqzq"}},
    {"at least that number of times", "(?:zq){2,}", ATOM_ANYWHERE, {"zqzq"}},
    {"no time at all", "a(?:zq){0}b", ATOM_ANYWHERE, {"ab"}},
    {"groups are looked into", "(w)(?P<x>ge)(?:t)", ATOM_ANYWHERE, {"wget"}},
    {"and atomic ones", "(?>wg)et", ATOM_ANYWHERE, {"wget"}},
    {"what stands ahead stands in the text", "\\w(?=xz@q)", ATOM_ANYWHERE, {"xz@q"}},
    {"what stands behind, too", "(?<=xz@q)\\w", ATOM_ANYWHERE, {"xz@q"}},
    {"what must not stand there gives none", "\\w(?!xz@q)", ATOM_ANYWHERE, {NULL}},
    {"a back-reference is unknown", "(\\w)\\1", ATOM_ANYWHERE, {NULL}},
    {"a condition is unknown", "(z)?(?(1)aaaa|bbbb)", ATOM_ANYWHERE, {NULL}},
    {"assertions take no room", "\\bwg\\Bet\\b", ATOM_ANYWHERE, {"wget"}},
    {"at the start", "^wget", ATOM_AT_START, {"wget"}},
    {"at the start with \\A", "\\A(?:wget|curl)", ATOM_AT_START, {"wget", "curl"}},
    {"not where lines start", "(?m)^wget", ATOM_ANYWHERE, {"wget"}},
    {"not where the start is a choice", "(?:^|x)wget", ATOM_ANYWHERE, {"wget", "xwget"}},
    {"at the end", "wget$", ATOM_AT_END, {"wget"}},
    {"at the end with \\Z", "(wget\\Z)", ATOM_AT_END, {"wget"}},
    {"not where lines end", "(?m)wget$", ATOM_ANYWHERE, {"wget"}},
    {"not where the end is an option", "wget(?:$)?", ATOM_ANYWHERE, {"wget"}},
    {"anchored, but it starts with what is unknown", "^\\w+xz@q", ATOM_ANYWHERE, {"xz@q"}},
    {"the empty expression has none", "", ATOM_ANYWHERE, {NULL}},
    {"an anchor alone has none", "^$", ATOM_ANYWHERE, {NULL}},
};

static bool has_atom(const atom_set *set, str text)
{
    for (uint32_t i = 0; set && i < set->n_texts; i++) {
        if (str_eq(set->texts[i], text))
            return true;
    }
    return false;
}

static void test_regex(void **state)
{
    (void)state;
    for_each_row(c, regex_cases)
    {
        pattern *p = NULL;
        const atom_set *got;
        unsigned n = 0;

        assert_int_equal(pattern_from_regex(str_from(c->source), 0, &p, NULL), 0);
        got = pattern_get_atoms(p);
        for (; n < LENGTH(c->atoms) && c->atoms[n]; n++)
            expect_true(c->says, has_atom(got, str_from(c->atoms[n])));
        expect_int(c->says, got ? got->n_texts : 0, n);
        expect_int(c->says, got ? got->place : ATOM_ANYWHERE, c->place);
        for (uint32_t i = 0; got && i < got->n_texts; i++) {
            if (i >= n || !has_atom(got, str_from(c->atoms[i])))
                print_error("  %s: has %.*s\n", c->source, STR_ARG(got->texts[i]));
        }
        pattern_unref(p);
    }
    end_rows();
}

static const struct {
    const char *says;
    str text;
    bool at_start, at_end;
    atom_place place;
    str atom; /* STR_NULL: none */
} literal_cases[] = {
    {"the literal, canonical", STR("WGet"), false, false, ATOM_ANYWHERE, STR("wget")},
    {"at the start", STR("a"), true, false, ATOM_AT_START, STR("a")},
    {"at the end", STR("a"), false, true, ATOM_AT_END, STR("a")},
    {"both: looked for at the start", STR("a"), true, true, ATOM_AT_START, STR("a")},
    {"the empty literal has none", STR(""), true, true, ATOM_ANYWHERE, STR_NULL},
    {"NULs belong to it", STR("\0A\0"), false, false, ATOM_ANYWHERE, STR("\0a\0")},
    {"long s is an s", STR("\xC5\xBF"), false, false, ATOM_ANYWHERE, STR("s")},
};

static void test_literal(void **state)
{
    (void)state;
    for_each_row(c, literal_cases)
    {
        atom_set *set = NULL;

        expect_int(c->says, atoms_from_literal(c->text, false, c->at_start, c->at_end, &set), 0);
        expect_int(c->says, set ? set->n_texts : 0, c->atom.ptr ? 1 : 0);
        if (set) {
            expect_int(c->says, set->place, c->place);
            expect_true(c->says, str_eq(set->texts[0], c->atom));
        }
        atoms_free(set);
    }
    end_rows();
}

/* ---- what finding them may cost ---- */

#define TENFOLD(s) s s s s s s s s s s
#define LONG_LITERAL TENFOLD(TENFOLD("abcdefghi"))

static const struct {
    const char *says, *before, *part;
} cost_cases[] = {
    {"a long literal", "", "abcdefg"},
    {"in any case", "(?i)", "abcdefg"},
    {"many groups", "", "(abc)"},
    {"many choices", "", "(?:ab|cd)"},
    {"many unknown parts", "", "ab\\d"},
    {"many unknown parts behind a long literal", LONG_LITERAL, "\\d"},
    {"many options behind a long literal", LONG_LITERAL, "x?"},
    {"a long literal behind choices", "(?:a|b|c|d)(?:a|b|c|d)", "abcdefg"},
};

static void test_cost(void **state)
{
    (void)state;
    for_each_row(c, cost_cases)
    {
        auto_free(buf) buf source = {0};
        clock_t start = clock();

        buf_put_c(&source, c->before);
        while (source.len < 15000)
            buf_put_c(&source, c->part);
        for (unsigned i = 0; i < 8; i++) {
            pattern *p = NULL;

            expect_int(c->says, pattern_from_regex(buf_str(&source), 0, &p, NULL), 0);
            expect_true(c->says, p && pattern_has_atom(p));
            pattern_unref(p);
        }
        /* a hundred times what it takes, and still less than what a square of the length would */
        expect_true(c->says, (clock() - start) / CLOCKS_PER_SEC < 5);
    }
    end_rows();
}

/* ---- rarity and windows ---- */

static const struct {
    const char *says, *common, *rare;
} rarity_cases[] = {
    {"longer is rarer", "et", "eta"},
    {"but no more than a window counts", "    ", "   e"},
    {"odd letters are rare", "sand", "jazz"},
    {"paths are everywhere", "/bin", "lump"},
    {"what every other command holds is common", "wget", "gpet"},
};

static void test_rarity(void **state)
{
    (void)state;
    for_each_row(c, rarity_cases)
        expect_true(c->says, atom_rarity(str_from(c->common)) < atom_rarity(str_from(c->rare)));
    expect_int("the rarest window, inside", atom_window(STR("    jqxz    "), 4), 4);
    expect_int("the whole text is a window", atom_window(STR("abcd"), 4), 0);
    expect_int("the last window", atom_window(STR("eeeeeeejqxz"), 4), 7);
    expect_int("at the end", atom_window(STR("  ejq"), 2), 3);
    end_rows();
}

/* ---- what every text that holds must have ---- */

static const char *const letters[] = {
    "a", "b", "A", "k", "K", "s", "\n", "\0", "\xE2\x84\xAA", "\xC5\xBF", "\xC3\x9F", "x"};

static void put_letters(buf *b, unsigned n)
{
    while (n--) {
        const char *letter = letters[pick(LENGTH(letters))];

        buf_put(b, letter, *letter ? strlen(letter) : 1);
    }
}

static void put_regex(buf *b, unsigned depth)
{
    static const char *const parts[] = {
        "^",       "$",       "\\Z",  "\\b",     ".",      "a?",     "k+",     "[kK]",   "[^a]",
        "s{2,3}",  "\\w",     "x{0}", "(?:ab|)", "(?=k)",  "(?!a)",  "(?:b)",  "(?<=b)", "(?>a|b)",
        "(?i:sK)", "[ab]{2}", "x*?",  "b{1,}",   "(a)\\1", "[a-c]k", "(?:$|b)"};
    static const char *const ends[] = {")", ")", ")?", ")+", "){2}", ")*", "){1,2}"};

    for (unsigned n = 1 + pick(4); n; n--) {
        if (depth && pick(4) == 0) {
            buf_put_c(b, "(?:");
            put_regex(b, depth - 1);
            if (pick(2)) {
                buf_put_char(b, '|');
                put_regex(b, depth - 1);
            }
            buf_put_c(b, ends[pick(LENGTH(ends))]);
        } else if (pick(2)) {
            put_letters(b, 1 + pick(3));
        } else {
            buf_put_c(b, parts[pick(LENGTH(parts))]);
        }
    }
}

static bool stands(const atom_set *set, str canonical)
{
    bool newline = canonical.len && canonical.ptr[canonical.len - 1] == '\n';
    str shorter = {canonical.ptr, canonical.len - newline};

    for (uint32_t i = 0; i < set->n_texts; i++) {
        str atom = set->texts[i];

        if (set->place == ATOM_AT_START ? str_starts(canonical, atom)
            : set->place == ATOM_AT_END ? str_ends(canonical, atom) || str_ends(shorter, atom)
                                        : str_find(canonical, atom) != NULL)
            return true;
    }
    return false;
}

static void show(const char *what, str s)
{
    print_error("  %s \"", what);
    for (size_t i = 0; i < s.len; i++)
        print_error((unsigned char)s.ptr[i] - 0x20u < 0x5Fu ? "%c" : "\\x%02x",
                    (unsigned char)s.ptr[i]);
    print_error("\"\n");
}

static void check_texts(pattern *p, matcher *m, unsigned *n_held)
{
    for (unsigned i = 0; i < 60; i++) {
        auto_free(buf) buf text = {0}, canonical = {0};

        put_letters(&text, pick(12));
        if (pattern_holds(p, m, buf_str(&text)) != 0)
            continue;
        ++*n_held;
        atoms_put_canonical(&canonical, buf_str(&text));
        if (stands(pattern_get_atoms(p), buf_str(&canonical)))
            continue;
        expect_true("a text that holds has one of the atoms", false);
        show("pattern", pattern_source(p));
        show("text   ", buf_str(&text));
    }
}

static void test_property(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL);
    unsigned n_held = 0, n_with_atoms = 0;

    (void)state;
    for (unsigned round = 0; round < 6000; round++) {
        auto_free(buf) buf source = {0};
        pattern *p = NULL;
        int rc;

        buf_put_c(&source, pick(4) ? "" : "(?i)");
        put_regex(&source, 2);
        rc = pattern_from_regex(buf_str(&source), pick(4) ? 0 : PATTERN_IGNORE_CASE, &p, NULL);
        assert_true(rc == 0 || rc == TTP_E_SYNTAX); /* "x*?" behind a repeat is none */
        matcher_new_event(m);
        if (p && pattern_has_atom(p)) {
            n_with_atoms++;
            check_texts(p, m, &n_held);
        }
        pattern_unref(p);
    }
    expect_true("many patterns have atoms", n_with_atoms > 2000);
    expect_true("many texts hold", n_held > 5000);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regex),  cmocka_unit_test(test_literal),  cmocka_unit_test(test_cost),
        cmocka_unit_test(test_rarity), cmocka_unit_test(test_property),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
