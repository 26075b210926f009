/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator.h"

#include <errno.h>

bool index_has_leaf(const leaf *l, event_kind kind)
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

/* What an expression can come out as while all its indexed leaves are false. */
typedef struct outcomes {
    bool yes, no;
} outcomes;

static outcomes outcomes_of(const rule *r, const expr *e, event_kind kind)
{
    outcomes all = {.yes = e->type == EXPR_ALL, .no = e->type == EXPR_ANY};

    if (e->type == EXPR_LEAF) {
        bool indexed = index_has_leaf(&r->leaves[e->leaf], kind);

        return (outcomes){.yes = !indexed, .no = true};
    }
    if (e->type == EXPR_NOT) {
        outcomes kid = outcomes_of(r, e->kids[0], kind);

        return (outcomes){.yes = kid.no, .no = kid.yes};
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        outcomes kid = outcomes_of(r, e->kids[i], kind);

        if (e->type == EXPR_ALL)
            all = (outcomes){.yes = all.yes && kid.yes, .no = all.no || kid.no};
        else
            all = (outcomes){.yes = all.yes || kid.yes, .no = all.no && kid.no};
    }
    return all;
}

/* One pattern of one leaf, while an index is made. */
typedef struct pattern_use {
    str path;
    pattern *pattern;
    waiting_leaf leaf;
} pattern_use;

static int compare_patterns(const pattern *a, const pattern *b)
{
    int c;

    if (a == b)
        return 0;
    if (pattern_is_regex(a) != pattern_is_regex(b))
        return pattern_is_regex(a) ? 1 : -1;
    if (pattern_flags(a) != pattern_flags(b))
        return pattern_flags(a) < pattern_flags(b) ? -1 : 1;
    c = str_cmp(pattern_source(a), pattern_source(b));
    return c;
}

static int compare_uses(const void *a, const void *b)
{
    const pattern_use *x = a, *y = b;
    int c = str_cmp(x->path, y->path);

    if (!c)
        c = compare_patterns(x->pattern, y->pattern);
    if (!c)
        c = (x->leaf.rule > y->leaf.rule) - (x->leaf.rule < y->leaf.rule);
    return c ? c : (x->leaf.slot > y->leaf.slot) - (x->leaf.slot < y->leaf.slot);
}

/* Equal patterns of one field share one place in its table: it is verified once. */
static int make_field(arena *mem, const pattern_use *uses, uint32_t n, field_index *ret_field)
{
    pattern **patterns = calloc(n, sizeof(pattern *));
    uint32_t n_patterns = 0;
    int rc;

    ret_field->path = uses[0].path;
    ret_field->first_waiting = arena_calloc(mem, (size_t)n + 1, sizeof(uint32_t));
    ret_field->waiting = arena_calloc(mem, n, sizeof(waiting_leaf));
    if (!patterns || !ret_field->first_waiting || !ret_field->waiting) {
        free(patterns);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || compare_patterns(uses[i - 1].pattern, uses[i].pattern) != 0) {
            ret_field->first_waiting[n_patterns] = i;
            patterns[n_patterns++] = uses[i].pattern;
        }
        ret_field->waiting[i] = uses[i].leaf;
    }
    ret_field->first_waiting[n_patterns] = n;
    rc = pattern_table_new(patterns, n_patterns, &ret_field->table);
    free(patterns);
    return rc;
}

static int make_fields(arena *mem, kind_index *k, pattern_use *uses, uint32_t n_uses)
{
    uint32_t n_fields = 0, from = 0;
    int rc = 0;

    if (n_uses == 0)
        return 0;
    qsort(uses, n_uses, sizeof(*uses), compare_uses);
    for (uint32_t i = 0; i < n_uses; i++)
        n_fields += i == 0 || !str_eq(uses[i - 1].path, uses[i].path);
    k->fields = arena_calloc(mem, n_fields, sizeof(*k->fields));
    if (!k->fields)
        return -ENOMEM;
    for (uint32_t i = 1; !rc && i <= n_uses; i++) {
        if (i < n_uses && str_eq(uses[i].path, uses[from].path))
            continue;
        rc = make_field(mem, uses + from, i - from, &k->fields[k->n_fields++]);
        from = i;
    }
    return rc;
}

static bool applies(const rule *r, event_kind kind)
{
    return r->match && (r->applies_to & (1u << kind));
}

static uint32_t count_uses(const engine_index *ix, event_kind kind, uint32_t *ret_n_rules)
{
    uint32_t n = 0;

    *ret_n_rules = 0;
    for (size_t i = 0; i < ix->n_rules; i++) {
        const rule *r = ix->rules[i];

        if (!applies(r, kind))
            continue;
        ++*ret_n_rules;
        for (size_t l = 0; l < r->n_leaves; l++)
            n += index_has_leaf(&r->leaves[l], kind) ? (uint32_t)r->leaves[l].n_patterns : 0;
    }
    return n;
}

