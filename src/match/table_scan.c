/* SPDX-License-Identifier: Apache-2.0 */
/* The pass over a text; table.c has the idea. */
#include "match/table.h"

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
    pattern_hit_fn *hit, *cut;
    void *ctx;
    pattern_search *waiting; /* patterns to verify, PATTERN_GROUP at most */
    unsigned n_waiting;
    int rc;
} scan;

/* Patterns wait until a group of them can be verified side by side. */
static void verify_waiting(scan *s)
{
    pattern_holds_group(s->waiting, s->n_waiting, s->m, s->text);
    for (unsigned i = 0; i < s->n_waiting; i++) {
        const pattern_search *w = &s->waiting[i];

        if (w->rc == 0)
            s->hit(s->ctx, w->index);
        else if (w->rc == TTP_E_LIMIT && s->cut)
            s->cut(s->ctx, w->index);
        else if (w->rc < 0)
            s->rc = w->rc;
    }
    s->n_waiting = 0;
}

/* No match begins before offset from. */
static void verify(scan *s, uint32_t index, size_t from)
{
    s->waiting[s->n_waiting++] =
        (pattern_search){.pattern = s->t->patterns[index], .index = index, .from = from};
    if (s->n_waiting == PATTERN_GROUP)
        verify_waiting(s);
}

/* An atom of the pattern stands in its context, at offset at of the canonical text. */
static void decide(scan *s, const table_use *use, size_t at)
{
    uint32_t index = use->pattern;
    const pattern_literal *l;

    if (!bitset_add(&s->scratch->patterns, index))
        return;
    if (s->is_ascii && use->decided == BY_ATOM) {
        s->hit(s->ctx, index);
        return;
    }
    if (s->is_ascii && use->decided == BY_BYTES) {
        l = pattern_get_literal(s->t->patterns[index]);
        /* the literal may be longer than its atom: U+212A, the Kelvin sign, has the atom "k" */
        if (str_starts((str){s->text.ptr + at, s->text.len - at}, l->text)) {
            s->hit(s->ctx, index);
            return;
        }
    }
    verify(s, index,
           s->is_ascii && use->back != BACK_UNKNOWN && at > use->back ? at - use->back : 0);
}

static unsigned neighbour(const scan *s, size_t at)
{
    unsigned char c = (unsigned char)s->canonical.ptr[at];

    return c < 128 ? c : SIDE_OTHER;
}

