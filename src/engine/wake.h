/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which of a rule's leaves have to wake it: a set, as rare as can be, one of which holds (or whose
 * field is there) wherever the rule does.
 *
 *     all [ contains "wget", pattern "\d+" ]    the rarer one
 *     any [ ... ]                               those of each
 *     not [ ... ]                               none: nothing need be there for it to hold
 */
#include "rule/rule.h"

#include <stdint.h>

/* How rare; what is above WAKE_TEXT is told by atoms. */
enum {
    WAKE_ALWAYS = 0,  /* the rule has to be decided on every event of its kind */
    WAKE_PRESENT = 1, /* where a field is there */
    WAKE_TEXT = 2,    /* by a pattern without atom, verified on every text of its field */
};

/* How a leaf can wake its rule: is a pattern table told it, or is it enough that its field is
 * there? Neither for exists: false, and for a leaf that can never hold. */
bool leaf_is_text(const leaf *l, event_kind kind);

/* wakes[i] is set to whether leaf i wakes the rule. Returns how rare that is. */
unsigned wake_choose(const rule *r, event_kind kind, bool *wakes);
