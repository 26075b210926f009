/* SPDX-License-Identifier: Apache-2.0 */
#include "db/url.h"

#include "../unit.h"

#include <stdlib.h>

static const struct {
    const char *says, *url;
    int want;
    const char *want_text; /* the path, or the sentence */
} urls[] = {
    {"a file", "tags.db", 0, "tags.db"},
    {"a path", "/var/lib/ttp/tags.db", 0, "/var/lib/ttp/tags.db"},
    {"a file with a question mark", "what?.db", 0, "what?.db"},
    {"a relative URL", "sqlite:///tags.db", 0, "tags.db"},
    {"an absolute URL", "sqlite:////var/tags.db", 0, "/var/tags.db"},
    {"a URL of the Python program", "sqlite+aiosqlite:///tags.db", 0, "tags.db"},
    {"a scheme in capitals", "SQLite:///tags.db", 0, "tags.db"},
    {"in memory", ":memory:", 0, ":memory:"},
    {"in memory, as a URL", "sqlite:///:memory:", 0, ":memory:"},
    {"in memory, shorter", "sqlite://", 0, ":memory:"},
    {"in memory, with a slash", "sqlite:///", 0, ":memory:"},
    {"a drive letter is a file here", "C:tags.db", 0, "C:tags.db"},
    {"a colon without slashes is a file", "mysql:x", 0, "mysql:x"},
    {"nothing", "", TTP_E_INVALID, "it is empty: expected a file name or sqlite:///FILE"},
    {"two slashes", "sqlite://tags.db", TTP_E_INVALID,
     "a SQLite URL names no host: expected three slashes before a relative file name, four before "
     "an "
     "absolute one"},
    {"options", "sqlite:///tags.db?mode=ro", TTP_E_UNSUPPORTED,
     "options behind ? are not supported: leave them out"},
    {"MySQL", "mysql://u:secret@h/x", TTP_E_UNSUPPORTED,
     "this is a MySQL or MariaDB server, and here only SQLite will do: name a file, or "
     "sqlite:///FILE"},
    {"MariaDB", "mariadb://h/x", TTP_E_UNSUPPORTED,
     "this is a MySQL or MariaDB server, and here only SQLite will do: name a file, or "
     "sqlite:///FILE"},
    {"another database", "postgresql://u:secret@h/x", TTP_E_UNSUPPORTED,
     "unknown kind of database: expected a file name, sqlite:///RELATIVE, sqlite:////ABSOLUTE or "
     "mysql://USER:PASSWORD@HOST/NAME"},
    {"a scheme that only begins like ours", "sqlites:///x", TTP_E_UNSUPPORTED,
     "unknown kind of database: expected a file name, sqlite:///RELATIVE, sqlite:////ABSOLUTE or "
     "mysql://USER:PASSWORD@HOST/NAME"},
};

static void test_urls(void **state)
{
    (void)state;
    for_each_row(c, urls)
    {
        ttp_err err = {0};
        const char *path = "";
        int rc = db_url_sqlite_path(c->url, &path, &err);

        expect_int(c->says, rc, c->want);
        expect_c(c->says, rc ? err.text : path, c->want_text);
        expect_true("no password is told",
                    !strstr(err.text, "secret") && !strstr(err.where, "secret"));
    }
    end_rows();
}

