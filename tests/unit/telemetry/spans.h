/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Hooks that write down what they are told: "+2<1 name key=id" begins, "-2=status" ends. */
#include "base/str.h"
#include "ttp/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct span_notes {
    pthread_mutex_t lock;
    uint64_t last_id;
    char text[4096];
    size_t len;
} span_notes;

#define SPAN_NOTES_INIT                                                                            \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

static inline void note_text(span_notes *n, const char *text)
{
    n->len += (size_t)snprintf(n->text + n->len, sizeof(n->text) - n->len, "%s%s",
                               n->len ? "; " : "", text);
    if (n->len >= sizeof(n->text))
        n->len = sizeof(n->text) - 1;
}

static inline uint64_t note_begin(void *ctx, const char *name, uint64_t parent,
                                  const ttp_trace_attribute *attributes, size_t n_attributes)
{
    span_notes *n = ctx;
    char line[256];
    uint64_t id;

    pthread_mutex_lock(&n->lock);
    id = ++n->last_id;
    (void)snprintf(line, sizeof(line), "+%d<%d %s%s%s%s%s", (int)id, (int)parent, name,
                   n_attributes ? " " : "", n_attributes ? attributes->key : "",
                   n_attributes ? "=" : "", n_attributes ? attributes->text : "");
    note_text(n, line);
    pthread_mutex_unlock(&n->lock);
    return id;
}

static inline void note_end(void *ctx, uint64_t span, int status)
{
    span_notes *n = ctx;
    char line[64];

    pthread_mutex_lock(&n->lock);
    (void)snprintf(line, sizeof(line), "-%d=%d", (int)span, status);
    note_text(n, line);
    pthread_mutex_unlock(&n->lock);
}

static inline ttp_trace noting(span_notes *n)
{
    return (ttp_trace){note_begin, note_end, n};
}

/* What was noted, which is then forgotten; the ids begin anew. */
static inline const char *noted(span_notes *n, char text[4096])
{
    pthread_mutex_lock(&n->lock);
    (void)snprintf(text, sizeof(n->text), "%s", n->text);
    n->text[0] = 0;
    n->len = 0;
    n->last_id = 0;
    pthread_mutex_unlock(&n->lock);
    return text;
}
