/* SPDX-License-Identifier: Apache-2.0 */
/* A feed gives the events, complaints and account that a reader gives, whatever the input. */
#include "event/feed.h"

#include "reading.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define E(id) "{\"source_kind\":\"command\",\"source_id\":\"" id "\",\"payload\":{\"a\":[1,{}]}}\n"
#define LINE(event, more)                                                                          \
    "{\"eventid\":\"cowrie." event "\",\"timestamp\":\"2026-07-10T01:01:37.082718Z\","             \
    "\"session\":\"s1\",\"src_ip\":\"192.0.2.1\",\"sensor\":\"d\"" more "}\n"
#define SESSION                                                                                    \
    LINE("session.connect", "")                                                                    \
    LINE("login.success", ",\"username\":\"root\",\"password\":\"x\"")                             \
    LINE("command.input", ",\"input\":\"uname\"")                                                  \
    LINE("command.input", ",\"input\":\"\\u00e9\"") LINE("session.closed", "")
#define MAX_FILES 3

static char place[] = "/tmp/ttp-feed-XXXXXX";

static const struct {
    const char *says;
    struct {
        const char *text; /* NULL: no such file */
        size_t len;
    } files[MAX_FILES];
    unsigned n_files;
    event_format format;
} cases[] = {
#define T(literal)                                                                                 \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
    {"no file", {{0}}, 0, EVENT_FORMAT_AUTO},
    {"an empty file", {T("")}, 1, EVENT_FORMAT_AUTO},
    {"events", {T(E("a") E("b"))}, 1, EVENT_FORMAT_AUTO},
    {"a session", {T(SESSION)}, 1, EVENT_FORMAT_AUTO},
    {"sessions over two files",
     {T(LINE("session.connect", "")), T(LINE("command.input", ",\"input\":\"id\""))},
     2,
     EVENT_FORMAT_COWRIE},
    {"the two formats after each other", {T(SESSION), T(E("a")), T(SESSION)}, 3, EVENT_FORMAT_AUTO},
    {"a file that is not there, between others", {T(E("a")), {0}, T(E("b"))}, 3, EVENT_FORMAT_AUTO},
    {"a file of neither format", {T("{}\n{}\n"), T(E("a"))}, 2, EVENT_FORMAT_AUTO},
    {"bad lines before the format is told, and after it",
     {T("\nx\n{}\n" E("a") "y\n" E("b") "{\"source_kind\":1}\n")},
     1,
     EVENT_FORMAT_AUTO},
    {"an array", {T("[" E("a") "," E("b") ", 5, ]\n" E("c"))}, 1, EVENT_FORMAT_AUTO},
    {"an array that is cut off", {T("[" E("a") "," E("b") ", {\"x\": ")}, 1, EVENT_FORMAT_AUTO},
    {"NULs, a byte order mark, CR LF, no newline at the end",
     {T("\xef\xbb\xbf" E("a") "\0\0\0" E("b") "\r\n {\"source_kind\":\"x\"}")},
     1,
     EVENT_FORMAT_AUTO},
    {"a line that is cut off", {T(E("a") "{\"source_kind\":\"comm")}, 1, EVENT_FORMAT_AUTO},
    {"a sessionless line is known by its bytes",
     {T("{\"eventid\":\"cowrie.command.input\",\"input\":\"a\",\"src_ip\":\"192.0.2.9\"}\n")},
     1,
     EVENT_FORMAT_AUTO},
    {"a binary file",
     {T("\x7f"
        "ELF\1\2\3\4\5\6\7\0\1\2")},
     1,
     EVENT_FORMAT_AUTO},
#undef T
};

static const char *path_of(unsigned i, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%u", place, i); /* it fits */
    return path;
}

static void put_file(const char *path, const void *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len && close(fd) == 0);
}

/* What complain would have been told of the whole file. */
static void note_error(reading *rd, int rc, const ttp_err *err)
{
    if (rc != TTP_E_END)
        reading_complain(rd, err, true);
}

static void by_reader(reading *rd, char *const *paths, unsigned n)
{
    ttp_err err;

    for (unsigned i = 0; i < n; i++) {
        int rc = reader_open(rd->r, paths[i], &err);

        if (!rc)
            rc = reading_rest(rd, &err);
        note_error(rd, rc, &err);
    }
    reading_finish(rd);
}

/* All batches are mapped before the first event is looked at: they stand for themselves. */
static void by_feed(feed *f, reading *rd)
{
    enum {
        MOST = 4096
    };
    feed_batch *batches = calloc(MOST, sizeof(*batches));
    json_doc *doc = json_doc_new();
    size_t n = 0;

    assert_non_null(batches);
    assert_non_null(doc);
    while (feed_read(f, &batches[n]) == 0) {
        assert_int_equal(feed_parse(&batches[n], doc), 0);
        assert_int_equal(feed_map(f, &batches[n]), 0);
        n++;
        assert_true(n < MOST);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < batches[i].n_events; k++)
            reading_show(rd, &batches[i].events[k]);
        feed_batch_done(&batches[i]);
    }
    feed_batch_done(&batches[n]);
    json_doc_free(doc);
    free(batches);
}

