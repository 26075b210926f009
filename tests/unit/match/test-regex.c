/* SPDX-License-Identifier: Apache-2.0 */
#include "match/regex.h"

#include "../tag/alloc.h"
#include "../unit.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "match/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A tree on one line, so that rows can say what they want. */
static void show(buf *out, const regex_node *node);

static void show_kids(buf *out, const regex_node *node)
{
    for (uint32_t i = 0; i < node->n_kids; i++) {
        buf_put_char(out, ' ');
        show(out, node->kids[i]);
    }
    buf_put_char(out, ')');
}

static void show_set(buf *out, const regex_node *node)
{
    buf_put_c(out, node->negated ? "[^" : "[");
    for (uint32_t i = 0; i < node->n_ranges; i++)
        buf_printf(out, "%s%x-%x", i ? " " : "", node->ranges[i].lo, node->ranges[i].hi);
    if (node->categories)
        buf_printf(out, " cat%x", node->categories);
    buf_put_char(out, ']');
}

static void show_max(buf *out, uint32_t max)
{
    if (max == REGEX_INFINITE)
        buf_put_c(out, "inf");
    else
        buf_put_u64(out, max);
}

static void show(buf *out, const regex_node *node)
{
    static const char *const asserts[] = {"\\A", "^m",  "\\Z",  "$",   "$m",
                                          "\\b", "\\B", "\\ba", "\\Ba"};
    static const char *const greed[] = {"", "?", "+"};

    switch (node->type) {
    case REGEX_EMPTY:
        buf_put_c(out, "empty");
        break;
    case REGEX_CHAR:
        buf_printf(out, node->cp > 0x20 && node->cp < 0x7F ? "%c" : "u%x", (int)node->cp);
        buf_put_c(out, node->fold ? "~" : "");
        break;
    case REGEX_SET:
        show_set(out, node);
        break;
    case REGEX_CAT:
        buf_put_c(out, "(cat");
        show_kids(out, node);
        break;
    case REGEX_ALT:
        buf_put_c(out, "(alt");
        show_kids(out, node);
        break;
    case REGEX_REPEAT:
        buf_printf(out, "(rep%s %u ", greed[node->greed], node->min);
        show_max(out, node->max);
        show_kids(out, node);
        break;
    case REGEX_GROUP:
        buf_printf(out, "(group%u", node->group);
        show_kids(out, node);
        break;
    case REGEX_ASSERT:
        buf_put_c(out, asserts[node->assert_type]);
        break;
    case REGEX_LOOK:
        buf_printf(out, "(%s%s%u", node->negated ? "not-" : "", node->behind ? "behind" : "ahead",
                   node->min);
        show_kids(out, node);
        break;
    case REGEX_BACKREF:
        buf_printf(out, "ref%u%s", node->group, node->fold ? "~" : "");
        break;
    case REGEX_COND:
        buf_printf(out, "(if%u", node->group);
        show_kids(out, node);
        break;
    case REGEX_ATOMIC:
        buf_put_c(out, "(atomic");
        show_kids(out, node);
        break;
    }
}

