/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Numbers at random, the same in every run. */
#include <stdint.h>

static uint64_t random_state = 0x9E3779B97F4A7C15u;

/* One of 0 to n - 1. */
static inline unsigned pick(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % n;
}
