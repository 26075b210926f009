/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linear engines against PCRE2's interpreter, on random expressions and on texts that match or
 * nearly do. The verdict is the same always, from caches of every size; spans and groups are the
 * same, but where a repeated part can match nothing: there CPython (which agree-with-python
 * compares us with) and PCRE2 end loops differently.
 *
 * PATTERN_SEED and PATTERN_COUNT vary the run.
 */
#include "base/arena.h"
#include "base/utf8.h"
#include "match/pattern.h"
#include "match/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <inttypes.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXTS_EACH 8
#define PAIRS_WANTED 100000
#define MAX_SHOWN 10
#define SPANS_MAX 32
#define N_MATCHERS 4

/* ---- random expressions ---- */

typedef enum kind {
    CHAR,
    CLASS,
    ASSERT,
    CAT,
    ALT,
    REPEAT,
    CAPTURE,
    PLAIN,
    FLAGGED
} kind;

typedef struct node node;
struct node {
    kind kind;
    const char *text; /* CHAR, CLASS, ASSERT: as written; REPEAT: the counts; FLAGGED: the flags */
    const char *sample; /* CHAR, CLASS: what it may match */
    unsigned min, max;
    unsigned n_kids;
    node *kids[4];
};

static const struct {
    const char *text, *sample;
} chars[] =
    {
        {"a", "a"},
        {"b", "b"},
        {"A", "A"},
        {"0", "0"},
        {" ", " "},
        {"_", "_"},
        {"\\n", "\n"},
        {"\\x00", "\0"},
        {"k", "K"},
        {"s", "\xc5\xbf"},
        {"\xc3\xa9", "\xc3\x89"},
        {"\\.", "."},
        {"\xe4\xb8\xad", "\xe4\xb8\xad"},
        {"\\U0001f600", "\xf0\x9f\x98\x80"},
        {"\xc3\x9f", "\xe1\xba\x9e"},
},
  classes[] = {
      {".", "a"},
      {"\\w", "_"},
      {"\\W", " "},
      {"\\d", "\xd9\xa0"},
      {"\\D", "b"},
      {"\\s", "\xe2\x80\xa8"},
      {"\\S", "0"},
      {"[ab]", "b"},
      {"[^ab]", "0"},
      {"[^\\W\\d]", "a"},
      {"[a-k0-9]", "9"},
      {"[\\s_]", " "},
      {"[^\\n]", "\xc3\xa9"},
      {"[\xc3\xa0-\xe4\xb8\xad]", "\xc3\xa9"},
      {"[b-\\U0010ffff]", "\xf0\x9f\x98\x80"},
};

static const char *const asserts[] = {"^", "$", "\\A", "\\Z", "\\b", "\\B"};

typedef struct generator {
    uint64_t state;
    arena a;
    unsigned n_groups;
    bool empty_loop; /* a part that can match nothing is repeated */
} generator;

static uint32_t draw(generator *g, uint32_t n)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(g->state >> 33) % n;
}

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static node *new_node(generator *g, kind k)
{
    node *n = arena_calloc(&g->a, 1, sizeof(*n));

    if (!n)
        abort();
    n->kind = k;
    return n;
}

static bool can_be_empty(const node *n)
{
    bool all = true, any = false;

    for (unsigned i = 0; i < n->n_kids; i++) {
        bool empty = can_be_empty(n->kids[i]);

        all &= empty;
        any |= empty;
    }
    switch (n->kind) {
    case CHAR:
    case CLASS:
        return false;
    case ASSERT:
        return true;
    case ALT:
        return any;
    case REPEAT:
        return n->min == 0 || any;
    default:
        return all;
    }
}

static node *any_node(generator *g, unsigned depth);

