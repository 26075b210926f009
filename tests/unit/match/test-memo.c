/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of texts, and for how long. */
#include "match/memo.h"

#include "../unit.h"

#include <stdlib.h>

#define TABLE 7u
#define TRIAL 2048 /* texts, of which few are known: some others pass by */
#define PASSES 40000

/* The n-th text, of some length, and what is said to hold in it. */
static str text_of(unsigned n, buf *b)
{
    buf_clear(b);
    buf_printf(b, "%u", n);
    for (unsigned i = n % 7 ? n % 60 : n % 3000; i; i--)
        buf_put_char(b, (char)('a' + (n + i) % 26));
    return buf_str(b);
}

static uint32_t n_hits_of(unsigned n)
{
    return n % 11 ? n % 5 : n % MEMO_HITS_MAX;
}

static void keep(memo *m, str text, uint64_t table, uint32_t first_hit, uint32_t n_hits)
{
    size_t index;
    memo_entry *e;

    assert_true(memo_begin(m, text.len));
    (void)memo_find(m, text, &table, 1, &index); /* nobody asks what was there */
    e = memo_room(m);
    *e = (memo_entry){.table = table, .bytes = first_hit, .steps = n_hits, .n_hits = n_hits};
    for (uint32_t i = 0; i < n_hits; i++)
        e->hits[i] = first_hit + i;
    memo_keep(m, text);
}

static const memo_entry *find(memo *m, str text, uint64_t table)
{
    size_t index;

    return memo_begin(m, text.len) ? memo_find(m, text, &table, 1, &index) : NULL;
}

static void test_kept(void **state)
{
    const memo_entry *e;
    memo m = {0};

    (void)state;
    expect_true("nothing at first", !find(&m, STR("id"), TABLE));
    keep(&m, STR("id"), TABLE, 40, 2);
    keep(&m, STR("id"), TABLE + 1, 50, 1);
    keep(&m, STR("uname -a"), TABLE, 60, 0);
    e = find(&m, STR("id"), TABLE);
    assert_non_null(e);
    expect_int("hits", e->n_hits, 2);
    expect_int("the first", e->hits[0], 40);
    expect_int("the last", e->hits[1], 41);
    expect_int("bytes", e->bytes, 40);
    expect_int("steps", e->steps, 2);
    e = find(&m, STR("id"), TABLE + 1);
    expect_true("another table's own", e && e->hits[0] == 50);
    e = find(&m, STR("uname -a"), TABLE);
    expect_true("that nothing holds is known, too", e && e->n_hits == 0);
    expect_true("of another table nothing", !find(&m, STR("id"), TABLE + 2));
    expect_true("of the beginning of a text nothing", !find(&m, STR("i"), TABLE));
    expect_true("of a longer one nothing", !find(&m, STR("id "), TABLE));
    memo_done(&m);
    end_rows();
}

static void test_first_table_counts(void **state)
{
    const uint64_t serials[] = {9, 8, 7}, later[] = {10, 9, 8, 7};
    const memo_entry *e;
    size_t index;
    memo m = {0};

    (void)state;
    keep(&m, STR("id"), 7, 70, 1);
    assert_true(memo_begin(&m, 2));
    e = memo_find(&m, STR("id"), serials, 3, &index);
    expect_true("a forebear's", e && e->hits[0] == 70);
    expect_int("it is told whose", index, 2);
    keep(&m, STR("id"), 9, 90, 1);
    keep(&m, STR("id"), 8, 80, 1);
    e = memo_find(&m, STR("id"), serials, 3, &index);
    expect_true("the nearest's", e && e->hits[0] == 90);
    expect_int("which is the first", index, 0);
    e = memo_find(&m, STR("id"), later, 4, &index);
    expect_true("also by a table that has not looked yet", e && e->hits[0] == 90);
    expect_int("whose last forebear it is", index, 1);
    memo_done(&m);
    end_rows();
}

/* What is found of the n-th text is right, also while room for the next is being filled in. */
static bool look_for(memo *m, unsigned n, buf *b)
{
    const uint64_t table = TABLE;
    const memo_entry *e;
    size_t index;

    e = memo_find(m, text_of(n, b), &table, 1, &index); /* not begun: no trial of what it saves */
    if (!e)
        return false;
    memset(memo_room(m), 0xFF, sizeof(memo_entry) + MEMO_TEXT_MAX);
    expect_int("as many hits", e->n_hits, n_hits_of(n));
    for (uint32_t i = 0; i < n_hits_of(n); i++)
        expect_int("each of them", e->hits[i], n + i);
    return true;
}

