/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Event - one thing an attacker did, as it reaches the tagger.
 *
 *     log line --reader--> event --evaluator--> tags
 */
#include "ttp/api.h"
#include "ttp/err.h"

#include <stddef.h>

TTP_BEGIN

typedef struct ttp_event ttp_event;

/*
 * Read one event from JSON text: an object with source_kind and source_id (strings), the optional
 * anchors attacker_uuid, identity_uuid, session_id, decky_id (string or null), an optional ts
 * (ISO 8601) and payload (an object). Unknown members are ignored. The text is copied.
 * Returns 0 and an event that the caller frees, TTP_E_SYNTAX, TTP_E_INVALID, TTP_E_LIMIT or
 * -ENOMEM. Any thread.
 */
TTP_API int ttp_event_from_json(const void *text, size_t len, ttp_event **ret_event, ttp_err *err);

/* Free an event made by ttp_event_from_json; takes NULL, returns NULL. */
TTP_API ttp_event *ttp_event_free(ttp_event *event);

TTP_END
