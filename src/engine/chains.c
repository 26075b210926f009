/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/chains.h"

#include <errno.h>

void chains_done(chains *c)
{
    free(c->heads);
    free(c->next);
    free(c->hashes);
    *c = (chains){0};
}

static void link_one(chains *c, uint32_t i)
{
    uint32_t *head = &c->heads[c->hashes[i] & (c->n_heads - 1)];

    c->next[i] = *head;
    *head = i;
}

static int grow(chains *c)
{
    size_t n = c->n_heads ? 2 * c->n_heads : 16;
    uint32_t *heads;

    if (c->n < c->n_heads)
        return 0;
    heads = malloc(n * sizeof(*heads));
    if (!heads)
        return -ENOMEM;
    memset(heads, 0xFF, n * sizeof(*heads)); /* CHAIN_END in each */
    free(c->heads);
    c->heads = heads;
    c->n_heads = n;
    for (uint32_t i = 0; i < c->n; i++)
        link_one(c, i);
    return 0;
}

int chains_add(chains *c, uint64_t hash)
{
    if (mem_grow(c->next, c->cap, c->n + 1) || mem_grow(c->hashes, c->cap_hashes, c->n + 1) ||
        grow(c))
        return -ENOMEM;
    c->hashes[c->n] = hash;
    link_one(c, (uint32_t)c->n++);
    return 0;
}
