/* SPDX-License-Identifier: Apache-2.0 */
#include "event/feed.h"

#include "base/err.h"
#include "base/limits.h"
#include "event/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* kept of a batch's memory for the next one */
#define BATCH_KEEP (1u << 20)
/* sessions that never closed come out so many at a time */
#define REST_EVENTS 256

struct feed {
    /* feed_read's */
    lines lines;
    char *const *paths;
    size_t n_paths, at;
    unsigned n_opened;
    uint64_t read; /* of the open file */
    int wake[2];   /* a pipe: written to by feed_cancel */

    /* feed_map's */
    intake intake;
    bool skips; /* the rest of the file is not wanted */
    uint64_t done, total;
    size_t n_unread;

    /* from one to the other */
    atomic_uint given_up;   /* a file whose lines tell no format */
    atomic_bool all_mapped; /* the sessions that never closed, too */
    atomic_bool is_event;   /* the last format told: a hint how to parse best */
};

void feed_batch_done(feed_batch *b)
{
    arena_done(&b->mem);
    free(b->buf);
    free(b->lines);
    free(b->events);
    *b = (feed_batch){0};
}

size_t feed_batch_memory(const feed_batch *b)
{
    size_t long_line = b->cap > LINES_FIRST_SIZE ? b->cap : 0; /* its values come yet */

    return b->mem.total + b->cap + 3 * long_line + b->cap_lines * sizeof(*b->lines) +
           b->cap_events * sizeof(*b->events);
}

