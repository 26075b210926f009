/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Arena: many small objects, freed as one. Blocks are kept by arena_clear, so a warmed-up arena
 * allocates nothing. One owner, no lock.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct arena_block arena_block;
typedef struct arena {
    arena_block *first, *current;
    size_t used;  /* bytes used in current */
    size_t total; /* bytes of all blocks */
} arena;

void arena_init(arena *a); /* zeroed storage is an initialised arena, too */
void arena_done(arena *a);
/* Forget the contents. Keeps at most keep bytes of blocks for reuse. */
void arena_clear(arena *a, size_t keep);

/* Take room for size bytes at once, where about so much will be needed. False when out of memory.
 */
bool arena_reserve(arena *a, size_t size);

/* size bytes aligned to 16, not zeroed; NULL when out of memory. size 0 gives a valid pointer. */
void *arena_alloc(arena *a, size_t size);
/* The same, zeroed, for n elements; NULL also where n * size overflows. */
void *arena_calloc(arena *a, size_t n, size_t size);
/* A copy of s, NUL-terminated behind its end; ptr is NULL when out of memory or s is absent. */
str arena_str(arena *a, str s);
static inline void arena_free_ptr(arena *a)
{
    arena_done(a);
}
