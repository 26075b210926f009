/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/limits.h"

#include "../unit.h"

static const struct {
    const char *says;
    str text;
    int want;
    unsigned want_notes;
    const char *want_json; /* written back */
} parse_cases[] = {
    {"an object is read", STR("{\"a\": [1, \"x\"], \"b\": null}"), 0, 0,
     "{\"a\":[1,\"x\"],\"b\":null}"},
    {"white space around a value", STR(" \n[true,false]\t "), 0, 0, "[true,false]"},
    {"empty containers", STR("{\"a\":{},\"b\":[]}"), 0, 0, "{\"a\":{},\"b\":[]}"},
    {"the numbers", STR("[0,-1,9223372036854775807,18446744073709551615,1.5,1e3]"), 0, 0,
     "[0,-1,9223372036854775807,18446744073709551615,1.5,1000.0]"},
    {"an integer beyond 64 bits reads as a double", STR("[123456789012345678901234567890]"), 0, 0,
     "[1.2345678901234568e+29]"},
    {"a fraction of many digits is left alone",
     STR("[0.12345678901234567890123, 99999999999999999999]"), 0, 0, "[0.12345678901234568,1e+20]"},
    {"a bad byte leaves integers of 64 bits what they are",
     STR("[\"\xFF\",1234567890123456789,9223372036854775807,18446744073709551615,"
         "-9223372036854775808]"),
     0, JSON_BAD_UTF8,
     "[\"\xEF\xBF\xBD\",1234567890123456789,9223372036854775807,18446744073709551615,"
     "-9223372036854775808]"},
    {"the first ones beyond 64 bits read as doubles",
     STR("[\"\xFF\",18446744073709551616,-9223372036854775809,-10000000000000000000]"), 0,
     JSON_BAD_UTF8, "[\"\xEF\xBF\xBD\",1.8446744073709552e+19,-9.223372036854776e+18,-1e+19]"},
    {"an escape for NUL is kept and noted", STR("[\"a\\u0000b\"]"), 0, JSON_NUL_CHAR,
     "[\"a\\u0000b\"]"},
    {"an escaped backslash before u0000 is no NUL", STR("[\"a\\\\u0000b\"]"), 0, 0,
     "[\"a\\\\u0000b\"]"},
    {"a surrogate pair is one character", STR("[\"\\ud83d\\ude00\"]"), 0, 0,
     "[\"\xF0\x9F\x98\x80\"]"},
    {"a lone high surrogate reads as U+FFFD", STR("[\"\\ud800x\"]"), 0, JSON_LONE_SURROGATE,
     "[\"\xEF\xBF\xBDx\"]"},
    {"a lone low surrogate reads as U+FFFD", STR("[\"\\udfff\"]"), 0, JSON_LONE_SURROGATE,
     "[\"\xEF\xBF\xBD\"]"},
    {"two high ones and a low one: the first is alone", STR("[\"\\ud83d\\ud83d\\ude00\"]"), 0,
     JSON_LONE_SURROGATE, "[\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"]"},
    {"each bad byte reads as U+FFFD", STR("[\"a\xFF\xC3\"]"), 0, JSON_BAD_UTF8,
     "[\"a\xEF\xBF\xBD\xEF\xBF\xBD\"]"},
    {"a key that stands twice is noted", STR("{\"a\":1,\"b\":2,\"a\":3}"), 0, JSON_DUPLICATE_KEY,
     "{\"a\":1,\"b\":2,\"a\":3}"},
    {"the same key in two objects is none", STR("[{\"a\":1},{\"a\":{\"a\":2}}]"), 0, 0,
     "[{\"a\":1},{\"a\":{\"a\":2}}]"},
    {"a key like a value before it is none", STR("{\"a\":\"b\",\"b\":\"a\"}"), 0, 0,
     "{\"a\":\"b\",\"b\":\"a\"}"},
    {"garbage behind an object", STR("{\"a\":1} x"), TTP_E_SYNTAX, 0, NULL},
    {"two objects", STR("{} {}"), TTP_E_SYNTAX, 0, NULL},
    {"NaN", STR("[NaN]"), TTP_E_SYNTAX, 0, NULL},
    {"Infinity", STR("[-Infinity]"), TTP_E_SYNTAX, 0, NULL},
    {"a number too large for a double", STR("[1e999]"), TTP_E_SYNTAX, 0, NULL},
    {"nothing", STR(""), TTP_E_SYNTAX, 0, NULL},
    {"half an object", STR("{\"a\": \"x"), TTP_E_SYNTAX, 0, NULL},
    {"a raw control character in a string", STR("[\"a\nb\"]"), TTP_E_SYNTAX, 0, NULL},
    {"an unknown escape", STR("[\"\\x\"]"), TTP_E_SYNTAX, 0, NULL},
    {"an unknown escape beside a bad byte", STR("[\"\\\xFF\"]"), TTP_E_SYNTAX, 0, NULL},
};

