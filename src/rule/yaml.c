/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/yaml.h"

#include "base/err.h"
#include "base/limits.h"
#include "rule/quoted.h"
#include "rule/yaml_text.h"

#include <errno.h>
#include <libfyaml.h>

typedef struct anchor {
    str name;
    yaml_node *node;
    bool open; /* its node is not complete yet: an alias to it would be a cycle */
} anchor;

/* A collection whose end has not come yet; its children stand on the builder's stack from first_kid
 * on. */
typedef struct frame {
    yaml_node *node;
    anchor *anchor;
    size_t first_kid;
} frame;

typedef struct builder {
    arena *a;
    const char *where;
    ttp_err *err;
    str text; /* what the parser reads */
    struct fy_parser *parser;
    const yaml_node **kids;
    size_t n_kids, cap_kids;
    unsigned depth;
    unsigned n_anchors;
    size_t n_nodes; /* made so far, aliases counted as what they stand for */
    unsigned n_documents;
    unsigned line, column; /* of the last token that had a place */
    frame *frames;         /* RULE_YAML_DEPTH_MAX */
    anchor *anchors;       /* RULE_YAML_ANCHORS_MAX */
} builder;

static void see_token(builder *b, struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;

    if (mark && mark->line >= 0 && mark->column >= 0) {
        b->line = (unsigned)mark->line + 1;
        b->column = (unsigned)mark->column + 1;
    }
}

/* libfyaml's place of a quoted scalar or an alias is behind its first character. */
static void see_start(builder *b)
{
    if (b->column > 1)
        b->column--;
}

static str token_text(struct fy_token *token)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : NULL;

    return text ? (str){text, len} : STR_NULL;
}

static int too_many_nodes(builder *b)
{
    return err_at(b->err, TTP_E_LIMIT, b->where, b->line, b->column,
                  "the file has too many YAML nodes; expected at most %u with aliases resolved",
                  RULE_YAML_NODES_MAX);
}

static int too_deep(builder *b)
{
    return err_at(b->err, TTP_E_LIMIT, b->where, b->line, b->column,
                  "lists and mappings are nested too deeply; expected at most %u levels",
                  RULE_YAML_DEPTH_MAX);
}

static int count_nodes(builder *b, size_t n)
{
    b->n_nodes += n;
    return b->n_nodes > RULE_YAML_NODES_MAX ? too_many_nodes(b) : 0;
}

static int push_kid(builder *b, const yaml_node *n)
{
    int rc = mem_grow(b->kids, b->cap_kids, b->n_kids + 1);

    if (rc)
        return rc;
    b->kids[b->n_kids++] = n;
    return 0;
}

static int new_node(builder *b, yaml_type type, yaml_node **ret_node)
{
    yaml_node *n = arena_calloc(b->a, 1, sizeof(*n));
    int rc = count_nodes(b, 1);

    if (!n)
        return -ENOMEM;
    n->type = type;
    n->line = b->line;
    n->column = b->column;
    n->n_nodes = 1;
    *ret_node = n;
    return rc;
}

static int new_anchor(builder *b, struct fy_event *e, yaml_node *n, anchor **ret_anchor)
{
    struct fy_token *token = fy_event_get_anchor_token(e);
    str name;

    *ret_anchor = NULL;
    if (!token)
        return 0;
    if (b->n_anchors == RULE_YAML_ANCHORS_MAX)
        return err_at(b->err, TTP_E_LIMIT, b->where, b->line, b->column,
                      "the file has too many anchors; expected at most %u", RULE_YAML_ANCHORS_MAX);
    name = arena_str(b->a, token_text(token));
    if (!name.ptr)
        return -ENOMEM;
    *ret_anchor = &b->anchors[b->n_anchors++];
    **ret_anchor = (anchor){.name = name, .node = n, .open = n->type != YAML_SCALAR};
    return 0;
}

/* The standard tags that Python's safe loader takes; only !!str and the like change what a scalar
 * means. */
static int apply_tag(builder *b, struct fy_event *e, yaml_node *n)
{
    str prefix = STR("tag:yaml.org,2002:");
    struct fy_token *token = fy_event_get_tag_token(e);
    str tag = token_text(token);
    bool is_standard = str_starts(tag, prefix);
    char shown[128];

    if (!token)
        return 0;
    if (str_eq(tag, STR("!")) || str_eq(tag, STR("tag:yaml.org,2002:str"))) {
        n->is_text = true;
        return 0;
    }
    if (is_standard) {
        static const char *const known[] = {"int", "float", "bool", "null", "map", "seq", NULL};

        tag = (str){tag.ptr + prefix.len, tag.len - prefix.len};
        for (const char *const *k = known; *k; k++) {
            if (str_eq(tag, str_from(*k))) {
                n->is_text = false;
                return 0;
            }
        }
    }
    return err_at(b->err, TTP_E_UNSUPPORTED, b->where, n->line, n->column,
                  "the tag %s%s is not supported; expected plain YAML", is_standard ? "!!" : "",
                  err_quote(shown, sizeof(shown), tag.ptr, tag.len, 60));
}

