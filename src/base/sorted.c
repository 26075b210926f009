/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sorted.h"

#include <string.h>

size_t sorted_place(const void *items, size_t n, sorted_key key_of, const char *key,
                    bool *ret_found)
{
    size_t from = 0, to = n;

    if (n && strcmp(key_of(items, n - 1), key) < 0)
        from = n; /* as where keys come in order */
    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (strcmp(key_of(items, mid), key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    *ret_found = from < n && strcmp(key_of(items, from), key) == 0;
    return from;
}
