/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"

/*
 * Rewrite a JSON text that simdjson refuses and Python's json reads: bad UTF-8 bytes and escapes of
 * lone surrogates become U+FFFD, integers beyond 64 bits get an exponent so that they read as
 * doubles. All else is copied as it is, well-formed or not.
 * Returns which repairs were made (JSON_BAD_UTF8, JSON_LONE_SURROGATE).
 */
unsigned json_repair(str text, buf *out);
