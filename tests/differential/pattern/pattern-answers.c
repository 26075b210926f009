/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers for agree-with-python: what patterns are taken, where they hold. Numbers are 32-bit
 * little-endian.
 *
 *     request   'P' length pattern     then any number of   'T' length text
 *     answer    to P: 'P' rc length message    (rc 0: taken; else the refusal)
 *               to T: 'T' rc n numbers         (pairs of byte offsets, 0xFFFFFFFF: the group took
 * no part; rc 0 held, 1 not, 2 cut off, 4 refused pattern)
 *
 * Each text is searched three times: by a matcher with a warm cache, by one whose cache holds next
 * to nothing, and for the spans. An rc of 3 says that they disagreed.
 */
#include "match/pattern.h"

#include "base/err.h"

#include <stdio.h>

#define SPANS_MAX 128

typedef struct answers {
    pattern *p;
    matcher *warm, *tiny;
} answers;

static void put_number(uint32_t n)
{
    unsigned char bytes[4] = {n & 0xFF, (n >> 8) & 0xFF, (n >> 16) & 0xFF, n >> 24};

    (void)fwrite(bytes, 1, 4, stdout); /* a reader gone away ends us by SIGPIPE */
}

static bool get_number(uint32_t *n)
{
    unsigned char b[4];

    if (fread(b, 1, 4, stdin) != 4)
        return false;
    *n = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

/* A copy of exactly its length, so that a sanitizer sees what reads behind it. */
static bool get_text(str *out)
{
    uint32_t len;
    char *text;

    if (!get_number(&len) || !(text = malloc(len ? len : 1)))
        return false;
    *out = (str){text, len};
    return fread(text, 1, len, stdin) == len;
}

static void answer_pattern(answers *x, str source)
{
    ttp_err err = {0};
    int rc;

    x->p = pattern_unref(x->p);
    rc = pattern_from_regex(source, 0, &x->p, &err);
    (void)putchar('P');
    put_number((uint32_t)rc);
    put_number((uint32_t)strlen(err.text));
    (void)fputs(err.text, stdout);
}

/* What the script's protocol calls held, not held and cut off. */
static uint32_t verdict(int rc)
{
    return rc == 0 ? 0 : rc == TTP_E_NOT_FOUND ? 1 : 2;
}

static void answer_text(answers *x, str text)
{
    match_span spans[SPANS_MAX];
    unsigned n = 0;
    uint32_t warm, tiny, found;

    (void)putchar('T');
    if (!x->p) {
        put_number(4);
        put_number(0);
        return;
    }
    matcher_new_event(x->warm);
    matcher_new_event(x->tiny);
    warm = verdict(pattern_holds(x->p, x->warm, text));
    tiny = verdict(pattern_holds(x->p, x->tiny, text));
    found = verdict(pattern_find(x->p, x->warm, text, spans, SPANS_MAX));
    put_number(warm == tiny && warm == found ? warm : 3);
    if (found == 0 && pattern_n_groups(x->p) < SPANS_MAX)
        n = pattern_n_groups(x->p) + 1;
    put_number(2 * n);
    for (unsigned i = 0; i < n; i++) {
        put_number((uint32_t)spans[i].start);
        put_number((uint32_t)spans[i].end);
    }
}

int main(void)
{
    answers x = {.warm = matcher_new(NULL),
                 .tiny = matcher_new(&(matcher_options){.cache_max = 600})};
    str text = STR_NULL;
    int what;

    while ((what = getchar()) != EOF) {
        if (!get_text(&text))
            return 1;
        if (what == 'P')
            answer_pattern(&x, text);
        else
            answer_text(&x, text);
        free((char *)text.ptr);
    }
    pattern_unref(x.p);
    matcher_free(x.warm);
    matcher_free(x.tiny);
    return 0;
}
