/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Bytes that Cowrie logged as Python writes them: 'GET /\r\n', b"\x16\x03". */
#include "base/arena.h"

/*
 * The bytes that text stands for: unescaped where it is a quoted literal (with or without b or u
 * before it; a missing closing quote is forgiven), else text itself. \xNN is a byte.
 * ret_bytes lives in a. Returns 0 or -ENOMEM.
 */
int pyrepr_decode(str text, arena *a, str *ret_bytes);
/* Is it b'...' or b"...", whole? */
bool pyrepr_is_bytes(str text);
