/* SPDX-License-Identifier: Apache-2.0 */
#include "event/reader.h"

#include "reading.h"

#include "base/limits.h"

#include <errno.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#define E(id) "{\"source_kind\": \"command\", \"source_id\": \"" id "\", \"payload\": {}}"
#define C "{\"eventid\": \"cowrie.log.open\", \"timestamp\": \"2026-07-10T01:01:37.082718Z\"}"
#define T(literal) literal, sizeof(literal) - 1

static const struct {
    const char *says, *text;
    size_t len;
    int want; /* of opening or else reading */
    const char *events, *complaints;
    unsigned lines, blank, taggable, not_taggable, bad, noted;
} cases[] = {
    {"events", T(E("a") "\n" E("b") "\n"), TTP_E_END, "command a {}\ncommand b {}\n", "", 2, 0, 2,
     0, 0, 0},
    {"Cowrie", T(C "\n" C "\n"), TTP_E_END, "", "", 2, 0, 0, 2, 0, 0},
    {"nothing", T(""), TTP_E_END, "", "", 0, 0, 0, 0, 0, 0},
    {"blank lines alone", T("\n \t\r\n\n"), TTP_E_END, "", "", 3, 3, 0, 0, 0, 0},
    {"no newline at the end", T(E("a")), TTP_E_END, "command a {}\n", "", 1, 0, 1, 0, 0, 0},
    {"half a last line", T(E("a") "\n{\"source_kind\": \"com"), TTP_E_END, "command a {}\n",
     "2 bad cut off: the input ends in the middle of a line (a string has no closing quote)\n", 2,
     0, 1, 0, 1, 0},
    {"a brace as the last line", T(E("a") "\n{"), TTP_E_END, "command a {}\n",
     "2 bad cut off: the input ends in the middle of a line (not well-formed JSON, or something "
     "stands behind its end)\n",
     2, 0, 1, 0, 1, 0},
    {"what is before the format is known counts, too", T("\nx\n{}\n" E("a") "\n"), TTP_E_END,
     "command a {}\n",
     "2 bad not JSON: not well-formed JSON, or something stands behind its end\n"
     "3 bad neither eventid nor source_kind\n",
     4, 1, 1, 0, 2, 0},
    {"garbage behind an object", T(E("a") "\n" E("b") " x\n"), TTP_E_END, "command a {}\n",
     "2 bad not JSON: not well-formed JSON, or something stands behind its end\n", 2, 0, 1, 0, 1,
     0},
    {"two objects on a line", T(E("a") "\n" E("b") E("c") "\n"), TTP_E_END, "command a {}\n",
     "2 bad not JSON: not well-formed JSON, or something stands behind its end\n", 2, 0, 1, 0, 1,
     0},
    {"NaN", T(E("a") "\n{\"source_kind\": NaN}\n"), TTP_E_END, "command a {}\n",
     "2 bad not JSON: not well-formed JSON, or something stands behind its end\n", 2, 0, 1, 0, 1,
     0},
    {"no object", T(E("a") "\n7\n\"x\"\n"), TTP_E_END, "command a {}\n",
     "2 bad not a JSON object\n3 bad not a JSON object\n", 3, 0, 1, 0, 2, 0},
    {"an event with a wrong type", T(E("a") "\n{\"source_kind\": \"x\", \"source_id\": 1}\n"),
     TTP_E_END, "command a {}\n", "2 bad source_id must be a string that is not empty\n", 2, 0, 1,
     0, 1, 0},
    {"a lone surrogate",
     T("{\"source_kind\": \"command\", \"source_id\": \"\\ud800\", \"payload\": {}}\n"), TTP_E_END,
     "command \xef\xbf\xbd {}\n",
     "1 odd a lone surrogate (\\ud800 and its like) is read as U+FFFD\n", 1, 0, 1, 0, 0, 1},
    {"bad UTF-8", T("{\"source_kind\": \"command\", \"source_id\": \"\xff\", \"payload\": {}}\n"),
     TTP_E_END, "command \xef\xbf\xbd {}\n",
     "1 odd bytes that are not UTF-8; each is read as U+FFFD\n", 1, 0, 1, 0, 0, 1},
    {"duplicate keys",
     T("{\"source_kind\": \"x\", \"source_kind\": \"command\", \"source_id\": \"a\", \"payload\": "
       "{}}\n"),
     TTP_E_END, "command a {}\n", "1 odd an object holds a key twice; the last one counts\n", 1, 0,
     1, 0, 0, 1},
    {"two oddities in one line count it once",
     T("{\"source_kind\": \"\\ud800\", \"source_kind\": \"command\", \"source_id\": \"a\", "
       "\"payload\": {}}\n"),
     TTP_E_END, "command a {}\n",
     "1 odd a lone surrogate (\\ud800 and its like) is read as U+FFFD\n"
     "1 odd an object holds a key twice; the last one counts\n",
     1, 0, 1, 0, 0, 1},
    {"NULs before a line", T(E("a") "\n\0\0" E("b") "\n"), TTP_E_END,
     "command a {}\ncommand b {}\n", "2 odd 2 NUL bytes before the line are passed over\n", 2, 0, 2,
     0, 0, 1},
    {"NULs as the last line", T(E("a") "\n\0\0"), TTP_E_END, "command a {}\n",
     "2 odd 2 NUL bytes before the line are passed over\n", 2, 1, 1, 0, 0, 1},
    {"an array", T("[\n" E("a") ",\n" E("b") "\n]\n"), TTP_E_END, "command a {}\ncommand b {}\n",
     "", 2, 0, 2, 0, 0, 0},
    {"an array with a bad element", T("[" E("a") ", 1, {\"x\": tru}, " E("b") "]"), TTP_E_END,
     "command a {}\ncommand b {}\n",
     "1 bad not a JSON object\n"
     "1 bad not JSON: an unknown word; expected true, false or null\n",
     4, 0, 2, 0, 2, 0},
    {"an array cut off", T("[" E("a") ",\n{\"source_ki"), TTP_E_END, "command a {}\n",
     "2 bad cut off: the input ends in the middle of a line (a string has no closing quote)\n", 2,
     0, 1, 0, 1, 0},
    {"an array left open", T("[" E("a") ",\n"), TTP_E_END, "command a {}\n",
     "2 bad cut off: the input ends inside of an array\n", 2, 0, 1, 0, 1, 0},
    {"text that is no JSON", T("hello\n"), TTP_E_INVALID, "",
     "1 bad not JSON: not well-formed JSON, or something stands behind its end\n", 1, 0, 0, 0, 1,
     0},
    {"JSON of neither format", T("{\"a\": 1}\n"), TTP_E_INVALID, "",
     "1 bad neither eventid nor source_kind\n", 1, 0, 0, 0, 1, 0},
    {"an eventid of another program", T("{\"eventid\": \"dionaea.x\"}\n"), TTP_E_INVALID, "",
     "1 bad neither eventid nor source_kind\n", 1, 0, 0, 0, 1, 0},
    {"a binary file", T("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0"), TTP_E_INVALID, "", "", 0,
     0, 0, 0, 0, 0},
};

