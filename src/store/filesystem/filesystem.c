/* SPDX-License-Identifier: Apache-2.0 */
/* The filesystem store as its callers meet it. */
#include "store/filesystem/fs.h"

#include "base/err.h"
#include "base/thread.h"
#include "base/time.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const char *choose_dir(const char *option)
{
    if (!option || !*option)
        option = getenv("DECNET_TTP_RULES_DIR");
    return option && *option ? option : "./rules/ttp";
}

static int open_store(const ttp_store_options *options, ttp_store **ret_store, ttp_err *err)
{
    ttp_store_options chosen = *options;
    fs_store *fs = calloc(1, sizeof(*fs));
    int rc;

    if (!fs)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    chosen.rules_dir = choose_dir(options->rules_dir);
    fs->inotify_fd = fs->dir_wd = fs->parent_wd = -1;
    fs->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = fs->wake_fd < 0 ? -errno : store_init(&fs->base, &store_filesystem, &chosen);
    if (!rc) {
        *ret_store = &fs->base;
        return -pthread_cond_init(&fs->cond, NULL); /* never fails on Linux */
    }
    if (fs->wake_fd >= 0)
        (void)close(fs->wake_fd); /* holds nothing */
    free(fs);
    return err_set(err, rc, NULL, "cannot open the rule store: %s", strerror(-rc));
}

static int start_thread(fs_store *fs)
{
    int rc = thread_start(&fs->thread, fs_worker, fs);

    fs->has_thread = rc == 0;
    return rc;
}

static int start(ttp_store *store, ttp_err *err)
{
    fs_store *fs = fs_of(store);
    int rc = start_thread(fs);

    if (rc)
        return err_set(err, rc, NULL, "cannot start the rule store's thread: %s", strerror(-rc));
    pthread_mutex_lock(&store->lock);
    while (!fs->ready)
        pthread_cond_wait(&fs->cond, &store->lock);
    pthread_mutex_unlock(&store->lock);
    if (!fs->start_rc)
        return 0;
    if (err)
        *err = fs->start_err;
    return fs->start_rc;
}

static void wake(fs_store *fs)
{
    uint64_t n = 1;

    while (write(fs->wake_fd, &n, sizeof(n)) < 0 && errno == EINTR) /* full: it is awake already */
        continue;
}

static void stop_thread(fs_store *fs)
{
    if (!fs->has_thread)
        return;
    pthread_mutex_lock(&fs->base.lock);
    fs->stop = true;
    pthread_mutex_unlock(&fs->base.lock);
    wake(fs);
    (void)pthread_join(fs->thread, NULL); /* it is ours and running */
}

static void free_store(ttp_store *store)
{
    fs_store *fs = fs_of(store);

    stop_thread(fs);
    for (size_t i = 0; i < fs->n_files; i++)
        fs_file_free(fs->files[i]);
    for (size_t i = 0; i < fs->n_entries; i++) {
        (void)rule_unref(fs->entries[i]->rule); /* returns NULL */
        free(fs->entries[i]);
    }
    free(fs->files);
    free(fs->entries);
    (void)pthread_cond_destroy(&fs->cond); /* nobody waits */
    (void)close(fs->wake_fd);              /* holds nothing */
    store_done(store);
    free(fs);
}

static int add_double(ttp_store_rules *rules, const fs_store *fs, const fs_file *f)
{
    auto_free(buf) buf path = {0};
    ttp_err err = {0};

    buf_printf(&path, "%s/%s", fs->base.options.rules_dir, f->name);
    (void)err_set(&err, TTP_E_DUPLICATE, buf_c_str(&path),
                  "rule_id %s is %s's already; expected another", f->entry->rule_id,
                  f->entry->file->name); /* returns its code */
    return store_rules_diagnose(rules, f->entry->rule_id, &err, false);
}

static int add_file(ttp_store_rules *rules, const fs_store *fs, const fs_file *f, int64_t now_us)
{
    const fs_entry *e = f->entry;
    bool runs = e && e->file == f;
    int rc = 0;

    if (runs)
        rc = store_rules_add(rules, e->rule,
                             state_expired(&e->state, now_us) ? &state_default : &e->state);
    if (!rc && e && !runs)
        rc = add_double(rules, fs, f);
    if (!rc && f->err)
        rc = store_rules_diagnose(rules, e ? e->rule_id : f->refused_id, f->err, runs);
    return rc;
}

static int fill_locked(ttp_store_rules *rules, const fs_store *fs)
{
    int64_t now_us = time_now_us();
    int rc = 0;

    for (size_t i = 0; !rc && i < fs->n_files; i++)
        rc = add_file(rules, fs, fs->files[i], now_us);
    if (!rc && fs->dir_err.code)
        rc = store_rules_diagnose(rules, NULL, &fs->dir_err, false);
    store_rules_set_sequence(rules, fs->base.sequence);
    return rc;
}

static int load(ttp_store *store, ttp_store_rules *rules, ttp_err *err)
{
    fs_store *fs = fs_of(store);
    uint64_t ticket;
    int rc;

    pthread_mutex_lock(&store->lock);
    ticket = ++fs->requested;
    wake(fs);
    while (fs->done < ticket)
        pthread_cond_wait(&fs->cond, &store->lock);
    rc = fill_locked(rules, fs);
    pthread_mutex_unlock(&store->lock);
    return rc ? err_set(err, rc, NULL, "out of memory") : 0;
}

const store_ops store_filesystem = {
    .name = "filesystem",
    .open = open_store,
    .start = start,
    .load = load,
    .get_state = fs_get_state,
    .set_state = fs_set_state,
    .clear_state = fs_clear_state,
    .free = free_store,
};
