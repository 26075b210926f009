/* SPDX-License-Identifier: Apache-2.0 */
#include "event/lines.h"

#include "../unit.h"

#include "base/limits.h"

#include <fcntl.h>
#include <unistd.h>

/* What came: <number>:<text>, "~" behind it where cut, "^<n>" where n NULs were stripped, "!" where
 * too long, "]" where an array was left open; one a line. */
static void show(buf *b, const line *l)
{
    buf_put_u64(b, l->number);
    buf_put_char(b, ':');
    buf_put_str(b, l->text);
    if (l->cut)
        buf_put_char(b, '~');
    if (l->n_nuls) {
        buf_put_char(b, '^');
        buf_put_u64(b, l->n_nuls);
    }
    if (l->too_long)
        buf_put_char(b, '!');
    if (l->open_array)
        buf_put_char(b, ']');
    buf_put_char(b, '\n');
}

#define T(literal) literal, sizeof(literal) - 1

static const struct {
    const char *says, *text;
    size_t len;
    const char *want;
} cases[] = {
    {"nothing", T(""), ""},
    {"a line", T("a\n"), "1:a\n"},
    {"two", T("a\nb\n"), "1:a\n2:b\n"},
    {"no newline at the end", T("a\nb"), "1:a\n2:b~\n"},
    {"CRLF", T("a\r\nb\r\n"), "1:a\n2:b\n"},
    {"blank lines count", T("\n\na\n\n"), "1:\n2:\n3:a\n4:\n"},
    {"a byte order mark", T("\xef\xbb\xbf{}\n"), "1:{}\n"},
    {"a byte order mark elsewhere stays", T("a\n\xef\xbb\xbf{}\n"), "1:a\n2:\xef\xbb\xbf{}\n"},
    {"NULs before the first line", T("\0\0\0{}\na\n"), "1:{}^3\n2:a\n"},
    {"NULs before another", T("a\n\0\0{}\n"), "1:a\n2:{}^2\n"},
    {"NULs as the last line", T("a\n\0\0"), "1:a\n2:~^2\n"},
    {"NULs alone", T("\0\0\0\0"), "1:~^4\n"},
    {"NULs behind the last line", T("{}\0\0"), "1:{}~\n"},
    {"an array", T("[{\"a\": 1}, {\"b\": [2]}]\n"), "1:{\"a\": 1}\n1:{\"b\": [2]}\n"},
    {"an array over lines", T("[\n {\n  \"a\": 1\n },\n {}\n]\n"), "2:{\n  \"a\": 1\n }\n5:{}\n"},
    {"an array behind blank lines", T("\n \n[1,2]"), "1:\n2: \n3:1\n3:2\n"},
    {"scalars", T("[1, \"a,]\", null,true]"), "1:1\n1:\"a,]\"\n1:null\n1:true\n"},
    {"strings with brackets and quotes", T("[{\"a\": \"}]\\\"\"}, 2]"),
     "1:{\"a\": \"}]\\\"\"}\n1:2\n"},
    {"an empty array", T("[]"), ""},
    {"arrays in an array", T("[[1, 2], [3]]"), "1:[1, 2]\n1:[3]\n"},
    {"too many commas", T("[1,,2,]"), "1:1\n1:2\n"},
    {"an array that is left open", T("[{}, "), "1:{}\n1:]\n"},
    {"an array cut off in an element", T("[{}, {\"a\""), "1:{}\n1:{\"a\"~\n"},
    {"an open quote in an array ends with its line", T("[{\"a\": \"x},\n{\"b\": 1}]"),
     "1:{\"a\": \"x},\n\n2:{\"b\": 1}\n"},
    {"a wrong bracket in an array", T("[}, {}]"), "1:}\n1:{}\n"},
    {"an array, then lines", T("[1]\n{}\n"), "1:1\n2:{}\n"},
    {"an array, then an array", T("[1] \n[2]\n"), "1:1\n2:2\n"},
    {"something behind an array", T("[1] x\n"), "1:1\n1:x\n"},
    {"an array later on is a line", T("{}\n[1]\n"), "1:{}\n2:[1]\n"},
};

static void read_all(lines *l, buf *b)
{
    line got;

    buf_clear(b);
    while (lines_next(l, &got, NULL) == 0)
        show(b, &got);
}

static void test_split(void **state)
{
    lines l = {0};
    buf b = {0};

    (void)state;
    for_each_row(c, cases)
    {
        expect_int(c->says, lines_open_memory(&l, "memory", c->text, c->len, NULL), 0);
        read_all(&l, &b);
        expect_str(c->says, buf_str(&b), c->want);
        expect_int(c->says, lines_next(&l, &(line){0}, NULL), TTP_E_END);
    }
    lines_done(&l);
    buf_done(&b);
    end_rows();
}

