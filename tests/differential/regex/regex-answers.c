/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers for agree-with-python: what our reader makes of patterns and texts, together with PCRE2
 * (regex-answers pcre2), or with whatever engine a pattern chooses (regex-answers pattern).
 * Numbers are 32-bit little-endian.
 *
 *     request   'P' length pattern     then any number of   'T' length text
 *     answer    to P: 'P' rc length message                 (rc 0: ready; else the refusal)
 *               to T: 'T' rc n spans   (n pairs of byte offsets, 0xFFFFFFFF: the group took no
 * part; rc 0 held, 1 not, 2 cut off at a limit, 3 PCRE2's JIT
 *                                       compiler and its interpreter disagree) 'C': props for each
 * character, 0 to 0x10FFFF, a byte each, then canons, a number each
 */
#include "base/utf8.h"
#include "match/pattern.h"
#include "match/regex.h"
#include "match/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>

typedef struct answers {
    bool by_pattern;
    pattern *pattern;
    matcher *matcher;
    arena a;
    buf pcre2;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    uint32_t n_groups;
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

static bool get_text(buf *out)
{
    uint32_t len;
    char *text;
    bool ok;

    buf_clear(out);
    if (!get_number(&len) || !(text = malloc(len + 1)))
        return false;
    ok = fread(text, 1, len, stdin) == len;
    buf_put(out, text, len);
    free(text);
    return ok && !out->failed;
}

static int compile(answers *x, str source, ttp_err *err)
{
    regex re;
    int code, rc = regex_read(source, false, &x->a, &re, err);
    size_t offset;

    if (rc)
        return rc;
    x->n_groups = re.n_groups < 127 ? re.n_groups : 127; /* the tests have fewer */
    rc = regex_to_pcre2(&re, &x->pcre2, err);
    if (rc)
        return rc;
    x->code = pcre2_compile((PCRE2_SPTR)x->pcre2.ptr, x->pcre2.len, PCRE2_UTF | PCRE2_UCP, &code,
                            &offset, NULL);
    if (!x->code) {
        PCRE2_UCHAR why[128];

        (void)pcre2_get_error_message(code, why, sizeof(why)); /* cut if longer */
        (void)snprintf(err->text, sizeof(err->text), "PCRE2 refuses %.*s at %zu: %s",
                       (int)(x->pcre2.len < 400 ? x->pcre2.len : 400), x->pcre2.ptr, offset, why);
        return 1000;
    }
    (void)pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE); /* without, the interpreter serves */
    x->match = pcre2_match_data_create_from_pattern(x->code, NULL);
    return x->match ? 0 : -ENOMEM;
}

static int compile_pattern(answers *x, str source, ttp_err *err)
{
    int rc;

    x->pattern = pattern_unref(x->pattern);
    rc = pattern_from_regex(source, 0, &x->pattern, err);
    if (!rc)
        x->n_groups = pattern_n_groups(x->pattern);
    return rc;
}

static void answer_pattern(answers *x, str source)
{
    ttp_err err = {0};
    int rc;

    arena_clear(&x->a, 1 << 20);
    buf_clear(&x->pcre2);
    pcre2_code_free(x->code);
    pcre2_match_data_free(x->match);
    x->code = NULL;
    x->match = NULL;
    rc = x->by_pattern ? compile_pattern(x, source, &err) : compile(x, source, &err);
    (void)putchar('P');
    put_number((uint32_t)rc);
    put_number((uint32_t)strlen(err.text));
    (void)fputs(err.text, stdout);
}

/* Ready to be sent: n numbers. */
typedef struct spans {
    uint32_t at[256];
    uint32_t n, rc;
} spans;

static void search(answers *x, str text, uint32_t options, spans *ret)
{
    int rc = pcre2_match(x->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, options,
                         x->match, x->context);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(x->match);

    memset(ret, 0, sizeof(*ret));
    ret->rc = rc > 0 ? 0 : rc == PCRE2_ERROR_NOMATCH ? 1 : 2;
    ret->n = rc > 0 ? (x->n_groups + 1) * 2 : 0;
    for (uint32_t i = 0; i < ret->n && i < 256; i++)
        ret->at[i] = (int)(i / 2) < rc && at[i] != PCRE2_UNSET ? (uint32_t)at[i] : UINT32_MAX;
}

static void search_both(answers *x, str text, spans *ret)
{
    spans interpreter;

    search(x, text, 0, ret);
    search(x, text, PCRE2_NO_JIT, &interpreter);
    if (ret->rc < 2 && interpreter.rc < 2 && memcmp(ret, &interpreter, sizeof(*ret)) != 0)
        *ret = (spans){.rc = 3};
}

static void search_pattern(answers *x, str text, spans *ret)
{
    match_span found[128];
    int rc;

    matcher_new_event(x->matcher);
    rc = pattern_find(x->pattern, x->matcher, text, found, x->n_groups + 1);
    *ret = (spans){.rc = rc == 0 ? 0 : rc == TTP_E_NOT_FOUND ? 1 : 2};
    ret->n = rc ? 0 : (x->n_groups + 1) * 2;
    for (uint32_t i = 0; i < ret->n; i += 2) {
        const match_span *s = &found[i / 2];

        ret->at[i] = s->start == SIZE_MAX ? UINT32_MAX : (uint32_t)s->start;
        ret->at[i + 1] = s->start == SIZE_MAX ? UINT32_MAX : (uint32_t)s->end;
    }
}

static void answer_text(answers *x, str text)
{
    spans found;

    if (x->by_pattern)
        search_pattern(x, text, &found);
    else
        search_both(x, text, &found);
    (void)putchar('T');
    put_number(found.rc);
    put_number(found.n);
    for (uint32_t i = 0; i < found.n; i++)
        put_number(found.at[i]);
}

static void answer_characters(void)
{
    for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++)
        (void)putchar((int)unicode_props(cp));
    for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++)
        put_number(unicode_canon(cp));
}

int main(int argc, char **argv)
{
    auto_free(buf) buf text = {0};
    answers x = {.by_pattern = argc > 1 && strcmp(argv[1], "pattern") == 0,
                 .context = pcre2_match_context_create(NULL),
                 .matcher = matcher_new(NULL)};
    int what;

    if (!x.context || !x.matcher)
        return 1;

    pcre2_set_match_limit(x.context, 1000000);
    while ((what = getchar()) != EOF) {
        if (what == 'C')
            answer_characters();
        else if (!get_text(&text))
            return 1;
        else if (what == 'P')
            answer_pattern(&x, buf_str(&text));
        else
            answer_text(&x, buf_str(&text));
    }
    pattern_unref(x.pattern);
    matcher_free(x.matcher);
    pcre2_code_free(x.code);
    pcre2_match_data_free(x.match);
    pcre2_match_context_free(x.context);
    buf_done(&x.pcre2);
    arena_done(&x.a);
    return 0;
}
