/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tells of the directory. The directory may be exchanged as a whole (renamed, made
 * again, a symbolic link turned to another): the parent is watched for its name, and once a second
 * the path is compared with what is watched, for links further up.
 */
#include "store/filesystem/fs.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"

#include <errno.h>
#include <libgen.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DIR_MASK                                                                                   \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF |       \
     IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR)
#define PARENT_MASK (IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR)

/* Whose changes by other machines inotify does not tell of. */
static bool is_remote(const char *path)
{
    static const unsigned long magics[] = {
        NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,  0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */, V9FS_MAGIC,
        AFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, FUSE_SUPER_MAGIC,      CODA_SUPER_MAGIC};
    struct statfs st;

    if (statfs(path, &st))
        return false;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if ((unsigned long)st.f_type == magics[i])
            return true;
    return false;
}

static void start_polling(fs_store *fs, const char *why)
{
    fs_watch_close(fs);
    if (fs->polling)
        return;
    fs->polling = true;
    log_msg(&fs->base.options.log, TTP_LOG_WARNING,
            "%s: cannot be watched (%s); looking at it every %d ms instead",
            fs->base.options.rules_dir, why, STORE_LOOK_MS);
}

/* Another directory may have the path next time, so the same call is made again and again. */
static void watch_parent(fs_store *fs)
{
    char *copy = strdup(fs->base.options.rules_dir);

    if (!copy)
        return; /* the look once a second stays */
    fs->parent_wd = inotify_add_watch(fs->inotify_fd, dirname(copy), PARENT_MASK);
    free(copy);
}

/* The parent can be the same directory as the one watched ("/"): then the masks must not replace
 * each other. */
static int watch_dir(fs_store *fs)
{
    fs->dir_wd =
        inotify_add_watch(fs->inotify_fd, fs->base.options.rules_dir, DIR_MASK | IN_MASK_ADD);
    return fs->dir_wd < 0 ? -errno : 0;
}

static int missing_error(const fs_store *fs, int rc, ttp_err *err)
{
    return err_set(err, rc, fs->base.options.rules_dir,
                   "cannot read the directory of rules: %s; expected a directory that may be read",
                   strerror(-rc));
}

/* Remember which directory the path leads to. */
static int identify(fs_store *fs)
{
    struct stat st;

    if (stat(fs->base.options.rules_dir, &st))
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    fs->dir_dev = st.st_dev;
    fs->dir_ino = st.st_ino;
    fs->remote = is_remote(fs->base.options.rules_dir);
    return 0;
}

static bool gone(int rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES || rc == -ELOOP;
}

static int open_inotify(fs_store *fs)
{
    if (fs->inotify_fd < 0)
        fs->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return fs->inotify_fd < 0 ? -errno : 0;
}

int fs_watch_open(fs_store *fs, ttp_err *err)
{
    int rc = identify(fs);

    if (rc)
        return missing_error(fs, rc, err);
    if (fs->remote) {
        start_polling(fs, "a network filesystem");
        return 0;
    }
    rc = open_inotify(fs);
    if (!rc) {
        watch_parent(fs);
        rc = watch_dir(fs);
    }
    if (gone(rc))
        return missing_error(fs, rc, err);
    if (rc) {
        start_polling(fs, strerror(-rc));
        return 0;
    }
    if (fs->polling)
        log_msg(&fs->base.options.log, TTP_LOG_INFO, "%s: can be watched now",
                fs->base.options.rules_dir);
    fs->polling = false;
    return 0;
}

void fs_watch_close(fs_store *fs)
{
    if (fs->inotify_fd >= 0)
        (void)close(fs->inotify_fd); /* ends its watches */
    fs->inotify_fd = fs->dir_wd = fs->parent_wd = -1;
}

static void set_missing(fs_store *fs, const ttp_err *err)
{
    if (fs->missing)
        return;
    fs->missing = true;
    fs_log_err(fs, TTP_LOG_WARNING, err);
    log_msg(&fs->base.options.log, TTP_LOG_WARNING,
            "%s: its rules go on as they are until it is there again", fs->base.options.rules_dir);
}

/* The old watch follows the old directory, wherever it is now. */
static void unwatch_dir(fs_store *fs)
{
    if (fs->inotify_fd >= 0 && fs->dir_wd >= 0)
        (void)inotify_rm_watch(fs->inotify_fd, fs->dir_wd); /* EINVAL: it ended by itself */
    fs->dir_wd = -1;
}

void fs_watch_check(fs_store *fs)
{
    struct stat st;
    ttp_err err = {0};

    if (stat(fs->base.options.rules_dir, &st) == 0 && !fs->missing && st.st_dev == fs->dir_dev &&
        st.st_ino == fs->dir_ino && (fs->polling || fs->dir_wd >= 0))
        return;
    unwatch_dir(fs);
    if (fs_watch_open(fs, &err)) {
        if (fs->inotify_fd >= 0)
            watch_parent(fs);
        set_missing(fs, &err);
        return;
    }
    if (fs->missing)
        log_msg(&fs->base.options.log, TTP_LOG_INFO, "%s: is there again",
                fs->base.options.rules_dir);
    fs->missing = false;
    fs->must_scan = true;
}

static bool is_link(const fs_store *fs, const char *name)
{
    auto_free(buf) buf path = {0};
    struct stat st;

    buf_printf(&path, "%s/%s", fs->base.options.rules_dir, name);
    return buf_c_str(&path) && lstat(path.ptr, &st) == 0 && S_ISLNK(st.st_mode);
}

/*
 * Rule files that are links through another link of the directory, as Kubernetes mounts them
 * (x.yaml -> ..data/x.yaml), change when that one is turned.
 */
static bool turns_links(const fs_store *fs, const struct inotify_event *ev)
{
    return fs->has_links && (ev->mask & (IN_MOVED_TO | IN_CREATE)) && is_link(fs, ev->name);
}

static void take_event(fs_store *fs, const struct inotify_event *ev, bool *ret_check)
{
    if (ev->mask & IN_Q_OVERFLOW) {
        fs->must_scan = true;
        *ret_check = true;
        return;
    }
    if (ev->wd != fs->dir_wd) {
        *ret_check |= ev->wd == fs->parent_wd; /* else: of a watch that has ended */
        return;
    }
    if (ev->mask & IN_IGNORED)
        fs->dir_wd = -1;
    if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
        *ret_check = true;
    if (ev->len == 0)
        return;
    if (rule_file_name_counts(str_from(ev->name)))
        (void)fs_look(fs, ev->name, /* one that is gone is waited for */
                      ev->mask & (IN_CLOSE_WRITE | IN_MOVED_TO) ? FS_CLOSED : FS_READ);
    else if (turns_links(fs, ev))
        fs->must_scan = true;
}

void fs_watch_drain(fs_store *fs)
{
    char events[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool check = false;
    ssize_t n;

    while (fs->inotify_fd >= 0 && (n = read(fs->inotify_fd, events, sizeof(events))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *ev = (const void *)(events + at);

            take_event(fs, ev, &check);
            at += (ssize_t)(sizeof(*ev) + ev->len);
        }
        if (check)
            fs_watch_check(fs);
        check = false;
    }
}
