/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cowrie.h"

#include "event/cowrie_map.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>

cowrie *cowrie_new(account *a)
{
    cowrie *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->account = a;
    c->file_us = TIME_NONE;
    cowrie_names_init(&c->names);
    sessions_init(&c->sessions, NULL);
    addresses_init(&c->addresses);
    return c;
}

cowrie *cowrie_free(cowrie *c)
{
    if (!c)
        return NULL;
    sessions_done(&c->sessions);
    addresses_done(&c->addresses);
    nodes_done(&c->payload);
    buf_done(&c->id);
    free(c);
    return NULL;
}

void cowrie_use_memory(cowrie *c, arena *mem)
{
    c->mem = c->sessions.mem = mem;
}

void cowrie_begin_file(cowrie *c)
{
    c->file_us = TIME_NONE;
}

/* Refuse the line for the first field whose type is wrong. */
static void refuse_type(cowrie *c, field_set wrong)
{
    cowrie_field f = (cowrie_field)__builtin_ctz(wrong);

    account_bad(c->account, BAD_WRONG_TYPE, "%s is %s; expected %s", cowrie_field_name(f),
                cowrie_type_name(c->f.v[f]->type), cowrie_field_type(f));
}

static bool is_long(str id)
{
    return id.len > COWRIE_ID_MAX;
}

/* Accounts for the line where it returns false. */
static bool check_fields(cowrie *c)
{
    field_set wrong = c->f.wrong & cowrie_id_uses(c->f.id);
    cowrie_field needs = cowrie_id_needs(c->f.id);
    char quoted[80];

    if (wrong) {
        refuse_type(c, wrong);
        return false;
    }
    if (!c->f.v[F_EVENTID]) {
        account_bad(c->account, BAD_NO_EVENTID, "no eventid; every line of a Cowrie log has one");
        return false;
    }
    c->eventid = json_str(c->f.v[F_EVENTID]);
    if (needs != F_N && !c->f.v[needs]) {
        account_bad(c->account, BAD_NO_FIELD, "no %s in a %s", cowrie_field_name(needs),
                    err_quote(quoted, sizeof(quoted), c->eventid.ptr, c->eventid.len, 64));
        return false;
    }
    return true;
}

static int two_digits(const char *p)
{
    unsigned tens = (unsigned char)p[0] - '0', ones = (unsigned char)p[1] - '0';

    return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
}

/* SS.ffffffZ, as Cowrie always writes it; -1 where it is anything else. */
static int64_t read_seconds(const char *p)
{
    int seconds = two_digits(p), a = two_digits(p + 3), b = two_digits(p + 5),
        d = two_digits(p + 7);

    if ((seconds | a | b | d) < 0 || seconds > 59 || p[2] != '.' || p[9] != 'Z')
        return -1;
    return seconds * INT64_C(1000000) + a * 10000 + b * 100 + d;
}

/* time_parse, remembering the minute: it is the same for many lines on end. */
static int parse_time(cowrie *c, str text, int64_t *ret_us)
{
    int64_t us;

    if (text.len != TIME_TEXT_LEN)
        return time_parse(text, ret_us);
    us = read_seconds(text.ptr + sizeof(c->minute));
    if (us >= 0 && memcmp(c->minute, text.ptr, sizeof(c->minute)) == 0) {
        *ret_us = c->minute_us + us;
        return 0;
    }
    if (time_parse(text, ret_us))
        return TTP_E_SYNTAX;
    if (us >= 0) {
        memcpy(c->minute, text.ptr, sizeof(c->minute));
        c->minute_us = *ret_us - us;
    }
    return 0;
}

