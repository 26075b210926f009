/* SPDX-License-Identifier: Apache-2.0 */
/* The Navigator layer: what is in it, and that every field has the type that layer format 4.5 gives
 * it. */
#include "tag/tag.h"

#include "../unit.h"
#include "alloc.h"
#include "tags.h"

#include <ctype.h>
#include <errno.h>

/* What layer format 4.5 allows: name, type, and whether a layer is none without it. */
typedef enum kind {
    TEXT,
    NUMBER,
    TRUTH,
    COLOR,
    LIST,
    OBJECT,
} kind;

typedef struct field {
    const char *name;
    kind kind;
    bool required;
    const struct field *inner; /* of an object, or of each element of a list */
} field;

static const field version_fields[] = {
    {"attack", TEXT, false, NULL},
    {"navigator", TEXT, true, NULL},
    {"layer", TEXT, true, NULL},
    {0},
};
static const field metadata_fields[] = {
    {"name", TEXT, true, NULL}, {"value", TEXT, true, NULL}, {0}};
static const field legend_fields[] = {
    {"label", TEXT, true, NULL}, {"color", COLOR, true, NULL}, {0}};
static const field gradient_fields[] = {
    {"colors", LIST, true, NULL},
    {"minValue", NUMBER, true, NULL},
    {"maxValue", NUMBER, true, NULL},
    {0},
};
static const field layout_fields[] = {
    {"layout", TEXT, false, NULL},
    {"aggregateFunction", TEXT, false, NULL},
    {"showID", TRUTH, false, NULL},
    {"showName", TRUTH, false, NULL},
    {"showAggregateScores", TRUTH, false, NULL},
    {"countUnscored", TRUTH, false, NULL},
    {"expandedSubtechniques", TEXT, false, NULL},
    {0},
};
static const field technique_fields[] = {
    {"techniqueID", TEXT, true, NULL},
    {"tactic", TEXT, false, NULL},
    {"comment", TEXT, false, NULL},
    {"enabled", TRUTH, false, NULL},
    {"score", NUMBER, false, NULL},
    {"color", COLOR, false, NULL},
    {"metadata", LIST, false, metadata_fields},
    {"links", LIST, false, NULL},
    {"showSubtechniques", TRUTH, false, NULL},
    {0},
};
static const field layer_fields[] = {
    {"name", TEXT, true, NULL},
    {"versions", OBJECT, true, version_fields},
    {"domain", TEXT, true, NULL},
    {"description", TEXT, false, NULL},
    {"filters", OBJECT, false, NULL},
    {"sorting", NUMBER, false, NULL},
    {"layout", OBJECT, false, layout_fields},
    {"hideDisabled", TRUTH, false, NULL},
    {"techniques", LIST, false, technique_fields},
    {"gradient", OBJECT, false, gradient_fields},
    {"legendItems", LIST, false, legend_fields},
    {"showTacticRowBackground", TRUTH, false, NULL},
    {"tacticRowBackground", COLOR, false, NULL},
    {"selectTechniquesAcrossTactics", TRUTH, false, NULL},
    {"selectSubtechniquesWithParent", TRUTH, false, NULL},
    {"selectVisibleTechniques", TRUTH, false, NULL},
    {"metadata", LIST, false, metadata_fields},
    {"links", LIST, false, NULL},
    {0},
};

static bool is_color(str s)
{
    if (s.len != 7 || s.ptr[0] != '#')
        return false;
    for (size_t i = 1; i < 7; i++) {
        if (!isxdigit((unsigned char)s.ptr[i]))
            return false;
    }
    return true;
}

static bool has_kind(const json_node *n, kind k)
{
    switch (k) {
    case TEXT:
        return n->type == JSON_STRING;
    case NUMBER:
        return n->type == JSON_INT || n->type == JSON_DOUBLE || n->type == JSON_UINT;
    case TRUTH:
        return n->type == JSON_BOOL;
    case COLOR:
        return is_color(json_str(n));
    case LIST:
        return n->type == JSON_ARRAY;
    case OBJECT:
        return n->type == JSON_OBJECT;
    }
    return false;
}

static void check_object(const json_node *object, const field *fields, const char *says);

