/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can a rule ever hold? Its expression is a choice of ways to hold, each of which wants some leaves
 * to hold and some not to. A way is barred by two leaves on one field that cannot go together:
 *
 *     exists: false     and anything that needs a value
 *     a leaf            and not one that follows from it          equals: abc, not contains: b
 *     two leaves        that no one value satisfies               gt: 5, lt: 3
 *
 * The last bars a way only for single values: of a list, each leaf may take another element.
 */
#include "rule/lint.h"

#include "match/judge.h"

#include <errno.h>
#include <stdlib.h>

/* pairs of leaves looked at, and values tried; beyond that the rule is taken to be able to hold */
#define WORK_MAX 200000u
/* leaves one way wants */
#define WANTED_MAX 512u

typedef struct wanted {
    uint32_t leaf;
    bool holds;
} wanted;

typedef struct chance {
    const rule *r;
    event_kind kind;
    bool one_value;    /* no field is a list */
    const bool *never; /* of each leaf */
    matcher *m;
    uint32_t work, depth;
    wanted ways[WANTED_MAX];
    uint32_t n_wanted;
    uint32_t n_conflicts;
    rule_conflict conflict; /* the first */
} chance;

/* ---- what values a leaf takes ---- */

static bool is_number_op(const leaf *l)
{
    return l->op >= LEAF_GT && l->op <= LEAF_LTE;
}

static bool is_set(const leaf *l)
{
    return l->op == LEAF_EQUALS || l->op == LEAF_IN;
}

static bool takes_texts(const leaf *l)
{
    return l->n_patterns > 0 || l->op == LEAF_CIDR;
}

static bool takes_others(const leaf *l)
{
    return is_number_op(l) || l->n_values > 0;
}

/* A search that backtracks may be cut off, here or there: nothing follows from what it says. */
static bool backtracks(const leaf *l)
{
    return l->op == LEAF_PATTERN && pattern_get_kind(l->patterns[0]) == PATTERN_BACKTRACK;
}

static str text_of(const leaf *l)
{
    return pattern_source(l->patterns[0]);
}

/* Does leaf b hold for all (want), or for none (!want) of the values that the set a lists? */
static bool set_decides(chance *c, const leaf *a, const leaf *b, bool want)
{
    if (a->ignore_case || backtracks(b))
        return false;
    c->work += (uint32_t)(a->n_patterns + a->n_values);
    for (size_t i = 0; i < a->n_patterns; i++) {
        json_node v = json_make_str(pattern_source(a->patterns[i]));

        matcher_new_event(c->m);
        if (leaf_value_holds(b, &v, c->m) != want)
            return false;
    }
    for (size_t i = 0; i < a->n_values; i++) {
        if (leaf_value_holds(b, a->values[i], c->m) != want)
            return false;
    }
    return true;
}

/* Every number above (or below) a's bound is above b's. */
static bool number_follows(const leaf *a, const leaf *b)
{
    bool above = a->op == LEAF_GT || a->op == LEAF_GTE;

    if (above != (b->op == LEAF_GT || b->op == LEAF_GTE))
        return false;
    if (a->number == b->number)
        return b->op == LEAF_GTE || b->op == LEAF_LTE || a->op == b->op;
    return above ? a->number > b->number : a->number < b->number;
}

static bool numbers_apart(const leaf *a, const leaf *b)
{
    bool a_above = a->op == LEAF_GT || a->op == LEAF_GTE;
    const leaf *low = a_above ? a : b, *high = a_above ? b : a;

    if (a_above == (b->op == LEAF_GT || b->op == LEAF_GTE))
        return false;
    return low->number > high->number ||
           (low->number == high->number && !(low->op == LEAF_GTE && high->op == LEAF_LTE));
}

