/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What one evaluator counts of each rule. The evaluator alone writes, others may read at any time:
 * relaxed atomics, which cost it no more than plain additions.
 *
 *     segments[0]: ids 0..255   segments[1]: the next 512   segments[2]: the next 1024 ...
 *
 * A segment comes with the first of its rules that is counted and never moves.
 */
#include <stdbool.h>
#include <stdint.h>

#define COUNTER_SEGMENTS 24

/* Of one rule; a cache line. */
typedef struct rule_counts {
    uint64_t fires, suppressed, cuts;
    uint64_t unused[5];
} rule_counts;

typedef struct counters {
    rule_counts *segments[COUNTER_SEGMENTS];
} counters;

void counters_done(counters *c);
/* The evaluator's own, to count in; NULL when out of memory. */
rule_counts *counters_at(counters *c, uint32_t id);
/* Add what c counted of a rule to sum. Any thread. */
void counters_sum(const counters *c, uint32_t id, rule_counts *sum);
/* Add all that from counted, which is empty then. Both are the caller's alone. */
void counters_move(counters *into, counters *from);

static inline void count_one(uint64_t *counter)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}
