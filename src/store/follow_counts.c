/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine counts goes to the store's ledger, as what came since it was told last. */
#include "store/store.h"

#include "ttp/engine.h"

typedef struct telling {
    ttp_store *store;
    counts *told;
} telling;

static uint64_t since(uint64_t now, uint64_t told)
{
    return now > told ? now - told : 0;
}

static void tell(void *ctx, const char *rule_id, const ttp_rule_counts *now)
{
    telling *t = ctx;
    ttp_rule_counts told = counts_of(t->told, rule_id);
    const ttp_rule_counts delta = {.fires = since(now->fires, told.fires),
                                   .suppressed = since(now->suppressed, told.suppressed),
                                   .cuts = since(now->cuts, told.cuts),
                                   .wakeups = since(now->wakeups, told.wakeups),
                                   .verifications = since(now->verifications, told.verifications),
                                   .ticks = since(now->ticks, told.ticks)};

    /* without memory for either it is lost, and nothing else */
    if (!counts_add(t->told, rule_id, &delta) && t->store)
        (void)ttp_store_count(t->store, rule_id, &delta);
}

void follow_tell_counts(ttp_store *store, ttp_engine *engine, counts *told)
{
    telling t = {store, told};

    ttp_engine_counts(engine, tell, &t);
}
