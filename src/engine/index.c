/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/index.h"

#include "engine/maker.h"

#include <errno.h>

void shared_table_unref(shared_table *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    (void)pattern_table_free(t->table); /* returns NULL */
    free(t);
}

void field_index_unref(field_index *f)
{
    if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    shared_table_unref(f->table);
    shelf_done(&f->waiting);
    free(f->present);
    free(f);
}

void kind_index_unref(kind_index *k)
{
    if (!k || __atomic_sub_fetch(&k->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t f = 0; f < k->n_fields; f++)
        field_index_unref(k->fields[f]);
    free(k->fields);
    shelf_done(&k->rules);
    shelf_done(&k->asked);
    free(k->place_of);
    free(k->at_place);
    free(k->always);
    free(k);
}

int engine_index_new_numbered(rule *const *rules, const uint32_t *ids, size_t n, str attack_release,
                              engine_index **ret_index)
{
    auto_free(index_maker) index_maker *m = index_maker_new(attack_release);
    uint32_t *order = calloc(n + 1, sizeof(*order));
    int rc = m && order ? 0 : -ENOMEM;

    for (size_t i = 0; !rc && i < n; i++) {
        order[i] = ids ? ids[i] : (uint32_t)i;
        rc = index_maker_put(m, order[i], rules[i]);
    }
    if (!rc)
        rc = index_maker_make(m, order, n, ret_index);
    free(order);
    return rc;
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
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++)
        kind_index_unref(ix->kinds[kind]);
    shelf_done(&ix->rules); /* what borrows from the rules goes first */
    shelf_done(&ix->release);
    free(ix);
    return NULL;
}

size_t engine_index_count(const engine_index *ix)
{
    return ix->n_rules;
}

static size_t kind_memory(const kind_index *k)
{
    size_t bytes = sizeof(*k) + shelf_memory(&k->rules) + shelf_memory(&k->asked) +
                   (k->rules.n + k->n_live + k->n_always) * sizeof(uint32_t);

    for (uint32_t i = 0; i < k->n_fields; i++) {
        const field_index *f = k->fields[i];

        bytes += sizeof(*f) + shelf_memory(&f->waiting) +
                 (f->n_patterns + f->n_present) * sizeof(uint32_t);
        if (f->table)
            bytes += sizeof(*f->table) + pattern_table_memory(f->table->table);
    }
    return bytes;
}

size_t engine_index_memory(const engine_index *ix)
{
    size_t bytes = sizeof(*ix) + shelf_memory(&ix->rules) + shelf_memory(&ix->release);
    index_rule *const *rules = ix->rules.at;

    for (uint32_t i = 0; i < ix->rules.n; i++)
        bytes += sizeof(index_rule) + rules[i]->rule->n_emits * sizeof(emit_row);
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++)
        bytes += ix->kinds[kind] ? kind_memory(ix->kinds[kind]) : 0;
    return bytes;
}
