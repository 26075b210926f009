/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench tag: a Cowrie log from file to tags as JSON Lines on /dev/null against reading the same
 * file and parsing each line with simdjson's DOM, on one thread. One thread of ours is measured in
 * time on a core; two are in time on the clock, as they use two cores, and so is their yardstick.
 *
 * The log is read several times in a row, as one run, so that what a run begins with (threads,
 * evaluators whose automata are yet to be made) weighs as it does for a log of that length, in
 * which attackers repeat themselves; and once. The rules are loaded before.
 */
#include "cli/bench.h"
#include "cli/load.h"

#include "base/time.h"
#include "engine/tagging.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOM_PADDING 64
#define TIMES_MAX 8 /* the log in a row */
#define MIN_MS 200

typedef struct whole {
    char *path;
    double megabytes; /* of the log, once */
    ttp_engine *engine;
    int sink_fd;
    unsigned n_threads;
    size_t times; /* the log in a row */
    char *text;   /* the yardstick's buffer */
    bool failed;
} whole;

static double tag_whole(void *ctx)
{
    const reader_options options = {.format = EVENT_FORMAT_COWRIE};
    whole *w = ctx;
    char *paths[TIMES_MAX];
    auto_free(feed) feed *f = NULL;
    auto_free(tag_sink) tag_sink *sink = NULL;
    tagging_options run = {
        .engine = w->engine, .sinks = &sink, .n_sinks = 1, .n_threads = w->n_threads};
    evaluator_stats stats;

    for (size_t i = 0; i < w->times; i++)
        paths[i] = w->path;
    if (feed_new(&options, paths, w->times, &f) || tag_sink_jsonl_new(w->sink_fd, &sink)) {
        w->failed = true;
        return 1;
    }
    run.feed = f;
    if (tagging_run(&run, &stats, NULL))
        w->failed = true;
    return w->megabytes * (double)w->times;
}

static void parse_once(whole *w)
{
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
}

static double parse_whole(void *ctx)
{
    whole *w = ctx;

    for (size_t i = 0; i < w->times; i++)
        parse_once(w);
    return w->megabytes * (double)w->times;
}

/* Units a second on the clock, over at least MIN_MS. */
static double on_the_clock(bench_work *work, void *ctx)
{
    int64_t start = time_monotonic_ns(), now = start;
    double units = 0;

    while (now - start < MIN_MS * INT64_C(1000000)) {
        units += work(ctx);
        now = time_monotonic_ns();
    }
    return units * 1e9 / (double)(now - start);
}

static double with_threads(whole *w, unsigned n)
{
    w->n_threads = n;
    return on_the_clock(tag_whole, w);
}

/* What is measured, and of what. */
static const char *name_of(const whole *w, const char *what, char *name, size_t size)
{
    (void)snprintf(name, size, "%s%s", what, w->times == 1 ? ", the log once" : ""); /* it fits */
    return name;
}

static void measure_one(bench_report *report, whole *w)
{
    char name[96];

    w->n_threads = 1;
    bench_compare(report, name_of(w, "tag, file to JSON Lines, one thread", name, sizeof(name)),
                  "MB/s", MIN_MS, tag_whole, w, parse_whole, w);
}

static void measure_two(bench_report *report, whole *w)
{
    char name[96];
    double one[BENCH_ROUNDS], two[BENCH_ROUNDS], dom[BENCH_ROUNDS];
    double to_dom[BENCH_ROUNDS], to_one[BENCH_ROUNDS];

    for (unsigned i = 0; i < BENCH_ROUNDS; i++) {
        two[i] = with_threads(w, 2);
        dom[i] = on_the_clock(parse_whole, w);
        one[i] = with_threads(w, 1);
        to_dom[i] = two[i] / dom[i];
        to_one[i] = two[i] / one[i];
    }
    bench_add_ratio(report, name_of(w, "tag, two threads, on the clock", name, sizeof(name)),
                    "MB/s", bench_median(two, BENCH_ROUNDS), bench_median(dom, BENCH_ROUNDS),
                    bench_median(to_dom, BENCH_ROUNDS));
    bench_add_ratio(report,
                    name_of(w, "tag, two threads against one, on the clock", name, sizeof(name)),
                    "MB/s", bench_median(two, BENCH_ROUNDS), bench_median(one, BENCH_ROUNDS),
                    bench_median(to_one, BENCH_ROUNDS));
}

static int measure(bench_report *report, whole *w)
{
    struct stat st;

    if (stat(w->path, &st))
        return CLI_FAILED;
    w->megabytes = (double)st.st_size / 1e6;
    w->text = malloc((size_t)st.st_size + DOM_PADDING);
    w->sink_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!w->text || w->sink_fd < 0)
        return CLI_FAILED;
    for (w->times = TIMES_MAX; w->times; w->times = w->times > 1) {
        measure_one(report, w);
        measure_two(report, w);
    }
    return w->failed ? CLI_FAILED : CLI_DONE;
}

/* The rules, in an engine that nobody changes. */
static int load_engine(ttp_engine **ret_engine)
{
    loaded_rules rules = {0};
    int status = cli_read_rules(NULL, NULL, NULL, &rules);

    if (status == CLI_DONE &&
        (ttp_engine_new(NULL, ret_engine) ||
         ttp_engine_reset(*ret_engine, rules.dir.rules, NULL, rules.dir.n_rules)))
        status = CLI_FAILED;
    cli_unload_rules(&rules);
    return status;
}

int bench_tag(bench_report *r)
{
    char *log = bench_shared("data/cowrie/cowrie_dev.jsonl");
    whole w = {.path = log, .sink_fd = -1};
    int status = CLI_FAILED;

    if (log && load_engine(&w.engine) == CLI_DONE)
        status = measure(r, &w);
    ttp_engine_free(w.engine);
    if (w.sink_fd >= 0)
        (void)close(w.sink_fd); /* /dev/null keeps nothing */
    free(w.text);
    free(log);
    return status;
}
