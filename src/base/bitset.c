/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bitset.h"

#include <string.h>

/* sets of this size and below are sorted by insertion, larger ones read anew from their bits; FEW
 * where those are found at once */
#define INSERTION_MAX 16
#define FEW 4
/* a set's words, 64 in each of these, that are looked at only where something was added */
#define USED_WORDS_MAX 64

int bitset_renew(bitset *s, size_t n)
{
    size_t cap_words = s->cap_words;
    int rc;

    for (size_t i = 0; i < s->n_added; i++)
        s->words[s->added[i] >> 6] = 0;
    s->n_added = 0;
    s->n_words = n / 64 + 1;
    rc = mem_grow(s->words, s->cap_words, s->n_words);
    if (s->cap_words > cap_words)
        memset(s->words + cap_words, 0, (s->cap_words - cap_words) * sizeof(*s->words));
    return rc ? rc : mem_grow(s->added, s->cap_added, n + 1);
}

void bitset_done(bitset *s)
{
    free(s->words);
    free(s->added);
    *s = (bitset){0};
}

static void read_bits(bitset *s)
{
    size_t n = 0;

    for (size_t w = 0; w < s->n_words; w++) {
        for (uint64_t bits = s->words[w]; bits; bits &= bits - 1)
            s->added[n++] = (uint32_t)(w * 64 + (unsigned)__builtin_ctzll(bits));
    }
}

/* Bits that say which words are not empty: few are looked at, and nothing is compared. */
static void read_used_words(bitset *s)
{
    uint64_t used[USED_WORDS_MAX];
    size_t n_used = s->n_words / 64 + 1, n = 0;

    memset(used, 0, n_used * sizeof(*used));
    for (size_t i = 0; i < s->n_added; i++)
        used[s->added[i] >> 12] |= 1ull << (s->added[i] >> 6 & 63);
    for (size_t u = 0; u < n_used; u++) {
        for (uint64_t words = used[u]; words; words &= words - 1) {
            size_t w = u * 64 + (unsigned)__builtin_ctzll(words);

            for (uint64_t bits = s->words[w]; bits; bits &= bits - 1)
                s->added[n++] = (uint32_t)(w * 64 + (unsigned)__builtin_ctzll(bits));
        }
    }
}

static void insert_each(bitset *s)
{
    for (size_t i = 1; i < s->n_added; i++) {
        uint32_t v = s->added[i];
        size_t at = i;

        for (; at > 0 && s->added[at - 1] > v; at--)
            s->added[at] = s->added[at - 1];
        s->added[at] = v;
    }
}

void bitset_sort(bitset *s)
{
    bool is_small = s->n_words / 64 < USED_WORDS_MAX;

    if (s->n_added <= (is_small ? FEW : INSERTION_MAX))
        insert_each(s);
    else if (is_small)
        read_used_words(s);
    else
        read_bits(s);
}