static node *leaf(generator *g)
{
    uint32_t what = draw(g, 12), i;
    node *n = new_node(g, what < 7 ? CHAR : what < 10 ? CLASS : ASSERT);

    if (n->kind == ASSERT) {
        n->text = asserts[draw(g, LENGTH(asserts))];
        return n;
    }
    i = draw(g, n->kind == CHAR ? LENGTH(chars) : LENGTH(classes));
    if (n->kind == CHAR && draw(g, 2))
        i = draw(g, 3);
    n->text = n->kind == CHAR ? chars[i].text : classes[i].text;
    n->sample = n->kind == CHAR ? chars[i].sample : classes[i].sample;
    return n;
}

static bool has_assert(const node *n)
{
    bool has = n->kind == ASSERT;

    for (unsigned i = 0; i < n->n_kids; i++)
        has |= has_assert(n->kids[i]);
    return has;
}

static node *repeat(generator *g, node *kid)
{
    static const struct {
        const char *text;
        unsigned min, max;
    } counts[] = {
        {"*", 0, 3},      {"+", 1, 3},    {"?", 0, 1},     {"{2}", 2, 2}, {"{0,2}", 0, 2},
        {"{1,3}", 1, 3},  {"{2,}", 2, 4}, {"*?", 0, 2},    {"+?", 1, 2},  {"??", 0, 1},
        {"{1,2}?", 1, 2}, {"{0}", 0, 0},  {"{1,}?", 1, 2},
    };
    node *n = new_node(g, REPEAT);
    uint32_t i = draw(g, LENGTH(counts));

    /* PCRE2 10.42 takes (?:(?:\A){2,}a|b){0}c for anchored */
    if (counts[i].max == 0 && has_assert(kid))
        i = 0;

    if (kid->kind == REPEAT || kid->kind == ASSERT || kid->kind == CAT || kid->kind == ALT) {
        node *plain = new_node(g, PLAIN);

        plain->n_kids = 1;
        plain->kids[0] = kid;
        kid = plain;
    }
    n->text = counts[i].text;
    n->min = counts[i].min;
    n->max = counts[i].max;
    n->n_kids = 1;
    n->kids[0] = kid;
    g->empty_loop |= can_be_empty(kid);
    return n;
}

static node *group(generator *g, unsigned depth)
{
    static const char *const flags[] = {"i", "s", "m", "a", "im", "-i", "is"};
    uint32_t what = draw(g, 8);
    node *n = new_node(g, what < 4 ? CAPTURE : what < 7 ? PLAIN : FLAGGED);

    n->text = flags[draw(g, LENGTH(flags))];
    if (n->kind == CAPTURE)
        g->n_groups++;
    n->n_kids = 1;
    n->kids[0] = any_node(g, depth - 1);
    return n;
}

static node *sequence(generator *g, unsigned depth)
{
    node *n = new_node(g, CAT);
    unsigned count = draw(g, 4) + (draw(g, 8) > 0);

    for (unsigned i = 0; i < count && i < 4; i++) {
        node *kid = depth > 0 && draw(g, 3) == 0 ? group(g, depth) : leaf(g);

        n->kids[n->n_kids++] = draw(g, 3) == 0 ? repeat(g, kid) : kid;
    }
    return n;
}

static node *any_node(generator *g, unsigned depth)
{
    unsigned count = draw(g, 5) == 0 ? 2 + draw(g, 2) : 1;
    node *n;

    if (count == 1)
        return sequence(g, depth);
    n = new_node(g, ALT);
    for (unsigned i = 0; i < count; i++)
        n->kids[n->n_kids++] = sequence(g, depth);
    return n;
}

static void write_node(const node *n, buf *out)
{
    if (n->kind == CAPTURE)
        buf_put_c(out, "(");
    else if (n->kind == PLAIN)
        buf_put_c(out, "(?:");
    else if (n->kind == FLAGGED)
        buf_printf(out, "(?%s:", n->text);
    else if (n->kind <= ASSERT)
        buf_put_c(out, n->text);
    for (unsigned i = 0; i < n->n_kids; i++) {
        if (n->kind == ALT && i > 0)
            buf_put_char(out, '|');
        write_node(n->kids[i], out);
    }
    if (n->kind == REPEAT)
        buf_put_c(out, n->text);
    else if (n->kind >= CAPTURE)
        buf_put_char(out, ')');
}

