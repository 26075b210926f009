/* SPDX-License-Identifier: Apache-2.0 */
#include "db/url.h"

#include "../unit.h"

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
     "this release writes to SQLite only, not to MySQL or MariaDB: name a file, or sqlite:///FILE"},
    {"MySQL with a Python driver", "mysql+asyncmy://u:secret@h/x", TTP_E_UNSUPPORTED,
     "this release writes to SQLite only, not to MySQL or MariaDB: name a file, or sqlite:///FILE"},
    {"MariaDB", "mariadb://h/x", TTP_E_UNSUPPORTED,
     "this release writes to SQLite only, not to MySQL or MariaDB: name a file, or sqlite:///FILE"},
    {"another database", "postgresql://u:secret@h/x", TTP_E_UNSUPPORTED,
     "unknown kind of database: expected a file name, sqlite:///RELATIVE or sqlite:////ABSOLUTE"},
    {"a scheme that only begins like ours", "sqlites:///x", TTP_E_UNSUPPORTED,
     "unknown kind of database: expected a file name, sqlite:///RELATIVE or sqlite:////ABSOLUTE"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_urls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
