/* SPDX-License-Identifier: Apache-2.0 */
#include "db/url.h"

#include "base/err.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

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

static int refuse_scheme(ttp_err *err)
{
    return err_set(err, TTP_E_UNSUPPORTED, "database URL",
                   "unknown kind of database: expected a file name, sqlite:///RELATIVE, "
                   "sqlite:////ABSOLUTE or mysql://USER:PASSWORD@HOST/NAME");
}

bool db_url_is_server(const char *url)
{
    str scheme = scheme_of(url);

    return scheme.ptr && (is_dialect(scheme, STR("mysql")) || is_dialect(scheme, STR("mariadb")));
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
    if (db_url_is_server(url))
        return err_set(err, TTP_E_UNSUPPORTED, "database URL",
                       "this is a MySQL or MariaDB server, and here only SQLite will do: name a "
                       "file, or sqlite:///FILE");
    if (!is_dialect(scheme, STR("sqlite")))
        return refuse_scheme(err);
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

/* What a server's URL is made of, as it is written. */
typedef struct server_parts {
    str user, password, host, port, name, query;
} server_parts;

/* What stands before the first of these characters; *rest is moved behind it. STR_NULL: none. */
static bool cut(str *rest, char at, str *ret_before)
{
    const char *p = rest->len ? memchr(rest->ptr, at, rest->len) : NULL;

    if (!p)
        return false;
    *ret_before = (str){rest->ptr, (size_t)(p - rest->ptr)};
    *rest = (str){p + 1, rest->len - ret_before->len - 1};
    return true;
}

/* user[:password]@ ; the last @ ends it, for passwords that were not encoded. */
static void split_user(str *authority, server_parts *p)
{
    const char *at = memrchr(authority->ptr, '@', authority->len);
    str user;

    if (!at)
        return;
    user = (str){authority->ptr, (size_t)(at - authority->ptr)};
    *authority = (str){at + 1, authority->len - user.len - 1};
    p->password = user;
    if (!cut(&p->password, ':', &p->user)) {
        p->user = user;
        p->password = STR_NULL;
    }
}

/* [::1]:3306, host:3306, host */
static int split_host(str authority, server_parts *p)
{
    if (authority.len && authority.ptr[0] == '[') {
        authority = (str){authority.ptr + 1, authority.len - 1};
        if (!cut(&authority, ']', &p->host) || (authority.len && authority.ptr[0] != ':'))
            return TTP_E_INVALID;
        if (authority.len)
            p->port = (str){authority.ptr + 1, authority.len - 1};
        return 0;
    }
    p->port = authority;
    if (!cut(&p->port, ':', &p->host)) {
        p->host = authority;
        p->port = STR_NULL;
    }
    return 0;
}

static int split(const char *url, server_parts *p)
{
    str rest = str_from(url + scheme_of(url).len + 3), authority;
    const char *slash;

    /* a password may hold / and ?: the name begins at the first slash behind the last @ */
    slash = memrchr(rest.ptr, '@', rest.len);
    slash = strchr(slash ? slash : rest.ptr, '/');
    authority = (str){rest.ptr, slash ? (size_t)(slash - rest.ptr) : rest.len};
    if (slash) {
        p->query = str_from(slash + 1);
        if (!cut(&p->query, '?', &p->name)) {
            p->name = p->query;
            p->query = STR_NULL;
        }
    }
    split_user(&authority, p);
    return split_host(authority, p);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The decoded copy of a part; an absent or empty one: what the variable holds, else the default. */
static int take_part(str part, const char *variable, const char *otherwise, char **ret_copy)
{
    bool is_given = part.ptr && (part.len || !*otherwise); /* no password is one, no host is none */
    const char *value = is_given || !variable ? NULL : getenv(variable);
    char *out;
    size_t n = 0;

    if (!is_given) {
        *ret_copy = strdup(value && *value ? value : otherwise);
        return *ret_copy ? 0 : -ENOMEM;
    }
    out = malloc(part.len + 1);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '%' && i + 2 < part.len && hex(part.ptr[i + 1]) >= 0 &&
            hex(part.ptr[i + 2]) >= 0) {
            out[n++] = (char)(hex(part.ptr[i + 1]) << 4 | hex(part.ptr[i + 2]));
            i += 2;
        } else {
            out[n++] = part.ptr[i];
        }
    }
    out[n] = '\0';
    *ret_copy = out;
    return memchr(out, '\0', n) ? TTP_E_INVALID : 0;
}

