/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Patterns by their source, and what a table of them finds. Texts lie in blocks of exactly their
 * size, so that ASan sees who reads behind. */
#include "match/table.h"

#include "../unit.h"

#include <stdlib.h>

#define PATTERNS_MAX 512
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* ---- what a scan finds ---- */

typedef struct found {
    unsigned hits[PATTERNS_MAX], cuts[PATTERNS_MAX];
} found;

static void on_hit(void *ctx, uint32_t index)
{
    ((found *)ctx)->hits[index]++;
}

static void on_cut(void *ctx, uint32_t index)
{
    ((found *)ctx)->cuts[index]++;
}

static str own_copy(str s)
{
    char *copy = malloc(s.len ? s.len : 1);

    assert_non_null(copy);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (str){copy, s.len};
}

static found scan(const pattern_table *t, matcher *m, str text)
{
    str copy = own_copy(text);
    found f = {0};

    matcher_new_event(m);
    assert_int_equal(pattern_table_scan(t, m, copy, on_hit, on_cut, &f), 0);
    free((char *)copy.ptr);
    return f;
}

enum {
    REGEX = 1 << 7
};

typedef struct wanted {
    str source;
    unsigned flags; /* PATTERN_..., or REGEX with them */
    bool holds;
} wanted;

static pattern *new_pattern(const wanted *w)
{
    pattern *p = NULL;
    ttp_err err = {0};
    int rc = w->flags & REGEX ? pattern_from_regex(w->source, w->flags & ~(unsigned)REGEX, &p, &err)
                              : pattern_from_literal(w->source, w->flags, &p);

    if (rc)
        print_error("%s\n", err.text);
    assert_int_equal(rc, 0);
    return p;
}
