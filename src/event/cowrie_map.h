/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Inside of cowrie.c and cowrie_map.c: the state, and the mapping of one line by its id. */
#include "base/arena.h"
#include "event/address.h"
#include "event/cowrie.h"
#include "event/cowrie_fields.h"
#include "event/cowrie_session.h"

/* sensors whose habits are remembered; of others it is assumed that they write command.input */
#define COWRIE_SENSORS_MAX 256

struct cowrie {
    account *account;
    cowrie_names names;
    sessions sessions;
    addresses addresses;
    uint64_t input_sensors[COWRIE_SENSORS_MAX]; /* hashes of those that write command.input */
    size_t n_input_sensors;
    char minute[17]; /* the last timestamp up to its minute, and that minute's time */
    int64_t minute_us;
    int64_t file_us; /* of the last line of this file; TIME_NONE at its begin */

    arena *mem;    /* the caller's: what an event shows and is not in its line */
    nodes payload; /* being made */
    buf id;        /* source_id, being made */

    /* the line being taken */
    cowrie_fields f;
    str eventid, session_id, sensor, src_ip, text;
    int64_t ts_us;
    session *s; /* NULL: the line names no session */
    event *out;
};

/* What a line came to, besides -ENOMEM. */
typedef enum cowrie_outcome {
    GAVE_EVENT,
    JOINED_SESSION,
    NOTHING_TO_TAG,
} cowrie_outcome;

/* Map the line being taken; c->f.id is not ID_OTHER. Returns a cowrie_outcome or -ENOMEM. */
int cowrie_map(cowrie *c);
/* Returns 0 or -ENOMEM. */
int cowrie_show_session(cowrie *c, const session_view *v, event *ret_event);
/* Has the line's sensor been seen to write command.input? */
bool cowrie_sensor_writes_input(const cowrie *c);
