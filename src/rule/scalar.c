/* SPDX-License-Identifier: Apache-2.0 */
/* What a scalar's text means: null, boolean, number or text. */
#include "rule/yaml.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

/* longer texts are no numbers: no integer or double needs as many characters */
#define NUMBER_TEXT_MAX 64

static bool is_one_of(str text, const char *const *words)
{
    for (; *words; words++) {
        if (str_eq(text, str_from(*words)))
            return true;
    }
    return false;
}

bool yaml_is_null(const yaml_node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

    return n->type == YAML_SCALAR && !n->is_text && is_one_of(n->text, words);
}

static bool strict_bool(str text, bool *ret_value)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};

    *ret_value = is_one_of(text, yes);
    return *ret_value || is_one_of(text, no);
}

bool yaml_bool(const yaml_node *n, bool *ret_value)
{
    static const char *const yes[] = {"yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"no", "No", "NO", "off", "Off", "OFF", NULL};

    if (n->type != YAML_SCALAR || n->is_text)
        return false;
    if (strict_bool(n->text, ret_value))
        return true;
    *ret_value = is_one_of(n->text, yes);
    return *ret_value || is_one_of(n->text, no);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* Copy without the underscores that YAML 1.1 allows between digits. Returns the length, or 0. */
static size_t plain_digits(str text, char out[NUMBER_TEXT_MAX + 1])
{
    size_t n = 0;

    if (text.len == 0 || text.len > NUMBER_TEXT_MAX || text.ptr[0] == '_')
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_')
            out[n++] = text.ptr[i];
    }
    out[n] = '\0';
    return n;
}

static json_node make_integer(bool negative, uint64_t v)
{
    if (!negative && v > INT64_MAX)
        return (json_node){.type = JSON_UINT, .u = v};
    if (negative && v > (uint64_t)INT64_MAX + 1)
        return json_make_double(-(double)v);
    return json_make_int(negative ? (int64_t)(0 - v) : (int64_t)v);
}

/* 12, -0x1F, 0b101, 017 (octal, as YAML 1.1 has it). Returns false where it is no such number. */
static bool read_integer(const char *p, json_node *ret_value)
{
    bool negative = *p == '-';
    unsigned base = 10;
    uint64_t v = 0;
    double wide = 0;
    bool is_wide = false;

    if (*p == '-' || *p == '+')
        p++;
    if (p[0] == '0' && p[1]) {
        base = p[1] == 'x' ? 16 : p[1] == 'b' ? 2 : 8;
        p += base == 8 ? 1 : 2;
    }
    if (!*p)
        return false;
    for (; *p; p++) {
        unsigned d = (unsigned)digit_value(*p);

        if (d >= base)
            return false;
        wide = wide * base + d;
        is_wide = is_wide || __builtin_mul_overflow(v, base, &v) ||
                  __builtin_add_overflow(v, d, &v);
    }
    *ret_value = is_wide ? json_make_double(negative ? -wide : wide) : make_integer(negative, v);
    return true;
}

/* [-+] digits with at most one point, at least one digit, and an exponent or a point. */
static bool looks_like_float(const char *p)
{
    size_t n_digits = 0;
    bool marked = false;

    if (*p == '-' || *p == '+')
        p++;
    for (; is_digit(*p); p++)
        n_digits++;
    if (*p == '.') {
        marked = true;
        for (p++; is_digit(*p); p++)
            n_digits++;
    }
    if (n_digits == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        marked = true;
        p++;
        if (*p == '-' || *p == '+')
            p++;
        if (!is_digit(*p))
            return false;
        while (is_digit(*p))
            p++;
    }
    return marked && !*p;
}

/* strtod would read the decimal point of whatever locale the program around us has set. */
static bool read_float(const char *p, json_node *ret_value)
{
    locale_t c_locale;
    double v;

    if (!looks_like_float(p))
        return false;
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        return false;
    v = strtod_l(p, NULL, c_locale);
    freelocale(c_locale);
    if (!isfinite(v))
        return false;
    *ret_value = json_make_double(v);
    return true;
}

json_node yaml_value(const yaml_node *scalar)
{
    char digits[NUMBER_TEXT_MAX + 1] = "";
    json_node v;
    bool flag;

    if (scalar->is_text)
        return json_make_str(scalar->text);
    if (yaml_is_null(scalar))
        return (json_node){.type = JSON_NULL};
    if (strict_bool(scalar->text, &flag))
        return json_make_bool(flag);
    if (plain_digits(scalar->text, digits) && (read_integer(digits, &v) || read_float(digits, &v)))
        return v;
    return json_make_str(scalar->text);
}

static json_node *put_json(const yaml_node *n, json_node *out, arena *a);

static json_node *put_scalar(json_node v, json_node *out, arena *a)
{
    if (v.type == JSON_STRING) {
        v.str = arena_str(a, json_str(&v)).ptr;
        if (!v.str)
            return NULL;
    }
    *out = v;
    return out + 1;
}

static json_node *put_list(const yaml_node *n, json_node *out, arena *a)
{
    json_node *next = out + 1;

    *out = (json_node){.type = JSON_ARRAY, .len = (uint32_t)n->n, .n_nodes = n->n_nodes};
    for (size_t i = 0; next && i < n->n; i++)
        next = put_json(n->items[i], next, a);
    return next;
}

static json_node *put_map(const yaml_node *n, json_node *out, arena *a)
{
    json_node *next = out + 1;

    *out = (json_node){.type = JSON_OBJECT, .len = (uint32_t)n->n, .n_nodes = n->n_nodes};
    for (size_t i = 0; next && i < n->n; i++) {
        next = put_scalar(json_make_str(n->pairs[i].key->text), next, a);
        if (next)
            next = put_json(n->pairs[i].value, next, a);
    }
    return next;
}

/* Recursion is bounded by RULE_YAML_DEPTH_MAX. Returns where the next node goes, NULL when out of
 * memory. */
static json_node *put_json(const yaml_node *n, json_node *out, arena *a)
{
    switch (n->type) {
    case YAML_LIST:
        return put_list(n, out, a);
    case YAML_MAP:
        return put_map(n, out, a);
    default:
        return put_scalar(yaml_value(n), out, a);
    }
}

const json_node *yaml_to_json(const yaml_node *n, arena *a)
{
    json_node *out = arena_calloc(a, n->n_nodes, sizeof(*out));

    return out && put_json(n, out, a) ? out : NULL;
}
