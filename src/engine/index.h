/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The index over a set of rules: for each source kind, a pattern table for each field that text
 * leaves look at. Internal to engine/.
 *
 *     pattern that holds -> the leaves that wait for it: their slots are set, and those that may
 *                           decide their rule wake it
 *     woken rules -> in the order of tags -> their expressions are decided
 *
 * A slot is one leaf of one rule under one kind. Rules and slots of a kind are numbered as they
 * come and keep their numbers from one index to the next; a rule that is edited or deleted leaves a
 * hole (it has no place in the order any more). So successive indexes share what did not change:
 * kinds, fields, tables, and the shelves that only grow.
 */
#include "base/arena.h"
#include "base/shelf.h"
#include "engine/engine.h"
#include "match/table.h"

#define NO_INDEX UINT32_MAX

/* A leaf that waits for a pattern. */
typedef struct waiting_leaf {
    uint32_t slot;      /* NO_INDEX: a hit decides the rule */
    uint32_t rule : 31; /* among its kind's */
    uint32_t wakes : 1; /* otherwise only the slot is set */
    uint32_t next;      /* that waits for the same; NO_INDEX ends */
} waiting_leaf;

/* Tables are shared by the fields of successive indexes. */
typedef struct shared_table {
    unsigned refs; /* atomic */
    pattern_table *table;
} shared_table;

typedef struct field_index {
    unsigned refs;       /* atomic */
    str path;            /* a rule's */
    shared_table *table; /* NULL: no patterns */
    shelf waiting;       /* waiting_leaf */
    uint32_t *present;   /* rules that are woken where the field is there */
    uint32_t n_present;
    uint32_t n_patterns;
    uint32_t first_waiting[]; /* for each pattern, in waiting */
} field_index;

/* What a tag takes of one emit and its rule, side by side. */
typedef struct emit_row {
    double confidence;
    str tactic, technique_id, sub_technique_id;
    str rule_id, rule_name, attack_release;
    int64_t rule_version;
} emit_row;

/* How a leaf is decided; other values: the number of what is asked, once an event. */
enum {
    LEAF_IN_TABLE = UINT32_MAX,     /* its slot says it */
    LEAF_BY_ITSELF = UINT32_MAX - 1 /* leaf_holds */
};

/* A regular expression that is searched for only where a rule asks; rules share it. */
typedef struct asked_pattern {
    str path;
    const pattern *pattern;
} asked_pattern;

/* One rule, for all its kinds. */
typedef struct index_rule {
    unsigned refs; /* atomic */
    rule *rule;
    uint32_t *ways; /* of its leaves, kind after kind: behind the rows */
    emit_row rows[];
} index_rule;

/* What a hit leads to, two in a cache line. */
typedef struct kind_rule {
    const index_rule *of;
    const uint32_t *ways; /* how each leaf is decided */
    uint32_t id;          /* its number where it was told, else its place among the rules */
    uint32_t first_slot;  /* its leaves' slots stand in the order of the leaves */
    uint32_t n_rows : 29;
    uint32_t is_one_leaf : 1;    /* a single text leaf: a hit decides it */
    uint32_t names_findings : 1; /* see evidence_names_findings */
    uint32_t is_plain : 1;       /* one leaf, one row, nothing else to ask: a hit is a tag */
} kind_rule;

typedef struct kind_index {
    unsigned refs; /* atomic */
    shelf rules;   /* kind_rule, holes included */
    shelf asked;   /* asked_pattern */
    uint32_t n_slots;
    uint32_t n_live;
    uint32_t *place_of; /* of a rule, in the order of tags; NO_INDEX: it is a hole */
    uint32_t *at_place; /* the rule of a place; n_live */
    field_index **fields;
    uint32_t n_fields;
    uint32_t *always; /* rules that may hold without a hit or a field */
    uint32_t n_always;
} kind_index;

struct ttp_ruleset {
    unsigned refs; /* atomic */
    size_t n_rules;
    shelf release;                    /* bytes of the attack_release that rows borrow */
    shelf rules;                      /* index_rule *, holes included */
    kind_index *kinds[EVENT_N_KINDS]; /* NULL: no rule applies */
};

void shared_table_unref(shared_table *t);
void field_index_unref(field_index *f);
void kind_index_unref(kind_index *k);

static inline const kind_rule *kind_rules(const kind_index *k)
{
    return k->rules.at;
}

/* As engine_index_new; ids[i] is the number of rules[i]. */
int engine_index_new_numbered(rule *const *rules, const uint32_t *ids, size_t n, str attack_release,
                              engine_index **ret_index);
