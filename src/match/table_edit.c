/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next table out of the last one. Patterns, atoms and uses are shared, new ones stand behind
 * them; the indexes are copied whole, which takes little more than reading them, and the few new
 * atoms are put in:
 *
 *     an atom that is there   its uses move to the end of uses, the new one behind them
 *     a new one               an entry more at the end of its bucket; later buckets move up
 *
 * What stands before the indexes (pairs, filters, edges) only ever passes more.
 */
#include "match/table_edit.h"

#include "match/table_internal.h"

#include <errno.h>
#include <limits.h>

/* A table of fewer patterns is built anew just as fast. */
#define EDIT_MIN 256
/* Each new atom moves what stands behind it. */
#define NEW_ATOMS_MAX 128
/* A table is edited until it has so many more patterns than when it was built, in
 * eighths; uses may be twice as many of them. */
#define GROWTH_EIGHTHS 6

unsigned pattern_rarity(const pattern *p)
{
    const atom_set *atoms = pattern_get_atoms(p);
    unsigned worst = UINT_MAX / 2;

    for (uint32_t i = 0; atoms && i < atoms->n_texts; i++) {
        unsigned rarity = atom_rarity(atoms->texts[i]) + 1;

        worst = rarity < worst ? rarity : worst;
    }
    return atoms ? worst : 0;
}

/* n elements of an array, with room for more. */
static void *copy_array(arena *a, const void *from, size_t n, size_t more, size_t size)
{
    void *to = arena_alloc(a, (n + more) * size);

    if (to && n)
        memcpy(to, from, n * size);
    return to;
}

static int copy_index(pattern_table *t, const window_index *from, size_t more, window_index *to)
{
    *to = *from;
    if (from->n_entries == 0)
        return 0;
    to->bitmap = copy_array(&t->mem, from->bitmap, (1ull << (32 - from->bitmap_shift)) / 64, 0,
                            sizeof(*to->bitmap));
    to->bucket_start = copy_array(&t->mem, from->bucket_start,
                                  (1ull << (32 - from->bucket_shift)) + 1, 0,
                                  sizeof(*to->bucket_start));
    to->entries = copy_array(&t->mem, from->entries, from->n_entries, more, sizeof(*to->entries));
    return to->bitmap && to->bucket_start && to->entries ? 0 : -ENOMEM;
}

static int copy_filters(pattern_table *t, const pattern_table *old)
{
    const scan_filter *filter = old->filter;

    if (old->short_pairs)
        t->short_pairs = copy_array(&t->mem, old->short_pairs, N_PAIRS / 64, 0, sizeof(uint64_t));
    if (old->all_pairs)
        t->all_pairs = copy_array(&t->mem, old->all_pairs, N_PAIRS / 64, 0, sizeof(uint64_t));
    if (filter) {
        t->filter = table_filter_room(t);
        if (!t->filter)
            return -ENOMEM;
        *t->filter = *filter;
    }
    memcpy(t->edges, old->edges, sizeof(t->edges));
    t->path = old->path;
    return !t->short_pairs == !old->short_pairs && !t->all_pairs == !old->all_pairs ? 0 : -ENOMEM;
}

static int copy_table(pattern_table *t, const pattern_table *old, size_t n_added, size_t n_atoms)
{
    int rc = 0;

    t->patterns = shelf_share(&old->patterns);
    t->atoms = shelf_share(&old->atoms);
    t->uses = shelf_share(&old->uses);
    t->sides = copy_array(&t->mem, old->sides, SIDES_MAX, 0, sizeof(*t->sides));
    t->without_atom = copy_array(&t->mem, old->without_atom, old->n_without_atom, n_added,
                                 sizeof(*t->without_atom));
    if (!t->sides || !t->without_atom)
        return -ENOMEM;
    t->n_built = old->n_built;
    t->n_uses_built = old->n_uses_built;
    t->n_sides = old->n_sides;
    t->n_without_atom = old->n_without_atom;
    for (unsigned i = 0; !rc && i < N_PLACES * WINDOW_MAX; i++)
        rc = copy_index(t, &old->index[i / WINDOW_MAX][i % WINDOW_MAX], n_atoms,
                        &t->index[i / WINDOW_MAX][i % WINDOW_MAX]);
    return rc ? rc : copy_filters(t, old);
}

/* ---- one atom ---- */

/* Put n uses of one atom, and one more, at the end. Where they stand, or UINT32_MAX without memory.
 */
static uint32_t put_uses(pattern_table *t, uint32_t from, uint32_t n, table_use use)
{
    table_use *uses = calloc(n + 1, sizeof(*uses));
    uint32_t end = t->uses.n;
    int rc = -ENOMEM;

    for (uint32_t i = 0; uses && i < n; i++) {
        uses[i] = table_uses(t)[from + i];
        uses[i].is_last = false;
    }
    if (uses) {
        uses[n] = use;
        uses[n].is_last = true;
        rc = table_put_uses(t, uses, n + 1);
    }
    free(uses);
    return rc ? UINT32_MAX : end;
}

static uint32_t count_uses(const pattern_table *t, const window_entry *e)
{
    uint32_t n = 1;

    while (!table_uses(t)[e->first_use + n - 1].is_last)
        n++;
    return n;
}

typedef struct new_atom {
    str text;
    atom_place place;
    unsigned size; /* of its window */
    uint32_t window_at;
    uint32_t window;
} new_atom;

