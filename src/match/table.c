/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pattern table. Each atom gives one window of up to 4 bytes, its rarest:
 *
 *     text  ... /bin/busybox wget http ...
 *                         |--|             each window of the text: hash -> bit in a bitmap
 *                          set -> bucket of entries (window, atom) -> the whole atom compared
 *                                 -> the patterns that have this atom are verified, once
 *
 * One small index for each window size from 1 to 4, three times: for atoms anywhere in the text
 * (looked up at every byte), at its start and at its end (looked up once or twice a text).
 */
#include "match/table.h"

#include "base/utf8.h"
#include "match/atoms.h"
#include "match/matcher.h"
#include "match/pattern_internal.h"
#include "match/table_scratch.h"

#include <errno.h>

#define WINDOW_MAX 4
#define N_PLACES 3
#define BITS_PER_ENTRY_LOG2 5
#define BITMAP_BITS_MIN 9u
#define BITMAP_BITS_MAX 24u
#define N_PAIRS 65536u
/* windows up to which their first two bytes alone let few places of a text pass */
#define ALL_PAIRS_MAX 200
#define HASH_FACTOR 0x9E3779B1u
/* contexts looked at in a text, so that a hostile one does not have many looked at at every byte */
#define CONTEXTS_MIN 4096
#define CONTEXTS_PER_BYTE 16

#define HEAD_SIZE 16u

/* All that tells whether the atom is met, in half a cache line. */
typedef struct window_entry {
    uint64_t head[2]; /* the atom's first bytes, zeros behind it */
    uint32_t window;
    uint32_t atom;
    uint32_t window_at; /* where in the atom it stands */
    uint32_t len;       /* the atom's */
} window_entry;

typedef struct window_index {
    uint32_t n_entries;
    uint32_t hash_factor;
    unsigned bitmap_shift, bucket_shift; /* a hash's high bits choose */
    uint64_t *bitmap;
    uint32_t *bucket_start; /* one more than there are buckets */
    window_entry *entries;
} window_index;

/* How a pattern is decided once an atom of it was met in its context. */
enum {
    BY_ATOM = 1,  /* in an ASCII text each atom says it: a literal without case */
    BY_BYTES = 2, /* the same bytes at the atom's place say yes: a literal with case */
};

typedef struct table_atom {
    str text;
    uint32_t window_at;
    uint32_t first_use; /* in uses; the next atom's is the end */
} table_atom;

/* A pattern that has an atom. */
typedef struct table_use {
    uint32_t pattern;
    uint8_t before, after; /* sides; 0: anything */
    uint8_t decided;       /* BY_... or 0 */
    uint8_t back;          /* a match begins at most so many bytes before it, in an ASCII text */
} table_use;

#define BACK_UNKNOWN UINT8_MAX

#define SIDES_MAX 256
#define SIDE_SLOTS 512u

struct pattern_table {
    arena mem;
    size_t n_patterns;
    pattern **patterns;
    uint32_t n_atoms;
    table_atom *atoms; /* n_atoms, and an end */
    table_use *uses;
    context_side *sides; /* each once; the first is context_any */
    uint32_t n_sides;
    uint32_t *without_atom; /* patterns to verify on every text */
    uint32_t n_without_atom;
    window_index index[N_PLACES][WINDOW_MAX]; /* by place and window size - 1 */
    /* a bit for each two bytes that an atom of one or two bytes anywhere may start; NULL: none */
    uint64_t *short_pairs;
    /* the same for the windows of all sizes; NULL where they are so many that it tells too little
     */
    uint64_t *all_pairs;
};

/* One atom of one pattern, while the table is made. */
typedef struct atom_use {
    str text;
    atom_place place;
    uint32_t pattern;
    const atom_context *context; /* or NULL */
} atom_use;

static uint32_t load_window(const char *p, unsigned size)
{
    uint32_t w = 0;

    memcpy(&w, p, size);
    return w;
}

static unsigned window_size(size_t atom_len)
{
    return atom_len < WINDOW_MAX ? (unsigned)atom_len : WINDOW_MAX;
}

static int compare_uses(const void *a, const void *b)
{
    const atom_use *x = a, *y = b;
    int c;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    c = str_cmp(x->text, y->text);
    return c ? c : (x->pattern > y->pattern) - (x->pattern < y->pattern);
}

static bool same_atom(const atom_use *a, const atom_use *b)
{
    return a->place == b->place && str_eq(a->text, b->text);
}

static uint32_t window_start(const atom_use *use)
{
    unsigned size = window_size(use->text.len);

    switch (use->place) {
    case ATOM_AT_START:
        return 0;
    case ATOM_AT_END:
        return (uint32_t)(use->text.len - size);
    default:
        return (uint32_t)atom_window(use->text, size);
    }
}

