/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live.h"

#include "base/err.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* a run that is over by then follows nothing */
#define FOLLOW_AFTER_MS 200

static int no_memory(void)
{
    ttp_err err;

    (void)err_set(&err, -1, NULL, "out of memory"); /* returns its code */
    return cli_fail(&err);
}

static int make_engine(live_rules *l)
{
    char release[128];
    const ttp_engine_options options = {.attack_release = release};
    str name = attack_release(l->catalogue);

    (void)snprintf(release, sizeof(release), "%.*s", STR_ARG(name)); /* a token of 64 at most */
    return ttp_engine_new(&options, &l->engine) ? no_memory() : CLI_DONE;
}

/* ---- a store's voice ---- */

static bool is_open(live_rules *l)
{
    bool open;

    (void)pthread_mutex_lock(&l->lock); /* cannot fail: this thread does not hold it */
    open = l->is_open;
    (void)pthread_mutex_unlock(&l->lock); /* held by this thread */
    return open;
}

/* What a store says of its first load was said when the rules were loaded before it. */
static void log_news(void *ctx, ttp_log_level level, const char *line)
{
    live_rules *l = ctx;

    if (is_open(l) && l->log.fn)
        l->log.fn(l->log.ctx, level, line);
}

static void begin_news(live_rules *l)
{
    (void)pthread_mutex_lock(&l->lock); /* as above */
    l->is_open = true;
    (void)pthread_mutex_unlock(&l->lock); /* as above */
}

static bool was_said(const live_rules *l, const ttp_err *err)
{
    for (size_t i = 0; i < l->loaded.dir.n_errors; i++) {
        const ttp_err *e = &l->loaded.dir.errors[i];

        if (e->line == err->line && strcmp(e->where, err->where) == 0 &&
            strcmp(e->text, err->text) == 0)
            return true;
    }
    return false;
}

/* After each load of the store: what came to be wrong since the first, or behind our back. */
static void say_diagnostics(void *ctx, const ttp_store_rules *rules)
{
    live_rules *l = ctx;
    char line[sizeof(ttp_err)];

    for (size_t i = 0; i < ttp_store_rules_n_diagnostics(rules); i++) {
        const ttp_diagnostic *d = ttp_store_rules_diagnostic(rules, i);

        if (!was_said(l, &d->err) && l->log.fn)
            l->log.fn(l->log.ctx, TTP_LOG_WARNING, ttp_err_format(&d->err, line, sizeof(line)));
    }
    begin_news(l);
}

/* ---- a directory ---- */

static int follow_dir(live_rules *l, ttp_err *err)
{
    /* as the first load takes rules in, whatever their tests say */
    const ttp_store_options store_options = {.type = "filesystem",
                                             .rules_dir = l->dir,
                                             .attack = l->catalogue,
                                             .no_gate = true,
                                             .log = {log_news, l}};
    const ttp_follower_options options = {.log = {log_news, l},
                                          .loaded = say_diagnostics,
                                          .loaded_ctx = l,
                                          .regex_budget = l->regex_budget};
    int rc = ttp_store_open(&store_options, &l->store, err);

    return rc ? rc : ttp_follower_open(l->store, l->engine, &options, &l->follower, err);
}

static bool ends_before_long(live_rules *l)
{
    struct timespec until;
    bool ending;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail for this clock */
    until.tv_nsec += FOLLOW_AFTER_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&l->lock); /* as above */
    while (!l->ending && !rc)
        rc = pthread_cond_clockwait(&l->changed, &l->lock, CLOCK_MONOTONIC, &until);
    ending = l->ending;
    (void)pthread_mutex_unlock(&l->lock); /* as above */
    return ending;
}

