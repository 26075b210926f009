/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Table-driven tests over cmocka: a failing row prints what it says, what came and what was wanted,
 * and the next row still runs; the test fails at its end.
 *
 *     static void test_parse(void **state)
 *     {
 *         (void)state;
 *         for_each_row (c, cases)
 *             expect_int(c->says, parse(c->text), c->want);
 *         end_rows();
 *     }
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static unsigned n_bad_rows;

#define for_each_row(row, table)                                                                   \
    for (__typeof__(&(table)[0]) row = (table);                                                    \
         row < (table) + sizeof(table) / sizeof((table)[0]); row++)

#define expect_int(says, got, want)                                                                \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_) {                                                                       \
            n_bad_rows++;                                                                          \
            print_error("%s:%d: %s\n  got  %lld\n  want %lld\n", __FILE__, __LINE__, (says), got_, \
                        want_);                                                                    \
        }                                                                                          \
    } while (0)

#define expect_true(says, cond)                                                                    \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            n_bad_rows++;                                                                          \
            print_error("%s:%d: %s\n  is not so: %s\n", __FILE__, __LINE__, (says), #cond);        \
        }                                                                                          \
    } while (0)

/* got: pointer and length; want: a C string */
#define expect_bytes(says, got, got_len, want)                                                     \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        size_t len_ = (got_len);                                                                   \
        if (!got_ || len_ != strlen(want_) || memcmp(got_, want_, len_) != 0) {                    \
            n_bad_rows++;                                                                          \
            print_error("%s:%d: %s\n  got  %.*s\n  want %s\n", __FILE__, __LINE__, (says),         \
                        (int)(got_ ? len_ : 6), got_ ? got_ : "(null)", want_);                    \
        }                                                                                          \
    } while (0)

#define expect_str(says, got, want) expect_bytes(says, (got).ptr, (got).len, want)
#define expect_c(says, got, want) expect_bytes(says, got, (got) ? strlen(got) : 0, want)

static inline void end_rows(void)
{
    unsigned n = n_bad_rows;

    n_bad_rows = 0;
    if (n)
        fail_msg("%u checks failed", n);
}