static void test_parse(void **state)
{
    json_doc *doc = json_doc_new();

    (void)state;
    for_each_row(c, parse_cases)
    {
        const json_node *root = NULL;
        unsigned notes = 0;
        ttp_err err = {0};
        buf out = {0};

        expect_int(c->says, json_parse_copy(doc, c->text, 1 << 20, &root, &notes, &err), c->want);
        expect_int(c->says, notes, c->want_notes);
        if (c->want_json && root) {
            json_write(&out, root);
            expect_str(c->says, buf_str(&out), c->want_json);
        } else if (c->want) {
            expect_int(c->says, err.code, c->want);
            expect_true(c->says, err.text[0] != '\0');
        }
        buf_done(&out);
    }
    json_doc_free(doc);
    end_rows();
}

static const struct {
    const char *says;
    const char *text;
} flat_cases[] = {
    {"scalars of all kinds", "{\"a\":1,\"b\":18446744073709551615,\"c\":1.5,\"d\":true,\"e\":false,"
                             "\"f\":null,\"g\":\"x\\u0000y\",\"h\":-1}"},
    {"no member", "{}"},
    {"arrays between scalars", "{\"a\":[1,[\"x\",[]],null],\"b\":[],\"c\":\"d\"}"},
    {"an array of numbers that look like an object's begin",
     "{\"a\":[8863084066665136127,1e200],\"b\":2}"},
    {"objects within", "{\"a\":{\"b\":{}},\"c\":[{\"d\":1}],\"e\":2}"},
    {"a key twice", "{\"a\":1,\"bcdefghijklmnopq\":[2],\"a\":3}"},
    {"a key twice in an object within", "{\"a\":[{\"b\":1,\"b\":2}]}"},
    {"a key twice behind an array", "{\"a\":[\"b\",\"c\"],\"a\":1}"},
    {"text to repair", "{\"a\":\"\xFF\",\"b\":\"\\ud800\",\"c\":99999999999999999999}"},
    {"numbers at the edge of the plain ones",
     "{\"a\":999999999999999,\"b\":-9999999999999999,\"c\":0.1,\"d\":-0.0,\"e\":-0,\"f\":12.50,"
     "\"g\":1234567890123.45,\"h\":0.123456789012345678,\"i\":1e2,\"j\":0}"},
    {"a leading zero", "{\"a\":012}"},
    {"no digit behind the point", "{\"a\":1.}"},
    {"a word that is none", "{\"a\":nulL}"},
    {"two words", "{\"a\":true false}"},
    {"text behind a string", "{\"a\":\"b\"c}"},
    {"strings side by side", "{\"a\":\"b\"\"c\"}"},
    {"no comma", "{\"a\":1 \"b\":2}"},
    {"a comma too many", "{\"a\":1,}"},
    {"a comma too many in an array", "{\"a\":[1,]}"},
    {"no colon", "{\"a\",1}"},
    {"a number as key", "{1:2}"},
    {"text behind the object", "{\"a\":1}}"},
    {"white space everywhere", " {\t\"a\" :\n[ 1 , \"b\" ] ,\r\"c\" : null } "},
    {"no object", "[{\"a\":1}]"},
    {"a bad number within an array", "{\"a\":[1,01]}"},
    {"an unknown escape within an array", "{\"a\":[\"\\q\"]}"},
    {"an array that is cut off", "{\"a\":[1,"},
    {"all escapes", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"b\":\"x\\u0041\\u00e9\\u20aCy\"}"},
    {"a backslash before the quote that closes", "{\"a\":\"b\\\\\",\"c\":\"\\\\\\\"\"}"},
    {"an escaped quote that looks like the end", "{\"a\":\"b\\\",\"}"},
    {"an unknown escape", "{\"a\":\"\\x41\"}"},
    {"too few hexadecimal digits", "{\"a\":\"\\u12\"}"},
    {"hexadecimal digits that are none", "{\"a\":\"\\u12g4\"}"},
    {"a pair of surrogates", "{\"a\":\"\\ud83d\\ude00\",\"b\":\"\\n\"}"},
    {"half a pair", "{\"a\":\"\\n\\ude00\"}"},
    {"an escape in a key", "{\"a\\n\":1,\"\\u0062\":2,\"b\":3}"},
    {"a key of 32 bytes", "{\"abcdefghijklmnopqrstuvwxyz012345\":1,\"b\":2}"},
    {"a key of 31 bytes", "{\"abcdefghijklmnopqrstuvwxyz01234\":1,\"b\":2}"},
    {"a key of 16 bytes", "{\"abcdefghijklmnop\":1,\"abcdefghijklmno\":2}"},
    {"an empty key", "{\"\":1,\"a\":2,\"\":3}"},
};

