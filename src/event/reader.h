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
    EVENT_FORMAT_EVENT, /* event JSON Lines */
    EVENT_FORMAT_COWRIE,
} event_format;

/*
 * The account: lines = blank + taggable + not_taggable + bad. In a JSON array each element counts
 * as a line.
 */
typedef struct reader_stats {
    uint64_t files, bytes; /* bytes as read from disk (compressed) */
    uint64_t lines;        /* all lines */
    uint64_t blank;
    uint64_t taggable;     /* gave an event, now or as part of a session's */
    uint64_t not_taggable; /* understood, but nothing to tag (cowrie.log.open...) */
    uint64_t bad;          /* refused, with a reason */
    uint64_t noted;        /* lines read, but repaired or odd (duplicate key, time going back...) */
    uint64_t events;       /* handed out */
} reader_stats;

typedef struct reader reader;

typedef struct reader_options {
    event_format format;
    /* Called for each bad or odd line (is_bad tells), at most READER_COMPLAINTS_MAX times a kind of
     * reason; err says file, line, why. May be NULL. */
    void (*complain)(void *ctx, const ttp_err *err, bool is_bad);
    void *ctx;
} reader_options;

/* options may be NULL: format auto, no complaints. Returns 0 or -ENOMEM. */
int reader_new(const reader_options *options, reader **ret_reader);
reader *reader_free(reader *r); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(reader, reader *, reader_free)

/*
 * Begin a file ("-": standard input); the one before is closed. Cowrie's sessions stay open from
 * one file to the next (rotation). With format auto each file's format is told from its first
 * lines, which waits for them where the input is a pipe.
 * Returns 0; -errno, TTP_E_INVALID (a binary file, an unknown compression, a format that is
 * neither) or TTP_E_UNSUPPORTED (a compression this build leaves out), with err; then no file is
 * open and the next may be. A file without any line is no error.
 */
int reader_open(reader *r, const char *path, ttp_err *err);
/* The same for bytes that stay the caller's and outlive the reading; name goes into messages. */
int reader_open_memory(reader *r, const char *name, const void *data, size_t len, ttp_err *err);
/*
 * The next event of the open file; it lasts until the next call on the reader.
 * Returns 0; TTP_E_END at the file's end or where none is open; -errno where reading failed, after
 * the events before that: -EBADMSG for damaged or truncated compressed data, -ENOMEM. The file is
 * then closed, err says where.
 */
int reader_next(reader *r, const event **ret_event, ttp_err *err);
/*
 * After the last file: sessions that never closed come out as events, too. Returns 0, TTP_E_END or
 * -ENOMEM.
 */
int reader_finish(reader *r, const event **ret_event, ttp_err *err);

const reader_stats *reader_get_stats(const reader *r);

/* For the closing account: how often each reason and each event id without anything to tag came. */
typedef struct reader_count {
    const char *name; /* reason, or event id (escaped) */
    uint64_t count;
    bool bad, noted; /* neither: not taggable, by event id */
} reader_count;
/* Returns the number; the items last until the next call. */
size_t reader_counts(reader *r, const reader_count **ret_counts);
/* For progress: bytes of the open file read so far and its size (0: unknown). */
void reader_progress(const reader *r, uint64_t *ret_done, uint64_t *ret_total);