/* A pipe that gives one byte at a time: every place is once the end of what has been read. */
static void test_trickle(void **state)
{
    lines l = {0};
    buf b = {0};
    int fds[2], old = dup(STDIN_FILENO);

    (void)state;
    for_each_row(c, cases)
    {
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(fcntl(fds[1], F_SETFL, O_DIRECT),
                         0); /* each write is a packet of its own */
        assert_true(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) > 0); /* room for 256 of them */
        assert_true(dup2(fds[0], STDIN_FILENO) == STDIN_FILENO);
        close(fds[0]);
        for (size_t i = 0; i < c->len; i++)
            assert_int_equal(write(fds[1], c->text + i, 1), 1);
        close(fds[1]);
        expect_int(c->says, lines_open(&l, "-", NULL), 0);
        read_all(&l, &b);
        expect_str(c->says, buf_str(&b), c->want);
    }
    assert_true(dup2(old, STDIN_FILENO) == STDIN_FILENO);
    close(old);
    lines_done(&l);
    buf_done(&b);
    end_rows();
}

static const struct {
    const char *says, *text;
    size_t len;
    const char *error; /* NULL: text */
} looks[] = {
    {"an ELF file", T("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0"), "is a binary file"},
    {"a PNG file", T("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08"), "is a binary file"},
    {"UTF-16", T("\xff\xfe{\0}\0"), "is UTF-16 text"},
    {"Latin-1 text is text", T("{\"a\": \"caf\xe9, and more of it\"}\n"), NULL},
    {"a few control characters, too", T("{\"a\": \"\1 and more text than that\"}\n"), NULL},
    {"NULs between lines", T("{\"a\": 1}\n\0\0\0\0\0\0\0\0\0\0\0\0{\"a\": 1}\n"), NULL},
};

static void test_binary(void **state)
{
    lines l = {0};
    ttp_err err;

    (void)state;
    for_each_row(c, looks)
    {
        expect_int(c->says, lines_open_memory(&l, "file", c->text, c->len, &err),
                   c->error ? TTP_E_INVALID : 0);
        if (c->error) {
            expect_true(c->says, strncmp(err.text, c->error, strlen(c->error)) == 0);
            expect_c(c->says, err.where, "file");
        }
    }
    lines_done(&l);
    end_rows();
}

/* head, n times x, tail */
static str make_long(buf *b, const char *head, size_t n, const char *tail)
{
    buf_clear(b);
    buf_put_c(b, head);
    for (size_t i = 0; i < n; i++)
        buf_put_char(b, 'x');
    buf_put_c(b, tail);
    assert_false(b->failed);
    return buf_str(b);
}

static void test_longest(void **state)
{
    static const struct {
        const char *says, *head;
        size_t n;
        const char *tail;
        size_t want_len; /* of the first; 0: too long */
        const char *next;
    } rows[] = {
        {"the longest line", "", TTP_EVENT_MAX, "\nb\n", TTP_EVENT_MAX, "2:b\n"},
        {"with CRLF", "", TTP_EVENT_MAX, "\r\nb\n", TTP_EVENT_MAX, "2:b\n"},
        {"at the end", "", TTP_EVENT_MAX, "", TTP_EVENT_MAX, ""},
        {"one byte more", "", TTP_EVENT_MAX + 1, "\nb\n", 0, "2:b\n"},
        {"one byte more at the end", "", TTP_EVENT_MAX + 1, "", 0, ""},
        {"far more", "", TTP_EVENT_MAX * 2 + 77, "\nb\n", 0, "2:b\n"},
        {"far more at the end", "", TTP_EVENT_MAX * 2 + 77, "", 0, ""},
        {"the longest element", "[\"", TTP_EVENT_MAX - 2, "\",\n1]\n", TTP_EVENT_MAX, "2:1\n"},
        {"one byte more of it", "[\"", TTP_EVENT_MAX - 1, "\",\n1]\n", 0, "2:1\n"},
        {"far more of it", "[\"", TTP_EVENT_MAX * 2, "\",\n1]\n", 0, "2:1\n"},
    };
    lines l = {0};
    buf text = {0}, b = {0};
    line first;

    (void)state;
    for_each_row(c, rows)
    {
        str s = make_long(&text, c->head, c->n, c->tail);

        expect_int(c->says, lines_open_memory(&l, "memory", s.ptr, s.len, NULL), 0);
        expect_int(c->says, lines_next(&l, &first, NULL), 0);
        expect_int(c->says, first.too_long, c->want_len == 0);
        expect_int(c->says, first.text.len, c->want_len);
        expect_int(c->says, first.number, 1);
        read_all(&l, &b);
        expect_str(c->says, buf_str(&b), c->next);
        expect_true(c->says, l.cap <= TTP_EVENT_MAX + 2);
    }
    lines_done(&l);
    buf_done(&text);
    buf_done(&b);
    end_rows();
}

static void test_long_nul_run(void **state)
{
    lines l = {0};
    size_t n = 3u << 20;
    char *text = calloc(1, n + 3);
    line got;

    (void)state;
    memcpy(text + n, "{}\n", 3);
    expect_int("it opens", lines_open_memory(&l, "memory", text, n + 3, NULL), 0);
    expect_int("the line behind it", lines_next(&l, &got, NULL), 0);
    expect_str("is read", got.text, "{}");
    expect_int("and told of", got.n_nuls, n);
    expect_true("in little memory", l.cap <= 512u << 10);
    free(text);
    lines_done(&l);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),        cmocka_unit_test(test_trickle),
        cmocka_unit_test(test_binary),       cmocka_unit_test(test_longest),
        cmocka_unit_test(test_long_nul_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
