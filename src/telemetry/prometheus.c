/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/prometheus.h"

#include <inttypes.h>

void prometheus_begin(buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(buf *b, str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];

        if (c == '\n') {
            buf_put_c(b, "\\n");
            continue;
        }
        if (c == '\\' || c == '"')
            buf_put_char(b, '\\');
        buf_put_char(b, c);
    }
}

void prometheus_put(buf *b, const char *name, const prometheus_label *labels, size_t n_labels,
                    uint64_t value)
{
    buf_put_c(b, name);
    for (size_t i = 0; i < n_labels; i++) {
        buf_printf(b, "%c%s=\"", i ? ',' : '{', labels[i].name);
        put_value(b, labels[i].value);
        buf_put_char(b, '"');
    }
    buf_printf(b, "%s %" PRIu64 "\n", n_labels ? "}" : "", value);
}