static const struct {
    const char *says, *source, *want;
    bool ignore_case;
    bool backtracks;
} trees[] = {
    {"nothing is the empty string", "", "empty", false, false},
    {"letters stand for themselves", "ab", "(cat a b)", false, false},
    {"case is ignored where a character has one", "a1", "(cat a~ 1)", true, false},
    {"a flag at the start holds for all", "(?i)a|b", "(alt a~ b~)", false, false},
    {"a flag holds in its group", "(?i:a)b", "(cat a~ b)", false, false},
    {"a flag is taken away in its group", "(?-i:a)b", "(cat a b~)", true, false},
    {"(?a) folds ASCII letters alone", "(?ai)k\u00e9", "(cat [4b-4b 6b-6b] ue9)", false, false},
    {"the dot is anything but newline", ".", "[^a-a]", false, false},
    {"the dot under (?s) is anything", "(?s).", "[^]", false, false},
    {"^ and $ are of the text", "^$", "(cat \\A $)", false, false},
    {"^ and $ are of lines under (?m)", "(?m)^$", "(cat ^m $m)", false, false},
    {"\\A and \\Z know no lines", "(?m)\\A\\Z", "(cat \\A \\Z)", false, false},
    {"word borders know (?a)", "\\b\\B(?a:\\b\\B)", "(cat \\b \\B \\ba \\Ba)", false, false},
    {"classes are bits", "\\w\\D", "(cat [ cat1] [ cat8])", false, false},
    {"classes under (?a) are ranges", "(?a)\\d\\s", "(cat [30-39] [9-d 20-20])", false, false},
    {"ranges of a set are sorted and joined", "[x-za-cb-ed]", "[61-65 78-7a]", false, false},
    {"a set of one character is that", "[a]", "a", false, false},
    {"a set is closed under case", "[k-m]", "[4b-4d 6b-6d 212a-212a]", true, false},
    {"a negated set is closed, too", "[^s]", "[^53-53 73-73 17f-17f]", true, false},
    {"a large range is closed", "[a-\\uffff]", "[41-5a 61-ffff]", true, false},
    {"] first stands for itself", "[]a]", "[5d-5d 61-61]", false, false},
    {"^] keeps ] in the set", "[^]a]", "[^5d-5d 61-61]", false, false},
    {"a hyphen at the edge stands for itself", "[-a][a-]", "(cat [2d-2d 61-61] [2d-2d 61-61])",
     false, false},
    {"\\b in a set is backspace", "[\\b]", "u8", false, false},
    {"[ in a set stands for itself", "[[]", "[", false, false},
    {"escapes name characters", "\\x41\\u00e9\\U0001F600\\0\\101\\07\\n\\.",
     "(cat A ue9 u1f600 u0 A u7 ua .)", false, false},
    {"two digits refer, three octal ones name", "(a)\\1\\141", "(cat (group1 a) ref1 a)", false,
     true},
    {"repeats have their greed", "a*b+?c?+d{2,3}",
     "(cat (rep 0 inf a) (rep? 1 inf b) (rep+ 0 1 c) (rep 2 3 d))", false, true},
    {"counts may leave out an end", "a{2,}b{,3}c{4}", "(cat (rep 2 inf a) (rep 0 3 b) (rep 4 4 c))",
     false, false},
    {"{,} is a star", "a{,}", "(rep 0 inf a)", false, false},
    {"once is no repeat", "a{1}", "a", false, false},
    {"braces that are no count stand for themselves", "a{}{x}{1,", "(cat a { } { x } { 1 ,)", false,
     false},
    {"groups are numbered", "(a)(?:b)(?P<n>c)", "(cat (group1 a) b (group2 c))", false, false},
    {"sequences within sequences dissolve", "a(?:bc)d", "(cat a b c d)", false, false},
    {"a repeated group stays whole", "(?:ab)*", "(rep 0 inf (cat a b))", false, false},
    {"look-around has a width behind", "(?=a)(?!b)(?<=cd)(?<!e)",
     "(cat (ahead0 a) (not-ahead0 b) (behind2 (cat c d)) (not-behind1 e))", false, true},
    {"a reference by name", "(?P<q>[\"'])x(?P=q)", "(cat (group1 [22-22 27-27]) x ref1)", false,
     true},
    {"a reference to what has case is folded", "(?i)(a)\\1", "(cat (group1 a~) ref1~)", false,
     true},
    {"a reference to what has no case is not", "(?i)(['\"])\\1",
     "(cat (group1 [22-22 27-27]) ref1)", false, true},
    {"a condition has two branches", "(a)?(?(1)b|c)", "(cat (rep 0 1 (group1 a)) (if1 b c))", false,
     true},
    {"a condition may lack the second", "(?(1)b)(a)", "(cat (if1 b empty) (group1 a))", false,
     true},
    {"atomic groups", "(?>ab)", "(atomic (cat a b))", false, true},
    {"comments leave nothing", "a(?#x\\))*b", "(cat (rep 0 inf a) b)", false, false},
    {"verbose mode drops blanks and comments", "(?x) a b # c\n [ ] \\  *",
     "(cat a b u20 (rep 0 inf u20))", false, false},
    {"a backslash and a newline do not end a comment", "(?x)a# b\\\nc\nd", "(cat a d)", false,
     false},
    {"verbose in a group alone", "(?x: a ) b", "(cat a u20 b)", false, false},
};

