/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libmariadb. */
#include "base/err.h"
#include "db/driver.h"

int driver_mariadb_open(const db_url_server *server, const db_options *options, db_conn **ret_conn,
                        ttp_err *err)
{
    (void)options;
    (void)ret_conn;
    return err_set(err, TTP_E_UNSUPPORTED, server->where,
                   "this build knows SQLite only: build it with libmariadb (Debian: "
                   "libmariadb-dev) to use MariaDB or MySQL");
}
