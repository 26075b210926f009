/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reading in which the n-th allocation fails, for every n that there is: it must end in -ENOMEM
 * or go on, without a crash or a leak (the sanitizer build tells), and the reader stays usable.
 */
#include "reading.h"

#include <errno.h>

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

static void test_every_allocation(void **state)
{
    uint64_t all = 0, events = 0;
    long n;

    (void)state;
    fail_in = -1;
    assert_int_equal(read_once(&all), 0);
    expect_int("what the log gives", all, 8);
    for (n = 0; n < 10000; n++) {
        int rc;

        fail_in = n;
        rc = read_once(&events);
        if (fail_in >= 0)
            break; /* there are not so many */
        expect_true("it ends as it should", rc == -ENOMEM || (rc == 0 && events == all));
    }
    fail_in = -1;
    expect_true("several can fail", n > 20 && n < 10000);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
