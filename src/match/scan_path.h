/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scan path: folds a text and marks where a window of a pattern table may begin, by the widest
 * instructions the CPU has. A path marks every place that a window stands at, and some more; what
 * stands there is looked up by the caller. Other texts than ASCII, tables of many windows, and CPUs
 * without such instructions are served by table_scan.c's own loop.
 *
 * A filter keeps bytes for each of some buckets of windows, one bit a bucket:
 *
 *     text     c0 c1 c2 c3
 *     plain    t0[c0] & t1[c1] & t2[c2]           windows of 1 and 2 bytes; of 3
 *     hashed   t0[h(c0,c1)] & t1[h(c1,c2)] & t2[h(c2,c3)]    windows of 4; of 3, but for t2
 *     pairs    a bit for each c0 and c1           windows of 1 and 2 bytes, where there are many
 *     nibbles  low_i[ci & 15] & high_i[ci >> 4] for i = 0..3, where 16 bytes are all a look-up
 * takes
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_THREES 2u /* groups */
#define FILTER_HASHED_MAX 8u
#define FILTER_WINDOW 4

/* A window that may stand anywhere: ASCII, folded. */
typedef struct filter_window {
    uint8_t bytes[FILTER_WINDOW];
    unsigned size;
    /* of a window of one byte: the ASCII characters that may follow, 0 also for the text's end */
    uint64_t after[2];
} filter_window;

typedef struct scan_filter {
    uint8_t second[128];      /* h(a, b) = a ^ second[b] */
    uint8_t plain[2][3][128]; /* [windows of 1 and 2 bytes | of 3] */
    uint8_t hashed[FILTER_HASHED_MAX][3][128];
    uint8_t threes[FILTER_THREES][2][128];    /* windows of 3, hashed */
    uint8_t pairs[16][128];                   /* [c1 / 8][c0], bit c1 % 8 */
    uint8_t nibbles[2][FILTER_WINDOW][2][16]; /* [windows of 4 | shorter][byte][low | high] */
    bool has_short, has_three, has_four;      /* windows of such sizes were added */
    bool many_short, many_threes;             /* plain tells too little */
    unsigned n_hashed;                        /* groups in use */
} scan_filter;

/*
 * Words of marks for each 64 places, by the windows' size: [0] 1 and 2 bytes, [1] 3 bytes,
 * [2] 4 bytes.
 */
#define MARKS_PER_BLOCK 3u
#define MARKS_BLOCK 64u

/* What a path may write behind the folded text, zeros. */
#define FOLD_ROOM 128u

typedef struct scan_path scan_path;
struct scan_path {
    const char *name;
    bool (*is_usable)(void);
    size_t windows_max; /* of a filter; with more of them it tells too little */
    void (*add)(scan_filter *f, const filter_window *w);
    /*
     * Fold text to to[0..len + FOLD_ROOM). False where it is not ASCII: what was written is to be
     * forgotten. Reads nothing beyond text.
     */
    bool (*fold)(const char *text, size_t len, char *to);
    /* The same, and mark all len places; bits of places beyond are zero. */
    bool (*mark)(const scan_filter *f, const char *text, size_t len, char *to, uint64_t *marks);
};

/* All that were built, usable or not, the best first; the last has no filter and is always usable.
 */
extern const scan_path *const scan_paths[];
extern const size_t n_scan_paths;

/* That of this name; NULL: none that the CPU can take. */
const scan_path *scan_path_named(const char *name);

/* The one that the environment names, for comparison, else the first that the CPU can take.
 * Threads: any. */
#define SCAN_PATH_VARIABLE "TTP_SCAN_PATH"
const scan_path *scan_path_best(void);

/*
 * A filter is zeroed storage, begun for about so many windows of 1 and 2, 3 and 4 bytes, to which
 * windows are added, more of them if need be.
 */
void scan_filter_begin(scan_filter *f, size_t n_short, size_t n_three, size_t n_four);
void scan_filter_add(scan_filter *f, const filter_window *w);
void scan_filter_add_nibbles(scan_filter *f, const filter_window *w);

extern const scan_path scan_path_portable;
#if defined(__x86_64__)
extern const scan_path scan_path_avx2, scan_path_avx512;
#endif
#if defined(__aarch64__)
extern const scan_path scan_path_neon;
#endif
