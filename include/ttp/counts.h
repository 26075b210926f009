/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Counts - what came of one rule: of an engine's evaluations (ttp/engine.h), of a whole fleet's
 * (ttp/ledger.h). */
#include "ttp/api.h"

#include <stdint.h>

TTP_BEGIN

typedef struct ttp_rule_counts {
    uint64_t fires;      /* events in which it held and wrote its tags */
    uint64_t suppressed; /* events in which it held but was disabled */
    uint64_t cuts;       /* searches for its patterns that hit a bound */
    /* what it cost, estimated: one event in 64 is measured and stands for the others */
    uint64_t wakeups;       /* events in which it had to be decided */
    uint64_t verifications; /* searches for its patterns, each told to all rules that share it; what
                               is known of a text is not searched for again */
    uint64_t ticks;         /* spent on both: of the CPU's time stamp counter, where it has one */
} ttp_rule_counts;

TTP_END
