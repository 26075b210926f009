/* SPDX-License-Identifier: Apache-2.0 */
#include "event/reader.h"

#include "base/err.h"
#include "base/limits.h"
#include "event/account.h"
#include "event/cowrie.h"
#include "event/lines.h"

#include <errno.h>
#include <stdio.h>

/* so many lines that are neither format, and a file is given up as unknown */
#define TRY_LINES 32

struct reader {
    lines lines;
    json_doc *doc;
    account account;
    cowrie *cowrie;
    event_format format; /* of the open file */
    uint64_t counted;    /* bytes of the open file that are in the account */
    bool has_first;      /* the line that told the format is yet to be taken */
    str first;
    const json_node *first_root;
    event event;
};

int reader_new(const reader_options *options, reader **ret_reader)
{
    auto_free(reader) reader *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    if (account_init(&r->account, options))
        return -ENOMEM;
    r->doc = json_doc_new();
    r->cowrie = cowrie_new(&r->account);
    if (!r->doc || !r->cowrie)
        return -ENOMEM;
    *ret_reader = take(r);
    return 0;
}

reader *reader_free(reader *r)
{
    if (!r)
        return NULL;
    r->cowrie = cowrie_free(r->cowrie);
    r->doc = json_doc_free(r->doc);
    lines_done(&r->lines);
    account_done(&r->account);
    free(r);
    return NULL;
}

static void count_bytes(reader *r)
{
    uint64_t done, total;

    reader_progress(r, &done, &total);
    r->account.stats.bytes += done - r->counted;
    r->counted = done;
}

static void close_file(reader *r)
{
    count_bytes(r);
    r->counted = 0;
    r->has_first = false;
    lines_close(&r->lines);
}

static void note_repairs(reader *r, unsigned notes)
{
    account *a = &r->account;

    if (notes & JSON_BAD_UTF8)
        account_note(a, NOTE_UTF8, "bytes that are not UTF-8; each is read as U+FFFD");
    if (notes & JSON_LONE_SURROGATE)
        account_note(a, NOTE_SURROGATE,
                     "a lone surrogate (\\ud800 and its like) is read as U+FFFD");
    if (notes & JSON_DUPLICATE_KEY)
        account_note(a, NOTE_DUPLICATE_KEY, "an object holds a key twice; the last one counts");
}

/* Why a line is no JSON object. */
static void refuse(reader *r, const line *l, int rc, const ttp_err *err)
{
    account *a = &r->account;

    if (rc == TTP_E_LIMIT)
        account_bad(a, BAD_TOO_DEEP, "%s", err->text);
    else if (l->cut)
        account_bad(a, BAD_CUT_OFF, "cut off: the input ends in the middle of a line (%s)",
                    err->text);
    else
        account_bad(a, BAD_NOT_JSON, "not JSON: %s", err->text);
}

static bool is_blank(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            return false;
    }
    return true;
}

/*
 * Parse one line; accounts for one that is no JSON object and then gives no root.
 * Returns 0 or -ENOMEM.
 */
static int parse_line(reader *r, const line *l, const json_node **ret_root)
{
    account *a = &r->account;
    const json_node *root = NULL;
    unsigned notes = 0;
    ttp_err err;
    int rc;

    *ret_root = NULL;
    account_begin_line(a, l->number);
    if (l->n_nuls)
        account_note(a, NOTE_NUL_RUN, "%llu NUL bytes before the line are passed over",
                     (unsigned long long)l->n_nuls);
    if (l->too_long) {
        account_bad(a, BAD_TOO_LONG, "longer than %u bytes; passed over", TTP_EVENT_MAX);
        return 0;
    }
    if (l->open_array) {
        account_bad(a, BAD_CUT_OFF, "cut off: the input ends inside of an array");
        return 0;
    }
    if (is_blank(l->text)) {
        account_blank(a);
        return 0;
    }
    if (r->format == EVENT_FORMAT_COWRIE) /* none of its fields is read as a container */
        rc = json_parse_flat(r->doc, l->text, &root, &notes, &err);
    else
        rc = json_parse(r->doc, l->text, &root, &notes, &err);
    if (rc < 0)
        return rc;
    if (rc) {
        refuse(r, l, rc, &err);
        return 0;
    }
    note_repairs(r, notes);
    if (root->type != JSON_OBJECT) {
        account_bad(a, BAD_NOT_OBJECT, "not a JSON object");
        return 0;
    }
    *ret_root = root;
    return 0;
}

/* The format an object is in, or EVENT_FORMAT_AUTO. */
static event_format format_of(const json_node *root)
{
    str eventid = json_str(json_get(root, STR("eventid")));

    if (eventid.ptr && str_starts(eventid, STR("cowrie.")))
        return EVENT_FORMAT_COWRIE;
    return json_get(root, STR("source_kind")) ? EVENT_FORMAT_EVENT : EVENT_FORMAT_AUTO;
}

static int unknown_format(reader *r, bool any_json, ttp_err *err)
{
    return err_set(err, TTP_E_INVALID, r->account.where,
                   "%s; expected Cowrie's JSON log (eventid \"cowrie...\") or event JSON Lines "
                   "(source_kind, source_id, payload)",
                   any_json ? "none of the first lines is of a known format"
                            : "none of the first lines is a JSON object");
}

