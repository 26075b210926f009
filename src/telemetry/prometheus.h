/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Prometheus - metrics in its text format 0.0.4, as a scrape or node_exporter's textfile collector
 * reads it. */
#include "base/str.h"

typedef struct prometheus_label {
    const char *name; /* [a-zA-Z_][a-zA-Z0-9_]* */
    str value;        /* any UTF-8: it is escaped */
} prometheus_label;

/* The head of a metric; its samples follow, and no others until the next head. type: counter or
 * gauge. help: one line. */
void prometheus_begin(buf *b, const char *name, const char *type, const char *help);
void prometheus_put(buf *b, const char *name, const prometheus_label *labels, size_t n_labels,
                    uint64_t value);
