/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the log that are missing below ones that are there.
 *
 * MariaDB draws a log row's number when the row is written, not when its transaction commits:
 *
 *     A: BEGIN; edit R1 -> draws 5 ............................. COMMIT    5 appears after 6
 *     B:            BEGIN; edit R2 -> draws 6; COMMIT
 *     C:                    BEGIN; edit R3 -> draws 7; ROLLBACK            7 never appears
 *
 * Rows are handed out as they become visible; what was jumped over is kept as a gap and looked for
 * at each reading, however long its transaction takes. So nobody who leaves a transaction open
 * holds up the others, and nothing is lost. The order in which one rule's changes took effect is
 * kept: who changes a row holds its lock until the commit, so the next who changes the same rule
 * draws a higher number after that commit, and gaps are read before new rows, as of one moment, in
 * which the later commit is never visible without the earlier. (A state that is cleared where none
 * is set changes no row; states.c locks its place instead.)
 *
 * When is a gap given up? Each writer of a log row, through the triggers, holds row 0 of ttp_schema
 * shared from before it draws its number until its transaction has ended. Who gets hold of that row
 * alone, if only for an instant, thereby knows that every transaction that had drawn a number by
 * then is over. All numbers of a gap were drawn before the higher one that showed the gap. So: note
 * the gaps, lock the gate alone, and read the gaps once more, as of a moment after that: what is
 * not visible then was rolled back, or was deleted, and never comes. The gate is tried without
 * waiting (NOWAIT), so that it never queues before writers; where it is never free, gaps are only
 * looked for a while longer. Where it tells nothing (a replica, to which the locks do not travel; a
 * Galera node; a user without the right to lock) gaps are kept up to GAPS_MAX, then the oldest
 * goes.
 *
 * SQLite has one writer at a time, which draws and commits before the next: there are no gaps.
 */
#include "base/err.h"
#include "base/log.h"
#include "store/database/internal.h"

#include <errno.h>

#define GAPS_MAX 1024
#define GAPS_AT_A_TIME 16 /* in one query */
/* rows of the log that are kept: who is further behind would be told that it lags anyway */
#define LOG_KEEP STORE_QUEUE_MAX
/* pruned each so many rows, and so many at a time */
#define PRUNE_EACH 1024
#define PRUNE_AT_ONCE 4096

static void remove_gap(database *d, size_t at)
{
    memmove(&d->gaps[at], &d->gaps[at + 1], (--d->n_gaps - at) * sizeof(*d->gaps));
}

int gaps_add_locked(database *d, int64_t low, int64_t high)
{
    if (low > high)
        return 0;
    if (d->n_gaps == GAPS_MAX) {
        if (!d->has_too_many_gaps)
            log_msg(
                &d->head.options.log, TTP_LOG_WARNING,
                "more than %d transactions on the rules are open, or nothing tells whether they "
                "are: the oldest is no longer waited for",
                GAPS_MAX);
        d->has_too_many_gaps = true;
        remove_gap(d, 0);
    }
    if (mem_grow(d->gaps, d->cap_gaps, d->n_gaps + 1))
        return -ENOMEM;
    d->gaps[d->n_gaps++] = (seq_range){low, high};
    return 0;
}

/* One number of the i-th gap has been seen. */
static int fill(database *d, size_t i, int64_t seq)
{
    seq_range gap = d->gaps[i];

    if (gap.low == gap.high) {
        remove_gap(d, i);
    } else if (seq == gap.low) {
        d->gaps[i].low++;
    } else if (seq == gap.high) {
        d->gaps[i].high--;
    } else {
        if (mem_grow(d->gaps, d->cap_gaps, d->n_gaps + 1))
            return -ENOMEM;
        memmove(&d->gaps[i + 1], &d->gaps[i], (d->n_gaps++ - i) * sizeof(*d->gaps));
        d->gaps[i].high = seq - 1;
        d->gaps[i + 1].low = seq + 1;
    }
    return 0;
}

/* A gap may be split while its rows come: each is looked up anew. */
static int note_seen(database *d, int64_t seq)
{
    for (size_t i = 0; i < d->n_gaps; i++) {
        if (seq >= d->gaps[i].low && seq <= d->gaps[i].high)
            return fill(d, i, seq);
    }
    return 0;
}

#define BETWEEN "seq BETWEEN ? AND ?"
#define FOUR(what) what " OR " what " OR " what " OR " what

