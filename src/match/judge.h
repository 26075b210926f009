/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Judge: what the author of a pattern should be told of it. For lint: slower than matching, and
 * right where it speaks; silence proves nothing. Threads: any.
 */
#include "match/pattern.h"

/*
 * How often an atom of the pattern stands in attacker text (frequency.h), in its context, per
 * million positions: so often is the pattern verified. 0 where its atoms are looked for only at the
 * text's start or end, or it has none. ret_text, the commonest atom, lasts as long as p.
 */
uint32_t judge_atom_rate(const pattern *p, str *ret_text);

/* Is it sure that no text at all holds the pattern? Returns 1, 0 or -ENOMEM. */
int judge_never_holds(const pattern *p);

/* How the time of a search grows that backtracks. */
typedef struct judged_growth {
    bool exponential;
    unsigned degree; /* else: the power of the text's length that it grows with */
    unsigned column; /* 1-based, in characters of the pattern: the repeat that is to blame */
} judged_growth;

/*
 * Can the time of a search explode? Told of patterns that backtrack alone (PATTERN_BACKTRACK): the
 * others take time linear in the text, whatever is nested in them. Returns 1 (told: exponential, or
 * of a degree of at least 2), 0 or -ENOMEM.
 */
int judge_growth(const pattern *p, judged_growth *ret);
