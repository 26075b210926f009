/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick of `ttp bench engine`: bare Hyperscan, matches merely counted. */
#include "cli/bench.h"

#include <hs/hs.h>
#include <stdlib.h>

struct yardstick_hs {
    hs_database_t *db;
    hs_scratch_t *scratch;
};

static unsigned flags_of(const yardstick_pattern *p)
{
    return HS_FLAG_ALLOWEMPTY | (p->ignore_case ? HS_FLAG_CASELESS : 0);
}

static bool is_taken(const yardstick_pattern *p)
{
    hs_compile_error_t *error = NULL;
    hs_expr_info_t *info = NULL;

    if (hs_expression_info(p->text, flags_of(p), &info, &error) != HS_SUCCESS) {
        hs_free_compile_error(error);
        return false;
    }
    free(info);
    return true;
}

static hs_database_t *compile(const yardstick_pattern *patterns, size_t n, size_t *ret_refused)
{
    const char **texts = calloc(n, sizeof(*texts));
    unsigned *flags = calloc(n, sizeof(*flags)), *ids = calloc(n, sizeof(*ids));
    hs_database_t *db = NULL;
    hs_compile_error_t *error = NULL;
    unsigned n_taken = 0;

    for (size_t i = 0; texts && flags && ids && i < n; i++) {
        if (!is_taken(&patterns[i]))
            continue;
        texts[n_taken] = patterns[i].text;
        flags[n_taken] = flags_of(&patterns[i]);
        ids[n_taken] = n_taken;
        n_taken++;
    }
    if (hs_compile_multi(texts, flags, ids, n_taken, HS_MODE_BLOCK, NULL, &db, &error) !=
        HS_SUCCESS)
        hs_free_compile_error(error);
    *ret_refused = n - n_taken;
    free(texts);
    free(flags);
    free(ids);
    return db;
}

yardstick_hs *yardstick_hs_new(const yardstick_pattern *patterns, size_t n, size_t *ret_refused)
{
    yardstick_hs *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->db = compile(patterns, n, ret_refused);
    if (h->db && hs_alloc_scratch(h->db, &h->scratch) == HS_SUCCESS)
        return h;
    yardstick_hs_free(h);
    return NULL;
}

void yardstick_hs_free(yardstick_hs *h)
{
    if (!h)
        return;
    hs_free_scratch(h->scratch);
    hs_free_database(h->db);
    free(h);
}

static int count_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                       void *ctx)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    ++*(size_t *)ctx;
    return 0;
}

size_t yardstick_hs_scan(yardstick_hs *h, str text)
{
    size_t n = 0;

    (void)hs_scan(h->db, text.ptr, (unsigned)text.len, 0, h->scratch, count_match, &n);
    return n;
}
