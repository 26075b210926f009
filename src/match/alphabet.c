/* SPDX-License-Identifier: Apache-2.0 */
#include "match/alphabet.h"

#include <errno.h>
#include <stdlib.h>

#define CLASSES_MAX 65000
#define CP_MAX 0x10FFFFu

/*
 * A cell is what one class is made of: an ASCII character, or one kind of character of one
 * interval. All cells begin in class 0; each set moves its members out of the classes it cuts.
 */
typedef struct cell {
    uint32_t lo, hi; /* its interval */
    uint32_t class;
    uint8_t props; /* unicode_props of its characters */
} cell;

typedef struct builder {
    arena *a;
    cell *cells;
    uint32_t n_cells;
    uint32_t *first_cell; /* of each interval above ASCII, and one past the last */
    uint32_t *starts;
    uint32_t n_intervals;
    uint32_t *size;   /* cells of each class */
    uint32_t *taken;  /* members of the current set in each class */
    uint32_t *target; /* where they go */
    uint32_t *members;
    uint32_t n_classes;
    bool by_kind;
} builder;

static const uint8_t kind_props[ALPHABET_KINDS] = {0, UNICODE_WORD, UNICODE_WORD | UNICODE_DIGIT,
                                                   UNICODE_SPACE};

static unsigned kind_of(unsigned props)
{
    if (props & UNICODE_DIGIT)
        return 2;
    if (props & UNICODE_WORD)
        return 1;
    return props & UNICODE_SPACE ? 3 : 0;
}

static bool categories_have(unsigned categories, unsigned props)
{
    return ((categories & REGEX_WORD_CHAR) && (props & UNICODE_WORD)) ||
           ((categories & REGEX_NOT_WORD_CHAR) && !(props & UNICODE_WORD)) ||
           ((categories & REGEX_DIGIT) && (props & UNICODE_DIGIT)) ||
           ((categories & REGEX_NOT_DIGIT) && !(props & UNICODE_DIGIT)) ||
           ((categories & REGEX_SPACE) && (props & UNICODE_SPACE)) ||
           ((categories & REGEX_NOT_SPACE) && !(props & UNICODE_SPACE));
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Where the non-ASCII code points are cut. */
static int cut_intervals(builder *b, const charset *sets, size_t n)
{
    size_t total = 1, count = 0;
    uint32_t unique = 0;

    for (size_t i = 0; i < n; i++)
        total += 2 * (size_t)sets[i].n_ranges;
    b->starts = arena_calloc(b->a, total, sizeof(*b->starts));
    if (!b->starts)
        return -ENOMEM;
    b->starts[count++] = 128;
    for (size_t i = 0; i < n; i++) {
        for (uint32_t r = 0; r < sets[i].n_ranges; r++) {
            const regex_range *range = &sets[i].ranges[r];

            if (range->lo > 128)
                b->starts[count++] = range->lo;
            if (range->hi >= 128 && range->hi < CP_MAX)
                b->starts[count++] = range->hi + 1;
        }
    }
    qsort(b->starts, count, sizeof(*b->starts), compare_u32);
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || b->starts[i] != b->starts[unique - 1])
            b->starts[unique++] = b->starts[i];
    }
    b->n_intervals = unique;
    return 0;
}

static void add_cell(builder *b, uint32_t lo, uint32_t hi, unsigned props)
{
    b->cells[b->n_cells++] = (cell){.lo = lo, .hi = hi, .props = (uint8_t)props};
}

static void add_interval_cells(builder *b, uint32_t lo, uint32_t hi)
{
    if (!b->by_kind) {
        add_cell(b, lo, hi, 0);
    } else if (lo == hi) {
        add_cell(b, lo, hi, unicode_props(lo));
    } else {
        for (unsigned k = 0; k < ALPHABET_KINDS; k++)
            add_cell(b, lo, hi, kind_props[k]);
    }
}

