/* SPDX-License-Identifier: Apache-2.0 */
/* One leaf of a match expression: {field: F, OP: VALUE}. */
#include "rule/lint.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>

typedef struct operator_type operator_type;
struct operator_type {
    const char *name;
    leaf_op op;
    bool has_case;  /* ignore_case may stand beside it */
    unsigned flags; /* of its literal */
    int (*read)(reading *r, const operator_type *o, const yaml_node *value, leaf *l);
};

#define OPERATOR_NAMES                                                                             \
    "pattern, equals, contains, startswith, endswith, in, gt, gte, lt, lte, exists, cidr"

static unsigned case_flag(const leaf *l)
{
    return l->ignore_case ? PATTERN_IGNORE_CASE : 0;
}

/* A leaf's patterns and values have room for all that its value holds, made beforehand. */
static int reserve(reading *r, leaf *l, size_t n)
{
    l->patterns = arena_calloc(r->own, n, sizeof(*l->patterns));
    l->values = arena_calloc(r->own, n, sizeof(const json_node *));
    l->cidrs = l->op == LEAF_CIDR ? arena_calloc(r->own, n, sizeof(*l->cidrs)) : NULL;
    return l->patterns && l->values && (l->cidrs || l->op != LEAF_CIDR) ? 0 : -ENOMEM;
}

static int add_literal(reading *r, unsigned flags, str text, leaf *l)
{
    int rc = pattern_from_literal(text, flags | case_flag(l), &l->patterns[l->n_patterns]);

    (void)r;
    if (!rc)
        l->n_patterns++;
    return rc;
}

static int regex_error(reading *r, const yaml_node *at, const ttp_err *cause, int rc)
{
    if (rc < 0)
        return rc;
    if (cause->column == 0)
        return reading_fail(r, rc, at, "pattern: %s", cause->text);
    return reading_fail(r, rc, at, "pattern, at its character %u: %s", cause->column, cause->text);
}

static int read_pattern(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    ttp_err cause = {0};
    str source;
    int rc = read_text(r, value, o->name, "a regular expression", &source);

    if (!rc)
        rc = reserve(r, l, 1);
    if (rc)
        return rc;
    rc = pattern_from_regex(source, case_flag(l), &l->patterns[0], &cause);
    if (rc)
        return regex_error(r, value, &cause, rc);
    l->n_patterns = 1;
    l->pattern_source = source;
    return 0;
}

static int read_literal(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    int rc = read_text(r, value, o->name, "text", &l->pattern_source);

    if (!rc)
        rc = reserve(r, l, 1);
    return rc ? rc : add_literal(r, o->flags, l->pattern_source, l);
}

