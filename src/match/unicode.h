/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What Python's str and re know of characters, as tables (unicode_tables.c, written by
 * tools/gen-unicode from CPython's unicodedata, Unicode 14.0 as in Debian 12).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNICODE_MAX 0x10FFFFu

enum {
    UNICODE_WORD = 1 << 0,       /* \w: isalnum() or underscore */
    UNICODE_DIGIT = 1 << 1,      /* \d: isdecimal() */
    UNICODE_SPACE = 1 << 2,      /* \s: isspace() */
    UNICODE_NAME_START = 1 << 3, /* may begin an identifier: isidentifier() */
    UNICODE_NAME_REST = 1 << 4,  /* may go on with it */
};

/* Property bits of a character; any value is allowed. */
unsigned unicode_props(uint32_t cp);

/* The next member of cp's case orbit under Python's re.IGNORECASE (cyclic; cp itself where it has
 * no other case). */
uint32_t unicode_orbit_next(uint32_t cp);
/* The orbit's canonical member: the ASCII lower-case letter where the orbit has one, else the
 * smallest lower-case member. unicode_canon(a) == unicode_canon(b) exactly where (?i)a matches b.
 * Also a superset of simple folding: equal folds, equal canon. */
uint32_t unicode_canon(uint32_t cp);
/* Unicode simple case folding (CaseFolding.txt, C + S). */
uint32_t unicode_fold(uint32_t cp);

typedef struct unicode_range {
    uint32_t lo, hi; /* inclusive */
} unicode_range;

/* The characters with one property (exactly one bit), sorted and disjoint; surrogates are in none.
 */
const unicode_range *unicode_ranges(unsigned prop, size_t *ret_n);

/* Every character whose orbit has more than one member, ascending. */
const uint32_t *unicode_cased(size_t *ret_n);
