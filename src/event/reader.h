/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reader: files (plain, gzip, zstd, standard input) -> events, with an account of every line.
 *
 *     input (bytes, lines) -> format (event JSON Lines | Cowrie) -> events
 */
#include "event/event.h"
#include "ttp/log.h"

typedef enum event_format {
    EVENT_FORMAT_AUTO,
    EVENT_FORMAT_EVENT,  /* event JSON Lines */
    EVENT_FORMAT_COWRIE,
} event_format;

/* The account. lines = blank + events_lines + not_taggable + bad. */
typedef struct reader_stats {
    uint64_t files, bytes;  /* bytes as read from disk (compressed) */
    uint64_t lines;         /* all lines */
    uint64_t blank;
    uint64_t taggable;      /* lines that gave at least one event, now or as part of a session's */
    uint64_t not_taggable;  /* understood, but nothing to tag (cowrie.log.open...) */
    uint64_t bad;           /* refused, with a reason */
    uint64_t noted;         /* read, but repaired or odd (lone surrogate, duplicate key, time going back...) */
    uint64_t events;        /* handed out */
} reader_stats;

typedef struct reader reader;

typedef struct reader_options {
    event_format format;
    /* called for each bad or odd line (is_bad tells), at most a few per kind of reason; err says file, line, why */
    void (*complain)(void *ctx, const ttp_err *err, bool is_bad);
    void *ctx;
} reader_options;

int reader_new(const reader_options *options, reader **ret_reader);
reader *reader_free(reader *r);
DEFINE_FREE_PTR(reader, reader *, reader_free)

/*
 * Begin a file ("-": standard input). Sessions stay open from one file to the next (rotation).
 * Returns 0, or -errno / TTP_E_INVALID (a directory, a binary file, an unknown format) and err; the reader goes on to be usable.
 */
int reader_open(reader *r, const char *path, ttp_err *err);
/*
 * The next event of the open file; it lasts until the next call.
 * Returns 0, TTP_E_END at the file's end, or -errno (reading failed; the file is closed; err says where).
 */
int reader_next(reader *r, const event **ret_event, ttp_err *err);
/* After the last file: sessions that never closed come out as events, too. Returns 0 or TTP_E_END. */
int reader_finish(reader *r, const event **ret_event, ttp_err *err);

const reader_stats *reader_get_stats(const reader *r);
/* Per reason and event id: name and count, for the closing account. Returns the number; items last until the next call. */
typedef struct reader_count {
    const char *name; /* event id (escaped) or reason */
    uint64_t count;
    bool bad, noted;  /* neither: not taggable, by event id */
} reader_count;
size_t reader_counts(const reader *r, const reader_count **ret_counts);
/* For progress: bytes of the open file read so far and its size (0: unknown). */
void reader_progress(const reader *r, uint64_t *ret_done, uint64_t *ret_total);
