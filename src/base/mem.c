/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <errno.h>

int mem_reserve(void **array, size_t *cap, size_t n, size_t size)
{
    size_t new_cap, bytes;
    void *p;

    if (n <= *cap)
        return 0;
    new_cap = *cap + *cap / 2;
    if (new_cap < n)
        new_cap = n;
    if (new_cap < 8)
        new_cap = 8;
    if (__builtin_mul_overflow(new_cap, size, &bytes))
        return -ENOMEM;
    p = realloc(*array, bytes);
    if (!p)
        return -ENOMEM;
    *array = p;
    *cap = new_cap;
    return 0;
}
