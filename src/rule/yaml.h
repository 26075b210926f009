/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * YAML (or JSON) text as a tree whose nodes know where they stand.
 *
 * One document; aliases are resolved (a subtree may be shared, never cyclic), merge keys (<<) are
 * merged, mapping keys are scalars and unique. Scalars keep their text: what it means is decided
 * where it is used, by yaml_value and yaml_bool.
 */
#include "base/arena.h"
#include "base/json.h"
#include "ttp/err.h"

typedef enum yaml_type {
    YAML_SCALAR,
    YAML_LIST,
    YAML_MAP,
} yaml_type;

typedef struct yaml_node yaml_node;
typedef struct yaml_pair {
    const yaml_node *key, *value;
} yaml_pair;

struct yaml_node {
    yaml_type type;
    bool is_text; /* SCALAR: quoted, a block or tagged !!str: never a number, a boolean or null */
    unsigned line, column; /* 1-based, in characters */
    unsigned height;       /* nesting below: 0 for a scalar */
    size_t n_nodes;        /* of this subtree, keys included */
    str text;              /* SCALAR */
    size_t n;              /* LIST: items; MAP: pairs, in the order of the file */
    union {
        const yaml_node **items;
        yaml_pair *pairs;
    };
};

/*
 * Parse one document into a. where goes into err. An empty document is a null scalar.
 * Returns 0, TTP_E_SYNTAX, TTP_E_LIMIT (nodes, nesting, anchors), TTP_E_UNSUPPORTED (a tag we do
 * not know) or -ENOMEM.
 */
int yaml_parse(str text, const char *where, arena *a, const yaml_node **ret_root, ttp_err *err);

/* The value under key, or NULL; NULL also where map is no mapping. */
const yaml_node *yaml_get(const yaml_node *map, str key);

/*
 * What a scalar means, as YAML 1.1 (which Python's loader reads) has it, but: only true and false
 * are booleans (yaml_bool knows the others), base-60 numbers and dates are text, and 1e5 is a
 * number as in JSON. Strings borrow the node's text.
 */
json_node yaml_value(const yaml_node *scalar);
bool yaml_is_null(const yaml_node *n);
/* true/false, and yes/no, on/off where they are not quoted. Returns false for anything else. */
bool yaml_bool(const yaml_node *n, bool *ret_value);

/* The subtree as JSON, its strings copied into a. NULL when out of memory. */
const json_node *yaml_to_json(const yaml_node *n, arena *a);
