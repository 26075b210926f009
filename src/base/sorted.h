/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H
/* Search in what is kept sorted by a text, in the order of strcmp. */
#include <stdbool.h>
#include <stddef.h>

typedef const char *(*sorted_key)(const void *items, size_t i); /* of items[i] */

/* Where key is among n items (*ret_found), or where it belongs. */
size_t sorted_place(const void *items, size_t n, sorted_key key_of, const char *key,
                    bool *ret_found);

#endif