/* An atom may be but a part of a literal that is long or has edges that can match nothing. */
static bool each_atom_holds(const atom_set *atoms, str literal)
{
    for (uint32_t i = 0; atoms && i < atoms->n_texts; i++) {
        if (!str_find(atoms->texts[i], literal))
            return false;
    }
    return true;
}

static uint8_t how_decided(const pattern *p)
{
    const pattern_literal *l = pattern_get_literal(p);

    if (pattern_get_atoms(p) && pattern_get_atoms(p)->decides)
        return l && l->folds == PATTERN_FOLDS_NOTHING ? BY_BYTES : BY_ATOM;
    if (!l || l->at_start || l->at_end || l->at_end_newline)
        return 0;
    if (l->folds == PATTERN_FOLDS_NOTHING)
        return BY_BYTES;
    return utf8_is_ascii(l->text) && each_atom_holds(pattern_get_atoms(p), l->text) ? BY_ATOM : 0;
}

/* Bitmap and buckets for n entries; they are filled by fill_index. */
static int size_index(pattern_table *t, window_index *ix, unsigned size, uint32_t n)
{
    /* one byte has a bucket of its own */
    unsigned bits = size == 1 ? 8 + BITS_PER_ENTRY_LOG2 : BITMAP_BITS_MIN, bucket_bits;

    while (bits < BITMAP_BITS_MAX && (n << BITS_PER_ENTRY_LOG2) > (1u << bits))
        bits++;
    bucket_bits = bits - BITS_PER_ENTRY_LOG2;
    ix->n_entries = n;
    ix->hash_factor = size == 1 ? 1u << 24 : HASH_FACTOR;
    ix->bitmap_shift = 32 - bits;
    ix->bucket_shift = 32 - bucket_bits;
    ix->bitmap = arena_calloc(&t->mem, (1u << bits) / 64, sizeof(uint64_t));
    ix->bucket_start = arena_calloc(&t->mem, (1u << bucket_bits) + 1, sizeof(uint32_t));
    ix->entries = arena_calloc(&t->mem, n, sizeof(window_entry));
    return ix->bitmap && ix->bucket_start && ix->entries ? 0 : -ENOMEM;
}

static inline uint32_t hash_window(const window_index *ix, uint32_t window)
{
    return window * ix->hash_factor;
}

/* Entries grouped by bucket: count, sum up, place. */
static void fill_index(window_index *ix, const window_entry *entries)
{
    uint32_t n_buckets = 1u << (32 - ix->bucket_shift);

    for (uint32_t i = 0; i < ix->n_entries; i++) {
        uint32_t hash = hash_window(ix, entries[i].window);
        uint32_t bit = hash >> ix->bitmap_shift;

        ix->bitmap[bit >> 6] |= 1ull << (bit & 63);
        ix->bucket_start[(hash >> ix->bucket_shift) + 1]++;
    }
    for (uint32_t b = 0; b < n_buckets; b++)
        ix->bucket_start[b + 1] += ix->bucket_start[b];
    for (uint32_t i = ix->n_entries; i-- > 0;) {
        uint32_t bucket = hash_window(ix, entries[i].window) >> ix->bucket_shift;
        uint32_t end = ix->bucket_start[bucket + 1];

        /* each bucket fills from its end: bucket_start[b + 1] moves down to where b starts */
        ix->entries[--end] = entries[i];
        ix->bucket_start[bucket + 1] = end;
    }
    memmove(ix->bucket_start, ix->bucket_start + 1, n_buckets * sizeof(uint32_t));
    ix->bucket_start[n_buckets] = ix->n_entries;
}

static window_entry make_entry(const pattern_table *t, uint32_t a, unsigned size)
{
    const table_atom *atom = &t->atoms[a];
    window_entry e = {
        .window = load_window(atom->text.ptr + atom->window_at, size),
        .atom = a,
        .window_at = atom->window_at,
        .len = (uint32_t)atom->text.len,
    };

    memcpy(e.head, atom->text.ptr, atom->text.len < HEAD_SIZE ? atom->text.len : HEAD_SIZE);
    return e;
}

static int make_index(pattern_table *t, atom_place place, unsigned size, const uint8_t *place_of)
{
    window_index *ix = &t->index[place][size - 1];
    window_entry *entries = NULL;
    uint32_t n = 0;
    int rc;

    for (uint32_t a = 0; a < t->n_atoms; a++)
        n += place_of[a] == place && window_size(t->atoms[a].text.len) == size;
    if (n == 0)
        return 0;
    entries = calloc(n, sizeof(*entries));
    rc = entries ? size_index(t, ix, size, n) : -ENOMEM;
    n = 0;
    for (uint32_t a = 0; !rc && a < t->n_atoms; a++) {
        const table_atom *atom = &t->atoms[a];

        if (place_of[a] == place && window_size(atom->text.len) == size)
            entries[n++] = make_entry(t, a, size);
    }
    if (!rc)
        fill_index(ix, entries);
    free(entries);
    return rc;
}

