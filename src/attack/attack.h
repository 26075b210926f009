/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ATT&CK catalogue: what an id is called, which tactics it serves, what became of it. Immutable once made.
 * Either the built-in table (what our rule pack emits, all tactics) or a whole STIX 2.1 bundle.
 */
#include "base/str.h"
#include "ttp/err.h"
#include "ttp/log.h"

#define ATTACK_MAX_TACTICS 8

typedef struct attack_tactic {
    str id;        /* TA0007 */
    str name;      /* Discovery */
    str shortname; /* discovery */
    str url;
} attack_tactic;

typedef struct attack_technique {
    str id;   /* T1548.001; techniques and sub-techniques alike */
    str name;
    str url;
    const attack_tactic *tactics[ATTACK_MAX_TACTICS]; /* in the bundle's order */
    unsigned n_tactics;
    bool revoked, deprecated;
    str successor; /* id it was revoked by, followed to the end of the chain; STR_NULL where none */
} attack_technique;

typedef struct attack_catalogue attack_catalogue;

/* The built-in table; a static object, never freed, any thread. */
const attack_catalogue *attack_builtin(void);

/*
 * Load a STIX 2.1 bundle from a file (plain JSON). The release ("enterprise-v18.1") is read from the
 * bundle's x-mitre-collection object; release overrides it and is required where there is none.
 * Returns 0, -errno, TTP_E_SYNTAX (no JSON), TTP_E_INVALID (no bundle, no techniques, no release), TTP_E_LIMIT.
 */
int attack_load(const char *path, const char *release, attack_catalogue **ret_catalogue, ttp_err *err);
attack_catalogue *attack_free(attack_catalogue *c); /* NULL and the built-in one are allowed and left alone; returns NULL */
DEFINE_FREE_PTR(attack_catalogue, attack_catalogue *, attack_free)

str attack_release(const attack_catalogue *c);        /* enterprise-v18.1 */
bool attack_is_builtin(const attack_catalogue *c);    /* partial: an absent id proves nothing */
const attack_technique *attack_find(const attack_catalogue *c, str id);      /* NULL where absent; O(1) or O(log n) */
const attack_tactic *attack_find_tactic(const attack_catalogue *c, str id);  /* by TA id; NULL where absent */
bool attack_has_tactic(const attack_technique *t, str tactic_id);
size_t attack_count(const attack_catalogue *c);
const attack_technique *attack_at(const attack_catalogue *c, size_t i);      /* sorted by id */
size_t attack_tactic_count(const attack_catalogue *c);
const attack_tactic *attack_tactic_at(const attack_catalogue *c, size_t i);  /* in kill-chain order where known, else sorted by id */

/* Well-formed ids: "T" + 4 digits; the same + "." + 3 digits; "TA" + 4 digits. */
bool attack_is_technique_id(str id);
bool attack_is_sub_technique_id(str id);
bool attack_is_tactic_id(str id);
/* https://attack.mitre.org/techniques/T1548/001 for a well-formed id, into out; returns its length. */
size_t attack_mitre_url(str id, char out[64]);