static int make_cells(builder *b)
{
    size_t max = 128 + (size_t)b->n_intervals * ALPHABET_KINDS;

    b->cells = arena_calloc(b->a, max, sizeof(*b->cells));
    b->first_cell = arena_calloc(b->a, b->n_intervals + 1, sizeof(*b->first_cell));
    b->size = arena_calloc(b->a, max, sizeof(uint32_t));
    b->taken = arena_calloc(b->a, max, sizeof(uint32_t));
    b->target = arena_calloc(b->a, max, sizeof(uint32_t));
    b->members = arena_calloc(b->a, max, sizeof(uint32_t));
    if (!b->cells || !b->first_cell || !b->size || !b->taken || !b->target || !b->members)
        return -ENOMEM;
    for (uint32_t cp = 0; cp < 128; cp++)
        add_cell(b, cp, cp, unicode_props(cp));
    for (uint32_t i = 0; i < b->n_intervals; i++) {
        uint32_t hi = i + 1 < b->n_intervals ? b->starts[i + 1] - 1 : CP_MAX;

        b->first_cell[i] = b->n_cells;
        add_interval_cells(b, b->starts[i], hi);
    }
    b->first_cell[b->n_intervals] = b->n_cells;
    b->size[0] = b->n_cells;
    b->n_classes = 1;
    return 0;
}

/* The interval that holds cp (cp >= 128). */
static uint32_t interval_of(const uint32_t *starts, uint32_t n, uint32_t cp)
{
    uint32_t lo = 0, hi = n;

    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (starts[mid] <= cp)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static uint32_t list_range(const builder *b, const regex_range *r, uint32_t n)
{
    for (uint32_t cp = r->lo; cp < 128 && cp <= r->hi; cp++)
        b->members[n++] = cp;
    if (r->hi >= 128) {
        uint32_t i = interval_of(b->starts, b->n_intervals, r->lo < 128 ? 128 : r->lo);

        for (; i < b->n_intervals && b->starts[i] <= r->hi; i++) {
            for (uint32_t c = b->first_cell[i]; c < b->first_cell[i + 1]; c++)
                b->members[n++] = c;
        }
    }
    return n;
}

static bool range_has(const charset *set, uint32_t cp)
{
    uint32_t lo = 0, hi = set->n_ranges;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (cp < set->ranges[mid].lo)
            hi = mid;
        else if (cp > set->ranges[mid].hi)
            lo = mid + 1;
        else
            return true;
    }
    return false;
}

/* Lists the cells of the set as if it were not negated, each once. Returns how many. */
static uint32_t list_members(const builder *b, const charset *set)
{
    uint32_t n = 0;

    for (uint32_t r = 0; r < set->n_ranges; r++)
        n = list_range(b, &set->ranges[r], n);
    if (set->categories) {
        for (uint32_t c = 0; c < b->n_cells; c++) {
            if (categories_have(set->categories, b->cells[c].props) &&
                !range_has(set, b->cells[c].lo))
                b->members[n++] = c;
        }
    }
    return n;
}

/* Split each class that holds both members and others. */
static void refine(builder *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        b->taken[b->cells[b->members[i]].class]++;
    for (uint32_t i = 0; i < n; i++) {
        cell *c = &b->cells[b->members[i]];
        uint32_t from = c->class;

        if (b->taken[from] == 0 || b->taken[from] == b->size[from])
            continue;
        if (b->target[from] == 0)
            b->target[from] = b->n_classes++;
        c->class = b->target[from];
        b->size[c->class]++;
    }
    /* the sizes of the split classes, and the notes, are put right in a second pass */
    for (uint32_t k = 0; k < b->n_classes; k++) {
        if (b->target[k])
            b->size[k] -= b->taken[k];
        b->taken[k] = b->target[k] = 0;
    }
}

static bool cell_has_mark(const cell *c, unsigned mark)
{
    switch (mark) {
    case CLASS_NEWLINE:
        return c->lo == '\n';
    case CLASS_WORD:
        return c->props & UNICODE_WORD;
    default:
        return c->lo < 128 && (c->props & UNICODE_WORD);
    }
}

static void refine_by_mark(builder *b, unsigned mark)
{
    uint32_t n = 0;

    for (uint32_t c = 0; c < b->n_cells; c++) {
        if (cell_has_mark(&b->cells[c], mark))
            b->members[n++] = c;
    }
    refine(b, n);
}

/* Number the classes anew so that the ASCII ones come first and fit a byte. */
static void renumber(builder *b)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < b->n_classes; k++)
        b->target[k] = UINT32_MAX;
    for (uint32_t c = 0; c < b->n_cells; c++) {
        uint32_t *to = &b->target[b->cells[c].class];

        if (*to == UINT32_MAX)
            *to = n++;
        b->cells[c].class = *to;
    }
}

