/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON documents as a flat run of 16-byte nodes, read with simdjson (json_parse.cc).
 *
 *     {"a": [1, "x"], "b": null}
 *
 *     OBJECT len=2 n_nodes=7 | STRING "a" | ARRAY len=2 n_nodes=3 | INT 1 | STRING "x" | STRING "b"
 * | NULL
 *
 * An object's members are key node, value subtree, key node, value subtree...; json_next() steps
 * over a whole subtree. Strings are valid UTF-8 and may hold NULs; a NUL byte follows them where
 * nothing else is said.
 * Nodes can also be made by hand (Cowrie's reader does) in any array.
 */
#include "base/arena.h"
#include "base/str.h"
#include "ttp/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,    /* fits int64_t */
    JSON_UINT,   /* above INT64_MAX, fits uint64_t */
    JSON_DOUBLE, /* any other number; finite (integers beyond 64 bits read as doubles) */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_type;

typedef struct json_node {
    uint16_t type; /* json_type */
    uint16_t name; /* of a key: what json_name_key said; 0 where nobody was asked */
    uint32_t len;  /* bytes of a string, elements of an array, members of an object */
    union {
        bool boolean;
        int64_t i;
        uint64_t u;
        double f;
        const char *str;
        uint64_t n_nodes; /* containers: nodes in this subtree, itself included */
    };
} json_node;

/* What had to be repaired or is worth a note to whoever wrote the document; a bit set. */
enum {
    JSON_BAD_UTF8 = 1 << 0,       /* bad bytes read as U+FFFD */
    JSON_LONE_SURROGATE = 1 << 1, /* \ud800 and its like read as U+FFFD */
    JSON_DUPLICATE_KEY = 1 << 2,  /* an object holds a key twice; the last one counts */
    JSON_NUL_CHAR = 1 << 3,       /* a string holds U+0000 */
};

typedef struct json_doc json_doc;

/* One document's memory, reused from parse to parse. NULL when out of memory. One thread. */
json_doc *json_doc_new(void);
json_doc *json_doc_free(json_doc *doc); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(json_doc, json_doc *, json_doc_free)

#define JSON_PADDING 64 /* bytes that must be readable (any content) behind a padded text */

/*
 * Parse one document: exactly one JSON value with white space around it; anything behind it is an
 * error, as are NaN, Infinity, comments and nesting deeper than JSON_DEPTH_MAX.
 * text must have JSON_PADDING readable bytes behind its end. The nodes and strings live in doc
 * until its next parse. ret_notes (a bit set, may be NULL) says what was repaired.
 * Returns 0, TTP_E_SYNTAX, TTP_E_LIMIT (too deep, too many nodes, longer than TTP_EVENT_MAX) or
 * -ENOMEM.
 */
int json_parse(json_doc *doc, str text, const json_node **ret_root, unsigned *ret_notes,
               ttp_err *err);
/* What a reader calls a key: a number of its own, or one of these. */
typedef uint16_t json_name_key(str key);
#define JSON_NAME_NONE 0u
#define JSON_NAME_KIND 1u /* its value tells which keys follow: speeds up what begins with it */
#define JSON_NAME_DROP                                                                             \
    UINT16_MAX /* it has no use for the member, which is checked all the same                      \
                */
/*
 * json_parse with nodes and strings in mem, where they outlive the next parse. With a function that
 * names keys: checked as well, but for a reader that looks at the members of one object only.
 * Members may be left out where it says so, keys have their names where it was asked, an array may
 * be one node that shows its type and len (n_nodes is 1) but none of its elements, and keys and
 * strings may lie in text, without a NUL behind them. What the function says of a key is kept; it
 * shall not change its mind.
 */
int json_parse_into(json_doc *doc, str text, json_name_key *name, arena *mem,
                    const json_node **ret_root, unsigned *ret_notes, ttp_err *err);
/*
 * The texts that json_parse_into is going to be given lie in this one, in their order, with white
 * space between: looked through in one go they take less time. They stay as they are until
 * json_end_run. A run longer than JSON_RUN_MAX is of no help.
 */
#define JSON_RUN_MAX (16u << 10)
void json_begin_run(json_doc *doc, str texts);
void json_end_run(json_doc *doc);
/* The same as json_parse for text without padding (copied first), of any length up to max_len: for
 * bundles and tests. */
int json_parse_copy(json_doc *doc, str text, size_t max_len, const json_node **ret_root,
                    unsigned *ret_notes, ttp_err *err);

/* The version of simdjson that is linked. */
const char *json_library_version(void);

static inline const json_node *json_next(const json_node *n)
{
    return n + (n->type >= JSON_ARRAY ? n->n_nodes : 1);
}

static inline str json_str(const json_node *n) /* STR_NULL unless a string; NULL is allowed */
{
    return n && n->type == JSON_STRING ? (str){n->str, n->len} : STR_NULL;
}

/* The member of an object (the last of that name), or NULL; NULL also where obj is no object or
 * NULL. */
const json_node *json_get(const json_node *obj, str key);
/* The same through nested objects, "a.b.c". A key that itself holds dots is tried first, whole. */
const json_node *json_get_path(const json_node *obj, str path);
/* A finite number's value as a double. Returns false for anything else, NULL included. */
bool json_number(const json_node *n, double *ret_value);
/* Equality of JSON values: numbers by value, booleans only with booleans, objects without order. */
bool json_equal(const json_node *a, const json_node *b);
/*
 * A copy of n with its strings in one block, for a document that outlives its json_doc: room for
 * json_copy_size(n) bytes, aligned as a json_node, is the caller's. Returns the copy's root, which
 * stands at the block's start.
 */
size_t json_copy_size(const json_node *n);
json_node *json_copy(const json_node *n, void *block);
/* Append n as compact JSON. */
void json_write(buf *b, const json_node *n);

/* For nodes made by hand. */
static inline json_node json_make_str(str s)
{
    return (json_node){.type = JSON_STRING, .len = (uint32_t)s.len, .str = s.ptr};
}
static inline json_node json_make_int(int64_t i)
{
    return (json_node){.type = JSON_INT, .i = i};
}
static inline json_node json_make_double(double f)
{
    return (json_node){.type = JSON_DOUBLE, .f = f};
}
static inline json_node json_make_bool(bool v)
{
    return (json_node){.type = JSON_BOOL, .boolean = v};
}
