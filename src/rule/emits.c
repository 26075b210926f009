/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule emits: techniques, judged against the ATT&CK catalogue.
 *
 * A malformed id is always an error. An id that a whole catalogue does not know, has revoked, or a
 * tactic that a technique is not under is an error to lint and a warning at run time, so that packs
 * of another release go on working. The built-in table knows only part of ATT&CK: what it lacks is
 * a lint warning.
 */
#include "rule/reading.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define CONFIDENCE_DEFAULT 0.5

static const char *const emit_keys[] = {"tactic", "technique_id", "sub_technique_id", "confidence",
                                        NULL};

static bool is_absent(const yaml_node *n)
{
    return !n || yaml_is_null(n);
}

/* What lint refuses and run time only warns of. */
__attribute__((format(printf, 3, 4))) static int doubt(reading *r, const yaml_node *at,
                                                       const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt,
                    args); /* cut where too long, which is fine for a message */
    va_end(args);
    if (r->ctx->lint)
        return reading_fail(r, TTP_E_INVALID, at, "%s", text);
    reading_warn(r, at, "%s", text);
    return 0;
}

static int unknown_id(reading *r, const yaml_node *at, const char *key, str id)
{
    str release = attack_release(r->catalogue);

    if (!attack_is_builtin(r->catalogue))
        return doubt(r, at, "%s %.*s is not in %.*s; expected an id of that release", key,
                     STR_ARG(id), STR_ARG(release));
    reading_lint(r, at, "%s %.*s is not in the built-in table, cannot check (give a whole bundle)",
                 key, STR_ARG(id));
    return 0;
}

static int judge_technique(reading *r, const yaml_node *at, const char *key, str id)
{
    const attack_technique *t = attack_find(r->catalogue, id);
    str release = attack_release(r->catalogue);

    if (!t)
        return unknown_id(r, at, key, id);
    if (t->revoked && t->successor.ptr)
        return doubt(r, at, "%s %.*s is revoked in %.*s; expected its successor %.*s", key,
                     STR_ARG(id), STR_ARG(release), STR_ARG(t->successor));
    if (t->revoked)
        return doubt(r, at, "%s %.*s is revoked in %.*s; expected an id that is in force", key,
                     STR_ARG(id), STR_ARG(release));
    if (t->deprecated)
        reading_lint(r, at, "%s %.*s is deprecated in %.*s", key, STR_ARG(id), STR_ARG(release));
    return 0;
}

/* The tactics of a technique as "TA0003, TA0004". */
static const char *tactic_list(const attack_technique *t, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < t->n_tactics && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%.*s", i ? ", " : "",
                                STR_ARG(t->tactics[i]->id));
    return out;
}

/* The entry that says which tactics an emit may name: the sub-technique's, else its parent's. */
static const attack_technique *emit_technique(const reading *r, const rule_emit *e)
{
    const attack_technique *t = NULL;

    if (e->sub_technique_id.ptr)
        t = attack_find(r->catalogue, e->sub_technique_id);
    return t ? t : attack_find(r->catalogue, e->technique_id);
}

static int judge_tactic(reading *r, const yaml_node *at, const rule_emit *e)
{
    const attack_technique *t = emit_technique(r, e);
    char tactics[128];

    if (!attack_find_tactic(r->catalogue, e->tactic))
        return unknown_id(r, at, "tactic", e->tactic);
    if (!t || t->n_tactics == 0 || attack_has_tactic(t, e->tactic))
        return 0;
    tactic_list(t, tactics, sizeof(tactics));
    if (!attack_is_builtin(r->catalogue))
        return doubt(r, at, "tactic is %.*s, which %.*s is not under; expected %s",
                     STR_ARG(e->tactic), STR_ARG(t->id), tactics);
    reading_lint(r, at, "tactic is %.*s; the built-in table has %.*s under %s", STR_ARG(e->tactic),
                 STR_ARG(t->id), tactics);
    return 0;
}

/* No tactic is written: the technique's own, where the catalogue knows it. */
static int default_tactic(reading *r, const yaml_node *emit, rule_emit *e)
{
    const attack_technique *t = emit_technique(r, e);
    str id = e->sub_technique_id.ptr ? e->sub_technique_id : e->technique_id;
    char tactics[128];

    r->rule->gave_tactic_late = true;
    if (!t || t->n_tactics == 0)
        return reading_fail(
            r, TTP_E_INVALID, emit,
            "tactic is missing and the ATT&CK catalogue (%.*s%s) has none for %.*s; "
            "expected one, as TA0007",
            STR_ARG(attack_release(r->catalogue)),
            attack_is_builtin(r->catalogue) ? ", built-in" : "", STR_ARG(id));
    e->tactic = arena_str(r->own, t->tactics[0]->id);
    if (!e->tactic.ptr)
        return -ENOMEM;
    if (t->n_tactics == 1)
        reading_warn(r, emit, "tactic is missing; taking %.*s", STR_ARG(e->tactic));
    else
        reading_warn(r, emit, "tactic is missing; taking %.*s, the first of %s", STR_ARG(e->tactic),
                     tactic_list(t, tactics, sizeof(tactics)));
    return 0;
}

static int read_tactic(reading *r, const yaml_node *emit, rule_emit *e)
{
    const yaml_node *n = yaml_get(emit, STR("tactic"));
    const char *wanted = "TA and four digits, as TA0007";
    int rc;

    if (is_absent(n))
        return default_tactic(r, emit, e);
    rc = read_text(r, n, "tactic", wanted, &e->tactic);
    if (rc)
        return rc;
    if (!attack_is_tactic_id(e->tactic))
        return reading_wrong(r, n, "tactic", wanted);
    return judge_tactic(r, n, e);
}