/* Text goes to the patterns, numbers and booleans to the values. */
static int add_value(reading *r, const operator_type *o, const yaml_node *n, leaf *l)
{
    json_node *copy;
    json_node v;
    bool flag;

    if (n->type != YAML_SCALAR || yaml_is_null(n))
        return reading_wrong(r, n, o->name,
                             o->op == LEAF_IN
                                 ? "a list of text, numbers or booleans"
                                 : "text, a number or a boolean (for absence: exists: false)");
    v = yaml_value(n);
    if (v.type == JSON_STRING && yaml_bool(n, &flag))
        reading_lint(r, n, "%.*s is taken as text; write %s for a boolean, or quote it",
                     STR_ARG(n->text), flag ? "true" : "false");
    if (v.type == JSON_STRING)
        return add_literal(r, PATTERN_AT_START | PATTERN_AT_END, n->text, l);
    copy = arena_alloc(r->own, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = v;
    l->values[l->n_values++] = copy;
    return 0;
}

static int show_source(reading *r, const yaml_node *n, leaf *l)
{
    auto_free(buf) buf text = {0};
    const json_node *value = yaml_to_json(n, r->tmp);

    if (!value)
        return -ENOMEM;
    if (value->type == JSON_STRING)
        buf_put_str(&text, json_str(value));
    else
        json_write(&text, value);
    l->pattern_source = text.failed ? STR_NULL : arena_str(r->own, buf_str(&text));
    return l->pattern_source.ptr ? 0 : -ENOMEM;
}

static int read_equals(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    int rc = reserve(r, l, 1);

    if (!rc)
        rc = add_value(r, o, value, l);
    return rc ? rc : show_source(r, value, l);
}

static int read_in(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    int rc;

    if (value->type != YAML_LIST || value->n == 0)
        return reading_wrong(r, value, o->name, "a list with at least one value");
    rc = reserve(r, l, value->n);
    for (size_t i = 0; !rc && i < value->n; i++)
        rc = add_value(r, o, value->items[i], l);
    return rc ? rc : show_source(r, value, l);
}

static int read_bound(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    json_node v;

    if (value->type != YAML_SCALAR)
        return reading_wrong(r, value, o->name, "a number");
    v = yaml_value(value);
    if (!json_number(&v, &l->number))
        return reading_wrong(r, value, o->name, "a number");
    return show_source(r, value, l);
}

static int read_exists(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    if (!yaml_bool(value, &l->exists_want))
        return reading_wrong(r, value, o->name, "true or false");
    l->pattern_source = l->exists_want ? STR("true") : STR("false");
    return 0;
}

static int add_network(reading *r, const operator_type *o, const yaml_node *n, leaf *l)
{
    bool host_bits = false;

    if (n->type != YAML_SCALAR || !cidr_parse(n->text, &l->cidrs[l->n_cidrs], &host_bits))
        return reading_wrong(r, n, o->name,
                             "a network, as 192.0.2.0/24 or 2001:db8::/32, or a list of them");
    if (host_bits)
        reading_lint(r, n, "%.*s has bits set behind its prefix; they are passed over",
                     STR_ARG(n->text));
    l->n_cidrs++;
    return 0;
}

static int read_cidr(reading *r, const operator_type *o, const yaml_node *value, leaf *l)
{
    int rc;

    if (value->type == YAML_LIST && value->n == 0)
        return reading_wrong(r, value, o->name, "a network or a list with at least one");
    rc = reserve(r, l, value->type == YAML_LIST ? value->n : 1);
    if (!rc && value->type != YAML_LIST)
        rc = add_network(r, o, value, l);
    for (size_t i = 0; !rc && value->type == YAML_LIST && i < value->n; i++)
        rc = add_network(r, o, value->items[i], l);
    return rc ? rc : show_source(r, value, l);
}

static const operator_type operators[] = {
    {"pattern", LEAF_PATTERN, true, 0, read_pattern},
    {"equals", LEAF_EQUALS, true, 0, read_equals},
    {"contains", LEAF_CONTAINS, true, 0, read_literal},
    {"startswith", LEAF_STARTSWITH, true, PATTERN_AT_START, read_literal},
    {"endswith", LEAF_ENDSWITH, true, PATTERN_AT_END, read_literal},
    {"in", LEAF_IN, true, 0, read_in},
    {"gt", LEAF_GT, false, 0, read_bound},
    {"gte", LEAF_GTE, false, 0, read_bound},
    {"lt", LEAF_LT, false, 0, read_bound},
    {"lte", LEAF_LTE, false, 0, read_bound},
    {"exists", LEAF_EXISTS, false, 0, read_exists},
    {"cidr", LEAF_CIDR, false, 0, read_cidr},
};
#define N_OPERATORS (sizeof(operators) / sizeof(operators[0]))

const char *leaf_op_name(leaf_op op)
{
    return operators[op].name; /* they stand in the order of leaf_op */
}

static const operator_type *find_operator(str name)
{
    for (size_t i = 0; i < N_OPERATORS; i++) {
        if (str_eq(name, str_from(operators[i].name)))
            return &operators[i];
    }
    return NULL;
}

static int unknown_operator(reading *r, const yaml_node *key)
{
    const char *words[N_OPERATORS + 3] = {"field", "ignore_case"};
    const char *meant;
    char shown[SHOWN_SIZE];

    for (size_t i = 0; i < N_OPERATORS; i++)
        words[2 + i] = operators[i].name;
    meant = nearest_word(key->text, words);
    return reading_fail(r, TTP_E_INVALID, key,
                        "unknown operator %s%s%s%s; expected one of " OPERATOR_NAMES,
                        str_shown(shown, key->text), meant ? " (did you mean " : "",
                        meant ? meant : "", meant ? "?)" : "");
}

/* The one operator of a leaf, and its value. */
static int find_operation(reading *r, const yaml_node *n, const operator_type **ret_operator,
                          const yaml_node **ret_value)
{
    const operator_type *found = NULL;

    for (size_t i = 0; i < n->n; i++) {
        const yaml_node *key = n->pairs[i].key;
        const operator_type *o = find_operator(key->text);

        if (str_eq(key->text, STR("field")) || str_eq(key->text, STR("ignore_case")))
            continue;
        if (!o)
            return unknown_operator(r, key);
        if (found)
            return reading_fail(
                r, TTP_E_INVALID, key,
                "a leaf has both %s and %s; expected one operator (combine leaves with all)",
                found->name, o->name);
        found = o;
        *ret_value = n->pairs[i].value;
    }
    if (!found)
        return reading_fail(r, TTP_E_INVALID, n,
                            "a leaf has no operator; expected one of " OPERATOR_NAMES);
    *ret_operator = found;
    return 0;
}

/* A leaf without a field looks at its source kind's default: some kinds have none. */
static void warn_no_default(reading *r, const yaml_node *at)
{
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        if ((r->rule->applies_to & (1u << kind)) && !event_kind_default_field((event_kind)kind).ptr)
            reading_warn(r, at,
                         "field is missing, and %s has no default: the leaf never holds there",
                         event_kind_name((event_kind)kind));
    }
}

