/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the change log on, row by row, and hands each row out as one change. The last row that was
 * handed out is read again each time: as long as it is there, nothing behind it was pruned unseen.
 */
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "store/database/internal.h"

#include <errno.h>
#include <stdio.h>

#define BATCH "256"
#define BACKOFF_MAX_MS 30000

/* Is it a row of ours? It is asked for once. */
static bool take_own_row(database *d, int64_t seq)
{
    for (size_t i = 0; i < d->n_own_seqs; i++) {
        if (d->own_seqs[i] != seq)
            continue;
        d->own_seqs[i] = d->own_seqs[--d->n_own_seqs];
        return true;
    }
    return false;
}

/* Ours was published before it was committed; what others wrote is published as it comes in. */
static void send_out(database *d, int64_t seq, ttp_change *change)
{
    bool ours = take_own_row(d, seq);

    pthread_mutex_lock(&d->head.lock);
    if (ours)
        store_fan_out_locked(&d->head, change);
    else
        store_emit_locked(&d->head, change);
    pthread_mutex_unlock(&d->head.lock);
}

/* TAIL_COLUMNS */
enum {
    SEQ,
    KIND,
    RULE_ID,
    DELETED,
    STATE,
};

/* Take in what the rule's row holds by now; *ret_live NULL: it is gone. */
static int take_text(database *d, const char *rule_id, bool *ret_refused, rule **ret_live,
                     ttp_err *err)
{
    known_rule *k;
    db_stmt *stmt;
    int rc = db_prepare(d->db, "SELECT yaml_content FROM ttp_rule WHERE rule_id = ?", &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, rule_id);
    rc = db_next(stmt, err);
    if (rc == TTP_E_END) {
        rows_forget_locked(d, rule_id);
        return 0;
    }
    if (rc)
        return rc;
    rc = rows_take_locked(d, rule_id, db_text(stmt, 0), &k);
    db_reset(stmt);
    if (rc)
        return err_set(err, rc, NULL, "out of memory");
    *ret_refused = k->refused;
    *ret_live = k->live;
    return 0;
}

static int hand_out_definition(database *d, db_stmt *stmt, const char *rule_id, ttp_err *err)
{
    ttp_change change = change_definition(rule_id, NULL);
    bool refused = false;
    int rc = 0;

    if (db_int(stmt, DELETED))
        rows_forget_locked(d, rule_id);
    else
        rc = take_text(d, rule_id, &refused, &change.rule, err);
    if (!rc && !refused)
        send_out(d, db_int(stmt, SEQ), &change);
    return rc;
}

static int hand_out_state(database *d, db_stmt *stmt, const char *rule_id, ttp_err *err)
{
    ttp_rule_state state = state_default;
    ttp_change change;
    ttp_err bad = {0};
    char line[1100];

    if (!db_int(stmt, DELETED) && rows_read_state(stmt, STATE, rule_id, &state, &bad)) {
        log_msg(&d->head.options.log, TTP_LOG_WARNING, "%s",
                ttp_err_format(&bad, line, sizeof(line)));
        return 0;
    }
    if (announced_note_state_locked(d, rule_id, &state))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    change = change_state(rule_id, &state);
    send_out(d, db_int(stmt, SEQ), &change);
    return 0;
}

int tail_hand_out_locked(database *d, db_stmt *stmt, ttp_err *err)
{
    char rule_id[RULE_ID_MAX + 1];

    rows_rule_id(stmt, RULE_ID, rule_id);
    if (!rule_id[0]) {
        log_msg(&d->head.options.log, TTP_LOG_WARNING,
                "a row of the database has a rule_id that is none: passed over");
        return 0;
    }
    if (str_eq(db_text(stmt, KIND), STR("state")))
        return hand_out_state(d, stmt, rule_id, err);
    return hand_out_definition(d, stmt, rule_id, err);
}

