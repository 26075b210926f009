/* SPDX-License-Identifier: Apache-2.0 */
#include "store/counts.h"

#include "base/mem.h"
#include "base/sorted.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct count_entry {
    char rule_id[RULE_ID_MAX + 1];
    bool has_news;
    ttp_rule_counts sum, news;
} count_entry;

struct counts {
    pthread_mutex_t lock;
    /* under lock: */
    count_entry *entries; /* by rule_id */
    size_t n, cap;
    size_t n_news;
};

counts *counts_new(void)
{
    counts *c = calloc(1, sizeof(*c));

    if (c)
        (void)pthread_mutex_init(&c->lock, NULL); /* cannot fail on Linux */
    return c;
}

counts *counts_free(counts *c)
{
    if (!c)
        return NULL;
    (void)pthread_mutex_destroy(&c->lock); /* nobody holds it any more */
    free(c->entries);
    free(c);
    return NULL;
}

/* b's members times sign. */
static void add(ttp_rule_counts *a, const ttp_rule_counts *b, uint64_t sign)
{
    a->fires += sign * b->fires;
    a->suppressed += sign * b->suppressed;
    a->cuts += sign * b->cuts;
    a->wakeups += sign * b->wakeups;
    a->verifications += sign * b->verifications;
    a->ticks += sign * b->ticks;
}

static bool is_zero(const ttp_rule_counts *c)
{
    return !(c->fires | c->suppressed | c->cuts | c->wakeups | c->verifications | c->ticks);
}

static const char *key_of(const void *entries, size_t i)
{
    const count_entry *entry = entries;

    return entry[i].rule_id;
}

static size_t place_of_locked(const counts *c, const char *rule_id, bool *ret_found)
{
    return sorted_place(c->entries, c->n, key_of, rule_id, ret_found);
}

static count_entry *get_locked(counts *c, const char *rule_id)
{
    bool found;
    size_t at = place_of_locked(c, rule_id, &found);

    if (found)
        return &c->entries[at];
    if (mem_grow(c->entries, c->cap, c->n + 1))
        return NULL;
    memmove(&c->entries[at + 1], &c->entries[at], (c->n++ - at) * sizeof(*c->entries));
    c->entries[at] = (count_entry){0};
    (void)snprintf(c->entries[at].rule_id, sizeof(c->entries[at].rule_id), "%s", rule_id);
    return &c->entries[at];
}

static void set_news(counts *c, count_entry *e)
{
    bool has_news = !is_zero(&e->news);

    c->n_news += has_news;
    c->n_news -= e->has_news;
    e->has_news = has_news;
}

int counts_add(counts *c, const char *rule_id, const ttp_rule_counts *delta)
{
    count_entry *e;

    if (is_zero(delta))
        return 0;
    pthread_mutex_lock(&c->lock);
    e = get_locked(c, rule_id);
    if (e) {
        add(&e->sum, delta, 1);
        add(&e->news, delta, 1);
        set_news(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e ? 0 : -ENOMEM;
}

ttp_rule_counts counts_of(counts *c, const char *rule_id)
{
    ttp_rule_counts sum = {0};
    bool found;
    size_t at;

    pthread_mutex_lock(&c->lock);
    at = place_of_locked(c, rule_id, &found);
    if (found)
        sum = c->entries[at].sum;
    pthread_mutex_unlock(&c->lock);
    return sum;
}

bool counts_has_news(counts *c)
{
    bool has_news;

    pthread_mutex_lock(&c->lock);
    has_news = c->n_news > 0;
    pthread_mutex_unlock(&c->lock);
    return has_news;
}

size_t counts_take(counts *c, counts_row *rows, size_t max)
{
    size_t n = 0;

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n && n < max && n < c->n_news; i++) {
        const count_entry *e = &c->entries[i];

        if (!e->has_news)
            continue;
        rows[n].counts = e->news;
        (void)snprintf(rows[n].rule_id, sizeof(rows[n].rule_id), "%s", e->rule_id);
        n++;
    }
    pthread_mutex_unlock(&c->lock);
    return n;
}

void counts_written(counts *c, const counts_row *rows, size_t n)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < n; i++) {
        bool found;
        size_t at = place_of_locked(c, rows[i].rule_id, &found);

        if (!found)
            continue;
        add(&c->entries[at].news, &rows[i].counts, UINT64_MAX); /* -1: taken away */
        set_news(c, &c->entries[at]);
    }
    pthread_mutex_unlock(&c->lock);
}

int counts_each(counts *c, bool unwritten,
                int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts), void *ctx)
{
    count_entry *copy;
    size_t n;
    int rc = 0;

    pthread_mutex_lock(&c->lock);
    n = c->n;
    copy = malloc(n * sizeof(*copy) + 1);
    if (copy && n)
        memcpy(copy, c->entries, n * sizeof(*copy));
    pthread_mutex_unlock(&c->lock);
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; !rc && i < n; i++) {
        if (copy[i].has_news || !unwritten)
            rc = fn(ctx, copy[i].rule_id, unwritten ? &copy[i].news : &copy[i].sum);
    }
    free(copy);
    return rc;
}

static int add_one(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    return counts_add(ctx, rule_id, c);
}

int counts_add_all(counts *c, counts *more, bool unwritten)
{
    return counts_each(more, unwritten, add_one, c);
}
