/* SPDX-License-Identifier: Apache-2.0 */
/* The database store: its beginning, its end, and its single rules. */
#include "store/database/database.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/time.h"
#include "db/url.h"
#include "store/database/internal.h"

#include <errno.h>
#include <stdio.h>

const char *database_url(const char *option)
{
    const char *url = getenv("DECNET_DB_URL"), *type = getenv("DECNET_DB_TYPE");
    const char *path = getenv("DECNET_DB_PATH");

    if (option)
        return option;
    if (url && *url)
        return url;
    if (type && (strcmp(type, "mysql") == 0 || strcmp(type, "mariadb") == 0))
        return "mysql://"; /* the rest of it is in further variables: see db/url.h */
    if (type && *type && strcmp(type, "sqlite") != 0)
        return "unknown://"; /* told by whoever opens it */
    return path && *path ? path : NULL;
}

static int database_open(const ttp_store_options *options, ttp_store **ret_store, ttp_err *err)
{
    ttp_store_options o = *options;
    database *d = calloc(1, sizeof(*d));
    int rc;

    if (!d)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    o.db_url = database_url(options->db_url);
    if (!o.db_url)
        o.db_url = DB_MEMORY_PATH;
    if (!o.poll_ms)
        o.poll_ms = 250;
    rc = store_init(&d->head, &store_database, &o);
    if (rc) {
        free(d);
        return err_set(err, rc, NULL, "out of memory");
    }
    /* default attributes take no resources on Linux and cannot fail there */
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_mutex_init(&d->wake_lock, NULL);
    *ret_store = &d->head;
    return 0;
}

