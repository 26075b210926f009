/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fills in a ttp_err (see include/ttp/err.h). Text from outside goes through err_quote first: an
 * error is printed on terminals and in logs, and an attacker may have written what it quotes.
 */
#include "ttp/err.h"

#include <stddef.h>

/* Record an error without a position. err may be NULL. Returns rc. */
int err_set(ttp_err *err, int rc, const char *where, const char *fmt, ...) TTP_PRINTF(4, 5);

/* Record an error at a line and column (0: unknown). err may be NULL. Returns rc. */
int err_at(ttp_err *err, int rc, const char *where, unsigned line, unsigned column, const char *fmt,
           ...) TTP_PRINTF(6, 7);

/*
 * A quotable copy of text: at most max_chars characters, control characters, invalid UTF-8 and
 * bidirectional overrides escaped as \xNN or \u{NNNN}, "..." where cut. Writes into buf (size
 * bytes, NUL-terminated) and returns it.
 */
const char *err_quote(char *buf, size_t size, const void *text, size_t len, unsigned max_chars);
