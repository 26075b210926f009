/* SPDX-License-Identifier: Apache-2.0 */
/* Rules come and go (contract: maker.h); maker_make.c makes indexes of what is here. */
#include "engine/maker_internal.h"

#include "engine/evaluator.h"
#include "engine/wake.h"
#include "match/table_edit.h"

#include <errno.h>

#define DROPPED UINT32_MAX
/* holes that are kept beside few rules */
#define HOLES_KEPT 256
/* how much tables may have grown */
#define WORN_EIGHTHS 2
#define OVERDUE_EIGHTHS 4

static void keep_rule(void *element)
{
    index_rule *r = *(index_rule **)element;

    __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
}

static void drop_rule(void *element)
{
    index_rule *r = *(index_rule **)element;

    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    (void)rule_unref(r->rule); /* returns NULL */
    free(r);
}

static const shelf_kind shelf_of_rules = {sizeof(index_rule *), keep_rule, drop_rule};
static const shelf_kind shelf_of_bytes = {.size = 1};
static const shelf_kind shelf_of_kind_rules = {.size = sizeof(kind_rule)};
static const shelf_kind shelf_of_asked = {.size = sizeof(asked_pattern)};
static const shelf_kind shelf_of_waiting = {.size = sizeof(waiting_leaf)};

index_maker *index_maker_new(str attack_release)
{
    index_maker *m = calloc(1, sizeof(*m));

    if (m &&
        shelf_put(&m->release, &shelf_of_bytes, attack_release.ptr, (uint32_t)attack_release.len)) {
        free(m);
        return NULL;
    }
    return m;
}

static void end_field(field_maker *f)
{
    field_index_unref(f->last);
    shared_table_unref(f->table);
    chains_done(&f->by_pattern);
    free(f->patterns);
    free(f->first_waiting);
    free(f->n_waiting);
    free(f->dropped);
    free(f->present);
    shelf_done(&f->waiting);
    free(f);
}

static void end_kind(kind_maker *k)
{
    kind_index_unref(k->last);
    for (size_t i = 0; i < k->by_path.n; i++)
        end_field(k->fields[i]);
    free(k->fields);
    free(k->always);
    free(k->slot_of);
    chains_done(&k->by_path);
    chains_done(&k->by_asked);
    shelf_done(&k->rules);
    shelf_done(&k->asked);
}

index_maker *index_maker_free(index_maker *m)
{
    if (!m)
        return NULL;
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++)
        end_kind(&m->kinds[kind]);
    shelf_done(&m->rules);
    shelf_done(&m->release);
    free(m);
    return NULL;
}

size_t index_maker_holes(const index_maker *m)
{
    size_t n = 0;

    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++)
        n += m->kinds[kind].rules.n - m->kinds[kind].n_live;
    return n;
}

static bool has_holes(const kind_maker *k, uint32_t most)
{
    return k->rules.n - k->n_live > most;
}

static bool has_grown(const kind_maker *k, unsigned eighths)
{
    for (size_t i = 0; i < k->by_path.n; i++) {
        const shared_table *t = k->fields[i]->table;

        if (t && pattern_table_has_grown(t->table, eighths))
            return true;
    }
    return false;
}

bool index_maker_worn(const index_maker *m)
{
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        const kind_maker *k = &m->kinds[kind];

        if (has_holes(k, k->n_live / 4 + HOLES_KEPT) || has_grown(k, WORN_EIGHTHS))
            return true;
    }
    return false;
}

bool index_maker_overdue(const index_maker *m)
{
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        const kind_maker *k = &m->kinds[kind];

        if (has_holes(k, k->n_live / 2 + 2 * HOLES_KEPT) || has_grown(k, OVERDUE_EIGHTHS))
            return true;
    }
    return false;
}

/* ---- a rule, for all its kinds ---- */

static unsigned count_kinds(const rule *r)
{
    return r->match ? (unsigned)__builtin_popcount(r->applies_to & ((1u << EVENT_N_KINDS) - 1)) : 0;
}

