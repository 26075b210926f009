/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The n-th allocation fails, and all after it: this program's malloc, calloc and realloc stand
 * before libc's. Not with AddressSanitizer, which needs that place itself.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define CAN_FAIL_ALLOCATIONS 0
#endif
#endif
#ifndef CAN_FAIL_ALLOCATIONS
#define CAN_FAIL_ALLOCATIONS 1
#endif

static long allocations_left = -1; /* -1: never fail */

#if CAN_FAIL_ALLOCATIONS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static inline int allocation_fails(void)
{
    if (allocations_left < 0 || allocations_left-- > 0)
        return 0;
    allocations_left = 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return allocation_fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return allocation_fails() ? NULL : __libc_realloc(p, size);
}
#endif

/* Let n more allocations succeed; -1: all. */
static inline void fail_allocations_after(long n)
{
    allocations_left = n;
}
