/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a scan writes: the folded text, and which atoms and patterns were met already. It belongs to
 * a matcher and serves all tables that are scanned with it, one after the other.
 */
#include "base/bitset.h"
#include "base/str.h"

typedef struct table_scratch {
    buf canonical;
    uint64_t *marks; /* places of the text to look at */
    size_t cap_marks;
    bitset patterns, atoms;
} table_scratch;

/* A scan over so many patterns and atoms begins. Returns 0 or -ENOMEM. */
static inline int table_scratch_begin(table_scratch *s, size_t n_patterns, size_t n_atoms)
{
    int rc = bitset_begin(&s->patterns, n_patterns);

    return rc ? rc : bitset_begin(&s->atoms, n_atoms);
}

void table_scratch_done(table_scratch *s);