static void mark_pair(uint64_t *pairs, uint32_t first, uint32_t second)
{
    uint32_t pair = first | second << 8;

    pairs[pair >> 6] |= 1ull << (pair & 63);
}

/* An atom of one byte: what may follow it. Behind the text stands a zero. */
static void mark_byte(const pattern_table *t, uint64_t *pairs, const window_entry *e)
{
    const table_atom *atom = &t->atoms[e->atom];

    for (uint32_t k = atom->first_use; k < atom[1].first_use; k++) {
        const context_side *after = &t->sides[t->uses[k].after];

        for (unsigned c = 0; c < 256; c++) {
            if (side_has(after, c < 128 ? c : SIDE_OTHER) || (c == 0 && side_has(after, SIDE_EDGE)))
                mark_pair(pairs, e->window, c);
        }
    }
}

/* Where a window may start. */
static void mark_pairs(const pattern_table *t, uint64_t *pairs, const window_index *ix,
                       unsigned size)
{
    for (uint32_t i = 0; i < ix->n_entries; i++) {
        const window_entry *e = &ix->entries[i];

        if (size > 1)
            mark_pair(pairs, e->window & 0xFF, e->window >> 8 & 0xFF);
        else
            mark_byte(t, pairs, e);
    }
}

/* Pairs for the windows of 1 to max_size bytes that stand anywhere. */
static int make_pairs(pattern_table *t, unsigned max_size, uint64_t **ret_pairs)
{
    *ret_pairs = arena_calloc(&t->mem, N_PAIRS / 64, sizeof(uint64_t));
    if (!*ret_pairs)
        return -ENOMEM;
    for (unsigned size = 1; size <= max_size; size++)
        mark_pairs(t, *ret_pairs, &t->index[ATOM_ANYWHERE][size - 1], size);
    return 0;
}

static int make_all_pairs(pattern_table *t)
{
    const window_index *ix = t->index[ATOM_ANYWHERE];
    uint32_t n_short = ix[0].n_entries + ix[1].n_entries;
    uint32_t n = n_short + ix[2].n_entries + ix[3].n_entries;
    int rc = 0;

    if (n_short)
        rc = make_pairs(t, 2, &t->short_pairs);
    if (!rc && n && n <= ALL_PAIRS_MAX)
        rc = make_pairs(t, WINDOW_MAX, &t->all_pairs);
    return rc;
}

static int make_indexes(pattern_table *t, const uint8_t *place_of)
{
    int rc = 0;

    for (unsigned place = 0; !rc && place < N_PLACES; place++) {
        for (unsigned size = 1; !rc && size <= WINDOW_MAX; size++)
            rc = make_index(t, (atom_place)place, size, place_of);
    }
    return rc ? rc : make_all_pairs(t);
}

/* The number of a side; 0 (anything) where there are too many to tell. */
static uint8_t number_side(pattern_table *t, uint16_t *slots, const context_side *side)
{
    uint64_t hash = (side->bits[0] ^ side->bits[1] * 31 ^ side->bits[2]) * 0x9E3779B97F4A7C15u;
    uint32_t slot = (uint32_t)(hash >> 32) % SIDE_SLOTS;

    if (side_equal(side, &context_any))
        return 0;
    while (slots[slot]) {
        if (side_equal(&t->sides[slots[slot]], side))
            return (uint8_t)slots[slot];
        slot = (slot + 1) % SIDE_SLOTS;
    }
    if (t->n_sides == SIDES_MAX)
        return 0;
    slots[slot] = (uint16_t)t->n_sides;
    t->sides[t->n_sides] = *side;
    return (uint8_t)t->n_sides++;
}

/*
 * An atom of a pattern was met at offset at of an ASCII text, for the first time: how much further
 * back may matches begin? Where it has several, a longer one may begin earlier and be met later.
 */
static uint8_t how_far_back(const atom_set *atoms)
{
    size_t back = atoms->lead;

    for (uint32_t i = 0; atoms->n_texts > 1 && i < atoms->n_texts; i++) {
        if (back < atoms->lead + atoms->texts[i].len)
            back = atoms->lead + atoms->texts[i].len;
    }
    if (atoms->place != ATOM_ANYWHERE || back > BACK_UNKNOWN)
        return BACK_UNKNOWN;
    return (uint8_t)back;
}

