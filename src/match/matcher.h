/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Matcher: all that matching writes, one per thread (contract: pattern.h). */
#include "base/limits.h"
#include "match/backtrack.h"
#include "match/dfa.h"
#include "match/memo.h"
#include "match/table.h"
#include "match/table_scratch.h"
#include "match/vm.h"

struct matcher {
    dfa_cache *automata; /* by a pattern's serial, so that patterns may go before the matcher */
    vm_memory vm;
    backtracker *backtracker;
    uint64_t linear_budget;
    table_scratch table;
    memo memo;             /* what tables found */
    pattern_cost_fn *cost; /* NULL: nobody asks */
    uint64_t verify_left;  /* bytes that automata may still read for this event's tables */
    uint64_t n_verified;   /* searches since the matcher was made, and bytes that they read */
    uint64_t verified_bytes;
};

/* A table is about to be scanned with a text of so many bytes: it may be verified against. */
static inline void matcher_allow_text(matcher *m, size_t len)
{
    m->verify_left += (uint64_t)len * VERIFY_BYTES_PER_BYTE;
}

/* What scans of pattern tables write. */
table_scratch *matcher_table_scratch(matcher *m);
