/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A directory of rules, its store, and the engine that follows it. */
#include "cli/bench_load.h"
#include "cli/bench_rules.h"
#include "ttp/follow.h"

typedef struct reload {
    bench_rules rules; /* without the probes */
    unsigned versions[N_PROBES];
    ttp_store *store;
    ttp_engine *engine;
    ttp_follower *follower;
} reload;

/* n_rules in all, the probes among them. Says what is wrong; reload_close in any case. */
bool reload_open(size_t n_rules, reload *r);
void reload_close(reload *r);
void reload_probe_path(const reload *r, unsigned which, char *out, size_t size);

/* Sorts them. */
double reload_quantile_ms(int64_t *ns, size_t n, double q);