static void test_account(void **state)
{
    (void)state;
    for_each_row(c, cases)
    {
        reading rd;
        const reader_stats *s;
        ttp_err err = {0};

        reading_begin(&rd, EVENT_FORMAT_AUTO);
        expect_int(c->says, reading_text(&rd, "log", c->text, c->len, &err), c->want);
        expect_true(c->says,
                    c->want == TTP_E_END || (err.text[0] && strcmp(err.where, "log") == 0));
        expect_str(c->says, buf_str(&rd.events), c->events);
        expect_str(c->says, buf_str(&rd.complaints), c->complaints);
        s = reader_get_stats(rd.r);
        expect_int(c->says, s->lines, c->lines);
        expect_int(c->says, s->blank, c->blank);
        expect_int(c->says, s->taggable, c->taggable);
        expect_int(c->says, s->not_taggable, c->not_taggable);
        expect_int(c->says, s->bad, c->bad);
        expect_int(c->says, s->noted, c->noted);
        expect_sums(c->says, rd.r);
        expect_int(c->says, reader_next(rd.r, &(const event *){NULL}, NULL), TTP_E_END);
        reading_end(&rd);
    }
    end_rows();
}

static void test_unknown(void **state)
{
    static const struct {
        const char *says, *line, *error;
    } rows[] = {
        {"a long text", "hello\n", "none of the first lines is a JSON object; expected"},
        {"long JSON", "{}\n", "none of the first lines is of a known format; expected"},
    };

    (void)state;
    for_each_row(c, rows)
    {
        buf b = {0};
        reading rd;
        ttp_err err;

        for (int i = 0; i < 1000; i++)
            buf_put_c(&b, c->line);
        reading_begin(&rd, EVENT_FORMAT_AUTO);
        expect_int(c->says, reader_open_memory(rd.r, "log", b.ptr, b.len, &err), TTP_E_INVALID);
        expect_true(c->says, strncmp(err.text, c->error, strlen(c->error)) == 0);
        expect_true(c->says, strstr(err.text, "source_kind") && strstr(err.text, "eventid"));
        expect_true("is given up soon", reader_get_stats(rd.r)->lines < 100);
        expect_int("the next file", reading_text(&rd, "next", T(E("a")), NULL), TTP_E_END);
        expect_str("is read", buf_str(&rd.events), "command a {}\n");
        reading_end(&rd);
        buf_done(&b);
    }
    end_rows();
}

