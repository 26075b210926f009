/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A side is found by walking away from the atom. As long as what was passed can have matched
 * nothing, the next character seen may be the neighbour:
 *
 *     seen   neighbours found so far
 *     open   what a neighbour further out may be; an assertion next to the atom narrows it
 */
#include "match/context.h"

#include "match/program.h"
#include "match/unicode.h"

#include <errno.h>

#define FEW 3 /* characters */
#include <string.h>

#define NODES_MAX 256 /* looked at for one side */

const context_side context_any = {{UINT64_MAX, UINT64_MAX, 3}};
const context_side side_edge = {{0, 0, 3}};

typedef struct walk {
    bool forward;
    unsigned char inner; /* the atom's byte that the neighbour touches */
    unsigned left;       /* nodes that may still be looked at */
    context_side seen;
} walk;

bool side_equal(const context_side *a, const context_side *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static context_side meet(context_side a, context_side b)
{
    for (unsigned i = 0; i < 3; i++)
        a.bits[i] &= b.bits[i];
    return a;
}

static context_side unite(context_side a, context_side b)
{
    for (unsigned i = 0; i < 3; i++)
        a.bits[i] |= b.bits[i];
    return a;
}

atom_context context_unite(const atom_context *a, atom_context b)
{
    return (atom_context){unite(a->before, b.before), unite(a->after, b.after)};
}

static void add_byte(context_side *s, unsigned c)
{
    s->bits[c >> 6] |= 1ull << (c & 63);
}

/* Nothing that is ASCII, and not the edge. */
static context_side side_none(void)
{
    context_side s = {{0}};

    add_byte(&s, SIDE_OTHER);
    return s;
}

static bool is_none(const context_side *s)
{
    return !s->bits[0] && !s->bits[1] && !side_has(s, SIDE_EDGE);
}

/* Canonical bytes whose characters node takes. */
static context_side side_of_set(const regex_node *node)
{
    context_side s = side_none();

    for (uint32_t c = 0; c < 128; c++) {
        uint32_t member = c;

        if (unicode_canon(c) != c)
            continue; /* canonical texts do not hold it */
        do {
            if (regex_set_has(node, member))
                add_byte(&s, c);
            member = unicode_orbit_next(member);
        } while (member != c);
    }
    return s;
}

static context_side side_of_char(uint32_t cp)
{
    context_side s = side_none();
    uint32_t canon = unicode_canon(cp);

    if (canon < 128)
        add_byte(&s, canon);
    return s;
}

/* The edge, and a newline if that may stand there, too. */
static context_side side_of_edge(bool newline)
{
    context_side s = side_none();

    add_byte(&s, SIDE_EDGE);
    if (newline)
        add_byte(&s, '\n');
    return s;
}

static context_side side_of_words(bool words)
{
    context_side s = side_none();

    for (unsigned c = 0; c < 128; c++) {
        if (!(unicode_props(c) & UNICODE_WORD) == !words)
            add_byte(&s, c);
    }
    if (!words)
        add_byte(&s, SIDE_EDGE);
    return s;
}

/* What an assertion between the atom and its neighbour leaves of neighbours. */
static context_side side_of_assert(const walk *w, regex_assert type)
{
    bool is_word = unicode_props(w->inner) & UNICODE_WORD;

    switch (type) {
    case REGEX_TEXT_START:
    case REGEX_LINE_START:
        return w->forward ? context_any : side_of_edge(type == REGEX_LINE_START);
    case REGEX_TEXT_END:
    case REGEX_TEXT_END_NEWLINE:
    case REGEX_LINE_END:
        return w->forward ? side_of_edge(type != REGEX_TEXT_END) : context_any;
    case REGEX_WORD:
        return w->inner < 128 ? side_of_words(!is_word) : context_any;
    case REGEX_NOT_WORD:
        return w->inner < 128 ? side_of_words(is_word) : context_any;
    case REGEX_WORD_ASCII: /* the long s counts as no word, but is an s in canonical texts */
    case REGEX_NOT_WORD_ASCII:
        break;
    }
    return context_any;
}

static context_side walk_over(walk *w, const regex_node *node, context_side open);

static context_side walk_over_kids(walk *w, const regex_node *node, context_side open)
{
    for (uint32_t i = 0; i < node->n_kids && !is_none(&open); i++)
        open = walk_over(w, node->kids[w->forward ? i : node->n_kids - 1 - i], open);
    return open;
}

static context_side walk_over_choice(walk *w, const regex_node *node, context_side open)
{
    context_side all = side_none();

    for (uint32_t i = 0; i < node->n_kids; i++)
        all = unite(all, walk_over(w, node->kids[i], open));
    return all;
}

/* Adds to w->seen; returns what is open behind node. */
static context_side walk_over(walk *w, const regex_node *node, context_side open)
{
    context_side rest;

    if (w->left == 0) {
        w->seen = context_any;
        return side_none();
    }
    w->left--;
    switch (node->type) {
    case REGEX_EMPTY:
    case REGEX_LOOK:
        return open;
    case REGEX_ASSERT:
        return meet(open, side_of_assert(w, node->assert_type));
    case REGEX_CHAR:
        w->seen = unite(w->seen, meet(open, side_of_char(node->cp)));
        return side_none();
    case REGEX_SET:
        w->seen = unite(w->seen, meet(open, side_of_set(node)));
        return side_none();
    case REGEX_CAT:
        return walk_over_kids(w, node, open);
    case REGEX_ALT:
        return walk_over_choice(w, node, open);
    case REGEX_REPEAT:
        if (node->max == 0)
            return open;
        rest = walk_over(w, node->kids[0], open);
        return node->min == 0 ? open : rest;
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return walk_over(w, node->kids[0], open);
    case REGEX_BACKREF: /* anything, or nothing */
    case REGEX_COND:
        w->seen = unite(w->seen, open);
        return open;
    }
    return context_any;
}

/* What stands around the whole sequence is not known: anything. */
static context_side finish(const walk *w, context_side open)
{
    return unite(w->seen, open);
}

context_side side_before(const regex_node *cat, uint32_t from, str text)
{
    walk w = {false, (unsigned char)text.ptr[0], NODES_MAX, side_none()};
    context_side open = context_any;

    while (from-- > 0 && !is_none(&open))
        open = walk_over(&w, cat->kids[from], open);
    return finish(&w, open);
}

context_side side_after(const regex_node *cat, uint32_t to, str text)
{
    walk w = {true, (unsigned char)text.ptr[text.len - 1], NODES_MAX, side_none()};
    context_side open = context_any;

    for (; to < cat->n_kids && !is_none(&open); to++)
        open = walk_over(&w, cat->kids[to], open);
    return finish(&w, open);
}

/* ---- sole runs ---- */

typedef struct node_list {
    const regex_node **nodes;
    uint32_t n;
    size_t cap;
} node_list;

/* What stands in sequence, groups and all. */
static int flatten(node_list *l, const regex_node *node)
{
    int rc = 0;

    switch (node->type) {
    case REGEX_EMPTY:
        return 0;
    case REGEX_GROUP:
        return flatten(l, node->kids[0]);
    case REGEX_CAT:
        for (uint32_t i = 0; i < node->n_kids && rc == 0; i++)
            rc = flatten(l, node->kids[i]);
        return rc;
    default:
        if (mem_grow(l->nodes, l->cap, l->n + 1))
            return -ENOMEM;
        l->nodes[l->n++] = node;
        return 0;
    }
}

/* An ASCII character, be it in one case alone. */
static bool is_run_char(const regex_node *node)
{
    return node->type == REGEX_CHAR && node->cp < 128;
}

/* One ASCII character in each of its cases, so that canonical texts tell. */
static bool is_caseless(const regex_node *node)
{
    return node->type == REGEX_CHAR && node->cp < 128 &&
           (node->fold || unicode_orbit_next(node->cp) == node->cp);
}

/* All characters that are one in canonical texts, or none of them. */
static bool is_caseless_set(const regex_node *set)
{
    for (uint32_t c = 'a'; c <= 'z'; c++) {
        bool has = regex_set_has(set, c);

        for (uint32_t m = unicode_orbit_next(c); m != c; m = unicode_orbit_next(m)) {
            if (regex_set_has(set, m) != has)
                return false;
        }
    }
    return true;
}

/* Does node hold next to the run exactly where its side has the neighbour? */
static bool is_side(const regex_node *node, bool forward)
{
    bool all = true;

    switch (node->type) {
    case REGEX_CHAR:
        return is_caseless(node);
    case REGEX_SET:
        return is_caseless_set(node);
    case REGEX_REPEAT:
        return node->min == 1 &&
               (node->kids[0]->type == REGEX_SET || node->kids[0]->type == REGEX_CHAR) &&
               is_side(node->kids[0], forward);
    case REGEX_GROUP:
        return is_side(node->kids[0], forward);
    case REGEX_ALT:
        for (uint32_t i = 0; i < node->n_kids; i++)
            all = all && is_side(node->kids[i], forward);
        return all;
    case REGEX_ASSERT:
        if (node->assert_type == REGEX_WORD || node->assert_type == REGEX_NOT_WORD)
            return true;
        if (forward)
            return node->assert_type == REGEX_TEXT_END || node->assert_type == REGEX_LINE_END;
        return node->assert_type == REGEX_TEXT_START || node->assert_type == REGEX_LINE_START;
    default:
        return false;
    }
}

/* Narrows nodes to [side] run [side]; false where they are something else. */
static bool find_run(node_list *l, uint32_t *ret_from, uint32_t *ret_to)
{
    uint32_t from = 0, to;

    while (l->n && regex_matches_nothing(l->nodes[0])) {
        l->nodes++;
        l->n--;
    }
    while (l->n && regex_matches_nothing(l->nodes[l->n - 1]))
        l->n--;
    while (from < l->n && !is_run_char(l->nodes[from]))
        from++;
    for (to = from; to < l->n && is_run_char(l->nodes[to]);)
        to++;
    *ret_from = from;
    *ret_to = to;
    return from < to && from <= 1 && l->n - to <= 1 && (from == 0 || is_side(l->nodes[0], false)) &&
           (to == l->n || is_side(l->nodes[to], true));
}

/* A set that is a letter in both cases, or little more. */
static bool is_few(const regex_node *node)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < node->n_ranges && n <= FEW; i++)
        n += node->ranges[i].hi - node->ranges[i].lo + 1;
    return node->type == REGEX_SET && !node->negated && !node->categories && n <= FEW;
}

