/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Scans that are made in earnest; table_recall.c has those that need not be. */
#include "match/memo.h"
#include "match/table.h"

typedef struct table_listener {
    pattern_hit_fn *hit, *cut; /* cut may be NULL */
    void *ctx;
    /* where hits are noted, too; becomes NULL where they are too many, or a search was cut off */
    memo_entry *noted;
} table_listener;

/* As pattern_table_scan. */
int table_scan_text(const pattern_table *t, matcher *m, str text, table_listener *listener);
/* The patterns from first on alone, each by itself: a few. */
int table_scan_added(const pattern_table *t, matcher *m, str text, uint32_t first,
                     table_listener *listener);
