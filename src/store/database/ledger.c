/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's two tables. Own rows are written by the thread that follows the change log, over a
 * connection of its own that waits for nobody for long, so that neither rules nor states ever wait
 * for the ledger. What cannot be written is tried again, more and more rarely.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/time.h"
#include "base/uuid.h"
#include "store/database/internal.h"

#include <errno.h>

#define ROWS_A_STATEMENT 50
#define ROWS_A_TRANSACTION 1000
#define BUSY_MS 100
#define COUNTS_MS 5000
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

/* One statement for many rows: head, then row for each, then tail. */
typedef struct rows_sql {
    const char *head, *row, *separator, *tail;
} rows_sql;

static int prepare(db_conn *conn, const rows_sql *sql, size_t n, db_stmt **ret_stmt, ttp_err *err)
{
    auto_free(buf) buf text = {0};

    buf_put_c(&text, sql->head);
    for (size_t i = 0; i < n; i++) {
        buf_put_c(&text, i ? sql->separator : "");
        buf_put_c(&text, sql->row);
    }
    buf_put_c(&text, sql->tail);
    if (!buf_c_str(&text))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    return db_prepare(conn, text.ptr, ret_stmt, err);
}

/* Rows of one statement: as many as fit, or one, so that there are but two texts of it. */
static size_t chunk(size_t left)
{
    return left >= ROWS_A_STATEMENT ? ROWS_A_STATEMENT : 1;
}

#define STATUS_COLUMNS "rule_id, rule_version, content_hash, refused_hash, status, error, since"
#define UPSERT_STATUS "INSERT INTO ttp_rule_status (host, " STATUS_COLUMNS ") VALUES "

static const rows_sql status_sqlite = {
    UPSERT_STATUS, "(?, ?, ?, ?, ?, ?, ?, ?)", ", ",
    " ON CONFLICT (host, rule_id) DO UPDATE SET rule_version = excluded.rule_version,"
    " content_hash = excluded.content_hash, refused_hash = excluded.refused_hash,"
    " status = excluded.status, error = excluded.error, since = excluded.since"};
static const rows_sql status_mariadb = {
    UPSERT_STATUS, "(?, ?, ?, ?, ?, ?, ?, ?)", ", ",
    " ON DUPLICATE KEY UPDATE rule_version = VALUES(rule_version),"
    " content_hash = VALUES(content_hash), refused_hash = VALUES(refused_hash),"
    " status = VALUES(status), error = VALUES(error), since = VALUES(since)"};
static const rows_sql status_delete = {
    "DELETE FROM ttp_rule_status WHERE host = ? AND rule_id IN (", "?", ", ", ")"};

typedef struct status_texts {
    char hash[LEDGER_HASH_LEN], refused[LEDGER_HASH_LEN], since[26];
} status_texts;

static void bind_status(db_stmt *stmt, unsigned at, const char *host, const ledger_row *row,
                        status_texts *texts)
{
    const ledger_said *s = &row->said;

    ledger_hash_format(s->hash, texts->hash);
    ledger_hash_format(s->refused, texts->refused);
    time_format_sql(row->since_us, texts->since);
    db_bind_c(stmt, at, host);
    db_bind_c(stmt, at + 1, row->key);
    if (s->runs)
        db_bind_int(stmt, at + 2, s->version);
    else
        db_bind_text(stmt, at + 2, STR_NULL);
    db_bind_text(stmt, at + 3, s->runs ? (str){texts->hash, LEDGER_HASH_LEN} : STR_NULL);
    db_bind_text(stmt, at + 4, s->has_refused ? (str){texts->refused, LEDGER_HASH_LEN} : STR_NULL);
    db_bind_c(stmt, at + 5, s->quarantined ? "quarantined" : "live");
    db_bind_text(stmt, at + 6, str_from(s->error));
    db_bind_text(stmt, at + 7, (str){texts->since, sizeof(texts->since)});
}

