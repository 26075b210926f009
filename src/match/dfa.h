/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lazy DFA: runs a program over a text for the verdict alone, in one table look-up per character.
 * A state is the set of instructions that wait for a character; it is made when a text first leads
 * there.
 *
 *     state  = { waiting instructions, what stood before them where an assertion still asks }
 *     column = class of the next character | the text's final newline | the text's end
 *
 * States live in a cache of bounded size. Where it is full, automata are dropped and made anew;
 * where that does not pay (an expression whose states double with each character), the rest of the
 * text is decided by stepping sets without keeping them. Both cost at most the program's size per
 * character.
 */
#include "base/str.h"
#include "match/program.h"

typedef struct dfa_cache dfa_cache;

/* max: bytes of all automata together. NULL when out of memory. One thread. */
dfa_cache *dfa_cache_new(size_t max);
dfa_cache *dfa_cache_free(dfa_cache *cache); /* takes NULL, returns NULL */
size_t dfa_cache_memory(const dfa_cache *cache);
/* Instructions looked at since the cache was made, by making states and by stepping sets: a measure
 * of work. */
uint64_t dfa_cache_work(const dfa_cache *cache);
/* From now on so much work may be done, without end where it was never said. */
void dfa_cache_allow(dfa_cache *cache, uint64_t work);

/*
 * Does p match somewhere in text? serial tells programs apart for the process's lifetime (addresses
 * are used again, serials are not). Returns 0 (yes), TTP_E_NOT_FOUND, TTP_E_LIMIT (the work allowed
 * is done) or -ENOMEM. Allocates nothing for a text whose states are there.
 */
int dfa_holds(dfa_cache *cache, uint64_t serial, const program *p, str text);

/* The same question about one of several programs, and its answer: what dfa_holds returns. */
typedef struct dfa_query {
    uint64_t serial;
    const program *p;
    str text; /* texts of a group end at the same place, each may begin at one of its own */
    int rc;
    size_t n_read; /* bytes of the text that were looked at, roughly */
} dfa_query;

/*
 * Ask several different programs about ends of one text. Each character waits for the state before
 * it, so that DFA_GROUP automata side by side take little longer than one.
 */
#define DFA_GROUP 4
void dfa_holds_group(dfa_cache *cache, dfa_query *queries, unsigned n);
