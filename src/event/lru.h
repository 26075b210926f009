/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hash table of entries with stable addresses, and lists in order of age: what the bounded tables
 * of sessions and source addresses stand on.
 *
 *     table: hash -> chain of entries; entries come from pages and return to a list of spares
 *     list:  oldest <-> ... <-> newest
 *
 * An entry's struct begins with an lru_link. A spare entry keeps its content, so that what it owns
 * (a buffer) is reused; a fresh one is zeroed. One owner, no lock.
 */
#include <stddef.h>
#include <stdint.h>

typedef struct lru_link {
    struct lru_link *chain; /* next with the same bucket, or next spare */
    struct lru_link *older, *newer;
    uint64_t hash;
} lru_link;

typedef struct lru_table {
    lru_link **buckets;
    size_t n_buckets; /* a power of two, or 0 */
    size_t n;         /* entries in the buckets */
    size_t entry_size;
    struct lru_page *pages;
    size_t page_used; /* entries handed out of the first page */
    lru_link *spares;
} lru_table;

typedef struct lru_list {
    lru_link *oldest, *newest;
    size_t n;
} lru_list;

/* end (may be NULL) is called for every entry ever handed out, spares too. */
void lru_table_done(lru_table *t, void (*end)(void *entry));
/* The first entry that may have this hash; go on with link->chain. NULL: none. */
lru_link *lru_table_find(const lru_table *t, uint64_t hash);
/* A spare or fresh entry, filed under hash; NULL when out of memory. */
void *lru_table_add(lru_table *t, uint64_t hash);
/* Take out of the buckets; the entry stays valid. */
void lru_table_hide(lru_table *t, lru_link *e);
/* Give a hidden entry back for reuse. */
void lru_table_release(lru_table *t, lru_link *e);

void lru_list_push(lru_list *l, lru_link *e); /* as the newest */
void lru_list_remove(lru_list *l, lru_link *e);
static inline void lru_list_touch(lru_list *l, lru_link *e)
{
    if (l->newest != e) {
        lru_list_remove(l, e);
        lru_list_push(l, e);
    }
}
