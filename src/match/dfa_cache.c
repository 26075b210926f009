/* SPDX-License-Identifier: Apache-2.0 */
#include "match/dfa_cache.h"

#include <errno.h>
#include <stdlib.h>

/* One automaton's share of the cache; also at most half of it. */
#define DFA_BYTES_MAX (1u << 20)

/* ---- the cache ---- */

dfa_cache *dfa_cache_new(size_t max)
{
    enum {
        SLOTS = 64
    };
    dfa_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->slots = calloc(SLOTS, sizeof(*cache->slots));
    if (!cache->slots) {
        free(cache);
        return NULL;
    }
    cache->n_slots = SLOTS;
    cache->max = max;
    cache->scratch.limit = UINT64_MAX;
    return cache;
}

static void free_dfa(dfa *d)
{
    free(d->next);
    free(d->states);
    free(d->pool);
    free(d->table);
    free(d);
}

size_t dfa_slot_of(const dfa_cache *cache, uint64_t serial)
{
    size_t at = (size_t)(serial * 0x9E3779B97F4A7C15ull >> 20) & (cache->n_slots - 1);

    while (cache->slots[at] && cache->slots[at]->serial != serial)
        at = (at + 1) & (cache->n_slots - 1);
    return at;
}

/* Drop all automata but keep. */
static void evict(dfa_cache *cache, dfa *keep)
{
    cache->n_evictions++;
    for (size_t i = 0; i < cache->n_slots; i++) {
        dfa *d = cache->slots[i];

        cache->slots[i] = NULL;
        if (d && d != keep) {
            cache->used -= d->bytes;
            free_dfa(d);
        }
    }
    cache->n_dfas = 0;
    if (keep) {
        cache->slots[dfa_slot_of(cache, keep->serial)] = keep;
        cache->n_dfas = 1;
    }
}

dfa_cache *dfa_cache_free(dfa_cache *cache)
{
    if (!cache)
        return NULL;
    evict(cache, NULL);
    nfa_scratch_done(&cache->scratch);
    free(cache->slots);
    free(cache);
    return NULL;
}

size_t dfa_cache_memory(const dfa_cache *cache)
{
    return cache->used;
}

void dfa_cache_allow(dfa_cache *cache, uint64_t work)
{
    cache->scratch.limit = cache->scratch.work + work;
}

uint64_t dfa_cache_work(const dfa_cache *cache)
{
    return cache->scratch.work;
}

static int grow_slots(dfa_cache *cache)
{
    size_t n_old = cache->n_slots;
    dfa **old = cache->slots;
    dfa **slots = calloc(n_old * 2, sizeof(dfa *));

    if (!slots)
        return -ENOMEM;
    cache->slots = slots;
    cache->n_slots = n_old * 2;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i])
            slots[dfa_slot_of(cache, old[i]->serial)] = old[i];
    }
    free(old);
    return 0;
}

/* Room for more bytes of d, if need be at the cost of the others. */
static bool make_room(dfa_cache *cache, dfa *d, size_t more)
{
    if (d && d->bytes + more > (cache->max / 2 < DFA_BYTES_MAX ? cache->max / 2 : DFA_BYTES_MAX))
        return false;
    if (cache->used + more > cache->max)
        evict(cache, d);
    return cache->used + more <= cache->max;
}

int dfa_add(dfa_cache *cache, uint64_t serial, const program *p, dfa **ret)
{
    dfa *d;

    if (cache->n_dfas * 2 >= cache->n_slots && grow_slots(cache))
        return -ENOMEM;
    if (!make_room(cache, NULL, sizeof(*d)))
        return TTP_E_LIMIT;
    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    *d = (dfa){.serial = serial, .stride = nfa_columns(p), .skip = -1, .bytes = sizeof(*d)};
    cache->used += d->bytes;
    cache->slots[dfa_slot_of(cache, serial)] = d;
    cache->n_dfas++;
    *ret = d;
    return 0;
}

/* ---- states ---- */

