/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/trace.h"

trace_span trace_begin_with(const ttp_trace *hooks, const char *name, uint64_t parent,
                            const char *key, const char *id)
{
    const ttp_trace_attribute attribute = {.key = key, .text = id};

    return (trace_span){hooks, hooks->begin(hooks->ctx, name, parent, &attribute, key != NULL)};
}
