/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * str: a slice of bytes that someone else owns; it may hold NULs and is never a C string.
 * buf: a growable byte buffer; a failed allocation is remembered and checked once at the end.
 */
#include "base/mem.h"
#include "ttp/api.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct str {
    const char *ptr; /* NULL: absent */
    size_t len;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_NULL ((str){NULL, 0})
/* for printf("%.*s"): only for text known to be clean; see err_quote for the rest */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline str str_from(const char *c)
{
    return (str){c, c ? strlen(c) : 0};
}

static inline bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* memcmp order, shorter first. */
int str_cmp(str a, str b);

/* ASCII letters compared without case. */
bool str_eq_nocase(str a, str b);

/* The first byte of needle in s, or NULL. */
const char *str_find(str s, str needle);

/* SipHash-1-3 with a key drawn once per process: safe for tables keyed by attacker text. */
uint64_t str_hash(str s);

typedef struct buf {
    char *ptr;
    size_t len, cap;
    bool failed; /* an allocation failed: what was written since is incomplete */
} buf;

void buf_done(buf *b);
void buf_clear(buf *b);          /* empty for reuse, memory kept, failure forgotten */
bool buf_grow(buf *b, size_t n); /* buf_reserve's slow path */
/* Room for n more bytes at ptr + len; false after a failure, which is remembered. */
static inline bool buf_reserve(buf *b, size_t n)
{
    return (!b->failed && n <= b->cap - b->len) || buf_grow(b, n);
}
static inline void buf_put(buf *b, const void *data, size_t len)
{
    if (len == 0 || !buf_reserve(b, len))
        return;
    memcpy(b->ptr + b->len, data, len);
    b->len += len;
}
static inline void buf_put_char(buf *b, char c)
{
    if (buf_reserve(b, 1))
        b->ptr[b->len++] = c;
}
static inline void buf_put_c(buf *b, const char *c_string)
{
    buf_put(b, c_string, strlen(c_string));
}
static inline void buf_put_str(buf *b, str s)
{
    buf_put(b, s.ptr, s.len);
}
#define DIGITS_MAX 20 /* of 64 bits, a sign included */
/* The number in decimal digits, within out. */
str str_from_i64(int64_t v, char out[DIGITS_MAX]);
void buf_put_i64(buf *b, int64_t v);
void buf_put_u64(buf *b, uint64_t v);
/* The shortest decimal that reads back as v; NaN and infinities become null. */
void buf_put_double(buf *b, double v);
/*
 * s as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD per bad byte; control
 * characters, DEL, U+2028 and U+2029 are escaped, so that a line stays a line.
 */
void buf_put_json(buf *b, str s);
void buf_printf(buf *b, const char *fmt, ...) TTP_PRINTF(2, 3);
/* NUL-terminate (the NUL is not counted) and return the bytes, or NULL after a failure. */
const char *buf_c_str(buf *b);
static inline str buf_str(const buf *b)
{
    return (str){b->ptr ? b->ptr : "", b->len};
}
static inline void buf_free_ptr(buf *b)
{
    buf_done(b);
}
