/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/out.h"

#include "base/err.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static int fail(const out *o, int error, ttp_err *err)
{
    const char *where = o->fd == STDOUT_FILENO ? "standard output" : "output file";

    switch (error) {
    case EPIPE:
        return err_set(err, -error, where,
                       "whoever read it has closed it: the rest is not written");
    case ENOSPC:
    case EDQUOT:
        return err_set(err, -error, where,
                       "no space left on the device: free some and run again (%zu bytes at hand "
                       "are not written)",
                       o->whole);
    case EFBIG:
        return err_set(err, -error, where, "the file reached the largest size allowed here");
    case EBADF:
        return err_set(err, -error, where, "it is closed, or not open for writing");
    default:
        return err_set(err, -error, where, "writing failed: %s", strerror(error));
    }
}

/* One write; waits where the descriptor does not block. Returns 0 or an errno value. */
static int write_some(const out *o, const char *from, size_t len, size_t *ret_n)
{
    ssize_t n = write(o->fd, from, len);
    struct pollfd wait = {.fd = o->fd, .events = POLLOUT};

    *ret_n = n > 0 ? (size_t)n : 0;
    if (n > 0 || (n < 0 && errno == EINTR))
        return 0;
    if (n == 0)
        return EIO;
    if (errno != EAGAIN)
        return errno;
    return poll(&wait, 1, -1) < 0 && errno != EINTR ? errno : 0;
}

int out_flush(out *o, ttp_err *err)
{
    size_t done = 0, n;
    int error = 0;

    if (o->whole == 0)
        return 0;
    while (done < o->whole && !error) {
        error = write_some(o, o->data.ptr + done, o->whole - done, &n);
        done += n;
    }
    o->whole -= done;
    if (o->whole) /* nothing was ever written: there is no memory yet */
        memmove(o->data.ptr, o->data.ptr + done, o->whole);
    o->data.len = o->whole;
    return error ? fail(o, error, err) : 0;
}

int out_put(out *o, str records, ttp_err *err)
{
    size_t done = 0, n;
    int error = 0;

    while (o->data.len == 0 && records.len >= OUT_DIRECT && done < records.len && !error) {
        error = write_some(o, records.ptr + done, records.len - done, &n);
        done += n;
    }
    buf_put(&o->data, records.ptr + done, records.len - done);
    if (!error || o->data.failed)
        return out_commit(o, err);
    o->whole = o->data.len; /* kept, to be flushed again */
    return fail(o, error, err);
}

int out_commit(out *o, ttp_err *err)
{
    if (o->data.failed) {
        o->data.len = o->whole;
        o->data.failed = false;
        return err_set(err, -ENOMEM, NULL, "out of memory");
    }
    o->whole = o->data.len;
    return o->whole >= OUT_BLOCK ? out_flush(o, err) : 0;
}