static int upsert(db_conn *conn, const char *host, const ledger_row *rows, size_t n, ttp_err *err)
{
    const rows_sql *sql = db_dialect_of(conn) == DB_SQLITE ? &status_sqlite : &status_mariadb;
    status_texts texts[ROWS_A_STATEMENT];
    int rc = 0;

    for (size_t done = 0, step; !rc && done < n; done += step) {
        db_stmt *stmt = NULL;

        step = chunk(n - done);
        rc = prepare(conn, sql, step, &stmt, err);
        for (size_t i = 0; !rc && i < step; i++)
            bind_status(stmt, (unsigned)(8 * i + 1), host, &rows[done + i], &texts[i]);
        if (!rc)
            rc = db_run(stmt, NULL, err);
    }
    return rc;
}

static int delete_rows(db_conn *conn, const char *host, const ledger_row *rows, size_t n,
                       ttp_err *err)
{
    int rc = 0;

    for (size_t done = 0, step; !rc && done < n; done += step) {
        db_stmt *stmt = NULL;

        step = chunk(n - done);
        rc = prepare(conn, &status_delete, step, &stmt, err);
        if (rc)
            break;
        db_bind_c(stmt, 1, host);
        for (size_t i = 0; i < step; i++)
            db_bind_c(stmt, (unsigned)(2 + i), rows[done + i].key);
        rc = db_run(stmt, NULL, err);
    }
    return rc;
}

static int end(db_conn *conn, int rc, ttp_err *err)
{
    if (!rc)
        rc = db_commit(conn, err);
    if (rc)
        db_rollback(conn);
    return rc;
}

/* Rows that are to be deleted come behind the others. Returns how many others. */
static size_t sort_gone(ledger_row *rows, size_t n)
{
    size_t n_said = 0;

    for (size_t i = 0; i < n; i++) {
        ledger_row row = rows[i];

        if (row.gone)
            continue;
        rows[i] = rows[n_said];
        rows[n_said++] = row;
    }
    return n_said;
}

static int write_rows(db_conn *conn, const char *host, ledger_row *rows, size_t n, ttp_err *err)
{
    size_t n_said = sort_gone(rows, n);
    int rc = db_begin(conn, err);

    if (rc)
        return rc;
    rc = delete_rows(conn, host, rows + n_said, n - n_said, err);
    if (!rc)
        rc = upsert(conn, host, rows, n_said, err);
    return end(conn, rc, err);
}

static int write_status(db_conn *conn, ledger *l, ttp_err *err)
{
    ledger_row *rows = calloc(ROWS_A_TRANSACTION, sizeof(*rows));
    int n, rc = 0;

    if (!rows)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    while (!rc && (n = ledger_take(l, rows, ROWS_A_TRANSACTION)) != 0) {
        if (n < 0) {
            rc = err_set(err, n, NULL, "out of memory");
            break;
        }
        rc = write_rows(conn, ledger_host(l), rows, (size_t)n, err);
        if (!rc)
            ledger_written(l, rows, (size_t)n);
        ledger_rows_done(rows, (size_t)n);
    }
    free(rows);
    return rc;
}

static char *copy(str s)
{
    return s.ptr ? strndup(s.ptr, s.len) : NULL;
}

static void adopt_row(ledger *l, db_stmt *stmt)
{
    ledger_row row = {.key = copy(db_text(stmt, 0))};
    ledger_said *s = &row.said;

    s->version = db_int(stmt, 1);
    s->runs = ledger_hash_parse(db_text(stmt, 2), s->hash) == 0;
    s->has_refused = ledger_hash_parse(db_text(stmt, 3), s->refused) == 0;
    s->quarantined = !str_eq(db_text(stmt, 4), STR("live"));
    s->error = copy(db_text(stmt, 5));
    if (time_parse(db_text(stmt, 6), &row.since_us))
        row.since_us = time_now_us(); /* it was not us who wrote that */
    if (row.key)
        ledger_adopt(l, &row);
    else
        ledger_rows_done(&row, 1);
}

