/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include "ttp/err.h"

#include <time.h>

#define US_PER_S 1000000

/* Days since 1970-01-01 of a proleptic Gregorian date, counted in eras of 400 years from March. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    int64_t era, days;
    unsigned year_of_era, day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = (unsigned)(year - era * 400);
    day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    days = (int64_t)year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + days - 719468;
}

static void date_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t era;
    unsigned day_of_era, year_of_era, day_of_year, shifted;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = (unsigned)(days - era * 146097);
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = (int64_t)year_of_era + era * 400 + (*ret_month <= 2);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Exactly n digits at *p, then p stands behind them. */
static bool read_digits(const char **p, const char *end, unsigned n, unsigned *ret_value)
{
    unsigned v = 0;

    if ((size_t)(end - *p) < n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        char c = *(*p)++;

        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (unsigned)(c - '0');
    }
    *ret_value = v;
    return true;
}

static bool read_char(const char **p, const char *end, const char *one_of)
{
    if (*p == end || **p == '\0' || !strchr(one_of, **p))
        return false;
    (*p)++;
    return true;
}

/* ".123456": digits beyond microseconds are dropped. */
static bool read_fraction(const char **p, const char *end, int64_t *ret_us)
{
    unsigned n = 0, us = 0;

    *ret_us = 0;
    if (!read_char(p, end, "."))
        return true;
    for (; *p < end && **p >= '0' && **p <= '9' && n < 9; (*p)++, n++)
        us = n < 6 ? us * 10 + (unsigned)(**p - '0') : us;
    for (unsigned i = n; i < 6; i++)
        us *= 10;
    *ret_us = us;
    return n > 0;
}

/* "Z", "+01:00", "-0530" or nothing. */
static bool read_zone(const char **p, const char *end, int64_t *ret_offset_s)
{
    unsigned hours, minutes = 0;
    bool west;

    *ret_offset_s = 0;
    if (*p == end || read_char(p, end, "Zz"))
        return true;
    west = **p == '-';
    if (!read_char(p, end, "+-") || !read_digits(p, end, 2, &hours))
        return false;
    (void)read_char(p, end, ":"); /* the colon may be left out */
    if (*p < end && !read_digits(p, end, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_offset_s = (int64_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

int time_parse(str text, int64_t *ret_us)
{
    const char *p = text.ptr;
    const char *end = p + text.len;
    unsigned year, month, day, hour, minute, second;
    int64_t us, offset_s, seconds;

    if (!read_digits(&p, end, 4, &year) || !read_char(&p, end, "-") ||
        !read_digits(&p, end, 2, &month) || !read_char(&p, end, "-") ||
        !read_digits(&p, end, 2, &day) || !read_char(&p, end, "Tt ") ||
        !read_digits(&p, end, 2, &hour) || !read_char(&p, end, ":") ||
        !read_digits(&p, end, 2, &minute) || !read_char(&p, end, ":") ||
        !read_digits(&p, end, 2, &second) || !read_fraction(&p, end, &us) ||
        !read_zone(&p, end, &offset_s) || p != end)
        return TTP_E_SYNTAX;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 60)
        return TTP_E_SYNTAX;
    if (second == 60)
        second = 59;
    seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *ret_us = (seconds - offset_s) * US_PER_S + us;
    return 0;
}

static char *put_digits(char *out, unsigned v, unsigned n)
{
    for (unsigned i = n; i-- > 0; v /= 10)
        out[i] = (char)('0' + v % 10);
    return out + n;
}

static char *put_date_time(char *out, int64_t us, char between)
{
    static const int64_t first = -62135596800 * US_PER_S;    /* 0001-01-01 */
    static const int64_t last = 253402300800 * US_PER_S - 1; /* 9999-12-31 */
    int64_t seconds, days, year;
    unsigned month, day, rest;

    us = us < first ? first : us > last ? last : us;
    seconds = us / US_PER_S - (us % US_PER_S < 0);
    days = seconds / 86400 - (seconds % 86400 < 0);
    rest = (unsigned)(seconds - days * 86400);
    date_from_days(days, &year, &month, &day);
    out = put_digits(out, (unsigned)year, 4);
    *out++ = '-';
    out = put_digits(out, month, 2);
    *out++ = '-';
    out = put_digits(out, day, 2);
    *out++ = between;
    out = put_digits(out, rest / 3600, 2);
    *out++ = ':';
    out = put_digits(out, rest / 60 % 60, 2);
    *out++ = ':';
    out = put_digits(out, rest % 60, 2);
    *out++ = '.';
    return put_digits(out, (unsigned)(us - seconds * US_PER_S), 6);
}

void time_format(int64_t us, char out[TIME_TEXT_LEN])
{
    *put_date_time(out, us, 'T') = 'Z';
}

void time_format_sql(int64_t us, char out[26])
{
    (void)put_date_time(out, us, ' '); /* nothing stands behind it */
}

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec ts;

    (void)clock_gettime(clock, &ts); /* cannot fail for these clocks */
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t time_now_us(void)
{
    return read_clock_us(CLOCK_REALTIME);
}

int64_t time_now_coarse_us(void)
{
    return read_clock_us(CLOCK_REALTIME_COARSE);
}

int64_t time_monotonic_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
