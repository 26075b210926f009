/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * UTF-8 as Python decodes it with one U+FFFD for each bad byte: overlong forms, surrogates and
 * what lies beyond U+10FFFF are bad, byte by byte.
 */
#include "base/str.h"

#include <stdint.h>

#define UTF8_REPLACEMENT 0xFFFDu

bool utf8_valid(str s);
bool utf8_is_ascii(str s);

/*
 * Decode the character at p (p < end). Returns its length in bytes; a bad byte has length 1 and
 * reads as U+FFFD.
 */
unsigned utf8_decode(const char *p, const char *end, uint32_t *ret_cp);

/* Decode the character that ends right before p (start < p). Same conventions. */
unsigned utf8_decode_back(const char *start, const char *p, uint32_t *ret_cp);

/* Write cp (not a surrogate, <= U+10FFFF) to out; returns 1 to 4. */
unsigned utf8_encode(uint32_t cp, char out[4]);

/* Append s to b with every bad byte replaced. */
void utf8_repair(buf *b, str s);
