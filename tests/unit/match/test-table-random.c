/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random patterns and texts that nearly hold them, by every way to scan: a table built from
 * nothing, and one that was edited again and again, say what pattern_holds says of each pattern.
 */
#include "random-patterns.h"

#include "match/scan_path.h"
#include "match/table_edit.h"

#define RANDOM_MAX 48

static void show(const char *what, str s)
{
    print_error("  %s \"", what);
    for (size_t i = 0; i < s.len; i++)
        print_error((unsigned char)s.ptr[i] - 0x20u < 0x5Fu ? "%c" : "\\x%02x",
                    (unsigned char)s.ptr[i]);
    print_error("\"\n");
}

static void compare(const pattern_table *t, pattern *const *patterns, unsigned n, matcher *m,
                    matcher *alone, str text)
{
    found f = scan(t, m, text);

    for (unsigned i = 0; i < n; i++) {
        int rc;

        matcher_new_event(alone);
        rc = pattern_holds(patterns[i], alone, text);
        assert_true(rc == 0 || rc == TTP_E_NOT_FOUND || rc == TTP_E_LIMIT);
        expect_int("the table agrees with each pattern alone", f.hits[i], rc == 0);
        if (f.hits[i] != (rc == 0)) {
            show("pattern", pattern_source(patterns[i]));
            show("text   ", text);
        }
    }
}

/* The round's turn of the ways that this CPU can scan. */
static const scan_path *path_of_round(unsigned round)
{
    size_t i = round % n_scan_paths;

    while (!scan_paths[i]->is_usable())
        i++;
    return scan_paths[i];
}

static void test_random(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL), *alone = matcher_new(NULL);

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        auto_free(pattern_table) pattern_table *t = NULL;
        pattern *patterns[RANDOM_MAX];
        unsigned n = 1 + pick(pick(2) ? 4 : RANDOM_MAX);
        bool odd = pick(2);

        for (unsigned i = 0; i < n; i++)
            patterns[i] = i && pick(8) == 0 ? pattern_ref(patterns[pick(i)]) : random_pattern(odd);
        assert_int_equal(pattern_table_new(patterns, n, &t), 0);
        assert_int_equal(pattern_table_set_path(t, path_of_round(round)), 0);
        for (unsigned i = 0; i < 40; i++) {
            auto_free(buf) buf text = {0};

            put_text(&text, patterns, n, odd);
            compare(t, patterns, n, m, alone, buf_str(&text));
        }
        for (unsigned i = 0; i < n; i++)
            pattern_unref(patterns[i]);
    }
    end_rows();
}

/* ---- edits ---- */

#define N_BUILT 300 /* a small table is built anew */
#define N_EDITS 24
#define ADDED_MAX 4

typedef struct edited {
    pattern *patterns[PATTERNS_MAX];
    bool dropped[PATTERNS_MAX];
    unsigned n;
} edited;

/* One without atom that is still wanted, or UINT32_MAX. */
static uint32_t pick_without_atom(const edited *e)
{
    for (unsigned i = 0, at = pick(e->n); i < e->n; i++, at = (at + 1) % e->n) {
        if (!e->dropped[at] && !pattern_has_atom(e->patterns[at]))
            return at;
    }
    return UINT32_MAX;
}

static void edit(edited *e, pattern_table **t)
{
    uint32_t dropped = pick_without_atom(e);
    unsigned n_added = pick(ADDED_MAX + 1);
    pattern_table *next = NULL;
    table_edit what = {.added = &e->patterns[e->n], .n_added = n_added, .dropped = &dropped};

    for (unsigned i = 0; i < n_added; i++)
        e->patterns[e->n + i] = random_pattern(pick(2));
    e->n += n_added;
    if (dropped != UINT32_MAX) {
        e->dropped[dropped] = true;
        what.n_dropped = 1;
    }
    assert_int_equal(pattern_table_edit(*t, &what, &next), 0);
    (void)pattern_table_free(*t); /* returns NULL */
    *t = next;
}

static void compare_edited(const pattern_table *t, const edited *e, matcher *m, matcher *alone)
{
    auto_free(buf) buf text = {0};
    found f;

    put_text(&text, e->patterns, e->n, pick(2));
    f = scan(t, m, buf_str(&text));
    for (unsigned i = 0; i < e->n; i++) {
        bool held;

        matcher_new_event(alone);
        held = pattern_holds(e->patterns[i], alone, buf_str(&text)) == 0;
        expect_int("an edited table agrees with each pattern alone, but for what was dropped",
                   f.hits[i], held && !e->dropped[i]);
    }
}

static void test_edits(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL), *alone = matcher_new(NULL);
    unsigned n_dropped = 0;

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        auto_free(pattern_table) pattern_table *t = NULL;
        static edited e;

        e = (edited){.n = N_BUILT};
        for (unsigned i = 0; i < e.n; i++)
            e.patterns[i] = random_pattern(pick(2));
        assert_int_equal(pattern_table_new(e.patterns, e.n, &t), 0);
        assert_int_equal(pattern_table_set_path(t, path_of_round(round)), 0);
        for (unsigned i = 0; i < N_EDITS; i++) {
            edit(&e, &t);
            for (unsigned k = 0; k < 4; k++)
                compare_edited(t, &e, m, alone);
        }
        for (unsigned i = 0; i < e.n; i++) {
            n_dropped += e.dropped[i];
            pattern_unref(e.patterns[i]);
        }
    }
    expect_true("some had no atom", n_dropped > 10);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_edits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
