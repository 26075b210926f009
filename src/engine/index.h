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

#define NO_SLOT UINT32_MAX

/* A leaf that waits for a pattern. */
typedef struct waiting_leaf {
    uint32_t slot; /* NO_SLOT: a hit decides the rule */
    uint32_t rule; /* among its kind's */
} waiting_leaf;

typedef struct field_index {
    str path;
    pattern_table *table;
    uint32_t *first_waiting; /* for each pattern, in waiting; the next one's is the end */
    waiting_leaf *waiting;
} field_index;

/* What a tag takes of one emit and its rule, side by side: a rule that fires is rarely in cache. */
typedef struct emit_row {
    double confidence;
    str tactic, technique_id, sub_technique_id;
    str rule_id, rule_name, attack_release;
    int64_t rule_version;
} emit_row;

typedef struct kind_rule {
    const rule *rule;
    uint32_t id; /* its number where it was told, else its place among the rules */
    const emit_row *rows;
    uint32_t n_rows;
    uint32_t first_slot; /* its leaves' slots stand in the order of the leaves */
    bool is_one_leaf;    /* a single text leaf: a hit decides it */
    bool names_findings; /* see evidence_names_findings */
} kind_rule;

typedef struct kind_index {
    kind_rule *rules;
    uint32_t n_rules;
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
    uint32_t *ids;
    size_t n_rules;
    emit_row *rows; /* of all rules, in their order */
    kind_index kinds[EVENT_N_KINDS];
};

/* As engine_index_new; ids[i] is the number of rules[i]. */
int engine_index_new_numbered(rule *const *rules, const uint32_t *ids, size_t n, str attack_release,
                              engine_index **ret_index);

/* Is the leaf decided by its field's pattern table? Others are asked one by one. */
bool index_has_leaf(const leaf *l, event_kind kind);