/* The bytes that a token was read from; STR_NULL where it does not say. */
static str token_source(const builder *b, struct fy_token *token)
{
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);

    return start && end && start->input_pos <= end->input_pos && end->input_pos <= b->text.len
               ? (str){b->text.ptr + start->input_pos, end->input_pos - start->input_pos}
               : STR_NULL;
}

static bool is_one_line(str source)
{
    return !memchr(source.ptr, '\n', source.len) && !memchr(source.ptr, '\r', source.len);
}

/* STR_NULL when out of memory. A plain scalar on one line is what stands there: libfyaml would put
 * it together piece by piece. */
static str scalar_text(builder *b, struct fy_token *token, enum fy_scalar_style style)
{
    bool is_quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    str source = is_quoted || style == FYSS_PLAIN ? token_source(b, token) : STR_NULL;

    if (is_quoted && source.ptr)
        return yaml_unquote(source, style == FYSS_DOUBLE_QUOTED, b->a);
    if (is_quoted || !source.ptr || !is_one_line(source))
        source = token_text(token);
    return arena_str(b->a,
                     source.ptr ? source : STR("")); /* absent: the value that is not written */
}

static int take_scalar(builder *b, struct fy_event *e)
{
    enum fy_scalar_style style = fy_token_scalar_style(e->scalar.value);
    yaml_node *n;
    anchor *a;
    int rc;

    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        see_start(b);
    rc = new_node(b, YAML_SCALAR, &n);
    if (rc)
        return rc;
    n->is_text = style != FYSS_PLAIN;
    n->text = scalar_text(b, e->scalar.value, style);
    if (!n->text.ptr)
        return -ENOMEM;
    rc = apply_tag(b, e, n);
    if (!rc)
        rc = new_anchor(b, e, n, &a);
    return rc ? rc : push_kid(b, n);
}

static int take_start(builder *b, struct fy_event *e, yaml_type type)
{
    frame *f = &b->frames[b->depth];
    int rc;

    if (b->depth == RULE_YAML_DEPTH_MAX)
        return too_deep(b);
    rc = new_node(b, type, &f->node);
    if (!rc)
        rc = apply_tag(b, e, f->node);
    if (!rc)
        rc = new_anchor(b, e, f->node, &f->anchor);
    f->first_kid = b->n_kids;
    b->depth++;
    return rc;
}

static int take_alias(builder *b, struct fy_event *e)
{
    str name = token_text(e->alias.anchor);
    const anchor *a = NULL;
    char shown[128];
    int rc;

    see_start(b);
    for (unsigned i = b->n_anchors; i > 0 && !a; i--) {
        if (str_eq(b->anchors[i - 1].name, name))
            a = &b->anchors[i - 1];
    }
    err_quote(shown, sizeof(shown), name.ptr, name.len, 40);
    if (!a)
        return err_at(b->err, TTP_E_SYNTAX, b->where, b->line, b->column,
                      "the alias *%s has no anchor; expected &%s before it", shown, shown);
    if (a->open)
        return err_at(b->err, TTP_E_SYNTAX, b->where, b->line, b->column,
                      "the alias *%s stands inside what it names; expected no cycle", shown);
    if (b->depth + a->node->height > RULE_YAML_DEPTH_MAX)
        return too_deep(b);
    rc = count_nodes(b, a->node->n_nodes);
    return rc ? rc : push_kid(b, a->node);
}

static int by_key(const void *x, const void *y)
{
    const yaml_node *a = (*(const yaml_pair *const *)x)->key,
                    *b = (*(const yaml_pair *const *)y)->key;
    int order = str_cmp(a->text, b->text);

    if (order == 0)
        order = a->line != b->line ? (a->line > b->line) - (a->line < b->line)
                                   : (a->column > b->column) - (a->column < b->column);
    return order;
}

#define FEW_KEYS 16

/* Each with each, which is less than to sort them. */
static bool few_keys_differ(const yaml_node *map)
{
    for (size_t i = 1; i < map->n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(map->pairs[i].key->text, map->pairs[k].key->text))
                return false;
    return true;
}

