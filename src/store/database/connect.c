/* SPDX-License-Identifier: Apache-2.0 */
/* The connection, made again where it is lost, and the transactions over it. */
#include "base/err.h"
#include "base/log.h"
#include "base/time.h"
#include "db/schema.h"
#include "store/database/internal.h"

#include <errno.h>
#include <unistd.h>

/* A writer that waits holds up its own process's readers of the store. */
#define STORE_BUSY_MS 5000
/* After a failed attempt all calls fail alike for so long: each attempt may take seconds. */
#define CONNECT_PAUSE_NS 1000000000
#define TRIES_MAX 8

/* Galera's nodes draw numbers that no lock of another node's tells of. */
static bool has_gate(db_conn *db)
{
    int64_t n = 0;

    if (db_dialect_of(db) == DB_SQLITE)
        return false;
    return db_number(db,
                     "SELECT COUNT(*) FROM information_schema.global_variables"
                     " WHERE variable_name = 'WSREP_ON' AND variable_value = 'ON'",
                     &n, NULL) != 0 ||
           n == 0; /* MySQL has no such table, and no Galera */
}

static int connect_locked(database *d, ttp_err *err)
{
    /* who deletes the file under us, to put another there, shall find no empty one in its place */
    const db_options options = {.busy_timeout_ms = STORE_BUSY_MS,
                                .must_exist = d->n_connections > 0};
    auto_free(db_conn) db_conn *db = NULL;
    int rc = db_open(d->head.options.db_url, &options, &db, err);

    if (!rc)
        rc = db_schema_prepare(db, err);
    if (rc)
        return rc;
    if (d->n_connections++ && db_dialect_of(db) == DB_SQLITE) {
        d->is_another = true;
        d->n_own_seqs = 0;
    }
    d->db = db_close(d->db);
    d->db = take(db);
    d->drawn_seq = 0;
    d->data_version = -1;
    d->in_snapshot = false;
    d->has_gate = has_gate(d->db);
    return 0;
}

int database_ready_locked(database *d, ttp_err *err)
{
    int64_t now_ns = time_monotonic_ns();
    int rc;

    if (d->db && !db_is_lost(d->db) && !(!d->in_snapshot && db_has_moved(d->db)))
        return 0;
    if (d->failed_ns && now_ns - d->failed_ns < CONNECT_PAUSE_NS) {
        if (err)
            *err = d->failure;
        return d->failure.code;
    }
    rc = connect_locked(d, &d->failure);
    d->failed_ns = rc ? time_monotonic_ns() : 0;
    if (rc && err)
        *err = d->failure;
    return rc;
}

/* The log row that the transaction wrote; 0: none. */
static int find_own_row(database *d, int64_t *ret_seq, ttp_err *err)
{
    int64_t seq = 0;
    int rc;

    /* of SQLite the lock on writing is ours, so the last row is */
    if (db_dialect_of(d->db) == DB_SQLITE)
        return db_number(d->db, "SELECT max(seq) FROM ttp_rule_change", ret_seq, err);
    rc = db_number(d->db, "SELECT CAST(COALESCE(@ttp_seq, 0) AS SIGNED)", &seq, err);
    if (rc)
        return rc;
    *ret_seq = seq == d->drawn_seq ? 0 : seq;
    d->drawn_seq = seq;
    return 0;
}

static void note_own_row(database *d, int64_t seq)
{
    /* without memory it is only published twice */
    if (seq && mem_grow(d->own_seqs, d->cap_own_seqs, d->n_own_seqs + 1) == 0)
        d->own_seqs[d->n_own_seqs++] = seq;
}

static int fail_in_doubt(database *d, ttp_err *err)
{
    return err_set(err, -EIO, db_where(d->db),
                   "the connection broke off while the change was written: whether it was kept is "
                   "not known; look, and do it again if it was not");
}

static int commit_locked(database *d, const ttp_change *change, ttp_err *err)
{
    int64_t seq = 0;
    int rc = change ? find_own_row(d, &seq, err) : 0;

    if (!rc && change) {
        rc = store_publish(&d->head, change, err);
        d->refused = rc != 0;
    }
    if (rc) {
        db_rollback(d->db);
        return rc;
    }
    rc = db_commit(d->db, err);
    if (!rc || db_is_lost(d->db)) /* then it may have been kept */
        note_own_row(d, seq);
    if (rc && db_is_lost(d->db))
        return fail_in_doubt(d, err);
    if (rc)
        db_rollback(d->db);
    return rc;
}

static int transact_once(database *d, database_work work, void *arg, ttp_err *err)
{
    const ttp_change *change = NULL;
    int rc = database_ready_locked(d, err);

    if (!rc)
        rc = db_begin(d->db, err);
    if (rc)
        return rc;
    rc = work(d, arg, &change, err);
    if (!rc)
        return commit_locked(d, change, err);
    db_rollback(d->db);
    return rc;
}

int database_transact_locked(database *d, database_work work, void *arg, ttp_err *err)
{
    int rc = -EDEADLK;

    d->refused = false;
    for (int i = 0; i < TRIES_MAX && rc == -EDEADLK && !d->refused; i++) {
        if (i) /* some milliseconds, others than the other's */
            (void)usleep((useconds_t)(time_monotonic_ns() / 1000 % (1000u << i)));
        rc = transact_once(d, work, arg, err);
        if (rc == -ENOTCONN && i == 0 && !d->refused) /* it broke while it was idle: a fresh one */
            rc = transact_once(d, work, arg, err);
    }
    if (!rc)
        tail_catch_up_locked(d);
    return rc;
}

int database_begin_read_locked(database *d, bool *ret_joined, ttp_err *err)
{
    int rc;

    *ret_joined = d->in_snapshot;
    if (d->in_snapshot)
        return 0;
    rc = db_begin_read(d->db, err);
    d->in_snapshot = rc == 0;
    return rc;
}

void database_end_read_locked(database *d, bool joined)
{
    if (joined)
        return;
    db_rollback(d->db); /* it only read */
    d->in_snapshot = false;
}