static uint16_t name_nothing(str key)
{
    (void)key;
    return JSON_NAME_NONE;
}

static bool same_or_closed(const json_node *whole, const json_node *flat)
{
    if (flat->type == JSON_ARRAY && flat->n_nodes == 1)
        return whole->type == JSON_ARRAY && whole->len == flat->len;
    return json_equal(whole, flat);
}

static bool same_members(const json_node *whole, const json_node *flat)
{
    const json_node *w = whole + 1, *f = flat + 1;

    if (whole->type != JSON_OBJECT || flat->type != JSON_OBJECT)
        return json_equal(whole, flat);
    for (uint32_t i = 0; i < whole->len; i++) {
        if (!json_equal(w, f) || !same_or_closed(w + 1, f + 1))
            return false;
        w = json_next(w + 1);
        f = json_next(f + 1);
    }
    return whole->len == flat->len && f == json_next(flat);
}

/* Whatever the whole parse says the flat one says, too. */
static void test_flat(void **state)
{
    json_doc *a = json_doc_new(), *b = json_doc_new();
    auto_free(arena) arena mem = {0};

    (void)state;
    for_each_row(c, flat_cases)
    {
        const json_node *whole = NULL, *flat = NULL;
        unsigned whole_notes = 0, flat_notes = 0;
        char padded[512 + JSON_PADDING] = {0};
        str text = {padded, strlen(c->text)};
        int rc;

        memcpy(padded, c->text, text.len);
        rc = json_parse(a, text, &whole, &whole_notes, NULL);
        expect_int(c->says, json_parse_into(b, text, name_nothing, &mem, &flat, &flat_notes, NULL),
                   rc);
        expect_int(c->says, flat_notes, whole_notes);
        if (rc == 0 && flat)
            expect_true(c->says, same_members(whole, flat));
    }
    json_doc_free(a);
    json_doc_free(b);
    end_rows();
}

/* b and payload are wanted, b by the name of 7 */
static uint16_t name_few(str key)
{
    if (str_eq(key, STR("kind")))
        return JSON_NAME_KIND;
    if (str_eq(key, STR("b")))
        return 7;
    return str_eq(key, STR("payload")) ? JSON_NAME_NONE : JSON_NAME_DROP;
}

