/* SPDX-License-Identifier: Apache-2.0 */
#include "event/input.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define RAW_SIZE (64u << 10)
#define MAGIC_LEN 6

typedef enum coding {
    CODING_NONE,
    CODING_GZIP,
    CODING_ZSTD,
} coding;

struct input {
    char name[256];
    int fd; /* -1: memory */
    bool close_fd;
    const char *memory;
    size_t memory_left;
    uint64_t done, total;
    bool may_wait; /* no regular file */
    int wake_fd;   /* or -1 */

    coding coding;
    bool raw_ended;
    bool between; /* compressed: a member or frame has ended and no other has begun */
    unsigned char *raw;
    size_t raw_at, raw_end;
#ifdef HAVE_ZLIB
    z_stream zlib;
#endif
#ifdef HAVE_ZSTD
    ZSTD_DStream *zstd;
    size_t zstd_hint; /* bytes it wants next: given just these, damage costs no block before it */
#endif
};

static int wait_for_bytes(input *in, ttp_err *err)
{
    struct pollfd fds[2] = {{.fd = in->fd, .events = POLLIN},
                            {.fd = in->wake_fd, .events = POLLIN}};
    int n;

    do {
        n = poll(fds, 2, -1);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(err, -errno, in->name, "cannot wait: %s", strerror(errno));
    return fds[1].revents ? err_set(err, -ECANCELED, in->name, "no longer wanted") : 0;
}

static ssize_t read_source(input *in, void *out, size_t size, ttp_err *err)
{
    ssize_t n;

    if (in->fd < 0) {
        n = (ssize_t)(size < in->memory_left ? size : in->memory_left);
        if (n)
            memcpy(out, in->memory, (size_t)n);
        in->memory += n;
        in->memory_left -= (size_t)n;
    } else {
        int rc = in->may_wait && in->wake_fd >= 0 ? wait_for_bytes(in, err) : 0;

        if (rc)
            return rc;
        do {
            n = read(in->fd, out, size);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
            return err_set(err, -errno, in->name, "cannot read: %s", strerror(errno));
    }
    in->done += (uint64_t)n;
    in->raw_ended = n == 0;
    return n;
}

/* More raw bytes behind those that are left. Returns 0 (look at raw_ended) or -errno. */
static int fill_raw(input *in, ttp_err *err)
{
    ssize_t n;

    if (in->raw_at == in->raw_end)
        in->raw_at = in->raw_end = 0;
    n = read_source(in, in->raw + in->raw_end, RAW_SIZE - in->raw_end, err);
    if (n < 0)
        return (int)n;
    in->raw_end += (size_t)n;
    return 0;
}

static const struct {
    str magic;
    const char *name;
    coding coding; /* CODING_NONE: not read here */
} magics[] = {
    {STR("\x1f\x8b"), "gzip", CODING_GZIP},
    {STR("\x28\xb5\x2f\xfd"), "zstd", CODING_ZSTD},
    {STR("\xfd"
         "7zXZ"),
     "xz", CODING_NONE},
    {STR("BZh"), "bzip2", CODING_NONE},
    {STR("PK\x03\x04"), "zip", CODING_NONE},
    {STR("7z\xbc\xaf\x27\x1c"), "7-zip", CODING_NONE},
    {STR("\x04\x22\x4d\x18"), "lz4", CODING_NONE},
};

static int begin_gzip(input *in, ttp_err *err)
{
#ifdef HAVE_ZLIB
    if (inflateInit2(&in->zlib, 15 + 16) != Z_OK)
        return err_set(err, -ENOMEM, in->name, "out of memory");
    in->coding = CODING_GZIP;
    return 0;
#else
    return err_set(err, TTP_E_UNSUPPORTED, in->name,
                   "compressed with gzip, which this build cannot read (built without zlib)");
#endif
}

static int begin_zstd(input *in, ttp_err *err)
{
#ifdef HAVE_ZSTD
    in->zstd = ZSTD_createDStream();
    if (!in->zstd)
        return err_set(err, -ENOMEM, in->name, "out of memory");
    in->coding = CODING_ZSTD;
    return 0;
#else
    return err_set(err, TTP_E_UNSUPPORTED, in->name,
                   "compressed with zstd, which this build cannot read (built without libzstd)");
#endif
}

static int begin_coding(input *in, ttp_err *err)
{
    str head;
    int rc;

    while (in->raw_end < MAGIC_LEN && !in->raw_ended) {
        rc = fill_raw(in, err);
        if (rc)
            return rc;
    }
    head = (str){(const char *)in->raw, in->raw_end};
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (!str_starts(head, magics[i].magic))
            continue;
        if (magics[i].coding == CODING_GZIP)
            return begin_gzip(in, err);
        if (magics[i].coding == CODING_ZSTD)
            return begin_zstd(in, err);
        return err_set(err, TTP_E_INVALID, in->name,
                       "compressed with %s; gzip, zstd and plain files can be read",
                       magics[i].name);
    }
    return 0;
}

/* Takes in over: it is closed where opening fails. */
static int begin(input *in, input **ret_input, ttp_err *err)
{
    auto_free(input) input *owned = in;
    int rc;

    in->raw = malloc(RAW_SIZE);
    if (!in->raw)
        return err_set(err, -ENOMEM, in->name, "out of memory");
    rc = begin_coding(in, err);
    if (rc)
        return rc;
    *ret_input = take(owned);
    return 0;
}

static input *new_input(const char *name)
{
    input *in = calloc(1, sizeof(*in));

    if (in) {
        in->fd = in->wake_fd = -1;
        size_t n = strnlen(name, sizeof(in->name) - 1);

        memcpy(in->name, name, n);
    }
    return in;
}

static int open_fd(input *in, const char *path, ttp_err *err)
{
    struct stat st;

    in->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (in->fd < 0)
        return err_set(err, -errno, path, "cannot open: %s", strerror(errno));
    in->close_fd = strcmp(path, "-") != 0;
    if (fstat(in->fd, &st))
        return err_set(err, -errno, in->name, "cannot look at: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, in->name, "is a directory; expected a log file");
    in->may_wait = !S_ISREG(st.st_mode);
    if (S_ISREG(st.st_mode)) {
        in->total = (uint64_t)st.st_size;
        (void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice; may be refused */
    }
    return 0;
}

int input_open(const char *path, input **ret_input, ttp_err *err)
{
    return input_open_until(path, -1, ret_input, err);
}

int input_open_until(const char *path, int wake_fd, input **ret_input, ttp_err *err)
{
    auto_free(input) input *in = new_input(strcmp(path, "-") == 0 ? "standard input" : path);
    int rc;

    if (!in)
        return err_set(err, -ENOMEM, path, "out of memory");
    in->wake_fd = wake_fd;
    rc = open_fd(in, path, err);
    if (rc)
        return rc;
    return begin(take(in), ret_input, err);
}

int input_open_memory(const char *name, const void *data, size_t len, input **ret_input,
                      ttp_err *err)
{
    input *in = new_input(name);

    if (!in)
        return err_set(err, -ENOMEM, name, "out of memory");
    in->memory = data;
    in->memory_left = len;
    in->total = len;
    return begin(in, ret_input, err);
}

input *input_close(input *in)
{
    if (!in)
        return NULL;
#ifdef HAVE_ZLIB
    if (in->coding == CODING_GZIP)
        (void)inflateEnd(&in->zlib); /* only tells of a corrupt state */
#endif
#ifdef HAVE_ZSTD
    (void)ZSTD_freeDStream(in->zstd); /* takes NULL, cannot fail */
#endif
    if (in->close_fd)
        (void)close(in->fd); /* read only: nothing to lose */
    free(in->raw);
    free(in);
    return NULL;
}

static ssize_t read_plain(input *in, void *out, size_t size, ttp_err *err)
{
    size_t n = in->raw_end - in->raw_at;

    if (n == 0)
        return in->raw_ended ? 0 : read_source(in, out, size, err);
    if (n > size)
        n = size;
    memcpy(out, in->raw + in->raw_at, n);
    in->raw_at += n;
    return (ssize_t)n;
}

#if defined(HAVE_ZLIB) || defined(HAVE_ZSTD)
static int ends_early(const input *in, const char *what, ttp_err *err)
{
    return err_set(err, -EBADMSG, in->name,
                   "the %s data ends early (a truncated file); what came before it was read", what);
}

static int damaged(const input *in, const char *what, const char *why, ttp_err *err)
{
    return err_set(err, -EBADMSG, in->name,
                   "the %s data is damaged near byte %llu (%s); what came before it was read", what,
                   (unsigned long long)(in->done - (in->raw_end - in->raw_at)), why);
}
#endif

#ifdef HAVE_ZLIB
/* Behind a member: another one, zeroes as tapes leave them, or the end. Returns 1 for another. */
static int next_member(input *in, ttp_err *err)
{
    while (in->raw_at < in->raw_end && in->raw[in->raw_at] == 0)
        in->raw_at++;
    if (in->raw_at == in->raw_end)
        return 0;
    if (in->raw[in->raw_at] != 0x1f)
        return damaged(in, "gzip", "something else follows it", err);
    (void)inflateReset(&in->zlib); /* fails only on a corrupt state */
    in->between = false;
    return 1;
}

/* One call of inflate. Returns the bytes produced or -errno. */
static ssize_t inflate_some(input *in, void *out, size_t size, ttp_err *err)
{
    int rc;

    in->zlib.next_in = in->raw + in->raw_at;
    in->zlib.avail_in = (uInt)(in->raw_end - in->raw_at);
    in->zlib.next_out = out;
    in->zlib.avail_out = size > UINT32_MAX ? UINT32_MAX : (uInt)size;
    size = in->zlib.avail_out;
    rc = inflate(&in->zlib, Z_NO_FLUSH);
    in->raw_at = in->raw_end - in->zlib.avail_in;
    if (rc == Z_STREAM_END)
        in->between = true;
    else if (rc == Z_MEM_ERROR)
        return err_set(err, -ENOMEM, in->name, "out of memory");
    else if (rc != Z_OK && rc != Z_BUF_ERROR && size == in->zlib.avail_out)
        return damaged(in, "gzip", in->zlib.msg ? in->zlib.msg : "not well-formed", err);
    return (ssize_t)(size - in->zlib.avail_out);
}

static ssize_t read_gzip(input *in, void *out, size_t size, ttp_err *err)
{
    ssize_t n;
    int rc;

    for (;;) {
        if (in->raw_at == in->raw_end && !in->raw_ended) {
            rc = fill_raw(in, err);
            if (rc)
                return rc;
        }
        if (in->between) {
            rc = next_member(in, err);
            if (rc < 0 || (rc == 0 && in->raw_ended))
                return rc;
            if (rc == 0)
                continue;
        }
        n = inflate_some(in, out, size, err);
        if (n)
            return n;
        if (!in->between && in->raw_at == in->raw_end && in->raw_ended)
            return ends_early(in, "gzip", err);
    }
}
#endif

#ifdef HAVE_ZSTD
static ssize_t read_zstd(input *in, void *out, size_t size, ttp_err *err)
{
    for (;;) {
        ZSTD_outBuffer to = {out, size, 0};
        ZSTD_inBuffer from;
        size_t rc;

        if (in->raw_at == in->raw_end && !in->raw_ended) {
            int filled = fill_raw(in, err);

            if (filled)
                return filled;
        }
        if (in->raw_at == in->raw_end && in->raw_ended && in->between)
            return 0;
        from = (ZSTD_inBuffer){in->raw, in->raw_end, in->raw_at};
        if (in->zstd_hint && from.size - from.pos > in->zstd_hint)
            from.size = from.pos + in->zstd_hint;
        rc = ZSTD_decompressStream(in->zstd, &to, &from);
        if (ZSTD_isError(rc))
            return damaged(in, "zstd", ZSTD_getErrorName(rc), err);
        in->zstd_hint = rc;
        in->between = rc == 0;
        in->raw_at = from.pos;
        if (to.pos)
            return (ssize_t)to.pos;
        if (in->raw_at == in->raw_end && in->raw_ended && !in->between)
            return ends_early(in, "zstd", err);
    }
}
#endif

ssize_t input_read(input *in, void *out, size_t size, ttp_err *err)
{
#ifdef HAVE_ZLIB
    if (in->coding == CODING_GZIP)
        return read_gzip(in, out, size, err);
#endif
#ifdef HAVE_ZSTD
    if (in->coding == CODING_ZSTD)
        return read_zstd(in, out, size, err);
#endif
    return read_plain(in, out, size, err);
}

bool input_would_wait(const input *in)
{
    struct pollfd wait = {.fd = in->fd, .events = POLLIN};

    return in->may_wait && !in->raw_ended && in->raw_at == in->raw_end && poll(&wait, 1, 0) == 0;
}

const char *input_name(const input *in)
{
    return in->name;
}

void input_progress(const input *in, uint64_t *ret_done, uint64_t *ret_total)
{
    *ret_done = in->done;
    *ret_total = in->total;
}