/* Many more texts than there is room for: the newest stay. */
static void test_round_and_round(void **state)
{
    unsigned n_found = 0, n_asked = 0;
    auto_free(buf) buf b = {0};
    memo m = {0};

    (void)state;
    for (unsigned n = 0; n < 50000 && !n_bad_rows; n++) {
        keep(&m, text_of(n, &b), TABLE, n, n_hits_of(n));
        expect_true("the newest is there", find(&m, text_of(n, &b), TABLE));
        if (n < 6000 || (n % 703 && (char *)memo_room(&m) != m.ring))
            continue;
        for (unsigned i = n - 6000; i < n; i++, n_asked++)
            n_found += look_for(&m, i, &b);
    }
    expect_true("many were there", n_found > n_asked / 3);
    expect_true("some were not any more", n_found < n_asked / 3 * 2);
    memo_done(&m);
    end_rows();
}

/*
 * Texts made to collide: the hash of 32 bytes and more multiplies the first eight, together with
 * the length times this factor, by the next eight. Where the one is 0, the other does not count.
 */
static str colliding_text(unsigned n, char out[64])
{
    uint64_t first = 64 * 0x9E3779B97F4A7C15u, next = n;

    memset(out, 'x', 64);
    memcpy(out, &first, sizeof(first));
    memcpy(out + sizeof(first), &next, sizeof(next));
    return (str){out, 64};
}

static void test_collisions(void **state)
{
    char text[64];
    memo m = {0};
    uint64_t hash;

    (void)state;
    keep(&m, colliding_text(0, text), TABLE, 0, 1);
    hash = m.hash;
    for (unsigned n = 1; n < 50; n++) {
        const memo_entry *e;

        expect_true("another one's text is not this one's",
                    !find(&m, colliding_text(n, text), TABLE));
        expect_true("though it collides", m.hash == hash);
        keep(&m, colliding_text(n, text), TABLE, n, 1);
        e = find(&m, colliding_text(n, text), TABLE);
        expect_true("each has its own", e && e->hits[0] == n);
        e = find(&m, colliding_text(n - 1, text), TABLE);
        expect_true("beside a few others", e && e->hits[0] == n - 1);
    }
    expect_true("not beside many", !find(&m, colliding_text(0, text), TABLE));
    memo_done(&m);
    end_rows();
}

static void test_forget(void **state)
{
    memo m = {0};

    (void)state;
    memo_forget(&m);
    keep(&m, STR("id"), TABLE, 1, 1);
    memo_forget(&m);
    expect_true("forgotten", !find(&m, STR("id"), TABLE));
    keep(&m, STR("id"), TABLE, 2, 1);
    expect_true("and learned again", find(&m, STR("id"), TABLE));
    memo_done(&m);
    end_rows();
}

static void test_too_long(void **state)
{
    memo m = {0};

    (void)state;
    expect_true("an empty text is not asked for", !memo_begin(&m, 0));
    expect_true("nor one that is too long", !memo_begin(&m, MEMO_TEXT_MAX + 1));
    expect_true("without memory for either", !m.ring);
    expect_true("the longest is", memo_begin(&m, MEMO_TEXT_MAX));
    memo_done(&m);
    end_rows();
}

/* How many of PASSES texts are asked for, of which one in known_each is known. */
static unsigned count_asked(unsigned known_each)
{
    auto_free(buf) buf b = {0};
    unsigned n_asked = 0;
    memo m = {0};

    keep(&m, STR("id"), TABLE, 1, 1);
    for (unsigned n = 0; n < PASSES; n++) {
        str text = n % known_each == 0 ? STR("id") : text_of(n, &b);
        uint64_t table = TABLE;
        size_t index;

        if (!memo_begin(&m, text.len))
            continue;
        n_asked++;
        (void)memo_find(&m, text, &table, 1, &index); /* that it was asked is what counts */
    }
    memo_done(&m);
    return n_asked;
}

static void test_where_it_does_not_pay(void **state)
{
    (void)state;
    expect_int("texts that often come again are all asked for", count_asked(4), PASSES);
    expect_true("texts that hardly do pass by", count_asked(100) < PASSES / 4);
    expect_true("but for a trial now and then", count_asked(100) > TRIAL + TRIAL / 2);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_first_table_counts),
        cmocka_unit_test(test_round_and_round),
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_where_it_does_not_pay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
