/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spans, where somebody wants them. Hooks are bound when a root span begins, not when the program
 * is: they can come, go and change while it runs. A span's children go to the hooks it began with.
 * Without hooks a span is one branch.
 */
#include "ttp/trace.h"

#include <stdatomic.h>

/* Where hooks may be: a field of whatever does the work. NULL: off. */
typedef _Atomic(const ttp_trace *) trace_point;

typedef struct trace_span {
    const ttp_trace *hooks; /* NULL: nobody listens */
    uint64_t id;
} trace_span;

/* A span of one id as attribute (key NULL: none). */
trace_span trace_begin_with(const ttp_trace *hooks, const char *name, uint64_t parent,
                            const char *key, const char *id);

static inline trace_span trace_root(const trace_point *point, const char *name, const char *key,
                                    const char *id)
{
    const ttp_trace *hooks = atomic_load_explicit(point, memory_order_acquire);

    return hooks ? trace_begin_with(hooks, name, 0, key, id) : (trace_span){0};
}

static inline trace_span trace_child(const trace_span *parent, const char *name, const char *key,
                                     const char *id)
{
    return parent->hooks ? trace_begin_with(parent->hooks, name, parent->id, key, id)
                         : (trace_span){0};
}

static inline void trace_end(const trace_span *span, int status)
{
    if (span->hooks)
        span->hooks->end(span->hooks->ctx, span->id, status);
}
