/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pipeline.h"

#include "../unit.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define MAX_BATCHES 32

typedef enum stage {
    READ,
    PARSE,
    ORDER,
    WORK,
    WRITE,
    N_STAGES
} stage;

typedef struct toy_batch {
    unsigned number, last_stage;
    bool failed;
} toy_batch;

/* Counts what goes through, and notices whatever is out of order or where it must not be. */
typedef struct toy {
    unsigned n;           /* batches to read */
    int fail_at, fail_rc; /* stage, or -1; of batch fail_number */
    unsigned fail_number;
    size_t weight;
    unsigned sleep_us;       /* of every seventh batch's work */
    unsigned seen[N_STAGES]; /* those in order: of the thread in that stage */
    atomic_uint inside[N_STAGES], in_flight, most_in_flight, wrong, cancelled;
} toy;

static void begin_stage(toy *t, toy_batch *b, stage s)
{
    bool alone = s == READ || s == ORDER || s == WRITE;

    if (atomic_fetch_add(&t->inside[s], 1) && alone)
        atomic_fetch_add(&t->wrong, 1);
    if (s != READ && !b->failed && b->last_stage != (unsigned)s - 1)
        atomic_fetch_add(&t->wrong, 1);
    if (alone) { /* one that failed is passed over by all but read and write */
        if (s == ORDER ? b->number < t->seen[s] : b->number != t->seen[s])
            atomic_fetch_add(&t->wrong, 1);
        t->seen[s] = b->number + 1;
    }
    b->last_stage = s;
}

static int end_stage(toy *t, toy_batch *b, stage s, ttp_err *err)
{
    atomic_fetch_sub(&t->inside[s], 1);
    if (t->fail_at != (int)s || t->fail_number != b->number)
        return 0;
    b->failed = true;
    return err_set(err, t->fail_rc, NULL, "batch %u", b->number);
}

static int toy_read(void *ctx, void *batch, size_t *ret_weight, ttp_err *err)
{
    toy *t = ctx;
    toy_batch *b = batch;
    unsigned now;

    if (t->seen[READ] == t->n)
        return TTP_E_END;
    *b = (toy_batch){.number = t->seen[READ]};
    now = atomic_fetch_add(&t->in_flight, 1) + 1;
    if (now > atomic_load(&t->most_in_flight))
        atomic_store(&t->most_in_flight, now);
    begin_stage(t, b, READ);
    *ret_weight = t->weight;
    return end_stage(t, b, READ, err);
}

static int toy_parse(void *ctx, void *batch, unsigned thread, ttp_err *err)
{
    (void)thread; /* any may */
    begin_stage(ctx, batch, PARSE);
    return end_stage(ctx, batch, PARSE, err);
}

static int toy_order(void *ctx, void *batch, ttp_err *err)
{
    begin_stage(ctx, batch, ORDER);
    return end_stage(ctx, batch, ORDER, err);
}

static int toy_work(void *ctx, void *batch, unsigned thread, ttp_err *err)
{
    toy *t = ctx;
    toy_batch *b = batch;
    struct timespec pause = {.tv_nsec = (long)t->sleep_us * 1000};

    (void)thread; /* any may */
    begin_stage(t, b, WORK);
    if (t->sleep_us && b->number % 7 == 0)
        (void)nanosleep(&pause, NULL); /* a shorter one does, too */
    return end_stage(t, b, WORK, err);
}

static int toy_write(void *ctx, void *batch, ttp_err *err)
{
    toy *t = ctx;

    begin_stage(t, batch, WRITE);
    atomic_fetch_sub(&t->in_flight, 1);
    return end_stage(t, batch, WRITE, err);
}

static void toy_cancel(void *ctx)
{
    atomic_fetch_add(&((toy *)ctx)->cancelled, 1);
}

static const struct {
    const char *says;
    unsigned n, n_threads, n_batches;
    size_t weight;
    int fail_at;
    unsigned fail_number;
    unsigned want_written, want_in_flight; /* at most; 0: as many as batches */
} cases[] = {
    {"nothing to read, alone", 0, 1, 1, 1, -1, 0, 0, 0},
    {"nothing to read, together", 0, 3, 9, 1, -1, 0, 0, 0},
    {"one thread", 100, 1, 1, 1, -1, 0, 100, 1},
    {"two threads", 1000, 2, 6, 1, -1, 0, 1000, 0},
    {"more threads than batches", 300, 8, 3, 1, -1, 0, 300, 0},
    {"one batch for all", 300, 4, 1, 1, -1, 0, 300, 1},
    {"heavy batches go one by one", 200, 4, 12, PIPELINE_WEIGHT_MAX, -1, 0, 200, 1},
    {"of lighter ones there are more", 200, 4, 12, PIPELINE_WEIGHT_MAX / 2, -1, 0, 200, 2},
    {"reading fails, alone", 100, 1, 1, 1, READ, 50, 50, 0},
    {"reading fails", 100, 3, 9, 1, READ, 50, 51, 0},
    {"parsing fails, alone", 100, 1, 1, 1, PARSE, 50, 51, 0},
    {"parsing fails", 100, 3, 9, 1, PARSE, 50, 51, 0},
    {"ordering fails", 100, 3, 9, 1, ORDER, 50, 51, 0},
    {"work fails, alone", 100, 1, 1, 1, WORK, 50, 51, 0},
    {"work fails", 100, 3, 9, 1, WORK, 50, 51, 0},
    {"writing fails, alone", 100, 1, 1, 1, WRITE, 50, 51, 0},
    {"writing fails", 100, 3, 9, 1, WRITE, 50, 51, 0},
    {"the first fails", 100, 3, 9, 1, WORK, 0, 1, 0},
    {"the last fails", 100, 3, 9, 1, WRITE, 99, 100, 0},
};

static void test_runs(void **state)
{
    static const pipeline_ops ops = {toy_read, toy_parse, toy_order,
                                     toy_work, toy_write, toy_cancel};
    toy_batch storage[MAX_BATCHES];
    void *batches[MAX_BATCHES];

    (void)state;
    for (unsigned i = 0; i < MAX_BATCHES; i++)
        batches[i] = &storage[i];
    for_each_row(c, cases)
    {
        toy t = {.n = c->n,
                 .fail_at = c->fail_at,
                 .fail_rc = -EIO,
                 .fail_number = c->fail_number,
                 .weight = c->weight,
                 .sleep_us = 200};
        ttp_err err = {0};
        char want[32] = "";
        int rc = pipeline_run(&ops, &t, batches, c->n_batches, c->n_threads, &err);

        if (c->fail_at >= 0)
            (void)snprintf(want, sizeof(want), "batch %u", c->fail_number); /* it fits */
        expect_int(c->says, rc, c->fail_at < 0 ? 0 : -EIO);
        expect_str(c->says, str_from(err.text), want);
        expect_int(c->says, t.wrong, 0);
        expect_int(c->says, t.seen[WRITE], c->want_written);
        expect_true(c->says,
                    t.most_in_flight <= (c->want_in_flight ? c->want_in_flight : c->n_batches));
        expect_int(c->says, t.cancelled, rc && c->n_threads > 1);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
