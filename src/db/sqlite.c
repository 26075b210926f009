/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite.h"

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "db/url.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define BUSY_TIMEOUT_MS 30000 /* a batch of another writer takes a second or two */

/*
 * Settings, by measurement: 500,000 new rows with ids in random order, in batches of 32,768, take
 * 11 s of CPU and write 1.4 GB. A page cache of SQLite's own 2 MB and batches of 8,192 take 17 s
 * and 3.2 GB; a cache of 64 MB saves a further tenth, and too much memory for it. A checkpoint each
 * 16,384 pages writes a tenth less than SQLite's own 1,000. Tags in the order of their ids gain
 * nothing.
 */
static const char write_settings[] = "PRAGMA synchronous = NORMAL;"
                                     "PRAGMA cache_size = -32768;"
                                     "PRAGMA wal_autocheckpoint = 16384;"
                                     "PRAGMA journal_size_limit = 67108864;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA trusted_schema = OFF;";

typedef struct kept_stmt {
    char *sql;
    sqlite3_stmt *stmt;
} kept_stmt;

struct sqlite_db {
    sqlite3 *handle;
    char *path;
    unsigned busy_timeout_ms;
    kept_stmt *kept;
    size_t n_kept, cap_kept;
};

static bool is_memory(const char *path)
{
    return strcmp(path, DB_MEMORY_PATH) == 0;
}

/* What the system, not SQLite, said when a file could not be opened. */
static int fail_open(const sqlite_db *db, ttp_err *err)
{
    int os_error = db->handle ? sqlite3_system_errno(db->handle) : 0;
    struct stat st;

    if (stat(db->path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, db->path, "this is a directory: expected a database file");
    switch (os_error) {
    case ENOENT:
        return err_set(err, -ENOENT, db->path,
                       "cannot open the database: the file or its directory does not exist");
    case EACCES:
    case EPERM:
        return err_set(err, -EACCES, db->path,
                       "no permission to open the database: it needs read and write access to the "
                       "file and to its directory");
    case ENOTDIR:
        return err_set(err, -ENOTDIR, db->path,
                       "cannot open the database: a part of the path is not a directory");
    default:
        return err_set(err, os_error ? -os_error : -EIO, db->path, "cannot open the database: %s",
                       os_error ? strerror(os_error) : sqlite3_errmsg(db->handle));
    }
}

static int fail_io(const sqlite_db *db, ttp_err *err)
{
    int os_error = sqlite3_system_errno(db->handle);

    if (os_error == ENOSPC || os_error == EDQUOT)
        return err_set(err, -ENOSPC, db->path,
                       "the disk is full: free some space and run again; what was committed stays");
    if (os_error == EFBIG)
        return err_set(err, -EFBIG, db->path,
                       "the database reached the largest file size allowed here: raise the limit "
                       "(ulimit -f) or name another file");
    return err_set(err, -EIO, db->path,
                   "reading or writing the database failed (%s): check the disk and the limits",
                   os_error ? strerror(os_error) : sqlite3_errmsg(db->handle));
}

static int fail_busy(const sqlite_db *db, ttp_err *err)
{
    return err_set(err, -EBUSY, db->path,
                   "another program held the database locked for %u ms: wait for it or stop it, "
                   "then run again",
                   db->busy_timeout_ms);
}

int sqlite_db_fail(sqlite_db *db, int code, ttp_err *err)
{
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail_busy(db, err);
    case SQLITE_READONLY:
        return err_set(err, -EROFS, db->path,
                       "the database is read-only: make the file and its directory writable, or "
                       "name another file");
    case SQLITE_FULL:
        return err_set(err, -ENOSPC, db->path,
                       "the disk is full: free some space and run again; what was committed stays");
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(err, -EACCES, db->path, "no permission to use the database");
    case SQLITE_CANTOPEN:
        return fail_open(db, err);
    case SQLITE_NOTADB:
        return err_set(err, TTP_E_INVALID, db->path,
                       "this file is not a SQLite database: name another file");
    case SQLITE_CORRUPT:
        return err_set(err, TTP_E_INVALID, db->path,
                       "the database is damaged: restore a copy, or save what is left with "
                       "`sqlite3 FILE .recover`");
    case SQLITE_CONSTRAINT:
        return err_set(err, TTP_E_INVALID, db->path, "a row is not allowed: %s",
                       sqlite3_errmsg(db->handle));
    case SQLITE_TOOBIG:
        return err_set(err, TTP_E_LIMIT, db->path, "a value is larger than SQLite can hold");
    case SQLITE_NOMEM:
        return err_set(err, -ENOMEM, db->path, "out of memory");
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_NOMEM ? err_set(err, -ENOMEM, db->path, "out of memory")
                                          : fail_io(db, err);
    default:
        return err_set(err, -EIO, db->path, "the database failed: %s", sqlite3_errmsg(db->handle));
    }
}

bool sqlite_db_has_moved(sqlite_db *db)
{
    int moved = 0; /* stays so for what is no file */

    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved); /* as above */
    return moved != 0;
}

sqlite3 *sqlite_db_handle(sqlite_db *db)
{
    return db->handle;
}

const char *sqlite_db_path(const sqlite_db *db)
{
    return db->path;
}

int sqlite_db_exec(sqlite_db *db, const char *sql, ttp_err *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : sqlite_db_fail(db, code, err);
}

int sqlite_db_begin(sqlite_db *db, ttp_err *err)
{
    return sqlite_db_exec(db, "BEGIN IMMEDIATE", err);
}