static void test_given_format(void **state)
{
    reading rd;

    (void)state;
    reading_begin(&rd, EVENT_FORMAT_EVENT);
    expect_int("reads", reading_text(&rd, "log", T(C "\n" E("a") "\n"), NULL), TTP_E_END);
    expect_str("what is of the format", buf_str(&rd.events), "command a {}\n");
    expect_str("and refuses the rest", buf_str(&rd.complaints),
               "1 bad no source_kind; an event needs one\n");
    reading_end(&rd);
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    expect_int("reads", reading_text(&rd, "log", T(C "\n" E("a") "\n"), NULL), TTP_E_END);
    expect_str("the other, too", buf_str(&rd.complaints),
               "2 bad no eventid; every line of a Cowrie log has one\n");
    reading_end(&rd);
    end_rows();
}

static void test_each_file_its_format(void **state)
{
    reading rd;

    (void)state;
    reading_begin(&rd, EVENT_FORMAT_AUTO);
    (void)reading_text(&rd, "one", T(C "\n"), NULL);      /* the account tells */
    (void)reading_text(&rd, "two", T(E("a") "\n"), NULL); /* the account tells */
    expect_int("Cowrie", reader_get_stats(rd.r)->not_taggable, 1);
    expect_int("events", reader_get_stats(rd.r)->taggable, 1);
    expect_int("files", reader_get_stats(rd.r)->files, 2);
    expect_int("bytes", reader_get_stats(rd.r)->bytes, sizeof(C E("a")) + 1);
    reading_end(&rd);
    end_rows();
}

static void test_few_complaints(void **state)
{
    buf b = {0};
    reading rd;
    unsigned n = 0;

    (void)state;
    buf_put_c(&b, E("a") "\n");
    for (int i = 0; i < 100; i++)
        buf_put_c(&b, "x\n7\n");
    reading_begin(&rd, EVENT_FORMAT_AUTO);
    (void)reading_text(&rd, "log", b.ptr, b.len, NULL); /* the account tells */
    for (size_t i = 0; i < rd.complaints.len; i++)
        n += rd.complaints.ptr[i] == '\n';
    expect_int("a few of each kind", n, 2 * READER_COMPLAINTS_MAX);
    expect_int("all are counted", reader_get_stats(rd.r)->bad, 200);
    expect_sums("by reason", rd.r);
    reading_end(&rd);
    buf_done(&b);
    end_rows();
}

