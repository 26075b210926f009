/* SPDX-License-Identifier: Apache-2.0 */
/* The match of a rule: a leaf, all/any/not of expressions, or a lifter with its parameters. */
#include "rule/lint.h"

#include "base/limits.h"

#include <errno.h>

static int read_expr(reading *r, const yaml_node *n, unsigned depth, expr **ret_expr);

static int new_expr(reading *r, expr_type type, size_t n_kids, expr **ret_expr)
{
    expr *e = arena_calloc(r->own, 1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    e->type = type;
    e->n_kids = (uint32_t)n_kids;
    e->kids = n_kids ? arena_calloc(r->own, n_kids, sizeof(expr *)) : NULL;
    if (n_kids && !e->kids)
        return -ENOMEM;
    *ret_expr = e;
    return 0;
}

static int read_all_any(reading *r, yaml_pair p, expr_type type, unsigned depth, expr **ret_expr)
{
    const char *name = type == EXPR_ALL ? "all" : "any";
    int rc;

    if (p.value->type != YAML_LIST || p.value->n == 0)
        return reading_wrong(r, p.value, name, "a list of at least one expression");
    rc = new_expr(r, type, p.value->n, ret_expr);
    for (size_t i = 0; !rc && i < p.value->n; i++)
        rc = read_expr(r, p.value->items[i], depth, &(*ret_expr)->kids[i]);
    return rc;
}

static int read_not(reading *r, yaml_pair p, unsigned depth, expr **ret_expr)
{
    int rc;

    if (p.value->type != YAML_MAP)
        return reading_wrong(r, p.value, "not", "one expression, a mapping");
    rc = new_expr(r, EXPR_NOT, 1, ret_expr);
    return rc ? rc : read_expr(r, p.value, depth, &(*ret_expr)->kids[0]);
}

static bool is_combiner(str key, expr_type *ret_type)
{
    *ret_type = str_eq(key, STR("all")) ? EXPR_ALL : str_eq(key, STR("any")) ? EXPR_ANY : EXPR_NOT;
    return *ret_type != EXPR_NOT || str_eq(key, STR("not"));
}

static int read_combined(reading *r, const yaml_node *n, size_t i, expr_type type, unsigned depth,
                         expr **ret_expr)
{
    yaml_pair p = n->pairs[i];
    char shown[SHOWN_SIZE];

    if (n->n > 1)
        return reading_fail(r, TTP_E_INVALID, n->pairs[i == 0 ? 1 : 0].key,
                            "%s stands beside %.*s; expected %.*s alone",
                            str_shown(shown, n->pairs[i == 0 ? 1 : 0].key->text),
                            STR_ARG(p.key->text), STR_ARG(p.key->text));
    if (depth == RULE_EXPR_DEPTH_MAX)
        return reading_fail(r, TTP_E_LIMIT, p.key,
                            "all, any and not are nested too deeply; expected at most %u levels",
                            RULE_EXPR_DEPTH_MAX);
    return type == EXPR_NOT ? read_not(r, p, depth + 1, ret_expr)
                            : read_all_any(r, p, type, depth + 1, ret_expr);
}

/* depth: how many of all, any and not stand around this one. */
static int read_expr(reading *r, const yaml_node *n, unsigned depth, expr **ret_expr)
{
    expr_type type;
    int rc;

    if (n->type != YAML_MAP || n->n == 0)
        return reading_wrong(r, n, depth ? "an expression" : "match",
                             "a mapping: field and pattern (or another operator), all, any or not");
    for (size_t i = 0; i < n->n; i++) {
        if (is_combiner(n->pairs[i].key->text, &type))
            return read_combined(r, n, i, type, depth, ret_expr);
    }
    rc = new_expr(r, EXPR_LEAF, 0, ret_expr);
    return rc ? rc : read_leaf(r, n, &(*ret_expr)->leaf);
}

static bool is_lifter_name(str s)
{
    str prefix = STR("lifter:");

    if (!str_starts(s, prefix) || s.len == prefix.len)
        return false;
    for (size_t i = prefix.len; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

int read_match(reading *r, const yaml_node *n)
{
    const yaml_node *kind = yaml_get(n, STR("kind"));
    const char *wanted = "'lifter:' and the lifter's name, as 'lifter:credential_reuse'";
    int rc;

    if (kind) {
        rc = read_text(r, kind, "kind", wanted, &r->rule->lifter);
        if (!rc && !is_lifter_name(r->rule->lifter))
            rc = reading_wrong(r, kind, "kind", wanted);
    } else {
        rc = read_expr(r, n, 0, &r->rule->match);
        if (!rc)
            rc = lint_match(r, n);
    }
    if (rc)
        return rc;
    r->rule->match_node = yaml_to_json(n, r->own);
    return r->rule->match_node ? 0 : -ENOMEM;
}