static void test_trees(void **state)
{
    (void)state;
    for_each_row(c, trees)
    {
        auto_free(buf) buf got = {0};
        auto_free(arena) arena a = {0};
        regex re = {0};
        ttp_err err = {0};
        int rc = regex_read(str_from(c->source), c->ignore_case, &a, &re, &err);

        expect_int(c->says, rc, 0);
        if (rc) {
            print_error("  %s\n", err.text);
            continue;
        }
        show(&got, re.root);
        expect_str(c->says, buf_str(&got), c->want);
        expect_int(c->says, re.backtracks, c->backtracks);
    }
    end_rows();
}

static const struct {
    const char *says, *source;
    int want;
    unsigned column;
    const char *text; /* a part of the message */
} refusals[] = {
    {"a lone backslash at the end", "ab\\", TTP_E_SYNTAX, 3, "backslash"},
    {"a group without end", "a(b", TTP_E_SYNTAX, 2, "expected )"},
    {"an end without group", "a)b", TTP_E_SYNTAX, 2, "opening"},
    {"a set without end", "a[b", TTP_E_SYNTAX, 2, "expected ]"},
    {"a star first", "*a", TTP_E_SYNTAX, 1, "nothing to repeat"},
    {"a star after an assertion", "^*", TTP_E_SYNTAX, 2, "nothing to repeat"},
    {"a repeat of a repeat", "a**", TTP_E_SYNTAX, 3, "repeat of a repeat"},
    {"a repeat of a lazy repeat", "a*?*", TTP_E_SYNTAX, 4, "repeat of a repeat"},
    {"columns are characters", "\u00e9\u00e9[", TTP_E_SYNTAX, 3, "expected ]"},
    {"a range that runs backwards", "[z-a]", TTP_E_SYNTAX, 2, "backwards"},
    {"a range from a class", "[\\d-z]", TTP_E_SYNTAX, 2, "class"},
    {"counts that run backwards", "a{3,2}", TTP_E_SYNTAX, 2, "backwards"},
    {"a count beyond bounds", "a{4294967295}", TTP_E_SYNTAX, 2, "too large"},
    {"an escape that is none", "\\q", TTP_E_SYNTAX, 1, "no escape"},
    {"\\z is Perl's", "a\\z", TTP_E_SYNTAX, 2, "\\Z"},
    {"a short hexadecimal escape", "\\x4", TTP_E_SYNTAX, 1, "incomplete"},
    {"a character beyond Unicode", "\\U00110000", TTP_E_SYNTAX, 1, "no such character"},
    {"a large octal escape", "\\400", TTP_E_SYNTAX, 1, "\\377"},
    {"a reference to no group", "\\1", TTP_E_SYNTAX, 1, "no group 1"},
    {"a reference to an open group", "(a\\1)", TTP_E_SYNTAX, 3, "open"},
    {"an unknown name", "(?P=n)", TTP_E_SYNTAX, 5, "no group \"n\""},
    {"a name that begins with a digit", "(?P<1a>b)", TTP_E_SYNTAX, 5, "cannot name"},
    {"a name without end", "(?P<n", TTP_E_SYNTAX, 5, "no end"},
    {"no name", "(?P<>a)", TTP_E_SYNTAX, 5, "missing"},
    {"a name twice", "(?P<n>a)(?P<n>b)", TTP_E_SYNTAX, 9, "taken"},
    {"an unknown extension", "(?<n>a)", TTP_E_SYNTAX, 1, "(?P<name>"},
    {"flags in the middle", "a(?i)b", TTP_E_SYNTAX, 2, "start"},
    {"an unknown flag", "(?iq)a", TTP_E_SYNTAX, 4, "no flag"},
    {"what begins like no group", "(?q)a", TTP_E_SYNTAX, 1, "cannot begin"},
    {"the flag L", "(?L)a", TTP_E_SYNTAX, 3, "bytes"},
    {"the flags a and u together", "(?au:b)", TTP_E_SYNTAX, 4, "exclude"},
    {"the flag a turned off", "(?-a:b)", TTP_E_SYNTAX, 4, "turned off"},
    {"a flag on and off", "(?i-i:b)", TTP_E_SYNTAX, 1, "on and off"},
    {"a look-behind of varying length", "(?<=a+)b", TTP_E_SYNTAX, 1, "same length"},
    {"a look-behind into itself", "(?<=(a)\\1)", TTP_E_SYNTAX, 8, "same look-behind"},
    {"a third branch", "(a)(?(1)b|c|d)", TTP_E_SYNTAX, 12, "third"},
    {"a condition on no group", "(?(2)a)(b)", TTP_E_SYNTAX, 4, "no group 2"},
    {"a condition on group 0", "(?(0)a)", TTP_E_SYNTAX, 4, "group 0"},
    {"a comment without end", "a(?#b", TTP_E_SYNTAX, 2, "comment"},
    {"a character by name", "\\N{DASH}", TTP_E_UNSUPPORTED, 1, "not supported"},
    {"a folded reference under (?a)", "(?ai)(a)\\1", TTP_E_UNSUPPORTED, 9, "not supported"},
    {"a count that explodes", "(?:a{1000}){1000}", TTP_E_LIMIT, 12, "explodes"},
    {"empty groups that explode", "(?:(?:){1000}){1000}", TTP_E_LIMIT, 15, "explodes"},
    {"hostile text in a message is escaped", "(?P<\x1b[0m>a)", TTP_E_SYNTAX, 5, "\\x1b[0m"},
};

