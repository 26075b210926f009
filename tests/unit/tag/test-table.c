/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/tag.h"

#include "../unit.h"
#include "alloc.h"
#include "tag/text.h"
#include "tags.h"

#include <errno.h>

typedef struct fake {
    const char *tactic, *technique, *sub, *rule_name;
    unsigned count;
    int64_t event_us;
} fake;

static const fake fakes[] = {
    {"TA0007", "T1083", NULL, "file_search", 2, SAMPLE_US},
    {"TA0007", "T1082", NULL, "uname", 12, SAMPLE_US + 3600000000},
    {"TA0002", "T1059", "T1059.004", "sh", 1, TIME_NONE},
    {"TA0009", "T9999", NULL, NULL, 1, SAMPLE_US},
    {"TA9999", "T1083", NULL, NULL, 1, SAMPLE_US},
};

static str make_table(unsigned width, bool color, const fake *rows, size_t n)
{
    int fd = memory_file();
    ttp_err err = {0};
    tag_sink *s;
    str text;

    if (tag_sink_table_new(fd, NULL, width, color, &s))
        fail_msg("out of memory");
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < rows[i].count; k++) {
            tag t = sample_tag();

            t.tactic = str_from(rows[i].tactic);
            t.technique_id = str_from(rows[i].technique);
            t.sub_technique_id = str_from(rows[i].sub);
            t.rule_name = str_from(rows[i].rule_name);
            t.event_us = rows[i].event_us == TIME_NONE ? TIME_NONE : rows[i].event_us + k;
            expect_int("put", tag_sink_put(s, &t, &err), 0);
        }
    }
    expect_int("flush", tag_sink_flush(s, &err), 0);
    text = written(fd);
    (void)tag_sink_free(s);
    close(fd);
    return text;
}

static const struct {
    const char *says;
    unsigned width;
    bool color;
    size_t n_fakes;
    const char *want;
} tables[] = {
    {"everything", 0, false, 5,
     "TACTIC      TECHNIQUE  NAME                          COUNT  FIRST SEEN            "
     "LAST SEEN             CONF  TOP RULE\n"
     "Execution   T1059.004  Unix Shell                        1  -                     "
     "-                     0.85  R0015 sh\n"
     "Discovery   T1082      System Information Discovery     12  2026-07-10T02:01:37Z  "
     "2026-07-10T02:01:37Z  0.85  R0015 uname\n"
     "Discovery   T1083      File and Directory Discovery      2  2026-07-10T01:01:37Z  "
     "2026-07-10T01:01:37Z  0.85  R0015 file_search\n"
     "Collection  T9999      -                                 1  2026-07-10T01:01:37Z  "
     "2026-07-10T01:01:37Z  0.85  R0015\n"
     "TA9999      T1083      File and Directory Discovery      1  2026-07-10T01:01:37Z  "
     "2026-07-10T01:01:37Z  0.85  R0015\n"
     "\n"
     "17 tags, 4 techniques, 4 tactics, 1 rule\n"},
    {"80 columns", 80, false, 2,
     "TACTIC     TECHNIQUE  NAME            COUNT  FIRST SEEN  LAST SEEN   CONF  TOP "
     "\xE2\x80\xA6\n"
     "Discovery  T1082      System Inform\xE2\x80\xA6     12  2026-07-10  2026-07-10  0.85  "
     "R0015\n"
     "Discovery  T1083      File and Dire\xE2\x80\xA6      2  2026-07-10  2026-07-10  0.85  "
     "R0015\n"
     "\n"
     "14 tags, 2 techniques, 1 tactic, 1 rule\n"},
    {"a terminal far too small", 12, false, 1,
     "TACTIC     \xE2\x80\xA6\nDiscovery  \xE2\x80\xA6\n\n2 tags, 1 t\xE2\x80\xA6\n"},
    {"no tags", 80, false, 0, "0 tags, 0 techniques, 0 tactics, 0 rules\n"},
    {"colours", 0, true, 1,
     "\033[1mTACTIC     TECHNIQUE  NAME                          COUNT  FIRST SEEN            "
     "LAST SEEN             CONF  TOP RULE\n\033[0m"
     "\033[36mDiscovery\033[0m  T1083      File and Directory Discovery      2  "
     "2026-07-10T01:01:37Z  2026-07-10T01:01:37Z  0.85  R0015 file_search\n"
     "\n"
     "\033[1m2 tags, 1 technique, 1 tactic, 1 rule\033[0m\n"},
};

