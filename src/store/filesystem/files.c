/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From files to rules that run. Everything here is the thread's; it takes the lock only to change
 * what others read.
 */
#include "store/filesystem/fs.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/sorted.h"
#include "base/time.h"
#include "base/uuid.h"
#include "rule/files.h"

#include <errno.h>

static const char *key_of(const void *files, size_t i)
{
    fs_file *const *file = files;

    return file[i]->name;
}

static size_t file_place(const fs_store *fs, const char *name, bool *ret_found)
{
    return sorted_place(fs->files, fs->n_files, key_of, name, ret_found);
}

static fs_file *find_file(const fs_store *fs, const char *name)
{
    bool found;
    size_t i = file_place(fs, name, &found);

    return found ? fs->files[i] : NULL;
}

void fs_file_free(fs_file *f)
{
    (void)rule_unref(f->good); /* returns NULL */
    free(f->err);
    free(f->refused_id);
    free(f->name);
    free(f);
}

static fs_file *add_file_locked(fs_store *fs, const char *name)
{
    bool found;
    size_t i = file_place(fs, name, &found);
    fs_file *f;

    if (mem_grow(fs->files, fs->cap_files, fs->n_files + 1))
        return NULL;
    f = calloc(1, sizeof(*f));
    if (f)
        f->name = strdup(name);
    if (!f || !f->name) {
        free(f);
        return NULL;
    }
    memmove(fs->files + i + 1, fs->files + i, (fs->n_files - i) * sizeof(*fs->files));
    fs->files[i] = f;
    fs->n_files++;
    return f;
}

static fs_file *get_file(fs_store *fs, const char *name)
{
    fs_file *f = find_file(fs, name);

    if (f)
        return f;
    pthread_mutex_lock(&fs->base.lock);
    f = add_file_locked(fs, name);
    pthread_mutex_unlock(&fs->base.lock);
    return f;
}

/* The entry now runs what file holds (NULL: nothing); a change where that differs. */
static void run_locked(fs_store *fs, fs_entry *e, fs_file *file)
{
    rule *next = file ? file->good : NULL;
    bool same = e->rule ? next && memcmp(e->rule->content_hash, next->content_hash, 20) == 0
                        : !next;

    (void)rule_unref(e->rule); /* returns NULL; next has a reference of its own */
    e->rule = next ? rule_ref(next) : NULL;
    e->file = file;
    fs_note_entry_locked(fs, e);
    if (!same && !fs->first_scan) {
        ttp_change change = change_definition(e->rule_id, next);

        store_emit_locked(&fs->base, &change);
    }
}

static void log_double(const fs_store *fs, const fs_file *loser, const fs_file *winner)
{
    log_msg(&fs->base.options.log, TTP_LOG_WARNING,
            "%s/%s: rule_id %s is %s's already; it waits until that one goes",
            fs->base.options.rules_dir, loser->name, loser->entry->rule_id, winner->name);
}

static fs_file *first_claiming(const fs_store *fs, const fs_entry *e)
{
    for (size_t i = 0; e->n_claims && i < fs->n_files; i++)
        if (fs->files[i]->entry == e)
            return fs->files[i];
    return NULL;
}

static void release_locked(fs_store *fs, fs_file *f)
{
    fs_entry *e = f->entry;

    if (!e)
        return;
    f->entry = NULL;
    e->n_claims--;
    if (e->file == f)
        run_locked(fs, e, first_claiming(fs, e));
    fs_drop_entry_locked(fs, e);
}

static void claim_locked(fs_store *fs, fs_file *f, fs_entry *e)
{
    fs_file *runs = e->file;

    f->entry = e;
    e->n_claims++;
    if (!runs || strcmp(f->name, runs->name) < 0)
        run_locked(fs, e, f);
    if (runs)
        log_double(fs, e->file == f ? runs : f, e->file);
}

