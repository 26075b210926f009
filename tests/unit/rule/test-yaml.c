/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/yaml.h"

#include "base/limits.h"

#include "../unit.h"

#include <locale.h>
#include <stdlib.h>

static const struct {
    const char *says;
    const char *text; /* of the one scalar of the document */
    const char *want; /* as JSON */
} scalar_cases[] = {
    {"nothing is null", "", "null"},
    {"a tilde is null", "~", "null"},
    {"null", "NULL", "null"},
    {"a quoted null is text", "'null'", "\"null\""},
    {"an empty quoted text", "\"\"", "\"\""},
    {"true", "True", "true"},
    {"false", "false", "false"},
    {"yes is text", "yes", "\"yes\""},
    {"an integer", "4000", "4000"},
    {"a signed integer", "+7", "7"},
    {"zero", "0", "0"},
    {"minus zero is an integer", "-0", "0"},
    {"the least integer", "-9223372036854775808", "-9223372036854775808"},
    {"one less is a double", "-9223372036854775809", "-9.223372036854776e+18"},
    {"the greatest unsigned integer", "18446744073709551615", "18446744073709551615"},
    {"one more is a double", "18446744073709551616", "1.8446744073709552e+19"},
    {"hexadecimal", "0x1F", "31"},
    {"negative hexadecimal", "-0xff", "-255"},
    {"hexadecimal without digits is text", "0x", "\"0x\""},
    {"octal", "0755", "493"},
    {"no octal digit: text", "08", "\"08\""},
    {"binary", "0b101", "5"},
    {"underscores", "1_000_000", "1000000"},
    {"an underscore in front is text", "_1", "\"_1\""},
    {"a fraction", "0.85", "0.85"},
    {"a fraction without a leading digit", ".5", "0.5"},
    {"a fraction without a following digit", "5.", "5.0"},
    {"a point alone is text", ".", "\".\""},
    {"an exponent as JSON has it", "1e3", "1000.0"},
    {"an exponent without digits is text", "1.e+", "\"1.e+\""},
    {"beyond all doubles is text", "1e999", "\"1e999\""},
    {"infinity is text", ".inf", "\".inf\""},
    {"base 60 is text", "12:30:45", "\"12:30:45\""},
    {"a date is text", "2026-07-10", "\"2026-07-10\""},
    {"an address is text", "192.0.2.1", "\"192.0.2.1\""},
    {"a quoted number is text", "\"5\"", "\"5\""},
    {"a tagged number is text", "!!str 5", "\"5\""},
    {"a text tagged as a number is one", "!!int \"5\"", "5"},
    {"escapes", "\"\\x41\\u00e9\\U0001f600\\0\"", "\"A\xC3\xA9\xF0\x9F\x98\x80\\u0000\""},
    {"all escapes", "\"\\a\\b\\t\\n\\v\\f\\r\\e\\ \\\"\\/\\\\\\N\\_\\L\\P\"",
     "\"\\u0007\\b\\t\\n\\u000b\\f\\r\\u001b \\\"/\\\\\xC2\x85\xC2\xA0\\u2028\\u2029\""},
    {"an escaped backslash before an escaped line end", "\"a\\\\\\\n  s+\"", "\"a\\\\s+\""},
    {"an escaped line end keeps blanks before it", "\"a \\\n  b\"", "\"a b\""},
    {"an escaped blank begins a line", "\"a\\\n  \\  b\"", "\"a  b\""},
    {"empty lines behind an escaped line end", "\"a\\\n\n\n  b\"", "\"a\\n\\nb\""},
    {"quoted lines are folded", "\"a \t\n  b\n\n\n c  d\"", "\"a b\\n\\nc  d\""},
    {"so are single-quoted ones", "'it''s \\n\n  b\r\n\r\n c'", "\"it's \\\\n b\\nc\""},
    {"a literal block", "|\n  a\n   b\n", "\"a\\n b\\n\""},
    {"a folded block", ">-\n  a\n  b\n", "\"a b\""},
    {"text over two lines", "a\n  b", "\"a b\""},
};