static int check_keys_differ(builder *b, const yaml_node *map)
{
    const yaml_pair **sorted;
    char shown[128];

    if (map->n <= FEW_KEYS && few_keys_differ(map))
        return 0;
    sorted = arena_calloc(b->a, map->n, sizeof(const yaml_pair *));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < map->n; i++)
        sorted[i] = &map->pairs[i];
    if (map->n > 1)
        qsort(sorted, map->n, sizeof(*sorted), by_key);
    for (size_t i = 1; i < map->n; i++) {
        const yaml_node *first = sorted[i - 1]->key, *again = sorted[i]->key;

        if (str_eq(first->text, again->text))
            return err_at(b->err, TTP_E_SYNTAX, b->where, again->line, again->column,
                          "%s is given twice, first on line %u; expected it once",
                          err_quote(shown, sizeof(shown), again->text.ptr, again->text.len, 40),
                          first->line);
    }
    return 0;
}

static bool is_merge_key(const yaml_node *key)
{
    return !key->is_text && str_eq(key->text, STR("<<"));
}

/* Append to map the pairs of source whose keys it does not have. */
static int merge_map(builder *b, yaml_node *map, const yaml_node *key, const yaml_node *source)
{
    size_t n_before = map->n;
    yaml_pair *pairs;

    if (source->type != YAML_MAP)
        return err_at(
            b->err, TTP_E_SYNTAX, b->where, key->line, key->column,
            "<< merges something that is no mapping; expected a mapping or a list of them");
    if (map->n + source->n > RULE_YAML_MERGE_MAX)
        return err_at(b->err, TTP_E_LIMIT, b->where, key->line, key->column,
                      "<< merges too many keys; expected at most %u", RULE_YAML_MERGE_MAX);
    pairs = arena_calloc(b->a, map->n + source->n, sizeof(*pairs));
    if (!pairs)
        return -ENOMEM;
    for (size_t i = 0; i < map->n; i++)
        pairs[i] = map->pairs[i];
    map->pairs = pairs;
    for (size_t i = 0; i < source->n; i++) {
        bool have = false;

        for (size_t k = 0; k < n_before && !have; k++)
            have = str_eq(pairs[k].key->text, source->pairs[i].key->text);
        if (!have)
            pairs[map->n++] = source->pairs[i];
    }
    return 0;
}

static int merge_value(builder *b, yaml_node *map, yaml_pair merge)
{
    int rc = 0;

    if (merge.value->type != YAML_LIST)
        return merge_map(b, map, merge.key, merge.value);
    for (size_t i = 0; !rc && i < merge.value->n; i++)
        rc = merge_map(b, map, merge.key, merge.value->items[i]);
    return rc;
}

/* A merged map's own keys win over those of <<, earlier maps of a list over later ones. */
static int merge_keys(builder *b, yaml_node *map)
{
    for (size_t i = 0; i < map->n; i++) {
        yaml_pair merge = map->pairs[i];

        if (!is_merge_key(merge.key))
            continue;
        memmove(&map->pairs[i], &map->pairs[i + 1], (map->n - i - 1) * sizeof(merge));
        map->n--;
        return merge_value(b, map, merge); /* keys are unique: there is no second one */
    }
    return 0;
}

static int fill_map(builder *b, yaml_node *map, const yaml_node **kids, size_t n_kids)
{
    int rc;

    map->n = n_kids / 2;
    map->pairs = arena_calloc(b->a, map->n, sizeof(*map->pairs));
    if (!map->pairs)
        return -ENOMEM;
    for (size_t i = 0; i < map->n; i++) {
        map->pairs[i] = (yaml_pair){kids[2 * i], kids[2 * i + 1]};
        if (kids[2 * i]->type != YAML_SCALAR)
            return err_at(b->err, TTP_E_SYNTAX, b->where, kids[2 * i]->line, kids[2 * i]->column,
                          "a key is a list or a mapping; expected a word");
    }
    rc = check_keys_differ(b, map);
    return rc ? rc : merge_keys(b, map);
}

static int fill_list(builder *b, yaml_node *list, const yaml_node **kids, size_t n_kids)
{
    list->n = n_kids;
    list->items = arena_calloc(b->a, n_kids, sizeof(*list->items));
    if (!list->items)
        return -ENOMEM;
    if (n_kids)
        memcpy(list->items, kids, n_kids * sizeof(*kids));
    return 0;
}

static void measure_kid(yaml_node *n, const yaml_node *kid)
{
    n->n_nodes += kid->n_nodes;
    if (kid->height + 1 > n->height)
        n->height = kid->height + 1;
}

static void measure(yaml_node *n)
{
    n->n_nodes = 1;
    n->height = 1;
    for (size_t i = 0; i < n->n; i++) {
        if (n->type == YAML_MAP)
            n->n_nodes++; /* the key */
        measure_kid(n, n->type == YAML_MAP ? n->pairs[i].value : n->items[i]);
    }
}

