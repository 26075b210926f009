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

void nodes_put(nodes *n, json_node node)
{
    if (n->n == n->cap && mem_grow(n->v, n->cap, n->n + 1)) {
        n->failed = true;
        return;
    }
    n->v[n->n++] = node;
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

unsigned nodes_str(nodes *n, str key, str value)
{
    if (!value.ptr)
        return 0;
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_str(value));
    return 1;
}

unsigned nodes_int(nodes *n, str key, int64_t value)
{
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_int(value));
    return 1;
}

unsigned nodes_double(nodes *n, str key, double value)
{
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_double(value));
    return 1;
}

unsigned nodes_bool(nodes *n, str key, bool value)
{
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_bool(value));
    return 1;
}

unsigned nodes_copy(nodes *n, str key, const json_node *scalar)
{
    if (!scalar)
        return 0;
    nodes_put(n, json_make_str(key));
    nodes_put(n, *scalar);
    return 1;
}

const json_node *nodes_finish(const nodes *n)
{
    return n->failed ? NULL : n->v;
}
