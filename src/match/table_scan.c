/* SPDX-License-Identifier: Apache-2.0 */
/* The pass over a text; table.c has the idea. */
#include "match/table_scan.h"

#include "base/ticks.h"
#include "base/utf8.h"
#include "match/matcher.h"
#include "match/table_internal.h"

#include <errno.h>

/* contexts looked at in a text, so that a hostile one does not have many looked at at every byte */
#define CONTEXTS_MIN 4096
#define CONTEXTS_PER_BYTE 16

/* One scan of one text. */
typedef struct scan {
    const pattern_table *t;
    matcher *m;
    table_scratch *scratch;
    str text;
    str canonical;
    /* so many more contexts are looked at; then patterns whose context is wrong are verified anyway
     */
    size_t contexts_left;
    bool is_ascii; /* then text and canonical are alike byte by byte, but for case */
    table_listener *listener;
    pattern_search *waiting; /* patterns to verify, PATTERN_GROUP at most */
    unsigned n_waiting;
    int rc;
} scan;

static void tell_hit(const scan *s, uint32_t index)
{
    table_listener *l = s->listener;

    l->hit(l->ctx, index);
    if (!l->noted)
        return;
    if (l->noted->n_hits < MEMO_HITS_MAX)
        l->noted->hits[l->noted->n_hits++] = index;
    else
        l->noted = NULL;
}

static void tell_cut(const scan *s, uint32_t index)
{
    table_listener *l = s->listener;

    l->noted = NULL;
    if (l->cut)
        l->cut(l->ctx, index);
}

static uint64_t begin_measure(const scan *s)
{
    return s->m->cost ? ticks_now() : 0;
}

/* Patterns that are decided side by side share what that took. */
static void tell_costs(const scan *s, uint64_t began)
{
    uint64_t took = ticks_now() - began;

    for (unsigned i = 0; i < s->n_waiting; i++)
        s->m->cost(s->listener->ctx, s->waiting[i].index, took / s->n_waiting);
}

/* Patterns wait until a group of them can be verified side by side. */
static void verify_waiting(scan *s)
{
    uint64_t began = begin_measure(s);

    pattern_holds_group(s->waiting, s->n_waiting, s->m, s->text);
    if (s->m->cost)
        tell_costs(s, began);
    for (unsigned i = 0; i < s->n_waiting; i++) {
        const pattern_search *w = &s->waiting[i];

        if (w->rc == 0)
            tell_hit(s, w->index);
        else if (w->rc == TTP_E_LIMIT)
            tell_cut(s, w->index);
        else if (w->rc < 0)
            s->rc = w->rc;
    }
    s->n_waiting = 0;
}

/* No match begins before offset from. */
static void verify(scan *s, uint32_t index, size_t from)
{
    s->waiting[s->n_waiting++] =
        (pattern_search){.pattern = table_pattern(s->t, index), .index = index, .from = from};
    if (s->n_waiting == PATTERN_GROUP)
        verify_waiting(s);
}

static bool stands_exactly(const scan *s, str bytes, size_t at)
{
    return str_starts((str){s->text.ptr + at, s->text.len - at}, bytes);
}

/* Of an ASCII text: 1 (it holds), 0 (it does not, here), -1 (to be verified). */
static int decide_by_comparing(const scan *s, const table_use *use, size_t at)
{
    const pattern *p = table_pattern(s->t, use->pattern);

    switch (use->decided) {
    case BY_ATOM:
        return 1;
    case BY_CASE:
        return stands_exactly(s, pattern_get_atoms(p)->exact, at);
    case BY_BYTES:
        /* the literal may be longer than its atom: U+212A, the Kelvin sign, has the atom "k" */
        return stands_exactly(s, pattern_get_literal(p)->text, at) ? 1 : -1;
    default:
        return -1;
    }
}

/* Searching for bytes counts as reading, but is so many times faster than automata are. */
#define SEARCH_SPEED 8

static bool may_search(const scan *s, size_t len)
{
    if (s->m->verify_left < len / SEARCH_SPEED)
        return false;
    s->m->verify_left -= len / SEARCH_SPEED;
    return true;
}

/* In an ASCII text. */
static void decide_by_pieces(const scan *s, uint32_t index)
{
    uint64_t began = begin_measure(s);

    if (!may_search(s, s->text.len)) {
        tell_cut(s, index);
    } else if (pieces_hold(pattern_get_pieces(table_pattern(s->t, index)), s->text, s->canonical)) {
        tell_hit(s, index);
    }
    if (s->m->cost)
        s->m->cost(s->listener->ctx, index, ticks_now() - began);
}

