/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that come again are not scanned again, and yet: what is told is what a scan would tell, by
 * tables that were edited since, too, and at the bounds of an event.
 */
#include "random-patterns.h"

#include "match/memo.h"
#include "match/table_edit.h"

#define N_BUILT 300 /* tables of few patterns always scan */
#define N_TEXTS 24
#define N_EDITS 24

/* A table, and whether each of its patterns is still looked for. */
typedef struct edited {
    pattern *patterns[PATTERNS_MAX];
    bool dropped[PATTERNS_MAX];
    unsigned n;
    pattern_table *table;
} edited;

static void make(edited *e)
{
    *e = (edited){.n = N_BUILT};
    for (unsigned i = 0; i < e->n; i++)
        e->patterns[i] = random_pattern(pick(2));
    assert_int_equal(pattern_table_new(e->patterns, e->n, &e->table), 0);
}

static void done(edited *e)
{
    for (unsigned i = 0; i < e->n; i++)
        pattern_unref(e->patterns[i]);
    (void)pattern_table_free(e->table); /* returns NULL */
}

/* The next table with n_added more patterns and, where it can be had, one less. */
static void edit(const edited *from, unsigned n_added, bool drops, edited *ret)
{
    uint32_t dropped = UINT32_MAX;
    table_edit what = {.n_added = n_added, .dropped = &dropped};

    *ret = *from;
    for (unsigned i = 0; i < ret->n; i++)
        (void)pattern_ref(ret->patterns[i]); /* returns it */
    what.added = &ret->patterns[ret->n];
    while (n_added--)
        ret->patterns[ret->n++] = random_pattern(pick(2));
    for (unsigned i = 0; drops && i < from->n && dropped == UINT32_MAX; i++) {
        if (!ret->dropped[i] && !pattern_has_atom(ret->patterns[i]))
            dropped = i;
    }
    if (dropped != UINT32_MAX) {
        ret->dropped[dropped] = true;
        what.n_dropped = 1;
    }
    assert_int_equal(pattern_table_edit(from->table, &what, &ret->table), 0);
}

static void compare(const edited *e, str text, matcher *m, matcher *alone)
{
    found f = scan(e->table, m, text);

    for (unsigned i = 0; i < e->n; i++) {
        bool held;

        matcher_new_event(alone);
        held = pattern_holds(e->patterns[i], alone, text) == 0 && !e->dropped[i];
        expect_int("a text that came before is told of as if it had not", f.hits[i], held);
    }
}

static void make_texts(const edited *e, buf *texts)
{
    for (unsigned i = 0; i < N_TEXTS; i++) {
        buf_clear(&texts[i]);
        put_text(&texts[i], e->patterns, e->n, pick(2));
    }
}

/* Edits of tables, scanned with what is known from those before; now and then two of one, in turn.
 */
static void test_edits(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL), *alone = matcher_new(NULL);
    static buf texts[N_TEXTS];
    static edited now, next, fork;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        make(&now);
        make_texts(&now, texts);
        for (unsigned i = 0; i < N_EDITS; i++) {
            bool forks = pick(4) == 0;

            edit(&now, pick(5), pick(6) == 0, &next);
            if (forks)
                edit(&now, 1 + pick(3), false, &fork);
            for (unsigned k = 0; k < 10; k++) {
                compare(&next, buf_str(&texts[pick(N_TEXTS)]), m, alone);
                if (forks)
                    compare(&fork, buf_str(&texts[pick(N_TEXTS)]), m, alone);
            }
            if (forks)
                done(&fork);
            done(&now);
            now = next;
        }
        done(&now);
    }
    for (unsigned i = 0; i < N_TEXTS; i++)
        buf_done(&texts[i]);
    end_rows();
}

static unsigned count_hits(const edited *e, matcher *m, str text)
{
    found f = scan(e->table, m, text);
    unsigned n = 0;

    for (unsigned i = 0; i < e->n; i++)
        n += f.hits[i] > 0;
    return n;
}

static uint64_t searches_of(const edited *e, matcher *m, str text)
{
    uint64_t before = matcher_get_work(m).searches;

    (void)scan(e->table, m, text);
    return matcher_get_work(m).searches - before;
}

