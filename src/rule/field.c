/* SPDX-License-Identifier: Apache-2.0 */
/* The values that a dotted path leads to in a payload. Recursion is bounded by JSON_DEPTH_MAX. */
#include "rule/rule.h"

/* The word before the first dot; ret_rest gets what stands behind it. Returns false where there is
 * no dot. */
static bool split_path(str path, str *ret_word, str *ret_rest)
{
    const char *dot = path.len ? memchr(path.ptr, '.', path.len) : NULL;

    if (!dot)
        return false;
    *ret_word = (str){path.ptr, (size_t)(dot - path.ptr)};
    *ret_rest = (str){dot + 1, path.len - ret_word->len - 1};
    return true;
}

typedef struct walk {
    int (*fn)(void *ctx, const json_node *value);
    void *ctx;
    bool whole_lists; /* a list at the end of the path is itself a value */
} walk;

static int walk_end(const walk *w, const json_node *value)
{
    const json_node *item = value + 1;
    int rc = 0;

    if (value->type != JSON_ARRAY || w->whole_lists)
        return w->fn(w->ctx, value);
    for (uint32_t i = 0; !rc && i < value->len; i++, item = json_next(item))
        rc = walk_end(w, item);
    return rc;
}

static int walk_path(const walk *w, const json_node *node, str path)
{
    const json_node *item = node + 1, *value;
    str word, rest;
    int rc = 0;

    if (node->type == JSON_ARRAY) {
        for (uint32_t i = 0; !rc && i < node->len; i++, item = json_next(item))
            rc = walk_path(w, item, path);
        return rc;
    }
    value = json_get(node, path);
    if (value)
        return walk_end(w, value);
    if (!split_path(path, &word, &rest))
        return 0;
    value = json_get(node, word);
    return value ? walk_path(w, value, rest) : 0;
}

int field_each(const json_node *payload, str path, int (*fn)(void *ctx, const json_node *value),
               void *ctx)
{
    const walk w = {.fn = fn, .ctx = ctx};

    return payload && payload->type == JSON_OBJECT ? walk_path(&w, payload, path) : 0;
}

static int is_something(void *ctx, const json_node *value)
{
    (void)ctx;
    return value->type != JSON_NULL;
}

bool field_exists(const json_node *payload, str path)
{
    const walk w = {.fn = is_something, .whole_lists = true};

    return payload && payload->type == JSON_OBJECT && walk_path(&w, payload, path);
}
