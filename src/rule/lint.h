/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What lint tells of rules that are correct: what they cost, and whether they can ever match.
 * Internal to rule/. */
#include "rule/reading.h"

/* Warnings for one leaf; value is what stands behind its operator. Returns 0 or -ENOMEM. */
int lint_leaf(reading *r, const yaml_node *value, const leaf *l);
/* Warnings for the whole match, which was read from n. Returns 0 or -ENOMEM. */
int lint_match(reading *r, const yaml_node *n);

typedef enum rule_chance {
    RULE_CAN_HOLD,   /* as far as can be told */
    RULE_NEEDS_LIST, /* only where a field holds a list: no single values will do */
    RULE_NEVER_HOLDS,
} rule_chance;

/* Two leaves that cannot go together (or one twice, which cannot be had by itself). */
typedef struct rule_conflict {
    uint32_t a, b;     /* in the rule's leaves; b comes later in the file, or is a */
    bool not_a, not_b; /* under a not */
    bool is_only;      /* nothing else hinders the rule */
} rule_conflict;

/*
 * Can the rule hold for an event of this kind? What it says is sure, but for searches that are cut
 * off at a bound; where it cannot say, the rule can hold. ret_conflict is written unless it can.
 * Returns 0 or -ENOMEM.
 */
int rule_judge(const rule *r, event_kind kind, rule_chance *ret_chance,
               rule_conflict *ret_conflict);
