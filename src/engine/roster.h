/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Roster: the rules that an engine runs and what is set on them, as its writer sees them. One
 * owner; evaluators never look here.
 *
 *     rule_id --hash--> known_rule { number, rule or none, state }
 *     order: those that have a rule, as their tags come out
 *
 * A number stands for a rule_id wherever evaluation keeps something by rule (states, counters). It
 * is given anew only when nobody can use it any more.
 */
#include "base/limits.h"
#include "engine/counters.h"
#include "engine/snapshot.h"

typedef struct known_rule {
    uint32_t id;
    char rule_id[RULE_ID_MAX + 1];
    rule *rule;     /* NULL: a state of a rule that is not there, or a number to be given anew */
    bool has_state; /* a row of roster.rows */
    bool in_use;    /* false: in roster.spare */
    /* with neither rule nor state: gone from the snapshots as of this generation on */
    uint64_t gone_at;
    rule_counts before; /* what others counted under this number */
    uint32_t next;      /* in its bucket of the hash; NO_RULE ends */
} known_rule;

#define NO_RULE UINT32_MAX

typedef struct roster {
    known_rule **known; /* by number */
    size_t n_known, cap_known;
    uint32_t *buckets;
    uint32_t n_buckets; /* a power of two, or 0 */
    uint32_t *order;    /* numbers */
    size_t n_order, cap_order;
    state_row *rows; /* ascending by number */
    size_t n_rows, cap_rows;
    uint32_t *spare; /* numbers of the rules that are gone */
    size_t n_spare, cap_spare;
} roster;

void roster_done(roster *r);
known_rule *roster_find(const roster *r, str rule_id); /* NULL: unknown */

/*
 * Take one definition or state in. generation is that of the snapshot that will be without what
 * goes; numbers of rules that went at or before oldest, the oldest snapshot in use, may be given
 * anew (renew, called with each one's known_rule before that). Return 0 or -ENOMEM.
 */
typedef struct roster_turn {
    uint64_t generation, oldest;
    void (*renew)(void *ctx, known_rule *k);
    void *ctx;
} roster_turn;
/* r NULL: deleted */
int roster_define(roster *ro, const char *rule_id, rule *r, const roster_turn *turn);
int roster_set_state(roster *ro, const char *rule_id, const ttp_rule_state *state,
                     const roster_turn *turn);
/* All rules go; rules[0..n) come, in this order, with these states (NULL: none). */
int roster_reset(roster *ro, rule *const *rules, const ttp_rule_state *states, size_t n,
                 const roster_turn *turn);