/*
 * Read up to the first line that tells the format, and keep that line. What comes before it is
 * accounted for. An input without lines that could tell is left as it is, at its end.
 */
static int tell_format(reader *r, ttp_err *err)
{
    unsigned n_tried = 0;
    bool any_json = false;
    line l;
    int rc;

    while ((rc = lines_next(&r->lines, &l, err)) == 0) {
        uint64_t blank = r->account.stats.blank;

        rc = parse_line(r, &l, &r->first_root);
        if (rc)
            return err_set(err, rc, r->account.where, "out of memory");
        if (r->first_root) {
            r->format = format_of(r->first_root);
            any_json = true;
            if (r->format != EVENT_FORMAT_AUTO) {
                r->has_first = true;
                r->first = l.text;
                return 0;
            }
            account_bad(&r->account, BAD_NOT_EVENT, "neither eventid nor source_kind");
        }
        if (blank == r->account.stats.blank && ++n_tried == TRY_LINES)
            return unknown_format(r, any_json, err);
    }
    if (rc == TTP_E_END)
        return n_tried ? unknown_format(r, any_json, err) : 0;
    return rc;
}

static int begin_file(reader *r, const char *name, ttp_err *err)
{
    int rc = 0;

    account_begin_file(&r->account, name);
    cowrie_begin_file(r->cowrie);
    r->format = r->account.options.format;
    if (r->format == EVENT_FORMAT_AUTO)
        rc = tell_format(r, err);
    if (rc)
        close_file(r);
    return rc;
}

int reader_open(reader *r, const char *path, ttp_err *err)
{
    int rc;

    close_file(r);
    rc = lines_open(&r->lines, path, err);
    return rc ? rc : begin_file(r, input_name(r->lines.in), err);
}

int reader_open_memory(reader *r, const char *name, const void *data, size_t len, ttp_err *err)
{
    int rc;

    close_file(r);
    rc = lines_open_memory(&r->lines, name, data, len, err);
    return rc ? rc : begin_file(r, name, err);
}

static bool holds_nul(const event *e)
{
    str text = json_str(json_get(e->payload, STR("command_text")));

    return text.len && memchr(text.ptr, 0, text.len);
}

/* One object of event JSON Lines. Returns 0 and r->event, or TTP_E_END. */
static int take_event_line(reader *r, const json_node *root)
{
    ttp_err err;

    if (event_from_node(root, &r->event, NULL, 0, &err)) {
        account_bad(&r->account, BAD_NOT_EVENT, "%s", err.text);
        return TTP_E_END;
    }
    if (r->event.kind == EVENT_COMMAND && holds_nul(&r->event))
        account_note(&r->account, NOTE_NUL_IN_COMMAND, "a command holds the character U+0000");
    account_taggable(&r->account);
    return 0;
}

/* The next object, skipping and accounting for all that is none. */
static int next_object(reader *r, const json_node **ret_root, str *ret_text, ttp_err *err)
{
    line l;
    int rc;

    if (r->has_first) {
        r->has_first = false;
        *ret_root = r->first_root;
        *ret_text = r->first;
        return 0;
    }
    do {
        rc = lines_next(&r->lines, &l, err);
        if (rc)
            return rc;
        rc = parse_line(r, &l, ret_root);
        if (rc)
            return err_set(err, rc, r->account.where, "out of memory");
    } while (!*ret_root);
    *ret_text = l.text;
    return 0;
}

static int next_event(reader *r, ttp_err *err)
{
    for (;;) {
        const json_node *root;
        str text;
        int rc = TTP_E_END;

        if (r->format != EVENT_FORMAT_EVENT)
            rc = cowrie_next_due(r->cowrie, &r->event);
        if (rc != TTP_E_END)
            return rc;
        rc = next_object(r, &root, &text, err);
        if (rc)
            return rc;
        if (r->format == EVENT_FORMAT_EVENT)
            rc = take_event_line(r, root);
        else
            rc = cowrie_take(r->cowrie, root, text, &r->event);
        if (rc < 0)
            return err_set(err, rc, r->account.where, "out of memory");
        if (rc == 0)
            return 0;
    }
}

int reader_next(reader *r, const event **ret_event, ttp_err *err)
{
    int rc;

    if (!r->lines.in)
        return TTP_E_END;
    rc = next_event(r, err);
    if (rc) {
        close_file(r);
        return rc;
    }
    r->account.stats.events++;
    *ret_event = &r->event;
    return 0;
}

int reader_finish(reader *r, const event **ret_event, ttp_err *err)
{
    int rc;

    close_file(r);
    rc = cowrie_finish(r->cowrie, &r->event);
    if (rc < 0)
        return err_set(err, rc, NULL, "out of memory");
    if (rc)
        return rc;
    r->account.stats.events++;
    *ret_event = &r->event;
    return 0;
}

const reader_stats *reader_get_stats(const reader *r)
{
    return &r->account.stats;
}

size_t reader_counts(reader *r, const reader_count **ret_counts)
{
    return account_counts(&r->account, ret_counts);
}

void reader_progress(const reader *r, uint64_t *ret_done, uint64_t *ret_total)
{
    *ret_done = *ret_total = 0;
    if (r->lines.in)
        input_progress(r->lines.in, ret_done, ret_total);
}
