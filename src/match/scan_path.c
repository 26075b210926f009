/* SPDX-License-Identifier: Apache-2.0 */
#include "match/scan_path.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 8u /* of a group: the bits of a byte */
#define WINDOWS_PER_GROUP 100u
/* windows of 1 and 2 bytes, and of 3 bytes, that fill a group of plain buckets */
#define PLAIN_MAX 16u

const scan_path *const scan_paths[] = {
#if defined(__x86_64__)
    &scan_path_avx512,
    &scan_path_avx2,
#endif
#if defined(__aarch64__)
    &scan_path_neon,
#endif
    &scan_path_portable,
};
const size_t n_scan_paths = sizeof(scan_paths) / sizeof(scan_paths[0]);

/* n_scan_paths: none that is usable. */
static size_t find_named(const char *name)
{
    size_t i = 0;

    while (i < n_scan_paths &&
           !(strcmp(scan_paths[i]->name, name) == 0 && scan_paths[i]->is_usable()))
        i++;
    return i;
}

const scan_path *scan_path_named(const char *name)
{
    size_t i = find_named(name);

    return i < n_scan_paths ? scan_paths[i] : NULL;
}

const scan_path *scan_path_best(void)
{
    const char *asked = getenv(SCAN_PATH_VARIABLE);
    size_t i = asked ? find_named(asked) : n_scan_paths;

    if (i < n_scan_paths)
        return scan_paths[i];
    for (i = 0; i + 1 < n_scan_paths; i++) {
        if (scan_paths[i]->is_usable())
            return scan_paths[i];
    }
    return &scan_path_portable;
}

/* ---- filters ---- */

void scan_filter_begin(scan_filter *f, size_t n_short, size_t n_three, size_t n_four)
{
    size_t groups = (n_four + WINDOWS_PER_GROUP - 1) / WINDOWS_PER_GROUP;

    f->many_short = n_short > PLAIN_MAX;
    f->many_threes = n_three > PLAIN_MAX;
    f->n_hashed = groups < 1                   ? 1
                  : groups < FILTER_HASHED_MAX ? (unsigned)groups
                                               : FILTER_HASHED_MAX;
    for (unsigned i = 0; i < 128; i++)
        f->second[i] = (uint8_t)(i * 45 % 128); /* odd: each value once */
}

/* A bucket of 8, by the first byte. */
static unsigned bucket_of(const filter_window *w)
{
    return w->bytes[0] * 0x9E3779B1u >> 29;
}

/* May c stand i bytes behind the window's start? */
static bool takes(const filter_window *w, unsigned i, unsigned c)
{
    if (i < w->size)
        return w->bytes[i] == c;
    return w->size > 1 || i > 1 || (w->after[c / 64] >> c % 64 & 1);
}

static void add_plain(scan_filter *f, const filter_window *w)
{
    uint8_t(*t)[128] = f->plain[w->size == 3];
    uint8_t bit = (uint8_t)(1u << bucket_of(w));

    for (unsigned i = 0; i < 3; i++) {
        for (unsigned c = 0; c < 128; c++)
            t[i][c] |= takes(w, i, c) ? bit : 0;
    }
}

static void add_pairs(scan_filter *f, const filter_window *w)
{
    for (unsigned c = 0; c < 128; c++) {
        if (takes(w, 1, c))
            f->pairs[c / 8][w->bytes[0]] |= (uint8_t)(1u << c % 8);
    }
}

/* Windows of a bucket have few first hashes, so that the others tell something. */
static void add_hashed(uint8_t (*groups)[128], unsigned n_groups, unsigned n_hashes,
                       const uint8_t hashes[3])
{
    unsigned bucket = hashes[0] * n_groups * BUCKETS / 128;
    uint8_t(*t)[128] = groups + (size_t)(bucket / BUCKETS) * n_hashes;

    for (unsigned i = 0; i < n_hashes; i++)
        t[i][hashes[i]] |= (uint8_t)(1u << bucket % BUCKETS);
}

static void note_size(scan_filter *f, unsigned size)
{
    f->has_short |= size < 3;
    f->has_three |= size == 3;
    f->has_four |= size == FILTER_WINDOW;
}

void scan_filter_add(scan_filter *f, const filter_window *w)
{
    uint8_t hashes[3];

    note_size(f, w->size);
    for (unsigned i = 0; i < 3; i++)
        hashes[i] = w->bytes[i] ^ f->second[w->bytes[i + 1]];
    if (w->size == FILTER_WINDOW) {
        add_hashed(f->hashed[0], f->n_hashed, 3, hashes);
        return;
    }
    add_plain(f, w);
    if (w->size == 3)
        add_hashed(f->threes[0], FILTER_THREES, 2, hashes);
    else
        add_pairs(f, w);
}

void scan_filter_add_nibbles(scan_filter *f, const filter_window *w)
{
    uint8_t bit = (uint8_t)(1u << bucket_of(w));
    uint8_t(*t)[2][16] = f->nibbles[w->size < FILTER_WINDOW];

    note_size(f, w->size);
    for (unsigned i = 0; i < FILTER_WINDOW; i++) {
        for (unsigned c = 0; c < 128; c++) {
            if (takes(w, i, c)) {
                t[i][0][c & 15] |= bit;
                t[i][1][c >> 4] |= bit;
            }
        }
    }
}

/* ---- the path without wide instructions ---- */

static bool always(void)
{
    return true;
}

static bool fold(const char *text, size_t len, char *to)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < len; i++) {
        seen |= (unsigned char)text[i];
        to[i] = (char)(text[i] + ((unsigned char)(text[i] - 'A') < 26 ? 32 : 0));
    }
    memset(to + len, 0, FOLD_ROOM);
    return seen < 128;
}

const scan_path scan_path_portable = {.name = "portable", .is_usable = always, .fold = fold};
