/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Backtracking search by PCRE2, for what no program can say, at a bounded price.
 *
 * PCRE2's own match limit does not bound a search: it starts anew at each position of the text, and
 * scanning inside one item is free ((?!x)[^b]*[bc] takes 4 s on 64 KB of a's and never hits it). So
 * every expression is compiled with a callout before each item, and the callout charges
 *
 *     1  +  n / 16 for the largest {n,...} in the expression
 *        +  the distance in bytes from the last callout / 16
 *        +  the longest group so far / 16, where a back-reference comes next
 *
 * which is at least proportional to the time taken, and the same on every run and machine. A search
 * is cut off when it has spent the match limit or what is left of the event's budget. Before it
 * starts it is charged one, and one for each 64 bytes of text.
 */
#include "base/str.h"
#include "match/pattern.h"
#include "match/regex.h"

typedef struct backtrack backtrack;     /* one expression; immutable, shared by threads */
typedef struct backtracker backtracker; /* what searching writes; one thread */

/* Returns 0, TTP_E_UNSUPPORTED or TTP_E_LIMIT (PCRE2 refuses it; err says why) or -ENOMEM. */
int backtrack_new(const regex *re, backtrack **ret, ttp_err *err);
backtrack *backtrack_free(backtrack *b); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(backtrack, backtrack *, backtrack_free)
size_t backtrack_memory(const backtrack *b);

/* options has no zeros any more. NULL when out of memory. */
backtracker *backtracker_new(const matcher_options *options);
backtracker *backtracker_free(backtracker *bt); /* takes NULL, returns NULL */
/* The event's budget is full again. */
void backtracker_refill(backtracker *bt);
uint64_t backtracker_budget(const backtracker *bt); /* steps left */
/* Take n of the steps that are left; false, and none are left, where they are fewer. */
bool backtracker_spend(backtracker *bt, uint64_t n);

/*
 * The first match; spans as in pattern_find (n_spans may be 0). Invalid UTF-8 is read as U+FFFD per
 * bad byte. Returns 0, TTP_E_NOT_FOUND, TTP_E_LIMIT (cut off) or -ENOMEM.
 */
int backtrack_find(const backtrack *b, backtracker *bt, str text, match_span *ret_spans,
                   unsigned n_spans);