static void test_limits(void **state)
{
    static const struct {
        const char *says;
        unsigned depth;
        size_t n_values, len;
        unsigned want_bad;
    } rows[] = {
        {"deep", JSON_DEPTH_MAX - 3, 0, 0, 0},
        {"too deep", JSON_DEPTH_MAX + 1, 0, 0, 1},
        {"far too deep", 100000, 0, 0, 1},
        {"many values", 1, JSON_NODES_MAX - 100, 0, 0},
        {"too many values", 1, JSON_NODES_MAX + 1, 0, 1},
        {"long", 1, 0, TTP_EVENT_MAX - 100, 0},
        {"too long", 1, 0, TTP_EVENT_MAX + 1, 1},
        {"fifty megabytes", 1, 0, 50u << 20, 1},
    };
    reading rd;
    buf b = {0};

    (void)state;
    for_each_row(c, rows)
    {
        buf_clear(&b);
        buf_put_c(&b, E("a") "\n");
        buf_put_c(&b, "{\"source_kind\": \"x\", \"source_id\": \"1\", \"payload\": {\"a\": ");
        for (unsigned i = 0; i < c->depth; i++)
            buf_put_char(&b, '[');
        buf_put_c(&b, "\"");
        for (size_t i = 0; i < c->len; i++)
            buf_put_char(&b, 'x');
        buf_put_c(&b, "\"");
        for (size_t i = 0; i < c->n_values; i++)
            buf_put_c(&b, ",1");
        for (unsigned i = 0; i < c->depth; i++)
            buf_put_char(&b, ']');
        buf_put_c(&b, "}}\n" E("b") "\n");
        reading_begin(&rd, EVENT_FORMAT_AUTO);
        expect_int(c->says, reader_open_memory(rd.r, "log", b.ptr, b.len, NULL), 0);
        for (const event *e; reader_next(rd.r, &e, NULL) == 0;)
            ;
        expect_int(c->says, reader_get_stats(rd.r)->bad, c->want_bad);
        expect_int("the rest is read", reader_get_stats(rd.r)->events, 3 - c->want_bad);
        expect_sums(c->says, rd.r);
        reading_end(&rd);
    }
    buf_done(&b);
    end_rows();
}

static void test_open_errors(void **state)
{
    reading rd;
    ttp_err err;
    const event *e;

    (void)state;
    reading_begin(&rd, EVENT_FORMAT_AUTO);
    expect_int("before any file", reader_next(rd.r, &e, &err), TTP_E_END);
    expect_int("no such file", reader_open(rd.r, "/nonexistent", &err), -ENOENT);
    expect_int("a directory", reader_open(rd.r, "/", &err), -EISDIR);
    expect_int("then there is none", reader_next(rd.r, &e, &err), TTP_E_END);
    expect_int("nor an event at the end", reader_finish(rd.r, &e, &err), TTP_E_END);
    reading_end(&rd);
    expect_true("freeing nothing", !reader_free(NULL));
    end_rows();
}

#ifdef HAVE_ZLIB
static void test_truncated_gzip(void **state)
{
    char path[] = "/tmp/ttp-test-reader-XXXXXX";
    int fd = mkstemp(path);
    gzFile gz;
    reading rd;
    ttp_err err;
    uint64_t done, total, bytes;

    (void)state;
    assert_true(fd >= 0);
    gz = gzdopen(dup(fd), "wb");
    for (int i = 0; i < 20000; i++)
        gzprintf(gz, "{\"source_kind\": \"command\", \"source_id\": \"%d\", \"payload\": {}}\n", i);
    gzclose(gz);
    bytes = (uint64_t)lseek(fd, 0, SEEK_END) - 100;
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    close(fd);

    reading_begin(&rd, EVENT_FORMAT_AUTO);
    expect_int("it opens", reader_open(rd.r, path, &err), 0);
    reader_progress(rd.r, &done, &total);
    expect_int("its size is known", total, bytes);
    expect_int("the end is damaged", reading_rest(&rd, &err), -EBADMSG);
    expect_c("it is told where", err.where, path);
    expect_true("by line", err.line > 10000);
    expect_true("what came before is read", reader_get_stats(rd.r)->events > 10000);
    expect_int("of the file", reader_get_stats(rd.r)->bytes, bytes);
    expect_sums("the line cut off is bad", rd.r);
    reading_end(&rd);
    unlink(path);
    end_rows();
}
#else
static void test_truncated_gzip(void **state)
{
    (void)state;
    print_message("SKIP: built without zlib\n");
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account),        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_given_format),   cmocka_unit_test(test_each_file_its_format),
        cmocka_unit_test(test_few_complaints), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_open_errors),    cmocka_unit_test(test_truncated_gzip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
