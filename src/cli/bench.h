/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Benchmarks: each measures us and a yardstick side by side, round by round, in one process, and
 * reports medians. Built with -Dbench=true only.
 */
#include "base/str.h"
#include "cli/cli.h"

typedef struct bench_figure {
    char name[64];
    double value; /* ours; the median of the rounds */
    char unit[16];
    double yardstick; /* the same for the yardstick; 0 where there is none */
    double ratio;     /* the median of the rounds' ratios; 0 where there is none */
} bench_figure;

typedef struct bench_report {
    bench_figure figures[128];
    size_t n_figures;
} bench_report;

#define BENCH_ROUNDS 9

/* One side of a comparison: do the work once; returns how many units of it were done. */
typedef double bench_work(void *ctx);

/*
 * Run ours and theirs in turn, BENCH_ROUNDS rounds of at least min_ms each, and add a figure in
 * units per second. theirs may be NULL.
 */
void bench_compare(bench_report *r, const char *name, const char *unit, unsigned min_ms,
                   bench_work *ours, void *our_ctx, bench_work *theirs, void *their_ctx);
/* A figure without a yardstick, measured elsewhere. */
void bench_add(bench_report *r, const char *name, double value, const char *unit);
/* A figure with one, measured elsewhere. ratio: the median of the rounds' value / yardstick. */
void bench_add_ratio(bench_report *r, const char *name, const char *unit, double value,
                     double yardstick, double ratio);
/* Sorts them. */
double bench_median(double *values, size_t n);

/* "$TTP_SHARED/name", else "../shared/name"; NULL where there is no such file. The caller frees. */
char *bench_shared(const char *name);

int bench_engine(bench_report *r);
int bench_tag(bench_report *r);
int bench_startup(bench_report *r);
int bench_reload(bench_report *r);
int bench_swap(bench_report *r);
int bench_hostile(bench_report *r);

/* Yardsticks (bench/). */
typedef struct yardstick_hs yardstick_hs;
typedef struct yardstick_pattern {
    const char *text; /* NUL-terminated */
    bool ignore_case;
} yardstick_pattern;
/* All patterns in one Hyperscan database; NULL where it cannot be built. *ret_refused counts what
 * it does not take: those are left out. */
yardstick_hs *yardstick_hs_new(const yardstick_pattern *patterns, size_t n, size_t *ret_refused);
void yardstick_hs_free(yardstick_hs *h);
/* Scan; returns how many (pattern, text) matches were reported, each pattern at most once. */
size_t yardstick_hs_scan(yardstick_hs *h, str text);

/* Parse each line of a text (padded by 64 bytes) with simdjson's DOM and nothing else; returns the
 * number of documents. */
size_t yardstick_dom(str text);
