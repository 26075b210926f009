/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The index over a set of rules: for each source kind, a pattern table for each field that text
 * leaves look at. Internal to engine/.
 *
 *     pattern that holds -> slots of the leaves that wait for it -> their rules are decided
 *
 * A slot is one leaf of one rule under one kind.
 */
#include "base/arena.h"
#include "engine/engine.h"
#include "match/table.h"

typedef struct field_index {
    str path;
    pattern_table *table;
    uint32_t *first_slot; /* for each pattern, in slots; the next one's is the end */
    uint32_t *slots;
} field_index;

typedef struct kind_rule {
    const rule *rule;
    uint32_t first_slot; /* its leaves' slots stand in the order of the leaves */
    bool is_one_leaf;    /* a single text leaf: a hit decides it */
    bool names_findings; /* see evidence_names_findings */
} kind_rule;

typedef struct kind_index {
    kind_rule *rules;
    uint32_t n_rules;
    uint32_t *rule_of_slot;
    uint32_t n_slots;
    field_index *fields;
    uint32_t n_fields;
    uint32_t *always; /* rules that may hold although no text leaf of theirs does */
    uint32_t n_always;
} kind_index;

struct ttp_ruleset {
    unsigned refs; /* atomic */
    arena mem;
    str attack_release;
    rule **rules;
    size_t n_rules;
    kind_index kinds[EVENT_N_KINDS];
};

/* Is the leaf decided by its field's pattern table? Others are asked one by one. */
bool index_has_leaf(const leaf *l, event_kind kind);
