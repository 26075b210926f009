/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/snapshot.h"

#include <errno.h>

int state_table_new(const state_row *rows, uint32_t n, state_table **ret_table)
{
    uint32_t n_bits = n ? (rows[n - 1].id / 64 + 1) * 64 : 0;
    size_t size = sizeof(state_table) + n * sizeof(*rows);
    state_table *t = NULL;

    if (n) {
        t = calloc(1, size + n_bits / 8); /* rows, and behind them the bits: both 8-aligned */
        if (!t)
            return -ENOMEM;
        t->refs = 1;
        t->n = n;
        t->n_bits = n_bits;
        t->has = (uint64_t *)((char *)t + size);
        memcpy(t->rows, rows, n * sizeof(*rows));
        for (uint32_t i = 0; i < n; i++)
            t->has[rows[i].id / 64] |= 1ull << (rows[i].id % 64);
    }
    *ret_table = t;
    return 0;
}

state_table *state_table_ref(state_table *t)
{
    if (t)
        __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

state_table *state_table_unref(state_table *t)
{
    if (t && __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(t);
    return NULL;
}

const state_row *state_table_find(const state_table *t, uint32_t id, int64_t now_us)
{
    uint32_t from = 0, to = t ? t->n : 0;

    if (!state_table_has(t, id))
        return NULL;
    while (to - from > 1) {
        uint32_t mid = (from + to) / 2;

        if (t->rows[mid].id <= id)
            from = mid;
        else
            to = mid;
    }
    if (t->rows[from].expires_at_us != TTP_TIME_NONE && t->rows[from].expires_at_us <= now_us)
        return NULL;
    return &t->rows[from];
}

int snapshot_new(uint64_t generation, engine_index *index, state_table *states,
                 snapshot **ret_snapshot)
{
    snapshot *s = calloc(1, sizeof(*s));

    if (!s) {
        (void)engine_index_unref(index); /* returns NULL */
        (void)state_table_unref(states); /* the same */
        return -ENOMEM;
    }
    *s = (snapshot){.refs = 1, .generation = generation, .index = index, .states = states};
    *ret_snapshot = s;
    return 0;
}

snapshot *snapshot_ref(snapshot *s)
{
    /* also releases, so that who drops the last reference sees all that happened before this */
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_ACQ_REL);
    return s;
}

snapshot *snapshot_unref(snapshot *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return NULL;
    (void)engine_index_unref(s->index); /* returns NULL */
    (void)state_table_unref(s->states); /* the same */
    free(s);
    return NULL;
}
