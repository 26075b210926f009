/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Matcher: all that matching writes, one per thread (contract: pattern.h). */
#include "match/backtrack.h"
#include "match/dfa.h"
#include "match/table_scratch.h"
#include "match/vm.h"

struct matcher {
    dfa_cache *automata; /* by a pattern's serial, so that patterns may go before the matcher */
    vm_memory vm;
    backtracker *backtracker;
    uint64_t linear_budget;
    table_scratch table;
};

/* What scans of pattern tables write. */
table_scratch *matcher_table_scratch(matcher *m);
