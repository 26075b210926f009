/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench swap: what a live engine costs and keeps: its memory, a million exchanges, evaluating
 * beside 100 edits a second, two threads against one, and 10,000 rules against 60.
 */
#include "cli/bench_reload.h"

#include "base/time.h"
#include "rule/rule.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define N_ROUNDS 7
#define WINDOW_MS 500
#define N_SWAPS 1000000
#define N_WARM_SWAPS 20000  /* until every buffer has its size */
#define SWAPS_A_LOOK 100    /* at the memory in use */
#define DEFINITION_EVERY 10 /* the other swaps are states */

static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static size_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long all = 0, resident = 0;

    if (f) {
        if (fscanf(f, "%lu %lu", &all, &resident) != 2)
            resident = 0;
        (void)fclose(f); /* it was only read */
    }
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- memory ---- */

/* What engine and rules hold, and with a store and its thread beside them. */
static bool measure_memory(bench_report *report)
{
    bench_rules rules = {0};
    size_t begun, alone, with_store = 0, n = 10000;
    ttp_engine *engine = NULL;
    rule_dir dir = {0};
    ttp_err err;
    reload r;
    bool done = bench_rules_make(n, &rules);

    begun = bytes_in_use();
    done = done && rule_dir_read(rules.dir, NULL, &dir, &err) == 0 &&
           ttp_engine_new(NULL, &engine) == 0 &&
           ttp_engine_reset(engine, dir.rules, NULL, dir.n_rules) == 0;
    rule_dir_done(&dir); /* the engine has references of its own */
    alone = bytes_in_use() - begun;
    ttp_engine_free(engine);
    bench_rules_remove(&rules);
    if (!done)
        return false;
    bench_add(report, "memory, engine and rules, 10,000 rules", (double)alone / (double)n,
              "bytes/rule");
    begun = bytes_in_use();
    done = reload_open(n, &r);
    if (done)
        with_store = bytes_in_use() - begun;
    reload_close(&r);
    bench_add(report, "memory, with the store, 10,000 rules", (double)with_store / (double)n,
              "bytes/rule");
    return done;
}

/* ---- a million swaps ---- */

typedef struct swapper {
    ttp_engine *engine;
    rule *versions[N_PROBES][2]; /* exchanged for each other */
    unsigned n;
} swapper;

static bool make_versions(swapper *s)
{
    bool done = true;

    for (unsigned i = 0; i < N_PROBES; i++) {
        for (unsigned k = 0; k < 2; k++) {
            auto_free(buf) buf text = {0};
            ttp_err err;

            bench_probe_text(i, k + 1, &text);
            done &= rule_read(buf_str(&text), NULL, NULL, &s->versions[i][k], &err) == 0;
        }
    }
    return done;
}

static bool swap_once(swapper *s)
{
    unsigned which = s->n % N_PROBES, turn = s->n / N_PROBES;
    ttp_change c = {.kind = TTP_CHANGE_STATE};

    bench_probe_id(which, c.rule_id);
    c.state.expires_at_us = c.state.set_at_us = TTP_TIME_NONE;
    c.state.kind = turn % 2 ? TTP_STATE_DISABLED : TTP_STATE_ENABLED;
    if (turn % DEFINITION_EVERY == 0) {
        c.kind = TTP_CHANGE_DEFINITION;
        c.rule = s->versions[which][turn / DEFINITION_EVERY % 2];
    }
    s->n++;
    return ttp_engine_apply(s->engine, &c, 1) == 0;
}

/* What is in use on average over so many swaps: what is kept for later comes and goes. */
static bool swap_times(swapper *s, unsigned n, size_t *ret_in_use)
{
    size_t sum = 0;

    for (unsigned i = 0; i < n; i++) {
        sum += i % SWAPS_A_LOOK ? 0 : bytes_in_use();
        if (!swap_once(s))
            return false;
    }
    *ret_in_use = sum / (n / SWAPS_A_LOOK);
    return true;
}

static void add_growth(bench_report *report, const char *what, const char *rules, size_t before,
                       size_t after)
{
    char figure[96];

    (void)snprintf(figure, sizeof(figure), "a million swaps, %s: %s grows by", rules, what);
    bench_add(report, figure, ((double)after - (double)before) / 1e3, "KB");
}

static bool swap_often(bench_report *report, swapper *s, const char *rules)
{
    size_t before, first = 0, between, last = 0;
    char figure[64];
    int64_t begun;

    if (!swap_times(s, N_WARM_SWAPS, &first))
        return false;
    (void)malloc_trim(0); /* whether there was something to return or not */
    before = resident_bytes();
    begun = time_monotonic_ns();
    if (!swap_times(s, N_SWAPS / 10, &first) || !swap_times(s, N_SWAPS / 10 * 8, &between) ||
        !swap_times(s, N_SWAPS / 10, &last))
        return false;
    (void)snprintf(figure, sizeof(figure), "a swap, %s (9 states, 1 edit)", rules);
    bench_add(report, figure, (double)(time_monotonic_ns() - begun) / 1e3 / N_SWAPS, "us");
    (void)malloc_trim(0); /* the same */
    add_growth(report, "memory in use", rules, first, last);
    add_growth(report, "resident memory", rules, before, resident_bytes());
    return true;
}

