/* SPDX-License-Identifier: Apache-2.0 */
/* What operators set: written with its log row in one transaction, and published before it ends. */
#include "base/err.h"
#include "base/time.h"
#include "store/database/database.h"
#include "store/database/internal.h"

#include <errno.h>

#define INSTANT_SIZE 26

/* NULL where it is absent; text must last until the statement is run. */
static void bind_instant(db_stmt *stmt, unsigned at, int64_t us, char text[INSTANT_SIZE])
{
    if (us != TTP_TIME_NONE)
        time_format_sql(us, text);
    db_bind_text(stmt, at, us == TTP_TIME_NONE ? STR_NULL : (str){text, INSTANT_SIZE});
}

static int write_state(database *d, const char *rule_id, const ttp_rule_state *s, ttp_err *err)
{
    const char *sql = db_sql(
        d->db,
        "INSERT INTO ttp_rule_state (rule_id, " STATE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (rule_id) DO UPDATE SET state = excluded.state,"
        " confidence_max = excluded.confidence_max, expires_at = excluded.expires_at,"
        " reason = excluded.reason, set_by = excluded.set_by, set_at = excluded.set_at",
        "INSERT INTO ttp_rule_state (rule_id, " STATE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON DUPLICATE KEY UPDATE state = VALUES(state), confidence_max = VALUES(confidence_max),"
        " expires_at = VALUES(expires_at), reason = VALUES(reason), set_by = VALUES(set_by),"
        " set_at = VALUES(set_at)");
    char expires[INSTANT_SIZE], set[INSTANT_SIZE];
    db_stmt *stmt;
    int rc = db_prepare(d->db, sql, &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, rule_id);
    db_bind_c(stmt, 2, state_kind_name(s->kind));
    if (s->has_confidence_max)
        db_bind_double(stmt, 3, s->confidence_max);
    bind_instant(stmt, 4, s->expires_at_us, expires);
    db_bind_c(stmt, 5, s->has_reason ? s->reason : NULL);
    db_bind_c(stmt, 6, s->set_by[0] ? s->set_by : NULL);
    bind_instant(stmt, 7, s->set_at_us, set);
    return db_run(stmt, NULL, err);
}

/* Run a statement of up to two texts; how many rows it changed. */
static int run(database *d, const char *sql, const char *first, str second, uint64_t *ret_changes,
               ttp_err *err)
{
    db_stmt *stmt;
    int rc = db_prepare(d->db, sql, &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, first);
    if (second.ptr)
        db_bind_text(stmt, 2, second);
    return db_run(stmt, ret_changes, err);
}

typedef struct setting {
    const char *rule_id;
    const ttp_rule_state *state;
    str expires; /* of the one that is to be reverted */
    ttp_change change;
} setting;

static int set_work(database *d, void *arg, const ttp_change **ret_change, ttp_err *err)
{
    setting *s = arg;

    *ret_change = &s->change;
    return write_state(d, s->rule_id, s->state, err);
}

