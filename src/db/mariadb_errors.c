/* SPDX-License-Identifier: Apache-2.0 */
#include "db/mariadb_errors.h"

#include "base/err.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* By number, as the servers of both makers have them; the first row that fits. */
static const struct {
    unsigned first, last;
    int rc;
    bool is_lost;
    const char *says; /* what to do; %s once: the server's words */
} meanings[] = {
    {2002, 2003, -ECONNREFUSED, true,
     "cannot reach the database server (%s): check that it runs, and host, port or unix_socket"},
    {2005, 2005, -ENOENT, true, "cannot find the database server (%s): check the host's name"},
    {2006, 2006, -ENOTCONN, true, "the database server is gone (%s): see that it runs"},
    {2013, 2013, -ENOTCONN, true,
     "the connection to the database server broke off, or it did not answer in time (%s)"},
    {2055, 2055, -ENOTCONN, true, "the connection to the database server broke off (%s)"},
    {1053, 1053, -ENOTCONN, true, "the database server is being shut down (%s)"},
    {1927, 1927, -ENOTCONN, true, "somebody ended our connection to the database server (%s)"},
    {4031, 4031, -ENOTCONN, true, "the database server ended our idle connection (%s)"},
    {2008, 2008, -ENOMEM, false, "out of memory (%s)"},
    {2026, 2026, -EACCES, true,
     "no TLS connection to the database server (%s): check ssl_ca, and that the server has a "
     "certificate of that authority"},
    {2000, 2999, -EIO, true, "the connection to the database server failed: %s"},
    {1045, 1045, -EACCES, true,
     "the database server refused the user or the password (%s): check them in the URL, or "
     "DECNET_DB_USER and DECNET_DB_PASSWORD"},
    {1698, 1698, -EACCES, true,
     "the database server refused the user (%s): check the URL or DECNET_DB_USER"},
    {1044, 1044, -EACCES, true,
     "this user may not use that database (%s): an administrator can GRANT ALL ON it"},
    {1049, 1049, -ENOENT, true,
     "there is no such database (%s): make it with CREATE DATABASE ... CHARACTER SET utf8mb4, or "
     "name another"},
    {1040, 1040, -EBUSY, true,
     "the database server has no connection free (%s): end some, or raise max_connections"},
    {1203, 1203, -EBUSY, true,
     "this user has too many connections to the database server (%s): end some"},
    {1129, 1130, -EACCES, true, "the database server lets nobody in from this host (%s)"},
    {1419, 1419, -EACCES, false,
     "the server keeps a binary log and does not let this user make triggers (%s): an "
     "administrator can SET GLOBAL log_bin_trust_function_creators = 1, and keep that in the "
     "server's configuration; then run again"},
    {1142, 1143, -EACCES, false,
     "this user lacks a right (%s): an administrator can GRANT ALL ON the database"},
    {1227, 1227, -EACCES, false, "this user lacks a right (%s): an administrator can GRANT it"},
    {1370, 1370, -EACCES, false, "this user lacks a right (%s): an administrator can GRANT it"},
    {1449, 1449, -EACCES, false,
     "a trigger belongs to a user who is gone (%s): drop the triggers whose names begin with "
     "ttp_rule, and run again to make them anew"},
    {1290, 1290, -EROFS, false,
     "the database server is read-only (%s): name the primary one, or end that mode"},
    {1036, 1036, -EROFS, false, "a table is read-only (%s): name another database"},
    {1792, 1792, -EROFS, false, "the transaction is read-only (%s)"},
    {1114, 1114, -ENOSPC, false,
     "the server's disk or tablespace is full (%s): free some space there; what was committed "
     "stays"},
    {1021, 1021, -ENOSPC, false,
     "the server's disk is full (%s): free some space there; what was committed stays"},
    {1026, 1026, -ENOSPC, false, "the server cannot write its files (%s): see its disk and log"},
    {3, 3, -ENOSPC, false, "the server cannot write its files (%s): see its disk and log"},
    {1205, 1205, -EBUSY, false,
     "another program held rows locked for too long (%s): wait for it or stop it, then run again"},
    {1213, 1213, -EDEADLK, false, "another transaction came across (%s): run again"},
    {1020, 1020, -EDEADLK, false, "another transaction came across (%s): run again"},
    {1153, 1153, TTP_E_LIMIT, false,
     "a value is larger than the server takes (%s): raise max_allowed_packet"},
    {1406, 1406, TTP_E_INVALID, false,
     "a value does not fit into its column (%s): widen it, yaml_content to MEDIUMTEXT, with ALTER "
     "TABLE ... MODIFY"},
    {1048, 1048, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {1062, 1062, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {1264, 1265, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {1292, 1292, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {1364, 1366, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {3819, 3819, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {4025, 4025, TTP_E_INVALID, false, "a row is not allowed: %s"},
    {1054, 1054, TTP_E_INVALID, false,
     "a table is not as we know it (%s): add the column, or name another database"},
    {1146, 1146, TTP_E_INVALID, false, "a table is gone (%s): start again, which makes it"},
};

#define N_MEANINGS (sizeof(meanings) / sizeof(meanings[0]))

static size_t find(unsigned code)
{
    size_t i = 0;

    while (i < N_MEANINGS && (code < meanings[i].first || code > meanings[i].last))
        i++;
    return i;
}

bool mariadb_is_lost(unsigned code)
{
    size_t i = find(code);

    return i < N_MEANINGS && meanings[i].is_lost;
}

/* The server's words may quote what is in rows. */
int mariadb_fail(unsigned code, const char *text, const char *where, ttp_err *err)
{
    size_t i = find(code);
    const char *says = i < N_MEANINGS ? meanings[i].says : "the database failed: %s";
    const char *hole = strstr(says, "%s");
    char words[400];

    (void)err_quote(words, sizeof(words), text, strlen(text), 200);
    return err_set(err, i < N_MEANINGS ? meanings[i].rc : -EIO, where, "%.*s%s%s",
                   (int)(hole - says), says, words, hole + 2);
}
