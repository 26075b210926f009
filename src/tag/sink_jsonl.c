/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/out.h"
#include "tag/tag.h"

#include <errno.h>

typedef struct jsonl_sink {
    tag_sink base;
    out out;
    tag_clock clock;
} jsonl_sink;

static int jsonl_render(const tag_sink *s, tag_clock *clock, buf *b, const tag *tags, size_t n,
                        ttp_err *err)
{
    (void)s; /* all jsonl sinks write alike */
    for (size_t i = 0; i < n; i++) {
        int rc = tag_check(&tags[i], err);

        if (rc)
            return rc;
    }
    tag_write_json_lines(b, tags, n, clock);
    return 0;
}

static int jsonl_put(tag_sink *s, const tag *t, ttp_err *err)
{
    jsonl_sink *j = (jsonl_sink *)s;
    int rc = jsonl_render(s, &j->clock, &j->out.data, t, 1, err);

    return rc ? rc : out_commit(&j->out, err);
}

static int jsonl_put_rendered(tag_sink *s, str rendered, ttp_err *err)
{
    return out_put(&((jsonl_sink *)s)->out, rendered, err);
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
    static const tag_sink_ops ops = {jsonl_put,    jsonl_flush,        jsonl_free,
                                     jsonl_render, jsonl_put_rendered, false};
    jsonl_sink *j = malloc(sizeof(*j));

    if (!j)
        return -ENOMEM;
    j->base.ops = &ops;
    j->clock = (tag_clock){0};
    out_init(&j->out, fd);
    *ret_sink = &j->base;
    return 0;
}