/* With one thread that evaluates by them. */
static bool measure_swaps(bench_report *report, const bench_commands *c, size_t n_rules,
                          const char *rules)
{
    swapper s = {0};
    reload r;
    bench_load l;
    bool done = make_versions(&s) && reload_open(n_rules, &r);

    if (done) {
        r.follower = ttp_follower_close(r.follower); /* nobody else changes the engine */
        s.engine = r.engine;
        done = load_start(&l, r.engine, c, 1, true) && swap_often(report, &s, rules);
        load_stop(&l);
        reload_close(&r);
    }
    for (unsigned i = 0; i < N_PROBES; i++) {
        rule_unref(s.versions[i][0]);
        rule_unref(s.versions[i][1]);
    }
    return done;
}

/* ---- rates ---- */

typedef struct editor {
    reload *r;
    pthread_t thread;
    atomic_bool stop;
} editor;

static void *edit(void *arg)
{
    editor *e = arg;

    for (unsigned i = 0; !atomic_load(&e->stop); i++) {
        unsigned which = i % N_PROBES;
        auto_free(buf) buf text = {0};
        char path[256];

        bench_probe_text(which, ++e->r->versions[which], &text);
        reload_probe_path(e->r, which, path, sizeof(path));
        (void)bench_write(path, buf_str(&text)); /* says what is wrong */
        (void)usleep(10000 - 200);               /* about 100 a second */
    }
    return NULL;
}

static double rate_with_edits(bench_load *l, reload *r)
{
    editor e = {.r = r};
    double rate;

    if (pthread_create(&e.thread, NULL, edit, &e))
        return 0;
    rate = load_rate(l, WINDOW_MS);
    atomic_store(&e.stop, true);
    (void)pthread_join(e.thread, NULL); /* it was started */
    return rate;
}

static const char *of_texts(bool is_new)
{
    return is_new ? "" : ", known texts";
}

static bool measure_edited(bench_report *report, reload *r, const bench_commands *c, unsigned n,
                           bool is_new)
{
    double with[N_ROUNDS], without[N_ROUNDS], ratios[N_ROUNDS];
    char figure[96];
    bench_load l;

    if (!load_start(&l, r->engine, c, n, is_new))
        return false;
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        without[i] = load_rate(&l, WINDOW_MS);
        with[i] = rate_with_edits(&l, r);
        ratios[i] = with[i] / without[i];
        (void)usleep(50000); /* the last edits are taken in */
    }
    load_stop(&l);
    (void)snprintf(figure, sizeof(figure), "evaluate with 100 edits/s, 10,000 rules, %u thread%s%s",
                   n, n > 1 ? "s" : "", of_texts(is_new));
    bench_add_ratio(report, figure, "events/s", bench_median(with, N_ROUNDS),
                    bench_median(without, N_ROUNDS), bench_median(ratios, N_ROUNDS));
    return true;
}

static bool rate_of(ttp_engine *engine, const bench_commands *c, unsigned n_threads, bool is_new,
                    double *ret_rate)
{
    bench_load l;
    bool done = load_start(&l, engine, c, n_threads, is_new);

    if (done)
        *ret_rate = load_rate(&l, WINDOW_MS);
    load_stop(&l);
    return done;
}

static bool measure_threads(bench_report *report, const reload *r, const bench_commands *c)
{
    double two[N_ROUNDS], one[N_ROUNDS], ratios[N_ROUNDS];

    for (unsigned i = 0; i < N_ROUNDS; i++) {
        if (!rate_of(r->engine, c, 1, true, &one[i]) || !rate_of(r->engine, c, 2, true, &two[i]))
            return false;
        ratios[i] = two[i] / one[i];
    }
    bench_add_ratio(report, "two threads against one, 10,000 rules", "events/s",
                    bench_median(two, N_ROUNDS), bench_median(one, N_ROUNDS),
                    bench_median(ratios, N_ROUNDS));
    return true;
}

static bool measure_sizes(bench_report *report, const reload *large, const reload *small,
                          const bench_commands *c, bool is_new)
{
    char figure[96];
    double many[N_ROUNDS], few[N_ROUNDS], ratios[N_ROUNDS];

    for (unsigned i = 0; i < N_ROUNDS; i++) {
        if (!rate_of(large->engine, c, 1, is_new, &many[i]) ||
            !rate_of(small->engine, c, 1, is_new, &few[i]))
            return false;
        many[i] = 1e6 / many[i];
        few[i] = 1e6 / few[i];
        ratios[i] = many[i] / few[i];
    }
    (void)snprintf(figure, sizeof(figure), "time per event, 10,000 rules against 60%s",
                   of_texts(is_new));
    bench_add_ratio(report, figure, "us", bench_median(many, N_ROUNDS), bench_median(few, N_ROUNDS),
                    bench_median(ratios, N_ROUNDS));
    return true;
}

static bool measure_rates(bench_report *report, const bench_commands *c)
{
    reload large, small = {0};
    bool done = reload_open(10000, &large) && reload_open(60, &small);

    done = done && measure_threads(report, &large, c);
    for (int is_new = 1; done && is_new >= 0; is_new--)
        done = measure_sizes(report, &large, &small, c, is_new) &&
               measure_edited(report, &large, c, 1, is_new) &&
               measure_edited(report, &large, c, 2, is_new);
    reload_close(&large);
    reload_close(&small);
    return done;
}

int bench_swap(bench_report *report)
{
    bench_commands c = {0};
    bool done = bench_commands_read(&c);

    done = done && measure_memory(report) && measure_rates(report, &c) &&
           measure_swaps(report, &c, 60, "60 rules") &&
           measure_swaps(report, &c, 10000, "10,000 rules");
    bench_commands_free(&c);
    return done ? CLI_DONE : CLI_FAILED;
}
