/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Event: slices and nodes that its reader owns; valid until the reader's next call.
 * Its strings are valid UTF-8 (readers repair) and may hold NULs.
 */
#include "base/json.h"
#include "base/time.h"
#include "ttp/event.h"

typedef enum event_kind {
    EVENT_COMMAND,
    EVENT_INTEL,
    EVENT_EMAIL,
    EVENT_CANARY_FINGERPRINT,
    EVENT_IDENTITY,
    EVENT_CREDENTIAL,
    EVENT_AUTH_ATTEMPT,
    EVENT_PAYLOAD,
    EVENT_SESSION,
    EVENT_HTTP_REQUEST,
    EVENT_HTTP_FINGERPRINT,
    EVENT_IPV6_LEAK,
    EVENT_N_KINDS,
    EVENT_UNKNOWN_KIND = EVENT_N_KINDS, /* legal: nobody claims it; source_kind has its name */
} event_kind;

struct ttp_event {
    event_kind kind;
    str source_kind;
    str source_id;
    str attacker_uuid; /* these four: STR_NULL where absent */
    str identity_uuid;
    str session_id;
    str decky_id;
    int64_t ts_us;            /* when it happened; TIME_NONE where unknown */
    const json_node *payload; /* an object, never NULL */
};
typedef ttp_event event;

/* EVENT_UNKNOWN_KIND where the name is not one of DESIGN's twelve. */
event_kind event_kind_from_name(str name);
/* A static string; NULL for EVENT_UNKNOWN_KIND. */
const char *event_kind_name(event_kind kind);
/* The payload field a rule looks at where it names none ("command_text" for command); STR_NULL
 * where there is no default. */
str event_kind_default_field(event_kind kind);

/* Is it a member that an event has? */
bool event_has_member(str key);
/*
 * View a parsed JSON object as an event (see ttp_event_from_json for the form). The event borrows
 * from root. where and line go into err. Returns 0 or TTP_E_INVALID.
 */
int event_from_node(const json_node *root, event *ret_event, const char *where, unsigned line,
                    ttp_err *err);
