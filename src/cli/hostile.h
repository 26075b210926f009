/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hostile events: what an attacker who knows the rules would send to make their evaluation slow.
 * For `ttp bench hostile` and the tests that count the work.
 */
#include "engine/engine.h"

typedef struct hostile_case {
    const char *name;
    const engine_index *index; /* of the set */
    ttp_event **events;        /* of the set */
    size_t n_events;
    size_t n_bytes; /* of their JSON text */
} hostile_case;

#define HOSTILE_CASES_MAX 16

typedef struct hostile_set {
    engine_index *pack, *shared; /* the rules given; rules whose patterns share one atom */
    hostile_case ordinary;       /* by the pack */
    hostile_case cases[HOSTILE_CASES_MAX];
    size_t n_cases;
} hostile_set;

/* All cases for rules[0..n). Returns 0, or -errno after which the set is to be ended as well. */
int hostile_set_make(rule *const *rules, size_t n, hostile_set *ret_set);
void hostile_set_done(hostile_set *s);
