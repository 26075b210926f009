/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Feed: files -> batches of events that stand for themselves, in three steps, so that threads can
 * share the work while events keep their order.
 *
 *     feed_read     bytes, cut into lines           one thread at a time, any
 *     feed_parse    lines -> JSON                   many at once, each its own batch
 *     feed_map      JSON -> events, the account     one at a time, in the order of reading
 *
 * feed_read may run while another thread is in feed_map for an earlier batch. The files are read
 * one after the other as a reader (event/reader.h) reads them; Cowrie's sessions that never closed
 * come last. A pipe's lines are handed on as they come.
 */
#include "event/reader.h"

typedef struct feed feed;
struct parsed_line;

/* A batch: its lines and events, and all they show. Zeroed storage is an empty one. */
typedef struct feed_batch {
    event *events;
    size_t n_events;
    bool would_wait; /* nothing more was there to read when it was closed */

    /* the feed's own */
    arena mem;
    char *buf;
    size_t cap;
    struct parsed_line *lines;
    size_t n_lines, cap_lines, cap_events;
    bool begins_file, ends_file, is_rest, flat;
    unsigned file; /* counted from 1 */
    int file_rc;   /* why the file ended or was not opened; 0: at its end */
    ttp_err file_err;
    char file_name[256];
    uint64_t bytes, done, total; /* read for this batch; of the file, see reader_progress */
} feed_batch;

void feed_batch_done(feed_batch *b);
/* Empty it and let go of what a large one took; feed_read does so, too. */
void feed_batch_clear(feed_batch *b);
/* Bytes of memory that a batch takes or is going to take, roughly. */
size_t feed_batch_memory(const feed_batch *b);

/*
 * Of the options complain is also called, from feed_map, for a file that cannot be read to its end.
 * paths stay the caller's. Returns 0 or -errno.
 */
int feed_new(const reader_options *options, char *const *paths, size_t n_paths, feed **ret_feed);
feed *feed_free(feed *f); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(feed, feed *, feed_free)

/* Fill b. Returns 0, TTP_E_END after the last batch, or -ECANCELED after feed_cancel. */
int feed_read(feed *f, feed_batch *b);
/* doc is the thread's own. Returns 0 or -ENOMEM. */
int feed_parse(feed_batch *b, json_doc *doc);
/* Returns 0 or -ENOMEM. */
int feed_map(feed *f, feed_batch *b);
/* Any thread: feed_read shall wait for nothing any more. */
void feed_cancel(feed *f);

/* For the thread in feed_map, or when all is done; see event/reader.h. */
const reader_stats *feed_get_stats(const feed *f);
size_t feed_counts(feed *f, const reader_count **ret_counts);
void feed_progress(const feed *f, uint64_t *ret_done, uint64_t *ret_total);
/* Files that could not be read to their end. */
size_t feed_n_unread(const feed *f);
