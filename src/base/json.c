/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>

/* str_eq for names of fields, which are short: no call for up to sixteen bytes. */
static inline bool is_key(const json_node *n, str key)
{
    uint64_t a, b, c, d;

    if (n->len != key.len)
        return false;
    if (key.len < 8 || key.len > 16)
        return key.len == 0 || (n->str[0] == key.ptr[0] && memcmp(n->str, key.ptr, key.len) == 0);
    memcpy(&a, n->str, 8);
    memcpy(&b, key.ptr, 8);
    memcpy(&c, n->str + key.len - 8, 8);
    memcpy(&d, key.ptr + key.len - 8, 8);
    return ((a ^ b) | (c ^ d)) == 0;
}

const json_node *json_get(const json_node *obj, str key)
{
    const json_node *found = NULL;
    const json_node *n;

    if (!obj || obj->type != JSON_OBJECT)
        return NULL;
    n = obj + 1;
    for (uint32_t i = 0; i < obj->len; i++) {
        if (is_key(n, key))
            found = n + 1;
        n = json_next(n + 1);
    }
    return found;
}

const json_node *json_get_path(const json_node *obj, str path)
{
    const json_node *whole = json_get(obj, path);
    const char *dot;

    if (whole)
        return whole;
    dot = path.len ? memchr(path.ptr, '.', path.len) : NULL;
    if (!dot)
        return NULL;
    obj = json_get(obj, (str){path.ptr, (size_t)(dot - path.ptr)});
    return obj ? json_get_path(obj, (str){dot + 1, path.len - (size_t)(dot + 1 - path.ptr)}) : NULL;
}

bool json_number(const json_node *n, double *ret_value)
{
    if (!n)
        return false;
    if (n->type == JSON_INT)
        *ret_value = (double)n->i;
    else if (n->type == JSON_UINT)
        *ret_value = (double)n->u;
    else if (n->type == JSON_DOUBLE && isfinite(n->f))
        *ret_value = n->f;
    else
        return false;
    return true;
}

static bool is_number(const json_node *n)
{
    return n->type == JSON_INT || n->type == JSON_UINT || n->type == JSON_DOUBLE;
}

/* 9007199254740993 and 9007199254740992.0 differ, as they do in Python: integers compare exactly.
 */
static bool int_equals_double(int64_t i, double f)
{
    if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0) || f != floor(f))
        return false;
    return (int64_t)f == i;
}

static bool uint_equals_double(uint64_t u, double f)
{
    if (!(f >= 0 && f < 18446744073709551616.0) || f != floor(f))
        return false;
    return (uint64_t)f == u;
}

static bool numbers_equal(const json_node *a, const json_node *b)
{
    if (a->type == b->type)
        return a->type == JSON_DOUBLE ? a->f == b->f : a->u == b->u;
    if (a->type > b->type) {
        const json_node *t = a;

        a = b;
        b = t;
    }
    if (b->type != JSON_DOUBLE)
        return false; /* a JSON_UINT is above every JSON_INT */
    return a->type == JSON_INT ? int_equals_double(a->i, b->f) : uint_equals_double(a->u, b->f);
}

/* A key that stands twice counts once, with its last value. */
static bool objects_include(const json_node *a, const json_node *b)
{
    const json_node *n = a + 1;

    for (uint32_t i = 0; i < a->len; i++) {
        const json_node *mine = json_get(a, json_str(n));
        const json_node *other = json_get(b, json_str(n));

        if (!other || !json_equal(mine, other))
            return false;
        n = json_next(n + 1);
    }
    return true;
}

static bool arrays_equal(const json_node *a, const json_node *b)
{
    if (a->len != b->len)
        return false;
    for (uint32_t i = a->len; i > 0; i--) {
        a = i == a->len ? a + 1 : json_next(a);
        b = i == b->len ? b + 1 : json_next(b);
        if (!json_equal(a, b))
            return false;
    }
    return true;
}

bool json_equal(const json_node *a, const json_node *b)
{
    if (is_number(a) && is_number(b))
        return numbers_equal(a, b);
    if (a->type != b->type)
        return false;
    switch ((json_type)a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_STRING:
        return str_eq(json_str(a), json_str(b));
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_OBJECT:
        return objects_include(a, b) && objects_include(b, a);
    default:
        return false;
    }
}

/* How many nodes make up n, itself included. */
static size_t count_nodes(const json_node *n)
{
    return (size_t)(json_next(n) - n);
}

size_t json_copy_size(const json_node *n)
{
    size_t n_nodes = count_nodes(n);
    size_t size = n_nodes * sizeof(*n);

    for (size_t i = 0; i < n_nodes; i++)
        size += n[i].type == JSON_STRING ? (size_t)n[i].len + 1 : 0;
    return size;
}

json_node *json_copy(const json_node *n, void *block)
{
    size_t n_nodes = count_nodes(n);
    json_node *nodes = block;
    char *text = (char *)(nodes + n_nodes);

    memcpy(nodes, n, n_nodes * sizeof(*n));
    for (size_t i = 0; i < n_nodes; i++) {
        if (n[i].type != JSON_STRING)
            continue;
        memcpy(text, n[i].str, n[i].len);
        text[n[i].len] = '\0';
        nodes[i].str = text;
        text += n[i].len + 1;
    }
    return nodes;
}

static void write_container(buf *b, const json_node *n)
{
    bool is_object = n->type == JSON_OBJECT;
    const json_node *kid = n + 1;

    buf_put_char(b, is_object ? '{' : '[');
    for (uint32_t i = 0; i < n->len; i++) {
        if (i)
            buf_put_char(b, ',');
        if (is_object) {
            buf_put_json(b, json_str(kid));
            buf_put_char(b, ':');
            kid++;
        }
        json_write(b, kid);
        kid = json_next(kid);
    }
    buf_put_char(b, is_object ? '}' : ']');
}

void json_write(buf *b, const json_node *n)
{
    switch ((json_type)n->type) {
    case JSON_NULL:
        buf_put_c(b, "null");
        break;
    case JSON_BOOL:
        buf_put_c(b, n->boolean ? "true" : "false");
        break;
    case JSON_INT:
        buf_put_i64(b, n->i);
        break;
    case JSON_UINT:
        buf_put_u64(b, n->u);
        break;
    case JSON_DOUBLE:
        buf_put_double(b, n->f);
        break;
    case JSON_STRING:
        buf_put_json(b, json_str(n));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_container(b, n);
        break;
    }
}
