/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A hash over the numbers 0, 1, 2... of things that are kept elsewhere, in the order they came. */
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#define CHAIN_END UINT32_MAX

typedef struct chains {
    uint32_t *heads;
    size_t n_heads; /* a power of two, or 0 */
    uint32_t *next;
    size_t n, cap;
    uint64_t *hashes;
    size_t cap_hashes;
} chains;

void chains_done(chains *c);
/* Give a thing of this hash the next number. Returns 0 or -ENOMEM. */
int chains_add(chains *c, uint64_t hash);

/* The first that may be of this hash, and the next one: compare the things. */
static inline uint32_t chains_first(const chains *c, uint64_t hash)
{
    return c->n_heads ? c->heads[hash & (c->n_heads - 1)] : CHAIN_END;
}
