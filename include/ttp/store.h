/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Store - the rules and what operators set on them, and every single change of either.
 *
 *     ttp_store_open(...)           filesystem (a watched directory) or database
 *     ttp_store_subscribe(...)      registered when it returns
 *     ttp_store_load(...)           all rules with their states, and the point of the stream it was
 *                                   taken at
 *     ttp_subscription_skip(...)    to that point
 *     ttp_subscription_next(...)    one change at a time from there on: no gap, no double
 *
 * Two planes: a definition is what a rule file says, a state what an operator set (disabled,
 * clipped, until when).
 *
 * Threads: any call may be made from any thread, but one subscription is read and closed by one
 * thread at a time. An open store has one thread of its own, with every signal blocked, which
 * follows the directory or database and does all compile work, in order; it calls log and publish.
 */
#include "ttp/api.h"
#include "ttp/attack.h"
#include "ttp/change.h"
#include "ttp/err.h"
#include "ttp/log.h"
#include "ttp/rule.h"
#include "ttp/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

TTP_BEGIN

typedef struct ttp_store ttp_store;
typedef struct ttp_subscription ttp_subscription;
typedef struct ttp_store_rules ttp_store_rules;

/* A rule file or row that is not live: why, and since when its last good version runs on (if it
 * does). */
typedef struct ttp_diagnostic {
    char rule_id[65]; /* empty where it could not be read */
    ttp_err err;      /* where, line, column, what was expected */
    bool runs_last_good;
} ttp_diagnostic;

typedef struct ttp_store_options {
    /* "filesystem" or "database"; NULL: $DECNET_TTP_RULE_STORE_TYPE, else filesystem */
    const char *type;
    const char *rules_dir; /* filesystem: the directory */
    /* database: sqlite path or URL, mysql://...; NULL: the DECNET_DB_* variables, else a private
     * in-memory SQLite */
    const char *db_url;
    /* what rules are judged by, as those that name no tactic; stays open until the store is closed;
     * NULL: the built-in catalogue */
    const ttp_attack *attack;
    bool no_gate; /* take rules in also where their own tests fail */
    /* filesystem: rules keep the bytes they were read from, which ttp sync writes on; a fifth more
     * memory */
    bool keep_source;
    /* filesystem: how often the directory is compared with what runs; 0: 60,000 */
    uint32_t reconcile_ms;
    uint32_t poll_ms; /* database: how often the change log is asked; 0: 250 */
    /* the name this process reports in the ledger (ttp/ledger.h) what it runs; NULL: it takes no
     * part. Two processes of one name write over each other. */
    const char *host;
    ttp_log log;
    /*
     * Fan-out to a bus: called for each change with its topic (ttp.rule.reloaded.{id},
     * ttp.rule.state.{id}) and JSON payload, from the thread that made the change; returns 0 or
     * -errno, which set_state and clear_state hand to their caller (nothing is then changed); of
     * what has happened already, an edited file, it is only logged. It must not call the store.
     * NULL: none.
     */
    int (*publish)(void *ctx, const char *topic, const char *json);
    void *publish_ctx;
    const ttp_trace *trace; /* as ttp_store_set_trace; NULL: none */
} ttp_store_options;

/*
 * Open a store. An unknown type is TTP_E_INVALID and err lists the known ones. Returns 0,
 * TTP_E_INVALID, TTP_E_UNSUPPORTED (no filesystem watching on this platform; no MariaDB in this
 * build) or -errno.
 */
TTP_API int ttp_store_open(const ttp_store_options *options, ttp_store **ret_store, ttp_err *err);
/* Ends watching and frees; subscriptions must be closed before. Takes NULL, returns NULL. */
TTP_API ttp_store *ttp_store_close(ttp_store *store);

/*
 * Tell these hooks of spans from now on; NULL: none. A change that is in progress ends with the
 * hooks it began with, so they stay until the store is closed. They must not call the store.
 */
TTP_API void ttp_store_set_trace(ttp_store *store, const ttp_trace *trace);

/*
 * Every rule, compiled, with its state, in a stable order (file name or rule_id); what does not
 * compile is among the diagnostics. What was written before the call is contained. An expired state
 * is given as the default one. Fails as a whole only where the directory or database cannot be read
 * and nothing was read of it before: -errno and err.
 */
TTP_API int ttp_store_load(ttp_store *store, ttp_store_rules **ret_rules, ttp_err *err);
/* Takes NULL, returns NULL. */
TTP_API ttp_store_rules *ttp_store_rules_free(ttp_store_rules *rules);
TTP_API size_t ttp_store_rules_count(const ttp_store_rules *rules);
/* The i-th rule (borrowed) and its state; NULL beyond the last. ret_state may be NULL. */
TTP_API ttp_rule *ttp_store_rules_at(const ttp_store_rules *rules, size_t i,
                                     ttp_rule_state *ret_state);
TTP_API size_t ttp_store_rules_n_diagnostics(const ttp_store_rules *rules);
TTP_API const ttp_diagnostic *ttp_store_rules_diagnostic(const ttp_store_rules *rules, size_t i);
/* The sequence of the last change that is contained. */
TTP_API uint64_t ttp_store_rules_sequence(const ttp_store_rules *rules);

/*
 * What is set on a rule. An unknown rule has the default state, never an error. An expired state is
 * removed, announced once as a change to the default, and returned as the default. Returns 0 or
 * -errno / TTP_E_INVALID (a stored value that cannot be read) with err.
 */
TTP_API int ttp_store_get_state(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state,
                                ttp_err *err);
/*
 * Persist, stamp set_by and set_at, emit exactly one change. Any failure (write, fan-out) is an
 * error to the caller and nothing is half done. Returns 0, TTP_E_INVALID (a kind, confidence or
 * rule_id that is not allowed) or -errno.
 */
TTP_API int ttp_store_set_state(ttp_store *store, const char *rule_id, const ttp_rule_state *state,
                                const char *set_by, ttp_err *err);
/* Back to the default; one change. The same returns. */
TTP_API int ttp_store_clear_state(ttp_store *store, const char *rule_id, const char *set_by,
                                  ttp_err *err);

/* Registered when the call returns. Close it before the store. Returns 0 or -errno. */
TTP_API int ttp_store_subscribe(ttp_store *store, ttp_subscription **ret_subscription,
                                ttp_err *err);
/* Frees its queue. Takes NULL, returns NULL. */
TTP_API ttp_subscription *ttp_subscription_close(ttp_subscription *subscription);
/* Pass over the changes up to this sequence, the one that a load names: it contains them. */
TTP_API void ttp_subscription_skip(ttp_subscription *subscription, uint64_t sequence);
/* Readable while a change waits (or "lagged" does); for poll(2). */
TTP_API int ttp_subscription_fd(const ttp_subscription *subscription);
/*
 * The next change. timeout_ms 0: do not wait, -1: wait without end. The caller ends it with
 * ttp_change_done. Returns 0, TTP_E_END (nothing within the time), TTP_E_LIMIT (65,536 changes
 * behind: the queue is emptied, load again and skip), or -errno.
 */
TTP_API int ttp_subscription_next(ttp_subscription *subscription, int timeout_ms,
                                  ttp_change *ret_change);
/* Drops the rule reference; safe on a zeroed change. */
TTP_API void ttp_change_done(ttp_change *change);

TTP_END
