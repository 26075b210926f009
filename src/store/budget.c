/* SPDX-License-Identifier: Apache-2.0 */
#include "store/budget.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "store/counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_NS (60 * 1000000000LL)
#define SET_BY "budget"
/* rules disabled in one look; the others' turn comes with the next */
#define OVER_MAX 64

struct budget {
    uint32_t allowed, disable_s;
    counts *begun; /* cuts by rule when the window began, or the rule was disabled in it */
    int64_t window_ns;
    bool anew; /* a window begins: what is counted so far is its start */
    size_t n_over;
    struct {
        char rule_id[RULE_ID_MAX + 1];
        uint64_t cuts;
    } over[OVER_MAX];
};

budget *budget_new(uint32_t allowed, uint32_t disable_s)
{
    budget *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    b->allowed = allowed;
    b->disable_s = disable_s;
    b->anew = true;
    b->begun = counts_new();
    return b->begun ? b : budget_free(b);
}

budget *budget_free(budget *b)
{
    if (!b)
        return NULL;
    (void)counts_free(b->begun); /* returns NULL */
    free(b);
    return NULL;
}

static void look(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    budget *b = ctx;
    uint64_t before = counts_of(b->begun, rule_id).cuts;
    uint64_t since = c->cuts > before ? c->cuts - before : 0;

    if (since == 0)
        return;
    if (!b->anew && since >= b->allowed) {
        if (b->n_over == OVER_MAX)
            return;
        b->over[b->n_over].cuts = since;
        (void)snprintf(b->over[b->n_over].rule_id, RULE_ID_MAX + 1, "%s", rule_id); /* fits */
        b->n_over++;
    } else if (!b->anew) {
        return;
    }
    /* without memory it is counted in two windows */
    (void)counts_add(b->begun, rule_id, &(ttp_rule_counts){.cuts = since});
}

static void disable(const budget *b, size_t i, ttp_store *store, const ttp_log *log)
{
    const char *id = b->over[i].rule_id;
    ttp_rule_state state = {0};
    ttp_err err = {0};
    char line[1100];
    int rc = ttp_store_get_state(store, id, &state, &err);

    if (!rc && state.set_at_us != TTP_TIME_NONE)
        return;
    state = (ttp_rule_state){.kind = TTP_STATE_DISABLED,
                             .expires_at_us = time_now_us() + b->disable_s * 1000000LL,
                             .set_at_us = TTP_TIME_NONE,
                             .has_reason = true};
    (void)snprintf(state.reason, sizeof(state.reason),
                   "%llu searches hit their bound within a minute; %u are allowed",
                   (unsigned long long)b->over[i].cuts, b->allowed); /* fits */
    if (!rc)
        rc = ttp_store_set_state(store, id, &state, SET_BY, &err);
    if (rc)
        log_msg(log, TTP_LOG_WARNING, "rule=%s is over its budget and cannot be disabled: %s", id,
                ttp_err_format(&err, line, sizeof(line)));
    else
        log_msg(log, TTP_LOG_WARNING, "rule=%s is disabled for %u s: %s", id, b->disable_s,
                state.reason);
}

void budget_check(budget *b, ttp_engine *engine, ttp_store *store, const ttp_log *log,
                  int64_t now_ns)
{
    if (now_ns - b->window_ns >= WINDOW_NS)
        b->anew = true;
    b->n_over = 0;
    ttp_engine_counts(engine, look, b); /* holds the engine's lock: no store is asked meanwhile */
    if (b->anew)
        b->window_ns = now_ns;
    b->anew = false;
    for (size_t i = 0; i < b->n_over; i++)
        disable(b, i, store, log);
}
