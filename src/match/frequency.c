/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that is listed has its own level. Of another one, the first that applies:
 *
 *     its form     192. -> DDD.  where that is listed, shared among all digits
 *     its parts    abcd -> abc, and how often d follows bc
 */
#include "match/frequency.h"

#include "match/frequency_table.h"

#include <stdbool.h>

#define NOT_LISTED UINT32_MAX
#define LEVEL_BITS 7

/* One run as numbers: as it is, and with any digit for its digits. */
typedef struct run {
    uint32_t exact, form;
    unsigned n_digits;
} run;

static run read_run(const uint8_t *p, unsigned n)
{
    const uint32_t base = N_SYMBOLS;
    run r = {0};

    for (unsigned i = 0; i < n; i++) {
        bool is_digit = p[i] >= '0' && p[i] <= '9';
        uint32_t symbol = symbol_of[p[i]];

        r.exact = r.exact * base + symbol;
        r.form = r.form * base + (is_digit ? base - 1 : symbol);
        r.n_digits += is_digit;
    }
    return r;
}

static uint32_t find(const uint32_t *table, unsigned shift, uint32_t key)
{
    uint32_t mask = UINT32_MAX >> shift;
    uint32_t at = key * HASH_FACTOR >> shift;

    /* the empty slot's key is more than any run's, and half of the slots are empty */
    for (; table[at] != EMPTY; at = (at + 1) & mask) {
        if (table[at] >> LEVEL_BITS == key)
            return table[at] & ((1u << LEVEL_BITS) - 1);
    }
    return NOT_LISTED;
}

static unsigned at_most(unsigned level)
{
    return level < FREQUENCY_LEVEL_MAX ? level : FREQUENCY_LEVEL_MAX;
}

/* By the run itself or by its form; NOT_LISTED. */
static uint32_t listed(const uint32_t *table, unsigned shift, const uint8_t *p, unsigned n)
{
    run r = read_run(p, n);
    uint32_t level = find(table, shift, r.exact);

    if (level != NOT_LISTED || r.n_digits == 0)
        return level;
    level = find(table, shift, r.form);
    return level == NOT_LISTED ? NOT_LISTED : at_most(level + r.n_digits * A_DIGIT);
}

static unsigned level1(const uint8_t *p)
{
    return levels1[symbol_of[p[0]]];
}

static unsigned level2(const uint8_t *p)
{
    return levels2[symbol_of[p[0]] * N_SYMBOLS + symbol_of[p[1]]];
}

/* head and tail are the levels of a run's parts, shared that of what both hold. */
static unsigned by_parts(unsigned head, unsigned tail, unsigned shared, unsigned rarest)
{
    unsigned both = head + tail + UNLISTED;
    unsigned level = at_most(both > shared ? both - shared : 0);

    return level > rarest ? level : rarest;
}

static unsigned level3(const uint8_t *p)
{
    uint32_t level = listed(levels3, SHIFT3, p, 3);

    return level != NOT_LISTED ? level : by_parts(level2(p), level2(p + 1), level1(p + 1), FLOOR3);
}

static unsigned level4(const uint8_t *p)
{
    uint32_t level = listed(levels4, SHIFT4, p, 4);

    return level != NOT_LISTED ? level : by_parts(level3(p), level3(p + 1), level2(p + 1), FLOOR4);
}

unsigned frequency_level(const uint8_t *window, size_t len)
{
    switch (len) {
    case 0:
        return 0;
    case 1:
        return level1(window);
    case 2:
        return level2(window);
    case 3:
        return level3(window);
    default:
        return level4(window);
    }
}

uint32_t frequency_of(const uint8_t *window, size_t len)
{
    return per_million[frequency_level(window, len)];
}
