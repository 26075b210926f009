/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Database names as people give them (--db, DECNET_DB_URL):
 *
 *     tags.db  ./tags.db  /var/lib/ttp/tags.db     a file
 *     sqlite:///tags.db                            the same, relative
 *     sqlite:////var/lib/ttp/tags.db               the same, absolute
 *     sqlite+aiosqlite:///tags.db                  the same, as the Python program writes it
 *     sqlite://  sqlite:///:memory:  :memory:      private, gone at the end
 *     mysql://USER:PASSWORD@HOST:PORT/NAME         MariaDB or MySQL; mariadb:// and
 *                                                  mysql+aiomysql:// are the same
 *     mysql://USER@/NAME?unix_socket=/PATH         by a socket
 *     mysql:///NAME  mysql://                      what is left out is taken from DECNET_DB_HOST,
 *                                                  _PORT, _NAME, _USER and _PASSWORD
 */
#include "base/mem.h"
#include "ttp/err.h"

#include <stdbool.h>

#define DB_MEMORY_PATH ":memory:"

/*
 * The path that a SQLite name stands for; it borrows from url. No error quotes the URL, which may
 * hold a password. Returns 0, TTP_E_INVALID (no name at all, a malformed URL) or TTP_E_UNSUPPORTED
 * (another kind of database, URL options).
 */
int db_url_sqlite_path(const char *url, const char **ret_path, ttp_err *err);

/* Does it name a server, by the URL's scheme? */
bool db_url_is_server(const char *url);

/* A server's database. The texts are copies. */
typedef struct db_url_server {
    char *host, *name, *user, *password; /* password may be empty */
    char *unix_socket;                   /* NULL: by TCP, to host */
    char *ssl_ca;                        /* NULL: without TLS unless the server demands it */
    unsigned port;
    char *where; /* mysql://user@host:port/name: what errors say, without the password */
} db_url_server;

/*
 * Read such a URL; %XX in its parts is decoded. Returns 0, TTP_E_INVALID (malformed),
 * TTP_E_UNSUPPORTED (an unknown option) or -ENOMEM. No error holds any part of it.
 */
int db_url_read_server(const char *url, db_url_server *ret_server, ttp_err *err);
void db_url_server_done(db_url_server *server); /* the password is overwritten */

static inline void db_url_server_free_ptr(db_url_server *server)
{
    db_url_server_done(server);
}
