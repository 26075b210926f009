/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of changes, one per subscription, all under the store's lock. A change is kept once
 * however many queues it waits in:
 *
 *     ring of A: | 7 | 8 | 9 |     each a reference to the shared change
 *     ring of B:         | 9 |
 *
 * A subscription's eventfd is readable exactly while its queue is not empty or it lags.
 */
#include "store/store.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/time.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct shared_change {
    size_t n_refs; /* under the store's lock */
    ttp_change change;
} shared_change;

struct ttp_subscription {
    ttp_store *store;
    int fd;
    /* under the store's lock: */
    shared_change **ring;
    size_t head, n, cap;
    uint64_t skipped; /* changes up to this one are passed over */
    bool lagged;      /* takes no change until its reader has been told */
};

static void unref_shared(shared_change *s)
{
    if (--s->n_refs)
        return;
    (void)rule_unref(s->change.rule); /* returns NULL */
    free(s);
}

static void set_readable(ttp_subscription *sub, bool readable)
{
    uint64_t n = 1;
    ssize_t done;

    do /* non-blocking; it can only find the descriptor as it is wanted already */
        done = readable ? write(sub->fd, &n, sizeof(n)) : read(sub->fd, &n, sizeof(n));
    while (done < 0 && errno == EINTR);
}

static void clear_queue(ttp_subscription *sub)
{
    for (size_t i = 0; i < sub->n; i++)
        unref_shared(sub->ring[(sub->head + i) % sub->cap]);
    free(sub->ring);
    sub->ring = NULL;
    sub->head = sub->n = sub->cap = 0;
}

static int make_room(ttp_subscription *sub)
{
    size_t cap = sub->cap ? 2 * sub->cap : 16;
    shared_change **ring;

    if (sub->n < sub->cap)
        return 0;
    if (sub->n == STORE_QUEUE_MAX)
        return TTP_E_LIMIT;
    ring = calloc(cap, sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; sub->cap && i < sub->n; i++)
        ring[i] = sub->ring[(sub->head + i) % sub->cap];
    free(sub->ring);
    sub->ring = ring;
    sub->head = 0;
    sub->cap = cap;
    return 0;
}

/* shared NULL: there was no memory for it. */
static void push(ttp_subscription *sub, shared_change *shared)
{
    if (sub->lagged)
        return;
    if (!shared || make_room(sub)) {
        clear_queue(sub);
        sub->lagged = true;
        set_readable(sub, true);
        return;
    }
    sub->ring[(sub->head + sub->n) % sub->cap] = shared;
    shared->n_refs++;
    if (sub->n++ == 0)
        set_readable(sub, true);
}

void store_fan_out_locked(ttp_store *store, ttp_change *change)
{
    shared_change *shared = NULL;

    change->sequence = ++store->sequence;
    if (store->n_subscribers == 0)
        return;
    shared = calloc(1, sizeof(*shared));
    if (shared) {
        *shared = (shared_change){.n_refs = 1, .change = *change};
        shared->change.rule = change->rule ? rule_ref(change->rule) : NULL;
    }
    for (size_t i = 0; i < store->n_subscribers; i++)
        push(store->subscribers[i], shared);
    if (shared)
        unref_shared(shared);
}

static int add_subscriber(ttp_store *store, ttp_subscription *sub)
{
    int rc;

    pthread_mutex_lock(&store->lock);
    rc = mem_grow(store->subscribers, store->cap_subscribers, store->n_subscribers + 1);
    if (!rc)
        store->subscribers[store->n_subscribers++] = sub;
    pthread_mutex_unlock(&store->lock);
    return rc;
}

int ttp_store_subscribe(ttp_store *store, ttp_subscription **ret_subscription, ttp_err *err)
{
    ttp_subscription *sub = calloc(1, sizeof(*sub));
    int rc;

    if (!sub)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    sub->store = store;
    sub->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = sub->fd < 0 ? -errno : add_subscriber(store, sub);
    if (rc) {
        if (sub->fd >= 0)
            (void)close(sub->fd); /* nothing was written */
        free(sub);
        return err_set(err, rc, NULL, "cannot subscribe to the rule store: %s", strerror(-rc));
    }
    *ret_subscription = sub;
    return 0;
}

ttp_subscription *ttp_subscription_close(ttp_subscription *sub)
{
    ttp_store *store = sub ? sub->store : NULL;

    if (!sub)
        return NULL;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->n_subscribers; i++) {
        if (store->subscribers[i] != sub)
            continue;
        store->subscribers[i] = store->subscribers[--store->n_subscribers];
        break;
    }
    clear_queue(sub);
    pthread_mutex_unlock(&store->lock);
    (void)close(sub->fd); /* holds nothing */
    free(sub);
    return NULL;
}

int ttp_subscription_fd(const ttp_subscription *sub)
{
    return sub->fd;
}

/* The change at the head, which leaves the queue. */
static void pop_locked(ttp_subscription *sub, ttp_change *ret_change)
{
    shared_change *shared = sub->ring[sub->head];

    *ret_change = shared->change;
    if (ret_change->rule)
        (void)rule_ref(ret_change->rule); /* returns its argument */
    unref_shared(shared);
    sub->head = (sub->head + 1) % sub->cap;
    if (--sub->n == 0) {
        clear_queue(sub);
        set_readable(sub, false);
    }
}

void ttp_subscription_skip(ttp_subscription *sub, uint64_t sequence)
{
    pthread_mutex_lock(&sub->store->lock);
    if (sub->skipped < sequence)
        sub->skipped = sequence;
    while (sub->n && sub->ring[sub->head]->change.sequence <= sub->skipped) {
        ttp_change passed;

        pop_locked(sub, &passed);
        ttp_change_done(&passed);
    }
    pthread_mutex_unlock(&sub->store->lock);
}

static int try_next(ttp_subscription *sub, ttp_change *ret_change)
{
    int rc = TTP_E_END;

    pthread_mutex_lock(&sub->store->lock);
    if (sub->lagged) {
        sub->lagged = false;
        set_readable(sub, false);
        rc = TTP_E_LIMIT;
    } else if (sub->n) {
        pop_locked(sub, ret_change);
        rc = 0;
    }
    pthread_mutex_unlock(&sub->store->lock);
    return rc;
}

int ttp_subscription_next(ttp_subscription *sub, int timeout_ms, ttp_change *ret_change)
{
    int64_t end_ns = time_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    int rc;

    while ((rc = try_next(sub, ret_change)) == TTP_E_END && timeout_ms) {
        struct pollfd p = {.fd = sub->fd, .events = POLLIN};
        int64_t left_ns = end_ns - time_monotonic_ns();

        if (timeout_ms > 0 && left_ns <= 0)
            break;
        /* rounded up, so that the last wait is not a busy one */
        if (poll(&p, 1, timeout_ms < 0 ? -1 : (int)((left_ns + 999999) / 1000000)) < 0 &&
            errno != EINTR)
            return -errno;
    }
    return rc;
}

void ttp_change_done(ttp_change *change)
{
    change->rule = rule_unref(change->rule);
}
