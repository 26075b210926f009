/* SPDX-License-Identifier: Apache-2.0 */
#include "event/account.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

_Static_assert(READER_EVENT_IDS_MAX + 1 <= 130, "counts has room for every event id and the rest");

static const char *const reason_names[REASON_N] = {
    [BAD_NOT_JSON] = "not JSON",
    [BAD_CUT_OFF] = "cut off",
    [BAD_TOO_LONG] = "too long",
    [BAD_TOO_DEEP] = "too deep or too many values",
    [BAD_NOT_OBJECT] = "not an object",
    [BAD_NOT_EVENT] = "not an event",
    [BAD_NO_EVENTID] = "no eventid",
    [BAD_NO_FIELD] = "a field is missing",
    [BAD_WRONG_TYPE] = "wrong type",
    [BAD_LONG_ID] = "id too long",
    [NOTE_UTF8] = "bad UTF-8",
    [NOTE_SURROGATE] = "lone surrogate",
    [NOTE_DUPLICATE_KEY] = "duplicate key",
    [NOTE_NUL_IN_COMMAND] = "U+0000 in a command",
    [NOTE_NUL_RUN] = "NUL bytes before the line",
    [NOTE_NO_SESSION] = "no session",
    [NOTE_NO_TIME] = "no readable timestamp",
    [NOTE_TIME_BACK] = "time goes back",
    [NOTE_TWO_SENSORS] = "one session id from two sensors",
    [NOTE_SESSION_EARLY] = "session given out early",
};

int account_init(account *a, const reader_options *options)
{
    *a = (account){0};
    if (options)
        a->options = *options;
    a->ids = calloc(READER_EVENT_IDS_MAX, sizeof(*a->ids));
    return a->ids ? 0 : -ENOMEM;
}

void account_done(account *a)
{
    free(a->ids);
    a->ids = NULL;
}

void account_begin_file(account *a, const char *where)
{
    (void)snprintf(a->where, sizeof(a->where), "%s", where); /* cut: it is for messages */
    a->line = 0;
    a->stats.files++;
}

void account_begin_line(account *a, uint64_t number)
{
    a->line = number;
    a->line_noted = false;
    a->stats.lines++;
}

void account_blank(account *a)
{
    a->stats.blank++;
}

void account_taggable(account *a)
{
    a->stats.taggable++;
}

static bool is_id(const event_id_count *id, str event_id)
{
    if (id->len != event_id.len)
        return false;
    if (event_id.len <= sizeof(id->raw))
        return memcmp(id->raw, event_id.ptr, event_id.len) == 0;
    return id->hash == str_hash(event_id);
}

void account_not_taggable(account *a, str event_id)
{
    event_id_count *id;

    a->stats.not_taggable++;
    for (size_t i = 0; i < a->n_ids; i++) {
        if (is_id(&a->ids[i], event_id)) {
            a->ids[i].count++;
            return;
        }
    }
    if (a->n_ids == READER_EVENT_IDS_MAX) {
        a->other_ids++;
        return;
    }
    id = &a->ids[a->n_ids++];
    id->count = 1;
    id->len = event_id.len;
    if (event_id.len <= sizeof(id->raw))
        memcpy(id->raw, event_id.ptr, event_id.len);
    else
        id->hash = str_hash(event_id);
    (void)err_quote(id->name, sizeof(id->name), event_id.ptr, event_id.len, 64); /* its buffer */
}

static void complain(account *a, bool is_bad, const char *fmt, va_list args)
{
    ttp_err err;
    char text[sizeof(err.text)];

    if (!a->options.complain)
        return;
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut: it is for messages */
    (void)err_at(&err, TTP_E_INVALID, a->where,
                 a->line > UINT32_MAX ? UINT32_MAX : (unsigned)a->line, 0, "%s", text);
    a->options.complain(a->options.ctx, &err, is_bad);
}

void account_bad(account *a, reason why, const char *fmt, ...)
{
    va_list args;

    a->stats.bad++;
    if (a->reasons[why]++ >= READER_COMPLAINTS_MAX)
        return;
    va_start(args, fmt);
    complain(a, true, fmt, args);
    va_end(args);
}

void account_note(account *a, reason why, const char *fmt, ...)
{
    va_list args;

    if (!a->line_noted)
        a->stats.noted++;
    a->line_noted = true;
    if (a->reasons[why]++ >= READER_COMPLAINTS_MAX)
        return;
    va_start(args, fmt);
    complain(a, false, fmt, args);
    va_end(args);
}

size_t account_counts(account *a, const reader_count **ret_counts)
{
    size_t n = 0;

    for (int why = 0; why < REASON_N; why++) {
        if (a->reasons[why])
            a->counts[n++] = (reader_count){reason_names[why], a->reasons[why], why < NOTE_UTF8,
                                            why >= NOTE_UTF8};
    }
    for (size_t i = 0; i < a->n_ids; i++)
        a->counts[n++] = (reader_count){a->ids[i].name, a->ids[i].count, false, false};
    if (a->other_ids)
        a->counts[n++] = (reader_count){"(other event ids)", a->other_ids, false, false};
    *ret_counts = a->counts;
    return n;
}
