/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What most strings are made of: bytes that stand in JSON text as they are. Special are '"', '\\',
 * control characters, DEL and all above it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Not 0 where one of the eight bytes is special. */
static inline uint64_t json_special_in_word(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';

    return (w | (w + ones) | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & high;
}

static inline size_t json_copy_plain_bytes(char *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c < 0x20 || c > 0x7E || c == '"' || c == '\\')
            return i;
        out[i] = (char)c;
    }
    return n;
}

/* 4 to 8 bytes, as two words that overlap */
static inline size_t json_copy_plain_short(char *out, const char *p, size_t n)
{
    uint32_t first, last;

    memcpy(&first, p, 4);
    memcpy(&last, p + n - 4, 4);
    if (json_special_in_word(first | (uint64_t)last << 32))
        return json_copy_plain_bytes(out, p, n);
    memcpy(out, &first, 4);
    memcpy(out + n - 4, &last, 4);
    return n;
}

/*
 * Copy up to the first special byte; returns how many bytes were copied, n where none is special.
 * out has room for n, and any of it may be written.
 */
static inline size_t json_copy_plain(char *out, const char *p, size_t n)
{
    size_t i = 0;
    uint64_t w;

#if defined(__SSE2__)
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(p + i));
        /* signed: bytes above 0x7F are below 0x20, too */
        __m128i bad = _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                                                _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F))),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
        int mask = _mm_movemask_epi8(bad);

        _mm_storeu_si128((__m128i *)(out + i), v);
        if (mask)
            return i + (unsigned)__builtin_ctz((unsigned)mask);
    }
#endif
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, 8);
        if (json_special_in_word(w))
            return i + json_copy_plain_bytes(out + i, p + i, 8);
        memcpy(out + i, &w, 8);
    }
    if (n - i >= 4)
        return i + json_copy_plain_short(out + i, p + i, n - i);
    return i + json_copy_plain_bytes(out + i, p + i, n - i);
}