/* user|password|host|port|name|socket|ssl_ca, or the sentence */
static const struct {
    const char *says, *url;
    int want;
    const char *want_text, *want_where;
} servers[] = {
    {"all of it", "mysql://u:secret@h:3307/x", 0, "u|secret|h|3307|x|-|-", "mysql://u@h:3307/x"},
    {"a Python driver", "mysql+aiomysql://u:secret@h/x", 0, "u|secret|h|3306|x|-|-",
     "mysql://u@h:3306/x"},
    {"MariaDB, in capitals", "MariaDB://u:secret@h/x", 0, "u|secret|h|3306|x|-|-",
     "mysql://u@h:3306/x"},
    {"a socket", "mysql://u:secret@/x?unix_socket=/run/my%20sql.sock", 0,
     "u|secret|env-host|3306|x|/run/my sql.sock|-", "mysql://u@/x"},
    {"charset is ours, TLS is wanted", "mysql://u@h/x?charset=utf8mb4&ssl_ca=/ca.pem", 0,
     "u|env-secret|h|3306|x|-|/ca.pem", "mysql://u@h:3306/x"},
    {"what is left out comes from the environment", "mysql://", 0,
     "env-user|env-secret|env-host|3399|env-name|-|-", "mysql://env-user@env-host:3399/env-name"},
    {"no password is one", "mysql://u:@h/x", 0, "u||h|3306|x|-|-", "mysql://u@h:3306/x"},
    {"an encoded password", "mysql://u:secret%40%2f%25@h/x", 0, "u|secret@/%|h|3306|x|-|-",
     "mysql://u@h:3306/x"},
    {"a password that should have been", "mysql://u:secret@:/%zz@h/x", 0,
     "u|secret@:/%zz|h|3306|x|-|-", "mysql://u@h:3306/x"},
    {"IPv6", "mysql://u:secret@[::1]:3307/x", 0, "u|secret|::1|3307|x|-|-", "mysql://u@::1:3307/x"},
    {"IPv6 without an end", "mysql://u:secret@[::1/x", TTP_E_INVALID, "malformed", ""},
    {"a port that is none", "mysql://u:secret@h:http/x", TTP_E_INVALID, "malformed", ""},
    {"port 0", "mysql://u:secret@h:0/x", TTP_E_INVALID, "malformed", ""},
    {"port 65536", "mysql://u:secret@h:65536/x", TTP_E_INVALID, "malformed", ""},
    {"a NUL in a name", "mysql://u:secret@h/x%00y", TTP_E_INVALID, "malformed", ""},
    {"an unknown option", "mysql://u:secret@h/x?secret=1", TTP_E_UNSUPPORTED, "unix_socket=PATH",
     ""},
    {"an option twice", "mysql://u@h/x?unix_socket=/a&unix_socket=/b", TTP_E_UNSUPPORTED,
     "unix_socket=PATH", ""},
};

static void describe(const db_url_server *s, char text[512])
{
    (void)snprintf(text, 512, "%s|%s|%s|%u|%s|%s|%s", s->user, s->password, s->host, s->port,
                   s->name, s->unix_socket ? s->unix_socket : "-", s->ssl_ca ? s->ssl_ca : "-");
}

static void test_servers(void **state)
{
    (void)state;
    for_each_row(c, servers)
    {
        auto_free(db_url_server) db_url_server s = {0};
        ttp_err err = {0};
        char text[512];
        const char *got;
        bool bare = strcmp(c->url, "mysql://") == 0;

        (void)setenv("DECNET_DB_HOST", "env-host", 1);
        (void)setenv("DECNET_DB_USER", "env-user", 1);
        (void)setenv("DECNET_DB_NAME", "env-name", 1);
        (void)setenv("DECNET_DB_PASSWORD", "env-secret", 1);
        (void)setenv("DECNET_DB_PORT", bare ? "3399" : "", 1);
        expect_true(c->says, db_url_is_server(c->url));
        expect_int(c->says, db_url_read_server(c->url, &s, &err), c->want);
        if (c->want) {
            expect_true(c->says, strstr(err.text, c->want_text));
            expect_true("no password is told", !strstr(err.text, "secret"));
            continue;
        }
        describe(&s, text);
        got = text; /* the macro asks whether it is there */
        expect_c(c->says, got, c->want_text);
        expect_c(c->says, s.where, c->want_where);
    }
    expect_true("SQLite is none", !db_url_is_server("sqlite:///x") && !db_url_is_server("mysql:x"));
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_urls), cmocka_unit_test(test_servers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
