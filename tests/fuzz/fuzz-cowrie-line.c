/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is lines of a Cowrie log, read as such and, split in two anywhere, as two rotated
 * files: in both readings each line is accounted for and each event is well-formed.
 */
#include "base/utf8.h"
#include "event/reader.h"

#include <stdlib.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_members(const json_node *object)
{
    const json_node *n = object + 1;

    check(object->type == JSON_OBJECT);
    for (uint32_t i = 0; i < object->len; i++) {
        check(n->type == JSON_STRING && n[1].type <= JSON_OBJECT);
        if (n[1].type == JSON_STRING)
            check(utf8_valid(json_str(n + 1)));
        n = json_next(n + 1);
    }
    check(n == object + object->n_nodes);
}

static void check_event(const event *e)
{
    check(e->kind < EVENT_N_KINDS && e->source_id.len > 0 && utf8_valid(e->source_id));
    check(!e->attacker_uuid.ptr || e->attacker_uuid.len == 36);
    check_members(e->payload);
}

static void read_part(reader *r, const uint8_t *data, size_t size)
{
    const event *e;

    if (reader_open_memory(r, "fuzz", data, size, NULL))
        return;
    while (reader_next(r, &e, NULL) == 0)
        check_event(e);
}

static void read_in_two(const uint8_t *data, size_t size, size_t split)
{
    reader_options options = {.format = EVENT_FORMAT_COWRIE};
    const reader_stats *s;
    const event *e;
    reader *r;

    if (reader_new(&options, &r))
        return;
    read_part(r, data, split);
    read_part(r, data + split, size - split);
    while (reader_finish(r, &e, NULL) == 0)
        check_event(e);
    s = reader_get_stats(r);
    check(s->lines == s->blank + s->taggable + s->not_taggable + s->bad);
    (void)reader_free(r); /* always NULL */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_in_two(data, size, size);
    if (size > 1)
        read_in_two(data, size, 1 + data[size / 2] % (size - 1));
    return 0;
}
