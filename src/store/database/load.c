/* SPDX-License-Identifier: Apache-2.0 */
/* All rules with their states, out of the tables, or as they are known where those are away. */
#include "base/err.h"
#include "base/log.h"
#include "base/time.h"
#include "store/database/internal.h"

#include <errno.h>

/* One row of a load: what is live of the rule, with its state, and what is wrong with either. */
static int load_row(database *d, db_stmt *stmt, int64_t now_us, ttp_store_rules *rules)
{
    char rule_id[RULE_ID_MAX + 1];
    ttp_rule_state state = state_default;
    known_rule *k = NULL;
    ttp_err err = {0};
    int rc;

    rows_rule_id(stmt, 0, rule_id);
    if (!rule_id[0]) {
        (void)err_set(&err, TTP_E_INVALID, "ttp_rule",
                      "a row's rule_id is none; expected 1 to 64 letters, digits or underscores");
        return store_rules_diagnose(rules, "", &err, false);
    }
    rc = rows_take_locked(d, rule_id, db_text(stmt, 1), &k);
    if (!rc && k->refused)
        rc = store_rules_diagnose(rules, rule_id, &k->err, k->live != NULL);
    if (rc || !k->live)
        return rc;
    if (!db_is_null(stmt, 8) && rows_read_state(stmt, 2, rule_id, &state, &err))
        rc = store_rules_diagnose(rules, rule_id, &err, true);
    if (state_expired(&state, now_us))
        state = state_default;
    return rc ? rc : store_rules_add(rules, k->live, &state);
}

static int load_rows(database *d, ttp_store_rules *rules, ttp_err *err)
{
    int64_t now_us = time_now_us();
    db_stmt *stmt;
    int rc = db_prepare(d->db,
                        "SELECT r.rule_id, r.yaml_content, s.state, s.confidence_max, s.expires_at,"
                        " s.reason, s.set_by, s.set_at, s.rule_id FROM ttp_rule AS r"
                        " LEFT JOIN ttp_rule_state AS s ON s.rule_id = r.rule_id"
                        " ORDER BY r.rule_id",
                        &stmt, err);

    if (rc)
        return rc;
    while ((rc = db_next(stmt, err)) == 0) {
        rc = load_row(d, stmt, now_us, rules);
        if (rc) {
            db_reset(stmt);
            return err_set(err, rc, NULL, "out of memory");
        }
    }
    return rc == TTP_E_END ? 0 : rc;
}

/* Log and tables as of one moment: what the sequence names is exactly what is contained. */
static int load_tables(database *d, ttp_store_rules *rules, ttp_err *err)
{
    bool joined;
    int rc = database_ready_locked(d, err);

    if (!rc)
        rc = database_begin_read_locked(d, &joined, err);
    if (rc)
        return rc;
    rc = tail_read_locked(d, err);
    if (!rc)
        rc = load_rows(d, rules, err);
    database_end_read_locked(d, joined);
    return rc;
}

/* What runs goes on running, and why it cannot be more is among the diagnostics. */
static int load_known(database *d, ttp_store_rules *rules, const ttp_err *why)
{
    int64_t now_us = time_now_us();
    int rc = store_rules_diagnose(rules, NULL, why, true);

    for (size_t i = 0; !rc && i < d->n_known; i++) {
        const known_rule *k = d->known[i];
        const ttp_rule_state *s = announced_state_locked(d, k->rule_id);

        if (k->refused)
            rc = store_rules_diagnose(rules, k->rule_id, &k->err, k->live != NULL);
        if (!rc && k->live)
            rc = store_rules_add(rules, k->live, state_expired(s, now_us) ? &state_default : s);
    }
    return rc;
}

int database_load(ttp_store *store, ttp_store_rules *rules, ttp_err *err)
{
    database *d = database_of(store);
    ttp_err own = {0};
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = load_tables(d, rules, &own);
    if (rc == -ENOTCONN) { /* it broke while it was idle: a fresh one, once */
        store_rules_clear(rules);
        rc = load_tables(d, rules, &own);
    }
    if (!rc)
        ledger_settle(store->ledger);
    if (rc && d->has_loaded) {
        store_rules_clear(rules);
        rc = load_known(d, rules, &own);
    }
    d->has_loaded = d->has_loaded || rc == 0;
    pthread_mutex_lock(&store->lock);
    store_rules_set_sequence(rules, store->sequence); /* only what holds our lock raises it */
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&d->lock);
    if (rc && err)
        *err = own;
    return rc;
}
