/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * VM: runs a program over a text for spans and groups, as Python would find them: leftmost, then by
 * the order in which alternatives and repeats are tried. All ways are followed at once, in that
 * order; of two that wait at one instruction the first wins. Time is text times program, memory
 * program times groups, whatever the text.
 *
 * A loop whose body can be empty ends as CPython ends it: a round that consumed nothing is the
 * last.
 */
#include "match/pattern.h"
#include "match/program.h"

/* Memory of searches, reused from one to the next. Zeroed storage is an empty one with
 * nothing left. One thread. */
typedef struct vm_memory {
    void *block;
    size_t size;
    uint64_t left; /* instructions that may still be followed; a search takes from it */
} vm_memory;

void vm_memory_done(vm_memory *m);

/*
 * The first match of p in text: spans[0] is the whole, [1..] the groups, n_spans of them at most.
 * Returns 0, TTP_E_NOT_FOUND, TTP_E_LIMIT (nothing was left) or -ENOMEM.
 */
int vm_find(vm_memory *m, const program *p, str text, match_span *ret_spans, unsigned n_spans);