static void test_refusals(void **state)
{
    (void)state;
    for_each_row(c, refusals)
    {
        auto_free(arena) arena a = {0};
        regex re;
        ttp_err err = {0};

        expect_int(c->says, regex_read(str_from(c->source), false, &a, &re, &err), c->want);
        expect_int(c->says, err.column, c->column);
        if (!strstr(err.text, c->text))
            expect_c(c->says, err.text, c->text);
        expect_int(c->says, regex_read(str_from(c->source), false, &a, &re, NULL), c->want);
    }
    end_rows();
}

static int read_bounds(const char *before, size_t n, const char *repeated, const char *after)
{
    auto_free(buf) buf source = {0};
    auto_free(arena) arena a = {0};
    regex re;

    buf_put_c(&source, before);
    for (size_t i = 0; i < n; i++)
        buf_put_c(&source, repeated);
    buf_put_c(&source, after);
    for (size_t i = 0; i < n && repeated[0] == '('; i++)
        buf_put_char(&source, ')');
    return regex_read(buf_str(&source), true, &a, &re, NULL);
}

static const struct {
    const char *says, *before;
    size_t n;
    const char *repeated, *after;
    int want;
} bounds[] = {
    {"a source of the greatest length", "", REGEX_SOURCE_MAX, "a", "", 0},
    {"one byte more", "", REGEX_SOURCE_MAX + 1, "a", "", TTP_E_LIMIT},
    {"groups of the greatest depth", "", REGEX_DEPTH_MAX, "(", "", 0},
    {"one group more", "", REGEX_DEPTH_MAX + 1, "(", "", TTP_E_LIMIT},
    {"unnumbered groups one too deep", "", REGEX_DEPTH_MAX + 1, "(?:", "a", TTP_E_LIMIT},
    {"a repeat of the greatest size", "a{19999}", 0, "", "", 0},
    {"one step more", "a{20000}", 0, "", "", TTP_E_LIMIT},
};

