/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a pattern table is made of: table.c builds it, table_scan.c scans texts with it. */
#include "base/arena.h"
#include "base/shelf.h"
#include "match/atoms.h"
#include "match/context.h"
#include "match/pattern_internal.h"
#include "match/scan_path.h"
#include "match/table.h"

#include <string.h>

#define WINDOW_MAX 4
#define N_PLACES 3

#define HEAD_SIZE 16u
#define N_PAIRS 65536u
#define SIDES_MAX 256

/* All that tells whether the atom is met, and what for, in half a cache line. */
typedef struct window_entry {
    uint64_t head[2]; /* the atom's first bytes, zeros behind it */
    uint32_t window;
    uint32_t atom;
    uint32_t first_use;
    uint16_t window_at; /* where in the atom it stands */
    uint16_t len;       /* the atom's */
} window_entry;

typedef struct window_index {
    uint32_t n_entries;
    uint32_t hash_factor;
    unsigned bitmap_shift, bucket_shift; /* a hash's high bits choose */
    uint64_t *bitmap;
    uint32_t *bucket_start; /* one more than there are buckets */
    window_entry *entries;
} window_index;

/* Which window sizes an atom at the text's edge may have, by the text's bytes there: bit size - 1.
 */
typedef struct edge_filter {
    uint8_t outer[256]; /* by the very first, or last, byte */
    uint8_t inner[256]; /* by its neighbour; 0 where there is none */
} edge_filter;

/* How a pattern is decided once an atom of it was met in its context. */
enum {
    BY_ATOM = 1,   /* in an ASCII text each atom says it: a literal without case */
    BY_CASE = 2,   /* where it stands in just the bytes of atom_set's exact: one with case */
    BY_BYTES = 3,  /* the same bytes at the atom's place say yes: a literal with case */
    BY_PIECES = 4, /* in an ASCII text pieces.h says it */
};

typedef struct table_atom {
    str text;
    uint32_t window_at;
    uint32_t first_use; /* when it was put there: its entry has the one that counts */
} table_atom;

/* A pattern that has an atom. */
typedef struct table_use {
    uint32_t pattern;
    uint8_t before, after; /* sides; 0: anything */
    uint8_t decided : 7;   /* BY_... or 0 */
    uint8_t is_last : 1;   /* of its atom's */
    uint8_t back;          /* a match begins at most so many bytes before it, in an ASCII text */
} table_use;

#define BACK_UNKNOWN UINT8_MAX

/* Of a table's forebears so many are known; what was found by one counts for the table, too. */
#define FOREBEARS_MAX 8

struct pattern_table {
    arena mem;
    /* the table's own serial, never used again in this process, then those of the tables that it
     * was made from by adding patterns, newest first; and how many patterns each has */
    uint64_t serials[1 + FOREBEARS_MAX];
    uint32_t n_patterns_of[1 + FOREBEARS_MAX];
    size_t n_serials;
    size_t n_built; /* patterns when it was built from nothing; its indexes are sized for them */
    uint32_t n_uses_built; /* and uses */
    /* shared with tables made from this one, which put theirs behind */
    shelf patterns;      /* pattern *, a reference each */
    shelf atoms;         /* table_atom */
    shelf uses;          /* table_use */
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
    const scan_path *path;
    scan_filter *filter; /* for ASCII texts; NULL where the path has none for so many windows */
    edge_filter edges[N_PLACES];
};

static inline pattern *table_pattern(const pattern_table *t, uint32_t i)
{
    return ((pattern *const *)t->patterns.at)[i];
}

static inline const table_atom *table_atoms(const pattern_table *t)
{
    return t->atoms.at;
}

static inline const table_use *table_uses(const pattern_table *t)
{
    return t->uses.at;
}

static inline uint32_t load_window(const char *p, unsigned size)
{
    uint32_t w = 0;

    memcpy(&w, p, size);
    return w;
}

static inline uint32_t hash_window(const window_index *ix, uint32_t window)
{
    return window * ix->hash_factor;
}

/* Parts of the building of a table, for the making of one from another. */
unsigned table_window_size(size_t atom_len);
uint32_t table_window_start(str text, atom_place place);
/* What an atom in this context (NULL: any) says of a pattern. slots, SIDE_SLOTS zeros at first,
 * find the sides of many uses; NULL for a few. */
table_use table_make_use(pattern_table *t, uint32_t index, const atom_context *c, uint16_t *slots);
window_entry table_make_entry(const pattern_table *t, uint32_t a, unsigned size);
/* Let a new entry pass the filters that stand before its index. */
void table_mark_pairs(const pattern_table *t, uint64_t *pairs, const window_entry *e,
                      unsigned size);
/* A zeroed filter, where memory is read fastest; NULL when out of memory. */
scan_filter *table_filter_room(pattern_table *t);
void table_add_to_filter(const pattern_table *t, const window_entry *e, unsigned size);
void table_add_to_edge(pattern_table *t, const window_entry *e, atom_place place, unsigned size);
/* A table whose patterns are there gets its serial; before, which may be NULL, is a forebear. */
void table_set_serial(pattern_table *t, const pattern_table *before);
/* Put n patterns, atoms or uses behind those that are there. 0 or -ENOMEM. */
int table_put_patterns(pattern_table *t, pattern *const *patterns, size_t n);
int table_put_atoms(pattern_table *t, const table_atom *atoms, uint32_t n);
int table_put_uses(pattern_table *t, const table_use *uses, uint32_t n);
