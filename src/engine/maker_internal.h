/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What an index maker keeps. Everything that is shared with indexes is on shelves or referenced. */
#include "engine/chains.h"
#include "engine/maker.h"

typedef struct field_maker {
    str path;          /* a rule's, which the maker's shelf keeps */
    field_index *last; /* what was made last; NULL: nothing yet */
    bool touched;      /* since then */
    /* patterns, in the order of the table; holes included */
    chains by_pattern;
    pattern **patterns;
    size_t cap_patterns;
    uint32_t *first_waiting;
    size_t cap_waiting;
    /* A pattern without atom is verified on every text: it must not stay when nobody waits for it
     * any more. Rules that do, by pattern (UINT32_MAX: dropped, not to be found again). */
    uint32_t *n_waiting;
    size_t cap_n_waiting;
    uint32_t *dropped; /* since the last table */
    size_t n_dropped, cap_dropped;
    bool has_dropped; /* ever */
    shelf waiting;
    shared_table *table; /* of the first n_in_table patterns */
    size_t n_in_table;
    uint32_t *present;
    size_t n_present, cap_present;
} field_maker;

typedef struct kind_maker {
    kind_index *last;
    bool touched;
    shelf rules;
    shelf asked;
    chains by_asked;
    uint32_t n_slots;
    uint32_t n_live;
    uint32_t *slot_of; /* the rule of a number; NO_INDEX: none */
    size_t n_slot_of, cap_slot_of;
    chains by_path;
    field_maker **fields;
    size_t cap_fields;
    uint32_t *always;
    size_t n_always, cap_always;
} kind_maker;

struct index_maker {
    shelf release;
    shelf rules;
    kind_maker kinds[EVENT_N_KINDS];
};
