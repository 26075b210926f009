/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as patterns and a text, parted by 0x1F; the text comes last. The first byte of a pattern
 * says what it is: bits 0 to 2 are its flags, bit 3 makes it a regular expression. What the table
 * finds must be what each pattern finds alone.
 */
#include "match/table.h"

#include "base/utf8.h"
#include "match/scan_path.h"

#include <assert.h>

#define PATTERNS_MAX 24
#define PART_END 0x1F

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct found {
    bool hit[PATTERNS_MAX], cut[PATTERNS_MAX];
} found;

static void on_hit(void *ctx, uint32_t index)
{
    found *f = ctx;

    assert(!f->hit[index] && !f->cut[index]);
    f->hit[index] = true;
}

static void on_cut(void *ctx, uint32_t index)
{
    found *f = ctx;

    assert(!f->hit[index] && !f->cut[index]);
    f->cut[index] = true;
}

/* NULL: no regular expression. */
static pattern *make_pattern(uint8_t what, str bytes)
{
    auto_free(buf) buf source = {0};
    pattern *p = NULL;

    utf8_repair(&source, bytes);
    if (what & 8)
        (void)pattern_from_regex(buf_str(&source), what & PATTERN_IGNORE_CASE, &p, NULL);
    else
        (void)pattern_from_literal(buf_str(&source), what & 7, &p); /* NULL when out of memory */
    return p;
}

static void compare(pattern **patterns, unsigned n, str text)
{
    static const matcher_options options = {.match_limit = 2000, .cache_max = 64 << 10};
    auto_free(matcher) matcher *m = matcher_new(&options), *alone = matcher_new(&options);
    auto_free(pattern_table) pattern_table *t = NULL;
    found f = {0};
    int rc;

    assert(m && alone);
    assert(pattern_table_new(patterns, n, &t) == 0);
    for (size_t round = 0; round < n_scan_paths + 1; round++) { /* the last two alike: warm */
        const scan_path *path = scan_paths[round < n_scan_paths ? round : n_scan_paths - 1];

        if (!path->is_usable())
            continue;
        assert(pattern_table_set_path(t, path) == 0);
        f = (found){0};
        matcher_new_event(m);
        assert(pattern_table_scan(t, m, text, on_hit, on_cut, &f) == 0);
        for (unsigned i = 0; i < n; i++) {
            matcher_new_event(alone);
            rc = pattern_holds(patterns[i], alone, text);
            assert(rc == 0 || rc == TTP_E_NOT_FOUND || rc == TTP_E_LIMIT);
            assert(f.cut[i] || rc == TTP_E_LIMIT || f.hit[i] == (rc == 0));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free(buf) buf text = {0};
    pattern *patterns[PATTERNS_MAX];
    unsigned n = 0;
    const uint8_t *end;
    str exact;

    while (n < PATTERNS_MAX && size && (end = memchr(data, PART_END, size)) != NULL) {
        size_t len = (size_t)(end - data);

        if (len)
            patterns[n] = make_pattern(data[0], (str){(const char *)data + 1, len - 1});
        n += len && patterns[n];
        data = end + 1;
        size -= len + 1;
    }
    utf8_repair(&text, (str){(const char *)data, size});
    exact = (str){malloc(text.len ? text.len : 1), text.len}; /* what reads behind it is seen */
    if (exact.ptr) {
        if (text.len)
            memcpy((char *)exact.ptr, text.ptr, text.len);
        compare(patterns, n, exact);
    }
    free((char *)exact.ptr);
    while (n--)
        pattern_unref(patterns[n]);
    return 0;
}
