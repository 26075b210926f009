/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a whole file, read once with the format told from it and once as event JSON Lines.
 * Whatever it is: no crash, every line in one column of the account, every event well-formed.
 */
#include "base/utf8.h"
#include "event/reader.h"

#include <stdlib.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_value(const json_node *n, const json_node *end)
{
    check(n < end && n->type <= JSON_OBJECT);
    if (n->type == JSON_STRING)
        check(utf8_valid(json_str(n)) && n->str[n->len] == '\0');
    if (n->type < JSON_ARRAY)
        return;
    const json_node *child = n + 1;

    end = n + n->n_nodes;
    for (uint64_t left = (uint64_t)n->len * (n->type == JSON_OBJECT ? 2 : 1); left > 0; left--) {
        check_value(child, end);
        child = json_next(child);
    }
    check(child == end);
}

static void check_event(const event *e)
{
    check(e->source_kind.len > 0 && e->source_id.len > 0);
    check(utf8_valid(e->source_kind) && utf8_valid(e->source_id));
    check(e->kind == event_kind_from_name(e->source_kind));
    check(e->payload && e->payload->type == JSON_OBJECT);
    check_value(e->payload, e->payload + e->payload->n_nodes);
}

static void check_account(reader *r)
{
    const reader_stats *s = reader_get_stats(r);
    const reader_count *counts;
    size_t n = reader_counts(r, &counts);
    uint64_t bad = 0, not_taggable = 0;

    for (size_t i = 0; i < n; i++) {
        bad += counts[i].bad ? counts[i].count : 0;
        not_taggable += !counts[i].bad && !counts[i].noted ? counts[i].count : 0;
    }
    check(s->lines == s->blank + s->taggable + s->not_taggable + s->bad);
    check(s->bad == bad && s->not_taggable == not_taggable && s->noted <= s->lines);
}

static void read_as(event_format format, const uint8_t *data, size_t size)
{
    reader_options options = {.format = format};
    const event *e;
    reader *r;
    ttp_err err;

    if (reader_new(&options, &r))
        return;
    if (reader_open_memory(r, "fuzz", data, size, &err) == 0) {
        while (reader_next(r, &e, &err) == 0)
            check_event(e);
        while (reader_finish(r, &e, &err) == 0)
            check_event(e);
    }
    check_account(r);
    (void)reader_free(r); /* always NULL */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(EVENT_FORMAT_AUTO, data, size);
    read_as(EVENT_FORMAT_EVENT, data, size);
    return 0;
}
