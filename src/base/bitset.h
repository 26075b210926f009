/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A set of small numbers that is emptied at the cost of what was added, not of its range. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bitset {
    uint64_t *words;
    size_t cap_words, n_words; /* words in use: of numbers below the bound */
    uint32_t *added;           /* in the order they came */
    size_t n_added, cap_added;
} bitset;

int bitset_renew(bitset *s, size_t n);
/* Empty the set and make room for numbers below n. Zeroed storage is an empty set. 0 or -ENOMEM. */
static inline int bitset_begin(bitset *s, size_t n)
{
    /* most sets stay empty, and are begun again with the same bound */
    if (s->n_added == 0 && s->n_words == n / 64 + 1 && s->cap_added > n)
        return 0;
    return bitset_renew(s, n);
}
void bitset_done(bitset *s);
/* Put added into ascending order. */
void bitset_sort(bitset *s);

static inline bool bitset_has(const bitset *s, uint32_t i)
{
    return s->words[i >> 6] >> (i & 63) & 1;
}

/* Returns false where i is in the set already. */
static inline bool bitset_add(bitset *s, uint32_t i)
{
    if (bitset_has(s, i))
        return false;
    s->words[i >> 6] |= 1ull << (i & 63);
    s->added[s->n_added++] = i;
    return true;
}
