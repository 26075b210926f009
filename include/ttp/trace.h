/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trace - hooks that are told of spans: what was done, inside of what, and how it ended.
 *
 *     ttp.rule.state.change            set_state or clear_state, as its caller sees it
 *       +- ttp.store.write_state       the backend's work, until it is committed
 *       +- ttp.rule.publish            the publish hook's
 *
 * Attributes are ids, hashes and counts, never an attacker's text.
 * Threads: hooks are called from whatever thread does the work, also from several at once.
 */
#include "ttp/api.h"

#include <stddef.h>
#include <stdint.h>

TTP_BEGIN

typedef struct ttp_trace_attribute {
    const char *key;
    const char *text; /* NULL: number is the value */
    int64_t number;
} ttp_trace_attribute;

/* Immutable while anything may call it: exchange the whole one for another. */
typedef struct ttp_trace {
    /* Returns the span's id, not 0; parent 0: it has none. What is pointed to ends with the call.
     */
    uint64_t (*begin)(void *ctx, const char *name, uint64_t parent,
                      const ttp_trace_attribute *attributes, size_t n_attributes);
    /* status: what the work returned; 0: it was done. */
    void (*end)(void *ctx, uint64_t span, int status);
    void *ctx;
} ttp_trace;

TTP_END
