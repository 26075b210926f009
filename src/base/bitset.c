/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bitset.h"

#include <string.h>

/* sets of this size and below are sorted by insertion, larger ones by the library */
#define INSERTION_MAX 16

int bitset_begin(bitset *s, size_t n)
{
    size_t cap_words = s->cap_words;
    int rc;

    for (size_t i = 0; i < s->n_added; i++)
        s->words[s->added[i] >> 6] = 0;
    s->n_added = 0;
    rc = mem_grow(s->words, s->cap_words, n / 64 + 1);
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

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void bitset_sort(bitset *s)
{
    if (s->n_added > INSERTION_MAX) {
        qsort(s->added, s->n_added, sizeof(*s->added), compare);
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
