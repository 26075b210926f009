/* SPDX-License-Identifier: Apache-2.0 */
/* What operators set on rules: which values may be stored, and their words. */
#include "store/store.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"

/* The years 1 to 9999, which every backend can write. */
#define INSTANT_MIN_US (-62135596800LL * 1000000)
#define INSTANT_MAX_US (253402300800LL * 1000000 - 1)

const ttp_rule_state state_default = {
    .kind = TTP_STATE_ENABLED, .expires_at_us = TTP_TIME_NONE, .set_at_us = TTP_TIME_NONE};

static const char *const kind_names[] = {
    [TTP_STATE_ENABLED] = "enabled",
    [TTP_STATE_DISABLED] = "disabled",
    [TTP_STATE_CLIPPED] = "clipped",
};

#define N_KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *state_kind_name(ttp_state_kind kind)
{
    return (unsigned)kind < N_KINDS ? kind_names[kind] : NULL;
}

int state_kind_from_name(str name, ttp_state_kind *ret_kind)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (!str_eq(name, str_from(kind_names[i])))
            continue;
        *ret_kind = (ttp_state_kind)i;
        return 0;
    }
    return TTP_E_INVALID;
}

bool rule_id_ok(const char *rule_id)
{
    size_t n = 0;

    for (; rule_id && n <= RULE_ID_MAX && rule_id[n]; n++) {
        char c = rule_id[n];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return n > 0 && n <= RULE_ID_MAX;
}

/* A text field of a state: ended within its array, and UTF-8. */
static int check_text(const char *rule_id, const char *name, const char *text, size_t size,
                      ttp_err *err)
{
    size_t len = strnlen(text, size);

    if (len == size)
        return err_set(err, TTP_E_INVALID, rule_id, "%s is too long; expected at most %zu bytes",
                       name, size - 1);
    if (!utf8_valid((str){text, len}))
        return err_set(err, TTP_E_INVALID, rule_id, "%s is not valid UTF-8", name);
    return 0;
}

int state_check(const char *rule_id, const ttp_rule_state *state, ttp_err *err)
{
    int rc;

    if (!state_kind_name(state->kind))
        return err_set(err, TTP_E_INVALID, rule_id,
                       "state is %d; expected enabled, disabled or clipped", (int)state->kind);
    /* written so that NaN is refused */
    if (state->has_confidence_max && !(state->confidence_max >= 0 && state->confidence_max <= 1))
        return err_set(err, TTP_E_INVALID, rule_id,
                       "confidence_max is %g; expected a number from 0 to 1",
                       state->confidence_max);
    if (state->expires_at_us != TTP_TIME_NONE &&
        (state->expires_at_us < INSTANT_MIN_US || state->expires_at_us > INSTANT_MAX_US))
        return err_set(err, TTP_E_INVALID, rule_id,
                       "expires_at is out of range; expected the years 1 to 9999");
    rc = check_text(rule_id, "set_by", state->set_by, sizeof(state->set_by), err);
    if (!rc && state->has_reason)
        rc = check_text(rule_id, "reason", state->reason, sizeof(state->reason), err);
    return rc;
}

bool state_expired(const ttp_rule_state *state, int64_t now_us)
{
    return state->expires_at_us != TTP_TIME_NONE && state->expires_at_us <= now_us;
}

static void put_text(buf *b, const char *key, str text)
{
    buf_printf(b, ",\"%s\":", key);
    if (text.ptr)
        buf_put_json(b, text);
    else
        buf_put_c(b, "null");
}

static void put_instant(buf *b, const char *key, int64_t us)
{
    char text[TIME_TEXT_LEN];

    if (us != TTP_TIME_NONE)
        time_format(us, text);
    put_text(b, key, us != TTP_TIME_NONE ? (str){text, sizeof(text)} : STR_NULL);
}

void state_json(buf *b, const ttp_rule_state *state)
{
    buf_printf(b, "{\"state\":\"%s\",\"confidence_max\":", state_kind_name(state->kind));
    if (state->has_confidence_max)
        buf_put_double(b, state->confidence_max);
    else
        buf_put_c(b, "null");
    put_instant(b, "expires_at", state->expires_at_us);
    put_text(b, "reason", state->has_reason ? str_from(state->reason) : STR_NULL);
    put_text(b, "set_by", state->set_by[0] ? str_from(state->set_by) : STR_NULL);
    put_instant(b, "set_at", state->set_at_us);
    buf_put_char(b, '}');
}
