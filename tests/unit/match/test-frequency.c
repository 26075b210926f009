/* SPDX-License-Identifier: Apache-2.0 */
#include "match/frequency.h"

#include "../unit.h"

#include <stdbool.h>
#include <stdlib.h>

static unsigned level(const char *run)
{
    return frequency_level((const uint8_t *)run, strlen(run));
}

static uint32_t per_million(const char *run)
{
    return frequency_of((const uint8_t *)run, strlen(run));
}

static const struct {
    const char *says, *common, *rare;
} orders[] = {
    {"a word that all type, and four letters of no word", "echo", "xmrg"},
    {"a path that all name, and one that few do", "/bin", "/srv"},
    {"a URL's start, and its letters in another order", "http", "ptht"},
    {"a redirection, and the same of other numbers", "2>&1", "7>&4"},
    {"a space, and a letter that is rare", " ", "q"},
    {"a frequent letter, and a control byte", "e", "\x01"},
    {"two letters that go together, and two that do not", "ch", "qz"},
    {"three of a common word, and three of none", "cat", "tqc"},
    {"ASCII, and what is not", "conf", "\xC3\xA9\xC3\xA8"},
    {"a run, and a longer one that holds it", "ec", "echo"},
    {"an address' form, and letters that nobody types", "192.", "zqxj"},
};

static void test_order(void **state)
{
    (void)state;
    for_each_row(c, orders)
    {
        expect_true(c->says, level(c->common) < level(c->rare));
        expect_true(c->says, per_million(c->common) >= per_million(c->rare));
    }
    end_rows();
}

static const struct {
    const char *says, *run;
    uint32_t least, most;
} rates[] = {
    {"nothing is everywhere", "", 1000000, 1000000},
    {"a space is one byte in some ten", " ", 40000, 250000},
    {"an e is, too", "e", 40000, 150000},
    {"a common word's four bytes", "http", 200, 20000},
    {"four bytes of nothing", "\x01\x02\xFF\xFE", 0, 0},
    {"more than four bytes: the first four count", "\x01\x02\xFF\xFE http", 0, 0},
};

static void test_rate(void **state)
{
    (void)state;
    for_each_row(c, rates)
    {
        expect_true(c->says, per_million(c->run) >= c->least);
        expect_true(c->says, per_million(c->run) <= c->most);
    }
    expect_int("letters' case makes no difference", level("HtTp"), level("http"));
    end_rows();
}

/* A symbol of the data file as a byte; digits' own sign has none. */
static bool byte_of(char symbol, uint8_t *ret)
{
    static const struct {
        char symbol;
        uint8_t byte;
    } named[] = {{'S', ' '}, {'T', '\t'}, {'N', '\n'}, {'C', 1}, {'H', 0xFF}};

    *ret = (uint8_t)symbol;
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (named[i].symbol == symbol)
            *ret = named[i].byte;
    }
    return symbol != 'D';
}

/* One line of the file: all its runs of n bytes have this level. Returns how many there were. */
static unsigned check_line(const char *runs, unsigned n, unsigned want)
{
    unsigned n_runs = 0;

    for (; strlen(runs) >= n && n; runs += n) {
        uint8_t bytes[4];
        bool has_bytes = true;

        for (unsigned i = 0; i < n; i++)
            has_bytes &= byte_of(runs[i], &bytes[i]);
        if (!has_bytes)
            continue;
        n_runs++;
        expect_int(runs, frequency_level(bytes, n), want);
    }
    return n_runs;
}

static void test_listed(void **state)
{
    static char line[1 << 16];
    FILE *f = fopen(FREQUENCY_FILE, "re");
    unsigned n = 0, n_runs = 0, n_lines = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *runs = strchr(line, ' ');

        line[strcspn(line, "\n")] = '\0';
        if (!runs || n_lines++ < 2) /* what the file is */
            continue;
        if (strncmp(line, "length ", 7) == 0)
            n = (unsigned)strtoul(runs + 1, NULL, 10);
        else
            n_runs += check_line(runs + 1, n, (unsigned)strtoul(line, NULL, 10));
    }
    fclose(f);
    expect_true("all lengths were read", n == 4 && n_runs > 5000);
    end_rows();
}

/* No run is commoner than what it starts with, but for what digits that are not listed share. */
static void test_parts(void **state)
{
    unsigned n_wrong = 0;

    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t bits = i * 2654435761u;
        uint8_t run[4] = {(uint8_t)(32 + (bits & 63)), (uint8_t)(64 + (bits >> 6 & 63)),
                          (uint8_t)(bits >> 12), (uint8_t)(32 + (bits >> 20) % 96)};

        for (size_t n = 2; n <= 4; n++)
            n_wrong += frequency_level(run, n) + FREQUENCY_PER_OCTAVE <
                           frequency_level(run, n - 1) ||
                       frequency_level(run, n) > FREQUENCY_LEVEL_MAX;
    }
    expect_int("none is", n_wrong, 0);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
