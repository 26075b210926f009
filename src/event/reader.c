/* SPDX-License-Identifier: Apache-2.0 */
#include "event/reader.h"

#include "base/err.h"
#include "event/intake.h"

#include <errno.h>

/* kept of the memory made for one line */
#define ARENA_KEEP (64u << 10)

struct reader {
    lines lines;
    json_doc *doc;
    intake intake;
    arena mem;        /* of the line being read */
    uint64_t counted; /* bytes of the open file that are in the account */
    bool has_first;   /* the line that told the format is yet to be taken */
    parsed_line first;
    event event;
};

int reader_new(const reader_options *options, reader **ret_reader)
{
    auto_free(reader) reader *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    if (intake_init(&r->intake, options))
        return -ENOMEM;
    cowrie_use_memory(r->intake.cowrie, &r->mem);
    r->doc = json_doc_new();
    if (!r->doc)
        return -ENOMEM;
    *ret_reader = take(r);
    return 0;
}

reader *reader_free(reader *r)
{
    if (!r)
        return NULL;
    intake_done(&r->intake);
    r->doc = json_doc_free(r->doc);
    lines_done(&r->lines);
    arena_done(&r->mem);
    free(r);
    return NULL;
}

static void count_bytes(reader *r)
{
    uint64_t done, total;

    reader_progress(r, &done, &total);
    r->intake.account.stats.bytes += done - r->counted;
    r->counted = done;
}

static void close_file(reader *r)
{
    count_bytes(r);
    r->counted = 0;
    r->has_first = false;
    lines_close(&r->lines);
}

static int out_of_memory(const reader *r, ttp_err *err)
{
    return err_set(err, -ENOMEM, r->intake.account.where, "out of memory");
}

/* The next line, accounted for; *ret_root is NULL where it is no object. */
static int next_line(reader *r, parsed_line *p, const json_node **ret_root, ttp_err *err)
{
    bool flat = r->intake.format == EVENT_FORMAT_COWRIE; /* none of its fields is a container */
    line l;
    int rc = lines_next(&r->lines, &l, err);

    *ret_root = NULL;
    if (rc)
        return rc;
    arena_clear(&r->mem, ARENA_KEEP);
    if (parsed_read(r->doc, &l, flat, &r->mem, p))
        return out_of_memory(r, err);
    *ret_root = intake_line(&r->intake, p);
    return 0;
}

/*
 * Read up to the first line that tells the format, and keep that line. What comes before it is
 * accounted for. An input without lines that could tell is left as it is, at its end.
 */
static int tell_format(reader *r, ttp_err *err)
{
    const json_node *root;
    parsed_line p;
    int rc;

    while ((rc = next_line(r, &p, &root, err)) == 0) {
        r->has_first = intake_tell(&r->intake, &p, root, &rc, err);
        r->first = p;
        if (r->has_first || rc)
            return rc;
    }
    return rc == TTP_E_END ? intake_end_file(&r->intake, err) : rc;
}

static int begin_file(reader *r, const char *name, ttp_err *err)
{
    int rc = 0;

    intake_begin_file(&r->intake, name);
    if (r->intake.format == EVENT_FORMAT_AUTO)
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

/* The next object, skipping and accounting for all that is none. */
static int next_object(reader *r, const json_node **ret_root, str *ret_text, ttp_err *err)
{
    parsed_line p;
    int rc;

    if (r->has_first) {
        r->has_first = false;
        *ret_root = r->first.root;
        *ret_text = r->first.line.text;
        return 0;
    }
    do {
        rc = next_line(r, &p, ret_root, err);
        if (rc)
            return rc;
    } while (!*ret_root);
    *ret_text = p.line.text;
    return 0;
}

static int next_event(reader *r, ttp_err *err)
{
    for (;;) {
        const json_node *root;
        str text;
        int rc = intake_next_due(&r->intake, &r->event);

        if (rc != TTP_E_END)
            return rc;
        rc = next_object(r, &root, &text, err);
        if (rc)
            return rc;
        rc = intake_event(&r->intake, root, text, &r->event);
        if (rc < 0)
            return out_of_memory(r, err);
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
    r->intake.account.stats.events++;
    *ret_event = &r->event;
    return 0;
}

int reader_finish(reader *r, const event **ret_event, ttp_err *err)
{
    int rc;

    close_file(r);
    arena_clear(&r->mem, ARENA_KEEP);
    rc = cowrie_finish(r->intake.cowrie, &r->event);
    if (rc < 0)
        return err_set(err, rc, NULL, "out of memory");
    if (rc)
        return rc;
    r->intake.account.stats.events++;
    *ret_event = &r->event;
    return 0;
}

const reader_stats *reader_get_stats(const reader *r)
{
    return &r->intake.account.stats;
}

size_t reader_counts(reader *r, const reader_count **ret_counts)
{
    return account_counts(&r->intake.account, ret_counts);
}

void reader_progress(const reader *r, uint64_t *ret_done, uint64_t *ret_total)
{
    *ret_done = *ret_total = 0;
    if (r->lines.in)
        input_progress(r->lines.in, ret_done, ret_total);
}
