/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What must come out: rules whose every version is one of a few variants, and for each event, rule
 * and variant whether it holds by the plain meaning (rule_holds), found out beforehand. A world is
 * what is live and set on each rule after one change of the store's stream; the tags of an event
 * follow from it.
 */
#include "store/store.h"

#define N_RULES 48
/* rules beside these that never change nor hold: with them an edit changes tables, which else are
 * built anew, and what held in a text is remembered */
#define N_BYSTANDERS 320
#define N_VARIANTS 4
#define N_EVENTS 40
#define N_WORDS 24

/* One rule in one world. */
typedef struct model_rule {
    uint32_t version; /* 0: not there */
    uint8_t kind;     /* ttp_state_kind */
    float confidence_max;
} model_rule;

typedef struct model_world {
    model_rule rules[N_RULES];
} model_world;

/* One tag, as much of it as can differ. */
typedef struct model_tag {
    uint32_t version;
    uint16_t rule;
    float confidence;
} model_tag;

typedef struct model {
    ttp_event *events[N_EVENTS];
    bool holds[N_EVENTS][N_RULES][N_VARIANTS];
} model;

bool model_init(model *m);
void model_done(model *m);

/* "T00"; the other way round, -1 where it is none. */
void model_rule_id(unsigned number, char out[8]);
int model_rule_number(const char *rule_id);
/* The text of one version; variants follow each other. */
void model_put_rule(buf *b, unsigned number, uint32_t version);

/* The text of a rule that does not count. */
void model_put_bystander(buf *b, unsigned number);

/* Take one change in. */
void model_change(model_world *w, const ttp_change *c);
/* The same for a rule and state that were loaded. */
void model_load(model_world *w, const rule *r, const ttp_rule_state *state);
/* The tags of an event, by rule. Returns how many. */
size_t model_tags(const model *m, const model_world *w, unsigned which, model_tag out[N_RULES]);
