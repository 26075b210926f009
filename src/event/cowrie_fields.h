/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cowrie's event ids and field names as small numbers: one pass over a line's members fills an
 * array of nodes.
 */
#include "base/json.h"

typedef enum cowrie_id {
    ID_COMMAND_INPUT,
    ID_COMMAND_FAILED,
    ID_LOGIN_FAILED,
    ID_LOGIN_SUCCESS,
    ID_CLIENT_FINGERPRINT,
    ID_FILE_DOWNLOAD,
    ID_FILE_DOWNLOAD_FAILED,
    ID_FILE_UPLOAD,
    ID_FILE_UPLOAD_FAILED,
    ID_CONNECT,
    ID_CLOSED,
    ID_VERSION,
    ID_KEX,
    ID_TUNNEL_REQUEST,
    ID_TUNNEL_DATA,
    ID_TELNET_EXPLOIT, /* cowrie.telnet.exploit_..., any */
    ID_OTHER,          /* nothing to tag */
    ID_N,
} cowrie_id;

typedef enum cowrie_field {
    F_EVENTID,
    F_SESSION,
    F_SENSOR,
    F_TIMESTAMP,
    F_SRC_IP,
    F_SRC_PORT,
    F_DST_IP,
    F_DST_PORT,
    F_PROTOCOL,
    F_SYSTEM,
    F_INPUT,
    F_REALM,
    F_USERNAME,
    F_PASSWORD,
    F_FINGERPRINT,
    F_TYPE,
    F_URL,
    F_FILENAME,
    F_DESTFILE,
    F_SHASUM,
    F_OUTFILE,
    F_DUPLICATE,
    F_DURATION,
    F_DURATION_MS,
    F_VERSION,
    F_HASSH,
    F_DATA,
    F_MESSAGE,
    F_N,
} cowrie_field;

typedef uint32_t field_set;
#define FIELD(f) (1u << (f))

typedef struct cowrie_fields {
    const json_node *v[F_N]; /* NULL: absent or null */
    field_set wrong;         /* those whose value has a type they never have */
    cowrie_id id;
} cowrie_fields;

/*
 * A name as its length, its first bytes and its last (overlapping where it is short), so that names
 * of up to sixteen bytes are told apart by comparing words. Longer ones are compared again, whole.
 */
typedef struct name_words {
    uint64_t head, tail;
    size_t len;
} name_words;

typedef struct name_slot {
    name_words words;
    unsigned number; /* + 1; 0: empty */
} name_slot;

/* Hash slots -> field or id, made once. */
typedef struct cowrie_names {
    name_slot field_slots[128];
    name_slot id_slots[64];
} cowrie_names;

void cowrie_names_init(cowrie_names *n);
/* What a line's reader calls a key: a json_name_key; JSON_NAME_NONE: it is no field. */
uint16_t cowrie_name_key(str key);
/* root is an object, whose keys may have these names. Where a key comes twice the last one counts.
 */
void cowrie_fields_read(const cowrie_names *n, const json_node *root, cowrie_fields *ret_fields);

/* Which fields a line with this id may not have with a wrong type. */
field_set cowrie_id_uses(cowrie_id id);
/* The field without which such a line says nothing, or F_N. */
cowrie_field cowrie_id_needs(cowrie_id id);
const char *cowrie_field_name(cowrie_field field);
/* "a string", "a number"... */
const char *cowrie_field_type(cowrie_field field);

/* The name of a JSON type, with its article. */
const char *cowrie_type_name(uint32_t type);
