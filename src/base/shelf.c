/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shelf.h"

#include <errno.h>
#include <string.h>

struct shelf_block {
    unsigned refs;          /* atomic */
    uint32_t used, cap;     /* the appending thread's; who ends the block reads used */
    const shelf_kind *kind; /* static */
    max_align_t elements[];
};

static char *element(shelf_block *b, uint32_t i)
{
    return (char *)b->elements + i * b->kind->size;
}

static shelf_block *make_block(const shelf_kind *kind, uint32_t cap)
{
    shelf_block *b = malloc(sizeof(*b) + cap * kind->size);

    if (b)
        *b = (shelf_block){.refs = 1, .cap = cap, .kind = kind};
    return b;
}

/* A block of its own with what s has, and room for n more. */
static int move_on(shelf *s, const shelf_kind *kind, uint32_t n)
{
    uint32_t cap = s->n + n > s->n + s->n / 4 ? s->n + n : s->n + s->n / 4;
    shelf_block *b = make_block(kind, cap);

    if (!b)
        return -ENOMEM;
    if (s->n)
        memcpy(b->elements, s->at, s->n * kind->size);
    b->used = s->n;
    for (uint32_t i = 0; kind->keep && i < s->n; i++)
        kind->keep(element(b, i));
    n = s->n;
    shelf_done(s);
    *s = (shelf){b, b->elements, n};
    return 0;
}

int shelf_put(shelf *s, const shelf_kind *kind, const void *elements, uint32_t n)
{
    if ((!s->block || s->block->used != s->n || s->block->cap - s->n < n) && move_on(s, kind, n))
        return -ENOMEM;
    if (n)
        memcpy(element(s->block, s->n), elements, n * kind->size);
    s->n += n;
    s->block->used = s->n;
    return 0;
}

shelf shelf_share(const shelf *s)
{
    if (s->block)
        __atomic_add_fetch(&s->block->refs, 1, __ATOMIC_RELAXED);
    return *s;
}

void shelf_done(shelf *s)
{
    shelf_block *b = s->block;

    *s = (shelf){0};
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t i = 0; b->kind->drop && i < b->used; i++)
        b->kind->drop(element(b, i));
    free(b);
}

size_t shelf_memory(const shelf *s)
{
    return s->block ? sizeof(*s->block) + s->block->cap * s->block->kind->size : 0;
}