static void check_value(const json_node *value, const field *f, const char *says)
{
    const json_node *element = value + 1;

    if (!has_kind(value, f->kind)) {
        print_error("%s: member %s has another type\n", says, f->name);
        n_bad_rows++;
        return;
    }
    if (!f->inner)
        return;
    if (f->kind == OBJECT) {
        check_object(value, f->inner, says);
        return;
    }
    for (uint32_t i = 0; i < value->len; i++, element = json_next(element))
        check_object(element, f->inner, says);
}

static void check_object(const json_node *object, const field *fields, const char *says)
{
    const json_node *key = object + 1;

    for (uint32_t i = 0; i < object->len; i++, key = json_next(key + 1)) {
        const field *f = fields;

        while (f->name && !str_eq(str_from(f->name), json_str(key)))
            f++;
        if (f->name) {
            check_value(key + 1, f, says);
        } else {
            print_error("%s: the format has no member %.*s\n", says, (int)key->len, key->str);
            n_bad_rows++;
        }
    }
    for (const field *f = fields; f->name; f++) {
        if (f->required && !json_get(object, str_from(f->name))) {
            print_error("%s: member %s is missing\n", says, f->name);
            n_bad_rows++;
        }
    }
}

typedef struct fake {
    const char *tactic, *technique, *sub, *release;
    unsigned count;
} fake;

static void put_fakes(tag_sink *s, const fake *fakes, unsigned n)
{
    for (unsigned i = 0; i < n && fakes[i].technique; i++) {
        for (unsigned k = 0; k < fakes[i].count; k++) {
            tag t = sample_tag();

            t.tactic = str_from(fakes[i].tactic);
            t.technique_id = str_from(fakes[i].technique);
            t.sub_technique_id = str_from(fakes[i].sub);
            t.attack_release = str_from(fakes[i].release ? fakes[i].release : "enterprise-v18.1");
            expect_int("put", tag_sink_put(s, &t, NULL), 0);
        }
    }
}

/* The layer of some tags, checked against the format; its text is the caller's. */
static str make_layer(const char *says, const fake *fakes, unsigned n, json_doc *doc,
                      const json_node **ret_root, uint64_t *ret_left_out)
{
    int fd = memory_file();
    tag_sink *s;
    ttp_err err = {0};
    str text;

    if (tag_sink_navigator_new(fd, NULL, "a \"name\"", &s))
        fail_msg("out of memory");
    put_fakes(s, fakes, n);
    expect_int(says, tag_sink_flush(s, &err), 0);
    *ret_left_out = tag_sink_navigator_left_out(s);
    text = written(fd);
    (void)tag_sink_free(s);
    close(fd);
    if (json_parse_copy(doc, text, 1 << 24, ret_root, NULL, &err))
        fail_msg("%s: the layer is no JSON: %s", says, err.text);
    check_object(*ret_root, layer_fields, says);
    return text;
}

/* "T1548 privilege-escalation 3 +" for each cell: technique, tactic, score, whether it is opened.
 */
static void sum_up(const json_node *root, buf *b)
{
    const json_node *list = json_get(root, STR("techniques"));
    const json_node *t = list + 1;

    for (uint32_t i = 0; i < list->len; i++, t = json_next(t)) {
        const json_node *score = json_get(t, STR("score"));
        const json_node *opened = json_get(t, STR("showSubtechniques"));

        if (i)
            buf_put_c(b, ", ");
        buf_put_str(b, json_str(json_get(t, STR("techniqueID"))));
        buf_put_char(b, ' ');
        buf_put_str(b, json_str(json_get(t, STR("tactic"))));
        if (score)
            buf_printf(b, " %lld", (long long)score->i);
        if (opened && opened->boolean)
            buf_put_c(b, " +");
    }
}

