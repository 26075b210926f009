/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Instants are microseconds since 1970-01-01T00:00:00Z, UTC, in an int64_t named ..._us. */
#include "base/str.h"

#include <stdint.h>

#define TIME_NONE INT64_MIN
#define TIME_TEXT_LEN 27 /* 2026-07-10T01:01:37.082718Z */

/*
 * Read YYYY-MM-DD(T| )HH:MM:SS[.f{1,9}][Z|+HH:MM|-HH:MM|+HHMM]; no zone means UTC; leap second 60
 * is read as 59. Returns 0 or TTP_E_SYNTAX.
 */
int time_parse(str text, int64_t *ret_us);
/* YYYY-MM-DDTHH:MM:SS.ffffffZ; out is not NUL-terminated. Years 1 to 9999, else clamped. */
void time_format(int64_t us, char out[TIME_TEXT_LEN]);
/* YYYY-MM-DD HH:MM:SS.ffffff, as the database has it; 26 characters. */
void time_format_sql(int64_t us, char out[26]);
/* The wall clock. */
int64_t time_now_us(void);
/* The same to the kernel's tick (a few milliseconds), for a fifth of the price. */
int64_t time_now_coarse_us(void);
/* A clock that never goes back, for durations; nanoseconds. */
int64_t time_monotonic_ns(void);
