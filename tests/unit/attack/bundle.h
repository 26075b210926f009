/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Small bundles as text, and where the whole one is, if it is at hand. */
#include "attack/attack.h"

#include "../unit.h"

#include <unistd.h>

#define BUNDLE(objects) "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[" objects "]}"
#define REF(ext_id)                                                                                \
    "\"external_references\":[{\"source_name\":\"mitre-attack\",\"external_id\":\"" ext_id "\"}]"
#define TACTIC(ext_id, name, shortname)                                                            \
    "{\"type\":\"x-mitre-tactic\",\"id\":\"x-mitre-tactic--" ext_id "\",\"name\":\"" name          \
    "\",\"x_mitre_shortname\":\"" shortname "\"," REF(ext_id) "}"
#define PHASE(name) "{\"kill_chain_name\":\"mitre-attack\",\"phase_name\":\"" name "\"}"
/* more: members after a comma, or nothing */
#define TECHNIQUE(ext_id, name, phases, more)                                                      \
    "{\"type\":\"attack-pattern\",\"id\":\"attack-pattern--" ext_id "\",\"name\":\"" name          \
    "\",\"kill_chain_phases\":[" phases "]," REF(ext_id) more "}"
#define REVOKED ",\"revoked\":true"
#define DEPRECATED ",\"x_mitre_deprecated\":true"
#define REVOKED_BY(from, to)                                                                       \
    "{\"type\":\"relationship\",\"relationship_type\":\"revoked-by\",\"source_ref\":"              \
    "\"attack-pattern--" from "\",\"target_ref\":\"attack-pattern--" to "\"}"
#define COLLECTION(version)                                                                        \
    "{\"type\":\"x-mitre-collection\",\"id\":\"x-mitre-collection--" version                       \
    "\",\"name\":\"Enterprise ATT&CK\",\"x_mitre_version\":\"" version "\"}"

/* expect_c for an array, of which gcc knows that it is no null pointer */
#define expect_text(says, got, want) expect_bytes(says, got, strlen(got), want)

/* Nothing but what a bundle must have. */
#define EXECUTION TACTIC("TA0002", "Execution", "execution")
#define SHELL TECHNIQUE("T1059", "Interpreter", PHASE("execution"), "")

/* The trimmed bundle of the shared data; NULL, said aloud, where that is not at hand. */
static inline const char *find_shared_bundle(void)
{
    static char path[4096];
    const char *shared = getenv("TTP_SHARED");

    (void)snprintf(path, sizeof(path), "%s/data/attack/enterprise-attack-18.1.trimmed.json",
                   shared ? shared : SOURCE_ROOT "/../shared");
    if (access(path, R_OK) == 0)
        return path;
    print_message("SKIP: no bundle at %s\n", path);
    return NULL;
}