static const struct {
    const char *says;
    fake fakes[4];
    const char *want_cells;
    const char *want_attack, *want_domain;
    const char *want_description;
    int64_t want_max;
    uint64_t want_left_out;
} layers[] = {
    {"no tags", {{0}}, "", "18", "enterprise-attack", "0 tags, ATT&CK enterprise-v18.1", 1, 0},
    {"one technique",
     {{"TA0007", "T1083", NULL, NULL, 3}},
     "T1083 discovery 3",
     "18",
     "enterprise-attack",
     "3 tags, ATT&CK enterprise-v18.1",
     3,
     0},
    {"a sub-technique brings its parent, opened",
     {{"TA0004", "T1548", "T1548.001", NULL, 2}},
     "T1548 privilege-escalation +, T1548.001 privilege-escalation 2",
     "18",
     "enterprise-attack",
     "2 tags, ATT&CK enterprise-v18.1",
     2,
     0},
    {"a parent with tags of its own keeps them",
     {{"TA0004", "T1548", "T1548.001", NULL, 1}, {"TA0004", "T1548", NULL, NULL, 12}},
     "T1548 privilege-escalation 12 +, T1548.001 privilege-escalation 1",
     "18",
     "enterprise-attack",
     "13 tags, ATT&CK enterprise-v18.1",
     12,
     0},
    {"one technique under two tactics, in the kill chain's order",
     {{"TA0004", "T1053", NULL, NULL, 1}, {"TA0002", "T1053", NULL, NULL, 2}},
     "T1053 execution 2, T1053 privilege-escalation 1",
     "18",
     "enterprise-attack",
     "3 tags, ATT&CK enterprise-v18.1",
     2,
     0},
    {"tactics that nobody knows leave the technique under all of its own",
     {{"TA9998", "T1083", NULL, NULL, 1}, {"TA9999", "T1083", NULL, NULL, 2}},
     "T1083  3",
     "18",
     "enterprise-attack",
     "3 tags, ATT&CK enterprise-v18.1",
     3,
     0},
    {"of several releases the most frequent one",
     {{"TA0007", "T1083", NULL, NULL, 1},
      {"TA0007", "T1083", NULL, "enterprise-v17.1", 5},
      {"TA0007", "T1082", NULL, "enterprise-v16.0", 2}},
     "T1083 discovery 5",
     "17",
     "enterprise-attack",
     "5 tags, ATT&CK enterprise-v17.1; left out: 2 tags of enterprise-v16.0, 1 tag of "
     "enterprise-v18.1 (3 in all)",
     5,
     3},
    {"as many tags of two releases: the first by name",
     {{"TA0007", "T1083", NULL, "enterprise-v18.1", 1},
      {"TA0007", "T1082", NULL, "enterprise-v17.1", 1}},
     "T1082 discovery 1",
     "17",
     "enterprise-attack",
     "1 tag, ATT&CK enterprise-v17.1; left out: 1 tag of enterprise-v18.1",
     1,
     1},
    {"mobile",
     {{"TA0032", "T1426", NULL, "mobile-v18.1", 1}},
     "T1426  1",
     "18",
     "mobile-attack",
     "1 tag, ATT&CK mobile-v18.1",
     1,
     0},
    {"ICS",
     {{"TA0102", "T0846", NULL, "ics-v9", 1}},
     "T0846  1",
     "9",
     "ics-attack",
     "1 tag, ATT&CK ics-v9",
     1,
     0},
    {"a release of another form has no number",
     {{"TA0007", "T1083", NULL, "mine", 1}},
     "T1083 discovery 1",
     NULL,
     "enterprise-attack",
     "1 tag, ATT&CK mine",
     1,
     0},
};

static void test_layers(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();

    (void)state;
    for_each_row(c, layers)
    {
        auto_free(buf) buf cells = {0};
        const json_node *root, *attack;
        uint64_t left_out;
        str text = make_layer(c->says, c->fakes, 4, doc, &root, &left_out);

        sum_up(root, &cells);
        expect_str(c->says, buf_str(&cells), c->want_cells);
        attack = json_get_path(root, STR("versions.attack"));
        if (c->want_attack)
            expect_str(c->says, json_str(attack), c->want_attack);
        else
            expect_true(c->says, attack == NULL);
        expect_str(c->says, json_str(json_get_path(root, STR("versions.layer"))), "4.5");
        expect_str(c->says, json_str(json_get(root, STR("domain"))), c->want_domain);
        expect_str(c->says, json_str(json_get(root, STR("description"))), c->want_description);
        expect_str(c->says, json_str(json_get(root, STR("name"))), "a \"name\"");
        expect_int(c->says, json_get_path(root, STR("gradient.maxValue"))->i, c->want_max);
        expect_int(c->says, left_out, c->want_left_out);
        free((char *)text.ptr);
    }
    end_rows();
}

