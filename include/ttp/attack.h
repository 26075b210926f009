/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ATT&CK catalogue - what a technique's id is called, which tactics it serves, what became of it.
 *
 *     ttp_attack *attack;
 *     ttp_attack_entry t;
 *
 *     if (ttp_attack_open("enterprise-attack-18.1.json", NULL, &attack, &err))
 *         ...
 *     if (ttp_attack_find(attack, "T1059.004", &t) == 0)
 *         puts(t.name);
 *     ttp_attack_close(attack);
 *
 * A catalogue is either the built-in table (all tactics, and the techniques a honeypot on the
 * network is likely to see) or a whole STIX 2.1 bundle as MITRE publishes it. Releases differ:
 * nothing here assumes one. A catalogue never changes, so any thread may read it.
 */
#include "ttp/api.h"
#include "ttp/err.h"

#include <stdbool.h>
#include <stddef.h>

TTP_BEGIN

#define TTP_ATTACK_MAX_TACTICS 8

typedef struct ttp_attack ttp_attack;

/* Strings live as long as the catalogue; they are printable UTF-8. */
typedef struct ttp_attack_entry {
    const char *id;                              /* T1059.004 or TA0002 */
    const char *name;                            /* Unix Shell */
    const char *url;                             /* the page about it */
    const char *tactics[TTP_ATTACK_MAX_TACTICS]; /* ids of a technique's tactics, TA0002 */
    unsigned n_tactics;                          /* 0 for a tactic */
    bool revoked;                                /* withdrawn in favour of another */
    bool deprecated;                             /* withdrawn without one */
    const char *successor; /* the id that took a revoked one's place; NULL where none is known */
} ttp_attack_entry;

/*
 * Open a catalogue: the bundle in the file at path, or the built-in table where path is NULL.
 * release ("enterprise-v18.1", "18.1") is needed only for a bundle that does not tell its own; NULL
 * otherwise. The caller closes the catalogue; the strings it gave out end then.
 * Returns 0, TTP_E_SYNTAX (no JSON), TTP_E_INVALID (no bundle, or one without techniques, tactics
 * or a release), TTP_E_LIMIT (too long) or -errno.
 */
TTP_API int ttp_attack_open(const char *path, const char *release, ttp_attack **ret_attack,
                            ttp_err *err);
TTP_API void ttp_attack_close(ttp_attack *attack); /* takes NULL */

/* "enterprise-v18.1"; lives as long as the catalogue. */
TTP_API const char *ttp_attack_release(const ttp_attack *attack);
/* Whether this is the built-in table, which is partial: an id that it lacks may exist. */
TTP_API bool ttp_attack_is_partial(const ttp_attack *attack);

/*
 * Look up a technique, a sub-technique or a tactic by its id.
 * Returns 0, TTP_E_NOT_FOUND, or TTP_E_INVALID for what is no id (T1059, T1059.004, TA0002).
 */
TTP_API int ttp_attack_find(const ttp_attack *attack, const char *id, ttp_attack_entry *ret_entry);

/* All techniques and sub-techniques, sorted by id: entry i of ttp_attack_count(). */
TTP_API size_t ttp_attack_count(const ttp_attack *attack);
/* Returns 0, or TTP_E_NOT_FOUND where i is not below the count. */
TTP_API int ttp_attack_at(const ttp_attack *attack, size_t i, ttp_attack_entry *ret_entry);

TTP_END