static uint8_t flags_of(const cell *c, unsigned marks)
{
    uint8_t flags = 0;

    for (unsigned mark = CLASS_NEWLINE; mark <= CLASS_WORD_ASCII; mark <<= 1) {
        if ((marks & mark) && cell_has_mark(c, mark))
            flags |= (uint8_t)mark;
    }
    return flags;
}

static void fill_row(const builder *b, uint32_t interval, uint16_t row[ALPHABET_KINDS])
{
    uint32_t first = b->first_cell[interval], n = b->first_cell[interval + 1] - first;

    for (unsigned k = 0; k < ALPHABET_KINDS; k++)
        row[k] = (uint16_t)b->cells[n == 1 ? first : first + k].class;
}

/* Neighbours with equal rows become one interval. */
static int write_alphabet(builder *b, unsigned marks, alphabet *ret)
{
    uint16_t(*rows)[ALPHABET_KINDS] = arena_calloc(b->a, b->n_intervals, sizeof(*rows));
    uint32_t *starts = arena_calloc(b->a, b->n_intervals, sizeof(*starts));
    uint8_t *flags = arena_calloc(b->a, b->n_classes, 1);
    uint32_t n = 0;

    if (!rows || !starts || !flags)
        return -ENOMEM;
    *ret = (alphabet){.n_classes = b->n_classes};
    for (uint32_t c = 0; c < b->n_cells; c++)
        flags[b->cells[c].class] = flags_of(&b->cells[c], marks);
    for (uint32_t cp = 0; cp < 128; cp++)
        ret->ascii[cp] = (uint8_t)b->cells[cp].class;
    for (uint32_t i = 0; i < b->n_intervals; i++) {
        fill_row(b, i, rows[n]);
        if (n > 0 && memcmp(rows[n], rows[n - 1], sizeof(rows[n])) == 0)
            continue;
        for (unsigned k = 1; k < ALPHABET_KINDS; k++)
            ret->by_kind |= rows[n][k] != rows[n][0];
        starts[n++] = b->starts[i];
    }
    ret->n_intervals = n;
    ret->starts = starts;
    ret->rows = (const uint16_t(*)[ALPHABET_KINDS])rows;
    ret->flags = flags;
    return 0;
}

/* Classes are uniform, so any member cell speaks for its class. */
static void mark_classes(const builder *b, const charset *set, uint64_t *row)
{
    uint32_t n = list_members(b, set);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = b->cells[b->members[i]].class;

        row[k / 64] |= 1ull << (k % 64);
    }
    if (!set->negated)
        return;
    for (uint32_t k = 0; k < b->n_classes; k++)
        row[k / 64] ^= 1ull << (k % 64);
}

int alphabet_build(const charset *sets, size_t n, unsigned marks, arena *a, alphabet *ret,
                   const uint64_t **ret_members)
{
    builder b = {.a = a, .by_kind = marks & CLASS_WORD};
    uint64_t *members;
    size_t words;
    int rc;

    for (size_t i = 0; i < n; i++)
        b.by_kind |= sets[i].categories != 0;
    rc = cut_intervals(&b, sets, n);
    if (rc == 0)
        rc = make_cells(&b);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        refine(&b, list_members(&b, &sets[i]));
    for (unsigned mark = CLASS_NEWLINE; mark <= CLASS_WORD_ASCII; mark <<= 1) {
        if (marks & mark)
            refine_by_mark(&b, mark);
    }
    if (b.n_classes > CLASSES_MAX)
        return TTP_E_LIMIT;
    renumber(&b);
    words = (b.n_classes + 63) / 64;
    members = arena_calloc(a, n * words + 1, sizeof(*members));
    if (!members)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        mark_classes(&b, &sets[i], members + i * words);
    *ret_members = members;
    return write_alphabet(&b, marks, ret);
}

uint32_t alphabet_class_above(const alphabet *al, uint32_t cp)
{
    uint32_t i = interval_of(al->starts, al->n_intervals, cp);

    return al->rows[i][al->by_kind ? kind_of(unicode_props(cp)) : 0];
}
