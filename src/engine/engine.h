/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Engine: which rules hold for one event, and the tags that follow.
 *
 *     rules --compile--> engine_index   shared by all threads, never changes
 *     event --evaluate-> tags           through an evaluator, one per thread
 */
#include "attack/attack.h"
#include "event/event.h"
#include "match/pattern.h"
#include "rule/rule.h"
#include "tag/tag.h"
#include "ttp/engine.h"

typedef struct ttp_ruleset engine_index;
typedef struct ttp_evaluator evaluator;

/* An index over rules[0..n), which it references; tags come out in this order of rules. Returns 0
 * or -ENOMEM. */
int engine_index_new(rule *const *rules, size_t n, str attack_release, engine_index **ret_index);
engine_index *engine_index_ref(engine_index *ix);
engine_index *engine_index_unref(engine_index *ix);
DEFINE_FREE_PTR(engine_index, engine_index *, engine_index_unref)
size_t engine_index_count(const engine_index *ix);
size_t engine_index_memory(const engine_index *ix);

typedef struct evaluator_stats {
    uint64_t events;         /* evaluated */
    uint64_t events_tagged;  /* with at least one tag */
    uint64_t tags;           /* returned */
    uint64_t dropped_floor;  /* tags below TAG_CONFIDENCE_FLOOR */
    uint64_t dropped_anchor; /* tags without attacker_uuid and identity_uuid */
    uint64_t regex_cut;      /* searches that hit a bound */
    uint64_t searches;       /* to verify what atoms woke */
    uint64_t searched_bytes; /* that automata read for these */
} evaluator_stats;

evaluator *evaluator_new(const matcher_options *options, const ttp_log *log);
evaluator *evaluator_free(evaluator *e);
DEFINE_FREE_PTR(evaluator, evaluator *, evaluator_free)

/*
 * Evaluate one event. The tags belong to the evaluator and last until its next call; they borrow
 * from event. Allocates nothing once warmed up. Returns 0 or -ENOMEM.
 */
int evaluator_run(evaluator *e, const engine_index *ix, const event *ev, const tag **ret_tags,
                  size_t *ret_n);
/* The same by the engine that the evaluator follows (ttp_evaluator_run_live). */
int evaluator_run_live(evaluator *e, const event *ev, const tag **ret_tags, size_t *ret_n);
/*
 * Evaluate one event and tell how many tags it has; evaluator_tags, before the next call, writes
 * them for who wants more than their number.
 */
int evaluator_find(evaluator *e, const engine_index *ix, const event *ev, size_t *ret_n);
int evaluator_find_live(evaluator *e, const event *ev, size_t *ret_n);
int evaluator_tags(evaluator *e, const tag **ret_tags);
/* What rules cost is counted in one of n live events, and told as if in all; 64 unless said. */
void evaluator_measure_each(evaluator *e, uint32_t n);
/* Texts that were evaluated before are new to the evaluator, as they are to one just made. */
void evaluator_forget(evaluator *e);
const evaluator_stats *evaluator_get_stats(const evaluator *e);

/*
 * What the last live run's tags borrow from, for who keeps tags beyond the next run: a reference,
 * to be dropped from any thread. NULL where there was none.
 */
typedef struct snapshot snapshot;
snapshot *evaluator_hold_snapshot(const evaluator *e);
snapshot *snapshot_unref(snapshot *s); /* takes NULL, returns NULL */

typedef struct explain_leaf {
    const leaf *leaf;
    str field;
    bool held;
    bool cut;      /* its search hit a bound */
    bool has_span; /* start and end are set: byte offsets in the field's text (its holding element
                      for a list) */
    size_t start, end;
} explain_leaf;

typedef struct explain_rule {
    const rule *rule;
    bool fired;
    const explain_leaf *leaves; /* in the rule's order */
    size_t n_leaves;
} explain_rule;

/* Every rule that applies to the event's kind, in order, decided the plain way. Same lifetime as
 * evaluator_run's tags. */
int evaluator_explain(evaluator *e, const engine_index *ix, const event *ev,
                      const explain_rule **ret_rules, size_t *ret_n);
