/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Ledger - what each process that follows a store runs of each rule, and how often it held.
 *
 *     process a --what it runs, what it refused and why--+
 *     process b -----------------------------------------+--> ttp_rule_status --ttp_store_ledger-->
 *     ttp_rule --what is wanted--------------------------+      is R0015 live everywhere?
 *
 * A process takes part whose ttp_store_options name a host. In a database the ledger is two tables
 * that all hosts write their own rows of, now and then and many at once; a filesystem store keeps
 * the same for itself, in memory. Nothing of it can stop a rule from working.
 */
#include "ttp/counts.h"
#include "ttp/store.h"

TTP_BEGIN

typedef struct ttp_ledger ttp_ledger;

typedef enum ttp_ledger_verdict {
    TTP_LEDGER_LIVE,    /* runs the text that is wanted */
    TTP_LEDGER_LAGGING, /* runs another one or none, and has not refused the wanted one */
    TTP_LEDGER_REFUSED, /* has refused it; what it runs is an earlier one, or none */
} ttp_ledger_verdict;

/* One host and one rule. */
typedef struct ttp_ledger_row {
    const char *host;
    ttp_ledger_verdict verdict;
    const char *content_hash; /* of the text it runs, 40 hexadecimal digits; empty: it runs none */
    int64_t rule_version;     /* of that text; 0 where it runs none */
    bool quarantined;         /* what it read last is not what it runs */
    const char *error;        /* why: where, line, column and a sentence; NULL: not quarantined */
    int64_t since_us;         /* when this became so; TTP_TIME_NONE: it never told of this rule */
} ttp_ledger_row;

typedef struct ttp_ledger_rule {
    const char *rule_id;      /* the file's name where its rule_id cannot be read */
    bool wanted;              /* false: there is no such rule any more; who still runs it lags */
    const char *content_hash; /* of the text that is wanted; empty: it could not be read */
    int64_t rule_version;     /* of that text; 0 where it could not be read */
    size_t n_live, n_lagging, n_refused;
    const ttp_ledger_row *rows; /* every host that is known, by name */
    size_t n_rows;
} ttp_ledger_rule;

/*
 * The ledger as it stands, rules in the order of their ids. Of a filesystem store it is this
 * process's own. Returns 0, TTP_E_INVALID (a filesystem store that was opened without a host) or
 * what the database returns, with err. Any thread.
 */
TTP_API int ttp_store_ledger(ttp_store *store, ttp_ledger **ret_ledger, ttp_err *err);
/* Takes NULL, returns NULL. */
TTP_API ttp_ledger *ttp_ledger_free(ttp_ledger *ledger);
TTP_API size_t ttp_ledger_count(const ttp_ledger *ledger);
/* The i-th rule, or the one of this id; NULL where there is none. They live as long as ledger. */
TTP_API const ttp_ledger_rule *ttp_ledger_at(const ttp_ledger *ledger, size_t i);
TTP_API const ttp_ledger_rule *ttp_ledger_find(const ttp_ledger *ledger, const char *rule_id);
/* How many hosts have told of anything. */
TTP_API size_t ttp_ledger_n_hosts(const ttp_ledger *ledger);

/*
 * Forget a host that is gone for good: its rows and its counts. Returns 0, TTP_E_NOT_FOUND (nobody
 * of this name), TTP_E_UNSUPPORTED (a filesystem store knows no other) or what the database
 * returns.
 */
TTP_API int ttp_store_forget_host(ttp_store *store, const char *host, ttp_err *err);

/*
 * Add to what a rule did. It is written some seconds later, or at the latest when the store is
 * closed. Does nothing where the store was opened without a host. Returns 0 or -ENOMEM. Any thread.
 */
TTP_API int ttp_store_count(ttp_store *store, const char *rule_id, const ttp_rule_counts *delta);
/*
 * What a rule did, on all hosts together; of a filesystem store, in this process. fn is called for
 * each rule that did anything, by rule_id, until it returns non-zero; it must not call the store.
 * Returns that, 0, or what the database returns.
 */
TTP_API int ttp_store_counts(ttp_store *store,
                             int (*fn)(void *ctx, const char *rule_id,
                                       const ttp_rule_counts *counts),
                             void *ctx, ttp_err *err);

TTP_END
