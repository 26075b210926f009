/* SPDX-License-Identifier: Apache-2.0 */
#include "match/width.h"

#include "match/unicode.h"

static uint32_t add(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t times(uint32_t a, uint32_t n)
{
    uint64_t all = (uint64_t)a * n;

    return all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
}

static uint32_t least_of_kids(const regex_node *node)
{
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < node->n_kids; i++) {
        uint32_t width = regex_min_width(node->kids[i]);

        least = width < least ? width : least;
    }
    return least;
}

uint32_t regex_min_width(const regex_node *node)
{
    uint32_t sum = 0;

    switch (node->type) {
    case REGEX_CHAR:
    case REGEX_SET:
        return 1;
    case REGEX_CAT:
        for (uint32_t i = 0; i < node->n_kids; i++)
            sum = add(sum, regex_min_width(node->kids[i]));
        return sum;
    case REGEX_ALT:
        return least_of_kids(node);
    case REGEX_REPEAT:
        return node->min ? times(regex_min_width(node->kids[0]), node->min) : 0;
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return regex_min_width(node->kids[0]);
    case REGEX_COND: /* the other branch may be missing, and is empty then */
        return node->n_kids < 2 ? 0 : least_of_kids(node);
    case REGEX_EMPTY:
    case REGEX_ASSERT:
    case REGEX_LOOK:
    case REGEX_BACKREF:
        break;
    }
    return 0;
}

static uint32_t most_of_kids(const regex_node *node)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < node->n_kids; i++) {
        uint32_t width = regex_max_width(node->kids[i]);

        most = width > most ? width : most;
    }
    return most;
}

uint32_t regex_max_width(const regex_node *node)
{
    uint32_t sum = 0;

    switch (node->type) {
    case REGEX_EMPTY:
    case REGEX_ASSERT:
    case REGEX_LOOK:
        return 0;
    case REGEX_CHAR:
    case REGEX_SET:
        return 1;
    case REGEX_CAT:
        for (uint32_t i = 0; i < node->n_kids; i++)
            sum = add(sum, regex_max_width(node->kids[i]));
        return sum;
    case REGEX_ALT:
        return most_of_kids(node);
    case REGEX_REPEAT:
        return node->max == REGEX_INFINITE ? UINT32_MAX
                                           : times(regex_max_width(node->kids[0]), node->max);
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return regex_max_width(node->kids[0]);
    case REGEX_BACKREF:
    case REGEX_COND:
        break;
    }
    return UINT32_MAX;
}

static byte_set needed_by_kids(const regex_node *node, bool by_each)
{
    byte_set all = {{0, 0}};

    if (by_each && node->n_kids)
        all = (byte_set){{UINT64_MAX, UINT64_MAX}};
    for (uint32_t i = 0; i < node->n_kids; i++) {
        byte_set one = regex_needed_bytes(node->kids[i]);

        for (unsigned k = 0; k < 2; k++)
            all.bits[k] = by_each ? all.bits[k] & one.bits[k] : all.bits[k] | one.bits[k];
    }
    return all;
}

byte_set regex_needed_bytes(const regex_node *node)
{
    byte_set none = {{0, 0}};
    uint32_t c;

    switch (node->type) {
    case REGEX_CHAR:
        c = unicode_canon(node->cp);
        if (c < 128)
            none.bits[c / 64] |= 1ull << c % 64;
        return none;
    case REGEX_CAT:
        return needed_by_kids(node, false);
    case REGEX_ALT:
        return needed_by_kids(node, true);
    case REGEX_REPEAT:
        return node->min ? regex_needed_bytes(node->kids[0]) : none;
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return regex_needed_bytes(node->kids[0]);
    case REGEX_SET:
    case REGEX_COND:
    case REGEX_EMPTY:
    case REGEX_ASSERT:
    case REGEX_LOOK:
    case REGEX_BACKREF:
        break;
    }
    return none;
}
