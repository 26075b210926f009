/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pipeline.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum slot_state {
    SLOT_EMPTY, /* or being read or parsed */
    SLOT_PARSED,
    SLOT_ORDERED, /* and being worked on */
    SLOT_DONE,
} slot_state;

typedef struct slot {
    void *batch;
    size_t weight;
    slot_state state;
    int rc; /* of the first stage that failed */
    ttp_err err;
} slot;

typedef struct pipeline {
    const pipeline_ops *ops;
    void *ctx;
    size_t n_slots;

    pthread_mutex_t lock; /* guards all below; a slot's batch is whose stage it is in */
    pthread_cond_t changed;
    unsigned n_waiting;
    slot *slots; /* ticket t is in slots[t % n_slots] */
    uint64_t next_read, next_order, next_write;
    bool reading, ordering, writing; /* somebody is */
    bool ended;                      /* nothing more to read */
    bool failed;
    size_t weight; /* of all that is read and not written */
    int rc;
    ttp_err err;
} pipeline;

typedef struct member {
    pipeline *p;
    pthread_t thread;
    unsigned number;
} member;

static slot *slot_of(pipeline *p, uint64_t ticket)
{
    return &p->slots[ticket % p->n_slots];
}

static void tell_locked(pipeline *p)
{
    if (p->n_waiting)
        (void)pthread_cond_broadcast(&p->changed); /* cannot fail */
}

static void leave_lock(pipeline *p)
{
    (void)pthread_mutex_unlock(&p->lock); /* held by this thread: cannot fail */
}

static void enter_lock(pipeline *p)
{
    (void)pthread_mutex_lock(&p->lock); /* not held by this thread: cannot fail */
}

/* ---- what a thread may take on; each is entered and left with the lock held ---- */

static bool can_write_locked(pipeline *p)
{
    return !p->writing && p->next_write < p->next_read &&
           slot_of(p, p->next_write)->state == SLOT_DONE;
}

static bool can_order_locked(pipeline *p)
{
    return !p->ordering && p->next_order < p->next_read &&
           slot_of(p, p->next_order)->state == SLOT_PARSED;
}

static bool can_read_locked(const pipeline *p)
{
    uint64_t in_flight = p->next_read - p->next_write;

    return !p->reading && !p->ended && in_flight < p->n_slots &&
           (in_flight == 0 || p->weight < PIPELINE_WEIGHT_MAX);
}

static void fail_locked(pipeline *p, int rc, const ttp_err *err)
{
    if (p->failed)
        return;
    p->failed = true;
    p->rc = rc;
    p->err = *err;
    p->ops->cancel(p->ctx);
}

static void write_next(pipeline *p)
{
    slot *s = slot_of(p, p->next_write);
    ttp_err err;
    int rc;

    p->writing = true;
    leave_lock(p);
    rc = p->ops->write(p->ctx, s->batch, &err);
    enter_lock(p);
    p->writing = false;
    p->next_write++;
    p->weight -= s->weight;
    s->state = SLOT_EMPTY;
    if (rc)
        fail_locked(p, rc, &err);
    else if (s->rc)
        fail_locked(p, s->rc, &s->err);
    tell_locked(p);
}

static void order_and_work(pipeline *p, unsigned thread)
{
    slot *s = slot_of(p, p->next_order);

    p->ordering = true;
    leave_lock(p);
    if (!s->rc)
        s->rc = p->ops->order(p->ctx, s->batch, &s->err);
    enter_lock(p);
    p->ordering = false;
    p->next_order++;
    s->state = SLOT_ORDERED;
    tell_locked(p);
    leave_lock(p);
    if (!s->rc)
        s->rc = p->ops->work(p->ctx, s->batch, thread, &s->err);
    enter_lock(p);
    s->state = SLOT_DONE;
    tell_locked(p);
}

