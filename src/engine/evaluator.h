/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One evaluation in progress. Internal to engine/. */
#include "base/bitset.h"
#include "engine/counters.h"
#include "engine/snapshot.h"

/* A tag as evaluation finds it; its columns are written when somebody asks for them. */
typedef struct finding {
    const index_rule *rule;
    const emit_row *row;
    double confidence_max; /* what is set on the rule may lower the row's */
    str evidence;          /* STR_NULL: evidence_put writes it */
} finding;

struct ttp_evaluator {
    matcher *matcher;
    ttp_log log;
    uint32_t *hits; /* patterns that hold in the text being scanned */
    size_t n_hits, cap_hits;
    bitset slots;             /* leaves of the table that hold */
    bitset woken;             /* rules to decide, by place */
    bitset asked, asked_held; /* patterns that rules asked for, and those of them that hold */
    arena mem;                /* the event's tags, evidence and explanations */
    buf text;                 /* evidence being written */
    finding *findings;
    size_t n_findings, cap_findings;
    const event *found_in;
    int64_t now_us; /* of the event that was evaluated; 0: nobody has asked yet */
    tag *tags;      /* of the findings, once they are asked for */
    size_t n_tags, cap_tags;
    explain_rule *explained;
    size_t cap_explained;
    evaluator_stats stats;
    buf logged_cut;     /* ids of rules whose cut-off searches were logged, a NUL before and behind
                           each */
    ttp_engine *engine; /* it follows; NULL: none */
    snapshot *pinned;   /* what the last run went by; NULL: let go of */
    uint64_t pinned_at; /* its generation, which the engine reads: atomic; UINT64_MAX: none */
    counters counters;  /* by rule, while it follows */
    uint32_t measure_each, until_measured; /* live events */
    bool is_measured;                      /* this run's costs are counted */
    bool is_live; /* this run goes by the engine, whose numbers of rules count */
};

/* The time that all of an event goes by. */
int64_t evaluator_now(evaluator *e);
/* The engine's current snapshot, pinned; the one before is let go of. */
const snapshot *evaluator_take_snapshot(evaluator *e);

/* Does the rule ask for what its leaves matched, which takes searching? */
bool evidence_names_findings(const rule *r);
/* The evidence of a tag whose rule does not, from its rule and event: tag's put_evidence. */
void evidence_put(buf *b, const tag *t);
/* A search of kr's was cut off: counted, and logged the first time for this rule. */
void evaluator_note_cut(evaluator *e, const kind_rule *kr);

/*
 * The evidence of a rule that holds for the event whose leaves stand in e's slots, as a JSON object
 * in e's arena. Returns 0 or -ENOMEM.
 */
int evidence_write(evaluator *e, const kind_rule *kr, const event *ev, str *ret_evidence);
