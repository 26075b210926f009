/* SPDX-License-Identifier: Apache-2.0 */
/* Scan paths of x86-64: AVX2, and AVX-512 with its look-up of 128 bytes (VBMI). */
#include "match/scan_path.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <pthread.h>
#include <string.h>

/* Asked once: CPUID takes microseconds under a hypervisor. */
static bool has_avx2, has_avx512;
static pthread_once_t asked = PTHREAD_ONCE_INIT;

static void ask_cpu(void)
{
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2");
    has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2");
}

static bool avx2_usable(void)
{
    (void)pthread_once(&asked, ask_cpu); /* cannot fail with a valid control */
    return has_avx2;
}

static bool avx512_usable(void)
{
    (void)pthread_once(&asked, ask_cpu);
    return has_avx512;
}

/* ---- AVX-512 ---- */

#define WITH_AVX512                                                                                \
    static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vbmi,bmi2")))
#define FOR_AVX512 static __attribute__((target("avx512f,avx512bw,avx512vbmi,bmi2")))

/* Bits of the first n of 64 places. */
WITH_AVX512 __mmask64 first_places(size_t n)
{
    return n < 64 ? _bzhi_u64(~0ull, (unsigned)n) : ~0ull;
}

/* The next 64 bytes of n; zeros behind them. */
WITH_AVX512 __m512i load_64(const char *p, size_t n)
{
    return _mm512_maskz_loadu_epi8(first_places(n), p);
}

WITH_AVX512 __m512i lower_64(__m512i c)
{
    __mmask64 upper =
        _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));

    return _mm512_mask_add_epi8(c, upper, c, _mm512_set1_epi8(32));
}

FOR_AVX512 bool fold_avx512(const char *text, size_t len, char *to)
{
    __m512i seen = _mm512_setzero_si512();
    size_t at = 0;

    for (; at < len; at += 64) {
        __m512i c = load_64(text + at, len - at);

        seen = _mm512_or_si512(seen, c);
        _mm512_storeu_si512(to + at, lower_64(c));
    }
    _mm512_storeu_si512(to + at, _mm512_setzero_si512());
    return _mm512_movepi8_mask(seen) == 0;
}

/* One of 128 bytes for each of 64 characters. */
typedef struct lookup {
    __m512i low, high;
} lookup;

WITH_AVX512 lookup load_lookup(const uint8_t *table)
{
    return (lookup){_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64)};
}

WITH_AVX512 __m512i look_up(lookup t, __m512i index)
{
    return _mm512_permutex2var_epi8(t.low, index, t.high);
}

/* Which places stand in a bucket of all three tables. */
WITH_AVX512 __m512i group_64(const uint8_t (*t)[128], __m512i a, __m512i b, __m512i c)
{
    __m512i x = look_up(load_lookup(t[0]), a);
    __m512i y = look_up(load_lookup(t[1]), b);
    __m512i z = look_up(load_lookup(t[2]), c);

    return _mm512_ternarylogic_epi32(x, y, z, 0x80);
}

WITH_AVX512 __m512i hashed_64(const scan_filter *f, __m512i h0, __m512i h1, __m512i h2)
{
    __m512i any = _mm512_setzero_si512();

    for (unsigned g = 0; g < f->n_hashed; g++)
        any = _mm512_or_si512(any, group_64(f->hashed[g], h0, h1, h2));
    return any;
}

WITH_AVX512 __m512i threes_64(const scan_filter *f, __m512i h0, __m512i h1)
{
    __m512i any = _mm512_setzero_si512();

    for (unsigned g = 0; g < FILTER_THREES; g++)
        any = _mm512_or_si512(any, _mm512_and_si512(look_up(load_lookup(f->threes[g][0]), h0),
                                                    look_up(load_lookup(f->threes[g][1]), h1)));
    return any;
}

/* The rows of pairs one after the other, each for the places whose second byte is in it. */
WITH_AVX512 __m512i pairs_64(const scan_filter *f, __m512i c, __m512i c1)
{
    const __m512i bits = _mm512_set1_epi64((long long)0x8040201008040201u);
    __m512i row = _mm512_and_si512(_mm512_srli_epi16(c1, 3), _mm512_set1_epi8(15));
    __m512i found = _mm512_setzero_si512();

    for (char i = 0; i < 16; i++) {
        lookup t = load_lookup(f->pairs[(unsigned char)i]);
        __mmask64 here = _mm512_cmpeq_epi8_mask(row, _mm512_set1_epi8(i));

        found = _mm512_or_si512(found, _mm512_maskz_permutex2var_epi8(here, t.low, c, t.high));
    }
    return _mm512_and_si512(found,
                            _mm512_shuffle_epi8(bits, _mm512_and_si512(c1, _mm512_set1_epi8(7))));
}

WITH_AVX512 uint64_t which(__mmask64 here, __m512i v)
{
    return _mm512_mask_test_epi8_mask(here, v, v);
}

/* bytes of a and then b, from the n-th on */
WITH_AVX512 __m512i from_byte(__m512i a, __m512i b, __m512i places, char n)
{
    return _mm512_permutex2var_epi8(a, _mm512_add_epi8(places, _mm512_set1_epi8(n)), b);
}

/* The folded text stays in registers: to read it back at other offsets would wait for the writes.
 */
