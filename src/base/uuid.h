/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* UUIDs: name-based ones (version 5, RFC 4122), text to bytes and back. */
#include "base/str.h"

#include <stdint.h>

#define UUID_TEXT_LEN 36

typedef struct uuid {
    uint8_t bytes[16];
} uuid;

/* UUIDv5 of name in namespace ns. */
uuid uuid_v5(const uuid *ns, str name);
/* The same for a name in pieces, one behind the other. */
uuid uuid_v5_pieces(const uuid *ns, const str *pieces, size_t n_pieces);
/* Lower-case text of 36 characters; out is not NUL-terminated. */
void uuid_format(const uuid *u, char out[UUID_TEXT_LEN]);
/* Accepts 8-4-4-4-12 hexadecimal digits of either case. Returns 0 or TTP_E_SYNTAX. */
int uuid_parse(str text, uuid *ret_uuid);

/* SHA-1 (RFC 3174); not for secrets. */
void sha1(const void *data, size_t len, uint8_t out[20]);

/* The same for data in pieces: begin, add..., end. */
typedef struct sha1_state {
    uint32_t words[5];
    uint64_t len;
    uint8_t block[64]; /* the last len % 64 bytes */
} sha1_state;
void sha1_begin(sha1_state *s);
void sha1_add(sha1_state *s, const void *data, size_t len);
void sha1_end(sha1_state *s, uint8_t out[20]);