/* A row beyond last_seq. */
static int take_row(database *d, db_stmt *stmt, ttp_err *err)
{
    int64_t seq = db_int(stmt, SEQ);
    int rc;

    if (mem_grow(d->gaps, d->cap_gaps, d->n_gaps + 1)) /* before: a row is handed out once */
        return err_set(err, -ENOMEM, NULL, "out of memory");
    rc = tail_hand_out_locked(d, stmt, err);
    if (rc)
        return rc;
    if (db_dialect_of(d->db) != DB_SQLITE)
        (void)gaps_add_locked(d, d->last_seq + 1, seq - 1); /* there is room */
    d->last_seq = seq;
    return 0;
}

/* The next rows; *ret_lost: the one before them is gone. */
static int read_batch(database *d, size_t *ret_n, bool *ret_lost, ttp_err *err)
{
    bool is_found = d->last_seq == 0;
    db_stmt *stmt;
    int rc = db_prepare(d->db,
                        "SELECT " TAIL_COLUMNS
                        " FROM ttp_rule_change WHERE seq >= ? ORDER BY seq LIMIT " BATCH,
                        &stmt, err);

    if (rc)
        return rc;
    *ret_n = 0;
    db_bind_int(stmt, 1, d->last_seq);
    while ((rc = db_next(stmt, err)) == 0) {
        if (!is_found && db_int(stmt, SEQ) == d->last_seq) {
            is_found = true;
            continue;
        }
        if (!is_found)
            break;
        rc = take_row(d, stmt, err);
        if (rc)
            break;
        ++*ret_n;
    }
    db_reset(stmt);
    if (rc && rc != TTP_E_END)
        return rc;
    *ret_lost = !is_found;
    return 0;
}

/* Gaps, then new rows, as of one moment: see gaps.c. */
static int read_once(database *d, size_t *ret_n, ttp_err *err)
{
    bool joined = true, lost = false;
    int rc;

    if (d->is_another) {
        rc = announced_compare_locked(d, err);
        d->is_another = rc != 0;
        *ret_n = 0;
        return rc;
    }
    rc = d->n_gaps ? database_begin_read_locked(d, &joined, err) : 0;
    if (rc)
        return rc;
    rc = gaps_read_locked(d, err);
    if (!rc)
        rc = read_batch(d, ret_n, &lost, err);
    database_end_read_locked(d, joined);
    return !rc && lost ? announced_compare_locked(d, err) : rc;
}

int tail_read_locked(database *d, ttp_err *err)
{
    size_t n = 0;
    int rc;

    do {
        rc = read_once(d, &n, err);
    } while (!rc && n > 0);
    return rc;
}

void tail_catch_up_locked(database *d)
{
    ttp_err err = {0};
    char line[1100];

    if (!tail_read_locked(d, &err)) {
        d->is_behind = false;
        gaps_prune_locked(d);
        return;
    }
    if (!d->is_behind) /* a syncer writes thousands of rules */
        log_msg(&d->head.options.log, TTP_LOG_WARNING, "%s",
                ttp_err_format(&err, line, sizeof(line)));
    d->is_behind = true;
    d->data_version = -1; /* the thread looks again */
}

/* Ask SQLite whether any other connection wrote anything, which costs no query, then the log. */
static int poll_sqlite(database *d, ttp_err *err)
{
    int64_t version = 0;
    int rc = db_number(d->db, "PRAGMA data_version", &version, err);

    if (rc || version == d->data_version)
        return rc;
    rc = tail_read_locked(d, err);
    if (!rc)
        d->data_version = version;
    return rc;
}

static int poll_server(database *d, ttp_err *err)
{
    int64_t up_to = gaps_are_final_locked(d) ? d->last_seq : 0; /* asked before the reading */
    int rc = tail_read_locked(d, err);

    if (!rc)
        gaps_drop_locked(d, up_to);
    return rc;
}