/* The file holds another version that may run. Takes over the reference. */
static int take_over(fs_store *fs, fs_file *f, rule *next)
{
    fs_entry *e;

    pthread_mutex_lock(&fs->base.lock);
    e = fs_get_entry_locked(fs, next->rule_id.ptr);
    if (!e) {
        pthread_mutex_unlock(&fs->base.lock);
        (void)rule_unref(next); /* returns NULL */
        return -ENOMEM;
    }
    if (f->entry != e)
        release_locked(fs, f);
    (void)rule_unref(f->good); /* returns NULL */
    f->good = next;
    free(take(f->err));
    fs_note_gone_locked(fs, f);
    free(take(f->refused_id));
    if (f->entry != e)
        claim_locked(fs, f, e);
    else if (e->file == f)
        run_locked(fs, e, f);
    pthread_mutex_unlock(&fs->base.lock);
    return 0;
}

/* What the file holds is not taken; what it held before runs on. Said once. */
static void refuse(fs_store *fs, fs_file *f, const ttp_err *err)
{
    ttp_err *kept = f->err;
    bool said = kept && kept->code == err->code && kept->line == err->line &&
                strcmp(kept->text, err->text) == 0;

    if (!said)
        fs_log_err(fs, TTP_LOG_WARNING, err);
    pthread_mutex_lock(&fs->base.lock);
    if (!kept)
        kept = f->err = malloc(sizeof(*kept));
    if (kept)
        *kept = *err;
    fs_note_file_locked(fs, f);
    pthread_mutex_unlock(&fs->base.lock);
}

static void set_absent(fs_store *fs, fs_file *f, int64_t due_ns)
{
    fs->n_absent += (due_ns != 0) - (f->due_ns != 0);
    f->due_ns = due_ns;
}

#define CLOSING_MS 16

/* Look at it again in so many milliseconds; 0: it is not needed. */
static void set_again(fs_store *fs, fs_file *f, uint32_t ms)
{
    fs->n_busy += (ms != 0) - (f->again_ms != 0);
    fs->n_closing += (ms && ms <= CLOSING_MS) - (f->again_ms && f->again_ms <= CLOSING_MS);
    f->again_ms = ms;
    f->again_ns = ms ? time_monotonic_ns() + ms * 1000000LL : 0;
}

/*
 * Whoever closes a file is seen doing so a moment before the file is free, so a busy one is looked
 * at again: at once, then ever more seldom.
 */
static void set_busy(fs_store *fs, fs_file *f, fs_how how)
{
    uint32_t ms = f->again_ms && how != FS_CLOSED ? 2 * f->again_ms : 1;

    set_again(fs, f, ms < STORE_LOOK_MS ? ms : STORE_LOOK_MS);
}

static void remove_file(fs_store *fs, fs_file *f)
{
    bool found;
    size_t i;

    set_absent(fs, f, 0);
    set_again(fs, f, 0);
    fs->must_scan |= fs->dir_err.code != 0; /* there is room for another one now */
    pthread_mutex_lock(&fs->base.lock);
    release_locked(fs, f);
    fs_note_gone_locked(fs, f);
    i = file_place(fs, f->name, &found);
    fs->n_files--;
    memmove(fs->files + i, fs->files + i + 1, (fs->n_files - i) * sizeof(*fs->files));
    pthread_mutex_unlock(&fs->base.lock);
    fs_file_free(f);
}

static void warn_of(void *ctx, const ttp_err *warning)
{
    fs_log_err(ctx, TTP_LOG_WARNING, warning);
}

/* r: what was refused, where it could be read. */
static void set_refused_id(fs_store *fs, fs_file *f, const rule *r)
{
    str id = r ? r->rule_id : STR_NULL;

    if (str_eq(id, str_from(f->refused_id)))
        return;
    pthread_mutex_lock(&fs->base.lock);
    fs_note_gone_locked(fs, f);
    free(f->refused_id);
    f->refused_id = r ? strdup(r->rule_id.ptr) : NULL; /* without memory: the file's name does */
    pthread_mutex_unlock(&fs->base.lock);
}

typedef struct fs_text {
    const char *path;
    str bytes;
    uint8_t hash[20];
} fs_text;

