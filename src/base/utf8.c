/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

bool utf8_is_ascii(str s)
{
    const char *p = s.ptr;
    size_t left = s.len;
    uint64_t word, seen = 0;

    for (; left >= 8; p += 8, left -= 8) {
        memcpy(&word, p, 8);
        seen |= word;
    }
    for (; left; p++, left--)
        seen |= (unsigned char)*p;
    return !(seen & 0x8080808080808080u);
}

unsigned utf8_decode(const char *p, const char *end, uint32_t *ret_cp)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t left = (size_t)(end - p);
    uint32_t cp;

    if (u[0] < 0x80) {
        *ret_cp = u[0];
        return 1;
    }
    if (u[0] >= 0xC2 && u[0] <= 0xDF && left >= 2 && (u[1] & 0xC0) == 0x80) {
        *ret_cp = ((u[0] & 0x1Fu) << 6) | (u[1] & 0x3Fu);
        return 2;
    }
    if ((u[0] & 0xF0) == 0xE0 && left >= 3 && (u[1] & 0xC0) == 0x80 && (u[2] & 0xC0) == 0x80) {
        cp = ((u[0] & 0x0Fu) << 12) | ((u[1] & 0x3Fu) << 6) | (u[2] & 0x3Fu);
        if (cp >= 0x800 && (cp < 0xD800 || cp > 0xDFFF)) {
            *ret_cp = cp;
            return 3;
        }
    }
    if ((u[0] & 0xF8) == 0xF0 && left >= 4 && (u[1] & 0xC0) == 0x80 && (u[2] & 0xC0) == 0x80 &&
        (u[3] & 0xC0) == 0x80) {
        cp = ((u[0] & 0x07u) << 18) | ((u[1] & 0x3Fu) << 12) | ((u[2] & 0x3Fu) << 6) |
             (u[3] & 0x3Fu);
        if (cp >= 0x10000 && cp <= 0x10FFFF) {
            *ret_cp = cp;
            return 4;
        }
    }
    *ret_cp = UTF8_REPLACEMENT;
    return 1;
}

unsigned utf8_decode_back(const char *start, const char *p, uint32_t *ret_cp)
{
    for (unsigned n = 1; n <= 4 && (size_t)(p - start) >= n; n++) {
        if (((unsigned char)p[-(int)n] & 0xC0) == 0x80)
            continue;
        if (utf8_decode(p - n, p, ret_cp) == n)
            return n;
        break;
    }
    *ret_cp = UTF8_REPLACEMENT;
    return 1;
}

unsigned utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | (cp >> 6));
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | (cp >> 12));
        out[1] = (char)(0x80 | ((cp >> 6) & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (cp >> 18));
    out[1] = (char)(0x80 | ((cp >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((cp >> 6) & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

/* A bad byte is the only thing that decodes as one byte of 0x80 or more. */
static bool is_bad(const char *p, unsigned len)
{
    return len == 1 && (unsigned char)*p >= 0x80;
}

bool utf8_valid(str s)
{
    const char *p = s.ptr;
    const char *end = p + s.len;

    while (p < end) {
        uint64_t word;
        uint32_t cp;
        unsigned len;

        if (end - p >= 8) {
            memcpy(&word, p, 8);
            if (!(word & 0x8080808080808080u)) {
                p += 8;
                continue;
            }
        }
        len = utf8_decode(p, end, &cp);
        if (is_bad(p, len))
            return false;
        p += len;
    }
    return true;
}

void utf8_repair(buf *b, str s)
{
    const char *p = s.ptr;
    const char *end = p + s.len;
    const char *good = p;

    while (p < end) {
        uint32_t cp;
        unsigned len = utf8_decode(p, end, &cp);

        if (is_bad(p, len)) {
            buf_put(b, good, (size_t)(p - good));
            buf_put(b, "\xEF\xBF\xBD", 3);
            good = p + 1;
        }
        p += len;
    }
    buf_put(b, good, (size_t)(p - good));
}
