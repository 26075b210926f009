/* SPDX-License-Identifier: Apache-2.0 */
/* The next index, out of what a maker keeps and the last one. */
#include "engine/maker_internal.h"

#include "match/table_edit.h"

#include <errno.h>

/* A copy of n numbers; one more than asked for, so that none is not NULL. */
static uint32_t *copy_numbers(const uint32_t *from, size_t n)
{
    uint32_t *to = malloc((n + 1) * sizeof(*to));

    if (to && n)
        memcpy(to, from, n * sizeof(*to));
    return to;
}

/* Leave out the rules that are holes. */
static size_t sweep(uint32_t *rules, size_t n, const uint32_t *place_of)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (place_of[rules[i]] != NO_INDEX)
            rules[kept++] = rules[i];
    }
    return kept;
}

static int edit_table(const field_maker *f, pattern_table **ret_table)
{
    const table_edit edit = {
        .added = f->patterns + f->n_in_table,
        .n_added = f->by_pattern.n - f->n_in_table,
        .dropped = f->dropped,
        .n_dropped = f->n_dropped,
    };
    int rc = f->table ? pattern_table_edit(f->table->table, &edit, ret_table) : TTP_E_LIMIT;

    if (rc != TTP_E_LIMIT || f->has_dropped)
        return rc;
    return pattern_table_new(f->patterns, f->by_pattern.n, ret_table);
}

static int make_table(field_maker *f)
{
    shared_table *t;
    int rc;

    if (f->n_in_table == f->by_pattern.n && f->n_dropped == 0)
        return 0;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->refs = 1;
    rc = edit_table(f, &t->table);
    if (rc) {
        free(t);
        return rc;
    }
    shared_table_unref(f->table);
    f->table = t;
    f->n_in_table = f->by_pattern.n;
    f->n_dropped = 0;
    return 0;
}

static int make_field(field_maker *f, const uint32_t *place_of)
{
    size_t n = f->by_pattern.n;
    field_index *next;
    int rc = make_table(f);

    if (rc)
        return rc;
    next = malloc(sizeof(*next) + n * sizeof(uint32_t));
    if (!next)
        return -ENOMEM;
    f->n_present = sweep(f->present, f->n_present, place_of);
    *next = (field_index){.refs = 1,
                          .path = f->path,
                          .n_patterns = (uint32_t)n,
                          .present = copy_numbers(f->present, f->n_present),
                          .n_present = (uint32_t)f->n_present};
    if (!next->present) {
        free(next);
        return -ENOMEM;
    }
    if (n)
        memcpy(next->first_waiting, f->first_waiting, n * sizeof(uint32_t));
    next->waiting = shelf_share(&f->waiting);
    next->table = f->table;
    if (f->table)
        __atomic_add_fetch(&f->table->refs, 1, __ATOMIC_RELAXED);
    field_index_unref(f->last);
    f->last = next;
    f->touched = false;
    return 0;
}

static int make_fields(kind_maker *k, kind_index *next)
{
    int rc = 0;

    next->fields = calloc(k->by_path.n + 1, sizeof(field_index *));
    if (!next->fields)
        return -ENOMEM;
    for (size_t i = 0; !rc && i < k->by_path.n; i++) {
        field_maker *f = k->fields[i];

        if (f->touched || !f->last)
            rc = make_field(f, next->place_of);
        if (rc)
            break;
        __atomic_add_fetch(&f->last->refs, 1, __ATOMIC_RELAXED);
        next->fields[next->n_fields++] = f->last;
    }
    return rc;
}

static int make_places(const kind_maker *k, const uint32_t *order, size_t n, kind_index *next)
{
    next->place_of = malloc((k->rules.n + 1) * sizeof(uint32_t));
    next->at_place = malloc((k->n_live + 1) * sizeof(uint32_t));
    if (!next->place_of || !next->at_place)
        return -ENOMEM;
    memset(next->place_of, 0xFF, k->rules.n * sizeof(uint32_t)); /* NO_INDEX in each */
    for (size_t i = 0; i < n; i++) {
        uint32_t number = order[i] < k->n_slot_of ? k->slot_of[order[i]] : NO_INDEX;

        if (number == NO_INDEX)
            continue;
        next->place_of[number] = next->n_live;
        next->at_place[next->n_live++] = number;
    }
    return 0;
}

static int make_kind(kind_maker *k, const uint32_t *order, size_t n)
{
    kind_index *next = calloc(1, sizeof(*next));
    int rc;

    if (!next)
        return -ENOMEM;
    next->refs = 1;
    next->n_slots = k->n_slots;
    next->rules = shelf_share(&k->rules);
    next->asked = shelf_share(&k->asked);
    rc = make_places(k, order, n, next);
    if (!rc)
        rc = make_fields(k, next);
    if (!rc) {
        k->n_always = sweep(k->always, k->n_always, next->place_of);
        next->n_always = (uint32_t)k->n_always;
        next->always = copy_numbers(k->always, k->n_always);
        rc = next->always ? 0 : -ENOMEM;
    }
    if (rc) {
        kind_index_unref(next);
        return rc;
    }
    kind_index_unref(k->last);
    k->last = next;
    k->touched = false;
    return 0;
}

int index_maker_make(index_maker *m, const uint32_t *order, size_t n, engine_index **ret_index)
{
    auto_free(engine_index) engine_index *ix = calloc(1, sizeof(*ix));

    if (!ix)
        return -ENOMEM;
    ix->refs = 1;
    ix->n_rules = n;
    ix->release = shelf_share(&m->release);
    ix->rules = shelf_share(&m->rules);
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        kind_maker *k = &m->kinds[kind];
        int rc = k->touched ? make_kind(k, order, n) : 0;

        if (rc)
            return rc;
        if (!k->last || !k->last->n_live)
            continue;
        __atomic_add_fetch(&k->last->refs, 1, __ATOMIC_RELAXED);
        ix->kinds[kind] = k->last;
    }
    *ret_index = take(ix);
    return 0;
}
