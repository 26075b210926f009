/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/out.h"

#include "../unit.h"
#include "alloc.h"
#include "tags.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static void put(out *o, char c, size_t n)
{
    while (n--)
        buf_put_char(&o->data, c);
}

static int open_broken_pipe(void)
{
    int fds[2];

    if (pipe(fds))
        abort();
    close(fds[0]);
    return fds[1];
}

static int open_full(void)
{
    return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

static int open_to_read(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static const struct {
    const char *says;
    int (*open)(void);
    int want;
    const char *want_text;
} failures[] = {
    {"a full disk", open_full, -ENOSPC,
     "no space left on the device: free some and run again (5 bytes at hand are not written)"},
    {"a closed pipe", open_broken_pipe, -EPIPE,
     "whoever read it has closed it: the rest is not written"},
    {"a descriptor to read from", open_to_read, -EBADF, "it is closed, or not open for writing"},
};

static void test_failures(void **state)
{
    (void)state;
    for_each_row(c, failures)
    {
        out o;
        ttp_err err = {0};

        out_init(&o, c->open());
        put(&o, 'x', 5);
        expect_int(c->says, out_commit(&o, &err), 0);
        expect_int(c->says, out_flush(&o, &err), c->want);
        expect_c(c->says, err.text, c->want_text);
        expect_int("what could not be written stays", o.whole, 5);
        close(o.fd);
        o.fd = memory_file();
        expect_int("another try", out_flush(&o, &err), 0);
        expect_int("wrote it", lseek(o.fd, 0, SEEK_END), 5);
        close(o.fd);
        out_done(&o);
    }
    end_rows();
}

static void test_file_limit(void **state)
{
    struct rlimit before, small;
    ttp_err err = {0};
    out o;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 3;
    out_init(&o, open("/tmp", O_TMPFILE | O_WRONLY, 0600));
    put(&o, 'x', 5);
    expect_int("a record", out_commit(&o, &err), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    expect_int("a file that may not grow", out_flush(&o, &err), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);
    expect_int("what was written is gone from the rest", o.whole, 2);
    close(o.fd);
    out_done(&o);
    end_rows();
}

/* Reads slowly from a pipe until it is closed, and counts. */
static void *drain(void *arg)
{
    int *fd = arg;
    static char block[4096];
    size_t total = 0;
    ssize_t n;

    while ((n = read(*fd, block, sizeof(block))) > 0)
        total += (size_t)n;
    return (void *)total;
}

static void test_without_blocking(void **state)
{
    enum {
        N = 1000000
    };
    int fds[2];
    pthread_t reader;
    ttp_err err = {0};
    void *total;
    out o;

    (void)state;
    if (pipe2(fds, O_NONBLOCK))
        abort();
    fcntl(fds[0], F_SETFL, 0);
    out_init(&o, fds[1]);
    pthread_create(&reader, NULL, drain, &fds[0]);
    for (size_t i = 0; i < N / 100; i++) {
        put(&o, 'x', 100);
        expect_int("a full pipe is waited for", out_commit(&o, &err), 0);
    }
    expect_int("a full pipe is waited for", out_flush(&o, &err), 0);
    close(fds[1]);
    pthread_join(reader, &total);
    expect_int("every byte arrives", (size_t)total, N);
    out_done(&o);
    close(fds[0]);
    end_rows();
}

static void test_blocks(void **state)
{
    ttp_err err = {0};
    out o;

    (void)state;
    out_init(&o, memory_file());
    put(&o, 'x', OUT_BLOCK - 1);
    expect_int("one byte less than a block", out_commit(&o, &err), 0);
    expect_int("waits", lseek(o.fd, 0, SEEK_END), 0);
    put(&o, 'y', 1);
    expect_int("a block", out_commit(&o, &err), 0);
    expect_int("is written", lseek(o.fd, 0, SEEK_END), OUT_BLOCK);
    expect_int("nothing left", out_flush(&o, &err), 0);
    close(o.fd);
    out_done(&o);
    end_rows();
}

static void test_no_memory(void **state)
{
    ttp_err err = {0};
    out o;
    str text;

    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot be made to fail under a sanitizer\n");
        return;
    }
    out_init(&o, memory_file());
    put(&o, 'a', 3);
    expect_int("a record", out_commit(&o, &err), 0);
    fail_allocations_after(0);
    put(&o, 'b', 100000);
    expect_int("half a record", out_commit(&o, &err), -ENOMEM);
    fail_allocations_after(-1);
    put(&o, 'c', 3);
    expect_int("a further record", out_commit(&o, &err), 0);
    expect_int("flush", out_flush(&o, &err), 0);
    text = written(o.fd);
    expect_str("half a record is dropped whole", text, "aaaccc");
    free((char *)text.ptr);
    close(o.fd);
    out_done(&o);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures),  cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_blocks),    cmocka_unit_test(test_without_blocking),
        cmocka_unit_test(test_no_memory),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
