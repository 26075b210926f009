/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One evaluation in progress. Internal to engine/. */
#include "base/bitset.h"
#include "engine/index.h"

struct ttp_evaluator {
    matcher *matcher;
    ttp_log log;
    bitset slots; /* leaves of the table that hold */
    bitset woken; /* rules to decide */
    arena mem;    /* the event's tags, evidence and explanations */
    buf text;     /* evidence being written */
    tag *tags;
    size_t n_tags, cap_tags;
    explain_rule *explained;
    size_t cap_explained;
    evaluator_stats stats;
    buf logged_cut; /* ids of rules whose cut-off searches were logged, a NUL before and behind
                       each */
};

/* Does the rule ask for what its leaves matched, which takes searching? */
bool evidence_names_findings(const rule *r);
/* The evidence of a tag whose rule does not, from its rule and event: tag's put_evidence. */
void evidence_put(buf *b, const tag *t);
/* A search of r's was cut off: counted, and logged the first time for this rule. */
void evaluator_note_cut(evaluator *e, const rule *r);

/*
 * The evidence of a rule that holds for the event whose leaves stand in e's slots, as a JSON object
 * in e's arena. Returns 0 or -ENOMEM.
 */
int evidence_write(evaluator *e, const kind_rule *kr, const event *ev, str *ret_evidence);
