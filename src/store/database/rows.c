/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the two tables: rules compiled once per text, states read with mistrust. */
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/sorted.h"
#include "base/time.h"
#include "base/uuid.h"
#include "store/database/internal.h"

#include <errno.h>
#include <stdio.h>

static const char *key_of(const void *rules, size_t i)
{
    known_rule *const *known = rules;

    return known[i]->rule_id;
}

static size_t place_of(const database *d, const char *rule_id, bool *ret_found)
{
    return sorted_place(d->known, d->n_known, key_of, rule_id, ret_found);
}

static void free_known(known_rule *k)
{
    (void)rule_unref(k->live); /* returns NULL */
    free(k);
}

known_rule *rows_find_locked(database *d, const char *rule_id)
{
    bool found;
    size_t i = place_of(d, rule_id, &found);

    return found ? d->known[i] : NULL;
}

void rows_forget_locked(database *d, const char *rule_id)
{
    bool found;
    size_t i = place_of(d, rule_id, &found);

    ledger_note(d->head.ledger, rule_id, NULL, NULL, NULL);
    if (!found)
        return;
    free_known(d->known[i]);
    memmove(&d->known[i], &d->known[i + 1], (--d->n_known - i) * sizeof(*d->known));
}

void rows_done(database *d)
{
    for (size_t i = 0; i < d->n_known; i++)
        free_known(d->known[i]);
    free(d->known);
}

static known_rule *add_known(database *d, const char *rule_id, size_t at)
{
    known_rule *k;

    if (mem_grow(d->known, d->cap_known, d->n_known + 1) || !(k = calloc(1, sizeof(*k))))
        return NULL;
    (void)snprintf(k->rule_id, sizeof(k->rule_id), "%s", rule_id); /* checked by its caller */
    memmove(&d->known[at + 1], &d->known[at], (d->n_known++ - at) * sizeof(*d->known));
    d->known[at] = k;
    return k;
}

int rows_compile_locked(database *d, const char *rule_id, str text, const char *path,
                        rule **ret_rule, ttp_err *err)
{
    const rule_context context = {.catalogue = d->head.options.attack};
    auto_free(rule) rule *r = NULL;
    int rc;

    if (text.len > RULE_FILE_MAX)
        return err_set(err, TTP_E_LIMIT, path, "the rule is longer than %u bytes", RULE_FILE_MAX);
    rc = rule_read(text, path, &context, &r, err);
    if (!rc && rule_id && !str_eq(r->rule_id, str_from(rule_id)))
        rc = err_set(err, TTP_E_INVALID, path, "the row of this rule holds the rule %s",
                     r->rule_id.ptr);
    if (!rc && !d->head.options.no_gate)
        rc = store_gate(r, d->matcher, err);
    if (!rc)
        *ret_rule = take(r);
    return rc;
}

static void log_refusal(database *d, const known_rule *k)
{
    char line[1100];

    log_msg(&d->head.options.log, TTP_LOG_WARNING, "%s%s",
            ttp_err_format(&k->err, line, sizeof(line)),
            k->live ? "; its last good version goes on" : "");
}

int rows_take_locked(database *d, const char *rule_id, str text, known_rule **ret_known)
{
    bool found;
    size_t at = place_of(d, rule_id, &found);
    known_rule *k = found ? d->known[at] : NULL;
    rule *r = NULL;
    uint8_t hash[20];
    int rc;

    sha1(text.ptr, text.len, hash);
    if (k && memcmp(k->hash, hash, sizeof(hash)) == 0) {
        *ret_known = k;
        return 0;
    }
    if (!k && !(k = add_known(d, rule_id, at)))
        return -ENOMEM;
    k->err = (ttp_err){0};
    rc = rows_compile_locked(d, rule_id, text, rule_id, &r, &k->err);
    if (rc == -ENOMEM)
        return rc; /* the hash stays the old one: tried again */
    memcpy(k->hash, hash, sizeof(hash));
    k->refused = rc != 0;
    if (rc) {
        log_refusal(d, k);
    } else {
        (void)rule_unref(k->live); /* returns NULL */
        k->live = r;
    }
    ledger_note(d->head.ledger, rule_id, k->live, rc ? &k->err : NULL, k->hash);
    *ret_known = k;
    return 0;
}

/* As much of text as fits, cut at a character. */
static void copy_cut(char *out, size_t size, str text)
{
    size_t n = text.len < size ? text.len : size - 1;

    while (text.ptr && n < text.len && n > 0 && ((unsigned char)text.ptr[n] & 0xC0) == 0x80)
        n--;
    if (text.ptr && n)
        memcpy(out, text.ptr, n);
    out[n] = '\0';
}

static int read_instant(str text, const char *rule_id, const char *what, int64_t *ret_us,
                        ttp_err *err)
{
    char quoted[256];

    *ret_us = TTP_TIME_NONE;
    if (!text.ptr || time_parse(text, ret_us) == 0)
        return 0;
    return err_set(err, TTP_E_INVALID, rule_id,
                   "the database has %s %s; expected YYYY-MM-DD HH:MM:SS", what,
                   err_quote(quoted, sizeof(quoted), text.ptr, text.len, 40));
}

int rows_read_state(db_stmt *stmt, unsigned first, const char *rule_id, ttp_rule_state *ret_state,
                    ttp_err *err)
{
    ttp_rule_state s = state_default;
    str kind = db_text(stmt, first), reason = db_text(stmt, first + 3);
    str set_by = db_text(stmt, first + 4);
    char quoted[256];
    int rc;

    if (state_kind_from_name(kind, &s.kind))
        return err_set(err, TTP_E_INVALID, rule_id,
                       "the database has state %s; expected enabled, disabled or clipped",
                       err_quote(quoted, sizeof(quoted), kind.ptr, kind.len, 40));
    s.has_confidence_max = !db_is_null(stmt, first + 1);
    if (s.has_confidence_max && (db_double(stmt, first + 1, &s.confidence_max) ||
                                 !(s.confidence_max >= 0 && s.confidence_max <= 1)))
        return err_set(err, TTP_E_INVALID, rule_id,
                       "the database has a confidence_max that is no number from 0 to 1");
    rc = read_instant(db_text(stmt, first + 2), rule_id, "expires_at", &s.expires_at_us, err);
    if (!rc)
        rc = read_instant(db_text(stmt, first + 5), rule_id, "set_at", &s.set_at_us, err);
    if (rc)
        return rc;
    s.has_reason = reason.ptr != NULL;
    copy_cut(s.reason, sizeof(s.reason), reason);
    copy_cut(s.set_by, sizeof(s.set_by), set_by);
    *ret_state = s;
    return 0;
}

void rows_rule_id(db_stmt *stmt, unsigned column, char rule_id[RULE_ID_MAX + 1])
{
    str text = db_text(stmt, column);

    rule_id[0] = '\0';
    if (!text.ptr || text.len > RULE_ID_MAX || memchr(text.ptr, '\0', text.len))
        return;
    copy_cut(rule_id, RULE_ID_MAX + 1, text);
    if (!rule_id_ok(rule_id))
        rule_id[0] = '\0';
}