/* ---- texts ---- */

static void sample(generator *g, const node *n, buf *out)
{
    unsigned times = 1;

    if (out->len > 60)
        return;
    if (n->kind == ALT) {
        sample(g, n->kids[draw(g, n->n_kids)], out);
        return;
    }
    if (n->kind == REPEAT)
        times = n->min + draw(g, n->max - n->min + 1);
    if (n->kind == CHAR || n->kind == CLASS)
        buf_put(out, n->sample, n->sample[0] ? strlen(n->sample) : 1);
    for (unsigned t = 0; t < times; t++) {
        for (unsigned i = 0; i < n->n_kids; i++)
            sample(g, n->kids[i], out);
    }
}

static void put_random_char(generator *g, buf *out)
{
    const char *c = draw(g, 3) ? chars[draw(g, 5)].sample : chars[draw(g, LENGTH(chars))].sample;

    buf_put(out, c, c[0] ? strlen(c) : 1);
}

/* The sample with a character here and there left out, put in or put in place of another. */
static void damage(generator *g, str from, unsigned how_much, buf *out)
{
    const char *p = from.ptr, *end = p + from.len;

    while (p < end) {
        uint32_t cp;
        unsigned len = utf8_decode(p, end, &cp);
        bool hit = draw(g, 12) < how_much;

        if (!hit || draw(g, 3) == 0)
            buf_put(out, p, len);
        if (hit && draw(g, 2))
            put_random_char(g, out);
        p += len;
    }
    if (draw(g, 5) == 0)
        buf_put_char(out, '\n');
}

static void make_text(generator *g, const node *root, unsigned i, buf *out)
{
    auto_free(buf) buf text = {0};

    for (unsigned k = draw(g, 3); k > 0 && i > 1; k--)
        put_random_char(g, &text);
    if (i < 7)
        sample(g, root, &text);
    for (unsigned k = i < 7 ? draw(g, 3) : draw(g, 12); k > 0 && i > 1; k--)
        put_random_char(g, &text);
    buf_clear(out);
    damage(g, buf_str(&text), i / 2, out);
}

/* ---- the comparison ---- */

typedef struct pair {
    pattern *p;
    pcre2_code *code;
    pcre2_match_data *data;
    bool exact_groups;
} pair;

typedef struct report {
    uint64_t n_pairs, n_held, n_spans, n_slow, n_bad;
} report;

static void complain(report *r, const char *what, const pair *x, str text)
{
    auto_free(buf) buf shown = {0};

    if (++r->n_bad > MAX_SHOWN)
        return;
    buf_put_json(&shown, pattern_source(x->p));
    buf_put_c(&shown, " on ");
    buf_put_json(&shown, text);
    printf("%s: %s\n", what, buf_c_str(&shown));
}

static bool same_spans(const pair *x, const match_span *spans, unsigned n)
{
    const PCRE2_SIZE *want = pcre2_get_ovector_pointer(x->data);

    for (unsigned i = 0; i < n; i++) {
        if (spans[i].start != want[2 * i] || spans[i].end != want[2 * i + 1]) {
            printf("group %u: %zd-%zd, PCRE2 %zd-%zd\n", i, (ssize_t)spans[i].start,
                   (ssize_t)spans[i].end, (ssize_t)want[2 * i], (ssize_t)want[2 * i + 1]);
            return false;
        }
    }
    return true;
}

