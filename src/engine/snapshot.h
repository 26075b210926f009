/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Snapshot: rules and states as they were at one moment. Never changes; counted references.
 *
 *     engine --current--> snapshot 7 { index C, states b }      one pointer, replaced whole
 *     evaluator ---pin--> snapshot 6 { index C, states a }      what it used last
 *
 * A state change makes a snapshot that shares the index; a definition change one that shares the
 * states and most of the index.
 */
#include "engine/index.h"
#include "ttp/change.h"

/* What is set on one rule, as far as evaluation asks. */
typedef struct state_row {
    uint32_t id;         /* kind_rule.id */
    ttp_state_kind kind; /* not TTP_STATE_ENABLED: such rules have no row */
    double confidence_max;
    int64_t expires_at_us; /* TTP_TIME_NONE: never */
} state_row;

/* The rules on which something is set, ascending by id. */
typedef struct state_table {
    unsigned refs; /* atomic */
    uint32_t n;
    uint64_t *has; /* a bit for each id below n_bits */
    uint32_t n_bits;
    state_row rows[];
} state_table;

struct snapshot {
    unsigned refs; /* atomic */
    uint64_t generation;
    engine_index *index;
    state_table *states; /* NULL: nothing is set on any rule */
};

/* A table of rows[0..n), which ascend by id; NULL for none of them. Returns 0 or -ENOMEM. */
int state_table_new(const state_row *rows, uint32_t n, state_table **ret_table);
state_table *state_table_ref(state_table *t);   /* takes NULL */
state_table *state_table_unref(state_table *t); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(state_table, state_table *, state_table_unref)
/* Is anything set on the rule, expired or not? */
static inline bool state_table_has(const state_table *t, uint32_t id)
{
    return t && id < t->n_bits && t->has[id / 64] >> (id % 64) & 1;
}
/* What holds for the rule at this instant; NULL: nothing is set, or it has expired. */
const state_row *state_table_find(const state_table *t, uint32_t id, int64_t now_us);

/* Takes over index and states, also where it fails (-ENOMEM). */
int snapshot_new(uint64_t generation, engine_index *index, state_table *states,
                 snapshot **ret_snapshot);
snapshot *snapshot_ref(snapshot *s);
DEFINE_FREE_PTR(snapshot, snapshot *, snapshot_unref)

/*
 * The place where the current snapshot stands, by userspace RCU.
 *
 * A reader that finds another pointer than the snapshot it holds takes a reference inside a
 * read-side section; a publisher replaces the pointer, waits for the sections that may have seen
 * the old one, and only then drops the place's reference. So nobody counts up from zero.
 */
/* The pointer to compare with; it may be used only if the caller holds a reference to it. */
static inline const snapshot *snapshot_peek(snapshot *const *place)
{
    return __atomic_load_n(place, __ATOMIC_RELAXED);
}
/* A reference to what stands there; its generation is written (atomically) to pinned_at before
 * snapshot_publish can return. pinned_at may be NULL. Waits for nobody. */
snapshot *snapshot_pin(snapshot *const *place, uint64_t *pinned_at);
/* Puts next (a reference) there. Returns the old one's reference once nobody can come by it any
 * more but through references of their own. */
snapshot *snapshot_publish(snapshot **place, snapshot *next);