static void fill_rows(const index_maker *m, index_rule *ir)
{
    const rule *r = ir->rule;
    str release = {m->release.at, m->release.n};

    for (size_t i = 0; i < r->n_emits; i++) {
        const rule_emit *emit = &r->emits[i];

        ir->rows[i] = (emit_row){
            .confidence = emit->confidence,
            .tactic = emit->tactic,
            .technique_id = emit->technique_id,
            .sub_technique_id = emit->sub_technique_id,
            .rule_id = r->rule_id,
            .rule_name = r->name,
            .attack_release = r->attack_release.ptr ? r->attack_release : release,
            .rule_version = r->rule_version,
        };
    }
}

static int add_index_rule(index_maker *m, rule *r, index_rule **ret_rule)
{
    size_t size = sizeof(index_rule) + r->n_emits * sizeof(emit_row);
    index_rule *ir = malloc(size + count_kinds(r) * r->n_leaves * sizeof(uint32_t));

    if (!ir)
        return -ENOMEM;
    *ir = (index_rule){.refs = 1, .rule = rule_ref(r), .ways = (uint32_t *)((char *)ir + size)};
    fill_rows(m, ir);
    if (shelf_put(&m->rules, &shelf_of_rules, &ir, 1)) {
        drop_rule(&ir);
        return -ENOMEM;
    }
    *ret_rule = ir;
    return 0;
}

/* ---- fields and their patterns ---- */

static field_maker *new_field(kind_maker *k, str path)
{
    field_maker *f;

    if (mem_grow(k->fields, k->cap_fields, k->by_path.n + 1))
        return NULL;
    f = calloc(1, sizeof(*f));
    if (!f || chains_add(&k->by_path, str_hash(path))) {
        free(f);
        return NULL;
    }
    f->path = path;
    return k->fields[k->by_path.n - 1] = f;
}

static field_maker *field_of(kind_maker *k, str path)
{
    uint32_t i = chains_first(&k->by_path, str_hash(path));

    while (i != CHAIN_END && !str_eq(k->fields[i]->path, path))
        i = k->by_path.next[i];
    return i == CHAIN_END ? new_field(k, path) : k->fields[i];
}

static uint64_t hash_pattern(const pattern *p)
{
    return str_hash(pattern_source(p)) + pattern_flags(p);
}

static int add_pattern(field_maker *f, pattern *p, uint32_t *ret_index)
{
    size_t n = f->by_pattern.n;

    if (mem_grow(f->patterns, f->cap_patterns, n + 1) ||
        mem_grow(f->first_waiting, f->cap_waiting, n + 1) ||
        mem_grow(f->n_waiting, f->cap_n_waiting, n + 1) ||
        chains_add(&f->by_pattern, hash_pattern(p)))
        return -ENOMEM;
    f->patterns[n] = p;
    f->first_waiting[n] = NO_INDEX;
    f->n_waiting[n] = 0;
    *ret_index = (uint32_t)n;
    return 0;
}

static uint32_t find_pattern(const field_maker *f, const pattern *p)
{
    uint32_t i = f->n_waiting ? chains_first(&f->by_pattern, hash_pattern(p)) : CHAIN_END;

    while (i != CHAIN_END && (f->n_waiting[i] == DROPPED || !pattern_equal(f->patterns[i], p)))
        i = f->by_pattern.next[i];
    return i;
}

/* Equal patterns of one field share one place in its table: it is verified once. */
static int wait_for(field_maker *f, pattern *p, waiting_leaf who)
{
    uint32_t i = find_pattern(f, p);

    if (i == CHAIN_END && add_pattern(f, p, &i))
        return -ENOMEM;
    who.next = f->first_waiting[i];
    if (shelf_put(&f->waiting, &shelf_of_waiting, &who, 1))
        return -ENOMEM;
    f->first_waiting[i] = f->waiting.n - 1;
    f->n_waiting[i]++;
    f->touched = true;
    return 0;
}