static int describe_run(const node_list *l, uint32_t from, uint32_t to, arena *a, sole_run *ret)
{
    regex_node cat = {.type = REGEX_CAT, .n_kids = l->n, .kids = (regex_node **)l->nodes};
    size_t len = to - from;
    char *text = arena_alloc(a, 2 * len), *exact;
    bool has_fold = false, has_case = false;

    if (!text)
        return -ENOMEM;
    exact = text + len;
    for (uint32_t i = from; i < to; i++) {
        const regex_node *node = l->nodes[i];

        has_fold |= node->fold;
        has_case |= !is_caseless(node);
        text[i - from] = (char)unicode_canon(node->cp);
        exact[i - from] = (char)node->cp;
    }
    if (has_fold && has_case)
        return 0;
    if (has_case && ((from && is_few(l->nodes[0])) || (to < l->n && is_few(l->nodes[to]))))
        return 0; /* [Ww]get: with what stands beside it, the atom is better */
    ret->text = (str){text, len};
    ret->exact = has_case ? (str){exact, len} : STR_NULL;
    ret->context.before = side_before(&cat, from, ret->text);
    ret->context.after = side_after(&cat, to, ret->text);
    return 1;
}

int context_of_sole_run(const regex *re, arena *a, sole_run *ret)
{
    node_list all = {0}, trimmed;
    uint32_t from, to;
    int rc = re->backtracks ? 0 : flatten(&all, re->root);

    trimmed = all;
    if (rc == 0 && find_run(&trimmed, &from, &to))
        rc = describe_run(&trimmed, from, to, a, ret);
    free(all.nodes);
    return rc;
}
