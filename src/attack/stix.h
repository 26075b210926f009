/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the bundle reader gathers (stix.c) and puts together (stix_join.c). Slices of the bundle's
 * own text (STIX ids, times) live as long as the parsed document, the rest in the catalogue.
 */
#include "attack/catalogue.h"
#include "attack/release.h"
#include "base/json.h"

#include <limits.h>

typedef struct stix_tactic {
    str stix_id, modified;
    str phase;        /* the short name as kill_chain_phases write it */
    unsigned domains; /* a bit each; 0: any */
    unsigned rank;    /* place in the matrix; UINT_MAX where it has none */
    attack_tactic t;
} stix_tactic;

typedef struct stix_technique {
    str stix_id, modified;
    size_t order;                /* place in the bundle: decides where nothing else does */
    struct stix_technique *next; /* what it was revoked by */
    attack_technique t;
} stix_technique;

typedef struct stix_link {
    str source, target; /* STIX ids */
} stix_link;

typedef struct stix_reader {
    attack_catalogue *c;
    const char *where;
    ttp_err *err;
    stix_tactic *tactics;
    size_t n_tactics, cap_tactics;
    stix_technique *techniques;
    size_t n_techniques, cap_techniques;
    stix_link *links;
    size_t n_links, cap_links;
    const json_node **matrices;
    size_t n_matrices, cap_matrices;
    char version[24], other_version[24]; /* of the collections; the other one disagrees */
    size_t n_phases[ATTACK_N_DOMAINS];   /* how often techniques name each kill chain */
} stix_reader;

/* The first element of a list, or NULL where it is empty or no list; NULL is allowed. */
static inline const json_node *stix_first(const json_node *list)
{
    return list && list->type == JSON_ARRAY && list->len > 0 ? list + 1 : NULL;
}

/* Count something left out; the first one is kept as a sentence. */
void stix_note(stix_reader *r, const char *fmt, ...) TTP_PRINTF(2, 3);

/* Drop doubles, order by the matrix, hand over to the catalogue. 0, TTP_E_INVALID or -ENOMEM. */
int stix_join_tactics(stix_reader *r);
/* Drop doubles, follow successors, sort by id, hand over to the catalogue. Likewise. */
int stix_join_techniques(stix_reader *r);
/* Name the catalogue's release; release (may be NULL) overrides the collection's. Likewise. */
int stix_join_release(stix_reader *r, const char *release);
