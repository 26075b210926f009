/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lines: input bytes -> lines, in place in one buffer; or the elements of a JSON array, where the
 * file begins with '[' (an export instead of a log).
 *
 * What power cuts, editors and other systems leave is tolerated: NUL runs before a line, a byte
 * order mark, CRLF, no newline at the end. A line over TTP_EVENT_MAX is passed over in bounded
 * memory. One thread; the buffer is kept from file to file.
 */
#include "base/str.h"
#include "event/input.h"

/* the buffer's size until a longer line comes */
#define LINES_FIRST_SIZE (128u << 10)

typedef struct lines {
    input *in; /* owned; NULL: nothing open */
    char *buf;
    size_t cap;
    size_t start, scanned, end; /* the line begins, no newline before, bytes end */
    bool ended;                 /* the input has no more */
    int failed;                 /* why it ended, where that was an error */
    ttp_err failure;
    uint64_t number; /* physical line, 1-based */
    uint64_t n_nuls; /* skipped before the line at start */
    bool may_be_array, in_array;
    int wake_fd; /* for input_open_until, + 1; 0: none */
} lines;

typedef struct line {
    str text; /* without newline; JSON_PADDING bytes behind it are readable; lasts until the next */
    uint64_t number;
    uint64_t n_nuls; /* NUL bytes stripped before it */
    bool too_long;   /* text is empty */
    bool cut;        /* the input ended where the line did not: no newline behind it */
    bool open_array; /* no line: the input ended between the elements of an array */
} line;

/*
 * Begin a file (input_open's results), or TTP_E_INVALID where its first bytes are no text. Ends the
 * one before.
 */
int lines_open(lines *l, const char *path, ttp_err *err);
int lines_open_memory(lines *l, const char *name, const void *data, size_t len, ttp_err *err);
/* Close the file, keep the buffer. */
void lines_close(lines *l);
void lines_done(lines *l);

/* Returns 0, TTP_E_END, or what input_read failed with, after the lines before that. */
int lines_next(lines *l, line *ret_line, ttp_err *err);
/*
 * The next line where the buffer holds all of it: nothing is read or moved, and the lines before
 * last on. False where lines_next has to see to it.
 */
bool lines_next_held(lines *l, line *ret_line);
/*
 * Exchange the buffer, so that the lines read so far last as long as it does. *text and *cap are
 * another one (malloc; cap without JSON_PADDING; may be NULL) and get the old one. Returns 0 or
 * -ENOMEM, and then nothing is exchanged.
 */
int lines_exchange(lines *l, char **text, size_t *cap);