static window_entry *find_entry(const pattern_table *t, const new_atom *a)
{
    const window_index *ix = &t->index[a->place][a->size - 1];
    uint32_t bucket = ix->n_entries ? hash_window(ix, a->window) >> ix->bucket_shift : 0;

    for (uint32_t i = ix->n_entries ? ix->bucket_start[bucket] : 0;
         ix->n_entries && i < ix->bucket_start[bucket + 1]; i++) {
        window_entry *e = &ix->entries[i];

        if (e->window == a->window && str_eq(table_atoms(t)[e->atom].text, a->text))
            return e;
    }
    return NULL;
}

/* NULL without memory. */
static window_entry *insert_entry(pattern_table *t, const new_atom *a, uint32_t first_use)
{
    window_index *ix = &t->index[a->place][a->size - 1];
    uint32_t hash = hash_window(ix, a->window), bit = hash >> ix->bitmap_shift;
    uint32_t n_buckets = 1u << (32 - ix->bucket_shift), bucket = hash >> ix->bucket_shift;
    uint32_t at = ix->bucket_start[bucket + 1];
    const table_atom atom = {a->text, a->window_at, first_use};

    if (table_put_atoms(t, &atom, 1))
        return NULL;
    memmove(&ix->entries[at + 1], &ix->entries[at], (ix->n_entries++ - at) * sizeof(*ix->entries));
    ix->entries[at] = table_make_entry(t, t->atoms.n - 1, a->size);
    for (uint32_t b = bucket + 1; b <= n_buckets; b++)
        ix->bucket_start[b]++;
    ix->bitmap[bit >> 6] |= 1ull << (bit & 63);
    return &ix->entries[at];
}

static void pass_filters(pattern_table *t, const new_atom *a, const window_entry *e)
{
    if (a->place != ATOM_ANYWHERE) {
        table_add_to_edge(t, e, a->place, a->size);
        return;
    }
    if (t->short_pairs && a->size <= 2)
        table_mark_pairs(t, t->short_pairs, e, a->size);
    if (t->all_pairs)
        table_mark_pairs(t, t->all_pairs, e, a->size);
    if (t->filter)
        table_add_to_filter(t, e, a->size);
}

static int add_atom(pattern_table *t, const atom_set *atoms, uint32_t i, uint32_t index)
{
    table_use use = table_make_use(t, index, atoms->contexts ? &atoms->contexts[i] : NULL, NULL);
    new_atom a = {.text = atoms->texts[i], .place = atoms->place};
    window_entry *e;
    uint32_t first;

    a.size = table_window_size(a.text.len);
    a.window_at = table_window_start(a.text, a.place);
    a.window = load_window(a.text.ptr + a.window_at, a.size);
    if (t->index[a.place][a.size - 1].n_entries == 0)
        return TTP_E_LIMIT; /* its index, and what stands before it, are made for none */
    e = find_entry(t, &a);
    first = e ? put_uses(t, e->first_use, count_uses(t, e), use) : put_uses(t, 0, 0, use);
    if (first == UINT32_MAX)
        return -ENOMEM;
    if (e)
        e->first_use = first;
    else
        e = insert_entry(t, &a, first);
    if (!e)
        return -ENOMEM;
    pass_filters(t, &a, e);
    return 0;
}

/* ---- the edit ---- */

static int add_pattern(pattern_table *t, uint32_t index)
{
    const atom_set *atoms = pattern_get_atoms(table_pattern(t, index));
    int rc = 0;

    if (!atoms)
        t->without_atom[t->n_without_atom++] = index;
    for (uint32_t i = 0; !rc && atoms && i < atoms->n_texts; i++)
        rc = add_atom(t, atoms, i, index);
    return rc;
}

static void drop(pattern_table *t, uint32_t index)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < t->n_without_atom; i++) {
        if (t->without_atom[i] != index)
            t->without_atom[kept++] = t->without_atom[i];
    }
    t->n_without_atom = kept;
}

static bool has_grown(size_t built, size_t now, unsigned eighths)
{
    return now > built + built / 8 * eighths;
}

bool pattern_table_has_grown(const pattern_table *t, unsigned eighths)
{
    return t->n_built >= EDIT_MIN && (has_grown(t->n_built, t->patterns.n, eighths) ||
                                      has_grown(t->n_uses_built, t->uses.n, 2 * eighths));
}

static bool is_worth_it(const pattern_table *old, const table_edit *edit, size_t *ret_n_atoms)
{
    size_t n = 0;

    for (size_t i = 0; i < edit->n_added; i++) {
        const atom_set *atoms = pattern_get_atoms(edit->added[i]);

        n += atoms ? atoms->n_texts : 0;
    }
    *ret_n_atoms = n;
    return old->n_built >= EDIT_MIN && n <= NEW_ATOMS_MAX &&
           !pattern_table_has_grown(old, GROWTH_EIGHTHS);
}

int pattern_table_edit(const pattern_table *old, const table_edit *edit, pattern_table **ret_table)
{
    auto_free(pattern_table) pattern_table *t = NULL;
    size_t n_atoms;
    int rc;

    if (!is_worth_it(old, edit, &n_atoms))
        return TTP_E_LIMIT;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    rc = copy_table(t, old, edit->n_added, n_atoms);
    if (!rc)
        rc = table_put_patterns(t, edit->added, edit->n_added);
    for (size_t i = 0; !rc && i < edit->n_dropped; i++)
        drop(t, edit->dropped[i]);
    for (uint32_t i = old->patterns.n; !rc && i < t->patterns.n; i++)
        rc = add_pattern(t, i);
    if (rc)
        return rc;
    /* of what was found before, that of dropped patterns may be no more */
    table_set_serial(t, edit->n_dropped ? NULL : old);
    *ret_table = take(t);
    return 0;
}
