/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Ownership by scope: auto_free(T) frees on every path out, take() marks a hand-over.
 *
 *     auto_free(rule) rule *r = NULL;   calls rule_free_ptr(&r)
 *     *ret_rule = take(r);              r is NULL from here
 */
#include <stddef.h>
#include <stdlib.h>

#define auto_free(name) __attribute__((cleanup(name##_free_ptr)))

/* Defines name_free_ptr for auto_free(name) from a function that ends one object. */
#define DEFINE_FREE_PTR(name, type, end)                                                           \
    static inline void name##_free_ptr(type *p)                                                    \
    {                                                                                              \
        if (*p)                                                                                    \
            (void)end(*p); /* enders return nothing, or NULL by convention */                      \
    }

#define take(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

static inline void mem_free_ptr(void *p)
{
    free(*(void **)p);
}

/*
 * Make room for n elements of size bytes in *array (capacity *cap elements), growing by half.
 * Returns 0 or -ENOMEM; on failure the array is as it was.
 */
int mem_reserve(void **array, size_t *cap, size_t n, size_t size);
#define mem_grow(array, cap, n)                                                                    \
    ({                                                                                             \
        size_t wanted_ = (n);                                                                      \
        wanted_ <= (cap) ? 0 : mem_reserve((void **)&(array), &(cap), wanted_, sizeof(*(array)));  \
    })
