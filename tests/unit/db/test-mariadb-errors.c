/* SPDX-License-Identifier: Apache-2.0 */
#include "db/mariadb_errors.h"

#include "../unit.h"

#include <errno.h>

static const struct {
    const char *says;
    unsigned code;
    const char *text;
    int want;
    bool is_lost;
    const char *want_text;
} errors[] = {
    {"nobody listens", 2002, "x", -ECONNREFUSED, true,
     "cannot reach the database server (x): check that it runs, and host, port or unix_socket"},
    {"it went", 2013, "x", -ENOTCONN, true,
     "the connection to the database server broke off, or it did not answer in time (x)"},
    {"another error of the client's", 2999, "x", -EIO, true,
     "the connection to the database server failed: x"},
    {"a password", 1045, "x", -EACCES, true,
     "the database server refused the user or the password (x): check them in the URL, or "
     "DECNET_DB_USER and DECNET_DB_PASSWORD"},
    {"triggers", 1419, "x", -EACCES, false,
     "the server keeps a binary log and does not let this user make triggers (x): an administrator "
     "can SET GLOBAL log_bin_trust_function_creators = 1, and keep that in the server's "
     "configuration; then run again"},
    {"a full disk", 1114, "x", -ENOSPC, false,
     "the server's disk or tablespace is full (x): free some space there; what was committed "
     "stays"},
    {"a deadlock", 1213, "x", -EDEADLK, false, "another transaction came across (x): run again"},
    {"a lock", 1205, "x", -EBUSY, false,
     "another program held rows locked for too long (x): wait for it or stop it, then run again"},
    {"a row", 4025, "x", TTP_E_INVALID, false, "a row is not allowed: x"},
    {"the last of a range", 1366, "x", TTP_E_INVALID, false, "a row is not allowed: x"},
    {"beyond it", 1367, "x", -EIO, false, "the database failed: x"},
    {"what a row holds is shown, not done", 1062, "Duplicate entry '\x1b[31m%s%n\n'", TTP_E_INVALID,
     false, "a row is not allowed: Duplicate entry '\\x1b[31m%s%n\\x0a'"},
    {"nothing at all", 99999, "", -EIO, false, "the database failed: "},
};

static void test_errors(void **state)
{
    (void)state;
    for_each_row(c, errors)
    {
        ttp_err err = {0};

        expect_int(c->says, mariadb_fail(c->code, c->text, "here", &err), c->want);
        expect_c(c->says, err.text, c->want_text);
        expect_c(c->says, err.where, "here");
        expect_int(c->says, mariadb_is_lost(c->code), c->is_lost);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
