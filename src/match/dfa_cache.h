/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The automata of a dfa_cache and their states, which are made as texts ask for them. A cache that
 * is full evicts other automata, and refuses where there is none.
 */
#include "match/dfa.h"
#include "match/nfa.h"

/*
 * Entries of the transition table: what is known at once, else the offset of the next state's row.
 * Rows are longer than 3, so offsets never look like these.
 */
enum {
    UNKNOWN,
    DEAD,
    ACCEPTED,
};

typedef struct dfa_state {
    uint32_t at, n; /* its instructions in the pool */
    uint16_t context;
    bool pending;
} dfa_state;

typedef struct dfa {
    uint64_t serial;
    uint32_t stride;
    uint32_t start; /* UNKNOWN before the first search */
    int skip;       /* the one byte that leaves the start state, or -1 */
    uint32_t n_states;
    uint32_t *next; /* row i + 1 is state i's */
    dfa_state *states;
    uint16_t *pool;
    uint32_t *table; /* hash -> state + 1 */
    size_t cap_next, cap_states, n_pool, cap_pool, cap_table;
    size_t bytes;
} dfa;

struct dfa_cache {
    dfa **slots; /* by serial, open addressing, a power of two */
    size_t n_slots, n_dfas;
    size_t used, max;
    uint64_t n_evictions; /* after one, an automaton that was looked up before may be gone */
    nfa_scratch scratch;
};

/* Where serial's automaton is, or would be, in slots. */
size_t dfa_slot_of(const dfa_cache *cache, uint64_t serial);
/* A new automaton without states. Returns 0 or -ENOMEM. */
int dfa_add(dfa_cache *cache, uint64_t serial, const program *p, dfa **ret);
nfa_set dfa_set_of(const dfa *d, uint32_t state);
bool dfa_same_set(const nfa_set *a, const nfa_set *b);
/* The row offset of the state with this set, made if it is new. Returns 0, TTP_E_LIMIT (the cache
 * is full) or -ENOMEM. */
int dfa_intern(dfa_cache *cache, dfa *d, const nfa_set *set, uint32_t *ret_offset);
/* It keeps its memory, for other states. */
void dfa_empty(dfa *d);
