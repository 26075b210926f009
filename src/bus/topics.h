/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Topics: the one table of what is sent and what is listened to. A topic is dot-separated tokens;
 * in a pattern `*` is one token and `>` the rest. Nothing publishes or subscribes elsewhere.
 */
#include "base/str.h"

#include <stdbool.h>

typedef enum bus_topic {
    BUS_TAGGED,          /* rows were inserted */
    BUS_RULE_FIRED,      /* token: technique_id */
    BUS_RULE_SUPPRESSED, /* a rule's hit was held back */
    BUS_RULE_RELOADED,   /* token: rule_id */
    BUS_RULE_STATE,      /* token: rule_id */
    BUS_SESSION_ENDED,
    BUS_ATTACKER_OBSERVED,
    BUS_INTEL_ENRICHED,
    BUS_FINGERPRINTED,
    BUS_IDENTITY_FORMED,
    BUS_IDENTITY_MERGED,
    BUS_CREDENTIAL_REUSE,
    BUS_EMAIL_RECEIVED,
    BUS_CANARY,
    BUS_N_TOPICS,
} bus_topic;

/* "ttp.rule.state.*": what to subscribe to. A static string; NULL beyond the last. */
const char *bus_topic_pattern(bus_topic topic);
/* Do we send it? Else we listen to it. */
bool bus_topic_is_ours(bus_topic topic);
/*
 * What to publish: the pattern, with the token in the place of its `*`; token is STR_NULL where it
 * has none. Returns 0, or TTP_E_INVALID where token is no single token of letters, digits, `_` and
 * `-`, the pattern has no place for it, needs one, or is none of ours; b is then as it was. Memory
 * fails in b.
 */
int bus_topic_put(buf *b, bus_topic topic, str token);
