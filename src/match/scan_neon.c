/* SPDX-License-Identifier: Apache-2.0 */
/* The scan path of arm64: NEON looks up 64 bytes at once, twice for 128. */
#include "match/scan_path.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

static bool neon_usable(void)
{
    return true; /* every arm64 has it */
}

static inline uint8x16_t load_rest(const char *p, size_t n)
{
    uint8_t block[16] = {0};

    memcpy(block, p, n);
    return vld1q_u8(block);
}

static inline uint8x16_t lower_16(uint8x16_t c)
{
    uint8x16_t upper = vcltq_u8(vsubq_u8(c, vdupq_n_u8('A')), vdupq_n_u8(26));

    return vaddq_u8(c, vandq_u8(upper, vdupq_n_u8(32)));
}

static bool fold_neon(const char *text, size_t len, char *to)
{
    uint8x16_t seen = vdupq_n_u8(0);
    size_t at = 0;

    for (; at < len; at += 16) {
        uint8x16_t c = len - at >= 16 ? vld1q_u8((const uint8_t *)text + at)
                                      : load_rest(text + at, len - at);

        seen = vorrq_u8(seen, c);
        vst1q_u8((uint8_t *)to + at, lower_16(c));
    }
    memset(to + at, 0, 80);
    return vmaxvq_u8(seen) < 128;
}

/* One of 128 bytes for each of 16 characters below 128. */
static inline uint8x16_t look_up(const uint8_t table[128], uint8x16_t index)
{
    uint8x16_t found = vqtbl4q_u8(vld1q_u8_x4(table), index);

    return vqtbx4q_u8(found, vld1q_u8_x4(table + 64), vsubq_u8(index, vdupq_n_u8(64)));
}

/* Which places stand in a bucket of all three tables. */
static inline uint8x16_t group_16(const uint8_t (*t)[128], uint8x16_t a, uint8x16_t b, uint8x16_t c)
{
    return vandq_u8(vandq_u8(look_up(t[0], a), look_up(t[1], b)), look_up(t[2], c));
}

static inline uint8x16_t hashed_16(const scan_filter *f, uint8x16_t h0, uint8x16_t h1,
                                   uint8x16_t h2)
{
    uint8x16_t any = vdupq_n_u8(0);

    for (unsigned g = 0; g < f->n_hashed; g++)
        any = vorrq_u8(any, group_16(f->hashed[g], h0, h1, h2));
    return any;
}

/* A bit for each byte that is not zero. */
static inline uint64_t bits_of(uint8x16_t v)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vandq_u8(vtstq_u8(v, v), vld1q_u8(weights));

    return vaddv_u8(vget_low_u8(bits)) | (uint64_t)vaddv_u8(vget_high_u8(bits)) << 8;
}

static bool mark_neon(const scan_filter *f, const char *text, size_t len, char *to, uint64_t *marks)
{
    const uint8_t *p = (const uint8_t *)to;

    if (!fold_neon(text, len, to))
        return false;
    for (size_t at = 0; at < len; at += 64, marks += MARKS_PER_BLOCK) {
        uint64_t here = len - at < 64 ? (1ull << (len - at)) - 1 : ~0ull;

        marks[0] = marks[1] = marks[2] = 0;
        for (unsigned k = 0; k < 64 && at + k < len; k += 16) {
            uint8x16_t c = vld1q_u8(p + at + k), c1 = vld1q_u8(p + at + k + 1);
            uint8x16_t c2 = vld1q_u8(p + at + k + 2), c3 = vld1q_u8(p + at + k + 3);
            uint8x16_t h0 = veorq_u8(c, look_up(f->second, c1));
            uint8x16_t h1 = veorq_u8(c1, look_up(f->second, c2));
            uint8x16_t h2 = veorq_u8(c2, look_up(f->second, c3));

            if (f->has_short)
                marks[0] |= bits_of(group_16(f->plain[0], c, c1, c2)) << k;
            if (f->has_three)
                marks[1] |= bits_of(group_16(f->plain[1], c, c1, c2)) << k;
            marks[2] |= bits_of(hashed_16(f, h0, h1, h2)) << k;
        }
        marks[0] &= here;
        marks[1] &= here;
        marks[2] &= here;
    }
    return true;
}

const scan_path scan_path_neon = {
    .name = "neon",
    .is_usable = neon_usable,
    .windows_max = 100,
    .add = scan_filter_add,
    .fold = fold_neon,
    .mark = mark_neon,
};

#endif