/* Room for n elements. Returns 0, TTP_E_LIMIT (the cache is full) or -ENOMEM. */
static int grow_array(dfa_cache *cache, dfa *d, void **array, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap ? *cap : 8;
    void *p;

    if (n <= *cap)
        return 0;
    while (want < n)
        want *= 2;
    if (!make_room(cache, d, (want - *cap) * size))
        return TTP_E_LIMIT;
    p = realloc(*array, want * size);
    if (!p)
        return -ENOMEM;
    *array = p;
    cache->used += (want - *cap) * size;
    d->bytes += (want - *cap) * size;
    *cap = want;
    return 0;
}
#define grow(cache, d, array, cap, n)                                                              \
    grow_array((cache), (d), (void **)&(array), &(cap), (n), sizeof(*(array)))

static uint64_t hash_set(const nfa_set *set)
{
    uint64_t h = set->context + 0x9E3779B97F4A7C15ull * (set->n + 1);

    for (uint32_t i = 0; i < set->n; i++)
        h = (h ^ set->insts[i]) * 0xD6E8FEB86659FD93ull;
    return h ^ h >> 32;
}

nfa_set dfa_set_of(const dfa *d, uint32_t state)
{
    const dfa_state *s = &d->states[state];

    return (nfa_set){d->pool + s->at, s->n, s->context, s->pending};
}

bool dfa_same_set(const nfa_set *a, const nfa_set *b)
{
    return a->n == b->n && a->context == b->context && a->pending == b->pending &&
           (a->n == 0 || memcmp(a->insts, b->insts, a->n * sizeof(*a->insts)) == 0);
}

static void put_in_table(dfa *d, uint32_t state)
{
    nfa_set set = dfa_set_of(d, state);
    size_t at = hash_set(&set) & (d->cap_table - 1);

    while (d->table[at])
        at = (at + 1) & (d->cap_table - 1);
    d->table[at] = state + 1;
}

static int reserve_state(dfa_cache *cache, dfa *d, uint32_t n_insts)
{
    size_t had = d->cap_table;
    int rc;

    if ((rc = grow(cache, d, d->states, d->cap_states, d->n_states + 1)) ||
        (rc = grow(cache, d, d->next, d->cap_next, (size_t)d->stride * (d->n_states + 2))) ||
        (rc = grow(cache, d, d->pool, d->cap_pool, d->n_pool + n_insts)) ||
        (rc = grow(cache, d, d->table, d->cap_table, 2 * ((size_t)d->n_states + 1))))
        return rc;
    if (d->cap_table != had) {
        memset(d->table, 0, d->cap_table * sizeof(*d->table));
        for (uint32_t i = 0; i < d->n_states; i++)
            put_in_table(d, i);
    }
    return 0;
}

int dfa_intern(dfa_cache *cache, dfa *d, const nfa_set *set, uint32_t *ret_offset)
{
    int rc;

    if (d->cap_table) {
        size_t at = hash_set(set) & (d->cap_table - 1);

        for (; d->table[at]; at = (at + 1) & (d->cap_table - 1)) {
            nfa_set known = dfa_set_of(d, d->table[at] - 1);

            if (dfa_same_set(&known, set)) {
                *ret_offset = d->table[at] * d->stride;
                return 0;
            }
        }
    }
    rc = reserve_state(cache, d, set->n);
    if (rc)
        return rc;
    if (set->n)
        memcpy(d->pool + d->n_pool, set->insts, set->n * sizeof(*set->insts));
    d->states[d->n_states] = (dfa_state){(uint32_t)d->n_pool, set->n, set->context, set->pending};
    d->n_pool += set->n;
    put_in_table(d, d->n_states);
    d->n_states++;
    memset(d->next + (size_t)d->n_states * d->stride, 0, d->stride * sizeof(*d->next));
    *ret_offset = d->n_states * d->stride;
    return 0;
}

void dfa_empty(dfa *d)
{
    d->n_states = 0;
    d->n_pool = 0;
    d->start = UNKNOWN;
    d->skip = -1;
    if (d->cap_table)
        memset(d->table, 0, d->cap_table * sizeof(*d->table));
}
