/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench hostile: what an attacker can make of the time that a byte takes. Each hostile event
 * against ordinary commands in the same run, evaluated alone (they are read already) and as if they
 * came for the first time: the ratio is how many times as long a byte takes, and is to stay under
 * 20.
 */
#include "cli/bench.h"
#include "cli/hostile.h"
#include "cli/load.h"

#include <stdio.h>

typedef struct hostile_side {
    const hostile_case *c;
    evaluator *e;
} hostile_side;

static double evaluate_case(void *ctx)
{
    hostile_side *s = ctx;
    const tag *tags;
    size_t n;

    for (size_t i = 0; i < s->c->n_events; i++) {
        evaluator_forget(s->e); /* texts that are known take no time */
        (void)evaluator_run(s->e, s->c->index, s->c->events[i], &tags,
                            &n); /* time is what counts */
    }
    return (double)s->c->n_bytes;
}

static void measure(bench_report *r, const hostile_set *set, const hostile_case *c, evaluator *e)
{
    hostile_side hostile = {c, e};
    hostile_side plain = {&set->ordinary, e};
    uint64_t cut = evaluator_get_stats(e)->regex_cut;
    bench_figure *f = &r->figures[r->n_figures];

    bench_compare(r, c->name, "bytes/s", 20, evaluate_case, &hostile, evaluate_case, &plain);
    /* told as time, not as speed */
    bench_figure was = *f;
    f->value = 1e9 / was.value;
    f->yardstick = 1e9 / was.yardstick;
    f->ratio = 1 / was.ratio;
    (void)snprintf(f->unit, sizeof(f->unit), "ns/byte");
    cut = evaluator_get_stats(e)->regex_cut - cut;
    if (cut)
        fprintf(stderr, "%s: searches were cut off\n", c->name);
}

static double evaluate_live(void *ctx)
{
    hostile_side *s = ctx;
    const tag *tags;
    size_t n;

    for (size_t i = 0; i < s->c->n_events; i++)
        (void)evaluator_run_live(s->e, s->c->events[i], &tags, &n); /* time is what counts */
    return (double)s->c->n_events;
}

/* What it costs to tell what each rule costs: ordinary commands, measured as usual and not at all.
 */
static void measure_accounting(bench_report *r, const hostile_set *set, const rule_dir *dir)
{
    ttp_engine *engine = NULL;
    hostile_side told = {&set->ordinary, evaluator_new(NULL, NULL)};
    hostile_side untold = {&set->ordinary, evaluator_new(NULL, NULL)};

    if (told.e && untold.e && !ttp_engine_new(NULL, &engine) &&
        !ttp_engine_reset(engine, dir->rules, NULL, dir->n_rules) &&
        !ttp_evaluator_follow(told.e, engine) && !ttp_evaluator_follow(untold.e, engine)) {
        evaluator_measure_each(untold.e, UINT32_MAX);
        bench_compare(r, "costs by rule counted, or not", "events/s", 150, evaluate_live, &told,
                      evaluate_live, &untold);
    }
    (void)evaluator_free(told.e);   /* returns NULL */
    (void)evaluator_free(untold.e); /* returns NULL */
    (void)ttp_engine_free(engine);  /* returns NULL */
}

int bench_hostile(bench_report *r)
{
    loaded_rules rules;
    hostile_set set = {0};
    evaluator *e = NULL;
    int status = cli_load_rules(NULL, NULL, NULL, &rules);

    if (status != CLI_DONE)
        return status;
    e = evaluator_new(NULL, NULL);
    if (!e || hostile_set_make(rules.dir.rules, rules.dir.n_rules, &set)) {
        fprintf(stderr, "ttp bench: cannot make the events\n");
        status = CLI_FAILED;
    }
    for (size_t i = 0; status == CLI_DONE && i < set.n_cases; i++)
        measure(r, &set, &set.cases[i], e);
    if (status == CLI_DONE)
        measure_accounting(r, &set, &rules.dir);
    hostile_set_done(&set);
    (void)evaluator_free(e); /* returns NULL */
    cli_unload_rules(&rules);
    return status;
}