static bool net_within(const leaf_cidr *a, const leaf_cidr *b)
{
    unsigned bits = b->prefix_len;

    if (a->v6 != b->v6 || a->prefix_len < bits)
        return false;
    if (memcmp(a->addr, b->addr, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || (a->addr[bits / 8] ^ b->addr[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool nets_follow(const leaf *a, const leaf *b)
{
    for (size_t i = 0; i < a->n_cidrs; i++) {
        bool within = false;

        for (size_t k = 0; k < b->n_cidrs; k++)
            within |= net_within(&a->cidrs[i], &b->cidrs[k]);
        if (!within)
            return false;
    }
    return true;
}

static bool nets_apart(const leaf *a, const leaf *b)
{
    for (size_t i = 0; i < a->n_cidrs; i++) {
        for (size_t k = 0; k < b->n_cidrs; k++) {
            if (net_within(&a->cidrs[i], &b->cidrs[k]) || net_within(&b->cidrs[k], &a->cidrs[i]))
                return false;
        }
    }
    return true;
}

static bool str_holds(str s, str part)
{
    return part.len == 0 || str_find(s, part) != NULL;
}

/* Every text that begins with, ends with or holds a's text does so with b's. */
static bool literal_follows(const leaf *a, const leaf *b)
{
    str s = text_of(a), part = text_of(b);

    if (a->ignore_case)
        return false;
    switch (b->op) {
    case LEAF_CONTAINS:
        return str_holds(s, part);
    case LEAF_STARTSWITH:
        return a->op == LEAF_STARTSWITH && str_starts(s, part);
    case LEAF_ENDSWITH:
        return a->op == LEAF_ENDSWITH && str_ends(s, part);
    default:
        return false;
    }
}

static bool is_literal_op(const leaf *l)
{
    return l->op == LEAF_CONTAINS || l->op == LEAF_STARTSWITH || l->op == LEAF_ENDSWITH;
}

static bool same_text_leaf(const leaf *a, const leaf *b)
{
    if (a->op != b->op || a->n_patterns != b->n_patterns || a->n_values || b->n_values)
        return false;
    for (size_t i = 0; i < a->n_patterns; i++) {
        if (!pattern_equal(a->patterns[i], b->patterns[i]))
            return false;
    }
    return a->n_patterns > 0 && !backtracks(a);
}

/* Does b hold for every value that a holds for? */
static bool follows(chance *c, const leaf *a, const leaf *b)
{
    if (is_set(a) && set_decides(c, a, b, true))
        return true;
    if (same_text_leaf(a, b))
        return true;
    if (is_number_op(a) && is_number_op(b))
        return number_follows(a, b);
    if (a->op == LEAF_CIDR && b->op == LEAF_CIDR)
        return nets_follow(a, b);
    return is_literal_op(a) && is_literal_op(b) && literal_follows(a, b);
}

static bool literals_apart(const leaf *a, const leaf *b)
{
    str s = text_of(a), t = text_of(b);

    if (a->op != b->op || a->ignore_case || b->ignore_case)
        return false;
    if (a->op == LEAF_STARTSWITH)
        return !str_starts(s, t) && !str_starts(t, s);
    return a->op == LEAF_ENDSWITH && !str_ends(s, t) && !str_ends(t, s);
}

/* Is there no value that both hold for? */
static bool are_apart(chance *c, const leaf *a, const leaf *b)
{
    if (!(takes_texts(a) && takes_texts(b)) && !(takes_others(a) && takes_others(b)))
        return true;
    if ((is_set(a) && set_decides(c, a, b, false)) || (is_set(b) && set_decides(c, b, a, false)))
        return true;
    if (is_number_op(a) && is_number_op(b))
        return numbers_apart(a, b);
    if (a->op == LEAF_CIDR && b->op == LEAF_CIDR)
        return nets_apart(a, b);
    return is_literal_op(a) && is_literal_op(b) && literals_apart(a, b);
}

/* ---- ways ---- */

/* Can this leaf not be had as wanted, whatever the event? */
static bool is_barred(const chance *c, const wanted *w)
{
    const leaf *l = &c->r->leaves[w->leaf];

    if (l->op == LEAF_EXISTS)
        return !leaf_field(l, c->kind).ptr && l->exists_want == w->holds;
    return w->holds && (c->never[w->leaf] || !leaf_field(l, c->kind).ptr);
}

static bool exists_conflicts(const leaf *a, bool a_holds, const leaf *b, bool b_holds)
{
    bool there = a->exists_want == a_holds;

    if (b->op == LEAF_EXISTS)
        return there != (b->exists_want == b_holds);
    return !there && b_holds;
}

static bool conflicts(chance *c, const wanted *v, const wanted *w)
{
    const leaf *a = &c->r->leaves[v->leaf], *b = &c->r->leaves[w->leaf];

    if (!str_eq(leaf_field(a, c->kind), leaf_field(b, c->kind)))
        return false;
    c->work++;
    if (a->op == LEAF_EXISTS)
        return exists_conflicts(a, v->holds, b, w->holds);
    if (b->op == LEAF_EXISTS)
        return exists_conflicts(b, w->holds, a, v->holds);
    if (v->holds && w->holds)
        return c->one_value && are_apart(c, a, b);
    if (v->holds)
        return follows(c, a, b);
    return w->holds && follows(c, b, a);
}

static void note_conflict(chance *c, const wanted *v, const wanted *w)
{
    const wanted *first = v->leaf < w->leaf ? v : w, *last = v->leaf < w->leaf ? w : v;
    rule_conflict now = {first->leaf, last->leaf, !first->holds, !last->holds, true};

    if (c->n_conflicts++ == 0)
        c->conflict = now;
    c->conflict.is_only = c->n_conflicts == 1;
}

/* What is still wanted: all of kids[0..n), as they are or not, and then what is next. */
typedef struct rest rest;
struct rest {
    expr *const *kids;
    uint32_t n;
    bool holds;
    const rest *next;
};

static bool can_all(chance *c, const rest *todo);

static bool can_leaf(chance *c, uint32_t at, bool holds, const rest *todo)
{
    const wanted w = {at, holds};
    bool can;

    if (c->n_wanted == WANTED_MAX)
        return true;
    if (is_barred(c, &w)) {
        note_conflict(c, &w, &w);
        return false;
    }
    for (uint32_t i = 0; i < c->n_wanted; i++) {
        if (conflicts(c, &c->ways[i], &w)) {
            note_conflict(c, &c->ways[i], &w);
            return false;
        }
    }
    c->ways[c->n_wanted++] = w;
    can = can_all(c, todo);
    c->n_wanted--;
    return can;
}

static bool can_expr(chance *c, const expr *e, bool holds, const rest *todo)
{
    const rest all = {e->kids, e->n_kids, holds, todo};

    if (e->type == EXPR_LEAF)
        return can_leaf(c, e->leaf, holds, todo);
    if (e->type == EXPR_NOT)
        return can_expr(c, e->kids[0], !holds, todo);
    if ((e->type == EXPR_ALL) == holds)
        return can_all(c, &all);
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (can_expr(c, e->kids[i], holds, todo))
            return true;
    }
    return false;
}

/* Too much work, or too much on the stack, is a yes. */
static bool can_all(chance *c, const rest *todo)
{
    bool can;

    while (todo && todo->n == 0)
        todo = todo->next;
    if (!todo || c->work > WORK_MAX || c->depth > 2 * WANTED_MAX)
        return true;
    c->work++;
    c->depth++;
    can = can_expr(c, todo->kids[0], todo->holds,
                   &(rest){todo->kids + 1, todo->n - 1, todo->holds, todo->next});
    c->depth--;
    return can;
}

static int find_never(const rule *r, bool *never)
{
    for (size_t i = 0; i < r->n_leaves; i++) {
        const leaf *l = &r->leaves[i];
        int rc = l->op == LEAF_PATTERN ? judge_never_holds(l->patterns[0]) : 0;

        if (rc < 0)
            return rc;
        never[i] = rc > 0;
    }
    return 0;
}

static rule_chance judge(chance *c, rule_conflict *ret_conflict)
{
    static const rule_chance chances[] = {RULE_NEVER_HOLDS, RULE_NEEDS_LIST};

    for (unsigned i = 0; i < 2; i++) {
        c->one_value = i == 1;
        c->work = c->n_conflicts = 0;
        if (can_expr(c, c->r->match, true, NULL))
            continue;
        *ret_conflict = c->conflict;
        return chances[i];
    }
    return RULE_CAN_HOLD;
}

int rule_judge(const rule *r, event_kind kind, rule_chance *ret_chance, rule_conflict *ret_conflict)
{
    bool *never = calloc(r->n_leaves + 1, sizeof(*never));
    chance *c = calloc(1, sizeof(*c));
    matcher *m = matcher_new(NULL);
    int rc = never && c && m ? find_never(r, never) : -ENOMEM;

    if (!rc && c) {
        c->r = r;
        c->kind = kind;
        c->never = never;
        c->m = m;
        *ret_chance = r->match ? judge(c, ret_conflict) : RULE_CAN_HOLD;
    }
    (void)matcher_free(m); /* returns NULL */
    free(c);
    free(never);
    return rc;
}