/* No match begins before offset from, which is 0 where the text is not ASCII. */
static bool may_hold(const scan *s, uint32_t index, size_t from)
{
    int byte = pattern_needed_byte(table_pattern(s->t, index));

    return byte < 0 || !may_search(s, s->canonical.len - from) ||
           memchr(s->canonical.ptr + from, byte, s->canonical.len - from);
}

/*
 * An atom of the pattern stands in its context, at offset at of the canonical text. Returns false
 * where it says nothing, and another may.
 */
static bool decide(scan *s, const table_use *use, size_t at)
{
    uint32_t index = use->pattern;
    int holds;

    if (bitset_has(&s->scratch->patterns, index))
        return true;
    holds = s->is_ascii ? decide_by_comparing(s, use, at) : -1;
    if (holds == 0)
        return false;
    (void)bitset_add(&s->scratch->patterns, index);
    if (holds == 1) {
        tell_hit(s, index);
    } else if (s->is_ascii && use->decided == BY_PIECES) {
        decide_by_pieces(s, index);
    } else {
        size_t from = s->is_ascii && use->back != BACK_UNKNOWN && at > use->back ? at - use->back
                                                                                 : 0;

        if (may_hold(s, index, from))
            verify(s, index, from);
    }
    return true;
}

/* A pattern for which no atom is looked. */
static void search(scan *s, uint32_t index)
{
    const pattern *p = table_pattern(s->t, index);

    if (s->text.len < pattern_min_len(p))
        return;
    if (s->is_ascii && pattern_get_pieces(p))
        decide_by_pieces(s, index);
    else
        verify(s, index, 0);
}

static unsigned neighbour(const scan *s, size_t at)
{
    unsigned char c = (unsigned char)s->canonical.ptr[at];

    return c < 128 ? c : SIDE_OTHER;
}

/* The atom of e stands at offset start. Its patterns are decided, but for those whose context it is
 * not. */
static __attribute__((noinline)) void met(scan *s, const window_entry *e, size_t start)
{
    const pattern_table *t = s->t;
    size_t end = start + e->len;
    unsigned before = start ? neighbour(s, start - 1) : SIDE_EDGE;
    unsigned after = end < s->canonical.len ? neighbour(s, end) : SIDE_EDGE;
    const table_use *use = &table_uses(t)[e->first_use];
    bool all = true;

    for (;; use++) {
        bool settled = side_has(&t->sides[use->before], before) &&
                       side_has(&t->sides[use->after], after) && decide(s, use, start);

        if (!settled && s->contexts_left > 0)
            all = false;
        else if (!settled && bitset_add(&s->scratch->patterns, use->pattern))
            verify(s, use->pattern, 0);
        s->contexts_left -= s->contexts_left > 0;
        if (use->is_last)
            break;
    }
    if (all)
        (void)bitset_add(&s->scratch->atoms, e->atom);
}

/* Does the atom stand at p? What follows the text is room to look at. */
static inline bool stands_at(const table_atom *atoms, const window_entry *e, const char *p)
{
    static const unsigned char ones[2 * HEAD_SIZE] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                      255, 255, 255, 255, 255, 255, 255, 255};
    uint32_t head = e->len < HEAD_SIZE ? e->len : HEAD_SIZE;
    uint64_t text[2], mask[2];

    memcpy(text, p, HEAD_SIZE);
    memcpy(mask, ones + HEAD_SIZE - head, HEAD_SIZE);
    if (((text[0] & mask[0]) ^ e->head[0]) | ((text[1] & mask[1]) ^ e->head[1]))
        return false;
    return e->len <= HEAD_SIZE ||
           memcmp(p + HEAD_SIZE, atoms[e->atom].text.ptr + HEAD_SIZE, e->len - HEAD_SIZE) == 0;
}

/* window was met at offset at of the canonical text. */
static inline __attribute__((always_inline)) void probe(scan *s, const window_index *ix,
                                                        uint32_t window, size_t at)
{
    uint32_t bucket = hash_window(ix, window) >> ix->bucket_shift;
    const window_entry *e = ix->entries + ix->bucket_start[bucket];
    const window_entry *end = ix->entries + ix->bucket_start[bucket + 1];

    for (; e < end; e++) {
        size_t start = at - e->window_at;

        if (e->window == window && at >= e->window_at && s->canonical.len - start >= e->len &&
            !bitset_has(&s->scratch->atoms, e->atom) &&
            stands_at(table_atoms(s->t), e, s->canonical.ptr + start))
            met(s, e, start);
    }
}