FOR_AVX512 bool mark_avx512(const scan_filter *f, const char *text, size_t len, char *to,
                            uint64_t *marks)
{
    static const uint8_t count[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i places = _mm512_loadu_si512(count);
    const lookup second = load_lookup(f->second);
    __m512i c = load_64(text, len), seen = c;
    size_t at = 0;

    c = lower_64(c);
    for (; at < len; at += 64, marks += MARKS_PER_BLOCK) {
        size_t left = len - at;
        __mmask64 here = first_places(left);
        __m512i next = _mm512_setzero_si512(), c1, c2, h0, h1, h2;

        if (left > 64) {
            next = load_64(text + at + 64, left - 64);
            seen = _mm512_or_si512(seen, next);
            next = lower_64(next);
        }
        _mm512_storeu_si512(to + at, c);
        c1 = from_byte(c, next, places, 1);
        c2 = from_byte(c, next, places, 2);
        h0 = _mm512_xor_si512(c, look_up(second, c1));
        h1 = _mm512_xor_si512(c1, look_up(second, c2));
        h2 = _mm512_xor_si512(c2, look_up(second, from_byte(c, next, places, 3)));
        marks[0] = marks[1] = marks[2] = 0;
        if (f->has_short)
            marks[0] =
                which(here, f->many_short ? pairs_64(f, c, c1) : group_64(f->plain[0], c, c1, c2));
        if (f->has_three)
            marks[1] = which(here, f->many_threes ? threes_64(f, h0, h1)
                                                  : group_64(f->plain[1], c, c1, c2));
        if (f->has_four)
            marks[2] = which(here, hashed_64(f, h0, h1, h2));
        c = next;
    }
    _mm512_storeu_si512(to + at, _mm512_setzero_si512());
    return _mm512_movepi8_mask(seen) == 0;
}

const scan_path scan_path_avx512 = {
    .name = "avx512",
    .is_usable = avx512_usable,
    .windows_max = 12000,
    .add = scan_filter_add,
    .fold = fold_avx512,
    .mark = mark_avx512,
};

/* ---- AVX2 ---- */

#define WITH_AVX2 static inline __attribute__((always_inline, target("avx2")))
#define FOR_AVX2 static __attribute__((target("avx2")))

WITH_AVX2 __m256i lower_32(__m256i c)
{
    __m256i from_a = _mm256_add_epi8(c, _mm256_set1_epi8((char)(0x80 - 'A')));
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(-0x80 + 26)), from_a);

    return _mm256_add_epi8(c, _mm256_and_si256(upper, _mm256_set1_epi8(32)));
}

/* The last bytes of a text, fewer than 32, by way of a block of their own. */
WITH_AVX2 __m256i load_rest(const char *p, size_t n)
{
    char block[32] = {0};

    memcpy(block, p, n);
    return _mm256_loadu_si256((const __m256i *)(const void *)block);
}

FOR_AVX2 bool fold_avx2(const char *text, size_t len, char *to)
{
    __m256i seen = _mm256_setzero_si256();
    size_t at = 0;

    for (; at < len; at += 32) {
        __m256i c = len - at >= 32 ? _mm256_loadu_si256((const __m256i *)(const void *)(text + at))
                                   : load_rest(text + at, len - at);

        seen = _mm256_or_si256(seen, c);
        _mm256_storeu_si256((__m256i *)(void *)(to + at), lower_32(c));
    }
    _mm256_storeu_si256((__m256i *)(void *)(to + at), _mm256_setzero_si256());
    _mm256_storeu_si256((__m256i *)(void *)(to + at + 32), _mm256_setzero_si256());
    return _mm256_movemask_epi8(seen) == 0;
}

/* One of 16 bytes for each of 32 nibbles. */
WITH_AVX2 __m256i look_up_nibbles(const uint8_t table[16], __m256i index)
{
    __m128i half = _mm_loadu_si128((const __m128i *)(const void *)table);

    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(half), index);
}

/* Which of 32 places may begin a window. */
WITH_AVX2 uint32_t mark_32(const uint8_t (*t)[2][16], const char *folded)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i all = _mm256_set1_epi8(-1);

    for (unsigned i = 0; i < FILTER_WINDOW; i++) {
        __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(folded + i));
        __m256i low = _mm256_and_si256(c, nibble);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(c, 4), nibble);

        all = _mm256_and_si256(all, look_up_nibbles(t[i][0], low));
        all = _mm256_and_si256(all, look_up_nibbles(t[i][1], high));
    }
    all = _mm256_cmpeq_epi8(all, _mm256_setzero_si256());
    return ~(uint32_t)_mm256_movemask_epi8(all);
}

WITH_AVX2 uint64_t mark_64(const uint8_t (*t)[2][16], const char *folded, size_t left)
{
    uint64_t marked = mark_32(t, folded);

    return left > 32 ? marked | (uint64_t)mark_32(t, folded + 32) << 32 : marked;
}

FOR_AVX2 bool mark_avx2(const scan_filter *f, const char *text, size_t len, char *to,
                        uint64_t *marks)
{
    if (!fold_avx2(text, len, to))
        return false;
    for (size_t at = 0; at < len; at += 64, marks += MARKS_PER_BLOCK) {
        uint64_t here = len - at < 64 ? (1ull << (len - at)) - 1 : ~0ull;

        marks[0] = marks[2] = 0;
        if (f->has_short || f->has_three)
            marks[0] = here & mark_64(f->nibbles[1], to + at, len - at);
        if (f->has_four)
            marks[2] = here & mark_64(f->nibbles[0], to + at, len - at);
        marks[1] = f->has_three ? marks[0] : 0;
    }
    return true;
}

const scan_path scan_path_avx2 = {
    .name = "avx2",
    .is_usable = avx2_usable,
    .windows_max = 80,
    .add = scan_filter_add_nibbles,
    .fold = fold_avx2,
    .mark = mark_avx2,
};

#endif