static int poll_locked(database *d, ttp_err *err)
{
    int rc = database_ready_locked(d, err);

    if (!rc)
        rc = db_dialect_of(d->db) == DB_SQLITE ? poll_sqlite(d, err) : poll_server(d, err);
    if (!rc) {
        d->is_behind = false;
        gaps_prune_locked(d);
    }
    return rc;
}

/* Returns whether to go on. */
static bool wait_ms(database *d, unsigned ms)
{
    struct timespec end;
    bool stop;

    (void)clock_gettime(CLOCK_MONOTONIC, &end); /* this clock is always there */
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    end.tv_sec += ms / 1000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&d->wake_lock);
    while (!d->stop && pthread_cond_timedwait(&d->wake, &d->wake_lock, &end) == 0) {
    }
    stop = d->stop;
    pthread_mutex_unlock(&d->wake_lock);
    return !stop;
}

/* Twice as long after each failure, up to half a minute, and never all workers at once. */
static unsigned next_wait_ms(const database *d, unsigned n_failures)
{
    uint64_t ms = d->head.options.poll_ms;

    if (n_failures == 0)
        return (unsigned)ms;
    ms <<= n_failures < 16 ? n_failures : 16;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return (unsigned)(ms / 2 + (uint64_t)time_monotonic_ns() / 1000 % (ms / 2 + 1));
}

static void note_outcome(database *d, int rc, const ttp_err *err, unsigned *n_failures)
{
    char line[1100];

    if (rc && (*n_failures)++ == 0)
        log_msg(&d->head.options.log, TTP_LOG_ERROR,
                "%s; what is loaded goes on, and the database is asked again",
                ttp_err_format(err, line, sizeof(line)));
    if (!rc && *n_failures) {
        log_msg(&d->head.options.log, TTP_LOG_INFO, "the database can be read again");
        *n_failures = 0;
    }
}

static void *follow(void *arg)
{
    database *d = arg;
    unsigned n_failures = 0;

    while (wait_ms(d, next_wait_ms(d, n_failures))) {
        ttp_err err = {0};
        int rc;

        pthread_mutex_lock(&d->lock);
        rc = poll_locked(d, &err);
        pthread_mutex_unlock(&d->lock);
        note_outcome(d, rc, &err, &n_failures);
        if (!rc)
            ledger_push(d);
    }
    return NULL;
}

static int start_thread(database *d, ttp_err *err)
{
    pthread_condattr_t clock;
    int rc = -pthread_condattr_init(&clock);

    if (!rc) {
        (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC); /* this clock is always there */
        rc = -pthread_cond_init(&d->wake, &clock);
        (void)pthread_condattr_destroy(&clock); /* holds nothing */
    }
    if (!rc) {
        rc = thread_start(&d->thread, follow, d);
        if (rc)
            (void)pthread_cond_destroy(&d->wake); /* nobody waits */
    }
    d->has_thread = rc == 0;
    return rc ? err_set(err, rc, NULL, "cannot start a thread: %s", strerror(-rc)) : 0;
}

/* A private database needs no thread: nobody else writes to it. */
int tail_start(database *d, ttp_err *err)
{
    bool joined;
    int rc = database_begin_read_locked(d, &joined, err);

    if (!rc) {
        rc = gaps_take_stock_locked(d, err);
        if (!rc)
            rc = announced_states_locked(d, err);
        database_end_read_locked(d, joined);
    }
    d->data_version = -1; /* whatever came between the two is asked for once more */
    if (rc || db_is_private(d->db))
        return rc;
    return start_thread(d, err);
}

void tail_stop(database *d)
{
    if (!d->has_thread)
        return;
    pthread_mutex_lock(&d->wake_lock);
    d->stop = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->wake_lock);
    (void)pthread_join(d->thread, NULL); /* it is ours and was not joined yet */
    ledger_push_last(d);
    (void)pthread_cond_destroy(&d->wake);
}
