/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hits.h"

#include "base/err.h"
#include "engine/engine.h"
#include "event/reader.h"

#include <errno.h>

typedef struct hits_run {
    ttp_engine *engine;
    ttp_evaluator *evaluator;
    reader *reader;
    int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts);
    void *ctx;
} hits_run;

static void complain(void *ctx, const ttp_err *err, bool is_bad)
{
    (void)ctx;
    if (is_bad)
        (void)cli_fail(err); /* the status is decided at the end */
    else
        cli_warn(err);
}

static int out_of_memory(void)
{
    ttp_err err;

    (void)err_set(&err, -ENOMEM, NULL, "out of memory"); /* returns its code */
    return cli_fail(&err);
}

static int evaluate(hits_run *run, const event *ev)
{
    const tag *tags; /* of no interest: the engine counts */
    size_t n;

    return evaluator_run_live(run->evaluator, ev, &tags, &n) ? out_of_memory() : CLI_DONE;
}

static int read_log(hits_run *run, const char *path)
{
    const event *ev;
    ttp_err err = {0};
    int status = CLI_DONE, rc = reader_open(run->reader, path, &err);

    if (rc)
        return cli_fail(&err);
    while (status == CLI_DONE && (rc = reader_next(run->reader, &ev, &err)) == 0)
        status = evaluate(run, ev);
    if (rc && rc != TTP_E_END)
        return cli_fail(&err);
    while (status == CLI_DONE && reader_finish(run->reader, &ev, &err) == 0)
        status = evaluate(run, ev);
    return status;
}

static void hand_on(void *ctx, const char *rule_id, const ttp_rule_counts *counts)
{
    const hits_run *run = ctx;

    (void)run->fn(run->ctx, rule_id, counts); /* it has no reason to stop */
}

static int start(hits_run *run, ttp_rule *const *rules, const ttp_rule_state *states, size_t n)
{
    const reader_options reading = {.complain = complain};

    if (ttp_engine_new(NULL, &run->engine) || ttp_engine_reset(run->engine, rules, states, n) ||
        !(run->evaluator = ttp_evaluator_new(NULL)) ||
        ttp_evaluator_follow(run->evaluator, run->engine) || reader_new(&reading, &run->reader))
        return out_of_memory();
    evaluator_measure_each(run->evaluator, 1);
    return CLI_DONE;
}

int hits_of_log(const char *path, ttp_rule *const *rules, const ttp_rule_state *states, size_t n,
                int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts), void *ctx)
{
    hits_run run = {.fn = fn, .ctx = ctx};
    int status = start(&run, rules, states, n);

    if (status == CLI_DONE)
        status = read_log(&run, path);
    if (status == CLI_DONE) {
        const reader_stats *stats = reader_get_stats(run.reader);

        ttp_engine_counts(run.engine, hand_on, &run);
        status = stats->bad || stats->noted ? CLI_BAD_INPUT : CLI_DONE;
    }
    reader_free(run.reader);
    (void)ttp_evaluator_free(run.evaluator); /* returns NULL */
    (void)ttp_engine_free(run.engine);       /* returns NULL */
    return status;
}