static const struct {
    const char *says, *text, *want; /* members that are left, the names of their keys before them */
    int want_rc;
    unsigned want_notes;
} named_cases[] = {
    {"only what is wanted", "{\"a\":1,\"b\":\"x\",\"c\":[2],\"payload\":3}", "7b\"x\"0payload3", 0,
     0},
    {"the same again", "{\"a\":1,\"b\":\"x\",\"c\":[2],\"payload\":3}", "7b\"x\"0payload3", 0, 0},
    {"the same in another order", "{\"payload\":\"\\t\",\"b\":null}", "0payload\"\\t\"7bnull", 0,
     0},
    {"what is left out twice is told", "{\"a\":1,\"b\":4,\"a\":2}", "7b4", 0, JSON_DUPLICATE_KEY},
    {"a kind", "{\"kind\":\"cowrie.one\",\"b\":4}", "1kind\"cowrie.one\"7b4", 0, 0},
    {"another kind", "{\"kind\":\"cowrie.two\",\"a\":4,\"b\":5}", "1kind\"cowrie.two\"7b5", 0, 0},
    {"the first kind with other keys", "{\"kind\":\"cowrie.one\",\"kind\":\"x\",\"b\":4}",
     "1kind\"cowrie.one\"1kind\"x\"7b4", 0, JSON_DUPLICATE_KEY},
    {"the first kind once more", "{\"kind\":\"cowrie.one\",\"b\":[]}", "1kind\"cowrie.one\"7b[]", 0,
     0},
    {"a kind that is no text", "{\"kind\":3,\"b\":4}", "1kind37b4", 0, 0},
    {"nothing wanted", "{\"a\":1,\"c\":2}", "", 0, 0},
    {"what is left out is checked: a number", "{\"a\":01,\"b\":4}", "", TTP_E_SYNTAX, 0},
    {"what is left out is checked: an escape", "{\"a\":\"\\q\",\"b\":4}", "", TTP_E_SYNTAX, 0},
};

static void write_named(buf *b, const json_node *root)
{
    for (const json_node *n = root + 1; n < json_next(root); n = json_next(n + 1)) {
        buf_put_u64(b, n->name);
        buf_put_str(b, json_str(n));
        json_write(b, n + 1);
    }
}

static void test_named(void **state)
{
    json_doc *doc = json_doc_new();
    auto_free(arena) arena mem = {0};
    auto_free(buf) buf got = {0};

    (void)state;
    for_each_row(c, named_cases)
    {
        const json_node *root = NULL;
        unsigned notes = 0;
        char padded[512 + JSON_PADDING] = {0};
        str text = {padded, strlen(c->text)};

        memcpy(padded, c->text, text.len);
        buf_clear(&got);
        expect_int(c->says, json_parse_into(doc, text, name_few, &mem, &root, &notes, NULL),
                   c->want_rc);
        if (root)
            write_named(&got, root);
        expect_str(c->says, buf_str(&got), c->want);
        expect_int(c->says, notes, c->want_notes);
    }
    json_doc_free(doc);
    end_rows();
}

/* Lines of one text, read in a run: what each comes to. */
static const struct {
    const char *says, *text, *want;
} run_cases[] = {
    {"two lines", "{\"b\":1}\n{\"b\":2}", "7b1;7b2;"},
    {"white space and an empty line", " {\"b\":1}\r\n\n\t{\"b\":2} ", "7b1;!;7b2;"},
    {"an object that the next line ends", "{\"b\":1\n,\"b\":2}\n{\"b\":3}", "!;!;7b3;"},
    {"a value on the next line", "{\"b\":\n1}\n{\"b\":3}", "!;!;7b3;"},
    {"a string that the next line ends", "{\"b\":\"x\n{\"b\":\"y\"}\n{\"b\":3}", "!;7b\"y\";7b3;"},
    {"a quote too many at the end", "{\"b\":1}\n{\"b\":3}\"", "7b1;!;"},
    {"two objects in a line", "{\"b\":1}{\"b\":2}\n{\"b\":3}", "!;7b3;"},
    {"a backslash at a line's end", "{\"b\":1}\\\n{\"b\":3}", "!;7b3;"},
    {"escapes", "{\"b\":\"\\n\"}\n{\"b\":\"\\\\\"}", "7b\"\\n\";7b\"\\\\\";"},
    {"a bad byte", "{\"b\":1}\n{\"b\":\"\xFF\"}\n{\"b\":3}", "7b1;0b\"\xEF\xBF\xBD\";7b3;"},
    {"an object within, which is read whole", "{\"b\":1}\n{\"a\":{}}\n{\"b\":3}", "7b1;0a{};7b3;"},
};

