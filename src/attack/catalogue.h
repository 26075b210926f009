/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a catalogue is made of; for the two that make one (the built-in table and the bundle
 * reader). */
#include "attack/attack.h"
#include "base/arena.h"

#define ATTACK_SITE "https://attack.mitre.org/"

struct ttp_attack {
    str release;
    bool builtin;
    const attack_technique *techniques; /* sorted by id */
    size_t n_techniques;
    const attack_tactic *tactics; /* in kill-chain order */
    size_t n_tactics;
    size_t n_skipped;
    str first_skipped;
    arena mem; /* holds all of the above but the built-in one's */
};

/* An empty one to fill and to attack_free; NULL when out of memory. */
attack_catalogue *catalogue_new(void);
