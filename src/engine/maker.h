/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Index maker: keeps what is needed to make the next index out of the last one. One owner.
 *
 *     put(id, rule) ... put(id, NULL) ... make(order) -> index
 *     put ...                             make(order) -> the next, which shares all it can
 *
 * After a failure a maker is of no use any more: make another and put all rules in.
 */
#include "engine/index.h"

typedef struct index_maker index_maker;

index_maker *index_maker_new(str attack_release); /* NULL when out of memory */
index_maker *index_maker_free(index_maker *m);    /* takes NULL, returns NULL */
DEFINE_FREE_PTR(index_maker, index_maker *, index_maker_free)

/* The rule of this number is r from now on; NULL: there is none. Returns 0 or -ENOMEM. */
int index_maker_put(index_maker *m, uint32_t id, rule *r);
/* An index of all that was put, tags in the order of these numbers. Returns 0, TTP_E_LIMIT (only a
 * maker that begins anew can make it) or -ENOMEM. */
int index_maker_make(index_maker *m, const uint32_t *order, size_t n, engine_index **ret_index);
/* Are there so many holes, or tables grown so much, that a maker that begins anew would serve
 * better? */
bool index_maker_worn(const index_maker *m);
/* Still more so, that it should not wait for somebody with time to spare. */
bool index_maker_overdue(const index_maker *m);
/* How many holes there are. */
size_t index_maker_holes(const index_maker *m);