static void check_scalar(const char *says, const char *text, const char *want)
{
    const yaml_node *root = NULL;
    const json_node *value;
    arena a = {0};
    buf out = {0};
    ttp_err err = {0};

    expect_int(says, yaml_parse(str_from(text), "x", &a, &root, &err), 0);
    value = root ? yaml_to_json(root, &a) : NULL;
    if (value)
        json_write(&out, value);
    expect_str(says, buf_str(&out), want);
    buf_done(&out);
    arena_done(&a);
}

static void test_scalars(void **state)
{
    (void)state;
    for_each_row(c, scalar_cases) check_scalar(c->says, c->text, c->want);
    end_rows();
}

static void test_other_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        print_message("SKIP: locale de_DE.UTF-8 is not installed\n");
    check_scalar("a locale with a decimal comma changes nothing", "0.85", "0.85");
    (void)setlocale(LC_NUMERIC, "C");
    end_rows();
}

static const struct {
    const char *says, *text;
    bool is_bool, want;
} bool_cases[] = {
    {"true", "true", true, true},
    {"yes", "yes", true, true},
    {"On", "On", true, true},
    {"FALSE", "FALSE", true, false},
    {"no", "No", true, false},
    {"off", "OFF", true, false},
    {"y is none", "y", false, false},
    {"1 is none", "1", false, false},
    {"a quoted one", "'yes'", false, false},
    {"null", "", false, false},
    {"a list", "[yes]", false, false},
};

static void test_bools(void **state)
{
    (void)state;
    for_each_row(c, bool_cases)
    {
        const yaml_node *root = NULL;
        arena a = {0};
        bool got = false;

        expect_int(c->says, yaml_parse(str_from(c->text), "x", &a, &root, NULL), 0);
        expect_int(c->says, root && yaml_bool(root, &got), c->is_bool);
        expect_int(c->says, got, c->want);
        arena_done(&a);
    }
    end_rows();
}

