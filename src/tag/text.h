/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Text for the cells of a table on a terminal: made harmless, measured in columns, cut and padded.
 */
#include "base/str.h"

/* Columns that s (valid UTF-8 without control characters) takes: 0 for combining marks, 2 for wide
 * characters. */
unsigned text_width(str s);

/*
 * Append s, cut to width columns (an ellipsis tells) and padded with spaces to width: on the left
 * where right (numbers), else on the right. width 0: s as it is.
 */
void text_put_cell(buf *b, str s, unsigned width, bool right);

/* "1 tag", "2 tags". */
void text_put_amount(buf *b, uint64_t n, const char *noun);
