/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench reload: from a writer's close() or rename() of a rule file to the first event that is
 * tagged by what it wrote, while an evaluating thread runs at full speed.
 *
 *     writer --file--> store's thread --change--> follower --snapshot--> evaluating thread
 *
 * The floor, in the same rounds: a thread that inotify wakes on another directory, plus reading and
 * compiling the one rule.
 */
#include "cli/bench_reload.h"
#include "cli/bench_load.h"
#include "cli/bench_rules.h"

#include "base/limits.h"
#include "base/time.h"
#include "rule/rule.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define N_EDITS 500
#define N_STATES 1000
#define N_BURST 1000

bool reload_open(size_t n_rules, reload *r)
{
    ttp_store_options options = {.type = "filesystem"};
    ttp_err err = {0};
    char path[256];

    *r = (reload){0};
    if (!bench_rules_make(n_rules - N_PROBES, &r->rules))
        return false;
    for (unsigned i = 0; i < N_PROBES; i++) {
        auto_free(buf) buf text = {0};

        reload_probe_path(r, i, path, sizeof(path));
        bench_probe_text(i, 1, &text);
        if (!bench_write(path, buf_str(&text)))
            return false;
        r->versions[i] = 1;
    }
    options.rules_dir = r->rules.dir;
    if (ttp_store_open(&options, &r->store, &err) || ttp_engine_new(NULL, &r->engine) ||
        ttp_follower_open(r->store, r->engine, NULL, &r->follower, &err)) {
        (void)cli_fail(&err); /* the caller has a status of its own */
        return false;
    }
    return true;
}

void reload_close(reload *r)
{
    ttp_follower_close(r->follower);
    ttp_engine_free(r->engine);
    ttp_store_close(r->store);
    for (unsigned i = 0; i < N_PROBES && r->rules.dir[0]; i++) {
        char path[256];

        reload_probe_path(r, i, path, sizeof(path));
        (void)unlink(path); /* the directory goes with what is left in it */
    }
    bench_rules_remove(&r->rules);
}

void reload_probe_path(const reload *r, unsigned which, char *out, size_t size)
{
    char id[16];

    bench_probe_id(which, id);
    (void)snprintf(out, size, "%s/%s.yaml", r->rules.dir, id); /* it fits */
}

/* A file written by opening, writing and closing it; the time is that of the close. */
static int64_t write_in_place(const char *path, str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int64_t begun = 0;

    if (fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len)
        begun = time_monotonic_ns();
    if (fd >= 0 && close(fd))
        begun = 0;
    return begun;
}

/* The same by a file beside it that is renamed over it. */
static int64_t write_and_rename(const char *path, str text)
{
    char beside[280];
    int64_t begun;

    (void)snprintf(beside, sizeof(beside), "%s.tmp", path); /* it fits */
    if (!write_in_place(beside, text))
        return 0;
    begun = time_monotonic_ns();
    return rename(beside, path) == 0 ? begun : 0;
}

/* ---- the floor ---- */

/* A thread that does nothing but wait for a directory's events. */
typedef struct waker {
    pthread_t thread;
    char dir[128], path[160];
    int inotify_fd, seen_fd;
    int64_t seen_ns;
} waker;

static void *wait_for_events(void *arg)
{
    waker *w = arg;
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    uint64_t one = 1;

    for (;;) {
        ssize_t n = read(w->inotify_fd, events, sizeof(events));
        const struct inotify_event *ev = (const void *)events;

        w->seen_ns = time_monotonic_ns();
        if (n <= 0 || (ev->mask & IN_DELETE) || write(w->seen_fd, &one, sizeof(one)) < 0)
            return NULL;
    }
}

static bool waker_open(waker *w)
{
    *w = (waker){.inotify_fd = inotify_init1(IN_CLOEXEC), .seen_fd = eventfd(0, EFD_CLOEXEC)};
    if (w->inotify_fd < 0 || w->seen_fd < 0 || !bench_make_dir(w->dir, sizeof(w->dir)))
        return false;
    (void)snprintf(w->path, sizeof(w->path), "%s/x.yaml", w->dir); /* it fits */
    if (inotify_add_watch(w->inotify_fd, w->dir, IN_CLOSE_WRITE | IN_DELETE) < 0)
        return false;
    return pthread_create(&w->thread, NULL, wait_for_events, w) == 0;
}

static void waker_close(waker *w)
{
    if (unlink(w->path) == 0)                /* the event that ends the thread */
        (void)pthread_join(w->thread, NULL); /* it was started */
    bench_remove_dir(w->dir);
    (void)close(w->inotify_fd); /* nothing was written */
    (void)close(w->seen_fd);    /* an eventfd */
}

