/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ATT&CK catalogue: what an id is called, which tactics it serves, what became of it. Immutable
 * once made, so any number of threads may read it.
 *
 *     built-in table ------------------------+
 *                                            v
 *     bundle (STIX 2.1) --attack_load--> catalogue --attack_find--> technique
 *        ^
 *     MITRE --attack_fetch (fetch.h)
 *
 * Every str in here is printable UTF-8 followed by a NUL byte, and lives as long as its catalogue.
 */
#include "base/str.h"
#include "ttp/attack.h"
#include "ttp/err.h"
#include "ttp/log.h"

#define ATTACK_MAX_TACTICS TTP_ATTACK_MAX_TACTICS

typedef struct attack_tactic {
    str id;        /* TA0007 */
    str name;      /* Discovery */
    str shortname; /* discovery */
    str url;
} attack_tactic;

typedef struct attack_technique {
    str id; /* T1548.001; techniques and sub-techniques alike */
    str name;
    str url;
    const attack_tactic *tactics[ATTACK_MAX_TACTICS]; /* in the bundle's order */
    unsigned n_tactics;
    bool revoked, deprecated;
    str successor; /* id it was revoked by, followed to the end of the chain; STR_NULL where none */
} attack_technique;

typedef struct ttp_attack attack_catalogue;

/* The built-in table; a static object, never freed, any thread. */
const attack_catalogue *attack_builtin(void);

/*
 * Load a STIX 2.1 bundle from a file (plain JSON). The release ("enterprise-v18.1") is read from
 * the bundle's x-mitre-collection object; release ("enterprise-v18.1", "v18.1" or "18.1") overrides
 * it and is required where there is none or where several disagree. An object that is not as it
 * should be is left out and counted (attack_skipped). Returns 0, -errno, TTP_E_SYNTAX (no JSON),
 * TTP_E_INVALID (no bundle, no techniques, no tactics, no or a malformed release) or TTP_E_LIMIT
 * (longer than ATTACK_BUNDLE_MAX).
 */
int attack_load(const char *path, const char *release, attack_catalogue **ret_catalogue,
                ttp_err *err);
/* The same for a bundle in memory; where names it in errors. */
int attack_load_text(str text, const char *where, const char *release,
                     attack_catalogue **ret_catalogue, ttp_err *err);
/* NULL and the built-in one are allowed and left alone; returns NULL. */
attack_catalogue *attack_free(attack_catalogue *c);
DEFINE_FREE_PTR(attack_catalogue, attack_catalogue *, attack_free)

/*
 * The catalogue a command works with: bundle names a file, a release that was fetched (18.1, v18.1,
 * enterprise-v18.1; a file of such a name is ./18.1) or "builtin". NULL or empty: the environment's
 * DECNET_TTP_ATTACK_BUNDLE, in the same forms; else the built-in table. release as for attack_load;
 * with the built-in table it must be the table's own.
 * The built-in one must not be written to, which no function here does; attack_free leaves it
 * alone. Returns what attack_load does, or TTP_E_NOT_FOUND (a release that was not fetched).
 */
int attack_open(const char *bundle, const char *release, attack_catalogue **ret_catalogue,
                ttp_err *err);
/*
 * Where a bundle named as above is: appends a path (not necessarily of a file that is there) to b.
 * Returns 0, TTP_E_NOT_FOUND (a release, and no file of it in the data directory), TTP_E_INVALID
 * (no home to look in) or -ENOMEM.
 */
int attack_resolve(const char *path_or_release, buf *b, ttp_err *err);
/* Append $XDG_DATA_HOME/ttp/attack, by default ~/.local/share/ttp/attack. 0 or TTP_E_INVALID. */
int attack_data_dir(buf *b, ttp_err *err);

str attack_release(const attack_catalogue *c); /* enterprise-v18.1 */
/* The built-in table is partial: an absent id proves nothing. */
bool attack_is_builtin(const attack_catalogue *c);
/* Objects of the bundle that were left out in whole or in part, and a sentence on the first. */
size_t attack_skipped(const attack_catalogue *c);
str attack_first_skipped(const attack_catalogue *c); /* STR_NULL where none */

/* NULL where absent; O(log n). */
const attack_technique *attack_find(const attack_catalogue *c, str id);
/* By TA id; NULL where absent. */
const attack_tactic *attack_find_tactic(const attack_catalogue *c, str id);
bool attack_has_tactic(const attack_technique *t, str tactic_id);
size_t attack_count(const attack_catalogue *c);
const attack_technique *attack_at(const attack_catalogue *c, size_t i); /* sorted by id */
size_t attack_tactic_count(const attack_catalogue *c);
/* In kill-chain order where the bundle gives one, else sorted by id. */
const attack_tactic *attack_tactic_at(const attack_catalogue *c, size_t i);

/* Well-formed ids: "T" + 4 digits; the same + "." + 3 digits; "TA" + 4 digits. */
bool attack_is_technique_id(str id);
bool attack_is_sub_technique_id(str id);
bool attack_is_tactic_id(str id);
/*
 * https://attack.mitre.org/techniques/T1548/001 for a well-formed id (tactics too), NUL-terminated,
 * into out; returns its length. Anything else: an empty string and 0.
 */
size_t attack_mitre_url(str id, char out[64]);
