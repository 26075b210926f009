/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/json_text.h"
#include "base/utf8.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

int str_cmp(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

const char *str_find(str s, str needle)
{
    if (needle.len == 0)
        return s.ptr;
    return s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
}

/* The key is drawn once and never changes after: a constant that nobody outside can know. */
static uint64_t hash_key[2];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void draw_hash_key(void)
{
    struct timespec ts;

    if (getrandom(hash_key, sizeof(hash_key), GRND_NONBLOCK) == sizeof(hash_key))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &ts); /* early boot without entropy: hard enough to guess */
    hash_key[0] = (uint64_t)ts.tv_nsec * 0x9E3779B97F4A7C15u ^ (uint64_t)ts.tv_sec;
    hash_key[1] = (uint64_t)(uintptr_t)&ts * 0xC2B2AE3D27D4EB4Fu;
}

static uint64_t rotl64(uint64_t v, unsigned n)
{
    return (v << n) | (v >> (64 - n));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl64(v[1], 13) ^ v[0];
    v[0] = rotl64(v[0], 32);
    v[2] += v[3];
    v[3] = rotl64(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl64(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl64(v[1], 17) ^ v[2];
    v[2] = rotl64(v[2], 32);
}

uint64_t str_hash(str s)
{
    uint64_t v[4], word;
    size_t left = s.len;
    const char *p = s.ptr;

    (void)pthread_once(&hash_once, draw_hash_key); /* cannot fail with a valid control */
    v[0] = hash_key[0] ^ 0x736f6d6570736575u;
    v[1] = hash_key[1] ^ 0x646f72616e646f6du;
    v[2] = hash_key[0] ^ 0x6c7967656e657261u;
    v[3] = hash_key[1] ^ 0x7465646279746573u;
    for (; left >= 8; p += 8, left -= 8) {
        memcpy(&word, p, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)s.len << 56;
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)(unsigned char)p[i] << (8 * i);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xFF;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void buf_done(buf *b)
{
    free(b->ptr);
    *b = (buf){0};
}

void buf_clear(buf *b)
{
    b->len = 0;
    b->failed = false;
}

bool buf_grow(buf *b, size_t n)
{
    size_t need;

    if (b->failed)
        return false;
    if (__builtin_add_overflow(b->len, n, &need) || mem_grow(b->ptr, b->cap, need)) {
        b->failed = true;
        return false;
    }
    return true;
}

static str digits_of(uint64_t v, char out[DIGITS_MAX])
{
    unsigned n = DIGITS_MAX;

    do {
        out[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return (str){out + n, DIGITS_MAX - n};
}

str str_from_i64(int64_t v, char out[DIGITS_MAX])
{
    str digits = digits_of(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, out);
    char *first = out + (DIGITS_MAX - digits.len);

    if (v >= 0)
        return digits;
    *--first = '-';
    return (str){first, digits.len + 1};
}

void buf_put_u64(buf *b, uint64_t v)
{
    char digits[DIGITS_MAX];

    buf_put_str(b, digits_of(v, digits));
}

void buf_put_i64(buf *b, int64_t v)
{
    char digits[DIGITS_MAX];

    buf_put_str(b, str_from_i64(v, digits));
}

/* Numbers of two decimals are what confidences are: written without asking printf. */
static bool put_short_decimal(buf *b, double v)
{
    long n;

    if (!(v >= 0 && v < 1000) || signbit(v))
        return false;
    n = (long)(v * 100 + 0.5);
    if ((double)n / 100 != v)
        return false;
    buf_put_u64(b, (uint64_t)n / 100);
    n %= 100;
    buf_put_char(b, '.');
    buf_put_char(b, (char)('0' + n / 10));
    if (n % 10)
        buf_put_char(b, (char)('0' + n % 10));
    return true;
}

void buf_put_double(buf *b, double v)
{
    char text[40];

    if (!isfinite(v)) {
        buf_put_c(b, "null");
        return;
    }
    if (put_short_decimal(b, v))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_put_c(b, text);
    if (!strpbrk(text, ".eE"))
        buf_put_c(b, ".0");
}

/* 0: as it is; 1: a control character; else the letter of a short escape. */
static const unsigned char json_escape[256] = {
    [0 ... 7] = 1, ['\b'] = 'b',    ['\t'] = 't', ['\n'] = 'n',  [11] = 1,   ['\f'] = 'f',
    ['\r'] = 'r',  [14 ... 31] = 1, ['"'] = '"',  ['\\'] = '\\', [0x7F] = 1,
};

static bool is_special(unsigned char c)
{
    return c >= 0x7F || json_escape[c];
}

static void put_json_escape(buf *b, uint32_t cp)
{
    static const char digits[] = "0123456789abcdef";
    char out[6] = {
        '\\',           'u', digits[cp >> 12 & 15], digits[cp >> 8 & 15], digits[cp >> 4 & 15],
        digits[cp & 15]};

    if (cp < 0x80 && json_escape[cp] > 1) {
        out[1] = (char)json_escape[cp];
        buf_put(b, out, 2);
        return;
    }
    buf_put(b, out, sizeof(out));
}

/* The character at p, which is special or not ASCII; returns where the next one is. */
static const char *put_json_char(buf *b, const char *p, const char *end)
{
    uint32_t cp;
    unsigned len = utf8_decode(p, end, &cp);

    if (len == 1 && (unsigned char)*p >= 0x80)
        buf_put(b, "\xEF\xBF\xBD", 3);
    else if (cp < 0x80 || cp == 0x2028 || cp == 0x2029)
        put_json_escape(b, cp);
    else
        buf_put(b, p, len);
    return p + len;
}

void buf_put_json(buf *b, str s)
{
    const char *p = s.ptr;
    const char *end = p + s.len;
    size_t n;

    if (!buf_reserve(b, s.len + 2))
        return;
    b->ptr[b->len++] = '"';
    n = json_copy_plain(b->ptr + b->len, p, s.len); /* mostly all of it */
    b->len += n;
    p += n;
    while (p < end) {
        while (p < end && is_special((unsigned char)*p))
            p = put_json_char(b, p, end);

        if (!buf_reserve(b, (size_t)(end - p) + 1))
            return;
        n = json_copy_plain(b->ptr + b->len, p, (size_t)(end - p));
        b->len += n;
        p += n;
    }
    buf_put_char(b, '"');
}

void buf_printf(buf *b, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !buf_reserve(b, (size_t)n + 1)) {
        b->failed = true;
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, args); /* measured above */
    va_end(args);
    b->len += (size_t)n;
}

const char *buf_c_str(buf *b)
{
    if (!buf_reserve(b, 1))
        return NULL;
    b->ptr[b->len] = '\0';
    return b->ptr;
}
