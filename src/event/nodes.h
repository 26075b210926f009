/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Nodes: payload objects made by hand in one reusable array (see base/json.h for the form).
 * A failed allocation is remembered; nodes_finish tells.
 */
#include "base/json.h"

typedef struct nodes {
    json_node *v;
    size_t n, cap;
    bool failed;
} nodes;

void nodes_done(nodes *n);
void nodes_clear(nodes *n);

/* Open a container; give the index to nodes_close with the number of its members or elements. */
size_t nodes_open(nodes *n, json_type type);
void nodes_close(nodes *n, size_t at, size_t n_items);

bool nodes_grow(nodes *n); /* nodes_put's slow path */
static inline void nodes_put(nodes *n, json_node node)
{
    if (n->n < n->cap || nodes_grow(n))
        n->v[n->n++] = node;
}

/* Members of the object being built; each returns how many were put: 0 where the value is absent.
 */
static inline unsigned nodes_str(nodes *n, str key, str value)
{
    if (!value.ptr)
        return 0;
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_str(value));
    return 1;
}
static inline unsigned nodes_int(nodes *n, str key, int64_t value)
{
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_int(value));
    return 1;
}
static inline unsigned nodes_double(nodes *n, str key, double value)
{
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_double(value));
    return 1;
}
static inline unsigned nodes_bool(nodes *n, str key, bool value)
{
    nodes_put(n, json_make_str(key));
    nodes_put(n, json_make_bool(value));
    return 1;
}
static inline unsigned nodes_copy(nodes *n, str key, const json_node *scalar) /* or NULL */
{
    if (!scalar)
        return 0;
    nodes_put(n, json_make_str(key));
    nodes_put(n, *scalar);
    return 1;
}

/* A copy of the nodes in mem, or NULL where memory ran out. */
const json_node *nodes_finish(const nodes *n, arena *mem);
