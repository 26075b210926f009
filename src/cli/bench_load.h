/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An engine under load: threads that evaluate the development log's commands in a loop, the first
 * of which also looks, between them, whether a change has reached it.
 *
 *     writer:    arm(what is to be seen) -> makes the change -> waits
 *     thread 0:  command, command, ... probe event -> its tag is as armed: the time, wake the
 * writer
 */
#include "cli/bench.h"
#include "ttp/engine.h"
#include "ttp/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOAD_THREADS_MAX 2
#define N_PROBES 8    /* rules that are edited, each with an event that it alone is for */
#define PROBE_EVERY 8 /* commands between two probe events while something is awaited */

typedef struct bench_commands {
    ttp_event **events;
    size_t n, cap;
} bench_commands;

/* What is awaited of a probe rule's tag. */
typedef struct bench_probe {
    atomic_uint armed; /* 0: nothing */
    unsigned which;
    int64_t version;   /* 0: does not count */
    double confidence; /* 0: does not count; negative: no tag at all */
    int64_t seen_ns;
    int wake_fd; /* eventfd: seen_ns is there */
} bench_probe;

typedef struct bench_thread {
    struct bench_load *load;
    unsigned number;
    pthread_t thread;
    _Atomic uint64_t n_events;
    char apart[128]; /* the next one's counter stands in another cache line */
} bench_thread;

typedef struct bench_load {
    ttp_engine *engine; /* the caller's */
    const bench_commands *commands;
    ttp_event *probe_events[N_PROBES];
    bench_probe probe;
    bool is_new; /* each pass over the log is the first: what is known of texts is forgotten */
    atomic_bool stop;
    unsigned n_threads;
    bench_thread threads[LOAD_THREADS_MAX];
} bench_load;

/* The commands of the development log as events. Says what is wrong. */
bool bench_commands_read(bench_commands *c);
void bench_commands_free(bench_commands *c);

/* Start n threads; they run until load_stop. is_new: see above. */
bool load_start(bench_load *l, ttp_engine *engine, const bench_commands *c, unsigned n,
                bool is_new);
void load_stop(bench_load *l);
/* Events per second over so long, of all threads. */
double load_rate(bench_load *l, unsigned ms);

/* "P000", and one version of its text; edits change its pattern, too. */
void bench_probe_id(unsigned which, char out[16]);
void bench_probe_text(unsigned which, unsigned version, buf *b);

/* The events that they are for, one each; the caller frees them. */
bool bench_probe_events(ttp_event *events[N_PROBES]);

/* Say what is to be seen before making the change. */
void load_arm(bench_load *l, unsigned which, int64_t version, double confidence);
/* When it was seen (monotonic), or 0 after 5 s without. */
int64_t load_await(bench_load *l);
