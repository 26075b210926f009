/* SPDX-License-Identifier: Apache-2.0 */
#include "db/url.h"

#include "base/err.h"
#include "base/str.h"

#include <ctype.h>

/* "sqlite+aiosqlite" of "sqlite+aiosqlite:///x.db"; STR_NULL for a plain path. */
static str scheme_of(const char *url)
{
    const char *p = url;

    while (isalnum((unsigned char)*p) || *p == '+' || *p == '-' || *p == '.')
        p++;
    if (p == url || strncmp(p, "://", 3) != 0)
        return STR_NULL;
    return (str){url, (size_t)(p - url)};
}

/* Is scheme the dialect itself or the dialect with a Python driver behind a plus sign? */
static bool is_dialect(str scheme, str dialect)
{
    if (scheme.len > dialect.len && scheme.ptr[dialect.len] == '+')
        scheme.len = dialect.len;
    return str_eq_nocase(scheme, dialect);
}

static int refuse_scheme(str scheme, ttp_err *err)
{
    if (is_dialect(scheme, STR("mysql")) || is_dialect(scheme, STR("mariadb")))
        return err_set(err, TTP_E_UNSUPPORTED, "database URL",
                       "this release writes to SQLite only, not to MySQL or MariaDB: name a file, "
                       "or sqlite:///FILE");
    return err_set(err, TTP_E_UNSUPPORTED, "database URL",
                   "unknown kind of database: expected a file name, sqlite:///RELATIVE or "
                   "sqlite:////ABSOLUTE");
}

int db_url_sqlite_path(const char *url, const char **ret_path, ttp_err *err)
{
    str scheme = scheme_of(url);
    const char *path;

    if (!*url)
        return err_set(err, TTP_E_INVALID, "database URL",
                       "it is empty: expected a file name or sqlite:///FILE");
    if (!scheme.ptr) {
        *ret_path = url;
        return 0;
    }
    if (!is_dialect(scheme, STR("sqlite")))
        return refuse_scheme(scheme, err);
    path = url + scheme.len + 3;
    if (*path && *path != '/')
        return err_set(err, TTP_E_INVALID, "database URL",
                       "a SQLite URL names no host: expected three slashes before a relative file "
                       "name, four before an absolute one");
    if (strchr(path, '?'))
        return err_set(err, TTP_E_UNSUPPORTED, "database URL",
                       "options behind ? are not supported: leave them out");
    if (*path)
        path++;
    *ret_path = *path ? path : DB_MEMORY_PATH;
    return 0;
}
