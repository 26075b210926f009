/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/counters.h"

#include <stdlib.h>

#define FIRST_SEGMENT 256u
#define LINE 64

static unsigned segment_of(uint32_t id, uint32_t *ret_at)
{
    unsigned k = 31 - (unsigned)__builtin_clz(id / FIRST_SEGMENT + 1);

    *ret_at = id - FIRST_SEGMENT * ((1u << k) - 1);
    return k;
}

static size_t segment_size(unsigned k)
{
    return (size_t)FIRST_SEGMENT << k;
}

void counters_done(counters *c)
{
    for (unsigned k = 0; k < COUNTER_SEGMENTS; k++)
        free(c->segments[k]);
    *c = (counters){0};
}

static rule_counts *make_segment(counters *c, unsigned k)
{
    rule_counts *s = aligned_alloc(LINE, segment_size(k) * sizeof(*s));

    for (size_t i = 0; s && i < segment_size(k); i++)
        s[i] = (rule_counts){0};
    __atomic_store_n(&c->segments[k], s, __ATOMIC_RELEASE);
    return s;
}

rule_counts *counters_at(counters *c, uint32_t id)
{
    uint32_t at;
    unsigned k = segment_of(id, &at);
    rule_counts *s = c->segments[k];

    if (!s)
        s = make_segment(c, k);
    return s ? s + at : NULL;
}

static void add(rule_counts *sum, const rule_counts *c)
{
    sum->fires += __atomic_load_n(&c->fires, __ATOMIC_RELAXED);
    sum->suppressed += __atomic_load_n(&c->suppressed, __ATOMIC_RELAXED);
    sum->cuts += __atomic_load_n(&c->cuts, __ATOMIC_RELAXED);
}

void counters_sum(const counters *c, uint32_t id, rule_counts *sum)
{
    uint32_t at;
    unsigned k = segment_of(id, &at);
    const rule_counts *s = __atomic_load_n(&c->segments[k], __ATOMIC_ACQUIRE);

    if (s)
        add(sum, s + at);
}

void counters_move(counters *into, counters *from)
{
    for (unsigned k = 0; k < COUNTER_SEGMENTS; k++) {
        if (!into->segments[k]) {
            into->segments[k] = from->segments[k];
            from->segments[k] = NULL;
        }
        for (size_t i = 0; from->segments[k] && i < segment_size(k); i++)
            add(&into->segments[k][i], &from->segments[k][i]);
    }
    counters_done(from);
}
