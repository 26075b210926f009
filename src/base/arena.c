/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>

#define ARENA_BLOCK_MIN 1024u /* each of ten thousand rules has an arena */
#define ARENA_BLOCK_MAX (256u << 10)
#define ARENA_ALIGN 16u

struct arena_block {
    arena_block *next;
    size_t size;
    alignas(ARENA_ALIGN) char data[];
};

void arena_init(arena *a)
{
    *a = (arena){0};
}

void arena_done(arena *a)
{
    arena_block *next;

    for (arena_block *b = a->first; b; b = next) {
        next = b->next;
        free(b);
    }
    arena_init(a);
}

void arena_clear(arena *a, size_t keep)
{
    arena_block **link = &a->first;
    size_t kept = 0;

    while (*link) {
        arena_block *b = *link;

        if (kept + b->size <= keep) {
            kept += b->size;
            link = &b->next;
        } else {
            *link = b->next;
            free(b);
        }
    }
    a->total = kept;
    a->current = a->first;
    a->used = 0;
}

/* Steps to the next kept block that is large enough, or puts a new one behind the current one. */
static bool next_block(arena *a, size_t size)
{
    arena_block *next = a->current ? a->current->next : a->first;
    size_t room = a->total / 2 < ARENA_BLOCK_MIN   ? ARENA_BLOCK_MIN
                  : a->total / 2 < ARENA_BLOCK_MAX ? a->total / 2
                                                   : ARENA_BLOCK_MAX;
    arena_block *b;

    if (next && next->size >= size) {
        a->current = next;
        a->used = 0;
        return true;
    }
    if (room < size)
        room = size;
    if (room > SIZE_MAX - sizeof(*b))
        return false;
    b = malloc(sizeof(*b) + room);
    if (!b)
        return false;
    b->size = room;
    b->next = next;
    if (a->current)
        a->current->next = b;
    else
        a->first = b;
    a->current = b;
    a->used = 0;
    a->total += room;
    return true;
}

bool arena_reserve(arena *a, size_t size)
{
    return (a->current && a->current->size - a->used >= size) || next_block(a, size);
}

void *arena_alloc(arena *a, size_t size)
{
    void *p;

    if (size > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if ((!a->current || a->current->size - a->used < size) && !next_block(a, size))
        return NULL;
    p = a->current->data + a->used;
    a->used += size;
    return p;
}

void *arena_calloc(arena *a, size_t n, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    p = arena_alloc(a, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

str arena_str(arena *a, str s)
{
    char *p;

    if (!s.ptr || s.len == SIZE_MAX)
        return STR_NULL;
    p = arena_alloc(a, s.len + 1);
    if (!p)
        return STR_NULL;
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return (str){p, s.len};
}