static inline uint64_t bit_of(const window_index *ix, uint32_t window)
{
    uint32_t bit = hash_window(ix, window) >> ix->bitmap_shift;

    return ix->bitmap[bit >> 6] >> (bit & 63) & 1;
}

/* The window of size bytes at p, of the four that are loaded: what lies behind the text is masked.
 */
static inline uint32_t cut_window(uint32_t four, unsigned size)
{
    return size == 4 ? four : four & ((1u << 8 * size) - 1);
}

/* ---- marking the places that may begin a window ---- */

static inline uint64_t pair_bit(const uint64_t *pairs, uint32_t four)
{
    return pairs[(four & 0xFFFF) >> 6] >> (four & 63) & 1;
}

/*
 * n places from p. has_... are constants where this is called, so that each combination is a loop
 * of its own, without a branch that hangs on the text.
 */
static inline __attribute__((always_inline)) void mark_block(const pattern_table *t, const char *p,
                                                             size_t n, uint64_t *marks,
                                                             bool has_four, bool has_three,
                                                             bool has_short)
{
    const window_index *ix = t->index[ATOM_ANYWHERE];
    const window_index four_bytes = ix[3], three_bytes = ix[2];
    const uint64_t *pairs = t->short_pairs;
    uint64_t four_marks = 0, three_marks = 0, short_marks = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t four = load_window(p + i, 4);

        if (has_four)
            four_marks |= bit_of(&four_bytes, four) << i;
        if (has_three)
            three_marks |= bit_of(&three_bytes, cut_window(four, 3)) << i;
        if (has_short)
            short_marks |= pair_bit(pairs, four) << i;
    }
    marks[0] = short_marks;
    marks[1] = three_marks;
    marks[2] = four_marks;
}

/* Few windows: their first two bytes are looked up, in one small table. */
static void mark_pairs(const pattern_table *t, const char *p, size_t n, uint64_t *marks)
{
    uint64_t met = 0;

    for (size_t i = 0; i < n; i++)
        met |= pair_bit(t->all_pairs, load_window(p + i, 2)) << i;
    marks[0] = marks[1] = marks[2] = met;
}

/* Any text, without wide instructions. */
static void mark_places(const pattern_table *t, str text, uint64_t *marks)
{
    bool has_four = t->index[ATOM_ANYWHERE][3].n_entries;
    bool has_three = t->index[ATOM_ANYWHERE][2].n_entries;
    bool has_short = t->short_pairs;

    for (size_t at = 0; at < text.len; at += MARKS_BLOCK, marks += MARKS_PER_BLOCK) {
        const char *p = text.ptr + at;
        size_t n = text.len - at < MARKS_BLOCK ? text.len - at : MARKS_BLOCK;

        if (t->all_pairs)
            mark_pairs(t, p, n, marks);
        else if (has_four && has_three && has_short)
            mark_block(t, p, n, marks, true, true, true);
        else if (has_four && !has_three && !has_short)
            mark_block(t, p, n, marks, true, false, false);
        else
            mark_block(t, p, n, marks, has_four, has_three, has_short);
    }
}

/* ---- looking up what stands at marked places ---- */

static inline void look_at(scan *s, unsigned size, uint32_t four, size_t at)
{
    const window_index *ix = &s->t->index[ATOM_ANYWHERE][size - 1];
    uint32_t window = cut_window(four, size);

    /* behind the text are zeros: that an atom ends within it is asked where its entry is found */
    if (ix->n_entries && bit_of(ix, window))
        probe(s, ix, window, at);
}

/* The lowest place of *marks, which is taken out of them. */
static inline size_t take_place(uint64_t *marks)
{
    size_t i = (size_t)__builtin_ctzll(*marks);

    *marks &= *marks - 1;
    return i;
}

static void look_up_marked(scan *s, const uint64_t *marks)
{
    for (size_t at = 0; at < s->canonical.len; at += MARKS_BLOCK, marks += MARKS_PER_BLOCK) {
        uint64_t shorts = marks[0], threes = marks[1], fours = marks[2];
        const char *p = s->canonical.ptr + at;

        while (fours) {
            size_t i = take_place(&fours);

            look_at(s, 4, load_window(p + i, 4), at + i);
        }
        while (threes) {
            size_t i = take_place(&threes);

            look_at(s, 3, load_window(p + i, 4), at + i);
        }
        while (shorts) {
            size_t i = take_place(&shorts);

            look_at(s, 2, load_window(p + i, 4), at + i);
            look_at(s, 1, load_window(p + i, 4), at + i);
        }
    }
}

