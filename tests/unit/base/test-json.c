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
};

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
        expect_int(c->says, json_parse_flat(b, text, &flat, &flat_notes, NULL), rc);
        expect_int(c->says, flat_notes, whole_notes);
        if (rc == 0 && flat)
            expect_true(c->says, same_members(whole, flat));
    }
    json_doc_free(a);
    json_doc_free(b);
    end_rows();
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
        cmocka_unit_test(test_parse),  cmocka_unit_test(test_flat),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_duplicates_by_size),
        cmocka_unit_test(test_equal),  cmocka_unit_test(test_get),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
