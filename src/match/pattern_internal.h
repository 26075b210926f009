/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the pattern table sees of a pattern, so that it can find and decide literals itself. */
#include "match/atoms.h"
#include "match/pattern.h"
#include "match/pieces.h"

typedef enum pattern_folds {
    PATTERN_FOLDS_NOTHING, /* bytes are equal */
    PATTERN_FOLDS_ALL,     /* characters are equal when folded */
} pattern_folds;

typedef struct pattern_literal {
    str text; /* with PATTERN_FOLDS_ALL: folded, character by character */
    pattern_folds folds;
    bool regex_fold; /* by unicode_canon, as (?i) does; otherwise by unicode_fold */
    bool at_start;
    bool at_end;
    bool at_end_newline; /* at the end, or before a final newline; at_end is false then */
} pattern_literal;

/* The literal whose search gives the verdict; NULL unless the kind is PATTERN_LITERAL. */
const pattern_literal *pattern_get_literal(const pattern *p);
/* One pattern, one text, to be searched with others beside it. */
typedef struct pattern_search {
    const pattern *pattern;
    uint32_t index; /* the caller's */
    size_t from;    /* it is known that no match begins before this offset, of an ASCII text */
    int rc;         /* what pattern_holds returns */
} pattern_search;

/* As many patterns as pattern_holds_group takes at once. */
#define PATTERN_GROUP 4
/* pattern_holds for n different patterns and one text, side by side. */
void pattern_holds_group(pattern_search *searches, unsigned n, matcher *m, str text);
/* NULL where it has none. */
const atom_set *pattern_get_atoms(const pattern *p);
const pieces *pattern_get_pieces(const pattern *p);
/* A byte that the canonical form of every match holds, beside an atom; -1: none is known. */
int pattern_needed_byte(const pattern *p);
/* Texts of fewer bytes do not hold it. */
uint32_t pattern_min_len(const pattern *p);

/* Does the literal hold in text at byte offset at, whatever its anchors? Returns its length there,
 * or SIZE_MAX. */
size_t literal_match(const pattern_literal *l, str text, size_t at);
/*
 * Search by comparing alone: an unanchored folded literal has no linear search here (false is
 * returned, and nothing written). Otherwise *ret_at and *ret_len say where the first one stands,
 * *ret_at is SIZE_MAX where there is none.
 */
bool literal_find(const pattern_literal *l, str text, size_t *ret_at, size_t *ret_len);