static int compile(fs_store *fs, fs_file *f, const fs_text *text, rule **ret_rule, ttp_err *err)
{
    rule_context ctx = {.catalogue = fs->base.options.attack,
                        .warn = warn_of,
                        .warn_ctx = fs,
                        .keep_source = fs->base.options.keep_source,
                        .content_hash = text->hash};
    auto_free(rule) rule *r = NULL;
    int rc = rule_read(text->bytes, text->path, &ctx, &r, err);

    if (!rc && !fs->base.options.no_gate)
        rc = store_gate(r, fs->m, err);
    if (!rc)
        *ret_rule = take(r);
    else
        set_refused_id(fs, f, r);
    return rc;
}

/* The bytes of a file, never empty. */
static int judge(fs_store *fs, fs_file *f, const char *path, str bytes, ttp_err *err)
{
    fs_text text = {.path = path, .bytes = bytes};
    rule *r = NULL;
    int rc;

    sha1(bytes.ptr, bytes.len, text.hash);
    if (f->judged && memcmp(f->hash, text.hash, sizeof(text.hash)) == 0)
        return 0;
    fs->n_news++;
    rc = f->good && memcmp(f->good->content_hash, text.hash, sizeof(text.hash)) == 0
             ? take_over(fs, f, rule_ref(f->good)) /* a bad edit was taken back */
             : compile(fs, f, &text, &r, err);
    if (!rc && r)
        rc = take_over(fs, f, r);
    if (rc == -ENOMEM)
        return err_set(err, rc, path, "out of memory"); /* to be judged again */
    memcpy(f->hash, text.hash, sizeof(text.hash));
    f->judged = true;
    if (rc)
        refuse(fs, f, err);
    return 0;
}

/* It is there, and is looked at again when there may be memory. */
static void put_off(fs_store *fs, fs_file *f, const char *path)
{
    ttp_err err = {0};

    (void)err_set(&err, -ENOMEM, path, "out of memory"); /* returns its code */
    fs_log_err(fs, TTP_LOG_ERROR, &err);
    if (!f)
        return; /* the next comparison finds it */
    set_absent(fs, f, 0);
    set_again(fs, f, STORE_LOOK_MS);
    f->scan = fs->scan;
}

static bool is_old(const fs_stamp *stamp)
{
    int64_t us = stamp->mtime.tv_sec * 1000000LL + stamp->mtime.tv_nsec / 1000;

    return us <= time_now_us() - STORE_SETTLE_MS * 1000LL;
}

/*
 * May a file be taken of which nobody can tell whether it is still being written? If it has not
 * changed for a while: as seen by us, or where that clock is ours (or we have seen nothing yet) as
 * it says itself.
 */
static bool has_settled(const fs_store *fs, fs_file *f, const fs_stamp *stamp)
{
    int64_t now_ns = time_monotonic_ns();

    if ((!fs->remote || fs->first_scan) && is_old(stamp))
        return true;
    if (fs_same_stamp(stamp, &f->seen))
        return now_ns - f->seen_ns >= STORE_SETTLE_MS * 1000000LL;
    f->seen = *stamp;
    f->seen_ns = now_ns;
    return false;
}

static void set_found(fs_store *fs, fs_file *f, const fs_reading *r, fs_how how)
{
    ttp_err err = {0};

    if (r->unsure && how != FS_CLOSED && !has_settled(fs, f, &r->stamp)) {
        set_again(fs, f, STORE_SETTLE_MS + 1);
        return;
    }
    if (r->text.len && judge(fs, f, r->path, buf_str(&r->text), &err)) {
        put_off(fs, f, r->path);
        return;
    }
    set_again(fs, f, 0);
    f->stamp = r->stamp;
}

/* It cannot be read, or somebody is in the middle of writing it: it is there. */
static void set_unread(fs_store *fs, fs_file *f, fs_how how, const ttp_err *err)
{
    f->judged = f->judged && !err; /* were it readable again with the same bytes, err must go */
    f->stamp = (fs_stamp){0};
    if (!err) {
        set_busy(fs, f, how);
        return;
    }
    /* what is wrong with the system may pass without an event */
    set_again(fs, f, err->code < 0 ? STORE_LOOK_MS : 0);
    refuse(fs, f, err);
}

static void set_lost(fs_store *fs, const char *name)
{
    fs_file *f = find_file(fs, name);

    if (!f)
        return;
    set_again(fs, f, 0);
    if (f->due_ns)
        return;
    fs->n_news++;
    set_absent(fs, f, time_monotonic_ns() + STORE_ABSENCE_MS * 1000000LL);
}