/* The number under which a pattern is asked for. */
static int ask_for(kind_maker *k, str path, const pattern *p, uint32_t *ret_number)
{
    asked_pattern new = {path, p};
    const asked_pattern *all = k->asked.at;
    uint64_t hash = hash_pattern(p) + str_hash(path);
    uint32_t i = chains_first(&k->by_asked, hash);

    while (i != CHAIN_END && !(pattern_equal(all[i].pattern, p) && str_eq(all[i].path, path)))
        i = k->by_asked.next[i];
    if (i == CHAIN_END) {
        i = k->asked.n;
        if (shelf_put(&k->asked, &shelf_of_asked, &new, 1) || chains_add(&k->by_asked, hash))
            return -ENOMEM;
    }
    *ret_number = i;
    return 0;
}

/* ---- a rule of one kind ---- */

typedef struct placing {
    kind_maker *k;
    event_kind kind;
    const rule *rule;
    uint32_t number; /* among the kind's */
    uint32_t first_slot;
    unsigned rarity; /* of what wakes it */
    bool is_one_leaf;
} placing;

/*
 * A regular expression that does not wake its rule is searched for only when the rule is woken,
 * unless that is likely: the table does not verify where no atom is met.
 */
static bool is_asked(const placing *p, const field_maker *f, const leaf *l, bool wakes)
{
    return !wakes && p->rarity > WAKE_TEXT && l->op == LEAF_PATTERN &&
           find_pattern(f, l->patterns[0]) == CHAIN_END;
}

static int place_text(const placing *p, uint32_t index, bool wakes, uint32_t *ret_way)
{
    const leaf *l = &p->rule->leaves[index];
    str path = leaf_field(l, p->kind);
    field_maker *f = field_of(p->k, path);
    waiting_leaf waiting = {.slot = p->is_one_leaf ? NO_INDEX : p->first_slot + index,
                            .rule = p->number,
                            .wakes = wakes};
    int rc = f ? 0 : -ENOMEM;

    if (!rc && is_asked(p, f, l, wakes))
        return ask_for(p->k, path, l->patterns[0], ret_way);
    *ret_way = LEAF_IN_TABLE;
    for (size_t i = 0; !rc && i < l->n_patterns; i++)
        rc = wait_for(f, l->patterns[i], waiting);
    return rc;
}

static int place_other(const placing *p, const leaf *l, bool wakes)
{
    str path = leaf_field(l, p->kind);
    field_maker *f;

    if (!wakes || !path.ptr)
        return 0; /* without a field it never holds */
    f = field_of(p->k, path);
    if (!f || mem_grow(f->present, f->cap_present, f->n_present + 1))
        return -ENOMEM;
    f->present[f->n_present++] = p->number;
    f->touched = true;
    return 0;
}

static int place_leaves(placing *p, uint32_t *ways)
{
    bool *wakes = malloc(p->rule->n_leaves + 1);
    int rc = wakes ? 0 : -ENOMEM;

    if (!rc)
        p->rarity = wake_choose(p->rule, p->kind, wakes);
    for (uint32_t i = 0; !rc && i < p->rule->n_leaves; i++) {
        ways[i] = LEAF_BY_ITSELF;
        if (leaf_is_text(&p->rule->leaves[i], p->kind))
            rc = place_text(p, i, wakes[i], &ways[i]);
        else
            rc = place_other(p, &p->rule->leaves[i], wakes[i]);
    }
    free(wakes);
    if (rc || p->rarity != WAKE_ALWAYS)
        return rc;
    if (mem_grow(p->k->always, p->k->cap_always, p->k->n_always + 1))
        return -ENOMEM;
    p->k->always[p->k->n_always++] = p->number;
    return 0;
}