static void test_no_search(void **state)
{
    auto_free(matcher) matcher *m = matcher_new(NULL), *other = matcher_new(NULL);
    auto_free(buf) buf text = {0};
    static edited e, next;
    uint64_t n;

    (void)state;
    make(&e);
    edit(&e, 2, false, &next);
    do { /* a text that is worth keeping, and can be kept */
        buf_clear(&text);
        put_text(&text, e.patterns, e.n, false);
        n = searches_of(&e, m, buf_str(&text));
    } while (n < 4 || text.len == 0 || count_hits(&e, other, buf_str(&text)) > MEMO_HITS_MAX);
    expect_int("what is known is not searched for", searches_of(&e, m, buf_str(&text)), 0);
    expect_true("by the next table only for what is new",
                searches_of(&next, m, buf_str(&text)) <= 2);
    expect_int("and that once", searches_of(&next, m, buf_str(&text)), 0);
    matcher_forget(m);
    expect_int("what was forgotten is", searches_of(&e, m, buf_str(&text)), n);
    done(&e);
    done(&next);
    end_rows();
}

/* ---- bounds ---- */

/* Patterns that every text with "wget" wakes, to be read to its end; each wants a letter. */
static void make_costly(edited *e)
{
    *e = (edited){.n = N_BUILT};
    for (unsigned i = 0; i < e->n; i++) {
        const char *form = i % 30 ? "wget[^x]{%u,}[%c1]" : "wget(.)[^x]{%u,}\\1\\1[%c1]";
        char source[64];
        int len = snprintf(source, sizeof(source), form, 1 + i % 7, 'A' + i % 26);
        wanted w = {.source = {source, (size_t)len}, .flags = REGEX};

        e->patterns[i] = new_pattern(&w);
    }
    assert_int_equal(pattern_table_new(e->patterns, e->n, &e->table), 0);
}

/* Texts of about this length that come again and again; the n-th. */
static str costly_text(unsigned n, size_t len, buf *b)
{
    buf_clear(b);
    buf_printf(b, "wget %u", n % 3);
    while (b->len < len + n % 3 * 7)
        buf_put_c(b, "abcd ");
    buf_printf(b, "  %c", 'A' + n % 3);
    return buf_str(b);
}

typedef struct cuts {
    uint64_t n_cut, n_held;
} cuts;

static void compare_scans(const edited *e, const found *a, const found *b, cuts *c)
{
    for (unsigned i = 0; i < e->n; i++) {
        expect_int("the same holds", a->hits[i], b->hits[i]);
        expect_int("the same is cut off", a->cuts[i], b->cuts[i]);
        c->n_held += b->hits[i];
        c->n_cut += b->cuts[i];
    }
}

/*
 * Events of many texts: with a matcher that knows them, and one that forgets, the same holds and
 * the same is cut off.
 */
static cuts compare_events(const edited *e, const matcher_options *options, size_t len)
{
    auto_free(matcher) matcher *knows = matcher_new(options), *forgets = matcher_new(options);
    auto_free(buf) buf text = {0};
    cuts c = {0};

    for (unsigned event = 0; event < 3; event++) {
        matcher_new_event(knows);
        matcher_new_event(forgets);
        for (unsigned i = 0; i < 16; i++) {
            str s = costly_text(i, len + event, &text);
            found a = {0}, b = {0};

            matcher_forget(forgets);
            assert_int_equal(pattern_table_scan(e->table, knows, s, on_hit, on_cut, &a), 0);
            assert_int_equal(pattern_table_scan(e->table, forgets, s, on_hit, on_cut, &b), 0);
            compare_scans(e, &a, &b, &c);
        }
    }
    return c;
}

static void add_cuts(cuts *sum, cuts c)
{
    sum->n_cut += c.n_cut;
    sum->n_held += c.n_held;
}

static void expect_both(const cuts *c)
{
    expect_true("something held", c->n_held > 0);
    expect_true("something was cut off", c->n_cut > 0);
}

static void test_bounds(void **state)
{
    cuts by_bytes = {0}, by_steps = {0};
    static edited e;

    (void)state;
    make_costly(&e);
    for (size_t len = 3000; len < 4000; len += 90)
        add_cuts(&by_bytes, compare_events(&e, NULL, len));
    for (uint64_t budget = 100; budget < 20000; budget += budget / 4)
        add_cuts(&by_steps, compare_events(&e, &(matcher_options){.event_budget = budget}, 60));
    expect_both(&by_bytes);
    expect_both(&by_steps);
    done(&e);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_no_search),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
