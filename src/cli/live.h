/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Live rules: an engine whose rules and states are those of a store while a command runs.
 *
 *     filesystem (default, or --rules)   loaded at once, as every command does; the directory is
 *                                        followed when the run has lasted some time, so that a
 *                                        short one does not pay for it
 *     database                           loaded and followed through the store from the start
 *
 * A store knows the built-in catalogue only: with an ATT&CK bundle a directory's rules stay those
 * of the start.
 */
#include "cli/load.h"
#include "ttp/follow.h"

#include <pthread.h>

typedef struct live_rules {
    ttp_engine *engine;
    const attack_catalogue *catalogue;
    size_t n_refused; /* at the start */

    loaded_rules loaded; /* what stays of the first load: the catalogue and what was refused */
    const char *dir;
    ttp_log log;
    uint32_t regex_budget; /* of the follower */
    ttp_store *store;
    ttp_follower *follower;
    bool has_starter;
    pthread_t starter;
    pthread_mutex_t lock; /* guards: */
    pthread_cond_t changed;
    bool ending;
    bool is_open; /* the store has been loaded: what it logs is news */
} live_rules;

/* A command's options; NULL: not given. */
typedef struct live_options {
    const char *rules, *bundle, *release;
    const char *host;      /* as ttp_store_options has it; a directory is followed without */
    uint32_t regex_budget; /* as ttp_follower_options has it */
} live_options;

/*
 * log is called from any thread. What is refused or cannot be opened is printed. Returns CLI_DONE
 * or CLI_FAILED; call live_stop in either case.
 */
int live_start(live_rules *l, const live_options *options, const ttp_log *log);
/* No evaluator follows the engine any more. */
void live_stop(live_rules *l);
