/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tally: how often tags showed a technique under a tactic, when, how sure, and by which rules.
 *
 *     tag --hash of all five--> pair (row, rule): count  --> row (release, tactic, technique,
 * sub-technique): the rest
 *
 * One lookup a tag once warmed up. Bounded by TAG_TALLY_ROWS_MAX and TAG_TALLY_PAIRS_MAX.
 */
#include "tag/tag.h"

typedef struct tally_row {
    str release; /* STR_NULL where the tally does not tell releases apart */
    str tactic, technique_id, sub_technique_id;
    uint64_t count;
    int64_t first_us, last_us;           /* of the events; TIME_NONE where none had a time */
    int64_t first_made_us, last_made_us; /* of the tags */
    double confidence;                   /* the highest */
    /* from here: set by tally_rows */
    size_t n_rules;
    str top_rule, top_rule_name; /* the rule of most tags, of several the first by id */
    uint64_t top_count;
} tally_row;

typedef struct tally tally;

tally *tally_new(bool by_release); /* NULL when out of memory */
tally *tally_free(tally *t);       /* takes NULL, returns NULL */
DEFINE_FREE_PTR(tally, tally *, tally_free)

/* Count one tag. Returns 0 or -ENOMEM. */
int tally_add(tally *t, const tag *seen);

/*
 * The rows, in no particular order, as an array that the caller frees; its texts belong to the
 * tally. Returns 0 or -ENOMEM.
 */
int tally_rows(const tally *t, tally_row **ret_rows, size_t *ret_n);
/* How many different rules there were. Returns 0 or -ENOMEM. */
int tally_count_rules(const tally *t, size_t *ret_n);

uint64_t tally_count(const tally *t); /* tags added */
uint64_t
tally_beyond(const tally *t); /* of these, tags that found no room for a row of their own */

/* Where a tactic stands in the kill chain; unknown ones behind all others. */
size_t tally_tactic_order(const attack_catalogue *catalogue, str tactic);