/* ---- atoms at the edges ---- */

/* Atoms that begin where the text starts, or end at end. */
static void scan_place(scan *s, atom_place place, size_t end)
{
    const edge_filter *f = &s->t->edges[place];
    const unsigned char *text = (const unsigned char *)s->canonical.ptr;
    bool is_end = place == ATOM_AT_END;
    unsigned sizes;

    if (end == 0)
        return;
    /* at the start a zero follows a text of one byte */
    sizes = f->outer[text[is_end ? end - 1 : 0]];
    sizes &= is_end && end < 2 ? 1u : f->inner[text[is_end ? end - 2 : 1]];
    for (; sizes; sizes &= sizes - 1) {
        unsigned size = (unsigned)__builtin_ctz(sizes) + 1;
        const window_index *ix = &s->t->index[place][size - 1];
        size_t at = is_end ? end - size : 0;
        uint32_t window;

        if (size > end)
            break;
        window = cut_window(load_window(s->canonical.ptr + at, 4), size);
        if (bit_of(ix, window))
            probe(s, ix, window, at);
    }
}

/* ---- the text ---- */

/* Room for n bytes of canonical text and for their marks. */
static int make_room(table_scratch *scratch, size_t n)
{
    buf *b = &scratch->canonical;

    return mem_grow(b->ptr, b->cap, n + FOLD_ROOM) ||
                   mem_grow(scratch->marks, scratch->cap_marks,
                            (n / MARKS_BLOCK + 1) * MARKS_PER_BLOCK)
               ? -ENOMEM
               : 0;
}

static int make_canonical_unicode(scan *s)
{
    buf *b = &s->scratch->canonical;

    buf_clear(b);
    atoms_put_canonical(b, s->text);
    if (b->failed || make_room(s->scratch, b->len))
        return -ENOMEM;
    memset(b->ptr + b->len, 0, FOLD_ROOM); /* windows and heads are loaded whole at the end, too */
    s->canonical = buf_str(b);
    return 0;
}

/* Fold the text and mark the places to look at. */
static int prepare(scan *s)
{
    const pattern_table *t = s->t;
    table_scratch *scratch = s->scratch;

    if (make_room(scratch, s->text.len))
        return -ENOMEM;
    s->canonical = (str){scratch->canonical.ptr, s->text.len};
    if (t->filter)
        s->is_ascii = t->path->mark(t->filter, s->text.ptr, s->text.len, scratch->canonical.ptr,
                                    scratch->marks);
    else
        s->is_ascii = t->path->fold(s->text.ptr, s->text.len, scratch->canonical.ptr);
    if (!s->is_ascii && make_canonical_unicode(s))
        return -ENOMEM;
    if (!t->filter || !s->is_ascii)
        mark_places(t, s->canonical, scratch->marks);
    return 0;
}

int table_scan_added(const pattern_table *t, matcher *m, str text, uint32_t first,
                     table_listener *listener)
{
    pattern_search waiting[PATTERN_GROUP];
    scan s = {.t = t, .m = m, .text = text, .listener = listener, .waiting = waiting};

    for (uint32_t i = first; i < t->patterns.n; i++)
        search(&s, i);
    if (s.n_waiting)
        verify_waiting(&s);
    return s.rc;
}

int table_scan_text(const pattern_table *t, matcher *m, str text, table_listener *listener)
{
    pattern_search waiting[PATTERN_GROUP]; /* apart from s, which is zeroed for every text */
    scan s = {.t = t, .m = m, .text = text, .listener = listener, .waiting = waiting};
    int rc;

    s.scratch = matcher_table_scratch(m);
    rc = table_scratch_begin(s.scratch, t->patterns.n, t->atoms.n);
    if (!rc)
        rc = prepare(&s);
    if (rc)
        return rc;
    s.contexts_left = CONTEXTS_MIN + CONTEXTS_PER_BYTE * text.len;
    for (uint32_t i = 0; i < t->n_without_atom; i++)
        search(&s, t->without_atom[i]);
    look_up_marked(&s, s.scratch->marks);
    scan_place(&s, ATOM_AT_START, s.canonical.len);
    scan_place(&s, ATOM_AT_END, s.canonical.len);
    if (s.canonical.len && s.canonical.ptr[s.canonical.len - 1] == '\n')
        scan_place(&s, ATOM_AT_END, s.canonical.len - 1);
    if (s.n_waiting)
        verify_waiting(&s);
    return s.rc;
}
