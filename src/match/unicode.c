/* SPDX-License-Identifier: Apache-2.0 */
#include "match/unicode.h"

#include "match/unicode_tables.h"

static const unicode_record *record_of(uint32_t cp)
{
    if (cp > UNICODE_MAX)
        cp = 0xFFFF; /* a noncharacter: no properties, no case */
    return &unicode_records[unicode_stage2[unicode_stage1[cp / UNICODE_BLOCK] * UNICODE_BLOCK +
                                           cp % UNICODE_BLOCK]];
}

unsigned unicode_props(uint32_t cp)
{
    return record_of(cp)->props;
}

uint32_t unicode_orbit_next(uint32_t cp)
{
    return cp + (uint32_t)record_of(cp)->orbit_next;
}

uint32_t unicode_canon(uint32_t cp)
{
    return cp + (uint32_t)record_of(cp)->canon;
}

uint32_t unicode_fold(uint32_t cp)
{
    return cp + (uint32_t)record_of(cp)->fold;
}

const unicode_range *unicode_ranges(unsigned prop, size_t *ret_n)
{
    switch (prop) {
    case UNICODE_WORD:
        *ret_n = unicode_n_word_ranges;
        return unicode_word_ranges;
    case UNICODE_DIGIT:
        *ret_n = unicode_n_digit_ranges;
        return unicode_digit_ranges;
    case UNICODE_SPACE:
        *ret_n = unicode_n_space_ranges;
        return unicode_space_ranges;
    default:
        *ret_n = 0;
        return NULL;
    }
}

const uint32_t *unicode_cased(size_t *ret_n)
{
    *ret_n = unicode_n_cased;
    return unicode_cased_table;
}