static void read_and_parse(pipeline *p, unsigned thread)
{
    slot *s = slot_of(p, p->next_read);
    size_t weight = 0;
    int rc;

    p->reading = true;
    leave_lock(p);
    rc = p->ops->read(p->ctx, s->batch, &weight, &s->err);
    enter_lock(p);
    p->reading = false;
    p->ended = rc != 0;
    if (rc == TTP_E_END) {
        tell_locked(p);
        return;
    }
    s->rc = rc;
    s->weight = weight;
    p->weight += weight;
    p->next_read++;
    tell_locked(p);
    leave_lock(p);
    if (!rc)
        s->rc = p->ops->parse(p->ctx, s->batch, thread, &s->err);
    enter_lock(p);
    s->state = SLOT_PARSED;
    tell_locked(p);
}

static bool is_over_locked(const pipeline *p)
{
    return p->failed || (p->ended && p->next_write == p->next_read);
}

static void take_part(pipeline *p, unsigned thread)
{
    enter_lock(p);
    while (!is_over_locked(p)) {
        if (can_write_locked(p)) {
            write_next(p);
        } else if (can_order_locked(p)) {
            order_and_work(p, thread);
        } else if (can_read_locked(p)) {
            read_and_parse(p, thread);
        } else {
            p->n_waiting++;
            (void)pthread_cond_wait(&p->changed, &p->lock); /* cannot fail with the lock held */
            p->n_waiting--;
        }
    }
    tell_locked(p);
    leave_lock(p);
}

static void *run_member(void *arg)
{
    member *m = arg;

    take_part(m->p, m->number);
    return NULL;
}

/* Start the threads but the calling one, as many of them as can be had; returns how many run. */
static unsigned start_members(pipeline *p, member *members, unsigned n)
{
    unsigned started = 0;

    while (started < n) {
        members[started] = (member){.p = p, .number = started + 1};
        if (thread_start(&members[started].thread, run_member, &members[started]))
            break;
        started++;
    }
    return started;
}

static int run_together(pipeline *p, void *const *batches, unsigned n_threads, ttp_err *err)
{
    auto_free(mem) slot *slots = calloc(p->n_slots, sizeof(*slots));
    auto_free(mem) member *members = calloc(n_threads, sizeof(*members));
    unsigned n_started;

    if (!slots || !members)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    for (size_t i = 0; i < p->n_slots; i++)
        slots[i].batch = batches[i];
    p->slots = slots;
    (void)pthread_mutex_init(&p->lock, NULL);   /* default attributes: cannot fail */
    (void)pthread_cond_init(&p->changed, NULL); /* the same */
    n_started = start_members(p, members, n_threads - 1);
    take_part(p, 0);
    for (unsigned i = 0; i < n_started; i++)
        (void)pthread_join(members[i].thread, NULL); /* each was started and is joined once */
    (void)pthread_cond_destroy(&p->changed);         /* nobody waits any more */
    (void)pthread_mutex_destroy(&p->lock);
    if (p->failed && err)
        *err = p->err;
    return p->failed ? p->rc : 0;
}

static int run_alone(const pipeline_ops *ops, void *ctx, void *batch, ttp_err *err)
{
    ttp_err write_err;
    size_t weight;
    int rc, write_rc;

    for (;;) {
        rc = ops->read(ctx, batch, &weight, err);
        if (rc)
            return rc == TTP_E_END ? 0 : rc;
        rc = ops->parse(ctx, batch, 0, err);
        if (!rc)
            rc = ops->order(ctx, batch, err);
        if (!rc)
            rc = ops->work(ctx, batch, 0, err);
        write_rc = ops->write(ctx, batch, &write_err);
        if (write_rc && err)
            *err = write_err;
        if (write_rc || rc)
            return write_rc ? write_rc : rc;
    }
}

int pipeline_run(const pipeline_ops *ops, void *ctx, void *const *batches, size_t n_batches,
                 unsigned n_threads, ttp_err *err)
{
    pipeline p = {.ops = ops, .ctx = ctx, .n_slots = n_batches};

    return n_threads > 1 ? run_together(&p, batches, n_threads, err)
                         : run_alone(ops, ctx, batches[0], err);
}