static void read_time(cowrie *c)
{
    str text = json_str(c->f.v[F_TIMESTAMP]);
    char quoted[64];

    c->ts_us = TIME_NONE;
    if (text.ptr && parse_time(c, text, &c->ts_us) == 0) {
        if (c->file_us != TIME_NONE && c->ts_us < c->file_us)
            account_note(c->account, NOTE_TIME_BACK,
                         "time goes back by %.6f s against the line before",
                         (double)(c->file_us - c->ts_us) / 1e6);
        c->file_us = c->ts_us;
        return;
    }
    if (c->f.id == ID_OTHER)
        return;
    if (!text.ptr)
        account_note(c->account, NOTE_NO_TIME, "no timestamp");
    else
        account_note(c->account, NOTE_NO_TIME,
                     "the timestamp is \"%s\"; expected a time like 2026-07-10T01:01:37.082718Z",
                     err_quote(quoted, sizeof(quoted), text.ptr, text.len, 40));
}

/* The session of the line to c->s. Returns 0, -ENOMEM, or TTP_E_LIMIT with the line refused. */
static int find_session(cowrie *c)
{
    bool clash = false;
    char id[64], sensor[64];

    c->s = NULL;
    c->session_id = json_str(c->f.v[F_SESSION]);
    c->sensor = json_str(c->f.v[F_SENSOR]);
    c->src_ip = json_str(c->f.v[F_SRC_IP]);
    if (is_long(c->session_id) || is_long(c->sensor)) {
        account_bad(c->account, BAD_LONG_ID, "the %s is longer than %d bytes",
                    is_long(c->session_id) ? "session id" : "sensor name", COWRIE_ID_MAX);
        return TTP_E_LIMIT;
    }
    if (!c->session_id.len) {
        account_note(c->account, NOTE_NO_SESSION, "no session; the line stands for itself");
        c->session_id = STR_NULL;
        return 0;
    }
    if (c->f.id == ID_COMMAND_FAILED && cowrie_sensor_writes_input(c) &&
        !sessions_find(&c->sessions, c->session_id, c->sensor))
        return 0; /* it repeats what another file holds: no session is begun for it */
    c->s = sessions_get(&c->sessions, c->session_id, c->sensor, &clash);
    if (!c->s)
        return -ENOMEM;
    if (clash)
        account_note(c->account, NOTE_TWO_SENSORS,
                     "session %s comes from sensor %s, too, and from another one before",
                     err_quote(id, sizeof(id), c->session_id.ptr, c->session_id.len, 40),
                     err_quote(sensor, sizeof(sensor), c->sensor.ptr, c->sensor.len, 40));
    if (c->f.id == ID_CONNECT) {
        c->s = sessions_connect(&c->sessions, c->s, c->ts_us);
        if (!c->s)
            return -ENOMEM;
    }
    return 0;
}

static int map_line(cowrie *c)
{
    int rc = find_session(c);

    if (rc == TTP_E_LIMIT)
        return TTP_E_END;
    if (!rc)
        rc = cowrie_map(c);
    if (rc < 0)
        return rc;
    if (rc == NOTHING_TO_TAG)
        account_not_taggable(c->account, c->eventid);
    else
        account_taggable(c->account);
    return rc == GAVE_EVENT ? 0 : TTP_E_END;
}

int cowrie_take(cowrie *c, const json_node *root, str text, event *ret_event)
{
    cowrie_fields_read(&c->names, root, &c->f);
    if (!check_fields(c))
        return TTP_E_END;
    read_time(c);
    if (c->f.id == ID_OTHER) {
        account_not_taggable(c->account, c->eventid);
        return TTP_E_END;
    }
    c->text = text;
    c->out = ret_event;
    return map_line(c);
}

int cowrie_next_due(cowrie *c, event *ret_event)
{
    session_view v;
    bool early;
    int rc;

    rc = sessions_next_due(&c->sessions, &v, &early);
    if (rc)
        return rc;
    if (early)
        account_note(c->account, NOTE_SESSION_EARLY,
                     "more sessions are open than can be kept; the one idle longest ends here");
    return cowrie_show_session(c, &v, ret_event);
}

int cowrie_finish(cowrie *c, event *ret_event)
{
    session_view v;
    int rc = cowrie_next_due(c, ret_event);

    if (rc != TTP_E_END)
        return rc;
    rc = sessions_next_open(&c->sessions, &v);
    return rc ? rc : cowrie_show_session(c, &v, ret_event);
}
