/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pipeline: batches through five stages by some threads, written in the order they were read.
 *
 *     read        one thread at a time           each batch gets the next ticket
 *     parse       any
 *     order       one at a time, by ticket
 *     work        any
 *     write       one at a time, by ticket
 *
 * No stage has a thread of its own: whoever is free takes what is most urgent (write, else order
 * and work, else read and parse), so that the threads balance themselves whichever stage is dear.
 * There are as many batches as the caller gives, and what they weigh together is bounded: a slow
 * write stage holds up reading.
 */
#include "ttp/err.h"

#include <stddef.h>

typedef struct pipeline_ops {
    /*
     * Returns 0 and what the batch weighs, in bytes; TTP_E_END where there is none any more; or an
     * error, with err as the other stages: it ends the pipeline once all before it is written.
     */
    int (*read)(void *ctx, void *batch, size_t *ret_weight, ttp_err *err);
    int (*parse)(void *ctx, void *batch, unsigned thread, ttp_err *err);
    int (*order)(void *ctx, void *batch, ttp_err *err);
    int (*work)(void *ctx, void *batch, unsigned thread, ttp_err *err);
    /* Also called for a batch of which another stage failed, to write what came before that. */
    int (*write)(void *ctx, void *batch, ttp_err *err);
    /* The pipeline has failed: read shall not wait any more. Any thread. */
    void (*cancel)(void *ctx);
} pipeline_ops;

/*
 * Run until all is written or a stage has failed. n_batches >= 1, n_threads >= 1; the calling
 * thread is one of them (number 0), and is alone, without any lock, where n_threads is 1 or no
 * other could be started. The others block all signals. Returns 0, or the error of the first batch
 * that had one.
 */
int pipeline_run(const pipeline_ops *ops, void *ctx, void *const *batches, size_t n_batches,
                 unsigned n_threads, ttp_err *err);