static int read_field(reading *r, const yaml_node *leaf_node, leaf *l)
{
    const yaml_node *n = yaml_get(leaf_node, STR("field"));

    if (n)
        return read_word(r, n, "field", "the name of a payload field", &l->field);
    warn_no_default(r, leaf_node);
    return 0;
}

static int read_ignore_case(reading *r, const yaml_node *leaf_node, const operator_type *o, leaf *l)
{
    const yaml_node *n = yaml_get(leaf_node, STR("ignore_case"));

    if (!n)
        return 0;
    if (!yaml_bool(n, &l->ignore_case))
        return reading_wrong(r, n, "ignore_case", "true or false");
    if (!o->has_case)
        reading_warn(r, n, "ignore_case means nothing beside %s", o->name);
    return 0;
}

static int new_leaf(reading *r, const yaml_node *at, uint32_t *ret_index)
{
    rule *ru = r->rule;

    if (ru->n_leaves == RULE_LEAVES_MAX)
        return reading_fail(r, TTP_E_LIMIT, at, "match has too many leaves; expected at most %u",
                            RULE_LEAVES_MAX);
    if (mem_grow(ru->leaves, r->cap_leaves, ru->n_leaves + 1))
        return -ENOMEM;
    *ret_index = (uint32_t)ru->n_leaves;
    ru->leaves[ru->n_leaves++] = (leaf){0};
    return 0;
}

int read_leaf(reading *r, const yaml_node *n, uint32_t *ret_index)
{
    const operator_type *o = NULL;
    const yaml_node *value = NULL;
    leaf *l;
    int rc = find_operation(r, n, &o, &value);

    if (!rc)
        rc = new_leaf(r, n, ret_index);
    if (rc || !o)
        return rc;
    l = &r->rule->leaves[*ret_index];
    l->op = o->op;
    rc = read_field(r, n, l);
    if (!rc)
        rc = read_ignore_case(r, n, o, l);
    if (!rc)
        rc = o->read(r, o, value, l);
    return rc ? rc : lint_leaf(r, value, l);
}
