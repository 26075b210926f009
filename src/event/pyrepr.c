/* SPDX-License-Identifier: Apache-2.0 */
#include "event/pyrepr.h"

#include "base/utf8.h"

#include <errno.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n hexadecimal digits at p, or -1. */
static int64_t read_hex(const char *p, const char *end, int n)
{
    int64_t v = 0;

    if (end - p < n)
        return -1;
    for (int i = 0; i < n; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* \xNN, \uNNNN or \UNNNNNNNN; returns the bytes taken behind the backslash, 0 where it is none. */
static int decode_hex(const char *p, const char *end, char **out)
{
    int n = *p == 'x' ? 2 : *p == 'u' ? 4 : 8;
    int64_t v = read_hex(p + 1, end, n);

    if (v < 0)
        return 0;
    if (n == 2)
        *(*out)++ = (char)v;
    else if (v > 0x10FFFF || (v >= 0xD800 && v < 0xE000))
        *out += utf8_encode(UTF8_REPLACEMENT, *out);
    else
        *out += utf8_encode((uint32_t)v, *out);
    return 1 + n;
}

/* The escape whose backslash stands before p; writes its bytes, returns what it took. */
static int decode_escape(const char *p, const char *end, char **out)
{
    static const char names[] = "abfnrtv\\'\"0";
    static const char values[] = "\a\b\f\n\r\t\v\\'\"";
    const char *at = memchr(names, *p, sizeof(names) - 1);
    int taken = 0;

    if (*p == 'x' || *p == 'u' || *p == 'U')
        taken = decode_hex(p, end, out);
    if (taken)
        return taken;
    if (at) {
        *(*out)++ = values[at - names];
        return 1;
    }
    *(*out)++ = '\\'; /* unknown: Python keeps both characters */
    return 0;
}

/* The literal's inside, or STR_NULL. */
static str inside(str text)
{
    size_t at = text.len && memchr("bBuU", text.ptr[0], 4) ? 1 : 0;
    char quote;

    if (text.len <= at || (text.ptr[at] != '\'' && text.ptr[at] != '"'))
        return STR_NULL;
    quote = text.ptr[at];
    if (text.len > at + 1 && text.ptr[text.len - 1] == quote)
        text.len--;
    return (str){text.ptr + at + 1, text.len - at - 1};
}

bool pyrepr_is_bytes(str text)
{
    return text.len >= 3 && text.ptr[0] == 'b' && (text.ptr[1] == '\'' || text.ptr[1] == '"') &&
           text.ptr[text.len - 1] == text.ptr[1];
}

int pyrepr_decode(str text, arena *a, str *ret_bytes)
{
    str in = inside(text);
    const char *p = in.ptr;
    const char *end;
    char *out, *to;

    if (!p) {
        *ret_bytes = text;
        return 0;
    }
    /* no escape is longer than what it writes: \xNN is 4 for 1, \uNNNN 6 for 3 */
    out = to = arena_alloc(a, in.len + 1);
    if (!out)
        return -ENOMEM;
    end = p + in.len;
    while (p < end) {
        if (*p != '\\' || p + 1 == end)
            *to++ = *p++;
        else
            p += 1 + decode_escape(p + 1, end, &to);
    }
    *to = '\0';
    *ret_bytes = (str){out, (size_t)(to - out)};
    return 0;
}
