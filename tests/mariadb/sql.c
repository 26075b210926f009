/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one SQL statement as another program would. Prints each row as a JSON array of texts. Usage:
 * sql URL SQL */
#include "server.h"

int main(int argc, char **argv)
{
    db_conn *conn = argc == 3 ? connect_db(argv[1]) : NULL;
    db_stmt *stmt = NULL;
    ttp_err err = {0};
    int rc;

    if (!conn)
        return 2;
    rc = db_prepare(conn, argv[2], &stmt, &err);
    while (!rc && (rc = db_next(stmt, &err)) == 0) {
        auto_free(buf) buf b = {0};

        for (unsigned i = 0; i < db_n_columns(stmt); i++) {
            str t = db_text(stmt, i);

            buf_put_char(&b, i ? ',' : '[');
            if (t.ptr)
                buf_put_json(&b, t);
            else
                buf_put_c(&b, "null");
        }
        printf("%s]\n", buf_c_str(&b));
    }
    if (rc != TTP_E_END)
        fprintf(stderr, "%s\n", err.text);
    (void)db_close(conn);
    return rc != TTP_E_END;
}
