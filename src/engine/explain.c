/* SPDX-License-Identifier: Apache-2.0 */
/* Explanation: every rule of the event's kind, decided leaf by leaf without the index. */
#include "engine/evaluator.h"

#include <errno.h>

typedef struct search {
    evaluator *e;
    const leaf *leaf;
    explain_leaf *out;
} search;

static int explain_value(void *ctx, const json_node *value)
{
    const search *s = ctx;

    if (value->type != JSON_STRING)
        return 0;
    for (size_t i = 0; i < s->leaf->n_patterns; i++) {
        match_span span;
        int rc = pattern_find(s->leaf->patterns[i], s->e->matcher, json_str(value), &span, 1);

        if (rc < 0)
            return rc;
        s->out->cut |= rc == TTP_E_LIMIT;
        if (rc)
            continue;
        s->out->has_span = true;
        s->out->start = span.start;
        s->out->end = span.end;
        return 1;
    }
    return 0;
}

static int explain_one_leaf(evaluator *e, const leaf *l, const event *ev, explain_leaf *out)
{
    search s = {e, l, out};
    int rc = leaf_holds(l, ev->kind, ev->payload, e->matcher);

    if (rc < 0)
        return rc;
    *out = (explain_leaf){.leaf = l, .field = leaf_field(l, ev->kind), .held = rc};
    if (l->n_patterns == 0 || !out->field.ptr)
        return 0;
    rc = field_each(ev->payload, out->field, explain_value, &s);
    return rc < 0 ? rc : 0;
}

static bool holds(const expr *x, const explain_leaf *leaves)
{
    if (x->type == EXPR_LEAF)
        return leaves[x->leaf].held;
    if (x->type == EXPR_NOT)
        return !holds(x->kids[0], leaves);
    for (uint32_t i = 0; i < x->n_kids; i++) {
        if (holds(x->kids[i], leaves) == (x->type == EXPR_ANY))
            return x->type == EXPR_ANY;
    }
    return x->type == EXPR_ALL;
}

static int explain_one_rule(evaluator *e, const rule *r, const event *ev, explain_rule *out)
{
    explain_leaf *leaves = arena_calloc(&e->mem, r->n_leaves, sizeof(*leaves));
    int rc = leaves ? 0 : -ENOMEM;

    for (size_t i = 0; !rc && i < r->n_leaves; i++)
        rc = explain_one_leaf(e, &r->leaves[i], ev, &leaves[i]);
    if (rc)
        return rc;
    *out = (explain_rule){
        .rule = r,
        .fired = holds(r->match, leaves),
        .leaves = leaves,
        .n_leaves = r->n_leaves,
    };
    return 0;
}

int evaluator_explain(evaluator *e, const engine_index *ix, const event *ev,
                      const explain_rule **ret_rules, size_t *ret_n)
{
    const kind_index *k = ev->kind < EVENT_N_KINDS ? ix->kinds[ev->kind] : NULL;
    size_t n = k ? k->n_live : 0;
    int rc = 0;

    arena_clear(&e->mem, 0);
    if (mem_grow(e->explained, e->cap_explained, n))
        return -ENOMEM;
    for (size_t i = 0; !rc && i < n; i++) {
        matcher_new_event(e->matcher); /* each rule is asked as if it were alone */
        rc = explain_one_rule(e, kind_rules(k)[k->at_place[i]].of->rule, ev, &e->explained[i]);
    }
    if (rc)
        return rc;
    *ret_rules = e->explained;
    *ret_n = n;
    return 0;
}