static void test_bounds(void **state)
{
    (void)state;
    for_each_row(c, bounds)
        expect_int(c->says, read_bounds(c->before, c->n, c->repeated, c->after), c->want);
    end_rows();
}

/* A short set whose other cases lie far and wide. */
#define SPREAD "[\xc7\xb7-\xce\xa9]"

static void test_ranges_bound(void **state)
{
    auto_free(arena) arena a = {0};
    regex re;
    uint32_t n_sets;

    (void)state;
    assert_int_equal(regex_read(STR(SPREAD), true, &a, &re, NULL), 0);
    assert_int_equal(re.root->type, REGEX_SET);
    n_sets = REGEX_RANGES_MAX / re.root->n_ranges;
    assert_true((n_sets + 1) * (sizeof(SPREAD) - 1) <= REGEX_SOURCE_MAX);
    assert_int_equal(read_bounds("", n_sets, SPREAD, ""), 0);
    assert_int_equal(read_bounds("", n_sets + 1, SPREAD, ""), TTP_E_LIMIT);
}

static void test_names(void **state)
{
    auto_free(arena) arena a = {0};
    regex re;

    (void)state;
    assert_int_equal(
        regex_read(STR("(a)(?P<user>b)(?:c)(?P<\xc3\xa9t\xc3\xa9>d)"), false, &a, &re, NULL), 0);
    assert_int_equal(re.n_groups, 3);
    assert_null(re.group_names[0].ptr);
    assert_null(re.group_names[1].ptr);
    expect_str("a name", re.group_names[2], "user");
    expect_str("a name with accents", re.group_names[3], "\xc3\xa9t\xc3\xa9");
    end_rows();
}

static const struct {
    const char *says, *source;
    bool ignore_case;
} sets[] = {
    {"an ASCII range", "[a-f]", false},
    {"folded", "[a-s]", true},
    {"negated and folded", "[^\\u0100-\\u024f]", true},
    {"classes", "[\\w\\s]", false},
    {"negated classes", "[^\\d\\-]", false},
    {"classes with ranges", "[\\Wa-f\\u0660-\\u0665]", true},
    {"not space", "\\S", false},
    {"many ranges", "[acegikmoqsuwy\\u3000-\\u4000]", true},
    {"everything", "(?s).", false},
    {"across the surrogates", "[\\ud000-\\ue100]", false},
    {"all of them folded", "[\\u0041-\\U0010ffff]", true},
};

static void check_set(const char *says, const regex_node *set, pcre2_code *code)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    unsigned n_wrong = 0;

    for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++) {
        PCRE2_UCHAR text[4];
        int rc;

        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        rc = pcre2_match(code, text, utf8_encode(cp, (char *)text), 0, PCRE2_NO_UTF_CHECK, match,
                         NULL);
        n_wrong += regex_set_has(set, cp) != (rc > 0);
    }
    expect_int(says, n_wrong, 0);
    pcre2_match_data_free(match);
}

/* What a set holds and what its PCRE2 form takes, over all characters. */
static void test_sets(void **state)
{
    (void)state;
    for_each_row(c, sets)
    {
        auto_free(buf) buf form = {0};
        auto_free(arena) arena a = {0};
        regex re = {0};
        pcre2_code *code;
        int error;
        size_t offset;

        expect_int(c->says, regex_read(str_from(c->source), c->ignore_case, &a, &re, NULL), 0);
        expect_int(c->says, re.root->type, REGEX_SET);
        expect_int(c->says, regex_to_pcre2(&re, &form, NULL), 0);
        code = pcre2_compile((PCRE2_SPTR)form.ptr, form.len, PCRE2_UTF | PCRE2_UCP, &error, &offset,
                             NULL);
        expect_true(c->says, code != NULL);
        if (code)
            check_set(c->says, re.root, code);
        pcre2_code_free(code);
    }
    end_rows();
}

