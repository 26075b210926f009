/* SPDX-License-Identifier: Apache-2.0 */
/* One block of SHA-1 with the SHA instructions of x86, where the CPU has them. */
#include "base/sha1_block.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>

#define LEAF1_ECX_SSSE3 (1u << 9)
#define LEAF1_ECX_SSE41 (1u << 19)
#define LEAF7_EBX_SHA (1u << 29)

/* Asked once: CPUID takes microseconds under a hypervisor. */
static bool has_sha;
static pthread_once_t asked = PTHREAD_ONCE_INIT;

static void ask_cpu(void)
{
    const unsigned want = LEAF1_ECX_SSSE3 | LEAF1_ECX_SSE41;
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & want) != want)
        return;
    has_sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & LEAF7_EBX_SHA);
}

bool sha1_x86_usable(void)
{
    (void)pthread_once(&asked, ask_cpu); /* cannot fail with a valid control */
    return has_sha;
}

/*
 * Four rounds; w[0] holds their words. The instruction adds to the words the fifth variable as it
 * was four rounds ago, rotated; that is what before is for.
 */
#define ROUNDS(first, f)                                                                           \
    do {                                                                                           \
        __m128i sum = (first) ? _mm_add_epi32(e, w[0]) : _mm_sha1nexte_epu32(e, w[0]);             \
        e = abcd;                                                                                  \
        abcd = _mm_sha1rnds4_epu32(abcd, sum, f);                                                  \
    } while (0)

/* The next four words of the schedule take the place of the oldest four. */
#define SCHEDULE()                                                                                 \
    do {                                                                                           \
        __m128i next = _mm_xor_si128(_mm_sha1msg1_epu32(w[0], w[1]), w[2]);                        \
        next = _mm_sha1msg2_epu32(next, w[3]);                                                     \
        w[0] = w[1];                                                                               \
        w[1] = w[2];                                                                               \
        w[2] = w[3];                                                                               \
        w[3] = next;                                                                               \
    } while (0)

#define STEP(first, f)                                                                             \
    do {                                                                                           \
        ROUNDS(first, f);                                                                          \
        SCHEDULE();                                                                                \
    } while (0)

__attribute__((target("sha,sse4.1,ssse3"))) void sha1_x86_block(uint32_t state[5],
                                                                const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090A0B0C0D0E0F);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1B);
    __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);
    const __m128i abcd_before = abcd, e_before = e;
    __m128i w[4];

    for (unsigned i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block + i), swap);

    STEP(true, 0);
    STEP(false, 0);
    STEP(false, 0);
    STEP(false, 0);
    STEP(false, 0);
    STEP(false, 1);
    STEP(false, 1);
    STEP(false, 1);
    STEP(false, 1);
    STEP(false, 1);
    STEP(false, 2);
    STEP(false, 2);
    STEP(false, 2);
    STEP(false, 2);
    STEP(false, 2);
    STEP(false, 3);
    ROUNDS(false, 3);
    w[0] = w[1];
    ROUNDS(false, 3);
    w[0] = w[2];
    ROUNDS(false, 3);
    w[0] = w[3];
    ROUNDS(false, 3);

    e = _mm_sha1nexte_epu32(e, e_before);
    abcd = _mm_shuffle_epi32(_mm_add_epi32(abcd, abcd_before), 0x1B);
    _mm_storeu_si128((__m128i *)state, abcd);
    state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

#else

bool sha1_x86_usable(void)
{
    return false;
}

void sha1_x86_block(uint32_t state[5], const uint8_t *block)
{
    sha1_portable_block(state, block);
}

#endif