static void read_run(json_doc *doc, const char *text, buf *got)
{
    auto_free(arena) arena mem = {0};
    char padded[512 + JSON_PADDING] = {0};
    size_t len = strlen(text);

    memcpy(padded, text, len);
    json_begin_run(doc, (str){padded, len});
    for (char *p = padded, *end; p < padded + len; p = end + 1) {
        const json_node *root;
        unsigned notes;

        end = strchrnul(p, '\n');
        if (json_parse_into(doc, (str){p, (size_t)(end - p)}, name_few, &mem, &root, &notes, NULL))
            buf_put_char(got, '!');
        else
            write_named(got, root);
        buf_put_char(got, ';');
    }
    json_end_run(doc);
}

static void test_runs(void **state)
{
    json_doc *doc = json_doc_new();
    auto_free(buf) buf got = {0};

    (void)state;
    for_each_row(c, run_cases)
    {
        buf_clear(&got);
        read_run(doc, c->text, &got);
        expect_str(c->says, buf_str(&got), c->want);
    }
    json_doc_free(doc);
    end_rows();
}

/* More orders of keys than are remembered, read twice, do not get in each other's way. */
static void test_many_orders(void **state)
{
    json_doc *doc = json_doc_new();

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        auto_free(arena) arena mem = {0};
        char padded[128 + JSON_PADDING] = {0};
        const json_node *root = NULL;
        unsigned notes;
        int len = snprintf(padded, 128, "{\"k%u\":1,\"k%u\":[],\"b\":%u,\"k%u\":2}", i % 7000 % 13,
                           i % 7000, i, i % 7000 % 11);

        assert_int_equal(
            json_parse_into(doc, (str){padded, (size_t)len}, name_few, &mem, &root, &notes, NULL),
            0);
        assert_int_equal(json_get(root, STR("b"))->i, i);
        assert_int_equal(notes, i % 7000 % 13 == i % 7000 || i % 7000 % 13 == i % 7000 % 11 ||
                                        i % 7000 % 11 == i % 7000
                                    ? JSON_DUPLICATE_KEY
                                    : 0);
    }
    json_doc_free(doc);
}

static str nested(buf *b, unsigned depth)
{
    buf_clear(b);
    for (unsigned i = 0; i < depth; i++)
        buf_put_char(b, '[');
    for (unsigned i = 0; i < depth; i++)
        buf_put_char(b, ']');
    return buf_str(b);
}

static void test_limits(void **state)
{
    json_doc *doc = json_doc_new();
    const json_node *root;
    buf b = {0};
    ttp_err err;

    (void)state;
    expect_int("the deepest nesting is read",
               json_parse_copy(doc, nested(&b, JSON_DEPTH_MAX), 1 << 20, &root, NULL, &err), 0);
    expect_int("one level more is refused",
               json_parse_copy(doc, nested(&b, JSON_DEPTH_MAX + 1), 1 << 20, &root, NULL, &err),
               TTP_E_LIMIT);
    expect_int("a hundred thousand levels are refused",
               json_parse_copy(doc, nested(&b, 100000), 1 << 20, &root, NULL, &err), TTP_E_LIMIT);
    expect_int("a text of the bound's length is read",
               json_parse_copy(doc, STR("[12]"), 4, &root, NULL, &err), 0);
    expect_int("a longer one is refused", json_parse_copy(doc, STR("[123]"), 4, &root, NULL, &err),
               TTP_E_LIMIT);
    buf_clear(&b);
    buf_put_char(&b, '[');
    for (unsigned i = 1; i < JSON_NODES_MAX; i++)
        buf_put_c(&b, i > 1 ? ",1" : "1");
    buf_put_char(&b, ']');
    (void)mem_grow(b.ptr, b.cap, b.len + JSON_PADDING);
    expect_int("the most nodes are read", json_parse(doc, buf_str(&b), &root, NULL, &err), 0);
    b.len--;
    buf_put_c(&b, ",1]");
    (void)mem_grow(b.ptr, b.cap, b.len + JSON_PADDING);
    expect_int("one more is refused", json_parse(doc, buf_str(&b), &root, NULL, &err), TTP_E_LIMIT);
    expect_int("and the next document is read as ever",
               json_parse_copy(doc, STR("[12]"), 4, &root, NULL, &err), 0);
    buf_done(&b);
    json_doc_free(doc);
    end_rows();
}