/* atom stands at offset start. Its patterns are decided, but for those whose context it is not. */
static void met(scan *s, const table_atom *atom, size_t start)
{
    const pattern_table *t = s->t;
    size_t end = start + atom->text.len;
    unsigned before = start ? neighbour(s, start - 1) : SIDE_EDGE;
    unsigned after = end < s->canonical.len ? neighbour(s, end) : SIDE_EDGE;
    bool all = true;

    for (uint32_t k = atom->first_use; k < atom[1].first_use; k++) {
        const table_use *use = &t->uses[k];

        if (side_has(&t->sides[use->before], before) && side_has(&t->sides[use->after], after))
            decide(s, use, start);
        else if (s->contexts_left > 0)
            all = false;
        else if (bitset_add(&s->scratch->patterns, use->pattern))
            verify(s, use->pattern, 0);
        s->contexts_left -= s->contexts_left > 0;
    }
    if (all)
        (void)bitset_add(&s->scratch->atoms, (uint32_t)(atom - t->atoms));
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
static void probe(scan *s, const window_index *ix, uint32_t window, size_t at)
{
    uint32_t bucket = hash_window(ix, window) >> ix->bucket_shift;
    const window_entry *e = ix->entries + ix->bucket_start[bucket];
    const window_entry *end = ix->entries + ix->bucket_start[bucket + 1];

    for (; e < end; e++) {
        size_t start = at - e->window_at;

        if (e->window == window && at >= e->window_at && s->canonical.len - start >= e->len &&
            !bitset_has(&s->scratch->atoms, e->atom) &&
            stands_at(s->t->atoms, e, s->canonical.ptr + start))
            met(s, &s->t->atoms[e->atom], start);
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

/* All sizes at one place; rarely called. */
static __attribute__((noinline)) void probe_sizes(scan *s, uint32_t four, size_t at)
{
    for (unsigned size = 1; size <= WINDOW_MAX; size++) {
        const window_index *ix = &s->t->index[ATOM_ANYWHERE][size - 1];
        uint32_t window = cut_window(four, size);

        if (ix->n_entries && at + size <= s->canonical.len && bit_of(ix, window))
            probe(s, ix, window, at);
    }
}

/*
 * One look at every byte. has_short and has_three are constants where this is called, so that each
 * combination is a loop of its own, with one load and one branch a byte.
 */
static inline __attribute__((always_inline)) void scan_bytes(scan *s, bool has_four, bool has_three,
                                                             bool has_short)
{
    const window_index *ix = s->t->index[ATOM_ANYWHERE];
    const window_index four_bytes = ix[3], three_bytes = ix[2];
    const uint64_t *pairs = s->t->short_pairs;
    const char *p = s->canonical.ptr;
    size_t len = s->canonical.len;

    for (size_t at = 0; at < len; at++) {
        uint32_t four = load_window(p + at, 4);
        uint64_t met = 0;

        if (has_four)
            met |= bit_of(&four_bytes, four);
        if (has_three)
            met |= bit_of(&three_bytes, cut_window(four, 3));
        if (has_short)
            met |= pairs[(four & 0xFFFF) >> 6] >> (four & 63) & 1;
        if (__builtin_expect(met, 0))
            probe_sizes(s, four, at);
    }
}

/* Few windows: their first two bytes are looked up, in one small table. */
static void scan_pairs(scan *s)
{
    const uint64_t *pairs = s->t->all_pairs;
    const char *p = s->canonical.ptr;
    size_t len = s->canonical.len;

    for (size_t at = 0; at < len; at++) {
        uint32_t pair = load_window(p + at, 2);

        if (__builtin_expect(pairs[pair >> 6] >> (pair & 63) & 1, 0))
            probe_sizes(s, load_window(p + at, 4), at);
    }
}

static void scan_anywhere(scan *s)
{
    bool has_four = s->t->index[ATOM_ANYWHERE][3].n_entries;
    bool has_three = s->t->index[ATOM_ANYWHERE][2].n_entries;
    bool has_short = s->t->short_pairs;

    if (s->t->all_pairs)
        scan_pairs(s);
    else if (has_four && has_three && has_short)
        scan_bytes(s, true, true, true);
    else if (has_four && has_three)
        scan_bytes(s, true, true, false);
    else if (has_four && has_short)
        scan_bytes(s, true, false, true);
    else if (has_four)
        scan_bytes(s, true, false, false);
    else if (has_three && has_short)
        scan_bytes(s, false, true, true);
    else if (has_three)
        scan_bytes(s, false, true, false);
    else if (has_short)
        scan_bytes(s, false, false, true);
}

static void scan_place(scan *s, atom_place place, size_t end)
{
    for (unsigned size = 1; size <= WINDOW_MAX && size <= end; size++) {
        const window_index *ix = &s->t->index[place][size - 1];
        size_t at = place == ATOM_AT_START ? 0 : end - size;
        uint32_t window;

        if (ix->n_entries == 0)
            continue;
        window = load_window(s->canonical.ptr + at, size);
        if (bit_of(ix, window))
            probe(s, ix, window, at);
    }
}

/* ASCII folds byte by byte; the compiler makes wide instructions of this. */
static void lower_ascii(char *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (char)(from[i] + ((unsigned char)(from[i] - 'A') < 26 ? 32 : 0));
}

static int make_canonical(scan *s)
{
    buf *b = &s->scratch->canonical;

    buf_clear(b);
    if (mem_grow(b->ptr, b->cap, s->text.len + HEAD_SIZE))
        return -ENOMEM;
    s->is_ascii = utf8_is_ascii(s->text);
    if (s->is_ascii) {
        lower_ascii(b->ptr, s->text.ptr, s->text.len);
        b->len = s->text.len;
    } else {
        atoms_put_canonical(b, s->text);
        if (mem_grow(b->ptr, b->cap, b->len + HEAD_SIZE))
            return -ENOMEM;
    }
    memset(b->ptr + b->len, 0, HEAD_SIZE); /* windows and heads are loaded whole at the end, too */
    s->canonical = buf_str(b);
    return b->failed ? -ENOMEM : 0;
}

int pattern_table_scan(const pattern_table *t, matcher *m, str text, pattern_hit_fn *hit,
                       pattern_hit_fn *cut, void *ctx)
{
    pattern_search waiting[PATTERN_GROUP]; /* apart from s, which is zeroed for every text */
    scan s = {.t = t, .m = m, .text = text, .hit = hit, .cut = cut, .ctx = ctx, .waiting = waiting};
    int rc;

    s.scratch = matcher_table_scratch(m);
    rc = table_scratch_begin(s.scratch, t->n_patterns, t->n_atoms);
    if (!rc)
        rc = make_canonical(&s);
    if (rc)
        return rc;
    s.contexts_left = CONTEXTS_MIN + CONTEXTS_PER_BYTE * text.len;
    for (uint32_t i = 0; i < t->n_without_atom; i++)
        verify(&s, t->without_atom[i], 0);
    scan_anywhere(&s);
    scan_place(&s, ATOM_AT_START, s.canonical.len);
    scan_place(&s, ATOM_AT_END, s.canonical.len);
    if (s.canonical.len && s.canonical.ptr[s.canonical.len - 1] == '\n')
        scan_place(&s, ATOM_AT_END, s.canonical.len - 1);
    verify_waiting(&s);
    return s.rc;
}
