/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Ticks: the cheapest clock that there is, of no said unit: cycles of the time stamp counter on
 * x86, of the virtual counter on arm64, elsewhere nanoseconds. For comparing what things cost. */
#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#elif !defined(__aarch64__)
#include <time.h>
#endif

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
#endif
}
