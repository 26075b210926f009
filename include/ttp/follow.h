/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Follower - keeps an engine's rules and states those of a store, on a thread of its own.
 *
 *     store --each change--> subscription --what waits, as one batch--> ttp_engine_apply
 *
 * One change is in effect as soon as it can be; those that come while a snapshot is made go into
 * the next one together, so that a thousand edits within a second make few snapshots.
 */
#include "ttp/api.h"
#include "ttp/engine.h"
#include "ttp/log.h"
#include "ttp/store.h"

TTP_BEGIN

typedef struct ttp_follower ttp_follower;

typedef struct ttp_follower_options {
    ttp_log log; /* called from the follower's thread */
    /*
     * Called after each load, with what was loaded and is in effect: the first time by
     * ttp_follower_open, then by the follower's thread after it fell too far behind. NULL: nobody
     * is told. It must not close the follower.
     */
    void (*loaded)(void *ctx, const ttp_store_rules *rules);
    void *loaded_ctx;
    /*
     * A rule on which nothing is set and whose searches hit their bound so many times within a
     * minute is disabled in the store, by "budget", for budget_disable_s. 0: 100 times, 600
     * seconds.
     */
    uint32_t regex_budget;
    uint32_t budget_disable_s;
} ttp_follower_options;

/* A regex_budget without end: no rule is disabled. */
#define TTP_REGEX_BUDGET_OFF UINT32_MAX

/*
 * Load the store into the engine and follow it from there on: no change is missed. Starts a thread
 * with every signal blocked. Until it is closed nobody else may change the engine; store and engine
 * must outlive it. options may be NULL. Returns 0 or -errno and err (the store cannot be loaded;
 * the engine is as it was).
 */
TTP_API int ttp_follower_open(ttp_store *store, ttp_engine *engine,
                              const ttp_follower_options *options, ttp_follower **ret_follower,
                              ttp_err *err);
/* Ends the thread; the engine stays as it is. Takes NULL, returns NULL. Any thread but its own. */
TTP_API ttp_follower *ttp_follower_close(ttp_follower *follower);
/* Changes of the store up to this sequence are in effect. Any thread. */
TTP_API uint64_t ttp_follower_sequence(const ttp_follower *follower);

TTP_END
