/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Change - one thing that happened to one rule: its definition or its state became another.
 *
 * Stores tell of them (ttp/store.h), an engine takes them in (ttp/engine.h).
 */
#include "ttp/api.h"
#include "ttp/rule.h"

#include <stdbool.h>
#include <stdint.h>

TTP_BEGIN

typedef enum ttp_state_kind {
    TTP_STATE_ENABLED, /* the default of every rule, known or not */
    TTP_STATE_DISABLED,
    TTP_STATE_CLIPPED,
} ttp_state_kind;

#define TTP_TIME_NONE INT64_MIN

/* What an operator set on a rule. Absent values stay absent through a round trip. */
typedef struct ttp_rule_state {
    ttp_state_kind kind;
    bool has_confidence_max;
    double confidence_max; /* 0..1 */
    int64_t expires_at_us; /* microseconds since 1970, UTC; TTP_TIME_NONE: never */
    int64_t set_at_us;     /* stamped by the store; TTP_TIME_NONE: never set */
    char set_by[128];      /* stamped by the store; empty: absent */
    bool has_reason;
    char reason[512];
} ttp_rule_state;

typedef enum ttp_change_kind {
    TTP_CHANGE_DEFINITION,
    TTP_CHANGE_STATE,
} ttp_change_kind;

/* One event on one rule, never a batch. */
typedef struct ttp_change {
    ttp_change_kind kind;
    char rule_id[65];
    ttp_rule *rule; /* DEFINITION: the new version; NULL: deleted. The change holds a reference */
    ttp_rule_state state; /* STATE: the new state; the default one after a clear or an expiry */
    uint64_t sequence;    /* rises by one with each change of this store object */
} ttp_change;

TTP_END