/* Enters one rule; returns how many uses it added. */
static uint32_t add_rule(kind_index *k, event_kind kind, const rule *r, uint32_t id,
                         const emit_row *rows, pattern_use *uses)
{
    uint32_t index = k->n_rules++, first_slot = k->n_slots, n = 0;
    bool is_one_leaf = r->match->type == EXPR_LEAF && index_has_leaf(&r->leaves[0], kind);

    k->n_slots += (uint32_t)r->n_leaves;
    k->rules[index] = (kind_rule){
        .rule = r,
        .id = id,
        .rows = rows,
        .n_rows = (uint32_t)r->n_emits,
        .first_slot = first_slot,
        .names_findings = evidence_names_findings(r),
        .is_one_leaf = is_one_leaf,
    };
    if (outcomes_of(r, r->match, kind).yes)
        k->always[k->n_always++] = index;
    for (uint32_t l = 0; l < r->n_leaves; l++) {
        const leaf *at = &r->leaves[l];
        waiting_leaf waiting = {is_one_leaf ? NO_SLOT : first_slot + l, index};

        for (size_t p = 0; index_has_leaf(at, kind) && p < at->n_patterns; p++)
            uses[n++] = (pattern_use){leaf_field(at, kind), at->patterns[p], waiting};
    }
    return n;
}

static int make_kind(engine_index *ix, event_kind kind)
{
    kind_index *k = &ix->kinds[kind];
    uint32_t n_rules, used = 0, n_uses = count_uses(ix, kind, &n_rules);
    const emit_row *rows = ix->rows;
    pattern_use *uses;
    int rc;

    if (n_rules == 0)
        return 0;
    uses = calloc((size_t)n_uses + 1, sizeof(*uses));
    k->rules = arena_calloc(&ix->mem, n_rules, sizeof(*k->rules));
    k->always = arena_calloc(&ix->mem, n_rules, sizeof(uint32_t));
    if (!uses || !k->rules || !k->always) {
        free(uses);
        return -ENOMEM;
    }
    for (size_t i = 0; i < ix->n_rules; i++) {
        const rule *r = ix->rules[i];

        if (applies(r, kind))
            used += add_rule(k, kind, r, ix->ids[i], rows, uses + used);
        rows += r->n_emits;
    }
    rc = make_fields(&ix->mem, k, uses, used);
    free(uses);
    return rc;
}

static int make_rows(engine_index *ix)
{
    size_t n = 0;

    for (size_t i = 0; i < ix->n_rules; i++)
        n += ix->rules[i]->n_emits;
    ix->rows = arena_calloc(&ix->mem, n, sizeof(*ix->rows));
    if (!ix->rows)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < ix->n_rules; i++) {
        const rule *r = ix->rules[i];

        for (size_t k = 0; k < r->n_emits; k++) {
            const rule_emit *emit = &r->emits[k];

            ix->rows[n++] = (emit_row){
                .confidence = emit->confidence,
                .tactic = emit->tactic,
                .technique_id = emit->technique_id,
                .sub_technique_id = emit->sub_technique_id,
                .rule_id = r->rule_id,
                .rule_name = r->name,
                .attack_release = r->attack_release.ptr ? r->attack_release : ix->attack_release,
                .rule_version = r->rule_version,
            };
        }
    }
    return 0;
}

static int fill(engine_index *ix, rule *const *rules, const uint32_t *ids, size_t n,
                str attack_release)
{
    int rc;

    ix->attack_release = arena_str(&ix->mem, attack_release);
    ix->rules = arena_calloc(&ix->mem, n, sizeof(*ix->rules));
    ix->ids = arena_calloc(&ix->mem, n, sizeof(*ix->ids));
    if (!ix->attack_release.ptr || !ix->rules || !ix->ids)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        ix->rules[i] = rule_ref(rules[i]);
        ix->ids[i] = ids ? ids[i] : (uint32_t)i;
    }
    ix->n_rules = n;
    rc = make_rows(ix);
    for (unsigned kind = 0; !rc && kind < EVENT_N_KINDS; kind++)
        rc = make_kind(ix, (event_kind)kind);
    return rc;
}

int engine_index_new_numbered(rule *const *rules, const uint32_t *ids, size_t n, str attack_release,
                              engine_index **ret_index)
{
    auto_free(engine_index) engine_index *ix = calloc(1, sizeof(*ix));
    int rc;

    if (!ix)
        return -ENOMEM;
    ix->refs = 1;
    rc = fill(ix, rules, ids, n, attack_release);
    if (rc)
        return rc;
    *ret_index = take(ix);
    return 0;
}

int engine_index_new(rule *const *rules, size_t n, str attack_release, engine_index **ret_index)
{
    return engine_index_new_numbered(rules, NULL, n, attack_release, ret_index);
}

engine_index *engine_index_ref(engine_index *ix)
{
    __atomic_add_fetch(&ix->refs, 1, __ATOMIC_RELAXED);
    return ix;
}

engine_index *engine_index_unref(engine_index *ix)
{
    if (!ix || __atomic_sub_fetch(&ix->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return NULL;
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        for (uint32_t f = 0; f < ix->kinds[kind].n_fields; f++)
            pattern_table_free(ix->kinds[kind].fields[f].table);
    }
    for (size_t i = 0; i < ix->n_rules; i++)
        rule_unref(ix->rules[i]);
    arena_done(&ix->mem);
    free(ix);
    return NULL;
}

size_t engine_index_count(const engine_index *ix)
{
    return ix->n_rules;
}

size_t engine_index_memory(const engine_index *ix)
{
    size_t bytes = sizeof(*ix) + ix->mem.total;

    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        for (uint32_t f = 0; f < ix->kinds[kind].n_fields; f++)
            bytes += pattern_table_memory(ix->kinds[kind].fields[f].table);
    }
    return bytes;
}