static int64_t wake_ns(waker *w, str text)
{
    int64_t begun = write_in_place(w->path, text);
    uint64_t n;

    if (!begun || read(w->seen_fd, &n, sizeof(n)) < 0)
        return 0;
    return w->seen_ns - begun;
}

static int64_t compile_ns(str text)
{
    int64_t begun = time_monotonic_ns();
    rule *r = NULL;
    ttp_err err;

    if (rule_read(text, NULL, NULL, &r, &err))
        return 0;
    begun = time_monotonic_ns() - begun;
    rule_unref(r);
    return begun;
}

/* ---- quantiles ---- */

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

double reload_quantile_ms(int64_t *ns, size_t n, double q)
{
    size_t at = (size_t)(q * (double)n);

    if (n == 0)
        return 0;
    qsort(ns, n, sizeof(*ns), compare_ns);
    return (double)ns[at < n ? at : n - 1] / 1e6;
}

static void add_quantiles(bench_report *report, const char *name, int64_t *ns, size_t n,
                          int64_t *floor_ns)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p99", 0.99}};

    for (size_t i = 0; i < 2; i++) {
        double value = reload_quantile_ms(ns, n, quantiles[i].q);
        double below = floor_ns ? reload_quantile_ms(floor_ns, n, quantiles[i].q) : 0;
        char figure[64];

        (void)snprintf(figure, sizeof(figure), "%s, %s", name, quantiles[i].name);
        bench_add_ratio(report, figure, "ms", value, below, below > 0 ? value / below : 0);
    }
}

/* ---- edits, states, a burst ---- */

static bool edit_once(reload *r, bench_load *l, unsigned number, int64_t *ret_ns)
{
    unsigned which = number % N_PROBES;
    auto_free(buf) buf text = {0};
    int64_t begun, seen;
    char path[256];

    bench_probe_text(which, ++r->versions[which], &text);
    reload_probe_path(r, which, path, sizeof(path));
    load_arm(l, which, r->versions[which], 0);
    begun = number / N_PROBES % 2 ? write_and_rename(path, buf_str(&text))
                                  : write_in_place(path, buf_str(&text));
    seen = begun ? load_await(l) : 0;
    *ret_ns = seen - begun;
    return seen;
}

/* Edits alternate between the two, N_PROBES of each. */
static void print_styles(const int64_t *took_ns)
{
    int64_t ns[2][N_EDITS];
    size_t n[2] = {0};

    for (unsigned i = 0; i < N_EDITS; i++) {
        unsigned renamed = i / N_PROBES % 2;

        ns[renamed][n[renamed]++] = took_ns[i];
    }
    fprintf(stderr, "written in place: p50 %.3f ms, p99 %.3f; renamed over: p50 %.3f, p99 %.3f\n",
            reload_quantile_ms(ns[0], n[0], 0.5), reload_quantile_ms(ns[0], n[0], 0.99),
            reload_quantile_ms(ns[1], n[1], 0.5), reload_quantile_ms(ns[1], n[1], 0.99));
}

static bool measure_edits(bench_report *report, const char *name, reload *r, bench_load *l)
{
    static int64_t took_ns[N_EDITS], woke_ns[N_EDITS], compiled_ns[N_EDITS], floor_ns[N_EDITS];
    char figure[64];
    bool done = true;
    waker w;

    if (!waker_open(&w))
        return false;
    for (unsigned i = 0; done && i < N_EDITS; i++) {
        auto_free(buf) buf text = {0};

        bench_probe_text(i, i + 1, &text);
        done = edit_once(r, l, i, &took_ns[i]);
        (void)usleep(1000); /* a pause between edits, of whatever length */
        woke_ns[i] = wake_ns(&w, buf_str(&text));
        compiled_ns[i] = compile_ns(buf_str(&text));
        floor_ns[i] = woke_ns[i] + compiled_ns[i];
        (void)usleep(1000); /* the same */
    }
    waker_close(&w);
    if (!done)
        return false;
    print_styles(took_ns);
    (void)snprintf(figure, sizeof(figure), "edit to effect, %s", name);
    add_quantiles(report, figure, took_ns, N_EDITS, floor_ns);
    (void)snprintf(figure, sizeof(figure), "inotify wake-up, %s", name);
    add_quantiles(report, figure, woke_ns, N_EDITS, NULL);
    (void)snprintf(figure, sizeof(figure), "one rule compiled, %s", name);
    add_quantiles(report, figure, compiled_ns, N_EDITS, NULL);
    return true;
}

