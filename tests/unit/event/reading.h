/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Read a whole text through a reader, and show what came out as text that a row can hold. */
#include "../unit.h"

#include "event/reader.h"

typedef struct reading {
    reader *r;
    buf events;     /* one line each: kind source_id payload */
    buf complaints; /* one line each: line number, "bad" or "odd", text */
} reading;

static inline void reading_complain(void *ctx, const ttp_err *err, bool is_bad)
{
    reading *rd = ctx;

    buf_printf(&rd->complaints, "%u %s %s\n", err->line, is_bad ? "bad" : "odd", err->text);
}

static inline void reading_begin(reading *rd, event_format format)
{
    reader_options options = {.format = format, .complain = reading_complain, .ctx = rd};

    *rd = (reading){0};
    assert_int_equal(reader_new(&options, &rd->r), 0);
}

static inline void reading_show(reading *rd, const event *e)
{
    buf_put_str(&rd->events, e->source_kind);
    buf_put_char(&rd->events, ' ');
    buf_put_str(&rd->events, e->source_id);
    buf_put_char(&rd->events, ' ');
    json_write(&rd->events, e->payload);
    buf_put_char(&rd->events, '\n');
}

/* To the end of the open file; what reader_next ended with. */
static inline int reading_rest(reading *rd, ttp_err *err)
{
    const event *e;
    int rc;

    while ((rc = reader_next(rd->r, &e, err)) == 0)
        reading_show(rd, e);
    return rc;
}

static inline int reading_text(reading *rd, const char *name, const void *text, size_t len,
                               ttp_err *err)
{
    int rc = reader_open_memory(rd->r, name, text, len, err);

    return rc ? rc : reading_rest(rd, err);
}

static inline void reading_finish(reading *rd)
{
    const event *e;

    while (reader_finish(rd->r, &e, NULL) == 0)
        reading_show(rd, e);
}

static inline void reading_end(reading *rd)
{
    rd->r = reader_free(rd->r);
    buf_done(&rd->events);
    buf_done(&rd->complaints);
}

/* Every line is in exactly one column, and the columns' parts add up, too. */
static inline void expect_sums(const char *says, reader *r)
{
    const reader_stats *s = reader_get_stats(r);
    const reader_count *counts;
    size_t n = reader_counts(r, &counts);
    uint64_t bad = 0, not_taggable = 0;

    for (size_t i = 0; i < n; i++) {
        bad += counts[i].bad ? counts[i].count : 0;
        not_taggable += !counts[i].bad && !counts[i].noted ? counts[i].count : 0;
    }
    expect_int(says, s->blank + s->taggable + s->not_taggable + s->bad, s->lines);
    expect_int(says, bad, s->bad);
    expect_int(says, not_taggable, s->not_taggable);
    expect_true(says, s->noted <= s->lines);
}