static int read_gaps(database *d, const seq_range *gaps, size_t n, ttp_err *err)
{
    db_stmt *stmt;
    int rc = db_prepare(d->db,
                        "SELECT " TAIL_COLUMNS
                        " FROM ttp_rule_change WHERE " FOUR(FOUR(BETWEEN)) " ORDER BY seq",
                        &stmt, err);

    if (rc)
        return rc;
    for (unsigned i = 0; i < GAPS_AT_A_TIME; i++) {
        db_bind_int(stmt, 2 * i + 1, i < n ? gaps[i].low : 0);
        db_bind_int(stmt, 2 * i + 2, i < n ? gaps[i].high : -1); /* no number */
    }
    while ((rc = db_next(stmt, err)) == 0) {
        rc = note_seen(d, db_int(stmt, 0)) ? err_set(err, -ENOMEM, NULL, "out of memory")
                                           : tail_hand_out_locked(d, stmt, err);
        if (rc) {
            db_reset(stmt);
            return rc;
        }
    }
    return rc == TTP_E_END ? 0 : rc;
}

int gaps_read_locked(database *d, ttp_err *err)
{
    size_t n = d->n_gaps;
    auto_free(mem) seq_range *gaps = NULL;
    int rc = 0;

    if (n == 0)
        return 0;
    gaps = malloc(n * sizeof(*gaps)); /* a copy: what is seen changes the list */
    if (!gaps)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    memcpy(gaps, d->gaps, n * sizeof(*gaps));
    for (size_t i = 0; !rc && i < n; i += GAPS_AT_A_TIME)
        rc = read_gaps(d, &gaps[i], n - i < GAPS_AT_A_TIME ? n - i : GAPS_AT_A_TIME, err);
    return rc;
}

int gaps_take_stock_locked(database *d, ttp_err *err)
{
    int64_t before = 0;
    db_stmt *stmt;
    int rc;

    d->n_gaps = 0;
    if (db_dialect_of(d->db) == DB_SQLITE)
        return db_number(d->db, "SELECT max(seq) FROM ttp_rule_change", &d->last_seq, err);
    rc = db_prepare(d->db, "SELECT seq FROM ttp_rule_change ORDER BY seq", &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_next(stmt, err)) == 0) {
        int64_t seq = db_int(stmt, 0);

        if (gaps_add_locked(d, before + 1, seq - 1)) {
            db_reset(stmt);
            return err_set(err, -ENOMEM, NULL, "out of memory");
        }
        before = seq;
    }
    d->last_seq = before;
    return rc == TTP_E_END ? 0 : rc;
}

/* A replica has the row, but not the locks of those who write at the primary. */
static bool hold_gate(database *d)
{
    int64_t n = 0;

    return d->has_gate &&
           db_number(d->db,
                     "SELECT version + 1 FROM ttp_schema WHERE version = 0 AND"
                     " @@GLOBAL.read_only = 0 FOR UPDATE NOWAIT",
                     &n, NULL) == 0 &&
           n == 1;
}

bool gaps_are_final_locked(database *d)
{
    return d->n_gaps && !d->in_snapshot && hold_gate(d);
}

void gaps_drop_locked(database *d, int64_t up_to)
{
    while (d->n_gaps && d->gaps[0].high <= up_to)
        remove_gap(d, 0);
    if (d->n_gaps == 0)
        d->has_too_many_gaps = false;
}

static int delete_rows(database *d, int64_t up_to)
{
    db_stmt *stmt;
    int rc = db_prepare(d->db, "DELETE FROM ttp_rule_change WHERE seq <= ?", &stmt, NULL);

    if (rc)
        return rc;
    db_bind_int(stmt, 1, up_to);
    return db_run(stmt, NULL, NULL);
}

/*
 * By position alone, no clock. Behind the gate nobody has a number that low, so that nothing is
 * waited for. Who lacks the right leaves it to the others.
 */
void gaps_prune_locked(database *d)
{
    int64_t oldest = 0, up_to = d->last_seq - LOG_KEEP;

    if (d->last_seq < d->prune_seq)
        return;
    d->prune_seq = d->last_seq + PRUNE_EACH;
    if (up_to <= 0 ||
        db_number(d->db, "SELECT min(seq) FROM ttp_rule_change", &oldest, NULL) != 0 ||
        oldest > up_to || db_begin(d->db, NULL) != 0)
        return;
    if (up_to > oldest + PRUNE_AT_ONCE)
        up_to = oldest + PRUNE_AT_ONCE;
    if ((db_dialect_of(d->db) == DB_SQLITE || hold_gate(d)) && delete_rows(d, up_to) == 0)
        (void)db_commit(d->db, NULL); /* else it is rolled back, and pruned another time */
    db_rollback(d->db);
}
