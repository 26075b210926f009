/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The tables behind unicode.c: a character's block in stage1, its record's number in stage2, the
 * record in records. Only unicode.c includes this.
 */
#include "match/unicode.h"

#define UNICODE_BLOCK 128

/* all but props are distances from the character itself */
typedef struct unicode_record {
    int32_t orbit_next, canon, fold;
    uint32_t props;
} unicode_record;

extern const unicode_record unicode_records[];
extern const uint8_t unicode_stage1[];
extern const uint8_t unicode_stage2[];

extern const uint32_t unicode_cased_table[];
extern const size_t unicode_n_cased;
extern const unicode_range unicode_word_ranges[], unicode_digit_ranges[], unicode_space_ranges[];
extern const size_t unicode_n_word_ranges, unicode_n_digit_ranges, unicode_n_space_ranges;
