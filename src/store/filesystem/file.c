/* SPDX-License-Identifier: Apache-2.0 */
/* The text of one rule file, read only when nobody is in the middle of writing it. */
#include "store/filesystem/fs.h"

#include "rule/files.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static fs_stamp stamp_of(const struct stat *st)
{
    return (fs_stamp){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool fs_same_stamp(const fs_stamp *a, const fs_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

typedef enum writer {
    WRITER_NONE,
    WRITER_BUSY,
    WRITER_UNKNOWN,
} writer;

/*
 * A read lease is refused exactly while somebody has the file open for writing. While it is held,
 * which is until the file is read, whoever opens it to write waits. The kernel's signal about that
 * goes to this thread, which blocks all. Only the file's owner (and root) may ask.
 */
static writer ask_for_writer(int fd, pid_t tid)
{
    struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = tid};

    if (fcntl(fd, F_SETOWN_EX, &owner))
        return WRITER_UNKNOWN;
    if (fcntl(fd, F_SETLEASE, F_RDLCK))
        return errno == EAGAIN ? WRITER_BUSY : WRITER_UNKNOWN;
    return WRITER_NONE;
}

#define CLOSING_TRIES 5
#define CLOSING_NS 20000

/* Whoever closes the file is seen at it: the event is sent a moment before the file is free. */
static writer find_writer(int fd, pid_t tid)
{
    const struct timespec moment = {.tv_nsec = CLOSING_NS};
    writer w = ask_for_writer(fd, tid);

    for (unsigned i = 1; w == WRITER_BUSY && i < CLOSING_TRIES; i++) {
        (void)nanosleep(&moment, NULL); /* it may be cut short */
        w = ask_for_writer(fd, tid);
    }
    return w;
}

/* The kernel takes a lease from who keeps a writer waiting for long (45 s, were we stopped): then
 * giving it back fails. */
static bool give_lease_back(int fd)
{
    return fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

static bool looks_the_same(int fd, const struct stat *before)
{
    struct stat after;

    return fstat(fd, &after) == 0 && before->st_size == after.st_size &&
           same_time(before->st_mtim, after.st_mtim);
}

/*
 * With a lease nobody writes from the time it is given until it is given back, so what is read in
 * between is whole; the stamp may be older than that, and then the next look reads once more.
 * Without one, what was read is whole if the file did not change meanwhile, and nobody can tell
 * whether it will.
 */
static int read_open_file(int fd, fs_reading *r, ttp_err *err)
{
    struct stat st;
    writer w;
    int rc;

    if (fstat(fd, &st))
        return rule_file_fail(err, r->path, "cannot read", errno);
    rc = rule_file_judge(&st, r->path, err);
    if (rc)
        return rc;
    w = r->remote ? WRITER_UNKNOWN : find_writer(fd, r->tid);
    if (w == WRITER_BUSY)
        return TTP_E_END;
    rc = rule_file_bytes(fd, st.st_size, r->path, &r->text, err);
    if (rc)
        return rc;
    if (!(w == WRITER_NONE ? give_lease_back(fd) : looks_the_same(fd, &st)))
        return TTP_E_END;
    r->unsure = w == WRITER_UNKNOWN;
    r->stamp = stamp_of(&st);
    return 0;
}

static int open_fail(const fs_reading *r, ttp_err *err)
{
    return errno == ENOENT ? TTP_E_NOT_FOUND : rule_file_fail(err, r->path, "cannot read", errno);
}

/* Looked at before it is opened: opening a device may do things. */
static int look_before(const fs_reading *r, ttp_err *err)
{
    struct stat st;
    fs_stamp stamp;

    if (stat(r->path, &st))
        return open_fail(r, err);
    stamp = stamp_of(&st);
    if (r->known && fs_same_stamp(&stamp, r->known))
        return TTP_E_DUPLICATE;
    return rule_file_judge(&st, r->path, err);
}

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/*
 * What the directory says is a regular file is opened at once. Where a link has taken its name
 * since, it is not followed unseen; a FIFO that has is opened without a wait, and then refused;
 * and a device needs somebody who may make one.
 */
int fs_read(fs_reading *r, ttp_err *err)
{
    int fd = -1, rc;

    if (r->is_regular && !r->known)
        fd = open(r->path, OPEN_FLAGS | O_NOFOLLOW);
    if (fd < 0) {
        rc = look_before(r, err);
        if (rc)
            return rc;
        fd = open(r->path, OPEN_FLAGS);
    }
    if (fd < 0)
        return open_fail(r, err);
    rc = read_open_file(fd, r, err);
    (void)close(fd); /* was only read from */
    return rc;
}