static int take_end(builder *b)
{
    frame *f = &b->frames[--b->depth];
    const yaml_node **kids = b->kids + f->first_kid;
    size_t n_kids = b->n_kids - f->first_kid;
    int rc = f->node->type == YAML_MAP ? fill_map(b, f->node, kids, n_kids)
                                       : fill_list(b, f->node, kids, n_kids);

    if (rc)
        return rc;
    measure(f->node);
    if (f->anchor)
        f->anchor->open = false;
    b->n_kids = f->first_kid;
    return push_kid(b, f->node);
}

static int take_document(builder *b)
{
    if (++b->n_documents == 1)
        return 0;
    return err_at(b->err, TTP_E_SYNTAX, b->where, b->line, b->column,
                  "a second document begins; expected one rule in one document");
}

static int take_event(builder *b, struct fy_event *e)
{
    see_token(b, fy_event_get_token(e));
    switch (e->type) {
    case FYET_DOCUMENT_START:
        return take_document(b);
    case FYET_SCALAR:
        return take_scalar(b, e);
    case FYET_SEQUENCE_START:
        return take_start(b, e, YAML_LIST);
    case FYET_MAPPING_START:
        return take_start(b, e, YAML_MAP);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return take_end(b);
    case FYET_ALIAS:
        return take_alias(b, e);
    default:
        return 0;
    }
}

/* The parser stopped: its first message, which it has collected instead of printing it. */
static int parser_error(builder *b, struct fy_diag *diag)
{
    void *iter = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &iter);
    char shown[512];

    if (!first || !first->msg)
        return err_at(b->err, TTP_E_SYNTAX, b->where, b->line, b->column,
                      "the YAML cannot be read from here on");
    err_quote(shown, sizeof(shown), first->msg, strlen(first->msg), 200);
    return err_at(b->err, TTP_E_SYNTAX, b->where, first->line > 0 ? (unsigned)first->line : 0,
                  first->column > 0 ? (unsigned)first->column : 0, "broken YAML: %s", shown);
}

static int take_all(builder *b, struct fy_diag *diag)
{
    int rc = 0;

    while (!rc) {
        struct fy_event *e = fy_parser_parse(b->parser);

        if (!e)
            break;
        rc = take_event(b, e);
        fy_parser_event_free(b->parser, e);
    }
    if (!rc && fy_parser_get_stream_error(b->parser))
        rc = parser_error(b, diag);
    return rc;
}

static int make_parser(struct fy_diag *diag, struct fy_parser **ret_parser)
{
    const struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE |
                 FYPCF_SLOPPY_FLOW_INDENTATION, /* as PyYAML reads it */
        .diag = diag,
    };

    *ret_parser = fy_parser_create(&cfg);
    return *ret_parser ? 0 : -ENOMEM;
}

/* Made here and not by fy_diag_cfg_default, which asks the system about stderr for each text. */
static struct fy_diag *make_diag(void)
{
    const struct fy_diag_cfg cfg = {.level = FYET_INFO, .module_mask = (1u << FYEM_MAX) - 1};
    struct fy_diag *diag = fy_diag_create(&cfg);

    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

/*
 * A parser for each text: one of libfyaml 0.7.12 that is reset tells some mistakes of the next text
 * otherwise than a new one.
 */
static int run_parser(builder *b)
{
    struct fy_diag *diag = make_diag();
    int rc = diag ? make_parser(diag, &b->parser) : -ENOMEM;

    if (!rc && fy_parser_set_string(b->parser, b->text.ptr, b->text.len))
        rc = -ENOMEM;
    if (!rc)
        rc = take_all(b, diag);
    fy_parser_destroy(b->parser); /* takes NULL, as the next does */
    fy_diag_destroy(diag);
    return rc;
}

static int root_of(builder *b, const yaml_node **ret_root)
{
    yaml_node *empty;
    int rc;

    if (b->n_kids > 0) {
        *ret_root = b->kids[0];
        return 0;
    }
    rc = new_node(b, YAML_SCALAR, &empty);
    if (rc)
        return rc;
    empty->text = STR("");
    empty->line = empty->column = 1;
    *ret_root = empty;
    return 0;
}

int yaml_parse(str text, const char *where, arena *a, const yaml_node **ret_root, ttp_err *err)
{
    frame frames[RULE_YAML_DEPTH_MAX];
    anchor anchors[RULE_YAML_ANCHORS_MAX];
    builder b = {.a = a, .where = where, .err = err, .frames = frames, .anchors = anchors};
    int rc = yaml_text_prepare(text, where, a, &b.text, err);

    if (rc)
        return rc;
    rc = run_parser(&b);
    if (!rc)
        rc = root_of(&b, ret_root);
    free(b.kids);
    return rc;
}

const yaml_node *yaml_get(const yaml_node *map, str key)
{
    if (!map || map->type != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->pairs[i].key->text, key))
            return map->pairs[i].value;
    }
    return NULL;
}
