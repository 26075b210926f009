/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings of what a rule costs, and of rules that cannot match. */
#include "rule/lint.h"

#include "match/judge.h"

#include <stdio.h>

/*
 * Occurrences of a leaf's atoms per million positions of attacker text that are too many: 1 %, once
 * in a hundred bytes, which is once in nearly every command or URL. Below it are the words that are
 * common because attackers need them (wget, chmod), where an author could do nothing. Names and
 * passwords of logins are shorter by far and may hold as much more.
 */
#define ATOM_RATE_MAX 10000u
#define ATOM_RATE_OF_LOGINS_MAX 50000u
/* Power of the text's length from which ordinary commands reach the bound of a search: the second
 * takes a text of 450 bytes made for it, the third one of 85. */
#define GROWTH_MAX 2u

static uint32_t allowed_rate(const reading *r)
{
    uint32_t logins = 1u << EVENT_AUTH_ATTEMPT | 1u << EVENT_CREDENTIAL;

    return r->rule->applies_to & ~logins ? ATOM_RATE_MAX : ATOM_RATE_OF_LOGINS_MAX;
}

static void lint_atoms(reading *r, const yaml_node *value, const leaf *l)
{
    for (size_t i = 0; i < l->n_patterns; i++) {
        const pattern *p = l->patterns[i];
        str atom = STR_NULL;
        uint32_t rate = judge_atom_rate(p, &atom);
        char shown[SHOWN_SIZE];

        if (rate <= allowed_rate(r))
            continue;
        reading_lint(r, value,
                     "the literals of which every match must hold one (the commonest is %s) stand "
                     "at %u.%u %% of all places of ordinary attack text: the pattern is searched "
                     "in nearly every event of its field",
                     node_shown(shown, &(yaml_node){.is_text = true, .text = atom}), rate / 10000,
                     rate / 1000 % 10);
    }
}

static int lint_growth(reading *r, const yaml_node *value, const pattern *p)
{
    judged_growth g = {0};
    int rc = judge_growth(p, &g);

    if (rc <= 0)
        return rc;
    if (g.exponential)
        reading_lint(r, value,
                     "pattern, at its character %u: this repeat can read one text in many ways, "
                     "and look-around, back-references and the like make the search backtrack: "
                     "short texts take it to its bound, where it counts as no match; make the "
                     "inner repeat possessive (++) or its alternatives exclusive",
                     g.column);
    else if (g.degree > GROWTH_MAX)
        reading_lint(r, value,
                     "pattern, at its character %u: repeats that can share one text among them, "
                     "and look-around, back-references and the like make the search backtrack: "
                     "its time grows as the text's length to the power of %u, up to its bound, "
                     "where it counts as no match",
                     g.column, g.degree);
    return 0;
}

int lint_leaf(reading *r, const yaml_node *value, const leaf *l)
{
    int rc;

    if (!r->ctx->lint)
        return 0;
    lint_atoms(r, value, l);
    if (l->op != LEAF_PATTERN)
        return 0;
    if (pattern_source(l->patterns[0]).len == 0) {
        reading_lint(r, value, "pattern is empty: it holds for every text");
        return 0;
    }
    rc = judge_never_holds(l->patterns[0]);
    if (rc > 0) {
        reading_lint(r, value, "the pattern can never hold: there is no text that it matches");
        return 0;
    }
    if (!pattern_has_atom(l->patterns[0]))
        reading_lint(r, value,
                     "the pattern has no literal part that every match must hold: it is "
                     "searched in every event of its field");
    return rc ? rc : lint_growth(r, value, l->patterns[0]);
}

static bool is_combined(const yaml_node *n)
{
    str key = n->n == 1 ? n->pairs[0].key->text : STR_NULL;

    return str_eq(key, STR("all")) || str_eq(key, STR("any")) || str_eq(key, STR("not"));
}

/* The node that leaf was read from: leaves are numbered in the order of the file. */
static const yaml_node *find_leaf(const yaml_node *n, uint32_t *left)
{
    const yaml_node *found = NULL, *inner;

    if (!is_combined(n))
        return (*left)-- == 0 ? n : NULL;
    inner = n->pairs[0].value;
    if (inner->type == YAML_MAP)
        return find_leaf(inner, left);
    for (size_t i = 0; !found && i < inner->n; i++)
        found = find_leaf(inner->items[i], left);
    return found;
}

#define DESCRIBED_SIZE 128

static const char *describe(char out[DESCRIBED_SIZE], const leaf *l, bool is_not)
{
    char shown[SHOWN_SIZE];

    (void)snprintf(out, DESCRIBED_SIZE, "%s%s: %s", is_not ? "not " : "", leaf_op_name(l->op),
                   str_shown(shown, l->pattern_source)); /* cut where too long, for a message */
    return out;
}

static void warn_conflict(reading *r, const yaml_node *n, event_kind kind, rule_chance chance,
                          const rule_conflict *c)
{
    const leaf *a = &r->rule->leaves[c->a], *b = &r->rule->leaves[c->b];
    uint32_t left_a = c->a, left_b = c->b;
    const yaml_node *at_a = find_leaf(n, &left_a), *at_b = find_leaf(n, &left_b);
    char first[DESCRIBED_SIZE], second[DESCRIBED_SIZE];
    const char *others = c->is_only ? "" : "; nor can its other ways to hold";

    (void)describe(first, a, c->not_a);
    (void)describe(second, b, c->not_b);
    if (!at_a || !at_b)
        return;
    if (c->a == c->b)
        reading_lint(r, at_b, "the rule can never match: %s can never hold%s", second, others);
    else if (chance == RULE_NEVER_HOLDS)
        reading_lint(r, at_b, "the rule can never match: %s and %s (line %u) cannot both hold%s",
                     second, first, at_a->line, others);
    else
        reading_lint(r, at_b,
                     "the rule can match only where %.*s is a list: no one value is both %s and "
                     "%s (line %u)%s",
                     STR_ARG(leaf_field(b, kind)), second, first, at_a->line, others);
}

int lint_match(reading *r, const yaml_node *n)
{
    rule_conflict conflict = {0}, last;
    rule_chance chance = RULE_NEVER_HOLDS, now = RULE_CAN_HOLD;
    event_kind in = EVENT_UNKNOWN_KIND;

    if (!r->ctx->lint || !r->rule->match)
        return 0;
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        int rc;

        if (!(r->rule->applies_to & (1u << kind)))
            continue;
        rc = rule_judge(r->rule, (event_kind)kind, &now, &last);
        if (rc)
            return rc;
        if (now == RULE_CAN_HOLD)
            return 0;
        if (in != EVENT_UNKNOWN_KIND && now >= chance)
            continue;
        in = (event_kind)kind;
        chance = now;
        conflict = last;
    }
    if (in != EVENT_UNKNOWN_KIND)
        warn_conflict(r, n, in, chance, &conflict);
    return 0;
}
