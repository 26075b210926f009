/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line holds the expression where the leftmost place of the first literal, the leftmost of the
 * second behind that one, and so on, all exist: what lies between may be anything but a line's end,
 * so no later place could do better.
 */
#include "match/pieces.h"

#include "match/frequency.h"
#include "match/unicode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_MAX 32
/* bytes of all literals of one expression */
#define PIECES_BYTES_MAX 512
/* places that a byte alone is looked for at, before memmem() takes over: it bounds hostile texts */
#define TRIES_MAX 16

typedef struct piece {
    uint16_t at, len; /* in bytes */
    uint16_t rare;    /* offset of its rarest byte */
    uint16_t gap;     /* at least so many characters before it */
} piece;

struct pieces {
    uint32_t n;
    uint16_t gap; /* at least so many characters behind the last one */
    bool folds;
    bool by_lines; /* gaps hold no line ends */
    size_t size;   /* of all this */
    const char *bytes;
    piece items[]; /* behind them the bytes */
};

/* ---- making ---- */

typedef struct maker {
    piece items[PIECES_MAX];
    char bytes[PIECES_BYTES_MAX];
    uint32_t n, n_bytes, gap;
    bool in_piece, has_gap, over_lines, has_fold, has_case, has_newline;
} maker;

static bool add_char(maker *m, const regex_node *node)
{
    if (node->cp >= 128 || m->n_bytes == PIECES_BYTES_MAX)
        return false;
    if (!m->in_piece) {
        if (m->n == PIECES_MAX)
            return false;
        m->items[m->n++] = (piece){.at = (uint16_t)m->n_bytes, .gap = (uint16_t)m->gap};
        m->in_piece = true;
        m->gap = 0;
    }
    m->has_fold |= node->fold;
    m->has_case |= !node->fold && unicode_orbit_next(node->cp) != node->cp;
    m->has_newline |= node->cp == '\n';
    m->bytes[m->n_bytes++] = (char)(node->fold ? unicode_canon(node->cp) : node->cp);
    m->items[m->n - 1].len++;
    return true;
}

/* Anything, or anything but a line's end. */
static bool is_dot(const regex_node *set, bool *ret_over_lines)
{
    if (set->type != REGEX_SET || !set->negated || set->categories)
        return false;
    *ret_over_lines = set->n_ranges == 0;
    return set->n_ranges == 0 ||
           (set->n_ranges == 1 && set->ranges[0].lo == '\n' && set->ranges[0].hi == '\n');
}

static bool add_gap(maker *m, const regex_node *node)
{
    const regex_node *kid = node->kids[0];
    bool over_lines;

    while (kid->type == REGEX_GROUP)
        kid = kid->kids[0];
    if (node->max != REGEX_INFINITE || !is_dot(kid, &over_lines) ||
        node->min > UINT16_MAX - m->gap || (m->has_gap && over_lines != m->over_lines))
        return false;
    m->over_lines = over_lines;
    m->has_gap = true;
    m->in_piece = false;
    m->gap += node->min;
    return true;
}

static bool add_node(maker *m, const regex_node *node)
{
    bool taken = true;

    switch (node->type) {
    case REGEX_EMPTY:
        return true;
    case REGEX_CHAR:
        return add_char(m, node);
    case REGEX_REPEAT:
        return add_gap(m, node);
    case REGEX_GROUP:
        return add_node(m, node->kids[0]);
    case REGEX_CAT:
        for (uint32_t i = 0; taken && i < node->n_kids; i++)
            taken = add_node(m, node->kids[i]);
        return taken;
    default:
        return false;
    }
}

static void find_rare(piece *items, uint32_t n, const char *bytes)
{
    for (piece *it = items; it < items + n; it++) {
        unsigned best = 0;

        for (uint16_t k = 0; k < it->len; k++) {
            unsigned level = frequency_level((const uint8_t *)bytes + it->at + k, 1);

            if (level > best) {
                best = level;
                it->rare = k;
            }
        }
    }
}

static pieces *pack(const maker *m)
{
    size_t items_size = m->n * sizeof(piece), size = sizeof(pieces) + items_size + m->n_bytes;
    pieces *p = malloc(size);

    if (!p)
        return NULL;
    p->n = m->n;
    p->gap = (uint16_t)m->gap;
    p->folds = m->has_fold;
    p->by_lines = m->has_gap && !m->over_lines;
    p->size = size;
    memcpy(p->items, m->items, items_size);
    p->bytes = memcpy((char *)p->items + items_size, m->bytes, m->n_bytes);
    find_rare(p->items, p->n, p->bytes);
    return p;
}

int pieces_from_regex(const regex *re, pieces **ret_pieces)
{
    maker m;

    *ret_pieces = NULL;
    m.n = m.n_bytes = m.gap = 0; /* the arrays are filled as they are used */
    m.in_piece = m.has_gap = m.over_lines = m.has_fold = m.has_case = m.has_newline = false;
    if (re->backtracks || !add_node(&m, re->root) || m.n + m.gap == 0 ||
        (m.has_fold && m.has_case) || (m.has_newline && m.has_gap && !m.over_lines))
        return 0;
    *ret_pieces = pack(&m);
    return *ret_pieces ? 0 : -ENOMEM;
}

pieces *pieces_free(pieces *p)
{
    free(p);
    return NULL;
}

size_t pieces_memory(const pieces *p)
{
    return p ? p->size : 0;
}

/* ---- searching ---- */

static const char *find(const char *p, const char *end, const char *want, const piece *it)
{
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        const char *q;

        if (end - p < it->len)
            return NULL;
        q = memchr(p + it->rare, want[it->rare], (size_t)(end - p) - it->len + 1);
        if (!q)
            return NULL;
        q -= it->rare;
        if (memcmp(q, want, it->len) == 0)
            return q;
        p = q + 1;
    }
    return memmem(p, (size_t)(end - p), want, it->len);
}

/* No line's end stands in p..end, or none matters. */
static bool line_holds(const pieces *pc, const char *p, const char *end)
{
    for (const piece *it = pc->items; it < pc->items + pc->n; it++) {
        if (end - p < it->gap)
            return false;
        p = find(p + it->gap, end, pc->bytes + it->at, it);
        if (!p)
            return false;
        p += it->len;
    }
    return end - p >= pc->gap;
}

bool pieces_hold(const pieces *pc, str text, str folded)
{
    str searched = pc->folds ? folded : text;
    const char *p = searched.ptr, *end = p + searched.len;

    if (searched.len == 0)
        return false; /* something is asked for, be it any character */
    while (pc->by_lines) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));

        if (!line_end)
            break;
        if (line_holds(pc, p, line_end))
            return true;
        p = line_end + 1;
    }
    return line_holds(pc, p, end);
}
