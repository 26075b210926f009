/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Tables made from tables, and what who fills them asks of a pattern. */
#include "match/table.h"

/* How rare the least rare of the pattern's atoms is in attacker text; higher is rarer. 0: it has
 * none. */
unsigned pattern_rarity(const pattern *p);

/* What is to be other in the next table. */
typedef struct table_edit {
    pattern *const *added; /* get the next indexes */
    size_t n_added;
    /* indexes of patterns without atom that nobody wants any more: they are not verified, but keep
     * their indexes */
    const uint32_t *dropped;
    size_t n_dropped;
} table_edit;

/*
 * A table with these changes, made by copying the old one and adding to it, in a small part of the
 * time that building takes. The old one stays as it is. Returns 0, TTP_E_LIMIT (to be built from
 * nothing: the old one is small, or has grown too much since it was built) or -ENOMEM.
 */
int pattern_table_edit(const pattern_table *old, const table_edit *edit, pattern_table **ret_table);
/* Has a table, by edits, so many eighths more than when it was built? Edits end at six. */
bool pattern_table_has_grown(const pattern_table *t, unsigned eighths);
