/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the change log on, row by row, and hands each row out as one change. SQLite writes one
 * transaction after another, so that sequence numbers become visible in their order, without gaps.
 */
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "store/database/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#define BATCH "256"
#define BACKOFF_MAX_MS 30000

/* Ours was published before it was committed; what others wrote is published as it comes in. */
static void send_out(database *d, db_stmt *stmt, ttp_change *change)
{
    bool ours = db_int(stmt, 0) == d->own_seq;

    pthread_mutex_lock(&d->head.lock);
    if (ours)
        store_fan_out_locked(&d->head, change);
    else
        store_emit_locked(&d->head, change);
    pthread_mutex_unlock(&d->head.lock);
}

/* Columns: seq, kind, rule_id, deleted, the six of a state, yaml_content. */
enum {
    SEQ,
    KIND,
    RULE_ID,
    DELETED,
    STATE,
    TEXT = STATE + 6
};

static int hand_out_definition(database *d, db_stmt *stmt, const char *rule_id)
{
    str text = db_text(stmt, TEXT);
    ttp_change change = change_definition(rule_id, NULL);
    known_rule *k;
    int rc;

    if (text.ptr) { /* not deleted, neither here nor since */
        rc = rows_take_locked(d, rule_id, text, &k);
        if (rc || k->refused)
            return rc;
        change.rule = k->live;
    } else {
        rows_forget_locked(d, rule_id);
    }
    send_out(d, stmt, &change);
    return 0;
}

static void hand_out_state(database *d, db_stmt *stmt, const char *rule_id)
{
    ttp_rule_state state = state_default;
    ttp_change change;
    ttp_err err = {0};
    char line[1100];

    if (!db_int(stmt, DELETED) && rows_read_state(stmt, STATE, rule_id, &state, &err)) {
        log_msg(&d->head.options.log, TTP_LOG_WARNING, "%s",
                ttp_err_format(&err, line, sizeof(line)));
        return;
    }
    change = change_state(rule_id, &state);
    send_out(d, stmt, &change);
}

static int hand_out(database *d, db_stmt *stmt)
{
    char rule_id[RULE_ID_MAX + 1];

    rows_rule_id(stmt, RULE_ID, rule_id);
    if (!rule_id[0]) {
        log_msg(&d->head.options.log, TTP_LOG_WARNING,
                "a row of the database has a rule_id that is none: passed over");
        return 0;
    }
    if (str_eq(db_text(stmt, KIND), STR("state"))) {
        hand_out_state(d, stmt, rule_id);
        return 0;
    }
    return hand_out_definition(d, stmt, rule_id);
}

int tail_read_locked(database *d, ttp_err *err)
{
    static const char sql[] =
        "SELECT c.seq, c.kind, c.rule_id, c.deleted, c.state, c.confidence_max, c.expires_at,"
        " c.reason, c.set_by, c.set_at, r.yaml_content FROM ttp_rule_change AS c"
        " LEFT JOIN ttp_rule AS r ON c.kind = 'definition' AND NOT c.deleted"
        " AND r.rule_id = c.rule_id WHERE c.seq > ? ORDER BY c.seq LIMIT " BATCH;
    int n;

    do {
        db_stmt *stmt;
        int rc = db_prepare(d->db, sql, &stmt, err);

        if (rc)
            return rc;
        db_bind_int(stmt, 1, d->last_seq);
        for (n = 0; (rc = db_next(stmt, err)) == 0; n++) {
            if (hand_out(d, stmt)) {
                db_reset(stmt);
                return err_set(err, -ENOMEM, NULL, "out of memory");
            }
            d->last_seq = db_int(stmt, SEQ);
        }
        if (rc != TTP_E_END)
            return rc;
    } while (n > 0);
    return 0;
}

void tail_catch_up_locked(database *d)
{
    ttp_err err = {0};
    char line[1100];

    if (!tail_read_locked(d, &err))
        return;
    log_msg(&d->head.options.log, TTP_LOG_WARNING, "%s", ttp_err_format(&err, line, sizeof(line)));
    d->data_version = -1; /* the thread looks again */
}

/* Ask SQLite whether any other connection wrote anything, which costs no query, then the log. */
static int poll_locked(database *d, ttp_err *err)
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
    }
    return NULL;
}

static int start_thread(database *d, ttp_err *err)
{
    pthread_condattr_t clock;
    sigset_t all, before;
    int rc = -pthread_condattr_init(&clock);

    if (!rc) {
        (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC); /* this clock is always there */
        rc = -pthread_cond_init(&d->wake, &clock);
        (void)pthread_condattr_destroy(&clock); /* holds nothing */
    }
    if (!rc) {
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the arguments are right */
        rc = -pthread_create(&d->thread, NULL, follow, d);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as above */
        if (rc)
            (void)pthread_cond_destroy(&d->wake); /* nobody waits */
    }
    d->has_thread = rc == 0;
    return rc ? err_set(err, rc, NULL, "cannot start a thread: %s", strerror(-rc)) : 0;
}

/* A private database needs no thread: nobody else writes to it. */
int tail_start(database *d, ttp_err *err)
{
    int rc =
        db_number(d->db, "SELECT coalesce(max(seq), 0) FROM ttp_rule_change", &d->last_seq, err);

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
    (void)pthread_cond_destroy(&d->wake);
}
