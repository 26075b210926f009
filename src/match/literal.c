/* SPDX-License-Identifier: Apache-2.0 */
#include "match/literal.h"

#include "base/utf8.h"
#include "match/program.h"
#include "match/unicode.h"

#include <errno.h>

#define NOWHERE SIZE_MAX

/* ---- comparing ---- */

static uint32_t folded(bool regex_fold, uint32_t cp)
{
    if (cp < 128)
        return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
    return regex_fold ? unicode_canon(cp) : unicode_fold(cp);
}

/* Where the literal that starts at p ends, or NULL. */
static const char *match_forward(const pattern_literal *l, const char *p, const char *end)
{
    const char *want = l->text.ptr, *want_end = want + l->text.len;

    while (want < want_end) {
        uint32_t a, b;

        if (p == end)
            return NULL;
        want += utf8_decode(want, want_end, &a);
        p += utf8_decode(p, end, &b);
        if (a != folded(l->regex_fold, b))
            return NULL;
    }
    return p;
}

/* Where the literal that ends at p starts, or NULL. */
static const char *match_backward(const pattern_literal *l, const char *start, const char *p)
{
    const char *want_start = l->text.ptr, *want = want_start + l->text.len;

    while (want > want_start) {
        uint32_t a, b;

        if (p == start)
            return NULL;
        want -= utf8_decode_back(want_start, want, &a);
        p -= utf8_decode_back(start, p, &b);
        if (a != folded(l->regex_fold, b))
            return NULL;
    }
    return p;
}

size_t literal_match(const pattern_literal *l, str text, size_t at)
{
    const char *end;

    if (l->folds == PATTERN_FOLDS_NOTHING) {
        str rest = {text.ptr + at, text.len - at};

        return str_starts(rest, l->text) ? l->text.len : NOWHERE;
    }
    end = match_forward(l, text.ptr + at, text.ptr + text.len);
    return end ? (size_t)(end - (text.ptr + at)) : NOWHERE;
}

/* Where a literal that ends at byte end starts. */
static size_t match_before(const pattern_literal *l, str text, size_t end)
{
    const char *start;

    if (l->folds == PATTERN_FOLDS_NOTHING)
        return str_ends((str){text.ptr, end}, l->text) ? end - l->text.len : NOWHERE;
    start = match_backward(l, text.ptr, text.ptr + end);
    return start ? (size_t)(start - text.ptr) : NOWHERE;
}

static bool ends_in_newline(str text)
{
    return text.len > 0 && text.ptr[text.len - 1] == '\n';
}

static void find_at_start(const pattern_literal *l, str text, size_t *ret_at, size_t *ret_len)
{
    size_t len = literal_match(l, text, 0);
    bool holds = len != NOWHERE;

    if (holds && (l->at_end || l->at_end_newline))
        holds = len == text.len ||
                (l->at_end_newline && len + 1 == text.len && ends_in_newline(text));
    *ret_at = holds ? 0 : NOWHERE;
    *ret_len = len;
}

static void find_at_end(const pattern_literal *l, str text, size_t *ret_at, size_t *ret_len)
{
    size_t end = text.len;

    *ret_at = NOWHERE;
    /* before the final newline comes first: it is further left */
    if (l->at_end_newline && ends_in_newline(text)) {
        end = text.len - 1;
        *ret_at = match_before(l, text, end);
    }
    if (*ret_at == NOWHERE) {
        end = text.len;
        *ret_at = match_before(l, text, end);
    }
    *ret_len = end - *ret_at;
}

bool literal_find(const pattern_literal *l, str text, size_t *ret_at, size_t *ret_len)
{
    if (text.len == 0)
        text = STR("");
    if (l->at_start) {
        find_at_start(l, text, ret_at, ret_len);
    } else if (l->at_end || l->at_end_newline) {
        find_at_end(l, text, ret_at, ret_len);
    } else if (l->folds == PATTERN_FOLDS_NOTHING) {
        const char *p = str_find(text, l->text);

        *ret_at = p ? (size_t)(p - text.ptr) : NOWHERE;
        *ret_len = l->text.len;
    } else {
        return false;
    }
    return true;
}

/* ---- lowering ---- */

typedef struct items {
    const regex_node **nodes;
    size_t n, cap;
    bool groups; /* one of the nodes stood in a group */
} items;

/* What stands in sequence, groups and all. */
static int flatten(items *it, const regex_node *n)
{
    int rc = 0;

    switch (n->type) {
    case REGEX_EMPTY:
        return 0;
    case REGEX_GROUP:
        it->groups = true;
        return flatten(it, n->kids[0]);
    case REGEX_CAT:
        for (uint32_t i = 0; i < n->n_kids && rc == 0; i++)
            rc = flatten(it, n->kids[i]);
        return rc;
    default:
        if (mem_grow(it->nodes, it->cap, it->n + 1))
            return -ENOMEM;
        it->nodes[it->n++] = n;
        return 0;
    }
}

static bool is_assert(const regex_node *n, regex_assert type)
{
    return n->type == REGEX_ASSERT && n->assert_type == type;
}

