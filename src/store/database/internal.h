/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Database store, inside. One connection, one lock over it; every change, also one of our own,
 * reaches the subscribers out of the log:
 *
 *     set_state --> BEGIN, write [trigger: log row], publish, COMMIT --+
 *                                                                      +--> tail_read_locked -->
 * queues another process, plain SQL --> log row <-- asked every poll_ms --+
 *
 * So each row is one change, in the log's order, whoever reads it first. Lock order: ours, then the
 * core's.
 */
#include "base/limits.h"
#include "db/db.h"
#include "match/matcher.h"
#include "store/store.h"

/* A rule of the table as it was last read. */
typedef struct known_rule {
    char rule_id[RULE_ID_MAX + 1];
    uint8_t hash[20]; /* of the text that was read last */
    rule *live;       /* its last good version; NULL: none */
    bool refused;     /* the text that was read last is no good: err says why */
    ttp_err err;
} known_rule;

typedef struct database {
    ttp_store head; /* must be first */
    pthread_mutex_t lock;
    /* under lock: */
    db_conn *db;
    matcher *matcher;
    known_rule **known; /* by rule_id */
    size_t n_known, cap_known;
    int64_t last_seq; /* the log row that was fanned out last */
    int64_t own_seq;  /* the log row of our latest transaction, published already */
    int64_t data_version;
    /* the thread that asks the log: */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    bool stop; /* under wake_lock */
} database;

static inline database *database_of(ttp_store *store)
{
    return (database *)store;
}

/* rows.c */

/*
 * Take in the text of a rule's row: what is known of it by its hash, else compiled and put through
 * the gate. A refusal is logged once per text. Returns 0 (see *ret_known) or -ENOMEM.
 */
int rows_take_locked(database *d, const char *rule_id, str text, known_rule **ret_known);
void rows_forget_locked(database *d, const char *rule_id);
void rows_done(database *d);
/* Compile and gate; the id in the text must be rule_id (NULL: any). Returns as rule_read. */
int rows_compile_locked(database *d, const char *rule_id, str text, const char *path,
                        rule **ret_rule, ttp_err *err);
/*
 * A state out of six columns: state, confidence_max, expires_at, reason, set_by, set_at. Returns 0
 * or TTP_E_INVALID (a value that cannot be read; written by another program).
 */
int rows_read_state(db_stmt *stmt, unsigned first, const char *rule_id, ttp_rule_state *ret_state,
                    ttp_err *err);
int rows_load(ttp_store *store, ttp_store_rules *rules, ttp_err *err);
/* A rule_id of a row, or an empty one where it is none. */
void rows_rule_id(db_stmt *stmt, unsigned column, char rule_id[RULE_ID_MAX + 1]);

/* states.c */
int states_get(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state, ttp_err *err);
int states_set(ttp_store *store, const char *rule_id, const ttp_rule_state *state, ttp_err *err);
int states_clear(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err);

/* tail.c */

/* Fan out what the log holds beyond last_seq. Returns 0 or what the database returned. */
int tail_read_locked(database *d, ttp_err *err);
/* The same right after a commit of ours, where a failure is none: the thread tries again. */
void tail_catch_up_locked(database *d);
int tail_start(database *d, ttp_err *err);
void tail_stop(database *d);

/* Publish, then commit; anything that fails rolls back. */
int database_commit_locked(database *d, const ttp_change *change, ttp_err *err);
/* A rule's row in a transaction of its own; nothing where it is there already. */
int database_write_locked(database *d, rule *r, str text, const char *source_path,
                          const char *updated_by, ttp_err *err);
