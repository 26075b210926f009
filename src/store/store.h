/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Store, inside: what every backend is made of.
 *
 *     ttp_store_* --check, stamp--> store_ops of a backend --change--> store_emit --> publish hook
 *                                                                           |
 *                                                                           +-> queue of each
 *                                                                               subscription
 *
 * A backend embeds struct ttp_store as its first member and fills in one store_ops. The queues and
 * the stream's sequence are the core's; rules and states are the backend's.
 */
#include "base/str.h"
#include "rule/rule.h"
#include "store/counts.h"
#include "store/ledger.h"
#include "telemetry/trace.h"
#include "ttp/engine.h"
#include "ttp/store.h"

#include <pthread.h>

/* A backend. rule_id and states it is handed have been checked. */
typedef struct store_ops {
    const char *name; /* as DECNET_TTP_RULE_STORE_TYPE has it */
    /* Make the object: store_init first, and read nothing that start could. Returns as
     * ttp_store_open. */
    int (*open)(const ttp_store_options *options, ttp_store **ret_store, ttp_err *err);
    /* Read what is there and begin to follow it. After a failure free is called. */
    int (*start)(ttp_store *store, ttp_err *err);
    /* Fill an empty ttp_store_rules, sequence included (store_rules_add, store_rules_diagnose). */
    int (*load)(ttp_store *store, ttp_store_rules *rules, ttp_err *err);
    int (*get_state)(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state,
                     ttp_err *err);
    /* state is stamped with set_by and set_at. */
    int (*set_state)(ttp_store *store, const char *rule_id, const ttp_rule_state *state,
                     ttp_err *err);
    int (*clear_state)(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err);
    /*
     * The ledger's tables; NULL, all three, where it is kept in memory alone. Fill in what is
     * wanted and the rows of all hosts but this one; add what all hosts have written of their
     * counts.
     */
    int (*view_ledger)(ttp_store *store, ttp_ledger *view, ttp_err *err);
    int (*read_counts)(ttp_store *store, counts *sum, ttp_err *err);
    int (*forget_host)(ttp_store *store, const char *host, ttp_err *err);
    /* End threads and free everything: store_done last. */
    void (*free)(ttp_store *store);
} store_ops;

/* A call that changes a state, while it runs; on its caller's stack. */
typedef struct store_call store_call;
struct store_call {
    store_call *next;
    pthread_t thread;
    trace_span change, write;
};

struct ttp_store {
    const store_ops *ops;
    ttp_store_options options; /* its strings are copies */
    trace_point trace;
    pthread_mutex_t calls_lock; /* no other lock is taken while it is held */
    store_call *calls;          /* under calls_lock: those that are traced */
    ledger *ledger;             /* NULL, as counts is, where options name no host */
    counts *counts;
    pthread_mutex_t lock;
    /* under lock: */
    uint64_t sequence;
    ttp_subscription **subscribers;
    size_t n_subscribers, cap_subscribers;
};

extern const store_ops store_filesystem;
extern const store_ops store_database;

/* The head of a new (zeroed) store: copies options. Returns 0 or -ENOMEM; then nothing is to end.
 */
int store_init(ttp_store *store, const store_ops *ops, const ttp_store_options *options);
void store_done(ttp_store *store);

/*
 * The two halves of a change. store_publish asks the publish hook, which may refuse: call it before
 * what was done can no longer be undone. store_fan_out_locked cannot fail: it numbers the change
 * and puts it into every queue (one that is full, or finds no memory, is told that it lags).
 * store_publish needs no lock, and may be called with one; the hook must not call the store.
 * change->sequence is set by the fan-out; change->rule is borrowed, a reference is taken per queue.
 */
int store_publish(ttp_store *store, const ttp_change *change, ttp_err *err);
void store_fan_out_locked(ttp_store *store, ttp_change *change);
/*
 * Both halves, for what has happened already and cannot be undone (an edited file, a row of another
 * process): a refused publication is logged. Takes the lock, or needs it held.
 */
void store_emit(ttp_store *store, ttp_change *change);
void store_emit_locked(ttp_store *store, ttp_change *change);

/*
 * Spans of a change of state. They are opened by the core around a backend's set_state and
 * clear_state and by store_publish: a backend need not know of them.
 */
void store_call_begin(ttp_store *store, const char *rule_id, store_call *call);
void store_call_end(ttp_store *store, store_call *call, int status);
trace_span store_publish_begin(ttp_store *store, const char *rule_id);

/* Changes ready to emit. */
ttp_change change_definition(const char *rule_id, ttp_rule *r); /* NULL: deleted; borrowed */
ttp_change change_state(const char *rule_id, const ttp_rule_state *state);
/* {"kind","rule_id","rule_version","deleted","state":{...}|null}: what is published and printed. */
void change_json(buf *b, const ttp_change *change);
/* ttp.rule.reloaded.{rule_id} or ttp.rule.state.{rule_id}; b fails where memory does. */
void change_topic(buf *b, const ttp_change *change);

/* States. */
extern const ttp_rule_state state_default;
bool rule_id_ok(const char *rule_id); /* [A-Za-z0-9_]{1,64}; NULL is not */
/* Is the state one that may be stored? Returns 0 or TTP_E_INVALID with err. */
int state_check(const char *rule_id, const ttp_rule_state *state, ttp_err *err);
bool state_expired(const ttp_rule_state *state, int64_t now_us);
const char *state_kind_name(ttp_state_kind kind); /* "enabled"...; NULL for none of the three */
/* Returns 0, or TTP_E_INVALID where the word is none of the three (also in another case). */
int state_kind_from_name(str name, ttp_state_kind *ret_kind);
/* {"state","confidence_max","expires_at","reason","set_by","set_at"}, absent values as null. */
void state_json(buf *b, const ttp_rule_state *state);

/* What load fills. The rule is referenced; both return 0 or -ENOMEM. */
int store_rules_add(ttp_store_rules *rules, ttp_rule *r, const ttp_rule_state *state);
int store_rules_diagnose(ttp_store_rules *rules, const char *rule_id, const ttp_err *err,
                         bool runs_last_good);
void store_rules_set_sequence(ttp_store_rules *rules, uint64_t sequence);
void store_rules_clear(ttp_store_rules *rules); /* empty again */

/*
 * A rule's own tests as a gate: a rule that fails one is not taken in. Returns 0, TTP_E_INVALID
 * with the first that failed, or -ENOMEM. m is the calling thread's.
 */
int store_gate(const ttp_rule *r, matcher *m, ttp_err *err);

/* Add to the counts of store what engine counted since told was told; told is added to, too. store
 * NULL: to told alone. */
void follow_tell_counts(ttp_store *store, ttp_engine *engine, counts *told);