int states_set(ttp_store *store, const char *rule_id, const ttp_rule_state *state, ttp_err *err)
{
    database *d = database_of(store);
    setting s = {.rule_id = rule_id, .state = state, .change = change_state(rule_id, state)};
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = database_transact_locked(d, set_work, &s, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* A log row that no trigger writes: what the triggers of schema_mariadb.c do. */
static int log_clearing(database *d, const char *rule_id, ttp_err *err)
{
    bool is_server = db_dialect_of(d->db) != DB_SQLITE;
    int64_t gate;
    uint64_t n;
    int rc = 0;

    if (is_server)
        rc = db_number(d->db, "SELECT version FROM ttp_schema WHERE version = 0 LOCK IN SHARE MODE",
                       &gate, err);
    if (!rc)
        rc = run(d, "INSERT INTO ttp_rule_change (kind, rule_id, deleted) VALUES ('state', ?, 1)",
                 rule_id, STR_NULL, &n, err);
    return rc || !is_server ? rc : db_exec(d->db, "SET @ttp_seq = LAST_INSERT_ID()", err);
}

/*
 * A clear is one change in any case: where nothing was set no trigger tells, so we do. Then there
 * is no row whose lock puts this clear in order with who sets the state at the same time; the
 * isolation level makes the server lock the place where the row would be.
 */
static int clear_work(database *d, void *arg, const ttp_change **ret_change, ttp_err *err)
{
    setting *s = arg;
    uint64_t n;
    int rc = run(d, "DELETE FROM ttp_rule_state WHERE rule_id = ?", s->rule_id, STR_NULL, &n, err);

    *ret_change = &s->change;
    return !rc && n == 0 ? log_clearing(d, s->rule_id, err) : rc;
}

int states_clear(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err)
{
    database *d = database_of(store);
    setting s = {.rule_id = rule_id, .change = change_state(rule_id, &state_default)};
    int rc;

    (void)set_by; /* the default state has no author */
    pthread_mutex_lock(&d->lock);
    rc = database_transact_locked(d, clear_work, &s, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/*
 * Remove a state that has expired. Of all workers that see it, the one whose DELETE finds the row
 * makes the log row and publishes; the value that was judged is part of the condition, so that a
 * state set meanwhile stays.
 */
static int revert_work(database *d, void *arg, const ttp_change **ret_change, ttp_err *err)
{
    setting *s = arg;
    uint64_t n = 0;
    int rc = run(d, "DELETE FROM ttp_rule_state WHERE rule_id = ? AND expires_at = ?", s->rule_id,
                 s->expires, &n, err);

    *ret_change = n ? &s->change : NULL;
    return rc;
}

/* expires: the column's text, copied; empty where the state has not expired. */
static int read_locked(database *d, const char *rule_id, ttp_rule_state *ret_state, buf *expires,
                       ttp_err *err)
{
    db_stmt *stmt;
    int rc = database_ready_locked(d, err);

    if (!rc)
        rc = db_prepare(d->db, "SELECT " STATE_COLUMNS " FROM ttp_rule_state WHERE rule_id = ?",
                        &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, rule_id);
    *ret_state = state_default;
    rc = db_next(stmt, err);
    if (rc)
        return rc == TTP_E_END ? 0 : rc;
    rc = rows_read_state(stmt, 0, rule_id, ret_state, err);
    if (!rc && state_expired(ret_state, time_now_us()))
        buf_put_str(expires, db_text(stmt, 2));
    db_reset(stmt);
    return rc;
}

static int get_locked(database *d, const char *rule_id, ttp_rule_state *ret_state, ttp_err *err)
{
    for (;;) {
        auto_free(buf) buf expires = {0};
        ttp_rule_state state;
        setting s;
        int rc = read_locked(d, rule_id, &state, &expires, err);

        if (!rc && expires.failed)
            rc = err_set(err, -ENOMEM, NULL, "out of memory");
        if (!rc && expires.len == 0)
            *ret_state = state;
        if (rc || expires.len == 0)
            return rc;
        s = (setting){rule_id, NULL, buf_str(&expires), change_state(rule_id, &state_default)};
        rc = database_transact_locked(d, revert_work, &s, err);
        if (rc)
            return rc;
    }
}

int states_get(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state, ttp_err *err)
{
    database *d = database_of(store);
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = get_locked(d, rule_id, ret_state, err);
    if (rc == -ENOTCONN) /* it broke while it was idle: a fresh one, once */
        rc = get_locked(d, rule_id, ret_state, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

typedef int (*state_fn)(void *ctx, const char *rule_id, const ttp_rule_state *state,
                        const ttp_err *err);

static int hand_out_row(db_stmt *stmt, int64_t now_us, state_fn fn, void *ctx)
{
    char rule_id[RULE_ID_MAX + 1];
    ttp_rule_state state = state_default;
    ttp_err bad = {0};
    int rc;

    rows_rule_id(stmt, 6, rule_id);
    if (!rule_id[0])
        return 0; /* nothing of ours can be set by it */
    rc = rows_read_state(stmt, 0, rule_id, &state, &bad);
    if (state_expired(&state, now_us))
        return 0;
    return fn(ctx, rule_id, &state, rc ? &bad : NULL);
}

int database_each_state(ttp_store *store, state_fn fn, void *ctx, ttp_err *err)
{
    database *d = database_of(store);
    int64_t now_us = time_now_us();
    db_stmt *stmt;
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = database_ready_locked(d, err);
    if (!rc)
        rc = db_prepare(d->db,
                        "SELECT " STATE_COLUMNS ", rule_id FROM ttp_rule_state ORDER BY rule_id",
                        &stmt, err);
    while (!rc && (rc = db_next(stmt, err)) == 0) {
        rc = hand_out_row(stmt, now_us, fn, ctx);
        if (rc)
            db_reset(stmt);
    }
    pthread_mutex_unlock(&d->lock);
    return rc == TTP_E_END ? 0 : rc;
}