static int make_uses(pattern_table *t, const atom_use *uses, uint32_t n_uses)
{
    uint16_t slots[SIDE_SLOTS] = {0};

    t->uses = arena_calloc(&t->mem, n_uses, sizeof(*t->uses));
    t->sides = arena_calloc(&t->mem, SIDES_MAX, sizeof(*t->sides));
    if (!t->uses || !t->sides)
        return -ENOMEM;
    t->sides[0] = context_any;
    t->n_sides = 1;
    for (uint32_t i = 0; i < n_uses; i++) {
        const atom_context *c = uses[i].context;
        table_use *use = &t->uses[i];

        use->pattern = uses[i].pattern;
        use->decided = how_decided(t->patterns[use->pattern]);
        use->back = how_far_back(pattern_get_atoms(t->patterns[use->pattern]));
        if (!c)
            continue;
        use->before = number_side(t, slots, &c->before);
        use->after = number_side(t, slots, &c->after);
        if ((use->before == 0 && !side_equal(&c->before, &context_any)) ||
            (use->after == 0 && !side_equal(&c->after, &context_any)))
            use->decided = 0;
    }
    return 0;
}

/* Equal atoms become one; uses are sorted. */
static int make_atoms(pattern_table *t, const atom_use *uses, uint32_t n_uses)
{
    uint8_t *place_of = calloc(n_uses + 1, 1);
    int rc;

    t->atoms = arena_calloc(&t->mem, (size_t)n_uses + 1, sizeof(*t->atoms));
    if (!place_of || !t->atoms || make_uses(t, uses, n_uses)) {
        free(place_of);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n_uses; i++) {
        if (i && same_atom(&uses[i - 1], &uses[i]))
            continue;
        place_of[t->n_atoms] = (uint8_t)uses[i].place;
        t->atoms[t->n_atoms++] = (table_atom){uses[i].text, window_start(&uses[i]), i};
    }
    t->atoms[t->n_atoms].first_use = n_uses;
    rc = make_indexes(t, place_of);
    free(place_of);
    return rc;
}

static int collect_uses(pattern_table *t, atom_use **ret_uses, uint32_t *ret_n)
{
    size_t n = 0;
    atom_use *uses;

    for (size_t i = 0; i < t->n_patterns; i++)
        n += pattern_get_atoms(t->patterns[i]) ? pattern_get_atoms(t->patterns[i])->n_texts : 0;
    uses = calloc(n + 1, sizeof(*uses));
    if (!uses)
        return -ENOMEM;
    n = 0;
    for (uint32_t i = 0; i < t->n_patterns; i++) {
        const atom_set *atoms = pattern_get_atoms(t->patterns[i]);

        if (!atoms)
            t->without_atom[t->n_without_atom++] = i;
        for (uint32_t k = 0; atoms && k < atoms->n_texts; k++)
            uses[n++] = (atom_use){atoms->texts[k], atoms->place, i,
                                   atoms->contexts ? &atoms->contexts[k] : NULL};
    }
    *ret_uses = uses;
    *ret_n = (uint32_t)n;
    return 0;
}

static int build(pattern_table *t, pattern *const *patterns, size_t n)
{
    atom_use *uses = NULL;
    uint32_t n_uses = 0;
    int rc;

    t->patterns = arena_calloc(&t->mem, n, sizeof(*t->patterns));
    t->without_atom = arena_calloc(&t->mem, n, sizeof(uint32_t));
    if (!t->patterns || !t->without_atom)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        t->patterns[i] = pattern_ref(patterns[i]);
    t->n_patterns = n;
    rc = collect_uses(t, &uses, &n_uses);
    if (!rc) {
        qsort(uses, n_uses, sizeof(*uses), compare_uses);
        rc = make_atoms(t, uses, n_uses);
    }
    free(uses);
    return rc;
}

int pattern_table_new(pattern *const *patterns, size_t n, pattern_table **ret_table)
{
    auto_free(pattern_table) pattern_table *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return -ENOMEM;
    rc = build(t, patterns, n);
    if (rc)
        return rc;
    *ret_table = take(t);
    return 0;
}

pattern_table *pattern_table_free(pattern_table *t)
{
    if (!t)
        return NULL;
    for (size_t i = 0; i < t->n_patterns; i++)
        pattern_unref(t->patterns[i]);
    arena_done(&t->mem);
    free(t);
    return NULL;
}

size_t pattern_table_count(const pattern_table *t)
{
    return t->n_patterns;
}

size_t pattern_table_memory(const pattern_table *t)
{
    return sizeof(*t) + t->mem.total;
}

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
