/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Alphabet of one program: code points that no set of the program tells apart are one class, so
 * that automata have tens of columns and not a million.
 *
 *     0..127     one byte each                         ascii[cp]
 *     128..      cut where a set's range begins or     rows[interval][kind of character]
 *                ends; \w \d \s cut each piece into
 *                the four kinds of Python's categories
 */
#include "match/regex.h"
#include "match/unicode.h"

/* What an assertion looks at in a class; bits of alphabet.flags. */
enum {
    CLASS_NEWLINE = 1 << 0,
    CLASS_WORD = 1 << 1,
    CLASS_WORD_ASCII = 1 << 2,
};

/* Kinds of characters by \w \d \s; \d is part of \w, and \s is apart from both. */
#define ALPHABET_KINDS 4

typedef struct charset {
    const regex_range *ranges; /* sorted, disjoint */
    uint32_t n_ranges;
    uint8_t categories; /* REGEX_WORD_CHAR... */
    bool negated;
} charset;

typedef struct alphabet {
    uint8_t ascii[128];
    uint32_t n_classes; /* those of ASCII characters come first */
    uint32_t n_intervals;
    const uint32_t *starts; /* first code point of each interval, ascending; the first is 128 */
    const uint16_t (*rows)[ALPHABET_KINDS];
    const uint8_t *flags; /* of each class: CLASS_NEWLINE... */
    bool by_kind;         /* rows differ by kind of character */
} alphabet;

/*
 * The coarsest alphabet for sets[0..n) in which each class has one value of the flags in marks.
 * ret_members gets n rows of (n_classes + 63) / 64 words: which classes set i holds. All of it
 * lives in a. Returns 0, TTP_E_LIMIT (more than 65,000 classes) or -ENOMEM.
 */
int alphabet_build(const charset *sets, size_t n, unsigned marks, arena *a, alphabet *ret,
                   const uint64_t **ret_members);

/* The class of a character at or above 128. */
uint32_t alphabet_class_above(const alphabet *al, uint32_t cp);

static inline uint32_t alphabet_class(const alphabet *al, uint32_t cp)
{
    return cp < 128 ? al->ascii[cp] : alphabet_class_above(al, cp);
}
