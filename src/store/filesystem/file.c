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
 * A read lease is refused exactly while somebody has the file open for writing. It is given back at
 * once; whoever opens the file in between waits that long. The kernel's signal about it goes to
 * this thread, which blocks all. Only the file's owner (and root) may ask.
 */
static writer ask_for_writer(int fd)
{
    struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = gettid()};

    if (fcntl(fd, F_SETOWN_EX, &owner))
        return WRITER_UNKNOWN;
    if (fcntl(fd, F_SETLEASE, F_RDLCK))
        return errno == EAGAIN ? WRITER_BUSY : WRITER_UNKNOWN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK); /* closing the file ends it as well */
    return WRITER_NONE;
}

#define CLOSING_TRIES 5
#define CLOSING_NS 20000

/* Whoever closes the file is seen at it: the event is sent a moment before the file is free. */
static writer find_writer(int fd)
{
    const struct timespec moment = {.tv_nsec = CLOSING_NS};
    writer w = ask_for_writer(fd);

    for (unsigned i = 1; w == WRITER_BUSY && i < CLOSING_TRIES; i++) {
        (void)nanosleep(&moment, NULL); /* it may be cut short */
        w = ask_for_writer(fd);
    }
    return w;
}

static int read_open_file(int fd, fs_reading *r, ttp_err *err)
{
    struct stat before, after;
    fs_stamp a, b;
    writer w;
    int rc;

    if (fstat(fd, &before))
        return rule_file_fail(err, r->path, "cannot read", errno);
    rc = rule_file_judge(&before, r->path, err);
    if (!rc)
        rc = rule_file_bytes(fd, r->path, &r->text, err);
    if (rc)
        return rc;
    w = r->remote ? WRITER_UNKNOWN : find_writer(fd);
    if (fstat(fd, &after)) /* last: whoever was waited for may have written on */
        return rule_file_fail(err, r->path, "cannot read", errno);
    a = stamp_of(&before);
    b = stamp_of(&after);
    if (before.st_size != after.st_size || !same_time(a.mtime, b.mtime) || w == WRITER_BUSY)
        return TTP_E_END;
    r->unsure = w == WRITER_UNKNOWN;
    r->stamp = b;
    return 0;
}

/* Looked at before it is opened: opening a device may do things. */
int fs_read(fs_reading *r, ttp_err *err)
{
    struct stat st;
    fs_stamp stamp;
    int fd, rc;

    if (stat(r->path, &st))
        return errno == ENOENT ? TTP_E_NOT_FOUND
                               : rule_file_fail(err, r->path, "cannot read", errno);
    stamp = stamp_of(&st);
    if (r->known && fs_same_stamp(&stamp, r->known))
        return TTP_E_DUPLICATE;
    rc = rule_file_judge(&st, r->path, err);
    if (rc)
        return rc;
    fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? TTP_E_NOT_FOUND
                               : rule_file_fail(err, r->path, "cannot read", errno);
    rc = read_open_file(fd, r, err);
    (void)close(fd); /* was only read from */
    return rc;
}
