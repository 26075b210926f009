/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shelf: an array that grows at its end, of which successive owners share one block.
 *
 *     block:  | a | b | c | d |   |      used 4
 *     older owner: n 3 ---^   |          sees a b c, for ever
 *     newer owner: n 4 -------^          may put the next one behind d
 *
 * Nobody changes what is below an owner's n, so older owners may read while the newest appends. An
 * append by who is not the newest, or where the block is full, copies to a block of its own.
 */
#include "base/mem.h"

#include <stdint.h>

typedef struct shelf_block shelf_block;

/* What the elements are: fixed for a shelf's life. keep and drop (NULL: none) are called for each
 * element that a block comes to hold, or leaves. */
typedef struct shelf_kind {
    size_t size;
    void (*keep)(void *element);
    void (*drop)(void *element);
} shelf_kind;

typedef struct shelf {
    shelf_block *block; /* NULL: empty */
    void *at;           /* the elements */
    uint32_t n;
} shelf;

/* Append n elements; keep is not called for them: the shelf takes them over. Zeroed storage is an
 * empty shelf. One thread appends. Returns 0, or -ENOMEM with nothing taken. */
int shelf_put(shelf *s, const shelf_kind *kind, const void *elements, uint32_t n);
/* Another owner of what is there. */
shelf shelf_share(const shelf *s);
/* The last owner of a block drops its elements. Any thread. */
void shelf_done(shelf *s);
/* Bytes of the block. */
size_t shelf_memory(const shelf *s);
