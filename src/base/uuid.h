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
/* Lower-case text of 36 characters; out is not NUL-terminated. */
void uuid_format(const uuid *u, char out[UUID_TEXT_LEN]);
/* Accepts 8-4-4-4-12 hexadecimal digits of either case. Returns 0 or TTP_E_SYNTAX. */
int uuid_parse(str text, uuid *ret_uuid);

/* SHA-1 of data (RFC 3174); not for secrets. */
void sha1(const void *data, size_t len, uint8_t out[20]);
