/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (RFC 3174): UUIDv5 is defined with it; nothing here relies on it being hard to collide. */
#include "base/uuid.h"

#include "base/sha1_block.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
    return (v << n) | (v >> (32 - n));
}

static void put_be32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

void sha1_portable_block(uint32_t state[5], const uint8_t *block)
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

static void compress(uint32_t state[5], const uint8_t *block)
{
    if (sha1_x86_usable())
        sha1_x86_block(state, block);
    else
        sha1_portable_block(state, block);
}

void sha1_begin(sha1_state *s)
{
    static const uint32_t first[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};

    memcpy(s->words, first, sizeof(first));
    s->len = 0;
}

void sha1_add(sha1_state *s, const void *data, size_t len)
{
    size_t held = s->len % sizeof(s->block);
    const uint8_t *p = data;

    if (len == 0)
        return; /* an absent piece has no pointer */
    s->len += len;
    if (held) {
        size_t room = sizeof(s->block) - held;
        size_t n = len < room ? len : room;

        memcpy(s->block + held, p, n);
        p += n;
        len -= n;
        if (n < room)
            return;
        compress(s->words, s->block);
    }
    for (; len >= sizeof(s->block); p += sizeof(s->block), len -= sizeof(s->block))
        compress(s->words, p);
    if (len)
        memcpy(s->block, p, len);
}

void sha1_end(sha1_state *s, uint8_t out[20])
{
    size_t held = s->len % sizeof(s->block);
    uint64_t n_bits = s->len << 3;

    s->block[held++] = 0x80;
    if (held > 56) {
        memset(s->block + held, 0, sizeof(s->block) - held);
        compress(s->words, s->block);
        held = 0;
    }
    memset(s->block + held, 0, 56 - held);
    put_be32(s->block + 56, (uint32_t)(n_bits >> 32));
    put_be32(s->block + 60, (uint32_t)n_bits);
    compress(s->words, s->block);
    for (unsigned i = 0; i < 5; i++)
        put_be32(out + 4 * i, s->words[i]);
}

void sha1(const void *data, size_t len, uint8_t out[20])
{
    sha1_state s;

    sha1_begin(&s);
    sha1_add(&s, data, len);
    sha1_end(&s, out);
}