static int read_port(str port, unsigned *ret_port)
{
    auto_free(mem) char *text = NULL;
    char *end;
    unsigned long n;
    int rc = take_part(port, "DECNET_DB_PORT", "3306", &text);

    if (rc)
        return rc;
    n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || n < 1 || n > 65535)
        return TTP_E_INVALID;
    *ret_port = (unsigned)n;
    return 0;
}

static int read_option(str option, db_url_server *s, ttp_err *err)
{
    str key, value = option;
    char **field = NULL;

    if (!cut(&value, '=', &key)) {
        key = option;
        value = STR("");
    }
    if (str_eq(key, STR("charset"))) /* ours is utf8mb4 in any case */
        return 0;
    if (str_eq(key, STR("unix_socket")))
        field = &s->unix_socket;
    else if (str_eq(key, STR("ssl_ca")))
        field = &s->ssl_ca;
    if (!field || *field)
        return err_set(err, TTP_E_UNSUPPORTED, "database URL",
                       "an option behind ? is unknown or there twice: expected unix_socket=PATH, "
                       "ssl_ca=FILE or charset=utf8mb4");
    return take_part(value, NULL, "", field);
}

static int read_options(str query, db_url_server *s, ttp_err *err)
{
    int rc = 0;

    while (!rc && query.len) {
        str option;

        if (!cut(&query, '&', &option)) {
            option = query;
            query = STR_NULL;
        }
        rc = read_option(option, s, err);
    }
    return rc;
}

static int make_where(db_url_server *s)
{
    int n = s->unix_socket
                ? asprintf(&s->where, "mysql://%s@/%s", s->user, s->name)
                : asprintf(&s->where, "mysql://%s@%s:%u/%s", s->user, s->host, s->port, s->name);

    if (n < 0)
        s->where = NULL;
    return n < 0 ? -ENOMEM : 0;
}

static int read_parts(const char *url, db_url_server *s, ttp_err *err)
{
    server_parts p = {0};
    int rc = split(url, &p);

    if (!rc)
        rc = take_part(p.user, "DECNET_DB_USER", "decnet", &s->user);
    if (!rc)
        rc = take_part(p.password, "DECNET_DB_PASSWORD", "", &s->password);
    if (!rc)
        rc = take_part(p.host, "DECNET_DB_HOST", "localhost", &s->host);
    if (!rc)
        rc = take_part(p.name, "DECNET_DB_NAME", "decnet", &s->name);
    if (!rc)
        rc = read_port(p.port, &s->port);
    if (!rc)
        rc = read_options(p.query, s, err);
    return rc ? rc : make_where(s);
}

int db_url_read_server(const char *url, db_url_server *ret_server, ttp_err *err)
{
    db_url_server s = {0};
    int rc = read_parts(url, &s, err);

    if (!rc) {
        *ret_server = s;
        return 0;
    }
    db_url_server_done(&s);
    if (rc == TTP_E_INVALID)
        return err_set(err, rc, "database URL",
                       "it is malformed: expected mysql://USER:PASSWORD@HOST:PORT/NAME, with %%40 "
                       "for an @ and %%2F for a slash in a password");
    return rc == -ENOMEM ? err_set(err, rc, "database URL", "out of memory") : rc;
}

void db_url_server_done(db_url_server *s)
{
    if (s->password)
        explicit_bzero(s->password, strlen(s->password));
    free(s->host);
    free(s->name);
    free(s->user);
    free(s->password);
    free(s->unix_socket);
    free(s->ssl_ca);
    free(s->where);
    *s = (db_url_server){0};
}
