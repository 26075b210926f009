/* SPDX-License-Identifier: Apache-2.0 */
#include "event/lru.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ENTRIES 64
#define FIRST_BUCKETS 64

struct lru_page {
    struct lru_page *next;
    max_align_t entries[];
};

static void *page_entry(struct lru_page *p, size_t entry_size, size_t i)
{
    return (char *)p->entries + i * entry_size;
}

void lru_table_done(lru_table *t, void (*end)(void *entry))
{
    size_t n_used = t->page_used;
    struct lru_page *next;

    for (struct lru_page *p = t->pages; p; p = next) {
        next = p->next;
        for (size_t i = 0; end && i < n_used; i++)
            end(page_entry(p, t->entry_size, i));
        free(p);
        n_used = PAGE_ENTRIES; /* every page but the first is handed out whole */
    }
    free(t->buckets);
    *t = (lru_table){.entry_size = t->entry_size};
}

lru_link *lru_table_find(const lru_table *t, uint64_t hash)
{
    return t->n_buckets ? t->buckets[hash & (t->n_buckets - 1)] : NULL;
}

static void file_entry(lru_table *t, lru_link *e)
{
    lru_link **bucket = &t->buckets[e->hash & (t->n_buckets - 1)];

    e->chain = *bucket;
    *bucket = e;
}

static int grow_buckets(lru_table *t)
{
    size_t n_old = t->n_buckets;
    size_t n_new = n_old ? n_old * 2 : FIRST_BUCKETS;
    lru_link **old = t->buckets;
    lru_link **buckets = calloc(n_new, sizeof(lru_link *));
    lru_link *next;

    if (!buckets)
        return -1;
    t->buckets = buckets;
    t->n_buckets = n_new;
    for (size_t i = 0; i < n_old; i++) {
        for (lru_link *e = old[i]; e; e = next) {
            next = e->chain;
            file_entry(t, e);
        }
    }
    free(old);
    return 0;
}

static lru_link *fresh_entry(lru_table *t)
{
    if (!t->pages || t->page_used == PAGE_ENTRIES) {
        struct lru_page *p = calloc(1, sizeof(*p) + PAGE_ENTRIES * t->entry_size);

        if (!p)
            return NULL;
        p->next = t->pages;
        t->pages = p;
        t->page_used = 0;
    }
    return page_entry(t->pages, t->entry_size, t->page_used++);
}

void *lru_table_add(lru_table *t, uint64_t hash)
{
    lru_link *e = t->spares;

    if (t->n == t->n_buckets && grow_buckets(t))
        return NULL;
    if (e)
        t->spares = e->chain;
    else
        e = fresh_entry(t);
    if (!e)
        return NULL;
    e->hash = hash;
    e->older = e->newer = NULL;
    file_entry(t, e);
    t->n++;
    return e;
}

void lru_table_hide(lru_table *t, lru_link *e)
{
    lru_link **at = &t->buckets[e->hash & (t->n_buckets - 1)];

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    e->chain = NULL;
    t->n--;
}

void lru_table_release(lru_table *t, lru_link *e)
{
    e->chain = t->spares;
    t->spares = e;
}

void lru_list_push(lru_list *l, lru_link *e)
{
    e->older = l->newest;
    e->newer = NULL;
    if (l->newest)
        l->newest->newer = e;
    else
        l->oldest = e;
    l->newest = e;
    l->n++;
}

void lru_list_remove(lru_list *l, lru_link *e)
{
    if (e->older)
        e->older->newer = e->newer;
    else
        l->oldest = e->newer;
    if (e->newer)
        e->newer->older = e->older;
    else
        l->newest = e->older;
    e->older = e->newer = NULL;
    l->n--;
}
