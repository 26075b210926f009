/* SPDX-License-Identifier: Apache-2.0 */
#include "match/matcher.h"
#include "match/pattern_internal.h"

#include "../unit.h"

/* Groups answer as each pattern alone does, also where automata are dropped on the way. */
static void test_groups(void **state)
{
    static const char *const sources[] = {
        "\\bwget\\s",    "(a|b)*a(a|b){6}",   "x.*y$",
        "^\\w+\\s\\w+$", "[0-9]{3}\\.[0-9]",  "\\d+\\s*$",
        "a\xC3\xB6?b",   "(?i)straSSe",       "[^a-z]{4}",
        "(a+b+)+c",      "\\s+a\\s+|\\bb\\b", "z",
    };
    static const str texts[] = {
        STR(""),
        STR("wget http://192.0.2.1/a"),
        STR("abababababaabbbabab"),
        STR("a\xC3\xB6"
            "b x 1 y\n"),
        STR("127.0.0.1 and 300.5 xxxy"),
        STR("STRASSE  a  \xE2\x84\xAA b"),
        STR("a\0b\0 zz 99\n"),
    };
    static const size_t caches[] = {1, 600, 3000, 20000, 0};
    enum {
        N = sizeof(sources) / sizeof(sources[0])
    };
    pattern *all[N];

    (void)state;
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(pattern_from_regex(str_from(sources[i]), 0, &all[i], NULL), 0);
    for_each_row(cache, caches)
    {
        matcher *m = matcher_new(&(matcher_options){.cache_max = *cache});
        matcher *alone = matcher_new(NULL);

        for (unsigned round = 0; round < 40; round++) {
            str text = texts[round % 7];
            pattern_search group[PATTERN_GROUP];
            unsigned n = 1 + round % PATTERN_GROUP;

            for (unsigned i = 0; i < n; i++)
                group[i] = (pattern_search){.pattern = all[(round * 5 + i * (1 + round % 3)) % N]};
            matcher_new_event(m);
            matcher_new_event(alone);
            pattern_holds_group(group, n, m, text);
            for (unsigned i = 0; i < n; i++)
                expect_int(pattern_source(group[i].pattern).ptr, group[i].rc,
                           pattern_holds(group[i].pattern, alone, text));
        }
        matcher_free(m);
        matcher_free(alone);
    }
    for (unsigned i = 0; i < N; i++)
        pattern_unref(all[i]);
    end_rows();
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* Stretches to skip and stretches where nothing is, now and then a character that is not ASCII. */
static void put_random(buf *text, uint32_t *seed, size_t len)
{
    static const char *const bits[] = {"q a1 ", "qa",    "q0 1 2",   "a",
                                       "# ",    "1234q", "\xC3\xA6", "q\n"};

    buf_clear(text);
    while (text->len < len) {
        uint32_t kind = next_random(seed) % 12, n = next_random(seed) % 90;

        for (uint32_t i = 0; i < n && kind < 6; i++)
            buf_put_c(text, bits[kind]);
        if (kind >= 6 && kind < 8)
            buf_put_c(text, bits[kind]);
        for (uint32_t i = 0; i < 8 * n && kind >= 8; i++)
            buf_put_char(text, "xyz "[next_random(seed) % 4]);
    }
}

/*
 * Patterns that have one byte to skip to, which on a text made for it saves nothing: they begin
 * alone and go on side by side.
 */
static void test_skipping_groups(void **state)
{
    static const char *const sources[] = {
        "q[^#]{9}[0-9]+[^#]*[a-c][^a-z#]*[#~]",
        "q[^#]{30}1[^#]*#~",
        "q.*q.{40}#\\Z",
        "qqq",
        "q[^~]{3}\\d[^~]*~",
        "q\\w*\xC3\xA6+[^#]{20}#",
        "#[^q]*q\\Z",
        "q$",
    };
    static const size_t caches[] = {1, 4000, 40000, 0};
    enum {
        N = sizeof(sources) / sizeof(sources[0])
    };
    auto_free(buf) buf text = {0};
    pattern *all[N];
    uint32_t seed = 7;

    (void)state;
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(pattern_from_regex(str_from(sources[i]), 0, &all[i], NULL), 0);
    for_each_row(cache, caches)
    {
        matcher *m = matcher_new(&(matcher_options){.cache_max = *cache});
        matcher *alone = matcher_new(NULL);

        for (unsigned round = 0; round < 150; round++) {
            pattern_search group[PATTERN_GROUP];
            unsigned n = 1 + round % PATTERN_GROUP;

            put_random(&text, &seed, round * 20);
            for (unsigned i = 0; i < n; i++)
                group[i] = (pattern_search){.pattern = all[(round + 3 * i) % N]};
            matcher_new_event(m);
            matcher_new_event(alone);
            pattern_holds_group(group, n, m, buf_str(&text));
            for (unsigned i = 0; i < n; i++)
                expect_int(pattern_source(group[i].pattern).ptr, group[i].rc,
                           pattern_holds(group[i].pattern, alone, buf_str(&text)));
        }
        matcher_free(m);
        matcher_free(alone);
    }
    for (unsigned i = 0; i < N; i++)
        pattern_unref(all[i]);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups),
                                       cmocka_unit_test(test_skipping_groups)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
