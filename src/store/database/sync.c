/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory's rules into the database. Which rows are the directory's is told by source_path: the
 * directory's own absolute path, links not followed, so that a deploy that flips a link does not
 * make yesterday's rows somebody else's. Paths of the Python program, relative ones too, are
 * compared by the directory they lead to.
 */
#include "base/err.h"
#include "base/limits.h"
#include "store/database/database.h"
#include "store/database/internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct source_row {
    char rule_id[RULE_ID_MAX + 1];
    char *path;
} source_row;

typedef struct source_rows {
    source_row *rows;
    size_t n, cap;
} source_rows;

static void source_rows_free_ptr(source_rows *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->rows[i].path);
    free(s->rows);
}

static int absolute_dir(database_sync *sync, ttp_err *err)
{
    size_t len = 0;
    int n;

    sync->dir[0] = '\0';
    if (sync->rules_dir[0] != '/') {
        if (!getcwd(sync->dir, sizeof(sync->dir)))
            return err_set(err, -errno, sync->rules_dir, "cannot tell its absolute path: %s",
                           strerror(errno));
        len = strlen(sync->dir);
    }
    n = snprintf(sync->dir + len, sizeof(sync->dir) - len, "%s%s", len ? "/" : "", sync->rules_dir);
    if (n < 0 || (size_t)n >= sizeof(sync->dir) - len)
        return err_set(err, -ENAMETOOLONG, sync->rules_dir, "the path is too long");
    for (len = strlen(sync->dir); len > 1 && sync->dir[len - 1] == '/'; len--)
        sync->dir[len - 1] = '\0';
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Does the path lead into the directory? */
static bool is_ours(const database_sync *sync, const char *path)
{
    size_t len = (size_t)(base_name(path) - path);
    auto_free(mem) char *dir = strndup(len ? path : ".", len ? len : 1);
    struct stat theirs, ours;

    while (dir && len > 1 && dir[len - 1] == '/')
        dir[--len] = '\0';
    if (dir && strcmp(dir, sync->dir) == 0)
        return true;
    return dir && stat(dir, &theirs) == 0 && stat(sync->dir, &ours) == 0 &&
           theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/*
 * A rule as fs runs it into its row, by the very bytes it was read from: what stands in the file by
 * now may be a later version, which is a change of its own, or somebody's mistake.
 */
static int write_rule(database_sync *sync, rule *r, ttp_err *err)
{
    database *d = database_of(sync->db);
    auto_free(buf) buf path = {0};
    int rc;

    if (!r->source.ptr)
        return err_set(err, -EINVAL, NULL, "the directory's store does not keep its rules' bytes");
    buf_printf(&path, "%s/%s", sync->dir, base_name(r->path.ptr));
    if (!buf_c_str(&path))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    pthread_mutex_lock(&d->lock);
    rc = database_write_locked(d, r, r->source, path.ptr, sync->updated_by, err);
    pthread_mutex_unlock(&d->lock);
    sync->n_written += rc == 0;
    return rc;
}

static int read_sources(database *d, source_rows *all, ttp_err *err)
{
    db_stmt *stmt;
    int rc = database_ready_locked(d, err);

    if (!rc)
        rc = db_prepare(d->db, "SELECT rule_id, source_path FROM ttp_rule", &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_next(stmt, err)) == 0) {
        str path = db_text(stmt, 1);
        source_row row = {0};

        rows_rule_id(stmt, 0, row.rule_id);
        if (!row.rule_id[0] || path.len == 0)
            continue;
        if (mem_grow(all->rows, all->cap, all->n + 1) ||
            !(row.path = strndup(path.ptr, path.len))) {
            db_reset(stmt);
            return err_set(err, -ENOMEM, NULL, "out of memory");
        }
        all->rows[all->n++] = row;
    }
    return rc == TTP_E_END ? 0 : rc;
}

/* What the directory holds, to look up by id and by file name. */
typedef struct directory {
    const char **ids, **names;
    size_t n;
} directory;

static void directory_free_ptr(directory *d)
{
    free(d->ids);
    free(d->names);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_directory(const ttp_store_rules *rules, directory *ret_directory)
{
    size_t n = ttp_store_rules_count(rules);

    ret_directory->ids = calloc(n + 1, sizeof(char *));
    ret_directory->names = calloc(n + 1, sizeof(char *));
    if (!ret_directory->ids || !ret_directory->names)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const ttp_rule *r = ttp_store_rules_at(rules, i, NULL);

        ret_directory->ids[i] = r->rule_id.ptr;
        ret_directory->names[i] = base_name(r->path.ptr);
    }
    ret_directory->n = n;
    qsort(ret_directory->ids, n, sizeof(char *), by_text);
    qsort(ret_directory->names, n, sizeof(char *), by_text);
    return 0;
}

static bool is_among(const char *const *sorted, size_t n, const char *text)
{
    return bsearch(&text, sorted, n, sizeof(*sorted), by_text) != NULL;
}

/*
 * Has the rule of this row gone from the directory? Its file is gone, or holds another rule by now;
 * a file that is there but does not load is somebody's mistake of today, and no deletion.
 */
static bool is_gone(const database_sync *sync, const directory *now, const source_row *row)
{
    const char *name = base_name(row->path);
    auto_free(buf) buf path = {0};
    struct stat st;

    if (is_among(now->ids, now->n, row->rule_id) || !is_ours(sync, row->path))
        return false;
    if (is_among(now->names, now->n, name))
        return true;
    buf_printf(&path, "%s/%s", sync->dir, name);
    return buf_c_str(&path) && stat(path.ptr, &st) != 0 && errno == ENOENT;
}

static int delete_gone(database_sync *sync, const ttp_store_rules *rules, ttp_err *err)
{
    database *d = database_of(sync->db);
    __attribute__((cleanup(source_rows_free_ptr))) source_rows all = {0};
    __attribute__((cleanup(directory_free_ptr))) directory now = {0};
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = read_sources(d, &all, err);
    pthread_mutex_unlock(&d->lock);
    if (!rc && list_directory(rules, &now))
        rc = err_set(err, -ENOMEM, NULL, "out of memory");
    for (size_t i = 0; !rc && i < all.n; i++) {
        if (!is_gone(sync, &now, &all.rows[i]))
            continue;
        rc = database_delete_rule(sync->db, all.rows[i].rule_id, err);
        sync->n_deleted += rc == 0;
        if (rc == TTP_E_NOT_FOUND) /* somebody was faster */
            rc = 0;
    }
    return rc;
}

static int write_all(database_sync *sync, const ttp_store_rules *rules, ttp_err *err)
{
    int rc = 0;

    sync->n_refused = ttp_store_rules_n_diagnostics(rules); /* fs has logged them */
    for (size_t i = 0; !rc && i < ttp_store_rules_count(rules); i++)
        rc = write_rule(sync, ttp_store_rules_at(rules, i, NULL), err);
    return rc;
}

static unsigned connection_of(const database_sync *sync)
{
    database *d = database_of(sync->db);
    unsigned n;

    pthread_mutex_lock(&d->lock);
    n = d->n_connections;
    pthread_mutex_unlock(&d->lock);
    return n;
}

bool database_sync_is_stale(const database_sync *sync)
{
    return connection_of(sync) != sync->connection;
}

int database_sync_all(database_sync *sync, uint64_t *ret_sequence, ttp_err *err)
{
    ttp_store_rules *rules = NULL;
    int rc = absolute_dir(sync, err);

    sync->connection = connection_of(sync);
    if (!rc)
        rc = ttp_store_load(sync->fs, &rules, err);
    if (rc)
        return rc;
    /* deleted first: a rule_id that moved to another file is then written, not deleted */
    rc = delete_gone(sync, rules, err);
    if (!rc)
        rc = write_all(sync, rules, err);
    if (!rc)
        *ret_sequence = ttp_store_rules_sequence(rules);
    (void)ttp_store_rules_free(rules); /* returns NULL */
    return rc;
}

/* A rule that left the directory, unless its row came from elsewhere. */
static int delete_if_ours(database_sync *sync, const char *rule_id, ttp_err *err)
{
    database *d = database_of(sync->db);
    __attribute__((cleanup(source_rows_free_ptr))) source_rows all = {0};
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = read_sources(d, &all, err);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; !rc && i < all.n; i++) {
        if (strcmp(all.rows[i].rule_id, rule_id) != 0 || !is_ours(sync, all.rows[i].path))
            continue;
        rc = database_delete_rule(sync->db, rule_id, err);
        sync->n_deleted += rc == 0;
    }
    return rc == TTP_E_NOT_FOUND ? 0 : rc;
}

int database_sync_change(database_sync *sync, const ttp_change *change, ttp_err *err)
{
    if (change->kind != TTP_CHANGE_DEFINITION)
        return 0; /* the directory's states are its own */
    return change->rule ? write_rule(sync, change->rule, err)
                        : delete_if_ours(sync, change->rule_id, err);
}
