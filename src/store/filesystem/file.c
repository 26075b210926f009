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

static bool same_stamp(const fs_stamp *a, const fs_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

/*
 * A read lease is refused exactly while somebody has the file open for writing. It is given back at
 * once; whoever opens the file in between waits that long. The kernel's signal about it goes to
 * this thread, which blocks all.
 */
static bool seems_written(int fd)
{
    struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = gettid()};
    bool refused;

    if (fcntl(fd, F_SETOWN_EX, &owner))
        return false;
    refused = fcntl(fd, F_SETLEASE, F_RDLCK) != 0;
    if (refused)
        return errno == EAGAIN;           /* else: not ours to ask */
    (void)fcntl(fd, F_SETLEASE, F_UNLCK); /* closing the file ends it as well */
    return false;
}

#define CLOSING_TRIES 5
#define CLOSING_NS 20000

/* Whoever closes the file is seen at it: the event is sent a moment before the file is free. */
static bool being_written(int fd)
{
    const struct timespec moment = {.tv_nsec = CLOSING_NS};

    for (unsigned i = 1; seems_written(fd); i++) {
        if (i == CLOSING_TRIES)
            return true;
        (void)nanosleep(&moment, NULL); /* it may be cut short */
    }
    return false;
}

static int read_open_file(int fd, const char *path, bool leases, buf *text, fs_stamp *ret_stamp,
                          ttp_err *err)
{
    struct stat before, after;
    fs_stamp a, b;
    int rc;

    if (fstat(fd, &before))
        return rule_file_fail(err, path, "cannot read", errno);
    rc = rule_file_judge(&before, path, err);
    if (!rc)
        rc = rule_file_bytes(fd, path, text, err);
    if (rc)
        return rc;
    if (fstat(fd, &after))
        return rule_file_fail(err, path, "cannot read", errno);
    a = stamp_of(&before);
    b = stamp_of(&after);
    if (before.st_size != after.st_size || !same_time(a.mtime, b.mtime) ||
        (leases && being_written(fd)))
        return TTP_E_END;
    *ret_stamp = b;
    return 0;
}

/* Looked at before it is opened: opening a device may do things. */
int fs_read(const char *path, bool leases, const fs_stamp *known, buf *text, fs_stamp *ret_stamp,
            ttp_err *err)
{
    struct stat st;
    fs_stamp stamp;
    int fd, rc;

    if (stat(path, &st))
        return errno == ENOENT ? TTP_E_NOT_FOUND : rule_file_fail(err, path, "cannot read", errno);
    stamp = stamp_of(&st);
    if (known && same_stamp(&stamp, known))
        return TTP_E_DUPLICATE;
    rc = rule_file_judge(&st, path, err);
    if (rc)
        return rc;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? TTP_E_NOT_FOUND : rule_file_fail(err, path, "cannot read", errno);
    rc = read_open_file(fd, path, leases, text, ret_stamp, err);
    (void)close(fd); /* was only read from */
    return rc;
}