/* Too many files: said once, and a diagnostic as long as it is so. */
static void judge_count(fs_store *fs, size_t n)
{
    ttp_err err = {0};
    bool news;

    (void)rule_names_judge(n, fs->base.options.rules_dir, &err); /* leaves its code there */
    pthread_mutex_lock(&fs->base.lock);
    news = err.code && !fs->dir_err.code;
    fs->dir_err = err;
    pthread_mutex_unlock(&fs->base.lock);
    if (news)
        fs_log_err(fs, TTP_LOG_WARNING, &err);
}

static void take_look(fs_store *fs, fs_file *f, const fs_reading *r, fs_how how, int rc,
                      const ttp_err *err)
{
    set_absent(fs, f, 0);
    f->scan = fs->scan;
    if (rc == 0)
        set_found(fs, f, r, how);
    else if (rc != TTP_E_DUPLICATE)
        set_unread(fs, f, how, rc == TTP_E_END ? NULL : err);
}

static int look(fs_store *fs, const char *name, bool is_regular, fs_how how)
{
    auto_free(buf) buf path = {0};
    fs_file *f = find_file(fs, name);
    fs_reading r = {.remote = fs->remote,
                    .is_regular = is_regular,
                    .tid = fs->tid,
                    .known = how == FS_QUICK && f ? &f->stamp : NULL};
    ttp_err err = {0};
    int rc;

    if (!f && fs->n_files >= RULE_DIR_FILES_MAX) {
        judge_count(fs, fs->n_files + 1);
        return 0;
    }
    buf_put_c(&path, fs->base.options.rules_dir);
    buf_put_char(&path, '/');
    buf_put_c(&path, name);
    r.path = buf_c_str(&path);
    rc = r.path ? fs_read(&r, &err) : -ENOMEM;
    if (rc == TTP_E_NOT_FOUND) {
        set_lost(fs, name);
    } else {
        f = f ? f : get_file(fs, name);
        if (!f || rc == -ENOMEM)
            put_off(fs, f, name);
        else
            take_look(fs, f, &r, how, rc, &err);
        rc = 0;
    }
    buf_done(&r.text);
    return rc;
}

int fs_look(fs_store *fs, const char *name, fs_how how)
{
    return look(fs, name, false, how);
}

int64_t fs_look_again(fs_store *fs, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;

    for (size_t i = 0; fs->n_absent + fs->n_busy && i < fs->n_files;) {
        fs_file *f = fs->files[i];
        bool lost = f->due_ns && f->due_ns <= now_ns;
        int rc = 0;

        if (lost || (f->again_ns && f->again_ns <= now_ns))
            rc = fs_look(fs, f->name, FS_READ); /* adds no file: this one is known */
        if (lost && rc == TTP_E_NOT_FOUND) {
            remove_file(fs, f);
            continue;
        }
        if (f->due_ns && f->due_ns < next_ns)
            next_ns = f->due_ns;
        if (f->again_ns && f->again_ns < next_ns)
            next_ns = f->again_ns;
        i++;
    }
    return next_ns;
}

static void look_at_names(fs_store *fs, const rule_names *names, fs_how how)
{
    fs->scan++;
    fs->has_links = names->has_links;
    for (size_t i = 0; i < names->n; i++)
        (void)look(fs, names->names[i].text, names->names[i].is_regular,
                   how); /* one that has gone since is lost below */
    for (size_t i = 0; i < fs->n_files; i++)
        if (fs->files[i]->scan != fs->scan)
            set_lost(fs, fs->files[i]->name);
    judge_count(fs, names->n_found);
}

int fs_scan(fs_store *fs, fs_how how, ttp_err *err)
{
    const char *path = fs->base.options.rules_dir;
    rule_names names = {0};
    int rc = rule_names_read(path, &names);

    if (rc)
        return err_set(err, rc, path,
                       "cannot read the directory of rules: %s; expected a directory that may be "
                       "read",
                       strerror(-rc));
    look_at_names(fs, &names, how);
    rule_names_done(&names);
    return 0;
}