/* Takes the anchors off both ends of nodes[*from..*to). */
static void take_anchors(const items *it, size_t *from, size_t *to, pattern_literal *l)
{
    while (*from < *to && is_assert(it->nodes[*from], REGEX_TEXT_START)) {
        l->at_start = true;
        ++*from;
    }
    for (; *from < *to; --*to) {
        const regex_node *last = it->nodes[*to - 1];

        if (is_assert(last, REGEX_TEXT_END))
            l->at_end = true;
        else if (is_assert(last, REGEX_TEXT_END_NEWLINE))
            l->at_end_newline = true;
        else
            break;
    }
    if (l->at_end)
        l->at_end_newline = false; /* the stricter one decides */
}

/* The character a node stands for. */
static bool sole_char(const regex_node *n, uint32_t *ret_cp, bool *ret_fold)
{
    if (n->type == REGEX_CHAR) {
        *ret_cp = n->cp;
        *ret_fold = n->fold;
    } else if (n->type == REGEX_SET && !n->negated && !n->categories && n->n_ranges == 1 &&
               n->ranges[0].lo == n->ranges[0].hi) {
        *ret_cp = n->ranges[0].lo;
        *ret_fold = false;
    } else {
        return false;
    }
    return *ret_cp < 0xD800 || *ret_cp > 0xDFFF; /* no text holds a surrogate */
}

/* All characters that have case fold, or none does; a literal that is mixed is no literal here. */
static bool common_fold(const items *it, size_t from, size_t to, pattern_literal *l)
{
    size_t n_fold = 0, n_exact = 0;

    for (size_t i = from; i < to; i++) {
        uint32_t cp;
        bool fold;

        if (!sole_char(it->nodes[i], &cp, &fold))
            return false;
        if (unicode_orbit_next(cp) == cp)
            continue;
        if (fold)
            n_fold++;
        else
            n_exact++;
    }
    l->folds = n_fold ? PATTERN_FOLDS_ALL : PATTERN_FOLDS_NOTHING;
    l->regex_fold = n_fold > 0;
    return !n_fold || !n_exact;
}

static int write_text(const items *it, size_t from, size_t to, arena *a, pattern_literal *l)
{
    char *text = arena_alloc(a, (to - from) * 4 + 1);

    if (!text)
        return -ENOMEM;
    l->text = (str){text, 0};
    for (size_t i = from; it->nodes && i < to; i++) {
        uint32_t cp = 0;
        bool fold;

        (void)sole_char(it->nodes[i], &cp, &fold); /* common_fold has seen to it */
        if (l->folds == PATTERN_FOLDS_ALL)
            cp = folded(l->regex_fold, cp);
        l->text.len += utf8_encode(cp, text + l->text.len);
    }
    return 0;
}

int literal_lower(const regex *re, arena *a, lowered *ret)
{
    items it = {0};
    size_t from = 0, to;
    int rc;

    *ret = (lowered){0};
    rc = flatten(&it, re->root);
    to = it.nodes ? it.n : 0;
    while (rc == 0 && from < to && regex_matches_nothing(it.nodes[from]))
        from++;
    while (rc == 0 && from < to && regex_matches_nothing(it.nodes[to - 1]))
        to--;
    if (rc == 0) {
        ret->whole = !it.groups && to - from == it.n;
        take_anchors(&it, &from, &to, &ret->literal);
        rc = common_fold(&it, from, to, &ret->literal) ? 0 : TTP_E_NOT_FOUND;
    }
    if (rc == 0)
        rc = write_text(&it, from, to, a, &ret->literal);
    free(it.nodes);
    return rc;
}

/* ---- simple folding ---- */

void literal_put_simple_fold(buf *out, str text)
{
    const char *p = text.ptr, *end = p + text.len;

    while (p < end) {
        uint32_t cp;
        char utf8[4];
        unsigned len;

        p += utf8_decode(p, end, &cp);
        len = utf8_encode(folded(false, cp), utf8);
        buf_put(out, utf8, len);
    }
}

static int compare_ranges(const void *a, const void *b)
{
    uint32_t x = ((const regex_range *)a)->lo, y = ((const regex_range *)b)->lo;

    return x < y ? -1 : x > y;
}

/* Characters that fold alike are in one orbit, but an orbit may hold others, too. */
static regex_node *fold_set(uint32_t cp, arena *a)
{
    regex_node *n = arena_calloc(a, 1, sizeof(*n));
    uint32_t members = 0, other = cp;

    if (!n)
        return NULL;
    do {
        members++;
        other = unicode_orbit_next(other);
    } while (other != cp);
    n->type = REGEX_SET;
    n->ranges = arena_calloc(a, members, sizeof(*n->ranges));
    if (!n->ranges)
        return NULL;
    do {
        if (unicode_fold(other) == unicode_fold(cp))
            n->ranges[n->n_ranges++] = (regex_range){other, other};
        other = unicode_orbit_next(other);
    } while (other != cp);
    qsort(n->ranges, n->n_ranges, sizeof(*n->ranges), compare_ranges);
    return n;
}

regex_node *literal_simple_fold_tree(str text, arena *a)
{
    regex_node *cat = arena_calloc(a, 1, sizeof(*cat));
    const char *p = text.ptr, *end = p + text.len;

    if (!cat)
        return NULL;
    cat->type = REGEX_CAT;
    cat->kids = arena_calloc(a, text.len + 1, sizeof(regex_node *));
    if (!cat->kids)
        return NULL;
    while (p < end) {
        uint32_t cp;
        regex_node *n;

        p += utf8_decode(p, end, &cp);
        n = fold_set(cp, a);
        if (!n)
            return NULL;
        cat->kids[cat->n_kids++] = n;
    }
    return cat;
}