/* What stands there of this host, so that a start writes only what differs. */
static int adopt(db_conn *conn, ledger *l, ttp_err *err)
{
    db_stmt *stmt;
    int rc = db_prepare(conn, "SELECT " STATUS_COLUMNS " FROM ttp_rule_status WHERE host = ?",
                        &stmt, err);

    if (rc)
        return rc;
    ledger_adopt_begin(l);
    db_bind_c(stmt, 1, ledger_host(l));
    while ((rc = db_next(stmt, err)) == 0)
        adopt_row(l, stmt);
    return rc == TTP_E_END ? 0 : rc;
}

#define COUNT_COLUMNS "fires, suppressed, cuts, wakeups, verifications, cycles"
#define UPSERT_COUNTS "INSERT INTO ttp_rule_counter (host, rule_id, " COUNT_COLUMNS ") VALUES "

static const rows_sql counts_sqlite = {
    UPSERT_COUNTS, "(?, ?, ?, ?, ?, ?, ?, ?)", ", ",
    " ON CONFLICT (host, rule_id) DO UPDATE SET fires = fires + excluded.fires,"
    " suppressed = suppressed + excluded.suppressed, cuts = cuts + excluded.cuts,"
    " wakeups = wakeups + excluded.wakeups,"
    " verifications = verifications + excluded.verifications, cycles = cycles + excluded.cycles"};
static const rows_sql counts_mariadb = {
    UPSERT_COUNTS, "(?, ?, ?, ?, ?, ?, ?, ?)", ", ",
    " ON DUPLICATE KEY UPDATE fires = fires + VALUES(fires),"
    " suppressed = suppressed + VALUES(suppressed), cuts = cuts + VALUES(cuts),"
    " wakeups = wakeups + VALUES(wakeups),"
    " verifications = verifications + VALUES(verifications), cycles = cycles + VALUES(cycles)"};