int sqlite_db_commit(sqlite_db *db, ttp_err *err)
{
    return sqlite_db_exec(db, "COMMIT", err);
}

void sqlite_db_rollback(sqlite_db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* closing undoes it, too */
}

int sqlite_db_prepare(sqlite_db *db, const char *sql, sqlite3_stmt **ret_stmt, ttp_err *err)
{
    auto_free(mem) char *copy = NULL;
    sqlite3_stmt *stmt;
    int code;

    for (size_t i = 0; i < db->n_kept; i++) {
        if (strcmp(db->kept[i].sql, sql) == 0) {
            stmt = db->kept[i].stmt;
            (void)sqlite3_reset(stmt); /* repeats the last step's result, which was handled */
            (void)sqlite3_clear_bindings(stmt); /* always SQLITE_OK */
            *ret_stmt = stmt;
            return 0;
        }
    }
    copy = strdup(sql);
    if (!copy || mem_grow(db->kept, db->cap_kept, db->n_kept + 1))
        return err_set(err, -ENOMEM, db->path, "out of memory");
    code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK)
        return sqlite_db_fail(db, code, err);
    db->kept[db->n_kept++] = (kept_stmt){take(copy), stmt};
    *ret_stmt = stmt;
    return 0;
}

/* "wal" or what else the database is in; wal is asked for where want_wal. */
static int journal_mode(sqlite_db *db, bool want_wal, bool *ret_wal)
{
    const char *sql = want_wal ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode";
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    *ret_wal = code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/*
 * Turn the write-ahead log on. Two programs that open a new database at once meet here, and SQLite
 * does not wait by itself for this lock, so we do. A file system that cannot share memory stays
 * without it: still right, only slower.
 */
static int use_wal(sqlite_db *db, ttp_err *err)
{
    int64_t give_up_ns = time_monotonic_ns() + (int64_t)db->busy_timeout_ms * 1000000;
    bool wal = false;
    int code = journal_mode(db, false, &wal);

    while (!wal && (code == SQLITE_OK || (code & 0xFF) == SQLITE_BUSY)) {
        code = journal_mode(db, true, &wal);
        if ((code & 0xFF) != SQLITE_BUSY || time_monotonic_ns() > give_up_ns)
            break;
        (void)sqlite3_sleep(5); /* returns how long it slept */
    }
    return code == SQLITE_OK ? 0 : sqlite_db_fail(db, code, err);
}

static int check_file(const sqlite_db *db, ttp_err *err)
{
    struct stat st;

    if (is_memory(db->path) || stat(db->path, &st) != 0 || S_ISREG(st.st_mode) ||
        S_ISDIR(st.st_mode))
        return 0; /* what is missing or a directory is told by fail_open */
    return err_set(err, TTP_E_INVALID, db->path, "not a regular file: expected a database file");
}

/* Open the file and read its header: SQLite itself puts that off until the first statement. */
static int open_file(sqlite_db *db, const sqlite_db_options *options, ttp_err *err)
{
    int flags = options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int code;

    if (!options->read_only && !options->must_exist)
        flags |= SQLITE_OPEN_CREATE;
    if (is_memory(db->path))
        flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    code = sqlite3_open_v2(db->path, &db->handle,
                           flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (!db->handle)
        return err_set(err, -ENOMEM, db->path, "out of memory");
    if (code != SQLITE_OK)
        return sqlite_db_fail(db, code, err);
    (void)sqlite3_busy_timeout(db->handle, (int)db->busy_timeout_ms); /* always SQLITE_OK */
    /* SQLite falls back to reading where it may not write */
    if (!options->read_only && sqlite3_db_readonly(db->handle, "main") == 1)
        return sqlite_db_fail(db, SQLITE_READONLY, err);
    return sqlite_db_exec(db, "PRAGMA schema_version", err);
}

int sqlite_db_open(const char *url, const sqlite_db_options *options, sqlite_db **ret_db,
                   ttp_err *err)
{
    static const sqlite_db_options defaults = {0};
    auto_free(sqlite_db) sqlite_db *db = NULL;
    const char *path;
    int rc;

    if (!options)
        options = &defaults;
    rc = db_url_sqlite_path(url, &path, err);
    if (rc)
        return rc;
    db = calloc(1, sizeof(*db));
    if (!db || !(db->path = strdup(path)))
        return err_set(err, -ENOMEM, path, "out of memory");
    db->busy_timeout_ms = options->busy_timeout_ms ? options->busy_timeout_ms : BUSY_TIMEOUT_MS;
    rc = check_file(db, err);
    if (!rc)
        rc = open_file(db, options, err);
    if (!rc && !options->read_only && !is_memory(path))
        rc = use_wal(db, err);
    if (!rc)
        rc = sqlite_db_exec(db, options->read_only ? "PRAGMA trusted_schema = OFF" : write_settings,
                            err);
    if (rc)
        return rc;
    *ret_db = take(db);
    return 0;
}

sqlite_db *sqlite_db_close(sqlite_db *db)
{
    if (!db)
        return NULL;
    for (size_t i = 0; i < db->n_kept; i++) {
        (void)sqlite3_finalize(db->kept[i].stmt); /* repeats an error that was handled */
        free(db->kept[i].sql);
    }
    free(db->kept);
    (void)sqlite3_close(db->handle); /* all statements are gone, so it cannot be busy */
    free(db->path);
    free(db);
    return NULL;
}
