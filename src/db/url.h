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
 */
#include "ttp/err.h"

#define DB_MEMORY_PATH ":memory:"

/*
 * The path that a SQLite name stands for; it borrows from url. No error quotes the URL, which may
 * hold a password. Returns 0, TTP_E_INVALID (no name at all, a malformed URL) or TTP_E_UNSUPPORTED
 * (another kind of database, URL options).
 */
int db_url_sqlite_path(const char *url, const char **ret_path, ttp_err *err);
