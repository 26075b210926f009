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
#include "match/table_internal.h"

#include <errno.h>
#include <stdlib.h>

#define BITS_PER_ENTRY_LOG2 5
/* two buckets for each entry: most that are looked at hold one */
#define BITS_PER_BUCKET_LOG2 4
#define BITMAP_BITS_MIN 9u
#define BITMAP_BITS_MAX 24u
/* windows up to which their first two bytes alone let few places of a text pass */
#define ALL_PAIRS_MAX 200
#define HASH_FACTOR 0x9E3779B1u
#define CACHE_LINE 64u
#define SIDE_SLOTS 512u

/* One atom of one pattern, while the table is made. */
typedef struct atom_use {
    str text;
    atom_place place;
    uint32_t pattern;
    const atom_context *context; /* or NULL */
} atom_use;

unsigned table_window_size(size_t atom_len)
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

uint32_t table_window_start(str text, atom_place place)
{
    unsigned size = table_window_size(text.len);

    switch (place) {
    case ATOM_AT_START:
        return 0;
    case ATOM_AT_END:
        return (uint32_t)(text.len - size);
    default:
        return (uint32_t)atom_window(text, size);
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
    const atom_set *atoms = pattern_get_atoms(p);

    if (atoms && atoms->decides)
        return atoms->exact.ptr ? BY_CASE : BY_ATOM;
    if (pattern_get_pieces(p))
        return BY_PIECES;
    if (!l || l->at_start || l->at_end || l->at_end_newline)
        return 0;
    if (l->folds == PATTERN_FOLDS_NOTHING)
        return BY_BYTES;
    return utf8_is_ascii(l->text) && each_atom_holds(atoms, l->text) ? BY_ATOM : 0;
}

/* Bitmap and buckets for n entries; they are filled by fill_index. */
static int size_index(pattern_table *t, window_index *ix, unsigned size, uint32_t n)
{
    /* one byte has a bucket of its own */
    unsigned bits = size == 1 ? 8 + BITS_PER_ENTRY_LOG2 : BITMAP_BITS_MIN, bucket_bits;

    while (bits < BITMAP_BITS_MAX && (n << BITS_PER_ENTRY_LOG2) > (1u << bits))
        bits++;
    bucket_bits = bits - (size == 1 ? BITS_PER_ENTRY_LOG2 : BITS_PER_BUCKET_LOG2);
    ix->n_entries = n;
    ix->hash_factor = size == 1 ? 1u << 24 : HASH_FACTOR;
    ix->bitmap_shift = 32 - bits;
    ix->bucket_shift = 32 - bucket_bits;
    ix->bitmap = arena_calloc(&t->mem, (1u << bits) / 64, sizeof(uint64_t));
    ix->bucket_start = arena_calloc(&t->mem, (1u << bucket_bits) + 1, sizeof(uint32_t));
    ix->entries = arena_calloc(&t->mem, n, sizeof(window_entry));
    return ix->bitmap && ix->bucket_start && ix->entries ? 0 : -ENOMEM;
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

window_entry table_make_entry(const pattern_table *t, uint32_t a, unsigned size)
{
    const table_atom *atom = &table_atoms(t)[a];
    window_entry e = {
        .window = load_window(atom->text.ptr + atom->window_at, size),
        .atom = a,
        .first_use = atom->first_use,
        .window_at = (uint16_t)atom->window_at,
        .len = (uint16_t)atom->text.len,
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

    for (uint32_t a = 0; a < t->atoms.n; a++)
        n += place_of[a] == place && table_window_size(table_atoms(t)[a].text.len) == size;
    if (n == 0)
        return 0;
    entries = calloc(n, sizeof(*entries));
    rc = entries ? size_index(t, ix, size, n) : -ENOMEM;
    n = 0;
    for (uint32_t a = 0; !rc && a < t->atoms.n; a++) {
        const table_atom *atom = &table_atoms(t)[a];

        if (place_of[a] == place && table_window_size(atom->text.len) == size)
            entries[n++] = table_make_entry(t, a, size);
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
    for (const table_use *use = &table_uses(t)[e->first_use];; use++) {
        const context_side *after = &t->sides[use->after];

        for (unsigned c = 0; c < 256; c++) {
            if (side_has(after, c < 128 ? c : SIDE_OTHER) || (c == 0 && side_has(after, SIDE_EDGE)))
                mark_pair(pairs, e->window, c);
        }
        if (use->is_last)
            break;
    }
}

/* Where a window may start. */
void table_mark_pairs(const pattern_table *t, uint64_t *pairs, const window_entry *e, unsigned size)
{
    if (size > 1)
        mark_pair(pairs, e->window & 0xFF, e->window >> 8 & 0xFF);
    else
        mark_byte(t, pairs, e);
}

/* Pairs for the windows of 1 to max_size bytes that stand anywhere. */
static int make_pairs(pattern_table *t, unsigned max_size, uint64_t **ret_pairs)
{
    *ret_pairs = arena_calloc(&t->mem, N_PAIRS / 64, sizeof(uint64_t));
    if (!*ret_pairs)
        return -ENOMEM;
    for (unsigned size = 1; size <= max_size; size++) {
        const window_index *ix = &t->index[ATOM_ANYWHERE][size - 1];

        for (uint32_t i = 0; i < ix->n_entries; i++)
            table_mark_pairs(t, *ret_pairs, &ix->entries[i], size);
    }
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

/* ---- filters ---- */

void table_add_to_filter(const pattern_table *t, const window_entry *e, unsigned size)
{
    filter_window w = {.size = size};

    memcpy(w.bytes, &e->window, FILTER_WINDOW);
    for (unsigned i = 0; i < size; i++) {
        if (w.bytes[i] >= 128)
            return; /* an ASCII text does not hold it */
    }
    for (const table_use *use = &table_uses(t)[e->first_use]; size == 1; use++) {
        const context_side *after = &t->sides[use->after];

        w.after[0] |= after->bits[0] | side_has(after, SIDE_EDGE);
        w.after[1] |= after->bits[1];
        if (use->is_last)
            break;
    }
    t->path->add(t->filter, &w);
}

scan_filter *table_filter_room(pattern_table *t)
{
    char *room = arena_calloc(&t->mem, 1, sizeof(scan_filter) + CACHE_LINE);

    return room ? (scan_filter *)(void *)(room + -(uintptr_t)room % CACHE_LINE) : NULL;
}

static int make_filter(pattern_table *t)
{
    const window_index *ix = t->index[ATOM_ANYWHERE];
    uint32_t n_short = ix[0].n_entries + ix[1].n_entries;

    if (!t->path->mark || n_short + ix[2].n_entries + ix[3].n_entries > t->path->windows_max)
        return 0;
    t->filter = table_filter_room(t);
    if (!t->filter)
        return -ENOMEM;
    scan_filter_begin(t->filter, n_short, ix[2].n_entries, ix[3].n_entries);
    for (unsigned size = 1; size <= WINDOW_MAX; size++) {
        for (uint32_t i = 0; i < ix[size - 1].n_entries; i++)
            table_add_to_filter(t, &ix[size - 1].entries[i], size);
    }
    return 0;
}

void table_add_to_edge(pattern_table *t, const window_entry *e, atom_place place, unsigned size)
{
    edge_filter *f = &t->edges[place];
    uint8_t bit = (uint8_t)(1u << (size - 1));
    unsigned char bytes[WINDOW_MAX];

    memcpy(bytes, &e->window, WINDOW_MAX);
    f->outer[bytes[place == ATOM_AT_END ? size - 1 : 0]] |= bit;
    if (size > 1)
        f->inner[bytes[place == ATOM_AT_END ? size - 2 : 1]] |= bit;
    for (unsigned c = 0; size == 1 && c < 256; c++)
        f->inner[c] |= bit;
}

static void make_edge(pattern_table *t, atom_place place)
{
    for (unsigned size = 1; size <= WINDOW_MAX; size++) {
        const window_index *ix = &t->index[place][size - 1];

        for (uint32_t i = 0; i < ix->n_entries; i++)
            table_add_to_edge(t, &ix->entries[i], place, size);
    }
}

int pattern_table_set_path(pattern_table *t, const scan_path *path)
{
    t->path = path;
    t->filter = NULL;
    return make_filter(t);
}

static int make_indexes(pattern_table *t, const uint8_t *place_of)
{
    int rc = 0;

    for (unsigned place = 0; !rc && place < N_PLACES; place++) {
        for (unsigned size = 1; !rc && size <= WINDOW_MAX; size++)
            rc = make_index(t, (atom_place)place, size, place_of);
    }
    if (rc)
        return rc;
    make_edge(t, ATOM_AT_START);
    make_edge(t, ATOM_AT_END);
    rc = make_all_pairs(t);
    return rc ? rc : make_filter(t);
}

/* The side's slot in a hash table of numbers, or the free one where it belongs. */
static uint16_t *slot_of(const pattern_table *t, uint16_t *slots, const context_side *side)
{
    uint64_t hash = (side->bits[0] ^ side->bits[1] * 31 ^ side->bits[2]) * 0x9E3779B97F4A7C15u;
    uint32_t slot = (uint32_t)(hash >> 32) % SIDE_SLOTS;

    while (slots[slot] && !side_equal(&t->sides[slots[slot]], side))
        slot = (slot + 1) % SIDE_SLOTS;
    return &slots[slot];
}

static uint32_t find_side(const pattern_table *t, const context_side *side)
{
    uint32_t i = 0;

    while (i < t->n_sides && !side_equal(&t->sides[i], side))
        i++;
    return i;
}

/* The number of a side; 0 (anything) where there are too many to tell. slots NULL: of a few. */
static uint8_t number_side(pattern_table *t, uint16_t *slots, const context_side *side)
{
    uint16_t *slot = slots ? slot_of(t, slots, side) : NULL;
    uint32_t number = slot ? *slot : find_side(t, side);

    if (side_equal(side, &context_any))
        return 0;
    if (slot ? number : number < t->n_sides)
        return (uint8_t)number;
    if (t->n_sides == SIDES_MAX)
        return 0;
    if (slot)
        *slot = (uint16_t)t->n_sides;
    t->sides[t->n_sides] = *side;
    return (uint8_t)t->n_sides++;
}

/*
 * An atom of a pattern was met at offset at of an ASCII text, for the first time: how much further
 * back may matches begin? Where it has several, a longer one may begin earlier and be met later;
 * and in a block of marks all windows of one size are looked up before those of another.
 */
static uint8_t how_far_back(const atom_set *atoms)
{
    unsigned size = table_window_size(atoms->texts[0].len);
    size_t longest = 0, other_sizes = 0;

    for (uint32_t i = 0; atoms->n_texts > 1 && i < atoms->n_texts; i++) {
        size_t len = atoms->texts[i].len;

        longest = len > longest ? len : longest;
        if (table_window_size(len) != size)
            other_sizes = MARKS_BLOCK;
    }
    if (atoms->place != ATOM_ANYWHERE || atoms->lead > BACK_UNKNOWN - other_sizes ||
        longest > BACK_UNKNOWN - other_sizes - atoms->lead)
        return BACK_UNKNOWN;
    return (uint8_t)(atoms->lead + longest + other_sizes);
}

table_use table_make_use(pattern_table *t, uint32_t index, const atom_context *c, uint16_t *slots)
{
    const pattern *p = table_pattern(t, index);
    table_use use = {
        .pattern = index,
        .decided = how_decided(p),
        .back = how_far_back(pattern_get_atoms(p)),
    };

    if (!c)
        return use;
    use.before = number_side(t, slots, &c->before);
    use.after = number_side(t, slots, &c->after);
    if ((use.before == 0 && !side_equal(&c->before, &context_any)) ||
        (use.after == 0 && !side_equal(&c->after, &context_any)))
        use.decided = 0;
    return use;
}

static int make_uses(pattern_table *t, const atom_use *uses, uint32_t n_uses)
{
    table_use *made = calloc(n_uses + 1, sizeof(*made));
    uint16_t slots[SIDE_SLOTS] = {0};
    int rc;

    t->sides = arena_calloc(&t->mem, SIDES_MAX, sizeof(*t->sides));
    if (!made || !t->sides) {
        free(made);
        return -ENOMEM;
    }
    t->sides[0] = context_any;
    t->n_sides = 1;
    for (uint32_t i = 0; i < n_uses; i++) {
        made[i] = table_make_use(t, uses[i].pattern, uses[i].context, slots);
        made[i].is_last = i + 1 == n_uses || !same_atom(&uses[i], &uses[i + 1]);
    }
    rc = table_put_uses(t, made, n_uses);
    free(made);
    return rc;
}

/* Equal atoms become one; uses are sorted. */
static int make_atoms(pattern_table *t, const atom_use *uses, uint32_t n_uses)
{
    table_atom *atoms = calloc(n_uses + 1, sizeof(*atoms));
    uint8_t *place_of = calloc(n_uses + 1, 1);
    int rc = atoms && place_of ? make_uses(t, uses, n_uses) : -ENOMEM;
    uint32_t n = 0;

    for (uint32_t i = 0; !rc && i < n_uses; i++) {
        if (i && same_atom(&uses[i - 1], &uses[i]))
            continue;
        place_of[n] = (uint8_t)uses[i].place;
        atoms[n++] = (table_atom){uses[i].text, table_window_start(uses[i].text, uses[i].place), i};
    }
    t->n_uses_built = n_uses;
    if (!rc)
        rc = table_put_atoms(t, atoms, n);
    if (!rc)
        rc = make_indexes(t, place_of);
    free(atoms);
    free(place_of);
    return rc;
}

static int collect_uses(pattern_table *t, atom_use **ret_uses, uint32_t *ret_n)
{
    size_t n = 0;
    atom_use *uses;

    for (size_t i = 0; i < t->patterns.n; i++)
        n += pattern_get_atoms(table_pattern(t, i))
                 ? pattern_get_atoms(table_pattern(t, i))->n_texts
                 : 0;
    uses = calloc(n + 1, sizeof(*uses));
    if (!uses)
        return -ENOMEM;
    n = 0;
    for (uint32_t i = 0; i < t->patterns.n; i++) {
        const atom_set *atoms = pattern_get_atoms(table_pattern(t, i));

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

void table_set_serial(pattern_table *t, const pattern_table *before)
{
    static uint64_t last; /* atomic */
    size_t n = before ? before->n_serials : 0;

    n = n < FOREBEARS_MAX ? n : FOREBEARS_MAX;
    t->serials[0] = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    t->n_patterns_of[0] = (uint32_t)t->patterns.n;
    for (size_t i = 0; i < n; i++) {
        t->serials[i + 1] = before->serials[i];
        t->n_patterns_of[i + 1] = before->n_patterns_of[i];
    }
    t->n_serials = n + 1;
}

static void keep_pattern(void *element)
{
    (void)pattern_ref(*(pattern **)element); /* returns it */
}

static void drop_pattern(void *element)
{
    (void)pattern_unref(*(pattern **)element); /* returns NULL */
}

int table_put_patterns(pattern_table *t, pattern *const *patterns, size_t n)
{
    static const shelf_kind kind = {sizeof(pattern *), keep_pattern, drop_pattern};
    int rc = shelf_put(&t->patterns, &kind, patterns, (uint32_t)n);

    for (size_t i = 0; !rc && i < n; i++)
        (void)pattern_ref(patterns[i]); /* returns it */
    return rc;
}

int table_put_atoms(pattern_table *t, const table_atom *atoms, uint32_t n)
{
    static const shelf_kind kind = {.size = sizeof(table_atom)};

    return shelf_put(&t->atoms, &kind, atoms, n);
}

int table_put_uses(pattern_table *t, const table_use *uses, uint32_t n)
{
    static const shelf_kind kind = {.size = sizeof(table_use)};

    return shelf_put(&t->uses, &kind, uses, n);
}

static int build(pattern_table *t, pattern *const *patterns, size_t n)
{
    atom_use *uses = NULL;
    uint32_t n_uses = 0;
    int rc;

    t->path = scan_path_best();
    t->without_atom = arena_calloc(&t->mem, n, sizeof(uint32_t));
    if (!t->without_atom || table_put_patterns(t, patterns, n))
        return -ENOMEM;
    t->n_built = n;
    table_set_serial(t, NULL);
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
    shelf_done(&t->patterns);
    shelf_done(&t->atoms);
    shelf_done(&t->uses);
    arena_done(&t->mem);
    free(t);
    return NULL;
}

size_t pattern_table_count(const pattern_table *t)
{
    return t->patterns.n;
}

size_t pattern_table_memory(const pattern_table *t)
{
    return sizeof(*t) + t->mem.total + shelf_memory(&t->patterns) + shelf_memory(&t->atoms) +
           shelf_memory(&t->uses);
}
