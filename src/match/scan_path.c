/* SPDX-License-Identifier: Apache-2.0 */
#include "match/scan_path.h"

#include <string.h>

#define BUCKETS 8u /* of a group: the bits of a byte */
#define WINDOWS_PER_GROUP 16u

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

const scan_path *scan_path_best(void)
{
    size_t i = 0;

    while (!scan_paths[i]->is_usable())
        i++;
    return scan_paths[i];
}

/* ---- filters ---- */

static unsigned groups_for(size_t n_windows, unsigned max)
{
    size_t n = (n_windows + WINDOWS_PER_GROUP - 1) / WINDOWS_PER_GROUP;

    return n < max ? (unsigned)n : max;
}

void scan_filter_begin(scan_filter *f, size_t n_short, size_t n_four)
{
    f->n_plain = groups_for(n_short, FILTER_PLAIN_MAX);
    f->n_hashed = groups_for(n_four, FILTER_HASHED_MAX);
    for (unsigned i = 0; i < 128; i++)
        f->second[i] = (uint8_t)(i * 45 % 128); /* odd: each value once */
}

/* Any number to one below n. */
static unsigned spread(uint32_t v, unsigned n)
{
    return (unsigned)((uint64_t)(v * 0x9E3779B1u) * n >> 32);
}

static void add_plain(scan_filter *f, const filter_window *w)
{
    unsigned bucket = spread(w->bytes[0], f->n_plain * BUCKETS);
    uint8_t(*t)[128] = f->plain[bucket / BUCKETS];
    uint8_t bit = (uint8_t)(1u << bucket % BUCKETS);

    for (unsigned i = 0; i < 3; i++) {
        for (unsigned c = 0; c < 128; c++) {
            if (i < w->size ? w->bytes[i] == c
                : i == 1    ? (w->after[c / 64] >> c % 64 & 1) != 0
                            : true)
                t[i][c] |= bit;
        }
    }
}

void scan_filter_add(scan_filter *f, const filter_window *w)
{
    unsigned hash[3], bucket;

    if (w->size < FILTER_WINDOW) {
        add_plain(f, w);
        return;
    }
    for (unsigned i = 0; i < 3; i++)
        hash[i] = w->bytes[i] ^ f->second[w->bytes[i + 1]];
    /* windows of a bucket have few first hashes, so that the other two tell something */
    bucket = hash[0] * f->n_hashed * BUCKETS / 128;
    for (unsigned i = 0; i < 3; i++)
        f->hashed[bucket / BUCKETS][i][hash[i]] |= (uint8_t)(1u << bucket % BUCKETS);
}

void scan_filter_add_nibbles(scan_filter *f, const filter_window *w)
{
    uint8_t bit = (uint8_t)(1u << spread(w->bytes[0], BUCKETS));
    uint8_t(*t)[2][16] = f->nibbles[w->size < FILTER_WINDOW];

    for (unsigned i = 0; i < FILTER_WINDOW; i++) {
        for (unsigned c = 0; c < 128; c++) {
            if (i < w->size ? w->bytes[i] == c
                : i == 1    ? (w->after[c / 64] >> c % 64 & 1) != 0
                            : true) {
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
