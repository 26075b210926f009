/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/out.h"
#include "tag/tag.h"

#include <errno.h>

typedef struct jsonl_sink {
    tag_sink base;
    out out;
    tag_clock clock;
} jsonl_sink;

static int jsonl_put(tag_sink *s, const tag *t, ttp_err *err)
{
    jsonl_sink *j = (jsonl_sink *)s;
    int rc = tag_check(t, err);

    if (rc)
        return rc;
    tag_write_json_at(&j->out.data, t, &j->clock);
    buf_put_char(&j->out.data, '\n');
    return out_commit(&j->out, err);
}

static int jsonl_flush(tag_sink *s, ttp_err *err)
{
    return out_flush(&((jsonl_sink *)s)->out, err);
}

static void jsonl_free(tag_sink *s)
{
    out_done(&((jsonl_sink *)s)->out);
    free(s);
}

int tag_sink_jsonl_new(int fd, tag_sink **ret_sink)
{
    static const tag_sink_ops ops = {jsonl_put, jsonl_flush, jsonl_free};
    jsonl_sink *j = malloc(sizeof(*j));

    if (!j)
        return -ENOMEM;
    j->base.ops = &ops;
    j->clock = (tag_clock){0};
    out_init(&j->out, fd);
    *ret_sink = &j->base;
    return 0;
}
