/* SPDX-License-Identifier: Apache-2.0 */
#include "event/intake.h"

#include "base/err.h"
#include "base/limits.h"
#include "event/cowrie_fields.h"

#include <errno.h>

/* so many lines that are neither format, and a file is given up as unknown */
#define TRY_LINES 32

static bool is_blank(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            return false;
    }
    return true;
}

/* What a Cowrie line's reader wants of it, and what tells that a line is none. */
static uint16_t name_key(str key)
{
    uint16_t name = cowrie_name_key(key);

    return name || event_has_member(key) ? name : JSON_NAME_DROP;
}

int parsed_read(json_doc *doc, const line *l, bool flat, arena *mem, parsed_line *ret)
{
    ttp_err err;

    *ret = (parsed_line){.line = *l};
    if (l->too_long || l->open_array || is_blank(l->text))
        return 0;
    ret->rc =
        json_parse_into(doc, l->text, flat ? name_key : NULL, mem, &ret->root, &ret->notes, &err);
    if (ret->rc > 0)
        ret->why = arena_str(mem, str_from(err.text)).ptr;
    return ret->rc < 0 || (ret->rc > 0 && !ret->why) ? -ENOMEM : 0;
}

int intake_init(intake *in, const reader_options *options)
{
    *in = (intake){0};
    if (account_init(&in->account, options))
        return -ENOMEM;
    in->cowrie = cowrie_new(&in->account);
    return in->cowrie ? 0 : -ENOMEM;
}

void intake_done(intake *in)
{
    in->cowrie = cowrie_free(in->cowrie);
    account_done(&in->account);
}

void intake_begin_file(intake *in, const char *name)
{
    account_begin_file(&in->account, name);
    cowrie_begin_file(in->cowrie);
    in->format = in->account.options.format;
    in->n_tried = 0;
    in->any_json = false;
}

static void note_repairs(account *a, unsigned notes)
{
    if (notes & JSON_BAD_UTF8)
        account_note(a, NOTE_UTF8, "bytes that are not UTF-8; each is read as U+FFFD");
    if (notes & JSON_LONE_SURROGATE)
        account_note(a, NOTE_SURROGATE,
                     "a lone surrogate (\\ud800 and its like) is read as U+FFFD");
    if (notes & JSON_DUPLICATE_KEY)
        account_note(a, NOTE_DUPLICATE_KEY, "an object holds a key twice; the last one counts");
}

/* Why a line is no JSON object. */
static void refuse(account *a, const parsed_line *p)
{
    if (p->line.too_long)
        account_bad(a, BAD_TOO_LONG, "longer than %u bytes; passed over", TTP_EVENT_MAX);
    else if (p->line.open_array)
        account_bad(a, BAD_CUT_OFF, "cut off: the input ends inside of an array");
    else if (p->rc == TTP_E_LIMIT)
        account_bad(a, BAD_TOO_DEEP, "%s", p->why);
    else if (p->rc && p->line.cut)
        account_bad(a, BAD_CUT_OFF, "cut off: the input ends in the middle of a line (%s)", p->why);
    else if (p->rc)
        account_bad(a, BAD_NOT_JSON, "not JSON: %s", p->why);
    else
        account_blank(a);
}

const json_node *intake_line(intake *in, const parsed_line *p)
{
    account *a = &in->account;

    account_begin_line(a, p->line.number);
    if (p->line.n_nuls)
        account_note(a, NOTE_NUL_RUN, "%llu NUL bytes before the line are passed over",
                     (unsigned long long)p->line.n_nuls);
    if (!p->root) {
        refuse(a, p);
        return NULL;
    }
    note_repairs(a, p->notes);
    if (p->root->type != JSON_OBJECT) {
        account_bad(a, BAD_NOT_OBJECT, "not a JSON object");
        return NULL;
    }
    return p->root;
}

/* The format an object is in, or EVENT_FORMAT_AUTO. */
static event_format format_of(const json_node *root)
{
    str eventid = json_str(json_get(root, STR("eventid")));

    if (eventid.ptr && str_starts(eventid, STR("cowrie.")))
        return EVENT_FORMAT_COWRIE;
    return json_get(root, STR("source_kind")) ? EVENT_FORMAT_EVENT : EVENT_FORMAT_AUTO;
}

static int unknown_format(const intake *in, ttp_err *err)
{
    return err_set(err, TTP_E_INVALID, in->account.where,
                   "%s; expected Cowrie's JSON log (eventid \"cowrie...\") or event JSON Lines "
                   "(source_kind, source_id, payload)",
                   in->any_json ? "none of the first lines is of a known format"
                                : "none of the first lines is a JSON object");
}

static bool tries(const parsed_line *p)
{
    return p->root || p->rc || p->line.too_long || p->line.open_array;
}

bool intake_tell(intake *in, const parsed_line *p, const json_node *root, int *ret_rc, ttp_err *err)
{
    *ret_rc = 0;
    if (in->format == EVENT_FORMAT_AUTO && root) {
        in->format = format_of(root);
        in->any_json = true;
        if (in->format == EVENT_FORMAT_AUTO)
            account_bad(&in->account, BAD_NOT_EVENT, "neither eventid nor source_kind");
    }
    if (in->format != EVENT_FORMAT_AUTO)
        return true;
    if (tries(p) && ++in->n_tried == TRY_LINES)
        *ret_rc = unknown_format(in, err);
    return false;
}

int intake_end_file(intake *in, ttp_err *err)
{
    return in->format == EVENT_FORMAT_AUTO && in->n_tried ? unknown_format(in, err) : 0;
}

static bool holds_nul(const event *e)
{
    str text = json_str(json_get(e->payload, STR("command_text")));

    return text.len && memchr(text.ptr, 0, text.len);
}

static int take_event_line(intake *in, const json_node *root, event *ret_event)
{
    account *a = &in->account;
    ttp_err err;

    if (event_from_node(root, ret_event, NULL, 0, &err)) {
        account_bad(a, BAD_NOT_EVENT, "%s", err.text);
        return TTP_E_END;
    }
    if (ret_event->kind == EVENT_COMMAND && holds_nul(ret_event))
        account_note(a, NOTE_NUL_IN_COMMAND, "a command holds the character U+0000");
    account_taggable(a);
    return 0;
}

int intake_event(intake *in, const json_node *root, str text, event *ret_event)
{
    if (in->format == EVENT_FORMAT_EVENT)
        return take_event_line(in, root, ret_event);
    return cowrie_take(in->cowrie, root, text, ret_event);
}

int intake_next_due(intake *in, event *ret_event)
{
    if (in->format == EVENT_FORMAT_EVENT)
        return TTP_E_END;
    return cowrie_next_due(in->cowrie, ret_event);
}
