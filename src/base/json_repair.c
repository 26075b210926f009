/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_repair.h"

#include "base/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The code unit of "\uXXXX" at p, or -1. */
static int read_unit(const char *p, const char *end)
{
    int unit = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (unsigned i = 2; i < 6; i++) {
        char c = p[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* An escape inside a string; returns its length. */
static size_t copy_escape(const char *p, const char *end, buf *out, unsigned *notes)
{
    int unit = read_unit(p, end);
    size_t len = unit >= 0 ? 6 : end - p >= 2 ? 2 : 1;

    if (unit >= 0xD800 && unit <= 0xDFFF) {
        int next = read_unit(p + 6, end);

        if (unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
            len = 12;
        } else {
            *notes |= JSON_LONE_SURROGATE;
            buf_put_c(out, "\\ufffd");
            return len;
        }
    }
    if (len == 2 && (unsigned char)p[1] >= 0x80)
        len = 1; /* the byte behind the backslash is judged as a character of its own */
    buf_put(out, p, len);
    return len;
}

/* Has simdjson no integer for these digits (without leading zeros)? */
static bool is_beyond_64_bits(const char *digits, size_t n, bool negative)
{
    const char *largest = negative ? "9223372036854775808" : "18446744073709551615";
    size_t n_largest = strlen(largest);

    return n > n_largest || (n == n_largest && memcmp(digits, largest, n) > 0);
}

/* The digits of a number outside a string; returns how many. */
static size_t copy_number(const char *p, const char *end, buf *out)
{
    bool negative = out->len > 0 && out->ptr[out->len - 1] == '-';
    const char *q = p;

    while (q < end && is_digit(*q))
        q++;
    buf_put(out, p, (size_t)(q - p));
    if (is_beyond_64_bits(p, (size_t)(q - p), negative) &&
        (q == end || !strchr(".eE", *q) || *q == '\0'))
        buf_put_c(out, "e0");
    return (size_t)(q - p);
}

unsigned json_repair(str text, buf *out)
{
    const char *p = text.ptr;
    const char *end = p + text.len;
    bool in_string = false, in_number = false;
    unsigned notes = 0;

    while (p < end) {
        uint32_t cp;
        unsigned len = utf8_decode(p, end, &cp);

        if (len == 1 && (unsigned char)*p >= 0x80) {
            notes |= JSON_BAD_UTF8;
            buf_put_c(out, "\xEF\xBF\xBD");
            p++;
        } else if (in_string && *p == '\\') {
            p += copy_escape(p, end, out, &notes);
        } else if (!in_string && !in_number && is_digit(*p)) {
            p += copy_number(p, end, out);
            in_number = true; /* digits of a fraction or an exponent are no integers of their own */
        } else {
            if (*p == '"')
                in_string = !in_string;
            in_number = in_number && (is_digit(*p) || strchr("+-.eE", *p)) && *p != '\0';
            buf_put(out, p, len);
            p += len;
        }
    }
    return notes;
}
