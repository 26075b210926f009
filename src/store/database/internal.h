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
    bool is_there;    /* found by the comparison that runs */
    ttp_err err;
} known_rule;

/* A state that is not the default one, as it was announced last. */
typedef struct known_state {
    char rule_id[RULE_ID_MAX + 1];
    bool is_there; /* found by the comparison that runs */
    ttp_rule_state state;
} known_state;

/* Numbers of the log that were drawn and have not been seen, both ends included. */
typedef struct seq_range {
    int64_t low, high;
} seq_range;

/* What the thread needs to write the ledger (ledger.c). */
typedef struct ledger_writer {
    db_conn *conn; /* NULL: none is open */
    bool adopted;  /* what stood there has been read */
    bool moved;    /* to another file, to which nothing has been written yet */
    unsigned n_failures;
    int64_t retry_ns;  /* after a failure: not before */
    int64_t counts_ns; /* when counts are due */
} ledger_writer;

typedef struct database {
    ttp_store head; /* must be first */
    pthread_mutex_t lock;
    /* under lock: */
    db_conn *db;       /* NULL or lost: connect.c makes another */
    int64_t failed_ns; /* when that failed last; 0: it did not */
    ttp_err failure;
    matcher *matcher;
    known_rule **known; /* by rule_id */
    size_t n_known, cap_known;
    known_state **states; /* by rule_id */
    size_t n_states, cap_states;
    bool has_loaded;  /* known is all that was there */
    bool in_snapshot; /* what is read now is read as of one moment */
    bool refused;     /* the publish hook did: its error says nothing of the connection */
    bool is_behind;   /* the log could not be read after a write, and that was said */
    bool is_another;  /* the file was replaced: nothing of the log is known */
    unsigned n_connections;
    int64_t last_seq; /* the highest log row that was fanned out */
    seq_range *gaps;  /* below it, in order: see gaps.c */
    size_t n_gaps, cap_gaps;
    bool has_too_many_gaps; /* and said so */
    bool has_gate;          /* the server's gate tells whether a gap can still be filled */
    int64_t drawn_seq;      /* MariaDB: the last log row of this connection's */
    int64_t *own_seqs;      /* log rows of ours, published already, not fanned out yet */
    size_t n_own_seqs, cap_own_seqs;
    int64_t prune_seq;    /* when last_seq gets there the log is pruned */
    int64_t data_version; /* SQLite's; -1: look in any case */
    /* the thread that asks the log: */
    pthread_t thread;
    bool has_thread;
    ledger_writer writer; /* the thread's */
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    bool stop; /* under wake_lock */
} database;

static inline database *database_of(ttp_store *store)
{
    return (database *)store;
}

/* connect.c */

/*
 * A connection that works: the one that is there, or another where that is lost. Within a second of
 * a failure it fails again by itself.
 */
int database_ready_locked(database *d, ttp_err *err);
/*
 * Do work in a transaction of its own and hand out its change: publish, then commit; anything that
 * fails rolls back. What another transaction or a lost connection undid is done again. *ret_change
 * (NULL before the call) is what the work changed.
 */
typedef int (*database_work)(database *d, void *arg, const ttp_change **ret_change, ttp_err *err);
int database_transact_locked(database *d, database_work work, void *arg, ttp_err *err);
/* A consistent view for all that is read until the end; nested calls join the outer one. */
int database_begin_read_locked(database *d, bool *ret_joined, ttp_err *err);
void database_end_read_locked(database *d, bool joined);

/* rows.c */

/*
 * Take in the text of a rule's row: what is known of it by its hash, else compiled and put through
 * the gate. A refusal is logged once per text. Returns 0 (see *ret_known) or -ENOMEM.
 */
int rows_take_locked(database *d, const char *rule_id, str text, known_rule **ret_known);
void rows_forget_locked(database *d, const char *rule_id);
known_rule *rows_find_locked(database *d, const char *rule_id); /* NULL: not known */
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
/* A rule_id of a row, or an empty one where it is none. */
void rows_rule_id(db_stmt *stmt, unsigned column, char rule_id[RULE_ID_MAX + 1]);

/* load.c */
int database_load(ttp_store *store, ttp_store_rules *rules, ttp_err *err);

/* states.c */
#define STATE_COLUMNS "state, confidence_max, expires_at, reason, set_by, set_at"
int states_get(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state, ttp_err *err);
int states_set(ttp_store *store, const char *rule_id, const ttp_rule_state *state, ttp_err *err);
int states_clear(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err);

/* announced.c: what subscribers were told last */

/* A state was announced: remember it. Returns 0 or -ENOMEM. */
int announced_note_state_locked(database *d, const char *rule_id, const ttp_rule_state *state);
const ttp_rule_state *announced_state_locked(database *d, const char *rule_id); /* never NULL */
/* Read all states, as if they had been announced. */
int announced_states_locked(database *d, ttp_err *err);
/*
 * The log no longer holds what came after last_seq: announce how the tables differ from what was
 * announced, and go on from the log's end.
 */
int announced_compare_locked(database *d, ttp_err *err);
void announced_done(database *d);

/* gaps.c */

int gaps_add_locked(database *d, int64_t low, int64_t high); /* 0 or -ENOMEM; above all others */
/* Hand out the rows that filled gaps. */
int gaps_read_locked(database *d, ttp_err *err);
/* Where the log stands now: last_seq is its end, and what is missing below it are gaps. */
int gaps_take_stock_locked(database *d, ttp_err *err);
/* Can no gap of now be filled any more, but by what is visible already? */
bool gaps_are_final_locked(database *d);
void gaps_drop_locked(database *d, int64_t up_to);
/* Delete the log's oldest rows where it has too many. */
void gaps_prune_locked(database *d);

/* tail.c */

#define TAIL_COLUMNS                                                                               \
    "seq, kind, rule_id, deleted, state, confidence_max, expires_at, reason, set_by, set_at"
/* Fan out one row of TAIL_COLUMNS. Returns 0 or what the database returns. */
int tail_hand_out_locked(database *d, db_stmt *stmt, ttp_err *err);
/* Fan out what the log holds beyond last_seq. Returns 0 or what the database returned. */
int tail_read_locked(database *d, ttp_err *err);
/* The same right after a commit of ours, where a failure is none: the thread tries again. */
void tail_catch_up_locked(database *d);
int tail_start(database *d, ttp_err *err);
void tail_stop(database *d);

/* ledger.c */

/* Write what is new in the ledger, where that is due; what fails is tried again another time. The
 * thread's; no lock is held. */
void ledger_push(database *d);
/* The same for the last time: the counts are due. After the thread. */
void ledger_push_last(database *d);
int ledger_view_tables(ttp_store *store, ttp_ledger *view, ttp_err *err);
int ledger_read_counts(ttp_store *store, counts *sum, ttp_err *err);
int ledger_forget_host(ttp_store *store, const char *host, ttp_err *err);

/* database.c */

/* A rule's row in a transaction of its own; nothing where it is there already. */
int database_write_locked(database *d, rule *r, str text, const char *source_path,
                          const char *updated_by, ttp_err *err);