static int database_start(ttp_store *store, ttp_err *err)
{
    database *d = database_of(store);
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = database_ready_locked(d, err);
    if (!rc && !(d->matcher = matcher_new(NULL)))
        rc = err_set(err, -ENOMEM, NULL, "out of memory");
    if (!rc)
        rc = tail_start(d, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static void database_free(ttp_store *store)
{
    database *d = database_of(store);

    tail_stop(d);
    (void)db_close(d->db); /* returns NULL */
    rows_done(d);
    announced_done(d);
    free(d->gaps);
    free(d->own_seqs);
    (void)matcher_free(d->matcher);             /* returns NULL */
    (void)pthread_mutex_destroy(&d->wake_lock); /* nobody holds them any more */
    (void)pthread_mutex_destroy(&d->lock);
    store_done(store);
    free(d);
}

const store_ops store_database = {
    .name = "database",
    .open = database_open,
    .start = database_start,
    .load = database_load,
    .get_state = states_get,
    .set_state = states_set,
    .clear_state = states_clear,
    .view_ledger = ledger_view_tables,
    .read_counts = ledger_read_counts,
    .forget_host = ledger_forget_host,
    .free = database_free,
};

/* Is this text from this file in the row already? */
static int is_written(database *d, const char *rule_id, str text, const char *source_path,
                      bool *ret_text, bool *ret_source, ttp_err *err)
{
    db_stmt *stmt;
    int rc = db_prepare(d->db, "SELECT yaml_content, source_path FROM ttp_rule WHERE rule_id = ?",
                        &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, rule_id);
    rc = db_next(stmt, err);
    if (rc)
        return rc == TTP_E_END ? 0 : rc;
    *ret_text = str_eq(db_text(stmt, 0), text);
    *ret_source = str_eq(db_text(stmt, 1), str_from(source_path));
    db_reset(stmt);
    return 0;
}

static int write_rule(database *d, const rule *r, str text, const char *source_path,
                      const char *updated_by, ttp_err *err)
{
    const char *sql =
        db_sql(d->db,
               "INSERT INTO ttp_rule (rule_id, rule_version, source_path, yaml_content, updated_at,"
               " updated_by) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (rule_id) DO UPDATE SET"
               " rule_version = excluded.rule_version, source_path = excluded.source_path,"
               " yaml_content = excluded.yaml_content, updated_at = excluded.updated_at,"
               " updated_by = excluded.updated_by",
               "INSERT INTO ttp_rule (rule_id, rule_version, source_path, yaml_content, updated_at,"
               " updated_by) VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
               " rule_version = VALUES(rule_version), source_path = VALUES(source_path),"
               " yaml_content = VALUES(yaml_content), updated_at = VALUES(updated_at),"
               " updated_by = VALUES(updated_by)");
    char now[26];
    db_stmt *stmt;
    int rc = db_prepare(d->db, sql, &stmt, err);

    if (rc)
        return rc;
    time_format_sql(time_now_us(), now);
    db_bind_text(stmt, 1, r->rule_id);
    db_bind_int(stmt, 2, r->rule_version);
    db_bind_c(stmt, 3, source_path);
    db_bind_text(stmt, 4, text);
    db_bind_text(stmt, 5, (str){now, sizeof(now)});
    db_bind_c(stmt, 6, updated_by);
    return db_run(stmt, NULL, err);
}

typedef struct writing {
    const rule *rule;
    str text;
    const char *source_path, *updated_by;
    ttp_change change;
} writing;

static int write_work(database *d, void *arg, const ttp_change **ret_change, ttp_err *err)
{
    writing *w = arg;
    bool has_text = false, has_source = false;
    int rc =
        is_written(d, w->rule->rule_id.ptr, w->text, w->source_path, &has_text, &has_source, err);

    if (!rc && !(has_text && has_source))
        rc = write_rule(d, w->rule, w->text, w->source_path, w->updated_by, err);
    *ret_change = has_text ? NULL : &w->change;
    return rc;
}

int database_write_locked(database *d, rule *r, str text, const char *source_path,
                          const char *updated_by, ttp_err *err)
{
    writing w = {r, text, source_path, updated_by, change_definition(r->rule_id.ptr, r)};

    return database_transact_locked(d, write_work, &w, err);
}

int database_upsert_rule(ttp_store *store, str text, const char *source_path,
                         const char *updated_by, char ret_rule_id[65], ttp_err *err)
{
    database *d = database_of(store);
    auto_free(rule) rule *r = NULL;
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = rows_compile_locked(d, NULL, text, source_path, &r, err);
    if (!rc)
        rc = database_write_locked(d, r, text, source_path, updated_by, err);
    pthread_mutex_unlock(&d->lock);
    if (!rc && ret_rule_id)
        (void)snprintf(ret_rule_id, RULE_ID_MAX + 1, "%s", r->rule_id.ptr); /* it fits */
    return rc;
}

static int delete_work(database *d, void *arg, const ttp_change **ret_change, ttp_err *err)
{
    const ttp_change *change = arg;
    uint64_t n_changes = 0;
    db_stmt *stmt;
    int rc = db_prepare(d->db, "DELETE FROM ttp_rule WHERE rule_id = ?", &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, change->rule_id);
    rc = db_run(stmt, &n_changes, err);
    if (!rc && n_changes == 0)
        rc = err_set(err, TTP_E_NOT_FOUND, change->rule_id, "no such rule in the database");
    *ret_change = change;
    return rc;
}

int database_delete_rule(ttp_store *store, const char *rule_id, ttp_err *err)
{
    database *d = database_of(store);
    ttp_change change;
    int rc;

    if (!rule_id_ok(rule_id))
        return err_set(err, TTP_E_NOT_FOUND, NULL, "no such rule in the database");
    change = change_definition(rule_id, NULL);
    pthread_mutex_lock(&d->lock);
    rc = database_transact_locked(d, delete_work, &change, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

int database_has_rule(ttp_store *store, const char *rule_id, bool *ret_has, ttp_err *err)
{
    database *d = database_of(store);
    db_stmt *stmt;
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = database_ready_locked(d, err);
    if (!rc)
        rc = db_prepare(d->db, "SELECT 1 FROM ttp_rule WHERE rule_id = ?", &stmt, err);
    if (!rc) {
        db_bind_c(stmt, 1, rule_id);
        rc = db_next(stmt, err);
        if (!rc)
            db_reset(stmt);
        if (!rc || rc == TTP_E_END)
            *ret_has = rc == 0;
    }
    pthread_mutex_unlock(&d->lock);
    return rc == TTP_E_END ? 0 : rc;
}
