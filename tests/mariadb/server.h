/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Databases of a test's own on the server that with-mariadb started, and plain SQL on them.
 * Functions end the process where they fail: they run outside of tests, too.
 */
#include "db/db.h"
#include "db/url.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline const char *mariadb_socket(void)
{
    return getenv("TTP_TEST_MARIADB");
}

/* Of root, or of user; name may be empty. */
static inline const char *mariadb_url_of(char url[512], const char *user, const char *name)
{
    (void)snprintf(url, 512, "mysql://%s@localhost/%s?unix_socket=%s", user, name,
                   mariadb_socket());
    return url;
}

static inline db_conn *connect_db(const char *url)
{
    static const db_options options = {.busy_timeout_ms = 10000};
    db_conn *conn = NULL;
    ttp_err err = {0};

    if (db_open(url, &options, &conn, &err) == 0)
        return conn;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static inline void must_exec(db_conn *conn, const char *sql)
{
    ttp_err err = {0};

    if (db_exec(conn, sql, &err) == 0)
        return;
    fprintf(stderr, "%s: %s\n", sql, err.text);
    exit(1);
}

/* An empty database; its URL. */
static inline const char *mariadb_make(char url[512])
{
    static atomic_uint number;
    char name[64], sql[128];
    db_conn *conn = connect_db(mariadb_url_of(url, "root", "mysql"));

    (void)snprintf(name, sizeof(name), "t_%d_%u", (int)getpid(), number++);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    must_exec(conn, sql);
    (void)db_close(conn);
    return mariadb_url_of(url, "root", name);
}

static inline void mariadb_drop(const char *url)
{
    const char *name = strrchr(url, '@'), *end;
    char sql[128];
    db_conn *conn = connect_db(url);

    name = strchr(name, '/') + 1;
    end = strchr(name, '?');
    (void)snprintf(sql, sizeof(sql), "DROP DATABASE %.*s", (int)(end - name), name);
    must_exec(conn, sql);
    (void)db_close(conn);
}
