/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tagging: a feed's events through evaluators to sinks, by as many threads as wanted. What is
 * written is the same, byte for byte and in the same order, for any number of them.
 */
#include "engine/engine.h"
#include "event/feed.h"

typedef struct tagging_options {
    feed *feed;
    ttp_engine *engine; /* its rules and states as they are at each event */
    /* All the caller's. At most one of them renders (tag/tag.h): tags are rendered for it by all
     * threads; the others get each tag in turn. */
    tag_sink *const *sinks;
    size_t n_sinks;
    unsigned n_threads; /* 0: as 1 */
    ttp_log log;        /* called by any of the threads, one at a time; a line once only */
    /* Called after each batch was mapped, by any thread, one at a time. May be NULL. */
    void (*step)(void *ctx);
    void *ctx;
} tagging_options;

/*
 * Run to the feed's end and flush the sinks. ret_stats counts the work of all threads and is set in
 * any case. Returns 0, or the first error of an evaluation or a sink.
 */
int tagging_run(const tagging_options *options, evaluator_stats *ret_stats, ttp_err *err);