static void expect_same_stats(const char *says, const reader_stats *f, const reader_stats *r)
{
    expect_int(says, f->files, r->files);
    expect_int(says, f->bytes, r->bytes);
    expect_int(says, f->lines, r->lines);
    expect_int(says, f->blank, r->blank);
    expect_int(says, f->taggable, r->taggable);
    expect_int(says, f->not_taggable, r->not_taggable);
    expect_int(says, f->bad, r->bad);
    expect_int(says, f->noted, r->noted);
    expect_int(says, f->events, r->events);
}

static void expect_same(const char *says, char *const *paths, unsigned n, event_format format)
{
    reading want, got = {0};
    const reader_options options = {format, reading_complain, &got};
    feed *f;

    reading_begin(&want, format);
    by_reader(&want, paths, n);
    assert_int_equal(feed_new(&options, paths, n, &f), 0);
    by_feed(f, &got);
    expect_same_stats(says, feed_get_stats(f), reader_get_stats(want.r));
    expect_str(says, buf_str(&got.events), buf_c_str(&want.events));
    expect_str(says, buf_str(&got.complaints), buf_c_str(&want.complaints));
    feed_free(f);
    reading_end(&want);
    reading_end(&got);
}

static void test_as_reader(void **state)
{
    char storage[MAX_FILES][64], *paths[MAX_FILES];

    (void)state;
    for_each_row(c, cases)
    {
        for (unsigned i = 0; i < c->n_files; i++) {
            paths[i] = storage[i];
            (void)path_of(i, storage[i], sizeof(storage[i])); /* paths[i] */
            (void)unlink(paths[i]);                           /* of the row before */
            if (c->files[i].text)
                put_file(paths[i], c->files[i].text, c->files[i].len);
        }
        expect_same(c->says, paths, c->n_files, c->format);
    }
    end_rows();
}

/* Lines of all lengths around the buffer's, so that they end up anywhere in it. */
static void test_lengths(void **state)
{
    static const size_t lengths[] = {1,         100,     127 << 10, 128 << 10,
                                     129 << 10, 1 << 20, 5,         300 << 10};
    char storage[64], *path = storage;
    buf b = {0};

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        size_t len = i % 10 ? i * 7 % 900 : lengths[i / 10 % 8];

        buf_printf(&b, "{\"source_kind\":\"command\",\"source_id\":\"%u\",\"payload\":{\"t\":\"",
                   i);
        for (size_t k = 0; k < len; k++)
            buf_put_char(&b, (char)('a' + k % 26));
        buf_put_c(&b, "\"}}\n");
    }
    (void)path_of(0, storage, sizeof(storage)); /* path */
    put_file(path, b.ptr, b.len);
    expect_same("lines of many lengths", &path, 1, EVENT_FORMAT_AUTO);
    buf_clear(&b);
    for (unsigned i = 0; i < 3 * FEED_LINES_MAX + 1; i++)
        buf_put_c(&b, "\n");
    put_file(path, b.ptr, b.len);
    expect_same("more short lines than a batch holds", &path, 1, EVENT_FORMAT_COWRIE);
    buf_clear(&b);
    for (unsigned i = 0; i < 2000; i++)
        buf_printf(&b,
                   "{\"eventid\":\"cowrie.command.input\",\"session\":\"%u\",\"input\":\"x\","
                   "\"src_ip\":\"192.0.2.1\"}\n",
                   i);
    put_file(path, b.ptr, b.len);
    expect_same("sessions that never close", &path, 1, EVENT_FORMAT_AUTO);
    buf_done(&b);
    end_rows();
}

static void test_cancel(void **state)
{
    static char dash[] = "-";
    char *path = dash;
    int fds[2], before = dup(STDIN_FILENO);
    feed_batch b = {0};
    feed *f;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[0], STDIN_FILENO) == STDIN_FILENO);
    assert_int_equal(feed_new(NULL, &path, 1, &f), 0);
    feed_cancel(f);
    expect_int("a cancelled feed waits for nothing", feed_read(f, &b), -ECANCELED);
    feed_free(f);
    assert_int_equal(feed_new(NULL, &path, 1, &f), 0);
    assert_int_equal(write(fds[1], E("a") E("b"), sizeof(E("a") E("b")) - 1),
                     sizeof(E("a")) * 2 - 2);
    expect_int("what is there is read", feed_read(f, &b), 0);
    expect_true("and nothing waited for", b.would_wait);
    assert_int_equal(close(fds[1]), 0);
    expect_int("then its end", feed_read(f, &b), 0);
    expect_true("is no waiting", !b.would_wait);
    feed_batch_done(&b);
    feed_free(f);
    assert_true(dup2(before, STDIN_FILENO) == STDIN_FILENO);
    assert_int_equal(close(before), 0);
    assert_int_equal(close(fds[0]), 0);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_reader),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_cancel),
    };
    char path[64];
    int n_failed;

    if (!mkdtemp(place))
        return 1;
    n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (unsigned i = 0; i < MAX_FILES; i++)
        (void)unlink(path_of(i, path, sizeof(path))); /* it may not be there */
    return rmdir(place) ? 1 : n_failed;
}
