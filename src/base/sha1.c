/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (RFC 3174): UUIDv5 is defined with it; nothing here relies on it being hard to collide. */
#include "base/uuid.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
    return (v << n) | (v >> (32 - n));
}

static void put_be32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

static void compress(uint32_t state[5], const uint8_t block[64])
{
    uint32_t w[80];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (unsigned i = 0; i < 16; i++) {
        uint32_t v;

        memcpy(&v, block + 4 * i, 4);
        w[i] = __builtin_bswap32(v);
    }
    for (unsigned i = 16; i < 80; i++)
        w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f, k, t;

        if (i < 20) {
            f = d ^ (b & (c ^ d));
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (d & (b | c));
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        t = rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1(const void *data, size_t len, uint8_t out[20])
{
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    const uint8_t *p = data;
    uint8_t last[128] = {0};
    size_t left = len;
    size_t n_last;

    for (; left >= 64; p += 64, left -= 64)
        compress(state, p);
    if (left)
        memcpy(last, p, left);
    last[left] = 0x80;
    n_last = left < 56 ? 64 : 128;
    put_be32(last + n_last - 8, (uint32_t)((uint64_t)len >> 29));
    put_be32(last + n_last - 4, (uint32_t)((uint64_t)len << 3));
    for (size_t i = 0; i < n_last; i += 64)
        compress(state, last + i);
    for (unsigned i = 0; i < 5; i++)
        put_be32(out + 4 * i, state[i]);
}
