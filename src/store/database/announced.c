/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What subscribers were told last, and how the tables differ from it: for who was away longer than
 * the log remembers.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/sorted.h"
#include "store/database/internal.h"

#include <errno.h>
#include <stdio.h>

static const char *key_of(const void *states, size_t i)
{
    known_state *const *known = states;

    return known[i]->rule_id;
}

static size_t place_of(const database *d, const char *rule_id, bool *ret_found)
{
    return sorted_place(d->states, d->n_states, key_of, rule_id, ret_found);
}

static bool same_state(const ttp_rule_state *a, const ttp_rule_state *b)
{
    return a->kind == b->kind && a->has_confidence_max == b->has_confidence_max &&
           (!a->has_confidence_max || a->confidence_max == b->confidence_max) &&
           a->expires_at_us == b->expires_at_us && a->set_at_us == b->set_at_us &&
           strcmp(a->set_by, b->set_by) == 0 && a->has_reason == b->has_reason &&
           (!a->has_reason || strcmp(a->reason, b->reason) == 0);
}

const ttp_rule_state *announced_state_locked(database *d, const char *rule_id)
{
    bool found;
    size_t i = place_of(d, rule_id, &found);

    return found ? &d->states[i]->state : &state_default;
}

static void remove_state(database *d, size_t at)
{
    free(d->states[at]);
    memmove(&d->states[at], &d->states[at + 1], (--d->n_states - at) * sizeof(*d->states));
}

int announced_note_state_locked(database *d, const char *rule_id, const ttp_rule_state *state)
{
    bool found;
    size_t at = place_of(d, rule_id, &found);
    known_state *k;

    if (same_state(state, &state_default)) {
        if (found)
            remove_state(d, at);
        return 0;
    }
    if (!found) {
        if (mem_grow(d->states, d->cap_states, d->n_states + 1) || !(k = calloc(1, sizeof(*k))))
            return -ENOMEM;
        (void)snprintf(k->rule_id, sizeof(k->rule_id), "%s", rule_id); /* checked by its caller */
        memmove(&d->states[at + 1], &d->states[at], (d->n_states++ - at) * sizeof(*d->states));
        d->states[at] = k;
    }
    d->states[at]->state = *state;
    d->states[at]->is_there = true;
    return 0;
}

void announced_done(database *d)
{
    for (size_t i = 0; i < d->n_states; i++)
        free(d->states[i]);
    free(d->states);
}

/* A state's row: announced where it differs and is not only taken note of. */
static int compare_state(database *d, db_stmt *stmt, bool announce)
{
    char rule_id[RULE_ID_MAX + 1];
    ttp_rule_state state = state_default;
    ttp_change change;
    bool found;
    size_t at;

    rows_rule_id(stmt, 6, rule_id);
    if (!rule_id[0])
        return 0;
    at = place_of(d, rule_id, &found);
    if (found)
        d->states[at]->is_there = true;
    if (rows_read_state(stmt, 0, rule_id, &state, NULL) != 0 ||
        same_state(&state, announced_state_locked(d, rule_id)))
        return 0; /* one that cannot be read is told by who asks for it */
    change = change_state(rule_id, &state);
    if (announce)
        store_emit(&d->head, &change);
    return announced_note_state_locked(d, rule_id, &state);
}

static int compare_states(database *d, bool announce, ttp_err *err)
{
    db_stmt *stmt;
    int rc;

    for (size_t i = 0; i < d->n_states; i++)
        d->states[i]->is_there = false;
    rc = db_prepare(d->db, "SELECT " STATE_COLUMNS ", rule_id FROM ttp_rule_state", &stmt, err);
    while (!rc && (rc = db_next(stmt, err)) == 0) {
        rc = compare_state(d, stmt, announce);
        if (rc) {
            db_reset(stmt);
            return err_set(err, rc, NULL, "out of memory");
        }
    }
    if (rc != TTP_E_END)
        return rc;
    for (size_t i = d->n_states; i-- > 0;) {
        ttp_change change = change_state(d->states[i]->rule_id, &state_default);

        if (d->states[i]->is_there)
            continue;
        store_emit(&d->head, &change);
        remove_state(d, i);
    }
    return 0;
}

int announced_states_locked(database *d, ttp_err *err)
{
    return compare_states(d, false, err);
}

static int compare_rule(database *d, db_stmt *stmt)
{
    char rule_id[RULE_ID_MAX + 1];
    const known_rule *before;
    const rule *ran;
    known_rule *k = NULL;
    ttp_change change;
    int rc;

    rows_rule_id(stmt, 0, rule_id);
    if (!rule_id[0])
        return 0;
    before = rows_find_locked(d, rule_id);
    ran = before ? before->live : NULL; /* compared, not used: it may be gone */
    rc = rows_take_locked(d, rule_id, db_text(stmt, 1), &k);
    if (rc)
        return rc;
    k->is_there = true;
    if (!k->live || k->live == ran)
        return 0;
    change = change_definition(rule_id, k->live);
    store_emit(&d->head, &change);
    return 0;
}

static int compare_rules(database *d, ttp_err *err)
{
    db_stmt *stmt;
    int rc;

    for (size_t i = 0; i < d->n_known; i++)
        d->known[i]->is_there = false;
    rc = db_prepare(d->db, "SELECT rule_id, yaml_content FROM ttp_rule ORDER BY rule_id", &stmt,
                    err);
    while (!rc && (rc = db_next(stmt, err)) == 0) {
        rc = compare_rule(d, stmt);
        if (rc) {
            db_reset(stmt);
            return err_set(err, rc, NULL, "out of memory");
        }
    }
    if (rc != TTP_E_END)
        return rc;
    for (size_t i = d->n_known; i-- > 0;) {
        ttp_change change = change_definition(d->known[i]->rule_id, NULL);

        if (d->known[i]->is_there)
            continue;
        if (d->known[i]->live)
            store_emit(&d->head, &change);
        rows_forget_locked(d, change.rule_id);
    }
    return 0;
}

int announced_compare_locked(database *d, ttp_err *err)
{
    bool joined;
    int rc = database_begin_read_locked(d, &joined, err);

    if (rc)
        return rc;
    log_msg(&d->head.options.log, TTP_LOG_WARNING,
            "the database's change log does not go on where it was left: all rules and states are "
            "compared");
    rc = compare_rules(d, err);
    if (!rc)
        rc = compare_states(d, true, err);
    if (!rc) /* last: a failure before compares again */
        rc = gaps_take_stock_locked(d, err);
    database_end_read_locked(d, joined);
    return rc;
}
