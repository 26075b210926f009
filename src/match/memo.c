/* SPDX-License-Identifier: Apache-2.0 */
#include "match/memo.h"

#include <stdlib.h>

#define RING_SIZE (1ull << 20)
#define N_BUCKETS 2048u
#define N_WAYS 4
/* what an entry takes at most, and so what is overwritten ahead of the newest */
#define ENTRY_MAX (sizeof(memo_entry) + MEMO_TEXT_MAX)
/* A trial is so many texts; where fewer than one in so many was known, so many texts pass by. */
#define TRIAL 2048u
#define WORTH_IT 8u
#define PASS_BY (16u * TRIAL)

typedef struct memo_way {
    uint64_t position;
    uint64_t hash;
} memo_way;

struct memo_bucket {
    memo_way ways[N_WAYS];
};

/* ---- the hash of a text ----
 *
 * Fast above all: who makes texts that collide gains that they are scanned. */

#define FACTOR_A 0x9E3779B97F4A7C15u
#define FACTOR_B 0xC2B2AE3D27D4EB4Fu

static inline uint64_t load(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* Both halves of the product. */
static inline uint64_t fold_product(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 1 to 15 bytes as two words, which may overlap. */
static void load_short(const char *p, size_t n, uint64_t *a, uint64_t *b)
{
    uint32_t first, last;

    if (n >= 8) {
        *a = load(p);
        *b = load(p + n - 8);
    } else if (n >= 4) {
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        *a = first;
        *b = last;
    } else {
        const unsigned char *bytes = (const unsigned char *)p;

        *a = bytes[0] | (uint64_t)bytes[n / 2] << 8;
        *b = bytes[n - 1];
    }
}

static uint64_t hash_text(str text)
{
    const char *p = text.ptr, *end = p + text.len;
    uint64_t h = text.len * FACTOR_A, g = FACTOR_B, a, b;

    for (; end - p >= 32; p += 32) {
        h = fold_product(h ^ load(p), FACTOR_A ^ load(p + 8));
        g = fold_product(g ^ load(p + 16), FACTOR_B ^ load(p + 24));
    }
    if (end - p >= 16) {
        h = fold_product(h ^ load(p), FACTOR_A ^ load(p + 8));
        p += 16;
    }
    if (p < end) {
        if (text.len >= 16) { /* together with some before them */
            a = load(end - 16);
            b = load(end - 8);
        } else {
            load_short(p, (size_t)(end - p), &a, &b);
        }
        g = fold_product(g ^ a, FACTOR_B ^ b);
    }
    return fold_product(h ^ FACTOR_B, g ^ FACTOR_A);
}

/* ---- the ring ---- */

void memo_done(memo *m)
{
    free(m->buckets);
    free(m->ring);
}

void memo_forget(memo *m)
{
    m->floor = m->head;
}

static bool make(memo *m)
{
    m->buckets = aligned_alloc(64, N_BUCKETS * sizeof(*m->buckets));
    m->ring = malloc(RING_SIZE);
    if (!m->buckets || !m->ring) {
        free(m->buckets);
        free(m->ring);
        m->buckets = NULL;
        m->ring = NULL;
        return false;
    }
    memset(m->buckets, 0, N_BUCKETS * sizeof(*m->buckets));
    m->head = m->floor = RING_SIZE; /* so that position 0 is none */
    return true;
}

bool memo_begin(memo *m, size_t text_len)
{
    if (text_len == 0 || text_len > MEMO_TEXT_MAX)
        return false;
    if (m->to_pass > 0) {
        m->to_pass--;
        return false;
    }
    if (!m->buckets && !make(m))
        return false;
    if (m->n_asked == TRIAL) {
        m->to_pass = m->n_known < TRIAL / WORTH_IT ? PASS_BY : 0;
        m->n_asked = m->n_known = 0;
    }
    m->n_asked++;
    return true;
}

static memo_entry *entry_at(const memo *m, uint64_t position)
{
    return (memo_entry *)(void *)(m->ring + position % RING_SIZE);
}

/* The next entry may begin at the ring's start, up to an entry's size from here. */
static bool is_there(const memo *m, uint64_t position)
{
    return position >= m->floor && m->head - position <= RING_SIZE - 2 * ENTRY_MAX;
}

static memo_bucket *bucket_of(const memo *m, uint64_t hash)
{
    return &m->buckets[hash % N_BUCKETS];
}

static char *text_of(memo_entry *e)
{
    return (char *)e + offsetof(memo_entry, hits) + e->n_hits * sizeof(*e->hits);
}

static bool is_of(memo_entry *e, str text)
{
    return e->text_len == text.len && memcmp(text_of(e), text.ptr, text.len) == 0;
}

static size_t index_of(const uint64_t *serials, size_t n, uint64_t serial)
{
    size_t i = 0;

    while (i < n && serials[i] != serial)
        i++;
    return i;
}

memo_entry *memo_find(memo *m, str text, const uint64_t *serials, size_t n, size_t *ret_index)
{
    const memo_way *ways;
    memo_entry *found = NULL;

    m->hash = hash_text(text);
    ways = bucket_of(m, m->hash)->ways;
    *ret_index = n;
    for (unsigned i = 0; i < N_WAYS && *ret_index; i++) {
        memo_entry *e;
        size_t s;

        if (ways[i].hash != m->hash || !is_there(m, ways[i].position))
            continue;
        e = entry_at(m, ways[i].position);
        s = index_of(serials, *ret_index, e->table);
        if (s == *ret_index || !is_of(e, text))
            continue;
        *ret_index = s;
        found = e;
    }
    m->n_known += found != NULL;
    return found;
}

static uint64_t room_at(const memo *m)
{
    uint64_t left = RING_SIZE - m->head % RING_SIZE;

    return left < ENTRY_MAX ? m->head + left : m->head; /* an entry stands in one piece */
}

memo_entry *memo_room(memo *m)
{
    return entry_at(m, room_at(m));
}

void memo_keep(memo *m, str text)
{
    uint64_t position = room_at(m);
    memo_entry *e = entry_at(m, position);
    memo_way *ways = bucket_of(m, m->hash)->ways, *oldest = ways;
    size_t size = (size_t)(text_of(e) - (char *)e) + text.len;

    e->text_len = (uint32_t)text.len;
    memcpy(text_of(e), text.ptr, text.len);
    for (unsigned i = 1; i < N_WAYS; i++) {
        if (ways[i].position < oldest->position)
            oldest = &ways[i];
    }
    *oldest = (memo_way){position, m->hash};
    m->head = position + (size + 7) / 8 * 8;
}
