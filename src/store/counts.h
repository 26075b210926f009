/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What rules did in this process: sums since its start, and what of them is not written yet. A lock
 * of its own, below all others.
 */
#include "base/limits.h"
#include "ttp/ledger.h"

typedef struct counts counts;

typedef struct counts_row {
    char rule_id[RULE_ID_MAX + 1];
    ttp_rule_counts counts;
} counts_row;

counts *counts_new(void);       /* NULL: out of memory */
counts *counts_free(counts *c); /* takes NULL, returns NULL */

int counts_add(counts *c, const char *rule_id, const ttp_rule_counts *delta); /* 0 or -ENOMEM */
ttp_rule_counts counts_of(counts *c, const char *rule_id); /* the sum; all 0 where there is none */
bool counts_has_news(counts *c);
/* Up to max rules with what is not written yet of them. Returns how many. */
size_t counts_take(counts *c, counts_row *rows, size_t max);
void counts_written(counts *c, const counts_row *rows, size_t n);
/* The sums by rule_id, or of each only what is not written yet. Returns what fn returned, 0 or
 * -ENOMEM; fn may take its time. */
int counts_each(counts *c, bool unwritten,
                int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts),
                void *ctx);
/* Add all sums of more, or what is not written of them. Returns 0 or -ENOMEM. */
int counts_add_all(counts *c, counts *more, bool unwritten);
