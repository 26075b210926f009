/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which a database can fail gives a code and a sentence of its own. */
#include "db/sqlite.h"

#include "../unit.h"
#include "files.h"
#include "full-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static void make_text(const char *path)
{
    static const char text[] =
        "This is a text file of more than a hundred bytes, so that SQLite takes a "
        "look at its header and finds none of its own there.\n";

    write_file(path, text, sizeof(text) - 1);
}

static void make_dir(const char *path)
{
    if (mkdir(path, 0700))
        abort();
}

static void make_fifo(const char *path)
{
    if (mkfifo(path, 0600))
        abort();
}

static void make_nothing(const char *path)
{
    (void)path;
}

/* A database whose table's root page is overwritten. */
static void make_damaged(const char *path)
{
    sqlite_db *db = NULL;
    int fd;

    if (sqlite_db_open(path, NULL, &db, NULL) ||
        sqlite_db_exec(db, "PRAGMA journal_mode = DELETE; CREATE TABLE t (x)", NULL))
        abort();
    (void)sqlite_db_close(db);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    for (off_t at = 100; at < 4096; at += 4) {
        if (pwrite(fd, "\xFF\xFE\xFD\xFC", 4, at) != 4)
            abort();
    }
    close(fd);
}

static const struct {
    const char *says, *name;
    void (*make)(const char *path);
    bool read_only;
    int want;
    const char *want_text;
} opened[] = {
    {"a new file", "new.db", make_nothing, false, 0, ""},
    {"an empty file", "empty.db", make_nothing, false, 0, ""},
    {"a text file", "text.db", make_text, false, TTP_E_INVALID,
     "this file is not a SQLite database: name another file"},
    {"a text file to read", "text2.db", make_text, true, TTP_E_INVALID,
     "this file is not a SQLite database: name another file"},
    {"a directory", "dir", make_dir, false, -EISDIR,
     "this is a directory: expected a database file"},
    {"a pipe", "fifo", make_fifo, false, TTP_E_INVALID,
     "not a regular file: expected a database file"},
    {"a directory that is missing", "no/where.db", make_nothing, false, -ENOENT,
     "cannot open the database: the file or its directory does not exist"},
    {"a file to read that is missing", "missing.db", make_nothing, true, -ENOENT,
     "cannot open the database: the file or its directory does not exist"},
    {"a file for a directory", "text.db/x.db", make_nothing, false, -ENOTDIR,
     "cannot open the database: a part of the path is not a directory"},
    {"a damaged database", "damaged.db", make_damaged, false, TTP_E_INVALID,
     "the database is damaged: restore a copy, or save what is left with `sqlite3 FILE .recover`"},
};

static void test_open(void **state)
{
    (void)state;
    for_each_row(c, opened)
    {
        const sqlite_db_options options = {.read_only = c->read_only};
        const char *path = in_dir(c->name);
        sqlite_db *db = NULL;
        ttp_err err = {0};
        int rc;

        c->make(path);
        rc = sqlite_db_open(path, &options, &db, &err);
        if (!rc)
            rc = sqlite_db_exec(db, "SELECT * FROM sqlite_master", &err);
        expect_int(c->says, rc, c->want);
        expect_c(c->says, err.text, c->want_text);
        expect_c("the error names the file", err.where, c->want ? path : "");
        (void)sqlite_db_close(db);
    }
    end_rows();
}

/* As another user where the tests run as root, whom permissions do not stop. */
static int open_without_rights(const char *path, bool read_only)
{
    const sqlite_db_options options = {.read_only = read_only};
    uid_t user = geteuid();
    sqlite_db *db = NULL;
    ttp_err err = {0};
    int rc;

    if (user == 0 && seteuid(65534))
        return 0;
    rc = sqlite_db_open(path, &options, &db, &err);
    if (!rc)
        rc = sqlite_db_exec(db, "CREATE TABLE x (y)", &err);
    (void)sqlite_db_close(db);
    if (user == 0 && seteuid(0))
        abort();
    print_message("    %s\n", err.text);
    return rc;
}