static int read_confidence(reading *r, const yaml_node *emit, rule_emit *e)
{
    const yaml_node *n = yaml_get(emit, STR("confidence"));
    json_node v;

    if (is_absent(n)) {
        r->rule->gave_tactic_late = true;
        e->confidence = CONFIDENCE_DEFAULT;
        reading_warn(r, emit, "confidence is missing; taking 0.5");
        return 0;
    }
    if (n->type != YAML_SCALAR)
        return reading_wrong(r, n, "confidence", "a number from 0 to 1");
    v = yaml_value(n);
    if (!json_number(&v, &e->confidence) || !(e->confidence >= 0 && e->confidence <= 1))
        return reading_wrong(r, n, "confidence", "a number from 0 to 1");
    return 0;
}

static int read_sub_technique(reading *r, const yaml_node *emit, rule_emit *e)
{
    const yaml_node *n = yaml_get(emit, STR("sub_technique_id"));
    const char *wanted = "T, four digits, a dot and three digits, as T1548.001";
    int rc;

    if (is_absent(n))
        return 0;
    rc = read_text(r, n, "sub_technique_id", wanted, &e->sub_technique_id);
    if (rc)
        return rc;
    if (!attack_is_sub_technique_id(e->sub_technique_id))
        return reading_wrong(r, n, "sub_technique_id", wanted);
    return judge_technique(r, n, "sub_technique_id", e->sub_technique_id);
}

/* technique_id names a sub-technique, or only sub_technique_id is there: the parent follows from
 * it. */
static int split_technique(reading *r, const yaml_node *at, rule_emit *e, str sub)
{
    if (e->sub_technique_id.ptr && !str_eq(e->sub_technique_id, sub))
        return reading_fail(
            r, TTP_E_INVALID, at,
            "technique_id is %.*s but sub_technique_id is %.*s; expected one of them", STR_ARG(sub),
            STR_ARG(e->sub_technique_id));
    e->sub_technique_id = sub;
    e->technique_id = arena_str(r->own, (str){sub.ptr, strlen("T1548")});
    if (!e->technique_id.ptr)
        return -ENOMEM;
    reading_lint(r, at,
                 "the sub-technique %.*s is given alone; better: technique_id: %.*s, "
                 "sub_technique_id: %.*s",
                 STR_ARG(sub), STR_ARG(e->technique_id), STR_ARG(sub));
    return judge_technique(r, at, "technique_id", sub);
}

static int read_technique(reading *r, const yaml_node *emit, rule_emit *e)
{
    const yaml_node *n = yaml_get(emit, STR("technique_id"));
    const char *wanted = "T and four digits, as T1548";
    int rc;

    if (is_absent(n) && e->sub_technique_id.ptr)
        return split_technique(r, yaml_get(emit, STR("sub_technique_id")), e, e->sub_technique_id);
    if (!n)
        return reading_fail(r, TTP_E_INVALID, emit, "technique_id is missing; expected %s", wanted);
    rc = read_text(r, n, "technique_id", wanted, &e->technique_id);
    if (rc)
        return rc;
    if (attack_is_sub_technique_id(e->technique_id))
        return split_technique(r, n, e, e->technique_id);
    if (!attack_is_technique_id(e->technique_id))
        return reading_wrong(r, n, "technique_id", wanted);
    if (e->sub_technique_id.ptr && !str_starts(e->sub_technique_id, e->technique_id))
        return reading_fail(
            r, TTP_E_INVALID, n,
            "sub_technique_id is %.*s, which is not under %.*s; expected one that is",
            STR_ARG(e->sub_technique_id), STR_ARG(e->technique_id));
    return judge_technique(r, n, "technique_id", e->technique_id);
}

static void warn_unknown_keys(reading *r, const yaml_node *emit)
{
    char shown[SHOWN_SIZE];

    for (size_t i = 0; i < emit->n; i++) {
        const yaml_node *key = emit->pairs[i].key;
        const char *meant;
        bool known = false;

        for (const char *const *k = emit_keys; *k && !known; k++)
            known = str_eq(key->text, str_from(*k));
        if (known)
            continue;
        meant = nearest_word(key->text, emit_keys);
        reading_warn(r, key, "unknown key %s in an emit, passed over%s%s%s",
                     str_shown(shown, key->text), meant ? "; did you mean " : "",
                     meant ? meant : "", meant ? "?" : "");
    }
}

static int read_emit(reading *r, const yaml_node *n, rule_emit *e)
{
    int rc;

    if (n->type != YAML_MAP)
        return reading_wrong(r, n, "an emit", "a mapping with tactic, technique_id and confidence");
    warn_unknown_keys(r, n);
    rc = read_sub_technique(r, n, e);
    if (!rc)
        rc = read_technique(r, n, e);
    if (!rc)
        rc = read_tactic(r, n, e);
    if (!rc)
        rc = read_confidence(r, n, e);
    return rc;
}

int read_emits(reading *r, const yaml_node *n)
{
    rule_emit *emits;
    int rc = 0;

    if (n->type != YAML_LIST || n->n == 0)
        return reading_wrong(r, n, "emits", "a list with at least one technique");
    emits = arena_calloc(r->own, n->n, sizeof(*emits));
    if (!emits)
        return -ENOMEM;
    for (size_t i = 0; !rc && i < n->n; i++)
        rc = read_emit(r, n->items[i], &emits[i]);
    r->rule->emits = emits;
    r->rule->n_emits = n->n;
    return rc;
}
