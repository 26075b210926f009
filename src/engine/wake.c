/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/wake.h"

#include "match/table_edit.h"

#include <limits.h>

#define NEVER UINT_MAX

bool leaf_is_text(const leaf *l, event_kind kind)
{
    switch (l->op) {
    case LEAF_PATTERN:
    case LEAF_EQUALS:
    case LEAF_CONTAINS:
    case LEAF_STARTSWITH:
    case LEAF_ENDSWITH:
    case LEAF_IN:
        return l->n_patterns > 0 && l->n_values == 0 && leaf_field(l, kind).ptr;
    default:
        return false;
    }
}

static unsigned text_rarity(const leaf *l)
{
    unsigned rarity = NEVER / 2;

    for (size_t i = 0; i < l->n_patterns; i++) {
        unsigned one = pattern_rarity(l->patterns[i]);

        rarity = one < rarity ? one : rarity;
    }
    return rarity + WAKE_TEXT;
}

static unsigned leaf_rarity(const leaf *l, event_kind kind, bool negated)
{
    if (l->op == LEAF_EXISTS) {
        if (l->exists_want == negated)
            return WAKE_ALWAYS;
        return leaf_field(l, kind).ptr ? WAKE_PRESENT : NEVER;
    }
    if (negated)
        return WAKE_ALWAYS;
    if (!leaf_field(l, kind).ptr)
        return NEVER;
    return leaf_is_text(l, kind) ? text_rarity(l) : WAKE_PRESENT;
}

typedef struct choice {
    const rule *rule;
    event_kind kind;
    bool *wakes;
} choice;

/* Of a negated `any` all kids must be false, of a negated `all` one. */
static bool needs_all(const expr *x, bool negated)
{
    return (x->type == EXPR_ALL) != negated;
}

static unsigned rarity_of(const choice *c, const expr *x, bool negated)
{
    unsigned rarity;

    if (x->type == EXPR_LEAF)
        return leaf_rarity(&c->rule->leaves[x->leaf], c->kind, negated);
    if (x->type == EXPR_NOT)
        return rarity_of(c, x->kids[0], !negated);
    rarity = rarity_of(c, x->kids[0], negated);
    for (uint32_t i = 1; i < x->n_kids; i++) {
        unsigned kid = rarity_of(c, x->kids[i], negated);

        if ((kid > rarity) == needs_all(x, negated))
            rarity = kid;
    }
    return rarity;
}

static void mark(const choice *c, const expr *x, bool negated)
{
    unsigned rarity;

    if (x->type == EXPR_LEAF) {
        c->wakes[x->leaf] = true;
        return;
    }
    if (x->type == EXPR_NOT) {
        mark(c, x->kids[0], !negated);
        return;
    }
    rarity = rarity_of(c, x, negated);
    for (uint32_t i = 0; i < x->n_kids; i++) {
        bool is_best = needs_all(x, negated) && rarity_of(c, x->kids[i], negated) == rarity;

        if (is_best || !needs_all(x, negated))
            mark(c, x->kids[i], negated);
        if (is_best)
            return;
    }
}

unsigned wake_choose(const rule *r, event_kind kind, bool *wakes)
{
    const choice c = {r, kind, wakes};
    unsigned rarity = rarity_of(&c, r->match, false);

    for (size_t i = 0; i < r->n_leaves; i++)
        wakes[i] = false;
    if (rarity != WAKE_ALWAYS)
        mark(&c, r->match, false);
    return rarity;
}
