/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include "../unit.h"

#include "ttp/err.h"

static const struct {
    const char *says, *text;
    int want;
    const char *want_text;
} cases[] = {
    {"what Cowrie writes", "2026-07-10T01:01:37.082718Z", 0, "2026-07-10T01:01:37.082718Z"},
    {"what the database has", "2026-07-10 01:01:37.082718", 0, "2026-07-10T01:01:37.082718Z"},
    {"no fraction", "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000Z"},
    {"a short fraction", "2020-02-29T23:59:59.5Z", 0, "2020-02-29T23:59:59.500000Z"},
    {"nanoseconds are cut", "2020-01-01T00:00:00.123456789Z", 0, "2020-01-01T00:00:00.123456Z"},
    {"an offset", "2020-01-01T01:30:00+01:30", 0, "2020-01-01T00:00:00.000000Z"},
    {"an offset without colon", "2019-12-31T18:30:00-0530", 0, "2020-01-01T00:00:00.000000Z"},
    {"before 1970", "1969-12-31T23:59:59.999999Z", 0, "1969-12-31T23:59:59.999999Z"},
    {"a leap second", "2016-12-31T23:59:60Z", 0, "2016-12-31T23:59:59.000000Z"},
    {"the first day", "0001-01-01T00:00:00Z", 0, "0001-01-01T00:00:00.000000Z"},
    {"the last", "9999-12-31T23:59:59.999999Z", 0, "9999-12-31T23:59:59.999999Z"},
    {"no such day", "2021-02-29T00:00:00Z", TTP_E_SYNTAX, NULL},
    {"no such month", "2021-13-01T00:00:00Z", TTP_E_SYNTAX, NULL},
    {"no such hour", "2021-01-01T24:00:00Z", TTP_E_SYNTAX, NULL},
    {"a date alone", "2021-01-01", TTP_E_SYNTAX, NULL},
    {"nothing", "", TTP_E_SYNTAX, NULL},
    {"something behind it", "2021-01-01T00:00:00Zx", TTP_E_SYNTAX, NULL},
    {"a dot without digits", "2021-01-01T00:00:00.Z", TTP_E_SYNTAX, NULL},
    {"an offset of a hundred hours", "2021-01-01T00:00:00+99:00", TTP_E_SYNTAX, NULL},
};

static void test_parse(void **state)
{
    (void)state;
    for_each_row(c, cases)
    {
        char text[TIME_TEXT_LEN];
        int64_t us = 0;

        expect_int(c->says, time_parse(str_from(c->text), &us), c->want);
        if (c->want)
            continue;
        time_format(us, text);
        expect_bytes(c->says, text, sizeof(text), c->want_text);
    }
    end_rows();
}

static void test_every_day(void **state)
{
    char text[TIME_TEXT_LEN], sql[26];
    int64_t back;

    (void)state;
    for (int64_t day = -719162; day < 2932897; day += 7) {
        int64_t us = (day * 86400 + 3723) * 1000000 + 42;

        time_format(us, text);
        if (time_parse((str){text, sizeof(text)}, &back) || back != us)
            fail_msg("day %lld does not read back", (long long)day);
    }
    time_format_sql(0, sql);
    expect_bytes("the database's form", sql, sizeof(sql), "1970-01-01 00:00:00.000000");
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_every_day)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