static const struct {
    const char *says, *source, *want;
} forms[] = {
    {"letters and signs", "a/\\-\\ \\x00\xc3\xa9", "(?=)a\\/\\-\\x{20}\\x{0}\xc3\xa9"},
    {"case is written out", "(?i)ks", "(?=)[k\xe2\x84\xaaK][s\xc5\xbfS]"},
    {"the end before a newline", "a$", "(?=)a(?=\\n?\\z)"},
    {"the very end", "a\\Z", "(?=)a\\z"},
    {"lines", "(?m)^a$", "(?=)(?<![^\\n])a(?![^\\n])"},
    {"the dot", ".(?s:.)", "(?=)[^\\x{a}]\\p{Any}"},
    {"no word border in the empty text", "\\B", "(?=)\\B(?!\\A\\z)"},
    {"references are delimited", "(a)\\1(?:1)", "(?=)(a)\\g{1}1"},
    {"a surrogate matches nothing", "\\ud800[\\udfff]", "(?=)\\P{Any}\\P{Any}"},
    {"alternatives", "a|b", "(?=)(?:a|b)"},
    {"a possessive group is an atomic one", "(a)*+", "(*NO_AUTO_POSSESS)(?=)(?>(a)*)"},
    {"a look-behind shows one length", "(?<=(?:\\b)?a)", "(?=)(?<=(?:\\b|)a)"},
    {"a group that a look-behind refers to shows one length", "(a(?:\\b)?)(?<=\\1)",
     "(?=)(a(?:\\b|))(?<=\\g{1})"},
    {"so does a group that such a group refers to", "((?:\\b)?a)(\\1)(?<=\\2)",
     "(?=)((?:\\b|)a)(\\g{1})(?<=\\g{2})"},
    {"a group that another look refers to does not", "((?:\\b)?a)(?=\\1)",
     "(?=)((?:\\b)?a)(?=\\g{1})"},
};

static void test_forms(void **state)
{
    (void)state;
    for_each_row(c, forms)
    {
        auto_free(buf) buf form = {0};
        auto_free(arena) arena a = {0};
        regex re = {0};

        expect_int(c->says, regex_read(str_from(c->source), false, &a, &re, NULL), 0);
        expect_int(c->says, regex_to_pcre2(&re, &form, NULL), 0);
        expect_str(c->says, buf_str(&form), c->want);
    }
    end_rows();
}

static void test_pcre2_refusals(void **state)
{
    auto_free(buf) buf form = {0};
    auto_free(arena) arena a = {0};
    regex re;
    ttp_err err = {0};

    (void)state;
    assert_int_equal(regex_read(STR("(a{10000})(?<=\\1{7})"), false, &a, &re, NULL), 0);
    assert_int_equal(regex_to_pcre2(&re, &form, &err), TTP_E_UNSUPPORTED);
    assert_int_equal(err.column, 11);
    assert_int_equal(regex_read(STR("(?:){0}a{0,19990}"), false, &a, &re, NULL), 0);
    assert_int_equal(regex_to_pcre2(&re, &form, &err), 0);
}

/* Reads and writes with only n allocations; true: there were enough. */
static bool survives(long n)
{
    auto_free(buf) buf form = {0};
    auto_free(arena) arena a = {0};
    regex re;
    int rc;

    fail_allocations_after(n);
    rc = regex_read(STR("(?i)(?P<n>[a-z]\\w|b*)(?(n)c|(d)(?<=\\2))(?P=n)"), false, &a, &re, NULL);
    if (!rc)
        rc = regex_to_pcre2(&re, &form, NULL);
    fail_allocations_after(-1);
    if (rc)
        expect_int("what fails is memory", rc, -ENOMEM);
    return rc == 0;
}

static void test_no_memory(void **state)
{
    long n = 0;

    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot fail under this sanitizer\n");
        skip();
    }
    while (!survives(n) && n < 1000)
        n++;
    expect_true("some allocations were made to fail", n >= 4 && n < 1000);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bounds),    cmocka_unit_test(test_ranges_bound),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_sets),
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_pcre2_refusals),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