static const struct {
    const char *says;
    unsigned count;
    const char *color;
    unsigned n_legend;
} decades[] = {
    {"one", 1, "#fee5d9", 1},
    {"nine", 9, "#fee5d9", 1},
    {"ten", 10, "#fcae91", 2},
    {"a hundred", 100, "#fb6a4a", 3},
    {"nearly a thousand", 999, "#fb6a4a", 3},
    {"ten thousand", 10000, "#a50f15", 5},
};

static void test_colors(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();

    (void)state;
    for_each_row(c, decades)
    {
        fake one = {"TA0007", "T1083", NULL, NULL, c->count};
        const json_node *root, *techniques;
        uint64_t left_out;
        str text = make_layer(c->says, &one, 1, doc, &root, &left_out);

        techniques = json_get(root, STR("techniques"));
        expect_str(c->says, json_str(json_get(techniques + 1, STR("color"))), c->color);
        expect_int(c->says, json_get(root, STR("legendItems"))->len, c->n_legend);
        free((char *)text.ptr);
    }
    end_rows();
}

/* The same tags in another order make the same bytes. */
static void test_order(void **state)
{
    static const fake one[] = {{"TA0007", "T1083", NULL, NULL, 2},
                               {"TA0004", "T1548", "T1548.001", NULL, 1},
                               {"TA0005", "T1548", "T1548.001", NULL, 1}};
    static const fake other[] = {{"TA0005", "T1548", "T1548.001", NULL, 1},
                                 {"TA0007", "T1083", NULL, NULL, 2},
                                 {"TA0004", "T1548", "T1548.001", NULL, 1}};
    auto_free(json_doc) json_doc *doc = json_doc_new();
    const json_node *root;
    uint64_t left_out;
    str a = make_layer("one order", one, 3, doc, &root, &left_out);
    str b = make_layer("another", other, 3, doc, &root, &left_out);

    (void)state;
    expect_str("the same bytes", b, a.ptr);
    free((char *)a.ptr);
    free((char *)b.ptr);
    end_rows();
}

static void test_hostile_names(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    int fd = memory_file();
    const json_node *root, *techniques;
    tag t = sample_tag();
    ttp_err err = {0};
    tag_sink *s;
    str text;

    (void)state;
    t.rule_name = STR("</script>\n\x1b[2J\"");
    expect_int("new", tag_sink_navigator_new(fd, NULL, NULL, &s), 0);
    expect_int("put", tag_sink_put(s, &t, &err), 0);
    expect_int("flush", tag_sink_flush(s, &err), 0);
    text = written(fd);
    expect_true("no control character but newlines", !memchr(text.ptr, 0x1b, text.len));
    if (json_parse_copy(doc, text, 1 << 20, &root, NULL, &err))
        fail_msg("the layer is no JSON: %s", err.text);
    techniques = json_get(root, STR("techniques"));
    expect_str("the comment holds it", json_str(json_get(techniques + 1, STR("comment"))),
               "1 tag by 1 rule, most by R0015 </script>\n\x1b[2J\"");
    free((char *)text.ptr);
    (void)tag_sink_free(s);
    close(fd);
    end_rows();
}

static void test_full_disk(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    tag t = sample_tag();
    ttp_err err = {0};
    tag_sink *s;

    (void)state;
    expect_int("new", tag_sink_navigator_new(fd, NULL, "x", &s), 0);
    expect_int("put", tag_sink_put(s, &t, &err), 0);
    expect_int("a full disk", tag_sink_flush(s, &err), -ENOSPC);
    expect_int("still full", tag_sink_flush(s, &err), -ENOSPC);
    (void)tag_sink_free(s);
    close(fd);
    end_rows();
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot be made to fail under a sanitizer\n");
        return;
    }
    for (long nth = 0; nth < 60; nth++) {
        int fd = memory_file(), rc;
        tag t = sample_tag();
        tag_sink *s = NULL;

        fail_allocations_after(nth);
        rc = tag_sink_navigator_new(fd, NULL, "x", &s);
        if (!rc)
            rc = tag_sink_put(s, &t, NULL);
        if (!rc)
            rc = tag_sink_flush(s, NULL);
        fail_allocations_after(-1);
        expect_true("it worked or said so", rc == 0 || rc == -ENOMEM);
        expect_true("a layer is written whole or not at all",
                    (rc == 0) == (lseek(fd, 0, SEEK_END) > 0));
        (void)tag_sink_free(s);
        close(fd);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers),    cmocka_unit_test(test_colors),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