static void test_rights(void **state)
{
    const char *path = in_dir("mine.db"), *dir = in_dir("closed");
    sqlite_db *db = NULL;

    (void)state;
    if (sqlite_db_open(path, NULL, &db, NULL) || sqlite_db_exec(db, "CREATE TABLE t (x)", NULL))
        fail_msg("cannot make a database");
    (void)sqlite_db_close(db);
    if (chmod(test_dir, 0755) || chmod(path, 0444) || mkdir(dir, 0700))
        fail_msg("cannot change permissions");
    expect_int("a file that may only be read", open_without_rights(path, false), -EROFS);
    if (chmod(path, 0) || chmod(dir, 0))
        fail_msg("cannot change permissions");
    expect_int("a file that may not even be read", open_without_rights(path, true), -EACCES);
    expect_int("a directory that is closed", open_without_rights(in_dir("closed/x.db"), false),
               -EACCES);
    end_rows();
}

static void test_locked(void **state)
{
    const sqlite_db_options options = {.busy_timeout_ms = 30};
    auto_free(sqlite_db) sqlite_db *one = NULL;
    auto_free(sqlite_db) sqlite_db *two = NULL;
    ttp_err err = {0};

    (void)state;
    expect_int("one", sqlite_db_open(in_dir("locked.db"), &options, &one, &err), 0);
    expect_int("two", sqlite_db_open(in_dir("locked.db"), &options, &two, &err), 0);
    expect_int("one writes", sqlite_db_begin(one, &err), 0);
    expect_int("two waits in vain", sqlite_db_begin(two, &err), -EBUSY);
    expect_c("and is told", err.text,
             "another program held the database locked for 30 ms: wait for it or stop it, then run "
             "again");
    sqlite_db_rollback(one);
    expect_int("then it goes on", sqlite_db_begin(two, &err), 0);
    expect_int("to its end", sqlite_db_commit(two, &err), 0);
    end_rows();
}

static void test_full(void **state)
{
    struct rlimit before, small;
    auto_free(sqlite_db) sqlite_db *db = NULL;
    ttp_err err = {0};

    (void)state;
    expect_int("open", sqlite_db_open(in_dir("full.db"), NULL, &db, &err), 0);
    disk_is_full = true;
    expect_int("a full disk", sqlite_db_exec(db, "CREATE TABLE t (x)", &err), -ENOSPC);
    disk_is_full = false;
    expect_c("is told", err.text,
             "the disk is full: free some space and run again; what was committed stays");
    expect_int("works again", sqlite_db_exec(db, "CREATE TABLE t (x)", &err), 0);
    db = sqlite_db_close(db);

    expect_int("open", sqlite_db_open(in_dir("limit.db"), NULL, &db, &err), 0);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 2000;
    setrlimit(RLIMIT_FSIZE, &small);
    expect_int("a file that may not grow", sqlite_db_exec(db, "CREATE TABLE t (x)", &err), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);
    expect_int("works again", sqlite_db_exec(db, "CREATE TABLE t (x)", &err), 0);
    end_rows();
}

static void test_statements(void **state)
{
    auto_free(sqlite_db) sqlite_db *db = NULL;
    sqlite3_stmt *first, *second, *other;
    ttp_err err = {0};

    (void)state;
    expect_int("open", sqlite_db_open(":memory:", NULL, &db, &err), 0);
    expect_int("once", sqlite_db_prepare(db, "SELECT ?1", &first, &err), 0);
    expect_int("bind", sqlite3_bind_int(first, 1, 17), SQLITE_OK);
    expect_int("step", sqlite3_step(first), SQLITE_ROW);
    expect_int("another", sqlite_db_prepare(db, "SELECT ?1, 2", &other, &err), 0);
    expect_int("twice", sqlite_db_prepare(db, "SELECT ?1", &second, &err), 0);
    expect_true("the same statement", first == second && first != other);
    expect_int("step", sqlite3_step(second), SQLITE_ROW);
    expect_int("without its binding", sqlite3_column_type(second, 0), SQLITE_NULL);
    expect_int("a typing error", sqlite_db_prepare(db, "SELEKT", &other, &err), -EIO);
    expect_c("is told", err.text, "the database failed: near \"SELEKT\": syntax error");
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),       cmocka_unit_test(test_rights),
        cmocka_unit_test(test_locked),     cmocka_unit_test(test_full),
        cmocka_unit_test(test_statements),
    };

    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
