/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one statement in a database, for tests that have no client of it. Usage: run-sql URL SQL */
#include "db/db.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    db_conn *conn = NULL;
    ttp_err err = {0};
    char line[1200];
    int rc = argc == 3 ? db_open(argv[1], NULL, &conn, &err) : TTP_E_INVALID;

    if (!rc)
        rc = db_exec(conn, argv[2], &err);
    if (rc)
        fprintf(stderr, "run-sql: %s\n", ttp_err_format(&err, line, sizeof(line)));
    (void)db_close(conn); /* returns NULL */
    return rc != 0;
}
