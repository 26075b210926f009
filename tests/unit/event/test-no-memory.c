/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reading in which the n-th allocation fails, for every n that there is: it must end in -ENOMEM
 * or go on, without a crash or a leak (the sanitizer build tells), and the reader stays usable.
 */
#include "event/feed.h"
#include "reading.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long fail_in; /* allocations until one fails; below 0: none does */

static bool fails(void)
{
    return fail_in >= 0 && fail_in-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

#define L(id, session, members)                                                                    \
    "{\"eventid\": \"cowrie." id "\", \"session\": \"" session "\", \"sensor\": \"d\", "           \
    "\"src_ip\": \"192.0.2.1\", \"timestamp\": \"2026-07-10T01:01:37.082718Z\"" members "}\n"

static const char text[] = L("session.connect", "s", ", \"dst_port\": 22")
    L("client.version", "s", ", \"version\": \"b'SSH-2.0-Go'\"")
        L("login.success", "s", ", \"username\": \"root\", \"password\": \"x\"")
            L("command.input", "s", ", \"input\": \"id\"") L("session.file_download", "s",
                                                             ", \"url\": \"http://192.0.2.9/a?b\"")
                L("direct-tcpip.request", "s", ", \"dst_ip\": \"h\", \"dst_port\": 80")
                    L("direct-tcpip.data", "s",
                      ", \"data\": \"'GET / HTTP/1.0\\\\r\\\\nA: \\\\xff\\\\r\\\\na: b'\"")
                        L("session.closed", "s", "")
                            L("command.input", "t",
                              ", \"input\": \"\\ud800\"") "{\"eventid\": \"cowrie.command.input\", "
                                                          "\"input\": \"x\"}\n";

/* Returns how the reading ended: 0 for to the end. */
static int read_once(uint64_t *ret_events)
{
    reader *r;
    const event *e;
    int rc = reader_new(NULL, &r);

    if (rc)
        return rc;
    rc = reader_open_memory(r, "log", text, sizeof(text) - 1, NULL);
    while (!rc)
        rc = reader_next(r, &e, NULL);
    if (rc == TTP_E_END) {
        do
            rc = reader_finish(r, &e, NULL);
        while (!rc);
    }
    *ret_events = reader_get_stats(r)->events;
    (void)reader_free(r); /* always NULL */
    return rc == TTP_E_END ? 0 : rc;
}

static char log_path[] = "/tmp/ttp-no-memory-XXXXXX";

static int feed_batches(feed *f, json_doc *doc)
{
    feed_batch b = {0};
    int rc = 0;

    while (!rc) {
        rc = feed_read(f, &b);
        if (!rc)
            rc = feed_parse(&b, doc);
        if (!rc)
            rc = feed_map(f, &b);
    }
    feed_batch_done(&b);
    return rc == TTP_E_END ? 0 : rc;
}

/* The same through a feed, where a file that cannot be read for want of memory is one unread. */
static int feed_once(uint64_t *ret_events)
{
    char *path = log_path;
    auto_free(json_doc) json_doc *doc = NULL;
    auto_free(feed) feed *f = NULL;
    int rc = feed_new(NULL, &path, 1, &f);

    if (rc)
        return rc;
    doc = json_doc_new();
    rc = doc ? feed_batches(f, doc) : -ENOMEM;
    *ret_events = feed_get_stats(f)->events;
    return !rc && feed_n_unread(f) ? -ENOMEM : rc;
}

static void fail_each(int (*read_once_by)(uint64_t *ret_events))
{
    uint64_t all = 0, events = 0;
    long n;

    fail_in = -1;
    assert_int_equal(read_once_by(&all), 0);
    expect_int("what the log gives", all, 8);
    for (n = 0; n < 10000; n++) {
        int rc;

        fail_in = n;
        rc = read_once_by(&events);
        if (fail_in >= 0)
            break; /* there are not so many */
        expect_true("it ends as it should", rc == -ENOMEM || (rc == 0 && events == all));
    }
    fail_in = -1;
    expect_true("several can fail", n > 20 && n < 10000);
    end_rows();
}

static void test_reader(void **state)
{
    (void)state;
    fail_each(read_once);
}

static void test_feed(void **state)
{
    int fd = mkstemp(log_path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_int_equal(close(fd), 0);
    fail_each(feed_once);
    assert_int_equal(unlink(log_path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_feed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
