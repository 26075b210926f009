/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Literals with anchors: comparing, searching, and the expressions that come down to one. */
#include "match/pattern_internal.h"
#include "match/regex.h"

typedef struct lowered {
    pattern_literal literal; /* its text is in the arena */
    bool whole;              /* a match is the literal and nothing more, and has no groups */
} lowered;

/*
 * The literal that gives re's verdict: re is it, but for parts at the unanchored edges that can
 * match nothing. Returns 0, TTP_E_NOT_FOUND (re comes down to no literal) or -ENOMEM.
 */
int literal_lower(const regex *re, arena *a, lowered *ret);

/* A tree that matches the characters of text that fold (unicode_fold) as text does. NULL when out
 * of memory. */
regex_node *literal_simple_fold_tree(str text, arena *a);

/* Append text (valid UTF-8) with each character folded by unicode_fold. */
void literal_put_simple_fold(buf *out, str text);
