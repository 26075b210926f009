/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pattern table: which of many patterns hold in a text, at the cost of one pass over it.
 * Immutable; shared by threads; scanned with a matcher, one per thread.
 */
#include "match/pattern.h"

typedef struct pattern_table pattern_table;

/*
 * A table over patterns[0..n); the table keeps references. Returns 0 or -ENOMEM.
 */
int pattern_table_new(pattern *const *patterns, size_t n, pattern_table **ret_table);
pattern_table *pattern_table_free(pattern_table *t); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(pattern_table, pattern_table *, pattern_table_free)

/*
 * t, which no thread scans yet, is to be scanned by another path (scan_path.h) than the best.
 * Returns 0 or -ENOMEM.
 */
struct scan_path;
int pattern_table_set_path(pattern_table *t, const struct scan_path *path);

size_t pattern_table_count(const pattern_table *t);
size_t pattern_table_memory(const pattern_table *t);

/* Called once per scan for a pattern, in no particular order. */
typedef void pattern_hit_fn(void *ctx, uint32_t pattern_index);
/* What deciding a pattern took that an atom woke, in ticks (base/ticks.h). */
typedef void pattern_cost_fn(void *ctx, uint32_t pattern_index, uint64_t ticks);
/* From now on scans with m tell cost, with their ctx, of each pattern that they verify; NULL: none.
 */
void matcher_measure(matcher *m, pattern_cost_fn *cost);

/*
 * Scan text (valid UTF-8). hit is called for each pattern that holds; cut (may be NULL) for each
 * whose search hit a bound. Returns 0 or -ENOMEM.
 */
int pattern_table_scan(const pattern_table *t, matcher *m, str text, pattern_hit_fn *hit,
                       pattern_hit_fn *cut, void *ctx);