static void *follow_later(void *arg)
{
    live_rules *l = arg;
    char line[sizeof(ttp_err)];
    ttp_err err = {0};
    int rc;

    if (ends_before_long(l))
        return NULL;
    rc = follow_dir(l, &err);
    if (rc && rc != TTP_E_UNSUPPORTED && l->log.fn) /* the run goes on by the rules it has */
        l->log.fn(l->log.ctx, TTP_LOG_WARNING, ttp_err_format(&err, line, sizeof(line)));
    return NULL;
}

static int start_dir(live_rules *l, const char *rules, const char *bundle, const char *release)
{
    int status = cli_read_rules(rules, bundle, release, &l->loaded);

    if (status != CLI_DONE)
        return status;
    l->catalogue = l->loaded.catalogue;
    l->n_refused = l->loaded.n_refused;
    l->dir = cli_rules_dir(rules);
    status = make_engine(l);
    if (status != CLI_DONE)
        return status;
    if (ttp_engine_reset(l->engine, l->loaded.dir.rules, NULL, l->loaded.dir.n_rules))
        return no_memory();
    l->has_starter = thread_start(&l->starter, follow_later, l) == 0;
    return CLI_DONE;
}

/* ---- a database, or what the store refuses as a type ---- */

static void count_refused(void *ctx, const ttp_store_rules *rules)
{
    live_rules *l = ctx;
    size_t n = ttp_store_rules_n_diagnostics(rules);

    if (is_open(l))
        return; /* a later load: the store has logged what is wrong */
    l->n_refused = n;
    for (size_t i = 0; i < n; i++)
        (void)cli_fail(&ttp_store_rules_diagnostic(rules, i)->err); /* said; the others run */
    begin_news(l);
}

static int start_database(live_rules *l, const live_options *o)
{
    const ttp_follower_options options = {.log = {log_news, l},
                                          .loaded = count_refused,
                                          .loaded_ctx = l,
                                          .regex_budget = l->regex_budget};
    ttp_store_options store_options = {.host = o->host, /* the rest as the variables say */
                                       .log = {log_news, l}};
    ttp_err err = {0};
    int status = cli_catalogue(o->bundle, o->release, &l->loaded.owned, &l->loaded.catalogue);

    store_options.attack = l->catalogue = l->loaded.catalogue;
    if (status == CLI_DONE)
        status = make_engine(l);
    if (status != CLI_DONE)
        return status;
    if (ttp_store_open(&store_options, &l->store, &err) ||
        ttp_follower_open(l->store, l->engine, &options, &l->follower, &err))
        return cli_fail(&err);
    if (ttp_engine_count(l->engine) == 0) {
        (void)err_set(&err, TTP_E_NOT_FOUND, NULL,
                      "no rules in the database; ttp sync writes those of a directory there");
        return cli_fail(&err);
    }
    return CLI_DONE;
}

int live_start(live_rules *l, const live_options *options, const ttp_log *log)
{
    const char *type = getenv("DECNET_TTP_RULE_STORE_TYPE");

    *l = (live_rules){.log = *log, .regex_budget = options->regex_budget};
    (void)pthread_mutex_init(&l->lock, NULL);   /* default attributes: cannot fail */
    (void)pthread_cond_init(&l->changed, NULL); /* the same */
    if (options->rules || !type || !*type || strcmp(type, "filesystem") == 0)
        return start_dir(l, options->rules, options->bundle, options->release);
    return start_database(l, options);
}

void live_stop(live_rules *l)
{
    (void)pthread_mutex_lock(&l->lock); /* as above */
    l->ending = true;
    (void)pthread_cond_signal(&l->changed); /* cannot fail */
    (void)pthread_mutex_unlock(&l->lock);   /* as above */
    if (l->has_starter)
        (void)pthread_join(l->starter, NULL); /* joined once */
    ttp_follower_close(l->follower);
    ttp_store_close(l->store);
    ttp_engine_free(l->engine);
    cli_unload_rules(&l->loaded);
    (void)pthread_cond_destroy(&l->changed); /* nobody waits */
    (void)pthread_mutex_destroy(&l->lock);   /* nobody holds it */
}
