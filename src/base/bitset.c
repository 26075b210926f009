/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bitset.h"

#include <string.h>

/* sets of this size and below are sorted by insertion, larger ones read anew from their bits */
#define INSERTION_MAX 16

int bitset_begin(bitset *s, size_t n)
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

void bitset_sort(bitset *s)
{
    if (s->n_added > INSERTION_MAX) {
        read_bits(s);
        return;
    }
    for (size_t i = 1; i < s->n_added; i++) {
        uint32_t v = s->added[i];
        size_t at = i;

        for (; at > 0 && s->added[at - 1] > v; at--)
            s->added[at] = s->added[at - 1];
        s->added[at] = v;
    }
}
