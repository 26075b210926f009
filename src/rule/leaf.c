/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves and expressions mean, decided the plain way: each one by itself, value by value. */
#include "rule/reading.h"

str leaf_field(const leaf *l, event_kind kind)
{
    if (l->field.ptr)
        return l->field;
    return (unsigned)kind < EVENT_N_KINDS ? event_kind_default_field(kind) : STR_NULL;
}

static int any_pattern_holds(const leaf *l, str text, matcher *m)
{
    for (size_t i = 0; i < l->n_patterns; i++) {
        int rc = pattern_holds(l->patterns[i], m, text);

        if (rc <= 0)
            return rc < 0 ? rc : 1;
    }
    return 0; /* none found, or cut off at a bound */
}

static int any_value_equals(const leaf *l, const json_node *value)
{
    for (size_t i = 0; i < l->n_values; i++) {
        if (json_equal(l->values[i], value))
            return 1;
    }
    return 0;
}

static int in_any_network(const leaf *l, const json_node *value)
{
    if (value->type != JSON_STRING)
        return 0;
    for (size_t i = 0; i < l->n_cidrs; i++) {
        if (cidr_holds(&l->cidrs[i], json_str(value)))
            return 1;
    }
    return 0;
}

static int number_holds(const leaf *l, const json_node *value)
{
    double v;

    if (!json_number(value, &v))
        return 0;
    switch (l->op) {
    case LEAF_GT:
        return v > l->number;
    case LEAF_GTE:
        return v >= l->number;
    case LEAF_LT:
        return v < l->number;
    default:
        return v <= l->number;
    }
}

int leaf_value_holds(const leaf *l, const json_node *value, matcher *m)
{
    if (l->op == LEAF_EXISTS)
        return (value && value->type != JSON_NULL) == l->exists_want;
    if (!value)
        return 0;
    switch (l->op) {
    case LEAF_GT:
    case LEAF_GTE:
    case LEAF_LT:
    case LEAF_LTE:
        return number_holds(l, value);
    case LEAF_CIDR:
        return in_any_network(l, value);
    default: /* PATTERN, CONTAINS, STARTSWITH and ENDSWITH have no values */
        return value->type == JSON_STRING ? any_pattern_holds(l, json_str(value), m)
                                          : any_value_equals(l, value);
    }
}

typedef struct leaf_search {
    const leaf *l;
    matcher *m;
} leaf_search;

static int try_value(void *ctx, const json_node *value)
{
    const leaf_search *s = ctx;

    return leaf_value_holds(s->l, value, s->m);
}

int leaf_holds(const leaf *l, event_kind kind, const json_node *payload, matcher *m)
{
    str field = leaf_field(l, kind);
    leaf_search search = {.l = l, .m = m};

    if (l->op == LEAF_EXISTS)
        return (field.ptr && field_exists(payload, field)) == l->exists_want;
    return field.ptr ? field_each(payload, field, try_value, &search) : 0;
}

static int expr_holds(const rule *r, const expr *e, event_kind kind, const json_node *payload,
                      matcher *m)
{
    int rc;

    if (e->type == EXPR_LEAF)
        return leaf_holds(&r->leaves[e->leaf], kind, payload, m);
    if (e->type == EXPR_NOT) {
        rc = expr_holds(r, e->kids[0], kind, payload, m);
        return rc < 0 ? rc : !rc;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        rc = expr_holds(r, e->kids[i], kind, payload, m);
        if (rc < 0 || rc == (e->type == EXPR_ANY))
            return rc;
    }
    return e->type == EXPR_ALL;
}

int rule_holds(const rule *r, event_kind kind, const json_node *payload, matcher *m)
{
    return r->match ? expr_holds(r, r->match, kind, payload, m) : 0;
}
