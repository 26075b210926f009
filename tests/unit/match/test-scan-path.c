/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way to scan must fold alike, mark each place that a window stands at, and read nothing
 * beyond the text: texts end where a page ends that may not be read.
 */
#include "match/scan_path.h"

#include "../pick.h"
#include "../unit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_MAX 300
#define WINDOWS_MAX 120

/* Few letters make windows stand often, all of them seldom. */
static char letter(unsigned n_letters)
{
    static const char few[] = "ab /-AZ@[`{";

    return n_letters < sizeof(few) ? few[pick(n_letters)] : (char)pick(128);
}

/* ---- a text that ends where memory ends ---- */

typedef struct guarded {
    char *pages;
    size_t page;
} guarded;

static guarded new_guarded(void)
{
    guarded g = {.page = (size_t)sysconf(_SC_PAGESIZE)};
    void *p = mmap(NULL, 3 * g.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    g.pages = p;
    assert_int_equal(mprotect(g.pages + g.page, g.page, PROT_READ | PROT_WRITE), 0);
    return g;
}

/* text's bytes at the end of the page, or at its start, which is guarded, too. */
static const char *place(const guarded *g, const char *text, size_t len, bool at_end)
{
    char *to = g->pages + g->page + (at_end ? g->page - len : 0);

    memcpy(to, text, len);
    return to;
}

/* ---- what is right ---- */

static char slow_fold(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool stands(const filter_window *w, const char *text, size_t len, size_t at)
{
    for (unsigned i = 0; i < w->size; i++) {
        if (at + i >= len || slow_fold(text[at + i]) != (char)w->bytes[i])
            return false;
    }
    if (w->size == 1) {
        unsigned after = at + 1 < len ? (unsigned char)slow_fold(text[at + 1]) : 0;

        return w->after[after / 64] >> after % 64 & 1;
    }
    return true;
}

static filter_window random_window(unsigned n_letters)
{
    filter_window w = {.size = 1 + pick(FILTER_WINDOW)};

    for (unsigned i = 0; i < w.size; i++)
        w.bytes[i] = (uint8_t)slow_fold(letter(n_letters));
    for (unsigned i = 0; w.size == 1 && i < 2; i++)
        w.after[i] = pick(3) ? (uint64_t)pick(1u << 31) << 33 ^ pick(1u << 31) : ~0ull;
    return w;
}

/* ---- the tests ---- */

static void check_text(const scan_path *path, const scan_filter *f, const filter_window *windows,
                       unsigned n, const char *text, size_t len)
{
    char to[TEXT_MAX + FOLD_ROOM + 1];
    uint64_t marks[(TEXT_MAX / MARKS_BLOCK + 1) * MARKS_PER_BLOCK + 1];
    size_t n_words = (len + MARKS_BLOCK - 1) / MARKS_BLOCK * MARKS_PER_BLOCK;

    memset(to, 1, sizeof(to));
    memset(marks, 0xA5, sizeof(marks));
    expect_true("the text is ASCII", path->mark(f, text, len, to, marks));
    for (size_t i = 0; i < len; i++)
        expect_int(path->name, to[i], slow_fold(text[i]));
    for (size_t i = 0; i < 16; i++)
        expect_int("zeros stand behind the text", to[len + i], 0);
    expect_int("nothing is written beyond the room", to[len + FOLD_ROOM], 1);
    expect_true("nor beyond the marks", marks[n_words] == 0xA5A5A5A5A5A5A5A5u);
    for (size_t at = 0; at < n_words * MARKS_BLOCK / MARKS_PER_BLOCK; at++) {
        const uint64_t *word = marks + at / MARKS_BLOCK * MARKS_PER_BLOCK;
        uint64_t bit = 1ull << at % MARKS_BLOCK;

        expect_true("no place beyond the text is marked",
                    at < len || !((word[0] | word[1] | word[2]) & bit));
        for (unsigned k = 0; at < len && k < n; k++) {
            if (stands(&windows[k], text, len, at))
                expect_true(path->name, word[windows[k].size < 3 ? 0 : windows[k].size - 2] & bit);
        }
    }
}

static void fill_filter(scan_filter *f, const scan_path *path, const filter_window *windows,
                        unsigned n)
{
    size_t n_of[FILTER_WINDOW + 1] = {0};

    for (unsigned i = 0; i < n; i++)
        n_of[windows[i].size]++;
    memset(f, 0, sizeof(*f));
    if (pick(4)) /* else all are more than was said */
        scan_filter_begin(f, n_of[1] + n_of[2], n_of[3], n_of[4]);
    else
        scan_filter_begin(f, 0, 0, 0);
    for (unsigned i = 0; i < n; i++)
        path->add(f, &windows[i]);
}

static void test_marks(void **state)
{
    guarded g = new_guarded();

    (void)state;
    for (unsigned round = 0; round < 4 * (TEXT_MAX + 1); round++) {
        size_t len = round % (TEXT_MAX + 1);
        unsigned n_letters = pick(3) ? 4 + pick(8) : 128, n = pick(pick(2) ? 4 : WINDOWS_MAX);
        filter_window windows[WINDOWS_MAX];
        char text[TEXT_MAX];

        for (unsigned i = 0; i < n; i++)
            windows[i] = random_window(n_letters);
        for (size_t i = 0; i < len; i++)
            text[i] = letter(n_letters);
        for (size_t k = 0; k < n_scan_paths; k++) {
            scan_filter f;

            if (!scan_paths[k]->mark || !scan_paths[k]->is_usable())
                continue;
            fill_filter(&f, scan_paths[k], windows, n);
            check_text(scan_paths[k], &f, windows, n, place(&g, text, len, true), len);
            check_text(scan_paths[k], &f, windows, n, place(&g, text, len, false), len);
        }
    }
    (void)munmap(g.pages, 3 * g.page); /* the process ends soon */
    end_rows();
}

static void test_fold(void **state)
{
    guarded g = new_guarded();
    char text[TEXT_MAX], to[TEXT_MAX + FOLD_ROOM];

    (void)state;
    for (unsigned round = 0; round < 8 * (TEXT_MAX + 1); round++) {
        size_t len = round % (TEXT_MAX + 1), odd = len ? pick((unsigned)len) : 0;
        bool is_ascii = len == 0 || pick(2);

        for (size_t i = 0; i < len; i++)
            text[i] = (char)pick(128);
        if (!is_ascii)
            text[odd] = (char)(128 + pick(128));
        for (size_t k = 0; k < n_scan_paths; k++) {
            const scan_path *path = scan_paths[k];

            if (!path->is_usable())
                continue;
            expect_int(path->name, path->fold(place(&g, text, len, true), len, to), is_ascii);
            for (size_t i = 0; is_ascii && i < len; i++)
                expect_int(path->name, to[i], slow_fold(text[i]));
            for (size_t i = 0; is_ascii && i < 16; i++)
                expect_int("zeros stand behind the text", to[len + i], 0);
        }
    }
    (void)munmap(g.pages, 3 * g.page);
    end_rows();
}

static void test_not_ascii(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_scan_paths; k++) {
        for (size_t len = 1; len <= TEXT_MAX; len++) {
            char text[TEXT_MAX], to[TEXT_MAX + FOLD_ROOM];
            uint64_t marks[(TEXT_MAX / MARKS_BLOCK + 1) * MARKS_PER_BLOCK];
            scan_filter f = {0};

            if (!scan_paths[k]->mark || !scan_paths[k]->is_usable())
                continue;
            memset(text, 'a', len);
            text[pick((unsigned)len)] = (char)(128 + pick(128));
            scan_filter_begin(&f, 1, 1, 1);
            expect_int("a byte that is not ASCII is seen wherever it stands",
                       scan_paths[k]->mark(&f, text, len, to, marks), false);
        }
    }
    end_rows();
}

/* Else it would be of no use: of random texts, few places are marked. */
static void test_tells(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_scan_paths; k++) {
        filter_window windows[40];
        char text[TEXT_MAX], to[TEXT_MAX + FOLD_ROOM];
        uint64_t marks[(TEXT_MAX / MARKS_BLOCK + 1) * MARKS_PER_BLOCK] = {0};
        scan_filter f;
        unsigned n = 0;

        if (!scan_paths[k]->mark || !scan_paths[k]->is_usable())
            continue;
        for (unsigned i = 0; i < 40; i++) {
            windows[i] = random_window(128);
            windows[i].size = FILTER_WINDOW;
            for (unsigned b = 0; b < FILTER_WINDOW; b++)
                windows[i].bytes[b] = (uint8_t)slow_fold((char)pick(128));
        }
        for (unsigned i = 0; i < TEXT_MAX; i++)
            text[i] = (char)pick(128);
        fill_filter(&f, scan_paths[k], windows, 40);
        (void)scan_paths[k]->mark(&f, text, TEXT_MAX, to, marks); /* ASCII */
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
            n += (unsigned)__builtin_popcountll(marks[i]);
        expect_true(scan_paths[k]->name, n < TEXT_MAX / 4);
    }
    end_rows();
}