/* Large objects take another way to find duplicate keys than small ones. */
static void test_duplicates_by_size(void **state)
{
    static const unsigned sizes[] = {2, 3, 63, 64, 65, 66, 500, 10000};
    json_doc *doc = json_doc_new();

    (void)state;
    for_each_row(n, sizes)
    {
        for (unsigned twice = 0; twice < 2; twice++) {
            const json_node *root;
            unsigned notes = 0;
            buf b = {0};

            buf_put_char(&b, '{');
            for (unsigned i = 0; i < *n; i++)
                buf_printf(&b, "%s\"key%u\":%u", i ? "," : "", twice && i == *n - 1 ? 0 : i, i);
            buf_put_char(&b, '}');
            expect_int("it is read",
                       json_parse_copy(doc, buf_str(&b), 1 << 20, &root, &notes, NULL), 0);
            expect_int("the note is right", notes, twice ? JSON_DUPLICATE_KEY : 0);
            expect_int("the last one counts", json_get(root, STR("key0"))->i, twice ? *n - 1 : 0);
            buf_done(&b);
        }
    }
    json_doc_free(doc);
    end_rows();
}

static const struct {
    const char *says, *a, *b;
    bool want;
} equal_cases[] = {
    {"numbers by value", "5", "5.0", true},
    {"large integers exactly", "9007199254740993", "9007199254740992.0", false},
    {"unsigned ones, too", "18446744073709551615", "18446744073709551615", true},
    {"a negative is no unsigned", "-1", "18446744073709551615", false},
    {"booleans are no numbers", "true", "1", false},
    {"booleans", "true", "true", true},
    {"strings are no numbers", "\"5\"", "5", false},
    {"null", "null", "null", true},
    {"lists by order", "[1,[2,3]]", "[1.0,[2,3]]", true},
    {"lists of other order", "[1,2]", "[2,1]", false},
    {"lists of other length", "[1,2]", "[1,2,3]", false},
    {"objects without order", "{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true},
    {"an object with more", "{\"a\":1}", "{\"a\":1,\"b\":2}", false},
    {"empty objects", "{}", "{}", true},
};

static void test_equal(void **state)
{
    json_doc *a = json_doc_new(), *b = json_doc_new();

    (void)state;
    for_each_row(c, equal_cases)
    {
        const json_node *x, *y;

        if (json_parse_copy(a, str_from(c->a), 1000, &x, NULL, NULL) ||
            json_parse_copy(b, str_from(c->b), 1000, &y, NULL, NULL))
            fail_msg("%s: cannot parse", c->says);
        expect_int(c->says, json_equal(x, y), c->want);
        expect_int(c->says, json_equal(y, x), c->want);
    }
    json_doc_free(a);
    json_doc_free(b);
    end_rows();
}

static void test_get(void **state)
{
    json_doc *doc = json_doc_new();
    const json_node *root;
    double v;

    (void)state;
    assert_int_equal(json_parse_copy(doc,
                                     STR("{\"a\":{\"b\":{\"c\":7}},\"a.b\":{\"c\":8},"
                                         "\"x\":[1],\"s\":\"t\"}"),
                                     1000, &root, NULL, NULL),
                     0);
    expect_true("a path is walked", json_get_path(root, STR("a.b.c"))->i == 7);
    expect_true("a key with dots comes first", json_get_path(root, STR("a.b"))->len == 1 &&
                                                   json_get_path(root, STR("a.b"))[2].i == 8);
    expect_true("a missing step", !json_get_path(root, STR("a.z.c")));
    expect_true("a step through a string", !json_get_path(root, STR("s.t")));
    expect_true("an empty path", !json_get_path(root, STR("")));
    expect_true("no object", !json_get(NULL, STR("a")));
    expect_true("a string is no number", !json_number(json_get(root, STR("s")), &v));
    expect_true("a number is", json_number(json_get_path(root, STR("a.b.c")), &v) && v == 7);
    json_doc_free(doc);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_many_orders),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_duplicates_by_size),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_get),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
