/* SPDX-License-Identifier: Apache-2.0 */
#include "event/nodes.h"

void nodes_done(nodes *n)
{
    free(n->v);
    *n = (nodes){0};
}

void nodes_clear(nodes *n)
{
    n->n = 0;
    n->failed = false;
}

bool nodes_grow(nodes *n)
{
    n->failed = n->failed || mem_grow(n->v, n->cap, n->n + 1);
    return !n->failed;
}

size_t nodes_open(nodes *n, json_type type)
{
    size_t at = n->n;

    nodes_put(n, (json_node){.type = type});
    return at;
}

void nodes_close(nodes *n, size_t at, size_t n_items)
{
    if (n->failed)
        return;
    n->v[at].len = (uint32_t)n_items;
    n->v[at].n_nodes = n->n - at;
}

const json_node *nodes_finish(const nodes *n, arena *mem)
{
    json_node *copy = n->failed ? NULL : arena_alloc(mem, n->n * sizeof(*copy));

    return copy ? memcpy(copy, n->v, n->n * sizeof(*copy)) : NULL;
}