static void bind_count(db_stmt *stmt, unsigned at, uint64_t value)
{
    db_bind_int(stmt, at, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void bind_counts(db_stmt *stmt, unsigned at, const char *host, const counts_row *row)
{
    const ttp_rule_counts *c = &row->counts;

    db_bind_c(stmt, at, host);
    db_bind_c(stmt, at + 1, row->rule_id);
    bind_count(stmt, at + 2, c->fires);
    bind_count(stmt, at + 3, c->suppressed);
    bind_count(stmt, at + 4, c->cuts);
    bind_count(stmt, at + 5, c->wakeups);
    bind_count(stmt, at + 6, c->verifications);
    bind_count(stmt, at + 7, c->ticks);
}

static int add_rows(db_conn *conn, const char *host, const counts_row *rows, size_t n, ttp_err *err)
{
    const rows_sql *sql = db_dialect_of(conn) == DB_SQLITE ? &counts_sqlite : &counts_mariadb;
    int rc = db_begin(conn, err);

    if (rc)
        return rc;
    for (size_t done = 0, step; !rc && done < n; done += step) {
        db_stmt *stmt = NULL;

        step = chunk(n - done);
        rc = prepare(conn, sql, step, &stmt, err);
        for (size_t i = 0; !rc && i < step; i++)
            bind_counts(stmt, (unsigned)(8 * i + 1), host, &rows[done + i]);
        if (!rc)
            rc = db_run(stmt, NULL, err);
    }
    return end(conn, rc, err);
}

static int write_counts(db_conn *conn, const char *host, counts *c, ttp_err *err)
{
    counts_row *rows = calloc(ROWS_A_TRANSACTION, sizeof(*rows));
    size_t n;
    int rc = 0;

    if (!rows)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    while (!rc && (n = counts_take(c, rows, ROWS_A_TRANSACTION)) > 0) {
        rc = add_rows(conn, host, rows, n, err);
        if (!rc)
            counts_written(c, rows, n);
    }
    free(rows);
    return rc;
}

static int push(database *d, bool with_counts, ttp_err *err)
{
    static const db_options options = {.busy_timeout_ms = BUSY_MS, .must_exist = true};
    ledger_writer *w = &d->writer;
    int rc = w->conn ? 0 : db_open(d->head.options.db_url, &options, &w->conn, err);

    if (!rc && !w->adopted)
        rc = adopt(w->conn, d->head.ledger, err);
    if (rc)
        return rc;
    w->adopted = true;
    rc = write_status(w->conn, d->head.ledger, err);
    if (!rc && with_counts)
        rc = write_counts(w->conn, d->head.options.host, d->head.counts, err);
    return rc;
}

/* Whatever failed: begin anew, with another connection, and with what really stands there. */
static void note_failure(database *d, const ttp_err *err)
{
    ledger_writer *w = &d->writer;
    unsigned shift = w->n_failures < 6 ? w->n_failures : 6;
    int64_t ms = (int64_t)RETRY_MIN_MS << shift;
    char line[1200];

    w->conn = db_close(w->conn);
    w->adopted = false;
    w->retry_ns = time_monotonic_ns() + (ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS) * 1000000;
    if (w->n_failures++ == 0)
        log_msg(&d->head.options.log, TTP_LOG_WARNING,
                "%s; other hosts do not see what runs here until the ledger can be written",
                ttp_err_format(err, line, sizeof(line)));
}

static void leave_moved_file(ledger_writer *w)
{
    if (!w->conn || !db_has_moved(w->conn))
        return;
    w->conn = db_close(w->conn);
    w->adopted = false;
    w->moved = true;
}

static void push_if_due(database *d, bool last)
{
    ledger_writer *w = &d->writer;
    int64_t now_ns = time_monotonic_ns();
    bool with_counts = d->head.counts && (last || now_ns >= w->counts_ns) &&
                       counts_has_news(d->head.counts);
    ttp_err err = {0};

    leave_moved_file(w);
    if (!d->head.ledger || (!with_counts && !w->moved && !ledger_has_news(d->head.ledger)))
        return;
    if (now_ns < w->retry_ns)
        return;
    if (push(d, with_counts, &err)) {
        note_failure(d, &err);
        return;
    }
    if (w->n_failures)
        log_msg(&d->head.options.log, TTP_LOG_INFO, "the ledger is written again");
    w->n_failures = 0;
    w->moved = false;
    if (with_counts)
        w->counts_ns = now_ns + COUNTS_MS * 1000000LL;
}

void ledger_push(database *d)
{
    push_if_due(d, false);
}

void ledger_push_last(database *d)
{
    push_if_due(d, true);
    d->writer.conn = db_close(d->writer.conn);
}

static int view_wanted(database *d, ttp_ledger *view, ttp_err *err)
{
    db_stmt *stmt;
    int rc =
        db_prepare(d->db, "SELECT rule_id, rule_version, yaml_content FROM ttp_rule", &stmt, err);

    if (rc)
        return rc;
    while ((rc = db_next(stmt, err)) == 0) {
        str text = db_text(stmt, 2);
        char hash[LEDGER_HASH_LEN];
        uint8_t bytes[20];

        sha1(text.ptr, text.len, bytes);
        ledger_hash_format(bytes, hash);
        rc = ledger_view_want(view, db_text(stmt, 0), db_int(stmt, 1), (str){hash, sizeof(hash)});
        if (rc) {
            db_reset(stmt);
            return rc;
        }
    }
    return rc == TTP_E_END ? 0 : rc;
}

static int view_row(ttp_ledger *view, db_stmt *stmt)
{
    ledger_view_row row = {.host = db_text(stmt, 7),
                           .key = db_text(stmt, 0),
                           .runs = !db_is_null(stmt, 2),
                           .version = db_int(stmt, 1),
                           .hash = db_text(stmt, 2),
                           .quarantined = !str_eq(db_text(stmt, 4), STR("live")),
                           .refused = db_text(stmt, 3),
                           .error = db_text(stmt, 5)};

    if (time_parse(db_text(stmt, 6), &row.since_us))
        row.since_us = TTP_TIME_NONE;
    return ledger_view_add(view, &row);
}

static int view_hosts(database *d, ttp_ledger *view, ttp_err *err)
{
    const char *own = d->head.options.host;
    db_stmt *stmt;
    int rc = db_prepare(d->db,
                        "SELECT " STATUS_COLUMNS ", host FROM ttp_rule_status WHERE host <> ?"
                        " ORDER BY host",
                        &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, own ? own : "");
    while ((rc = db_next(stmt, err)) == 0) {
        rc = view_row(view, stmt);
        if (rc) {
            db_reset(stmt);
            return rc;
        }
    }
    return rc == TTP_E_END ? 0 : rc;
}

/* Read both tables as of one moment; a connection that broke while it was idle is made again. */
static int read_locked(database *d, int (*read)(database *d, void *into, ttp_err *err), void *into,
                       ttp_err *err)
{
    int rc = -ENOTCONN;

    for (int i = 0; i < 2 && rc == -ENOTCONN; i++) {
        bool joined;

        rc = database_ready_locked(d, err);
        if (!rc)
            rc = database_begin_read_locked(d, &joined, err);
        if (rc)
            continue;
        rc = read(d, into, err);
        database_end_read_locked(d, joined);
    }
    return rc;
}

static int read_view(database *d, void *into, ttp_err *err)
{
    int rc = view_wanted(d, into, err);

    return rc ? rc : view_hosts(d, into, err);
}

int ledger_view_tables(ttp_store *store, ttp_ledger *view, ttp_err *err)
{
    database *d = database_of(store);
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = read_locked(d, read_view, view, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static uint64_t count_at(db_stmt *stmt, unsigned column)
{
    int64_t n = db_int(stmt, column);

    return n > 0 ? (uint64_t)n : 0;
}

static int add_counts(db_stmt *stmt, counts *sum)
{
    str id = db_text(stmt, 0);
    char rule_id[RULE_ID_MAX + 1];
    const ttp_rule_counts c = {.fires = count_at(stmt, 1),
                               .suppressed = count_at(stmt, 2),
                               .cuts = count_at(stmt, 3),
                               .wakeups = count_at(stmt, 4),
                               .verifications = count_at(stmt, 5),
                               .ticks = count_at(stmt, 6)};

    if (id.len > RULE_ID_MAX)
        return 0; /* no rule can have it */
    memcpy(rule_id, id.ptr ? id.ptr : "", id.len);
    rule_id[id.len] = '\0';
    return counts_add(sum, rule_id, &c);
}

static int read_counts(database *d, void *into, ttp_err *err)
{
    db_stmt *stmt;
    int rc =
        db_prepare(d->db, "SELECT rule_id, " COUNT_COLUMNS " FROM ttp_rule_counter", &stmt, err);

    if (rc)
        return rc;
    while ((rc = db_next(stmt, err)) == 0) {
        rc = add_counts(stmt, into);
        if (rc) {
            db_reset(stmt);
            return rc;
        }
    }
    return rc == TTP_E_END ? 0 : rc;
}

int ledger_read_counts(ttp_store *store, counts *sum, ttp_err *err)
{
    database *d = database_of(store);
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = read_locked(d, read_counts, sum, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

typedef struct forgetting {
    const char *host;
    uint64_t n_rows;
} forgetting;

static int forget_rows(database *d, const char *sql, forgetting *f, ttp_err *err)
{
    uint64_t n = 0;
    db_stmt *stmt;
    int rc = db_prepare(d->db, sql, &stmt, err);

    if (rc)
        return rc;
    db_bind_c(stmt, 1, f->host);
    rc = db_run(stmt, &n, err);
    f->n_rows += n;
    return rc;
}

static int forget(database *d, void *arg, const ttp_change **ret_change, ttp_err *err)
{
    forgetting *f = arg;
    int rc;

    *ret_change = NULL;
    f->n_rows = 0;
    rc = forget_rows(d, "DELETE FROM ttp_rule_status WHERE host = ?", f, err);
    return rc ? rc : forget_rows(d, "DELETE FROM ttp_rule_counter WHERE host = ?", f, err);
}

int ledger_forget_host(ttp_store *store, const char *host, ttp_err *err)
{
    database *d = database_of(store);
    forgetting f = {.host = host};
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = database_transact_locked(d, forget, &f, err);
    pthread_mutex_unlock(&d->lock);
    if (rc || f.n_rows)
        return rc;
    return err_set(err, TTP_E_NOT_FOUND, NULL, "the ledger knows no host of this name");
}
