/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of a filesystem store: watch before the first scan, so that an edit during it is an
 * event that waits; then whatever comes, in order.
 */
#include "store/filesystem/fs.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define NS_PER_MS 1000000LL
#define RECONCILE_MS 60000

void fs_log_err(const fs_store *fs, ttp_log_level level, const ttp_err *err)
{
    char line[1200];

    log_msg(&fs->base.options.log, level, "%s", ttp_err_format(err, line, sizeof(line)));
}

static int begin(fs_store *fs, ttp_err *err)
{
    int rc = fs_watch_open(fs, err);

    fs->first_scan = true;
    if (!rc)
        rc = fs_scan(fs, FS_READ, err);
    fs->first_scan = false;
    return rc;
}

static void tell_ready(fs_store *fs, int rc, const ttp_err *err)
{
    pthread_mutex_lock(&fs->base.lock);
    fs->ready = true;
    fs->start_rc = rc;
    fs->start_err = *err;
    pthread_cond_broadcast(&fs->cond);
    pthread_mutex_unlock(&fs->base.lock);
}

static void scan(fs_store *fs, fs_how how)
{
    ttp_err err = {0};

    fs->must_scan = false;
    if (fs->missing)
        return;
    if (fs_scan(fs, how, &err) == 0)
        return;
    fs->dir_ino = 0; /* not what it was: the next check follows it, and says so */
    fs_watch_check(fs);
}

static uint32_t reconcile_ms(const fs_store *fs)
{
    uint32_t ms = fs->base.options.reconcile_ms;

    return ms ? ms : RECONCILE_MS;
}

static bool events_wait(const fs_store *fs)
{
    struct pollfd p = {.fd = fs->inotify_fd, .events = POLLIN};

    return fs->inotify_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* Compare all that runs with the disk, byte for byte, and try to be told of changes again. */
static void reconcile(fs_store *fs)
{
    uint64_t n_news = fs->n_news;
    ttp_err err = {0};

    if (fs->polling && !fs->remote && !fs->missing)
        (void)fs_watch_open(fs, &err); /* a directory that has gone is the next check's */
    scan(fs, FS_READ);
    if (fs->n_news == n_news || fs->repaired || events_wait(fs))
        return;
    fs->repaired = true;
    log_msg(&fs->base.options.log, TTP_LOG_WARNING,
            "%s: held changes that nothing had told of; they are taken in, as all such will be "
            "every %u ms",
            fs->base.options.rules_dir, reconcile_ms(fs));
}

/* When to do again what began then: later where it takes long, so that it is not all we do. */
static int64_t next_time(int64_t began_ns, uint32_t every_ms)
{
    int64_t now_ns = time_monotonic_ns(), took_ns = now_ns - began_ns;
    int64_t every_ns = every_ms * NS_PER_MS;

    return now_ns + (took_ns > every_ns ? took_ns : every_ns);
}

/* What goes by the clock. Returns when there is more of it. */
static int64_t run_timers(fs_store *fs)
{
    int64_t now_ns = time_monotonic_ns(), next_ns;

    if (now_ns >= fs->check_ns) {
        fs_watch_check(fs);
        if (fs->polling)
            scan(fs, FS_QUICK);
        fs->check_ns = next_time(now_ns, STORE_LOOK_MS);
    }
    if (now_ns >= fs->reconcile_ns) {
        reconcile(fs);
        fs->reconcile_ns = next_time(now_ns, reconcile_ms(fs));
    }
    next_ns = fs_look_again(fs, now_ns);
    if (next_ns > fs->check_ns)
        next_ns = fs->check_ns;
    return next_ns < fs->reconcile_ns ? next_ns : fs->reconcile_ns;
}

static void clear_wake(fs_store *fs)
{
    uint64_t n;

    if (read(fs->wake_fd, &n, sizeof(n)) < 0) /* nothing to clear */
        return;
}

static bool next_request(fs_store *fs, uint64_t *ret_requested, bool *ret_waits)
{
    bool stop;

    pthread_mutex_lock(&fs->base.lock);
    stop = fs->stop;
    *ret_requested = fs->requested;
    *ret_waits = fs->done < fs->requested;
    pthread_mutex_unlock(&fs->base.lock);
    return !stop;
}

/*
 * Loads wait for what had been written before them. A file that is absent or being closed just now
 * may be in the middle of an exchange, so they wait for that too, but not for a directory that
 * never rests.
 */
static void answer(fs_store *fs, uint64_t requested)
{
    int64_t now_ns = time_monotonic_ns();

    if ((fs->n_absent || fs->n_closing) && !fs->patience_ns)
        fs->patience_ns = now_ns + 2 * STORE_ABSENCE_MS * NS_PER_MS;
    if ((fs->n_absent || fs->n_closing) && now_ns < fs->patience_ns)
        return;
    fs->patience_ns = 0;
    pthread_mutex_lock(&fs->base.lock);
    fs->done = requested;
    pthread_cond_broadcast(&fs->cond);
    pthread_mutex_unlock(&fs->base.lock);
}

static void wait_until(fs_store *fs, int64_t until_ns)
{
    struct pollfd p[2] = {{.fd = fs->wake_fd, .events = POLLIN},
                          {.fd = fs->inotify_fd, .events = POLLIN}}; /* -1 is passed over */
    int64_t left_ns = until_ns - time_monotonic_ns();
    int timeout_ms = left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0;

    (void)poll(p, 2, timeout_ms); /* whatever it says, the loop looks at everything */
}

static void follow(fs_store *fs)
{
    uint64_t requested;
    bool waits;

    while (next_request(fs, &requested, &waits)) {
        int64_t until_ns;

        clear_wake(fs);
        if (waits)
            fs_watch_check(fs);
        fs_watch_drain(fs);
        if (fs->must_scan || (waits && fs->polling))
            scan(fs, fs->must_scan ? FS_READ : FS_QUICK);
        until_ns = run_timers(fs);
        if (waits)
            answer(fs, requested);
        if (!fs->must_scan)
            wait_until(fs, until_ns);
    }
}

void *fs_worker(void *store)
{
    fs_store *fs = store;
    ttp_err err = {0};
    int rc;

    fs->tid = gettid();
    fs->m = matcher_new(NULL);
    rc = fs->m ? begin(fs, &err) : -ENOMEM;
    fs->check_ns = time_monotonic_ns() + STORE_LOOK_MS * NS_PER_MS;
    fs->reconcile_ns = time_monotonic_ns() + reconcile_ms(fs) * NS_PER_MS;
    tell_ready(fs, rc, &err);
    if (!rc)
        follow(fs);
    fs_watch_close(fs);
    (void)matcher_free(fs->m); /* returns NULL */
    return NULL;
}
