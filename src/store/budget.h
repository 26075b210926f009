/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Budget: a rule whose searches keep hitting their bound is disabled for a while, by the ordinary
 * state path: whoever watches states sees it, and it ends by itself.
 *
 *     engine --cuts by rule--> budget --more than allowed in a minute--> ttp_store_set_state
 *
 * Only a rule on which nothing is set is touched: what an operator set stays.
 */
#include "ttp/engine.h"
#include "ttp/log.h"
#include "ttp/store.h"

typedef struct budget budget;

/* allowed: cut-off searches of one rule within a minute. NULL when out of memory. One thread. */
budget *budget_new(uint32_t allowed, uint32_t disable_s);
budget *budget_free(budget *b); /* takes NULL, returns NULL */
/* Look at what engine counted until now_ns (monotonic); disable in store what is over. */
void budget_check(budget *b, ttp_engine *engine, ttp_store *store, const ttp_log *log,
                  int64_t now_ns);