static void test_tables(void **state)
{
    (void)state;
    for_each_row(c, tables)
    {
        str text = make_table(c->width, c->color, fakes, c->n_fakes);

        expect_str(c->says, text, c->want);
        free((char *)text.ptr);
    }
    end_rows();
}

/* No line is wider than the terminal, whatever its size and whatever names there are. */
static void test_every_width(void **state)
{
    static const fake odd[] = {
        {"TA0007", "T1083", NULL,
         "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xE6\x97\xA5\xE6\x9C\xAC \xE8\xAA\x9E", 3,
         SAMPLE_US},
        {"TA0011", "T1071", "T1071.001", "a\xCC\x88o\xCC\x88 a name that is long and goes on", 2,
         SAMPLE_US},
    };

    (void)state;
    for (unsigned width = 1; width < 200; width++) {
        str text = make_table(width, false, odd, 2);
        str rest = text;

        while (rest.len) {
            const char *end = memchr(rest.ptr, '\n', rest.len);
            size_t len = (size_t)(end - rest.ptr);

            expect_true("a line fits", text_width((str){rest.ptr, len}) <= width);
            rest = (str){end + 1, rest.len - len - 1};
        }
        free((char *)text.ptr);
    }
    end_rows();
}

static const struct {
    const char *says, *name, *want;
} hostile[] = {
    {"an escape sequence", "\x1b[2J", "\\x1b[2J"},
    {"a newline", "a\nb", "a\\x0ab"},
    {"an escape of the upper half", "\xC2\x9Bm", "\\u{9b}m"},
    {"text turned round", "\xE2\x80\xAEx", "\\u{202e}x"},
    {"a bad byte", "\xFFx", "\\xffx"},
};

static void test_hostile(void **state)
{
    (void)state;
    for_each_row(c, hostile)
    {
        fake row = {"TA0007", "T1083", NULL, c->name, 1, SAMPLE_US};
        str text = make_table(0, false, &row, 1);

        expect_true(c->says, str_find(text, str_from(c->want)) != NULL);
        for (size_t i = 0; i < text.len; i++)
            expect_true(c->says, (unsigned char)text.ptr[i] >= 0x20 || text.ptr[i] == '\n');
        free((char *)text.ptr);
    }
    end_rows();
}

static void test_refused(void **state)
{
    ttp_err err = {0};
    tag t = sample_tag();
    tag_sink *s;

    (void)state;
    expect_int("new", tag_sink_table_new(1, NULL, 0, false, &s), 0);
    t.attacker_uuid = STR_NULL;
    expect_int("a tag without an anchor", tag_sink_put(s, &t, &err), TTP_E_INVALID);
    (void)tag_sink_free(s);
    end_rows();
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot be made to fail under a sanitizer\n");
        return;
    }
    for (long nth = 0; nth < 60; nth++) {
        int fd = memory_file(), rc;
        tag t = sample_tag();
        tag_sink *s = NULL;

        fail_allocations_after(nth);
        rc = tag_sink_table_new(fd, NULL, 80, true, &s);
        if (!rc)
            rc = tag_sink_put(s, &t, NULL);
        if (!rc)
            rc = tag_sink_flush(s, NULL);
        fail_allocations_after(-1);
        expect_true("it worked or said so", rc == 0 || rc == -ENOMEM);
        expect_true("a table is written whole or not at all",
                    (rc == 0) == (lseek(fd, 0, SEEK_END) > 0));
        (void)tag_sink_free(s);
        close(fd);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),    cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_hostile),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