static void test_best(void **state)
{
    const scan_path *best;

    (void)state;
    assert_int_equal(unsetenv(SCAN_PATH_VARIABLE), 0);
    best = scan_path_best();
    expect_true("the best path is usable", best->is_usable());
    expect_true("it is found by its name", scan_path_named(best->name) == best);
    expect_true("no other name is", !scan_path_named("mmx"));
    assert_int_equal(setenv(SCAN_PATH_VARIABLE, "portable", 1), 0);
    expect_true("the environment can ask for another", scan_path_best() == &scan_path_portable);
    assert_int_equal(setenv(SCAN_PATH_VARIABLE, "mmx", 1), 0);
    expect_true("but not for one that is not there", scan_path_best() == best);
    assert_int_equal(unsetenv(SCAN_PATH_VARIABLE), 0);
    expect_true("the last is, everywhere", scan_paths[n_scan_paths - 1]->is_usable());
    expect_true("and needs no filter", scan_paths[n_scan_paths - 1]->windows_max == 0);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks), cmocka_unit_test(test_fold), cmocka_unit_test(test_not_ascii),
        cmocka_unit_test(test_tells), cmocka_unit_test(test_best),
    };

    for (size_t i = 0; i < n_scan_paths; i++) {
        if (!scan_paths[i]->is_usable())
            printf("SKIP: this CPU has no %s\n", scan_paths[i]->name);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
