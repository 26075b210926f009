/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes write the same tags into one new database at the same time, and meet
 * everywhere: while it is made, while it is switched to the write-ahead log, and row by row. They
 * converge on one set of rows, each counted as inserted by exactly one of them.
 */
#include "db/sqlite.h"
#include "tag/tag.h"

#include "../../unit/db/files.h"
#include "../../unit/tag/tags.h"
#include "../../unit/unit.h"

#include <sys/wait.h>

enum {
    N_WRITERS = 4,
    N_TAGS = 6000,
    N_FLUSH = 250, /* small batches: many turns */
};

/* Tags in an order of the writer's own. Returns how many it inserted, or -1. */
static long write_tags(const char *path, unsigned writer)
{
    tag_sink *s = NULL;
    ttp_err err = {0};
    long inserted;
    int rc = tag_sink_sqlite_new(path, &s, &err);

    for (unsigned i = 0; i < N_TAGS && !rc; i++) {
        char id[32];
        tag t = sample_tag();

        (void)snprintf(id, sizeof(id), "cmd_%u", writer % 2 ? N_TAGS - 1 - i : i);
        t.source_id = str_from(id);
        renew_id(&t);
        rc = tag_sink_put(s, &t, &err);
        if (!rc && i % N_FLUSH == 0)
            rc = tag_sink_flush(s, &err);
    }
    if (!rc)
        rc = tag_sink_flush(s, &err);
    if (rc)
        fprintf(stderr, "writer %u: %s\n", writer, err.text);
    inserted = rc ? -1 : (long)tag_sink_sqlite_inserted(s);
    (void)tag_sink_free(s);
    return inserted;
}

static void start_writer(const char *path, unsigned writer, const int start[2], int report)
{
    pid_t pid = fork();
    long inserted;
    char c;

    if (pid < 0)
        fail_msg("cannot fork");
    if (pid > 0)
        return;
    close(start[1]);
    if (read(start[0], &c, 1) < 0) /* all begin when the parent closes the other end */
        _exit(1);
    inserted = write_tags(path, writer);
    _exit(write(report, &inserted, sizeof(inserted)) == sizeof(inserted) ? 0 : 1);
}

static long count_rows(const char *path)
{
    sqlite_db *db = NULL;
    sqlite3_stmt *stmt = NULL;
    long n = -1;

    if (sqlite_db_open(path, NULL, &db, NULL) ||
        sqlite_db_prepare(db, "SELECT count(*) FROM ttp_tag", &stmt, NULL))
        fail_msg("the database cannot be read");
    if (sqlite3_step(stmt) == SQLITE_ROW)
        n = (long)sqlite3_column_int64(stmt, 0);
    (void)sqlite_db_close(db);
    return n;
}

static void test_writers(void **state)
{
    const char *path = in_dir("tags.db");
    int start[2], report[2];
    long inserted, total = 0;

    (void)state;
    if (pipe(start) || pipe(report))
        fail_msg("cannot make pipes");
    for (unsigned i = 0; i < N_WRITERS; i++)
        start_writer(path, i, start, report[1]);
    close(start[0]);
    close(start[1]);
    close(report[1]);
    while (read(report[0], &inserted, sizeof(inserted)) == sizeof(inserted)) {
        expect_true("a writer comes through", inserted >= 0);
        print_message("    inserted %ld\n", inserted);
        total += inserted;
    }
    for (unsigned i = 0; i < N_WRITERS; i++) {
        int status;

        expect_true("a writer ends", wait(&status) > 0 && status == 0);
    }
    expect_int("each row counts once", total, N_TAGS);
    expect_int("the rows", count_rows(path), N_TAGS);
    close(report[0]);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_writers)};

    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