static bool measure_states(bench_report *report, const char *name, reload *r, bench_load *l)
{
    static int64_t took_ns[N_STATES];
    char figure[64], id[16];

    for (unsigned i = 0; i < N_STATES; i++) {
        ttp_rule_state state = {.kind = i % 2 ? TTP_STATE_DISABLED : TTP_STATE_CLIPPED,
                                .has_confidence_max = i % 2 == 0,
                                .confidence_max = 0.4 + (i % 40) / 100.0,
                                .expires_at_us = TTP_TIME_NONE};
        int64_t begun, seen;
        ttp_err err = {0};

        bench_probe_id(i, id);
        load_arm(l, i % N_PROBES, 0, i % 2 ? -1 : state.confidence_max);
        begun = time_monotonic_ns();
        if (ttp_store_set_state(r->store, id, &state, "bench", &err)) {
            (void)cli_fail(&err); /* the caller has a status of its own */
            return false;
        }
        seen = load_await(l);
        if (!seen)
            return false;
        took_ns[i] = seen - begun;
        if (ttp_store_clear_state(r->store, id, "bench", &err))
            return false;
        load_arm(l, i % N_PROBES, 0, 0.85);
        if (!load_await(l))
            return false;
        (void)usleep(500); /* a pause, of whatever length */
    }
    (void)snprintf(figure, sizeof(figure), "state to effect, %s", name);
    add_quantiles(report, figure, took_ns, N_STATES, NULL);
    return true;
}

/* A thousand files written as fast as can be, then the probe: all are seen, each once. */
static bool measure_burst(bench_report *report, const char *name, reload *r, bench_load *l)
{
    ttp_subscription *sub = NULL;
    int64_t begun, last, took_ns, written_ns;
    size_t n_seen = 0, n_twice = 0;
    ttp_change change;
    ttp_err err;
    bool *seen = calloc(N_BURST, 1);
    bool done = seen && ttp_store_subscribe(r->store, &sub, &err) == 0;

    begun = time_monotonic_ns();
    for (unsigned i = 0; done && i + 1 < N_BURST; i++)
        done = bench_rules_edit(&r->rules, i, 2);
    last = time_monotonic_ns();
    written_ns = last - begun;
    done = done && edit_once(r, l, 0, &took_ns);
    while (done && ttp_subscription_next(sub, 500, &change) == 0) {
        unsigned number = change.rule_id[0] == 'B' ? (unsigned)strtoul(change.rule_id + 1, NULL, 10)
                                                   : N_BURST - 1;

        if (change.kind == TTP_CHANGE_DEFINITION && number < N_BURST) {
            n_seen += !seen[number];
            n_twice += seen[number];
            seen[number] = true;
        }
        ttp_change_done(&change);
    }
    ttp_subscription_close(sub);
    free(seen);
    if (!done)
        return false;
    fprintf(stderr, "burst, %s: %d edits written in %.0f ms, %zu seen once, %zu again\n", name,
            N_BURST, (double)written_ns / 1e6, n_seen - n_twice, n_twice);
    {
        char figure[64];

        (void)snprintf(figure, sizeof(figure), "burst of 1,000 edits, %s: seen", name);
        bench_add(report, figure, (double)n_seen, "changes");
        (void)snprintf(figure, sizeof(figure), "burst of 1,000 edits, %s: last one's effect", name);
        bench_add(report, figure, (double)took_ns / 1e6, "ms");
    }
    return true;
}

static bool measure_size(bench_report *report, const char *name, size_t n, const bench_commands *c)
{
    reload r;
    bench_load l;
    bool done = reload_open(n, &r);

    if (done) {
        done = load_start(&l, r.engine, c, 1, true);
        done = done && measure_edits(report, name, &r, &l) && measure_states(report, name, &r, &l);
        if (done && n > N_BURST)
            done = measure_burst(report, name, &r, &l);
        load_stop(&l);
    }
    reload_close(&r);
    return done;
}

int bench_reload(bench_report *report)
{
    static const struct {
        const char *name;
        size_t n;
    } sizes[] = {{"60 rules", 60}, {"1,000 rules", 1000}, {"10,000 rules", 10000}};
    bench_commands c = {0};
    bool done = bench_commands_read(&c);

    for (size_t i = 0; done && i < sizeof(sizes) / sizeof(sizes[0]); i++)
        done = measure_size(report, sizes[i].name, sizes[i].n, &c);
    bench_commands_free(&c);
    return done ? CLI_DONE : CLI_FAILED;
}