int feed_new(const reader_options *options, char *const *paths, size_t n_paths, feed **ret_feed)
{
    auto_free(feed) feed *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->wake[0] = f->wake[1] = -1;
    f->paths = paths;
    f->n_paths = n_paths;
    if (intake_init(&f->intake, options))
        return -ENOMEM;
    if (pipe2(f->wake, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    f->lines.wake_fd = f->wake[0] + 1;
    atomic_store(&f->is_event, options && options->format == EVENT_FORMAT_EVENT);
    *ret_feed = take(f);
    return 0;
}

feed *feed_free(feed *f)
{
    if (!f)
        return NULL;
    lines_done(&f->lines);
    intake_done(&f->intake);
    for (int i = 0; i < 2; i++) {
        if (f->wake[i] >= 0)
            (void)close(f->wake[i]); /* holds nothing */
    }
    free(f);
    return NULL;
}

void feed_cancel(feed *f)
{
    (void)!write(f->wake[1], "", 1); /* a full pipe is as good */
}

void feed_batch_clear(feed_batch *b)
{
    arena_clear(&b->mem, BATCH_KEEP);
    if (b->cap > BATCH_KEEP) {
        free(b->buf);
        b->buf = NULL;
        b->cap = 0;
    }
    b->n_lines = b->n_events = 0;
    b->begins_file = b->ends_file = b->is_rest = b->would_wait = false;
    b->file_rc = 0;
    b->bytes = 0;
}

/* ---- reading ---- */

/* Room for the next line is sure. */
static void add_line(feed_batch *b, const line *l)
{
    b->lines[b->n_lines++].line = *l;
}

/* Copy the lines out of the buffer, with what lies between them. */
static int copy_lines(feed_batch *b, const char *from, size_t len)
{
    char *copy = arena_alloc(&b->mem, len + JSON_PADDING);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, from, len);
    memset(copy + len, 0, JSON_PADDING);
    for (size_t i = 0; i < b->n_lines; i++)
        b->lines[i].line.text.ptr = copy + (b->lines[i].line.text.ptr - from);
    return 0;
}

/* Make the lines last: by taking the buffer, unless what is left in it is more than they are. */
static int keep_lines(feed *f, feed_batch *b)
{
    const char *from = b->lines[0].line.text.ptr;
    size_t len = (size_t)(f->lines.buf + f->lines.start - from);

    if (len < f->lines.end - f->lines.start)
        return copy_lines(b, from, len);
    return lines_exchange(&f->lines, &b->buf, &b->cap);
}

/* The first line of a batch, which may have to be read, and what else the buffer holds. */
static int cut_lines(feed *f, feed_batch *b, ttp_err *err)
{
    line l;
    int rc = lines_next(&f->lines, &l, err);

    if (rc)
        return rc;
    add_line(b, &l);
    while (b->n_lines < FEED_LINES_MAX && lines_next_held(&f->lines, &l))
        add_line(b, &l);
    if (keep_lines(f, b))
        return err_set(err, -ENOMEM, input_name(f->lines.in), "out of memory");
    return 0;
}

/* Elements of an array, which do not stay where they are when the next one is read. */
static int copy_elements(feed *f, feed_batch *b, ttp_err *err)
{
    size_t size = 0;
    line l;
    int rc;

    while (f->lines.in_array && b->n_lines < FEED_LINES_MAX && size < LINES_FIRST_SIZE) {
        char *copy;

        rc = lines_next(&f->lines, &l, err);
        if (rc)
            return rc;
        copy = arena_alloc(&b->mem, l.text.len + JSON_PADDING);
        if (!copy)
            return err_set(err, -ENOMEM, input_name(f->lines.in), "out of memory");
        memcpy(copy, l.text.ptr, l.text.len);
        memset(copy + l.text.len, 0, JSON_PADDING);
        l.text.ptr = copy;
        size += l.text.len;
        add_line(b, &l);
    }
    return 0;
}

static void note_place(feed *f, feed_batch *b)
{
    input_progress(f->lines.in, &b->done, &b->total);
    b->bytes = b->done - f->read;
    f->read = b->done;
}

static void end_file(feed *f, feed_batch *b, int rc)
{
    b->ends_file = true;
    b->file_rc = rc == TTP_E_END ? 0 : rc;
    f->read = 0;
    lines_close(&f->lines);
}

static void begin_file(feed *f, feed_batch *b)
{
    int rc = lines_open(&f->lines, f->paths[f->at++], &b->file_err);

    b->begins_file = true;
    f->n_opened++;
    if (rc)
        end_file(f, b, rc);
    else
        (void)snprintf(b->file_name, sizeof(b->file_name), "%s", input_name(f->lines.in));
}

static int read_lines(feed *f, feed_batch *b)
{
    int rc;

    if (mem_grow(b->lines, b->cap_lines, FEED_LINES_MAX))
        return err_set(&b->file_err, -ENOMEM, input_name(f->lines.in), "out of memory");
    rc = f->lines.in_array ? copy_elements(f, b, &b->file_err) : cut_lines(f, b, &b->file_err);
    note_place(f, b);
    return rc;
}

int feed_read(feed *f, feed_batch *b)
{
    int rc = 0;

    feed_batch_clear(b);
    if (!f->lines.in && f->at == f->n_paths) {
        b->is_rest = true;
        return atomic_load(&f->all_mapped) ? TTP_E_END : 0;
    }
    if (!f->lines.in)
        begin_file(f, b);
    b->file = f->n_opened;
    b->flat = !atomic_load_explicit(&f->is_event, memory_order_relaxed);
    if (b->ends_file)
        return b->file_rc == -ECANCELED ? b->file_rc : 0;
    if (atomic_load_explicit(&f->given_up, memory_order_relaxed) == b->file)
        rc = TTP_E_END;
    if (!rc)
        rc = read_lines(f, b);
    if (rc == -ECANCELED)
        return rc;
    if (rc)
        end_file(f, b, rc);
    else
        b->would_wait = input_would_wait(f->lines.in);
    return 0;
}

/* ---- parsing ---- */

/*
 * Lines from i on that lie one behind the other, with nothing but their ends between, and are not
 * too long in all; at least one.
 */
static size_t count_run(const feed_batch *b, size_t i)
{
    const char *start = b->lines[i].line.text.ptr;
    size_t n = 1;

    for (; i + n < b->n_lines; n++) {
        str before = b->lines[i + n - 1].line.text, text = b->lines[i + n].line.text;
        const char *end = before.ptr + before.len;

        if (text.ptr <= end || text.ptr - end > 2 || text.ptr + text.len > start + JSON_RUN_MAX)
            break;
    }
    return n;
}

static int parse_run(feed_batch *b, json_doc *doc, size_t i, size_t n)
{
    const char *start = b->lines[i].line.text.ptr;
    str last = b->lines[i + n - 1].line.text;
    int rc = 0;

    if (n > 1)
        json_begin_run(doc, (str){start, (size_t)(last.ptr + last.len - start)});
    for (size_t k = i; !rc && k < i + n; k++) {
        line l = b->lines[k].line;

        rc = parsed_read(doc, &l, b->flat, &b->mem, &b->lines[k]);
    }
    json_end_run(doc);
    return rc;
}

int feed_parse(feed_batch *b, json_doc *doc)
{
    int rc = 0;

    for (size_t i = 0, n; !rc && i < b->n_lines; i += n) {
        n = b->flat ? count_run(b, i) : 1;
        rc = parse_run(b, doc, i, n);
    }
    return rc;
}

/* ---- mapping ---- */

static void complain(feed *f, const ttp_err *err)
{
    const reader_options *o = &f->intake.account.options;

    f->n_unread++;
    if (o->complain)
        o->complain(o->ctx, err, true);
}

/* The next free event; NULL when out of memory. */
static event *event_room(feed_batch *b)
{
    return mem_grow(b->events, b->cap_events, b->n_events + 1) ? NULL : &b->events[b->n_events];
}

/* Events of sessions that cannot wait. */
static int map_due(feed *f, feed_batch *b)
{
    event *e;
    int rc = 0;

    while (!rc) {
        e = event_room(b);
        rc = e ? intake_next_due(&f->intake, e) : -ENOMEM;
        b->n_events += !rc;
    }
    return rc == TTP_E_END ? 0 : rc;
}

static int map_line(feed *f, feed_batch *b, const parsed_line *p)
{
    const json_node *root;
    ttp_err err;
    event *e;
    int rc = map_due(f, b);

    if (rc)
        return rc;
    root = intake_line(&f->intake, p);
    if (!intake_tell(&f->intake, p, root, &rc, &err)) {
        if (rc) {
            complain(f, &err);
            f->skips = true;
            atomic_store_explicit(&f->given_up, b->file, memory_order_relaxed);
        }
        return 0;
    }
    if (!root)
        return 0;
    e = event_room(b);
    rc = e ? intake_event(&f->intake, root, p->line.text, e) : -ENOMEM;
    b->n_events += !rc;
    return rc == TTP_E_END ? 0 : rc;
}

static int map_end(feed *f, feed_batch *b)
{
    int rc = map_due(f, b);

    if (rc)
        return rc;
    rc = b->file_rc ? b->file_rc : intake_end_file(&f->intake, &b->file_err);
    if (rc && !f->skips) /* else the file was complained of */
        complain(f, &b->file_err);
    return 0;
}

static int map_rest(feed *f, feed_batch *b)
{
    int rc = 0;

    while (!rc && b->n_events < REST_EVENTS) {
        event *e = event_room(b);

        rc = e ? cowrie_finish(f->intake.cowrie, e) : -ENOMEM;
        b->n_events += !rc;
    }
    if (rc == TTP_E_END)
        atomic_store(&f->all_mapped, true);
    return rc == TTP_E_END ? 0 : rc;
}

static int map_lines(feed *f, feed_batch *b)
{
    int rc = 0;

    if (b->begins_file) {
        f->skips = false;
        if (!(b->ends_file && b->file_rc)) /* it was opened */
            intake_begin_file(&f->intake, b->file_name);
    }
    for (size_t i = 0; !rc && !f->skips && i < b->n_lines; i++)
        rc = map_line(f, b, &b->lines[i]);
    if (!rc && b->ends_file)
        rc = map_end(f, b);
    atomic_store_explicit(&f->is_event, f->intake.format == EVENT_FORMAT_EVENT,
                          memory_order_relaxed);
    return rc;
}

int feed_map(feed *f, feed_batch *b)
{
    reader_stats *stats = &f->intake.account.stats;
    int rc;

    cowrie_use_memory(f->intake.cowrie, &b->mem);
    rc = b->is_rest ? map_rest(f, b) : map_lines(f, b);
    stats->events += b->n_events;
    stats->bytes += b->bytes;
    f->done = b->done;
    f->total = b->total;
    return rc;
}

const reader_stats *feed_get_stats(const feed *f)
{
    return &f->intake.account.stats;
}

size_t feed_counts(feed *f, const reader_count **ret_counts)
{
    return account_counts(&f->intake.account, ret_counts);
}

void feed_progress(const feed *f, uint64_t *ret_done, uint64_t *ret_total)
{
    *ret_done = f->done;
    *ret_total = f->total;
}

size_t feed_n_unread(const feed *f)
{
    return f->n_unread;
}