static int set_slot(kind_maker *k, uint32_t id, uint32_t number)
{
    size_t n = k->n_slot_of;

    if (id >= n) {
        if (mem_grow(k->slot_of, k->cap_slot_of, (size_t)id + 1))
            return -ENOMEM;
        for (; n <= id; n++)
            k->slot_of[n] = NO_INDEX;
        k->n_slot_of = n;
    }
    k->slot_of[id] = number;
    k->n_live++;
    k->touched = true;
    return 0;
}

static int put_into_kind(kind_maker *k, event_kind kind, uint32_t id, const index_rule *ir,
                         uint32_t *ways)
{
    const rule *r = ir->rule;
    placing p = {.k = k, .kind = kind, .rule = r, .number = k->rules.n, .first_slot = k->n_slots};
    kind_rule kr = {
        .of = ir,
        .ways = ways,
        .id = id,
        .first_slot = k->n_slots,
        .is_one_leaf = r->match->type == EXPR_LEAF && leaf_is_text(&r->leaves[0], kind),
        .n_rows = (uint32_t)r->n_emits,
        .names_findings = evidence_names_findings(r),
    };
    int rc;

    kr.is_plain = kr.is_one_leaf && !kr.names_findings && r->n_emits == 1 &&
                  ir->rows[0].confidence >= TAG_CONFIDENCE_FLOOR;
    p.is_one_leaf = kr.is_one_leaf;
    k->n_slots += (uint32_t)r->n_leaves;
    rc = shelf_put(&k->rules, &shelf_of_kind_rules, &kr, 1);
    if (!rc)
        rc = place_leaves(&p, ways);
    return rc ? rc : set_slot(k, id, p.number);
}

/* Nobody waits for the pattern any more, which only hurts where it has no atom. */
static int stop_waiting(field_maker *f, const pattern *p)
{
    uint32_t i = find_pattern(f, p);

    if (i == CHAIN_END || !f->n_waiting || --f->n_waiting[i] || pattern_has_atom(p))
        return 0;
    if (mem_grow(f->dropped, f->cap_dropped, f->n_dropped + 1))
        return -ENOMEM;
    f->dropped[f->n_dropped++] = i;
    f->n_waiting[i] = DROPPED;
    f->has_dropped = f->touched = true;
    return 0;
}

static int take_out_leaves(kind_maker *k, event_kind kind, const kind_rule *kr)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < kr->of->rule->n_leaves; i++) {
        const leaf *l = &kr->of->rule->leaves[i];

        if (kr->ways[i] != LEAF_IN_TABLE)
            continue;
        for (size_t p = 0; !rc && p < l->n_patterns; p++)
            rc = stop_waiting(field_of(k, leaf_field(l, kind)), l->patterns[p]);
    }
    return rc;
}

static int take_out(index_maker *m, uint32_t id)
{
    int rc = 0;

    for (unsigned kind = 0; !rc && kind < EVENT_N_KINDS; kind++) {
        kind_maker *k = &m->kinds[kind];
        const kind_rule *rules = k->rules.at;

        if (id >= k->n_slot_of || k->slot_of[id] == NO_INDEX)
            continue;
        rc = take_out_leaves(k, (event_kind)kind, &rules[k->slot_of[id]]);
        k->slot_of[id] = NO_INDEX;
        k->n_live--;
        k->touched = true;
    }
    return rc;
}

int index_maker_put(index_maker *m, uint32_t id, rule *r)
{
    index_rule *ir;
    uint32_t *ways;
    int rc = take_out(m, id);

    if (rc || !r)
        return rc;
    rc = add_index_rule(m, r, &ir);
    ways = rc ? NULL : ir->ways;
    for (unsigned kind = 0; !rc && r->match && kind < EVENT_N_KINDS; kind++) {
        if (!(r->applies_to & (1u << kind)))
            continue;
        rc = put_into_kind(&m->kinds[kind], (event_kind)kind, id, ir, ways);
        ways += r->n_leaves;
    }
    return rc;
}
