/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench tag: a Cowrie log from file to tags as JSON Lines on /dev/null, on one thread, against
 * reading the same file and parsing each line with simdjson's DOM.
 */
#include "cli/bench.h"
#include "cli/load.h"

#include "event/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOM_PADDING 64

typedef struct whole {
    const char *path;
    double megabytes;
    loaded_rules rules;
    evaluator *evaluator;
    int sink_fd;
    char *text; /* the yardstick's buffer */
    bool failed;
} whole;

static int tag_events(whole *w, reader *r, tag_sink *sink)
{
    const event *ev;
    const tag *tags;
    ttp_err err;
    size_t n;
    int rc = reader_open(r, w->path, &err);

    while (!rc) {
        rc = reader_next(r, &ev, &err);
        if (rc == TTP_E_END)
            rc = reader_finish(r, &ev, &err);
        if (rc == TTP_E_END)
            return tag_sink_flush(sink, &err);
        if (!rc)
            rc = evaluator_run(w->evaluator, w->rules.index, ev, &tags, &n);
        for (size_t i = 0; !rc && i < n; i++)
            rc = tag_sink_put(sink, &tags[i], &err);
    }
    return rc;
}

static double tag_whole(void *ctx)
{
    const reader_options options = {.format = EVENT_FORMAT_COWRIE};
    whole *w = ctx;
    auto_free(reader) reader *r = NULL;
    auto_free(tag_sink) tag_sink *sink = NULL;

    if (reader_new(&options, &r) || tag_sink_jsonl_new(w->sink_fd, &sink) || tag_events(w, r, sink))
        w->failed = true;
    return w->megabytes;
}

static double parse_whole(void *ctx)
{
    whole *w = ctx;
    int fd = open(w->path, O_RDONLY | O_CLOEXEC);
    size_t want = (size_t)(w->megabytes * 1e6 + 0.5), len = 0;
    ssize_t n = 1;

    while (fd >= 0 && len < want && n > 0) {
        n = read(fd, w->text + len, want - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        (void)close(fd); /* it was only read */
    if (len != want || yardstick_dom((str){w->text, len}) == 0)
        w->failed = true;
    return w->megabytes;
}

static int measure(bench_report *report, whole *w)
{
    struct stat st;

    if (stat(w->path, &st))
        return CLI_FAILED;
    w->megabytes = (double)st.st_size / 1e6;
    w->text = malloc((size_t)st.st_size + DOM_PADDING);
    w->sink_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    w->evaluator = evaluator_new(NULL, NULL);
    if (!w->text || w->sink_fd < 0 || !w->evaluator)
        return CLI_FAILED;
    bench_compare(report, "tag, file to JSON Lines, one thread", "MB/s", 200, tag_whole, w,
                  parse_whole, w);
    return w->failed ? CLI_FAILED : CLI_DONE;
}

int bench_tag(bench_report *r)
{
    char *log = bench_shared("data/cowrie/cowrie_dev.jsonl");
    whole w = {.path = log, .sink_fd = -1};
    int status = CLI_FAILED;

    if (log && cli_load_rules(NULL, NULL, NULL, &w.rules) == CLI_DONE)
        status = measure(r, &w);
    evaluator_free(w.evaluator);
    cli_unload_rules(&w.rules);
    if (w.sink_fd >= 0)
        (void)close(w.sink_fd); /* /dev/null keeps nothing */
    free(w.text);
    free(log);
    return status;
}