static const struct {
    const char *says, *text, *want;
} tree_cases[] = {
    {"a list", "- 1\n- [a, ~]\n-\n", "[1,[\"a\",null],null]"},
    {"a mapping", "b: 1\na: {c: x}\n", "{\"b\":1,\"a\":{\"c\":\"x\"}}"},
    {"JSON", "{\"a\": [1, 2.5, true, null, \"x\\n\"], \"b\": {}}",
     "{\"a\":[1,2.5,true,null,\"x\\n\"],\"b\":{}}"},
    {"a key that is a number", "1: x", "{\"1\":\"x\"}"},
    {"plain text ends before blanks, a comment and a line end", "a: b c \t # d\r\ne: f:g#h \n",
     "{\"a\":\"b c\",\"e\":\"f:g#h\"}"},
    {"plain text on several lines is folded", "a: b\n  c\n\n  d\n", "{\"a\":\"b c\\nd\"}"},
    {"an alias is a copy", "a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n",
     "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":[{\"b\":[1]},{\"b\":[1]}]}"},
    {"an anchor may be given anew", "[&a 1, *a, &a 2, *a]", "[1,1,2,2]"},
    {"own keys win over merged ones", "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n",
     "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"y\":3,\"x\":1}}"},
    {"earlier merged mappings win", "{<<: [{x: 1}, {x: 2, y: 3}], z: 4}",
     "{\"z\":4,\"x\":1,\"y\":3}"},
    {"a quoted << is a key", "{\"<<\": 1}", "{\"<<\":1}"},
};

static void test_trees(void **state)
{
    (void)state;
    for_each_row(c, tree_cases) check_scalar(c->says, c->text, c->want);
    end_rows();
}

/* "[[[...]]]" */
static char *nested(unsigned depth)
{
    char *text = calloc(1, 2 * depth + 1);

    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

/* "[" + n times "x," + "]": n + 1 nodes */
static char *wide(unsigned n)
{
    char *text = malloc(2 * n + 3), *p = text;

    assert_non_null(text);
    *p++ = '[';
    for (unsigned i = 0; i < n; i++) {
        *p++ = 'x';
        *p++ = ',';
    }
    *p++ = ']';
    *p = '\0';
    return text;
}

static char *anchors(unsigned n)
{
    char *text = malloc(12 * n + 3), *p = text;

    assert_non_null(text);
    *p++ = '[';
    for (unsigned i = 0; i < n; i++)
        p += snprintf(p, 13, "&a%u x,", i);
    *p++ = ']';
    *p = '\0';
    return text;
}

/* A mapping that merges one of n - 1 keys and has one of its own. */
static char *merged(unsigned n)
{
    char *text = malloc(12 * n + 64), *p = text;

    assert_non_null(text);
    p += snprintf(p, 32, "{own: 1, <<: {");
    for (unsigned i = 0; i < n - 1; i++)
        p += snprintf(p, 13, "k%u: ,", i);
    (void)snprintf(p, 3, "}}");
    return text;
}

/* "a" and n line ends */
static char *blank(unsigned n)
{
    char *text = calloc(1, n + 2);

    assert_non_null(text);
    memset(text, '\n', n + 1);
    text[0] = 'a';
    return text;
}

/* A directive of n characters that the parser passes over, and a document. */
static char *directive(unsigned n)
{
    char *text = calloc(1, n + 8);

    assert_non_null(text);
    (void)snprintf(text, n + 8, "%%YAML 1.1 #%*s\n---\n", (int)n - 11, "x");
    return text;
}

static const struct {
    const char *says;
    char *(*make)(unsigned n);
    unsigned n;
    int want;
} limit_cases[] = {
    {"as deep as allowed", nested, RULE_YAML_DEPTH_MAX, 0},
    {"one deeper", nested, RULE_YAML_DEPTH_MAX + 1, TTP_E_LIMIT},
    {"much deeper", nested, 200000, TTP_E_LIMIT},
    {"as many nodes as allowed", wide, RULE_YAML_NODES_MAX - 1, 0},
    {"one node more", wide, RULE_YAML_NODES_MAX, TTP_E_LIMIT},
    {"as many anchors as allowed", anchors, RULE_YAML_ANCHORS_MAX, 0},
    {"one anchor more", anchors, RULE_YAML_ANCHORS_MAX + 1, TTP_E_LIMIT},
    {"as many blanks in a row as allowed", blank, RULE_YAML_BLANK_MAX, 0},
    {"one blank more", blank, RULE_YAML_BLANK_MAX + 1, TTP_E_LIMIT},
    {"a directive as long as allowed", directive, RULE_YAML_DIRECTIVE_MAX, 0},
    {"a directive one character longer", directive, RULE_YAML_DIRECTIVE_MAX + 1, TTP_E_LIMIT},
    {"as many merged keys as allowed", merged, RULE_YAML_MERGE_MAX, 0},
    {"one merged key more", merged, RULE_YAML_MERGE_MAX + 1, TTP_E_LIMIT},
};

static void test_limits(void **state)
{
    (void)state;
    for_each_row(c, limit_cases)
    {
        const yaml_node *root;
        char *text = c->make(c->n);
        arena a = {0};

        expect_int(c->says, yaml_parse(str_from(text), "x", &a, &root, NULL), c->want);
        arena_done(&a);
        free(text);
    }
    end_rows();
}

static void test_deep_alias(void **state)
{
    const yaml_node *root;
    arena a = {0};
    char text[256] = "{a: &a ";
    char *inner = nested(RULE_YAML_DEPTH_MAX / 2);
    size_t len = strlen(text);

    (void)state;
    (void)snprintf(text + len, sizeof(text) - len, "%s, b: %.*s*a%.*s}", inner,
                   RULE_YAML_DEPTH_MAX / 2, inner, RULE_YAML_DEPTH_MAX / 2,
                   inner + RULE_YAML_DEPTH_MAX / 2);
    expect_int("an alias counts with its depth", yaml_parse(str_from(text), "x", &a, &root, NULL),
               TTP_E_LIMIT);
    arena_done(&a);
    free(inner);
    end_rows();
}

static const struct {
    const char *says, *text;
    int want;
    unsigned line, column; /* of the error */
} tab_cases[] = {
    {"a tab behind a colon in a key", "? a:\t-", TTP_E_SYNTAX, 1, 4},
    {"a tab behind blanks, lines below", "x: 1\n\xC3\xA9: {? ? b: \t|}\n", TTP_E_SYNTAX, 2, 10},
    {"a key that begins on a line of its own", "?\n  a:\t>", TTP_E_SYNTAX, 2, 4},
    {"what only looks like it, in a text", "a: 'who ? b:\tc'", TTP_E_SYNTAX, 1, 12},
    {"a tab behind a colon without such a key", "a:\tb\nc: 'why? d:\te'", 0, 0, 0},
    {"a shell's last status and a header", "a: '[ $? -eq 0 ]'\nb: 'Host:\tx'", 0, 0, 0},
    {"such a key without a tab behind a colon", "? a\n: b\nc: 'd\te'", 0, 0, 0},
    {"the tab before the key", "a:\tb\n? c\n: d", 0, 0, 0},
};

/* Two of them ended the program: the parser freed a key twice. */
static void test_tabs(void **state)
{
    (void)state;
    for_each_row(c, tab_cases)
    {
        const yaml_node *root;
        ttp_err err = {0};
        arena a = {0};

        expect_int(c->says, yaml_parse(str_from(c->text), "x", &a, &root, &err), c->want);
        expect_int(c->says, err.line, c->line);
        expect_int(c->says, err.column, c->column);
        arena_done(&a);
    }
    end_rows();
}

/* Text is checked in steps of eight bytes: wherever in them a run of blanks begins and ends. */
static void test_blanks_anywhere(void **state)
{
    char text[RULE_YAML_BLANK_MAX + 64];

    (void)state;
    for (unsigned before = 1; before <= 17; before++) {
        for (unsigned n = RULE_YAML_BLANK_MAX - 8; n <= RULE_YAML_BLANK_MAX + 1; n++) {
            unsigned len = before + n;
            const yaml_node *root;
            ttp_err err = {0};
            arena a = {0};

            memset(text, 'x', before);
            memset(text + before, ' ', n);
            memcpy(text + len, "y\x01", 3);
            expect_int("refused for blanks, or for what follows",
                       yaml_parse(str_from(text), "x", &a, &root, &err),
                       n > RULE_YAML_BLANK_MAX ? TTP_E_LIMIT : TTP_E_SYNTAX);
            expect_int("where it is", err.column,
                       n > RULE_YAML_BLANK_MAX ? before + RULE_YAML_BLANK_MAX + 1 : len + 2);
            arena_done(&a);
        }
    }
    end_rows();
}

/* Every byte is looked at, wherever it stands in a step. */
static void test_bytes_anywhere(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 256; byte++) {
        bool allowed = (byte >= ' ' && byte < 0x7f) || byte == '\t' || byte == '\n' || byte == '\r';

        for (unsigned at = 1; at < 20; at++) {
            char text[] = "'xxxxxxxxxxxxxxxxxxxxxxxx";
            const yaml_node *root;
            ttp_err err = {0};
            arena a = {0};

            text[at] = (char)byte;
            expect_int("a text without an end, or a byte",
                       yaml_parse(str_from(text), "x", &a, &root, &err), TTP_E_SYNTAX);
            expect_true("told from each other",
                        allowed == !(err.column == at + 1 &&
                                     (strstr(err.text, "control") || strstr(err.text, "UTF-8"))));
            arena_done(&a);
        }
    }
    end_rows();
}

static void test_places(void **state)
{
    const yaml_node *root = NULL, *item;
    arena a = {0};

    (void)state;
    expect_int("parses", yaml_parse(STR("\xC3\xA9: x\nb: {c: [1, \"q\"]}\n"), "x", &a, &root, NULL),
               0);
    assert_non_null(root);
    expect_int("columns count characters", root->pairs[0].value->column, 4);
    item = yaml_get(yaml_get(root, STR("b")), STR("c"));
    assert_non_null(item);
    expect_int("a list's line", item->line, 2);
    expect_int("a list's column", item->column, 8);
    expect_int("a quoted text begins at its quote", item->items[1]->column, 12);
    expect_int("nodes, keys included", root->n_nodes, 9);
    expect_int("height", root->height, 3);
    expect_true("no such key", !yaml_get(root, STR("nope")));
    expect_true("a list has no keys", !yaml_get(item, STR("c")));
    arena_done(&a);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),         cmocka_unit_test(test_other_locale),
        cmocka_unit_test(test_bools),           cmocka_unit_test(test_trees),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_deep_alias),
        cmocka_unit_test(test_places),          cmocka_unit_test(test_tabs),
        cmocka_unit_test(test_blanks_anywhere), cmocka_unit_test(test_bytes_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