static void compare(report *r, const pair *x, matcher *const *matchers, str text)
{
    match_span spans[SPANS_MAX];
    unsigned n = pattern_n_groups(x->p) + 1;
    int rc =
        pcre2_match(x->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, x->data, NULL);
    int want = rc > 0 ? 0 : TTP_E_NOT_FOUND;

    if (rc < PCRE2_ERROR_NOMATCH) {
        r->n_slow++;
        return;
    }
    r->n_pairs++;
    r->n_held += want == 0;
    for (unsigned i = 0; i < N_MATCHERS; i++) {
        if (pattern_holds(x->p, matchers[i], text) != want)
            complain(r, want ? "holds where PCRE2 finds nothing" : "misses what PCRE2 finds", x,
                     text);
    }
    if (pattern_find(x->p, matchers[0], text, spans, SPANS_MAX) != want) {
        complain(r, "the VM's verdict differs from the DFA's", x, text);
    } else if (want == 0 && x->exact_groups) {
        r->n_spans++;
        if (!same_spans(x, spans, n))
            complain(r, "another span", x, text);
    }
}

static pcre2_code *compile_form(str source)
{
    auto_free(buf) buf form = {0};
    auto_free(arena) arena a;
    regex re;
    int code;
    size_t at;

    arena_init(&a);
    if (regex_read(source, false, &a, &re, NULL) || regex_to_pcre2(&re, &form, NULL))
        return NULL;
    return pcre2_compile((PCRE2_SPTR)(form.ptr ? form.ptr : ""), form.len, PCRE2_UTF | PCRE2_UCP,
                         &code, &at, NULL);
}

static void compare_expression(generator *g, report *r, matcher *const *matchers)
{
    auto_free(buf) buf source = {0};
    auto_free(buf) buf text = {0};
    node *root;
    pair x = {0};

    arena_clear(&g->a, 1 << 16);
    g->n_groups = 0;
    g->empty_loop = false;
    if (draw(g, 3) == 0)
        buf_put_c(&source, draw(g, 2) ? "(?i)" : "(?m)");
    root = any_node(g, 1 + draw(g, 4));
    write_node(root, &source);
    if (g->n_groups >= SPANS_MAX || pattern_from_regex(buf_str(&source), 0, &x.p, NULL))
        return;
    x.code = compile_form(buf_str(&source));
    x.data = x.code ? pcre2_match_data_create_from_pattern(x.code, NULL) : NULL;
    x.exact_groups = !g->empty_loop;
    for (unsigned i = 0; x.data && i < TEXTS_EACH; i++) {
        make_text(g, root, i, &text);
        compare(r, &x, matchers, buf_str(&text));
    }
    pcre2_match_data_free(x.data);
    pcre2_code_free(x.code);
    pattern_unref(x.p);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);

    return value ? strtoull(value, NULL, 10) : otherwise;
}

int main(void)
{
    static const size_t cache_sizes[N_MATCHERS] = {0, 1, 1500, 6000};
    uint64_t seed = setting("PATTERN_SEED", 7), count = setting("PATTERN_COUNT", 15000);
    generator g = {.state = seed};
    report r = {0};
    matcher *matchers[N_MATCHERS];

    for (unsigned i = 0; i < N_MATCHERS; i++)
        matchers[i] = matcher_new(&(matcher_options){.cache_max = cache_sizes[i]});
    for (uint64_t i = 0; i < count; i++)
        compare_expression(&g, &r, matchers);
    for (unsigned i = 0; i < N_MATCHERS; i++)
        matcher_free(matchers[i]);
    arena_done(&g.a);
    printf("PATTERN_SEED=%" PRIu64 ": %" PRIu64 " pairs, %" PRIu64 " hold, %" PRIu64
           " compared by span, %" PRIu64 " too slow for PCRE2, %" PRIu64 " disagreements\n",
           seed, r.n_pairs, r.n_held, r.n_spans, r.n_slow, r.n_bad);
    if (r.n_pairs < PAIRS_WANTED * count / 15000) {
        printf("too few pairs were compared\n");
        return 1;
    }
    return r.n_bad != 0;
}
