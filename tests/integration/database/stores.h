/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Stores on databases of a test's own, in SQLite or on a server, and what is done to them from
 * outside. */
#include "../../unit/unit.h"

#include "../../mariadb/server.h"
#include "../../unit/db/files.h"
#include "base/str.h"
#include "base/time.h"
#include "store/database/database.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define RULE(id, version, pattern)                                                                 \
    "# a comment stays\nrule_id: " id "\nrule_version: " version "\nname: n\ndescription: d\n"     \
    "applies_to: [command]\nmatch: {field: command_text, pattern: '" pattern "'}\n"                \
    "emits: [{tactic: TA0007, technique_id: T1083, confidence: 0.5}]\n"

static atomic_uint n_logged; /* the store's thread counts, the test reads */

static inline void count_log(void *ctx, ttp_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
    n_logged++;
}

/* The line comes from another thread, some time after what it tells of: waited for 10 s. */
static inline unsigned wait_for_logged(unsigned want)
{
    for (unsigned i = 0; i < 10000 && n_logged < want; i++)
        (void)usleep(1000); /* woken early, it looks once more */
    return n_logged;
}

static inline ttp_store *open_store(const char *path)
{
    const ttp_store_options options = {
        .type = "database", .db_url = path, .poll_ms = 10, .log = {.fn = count_log}};
    ttp_store *s = NULL;
    ttp_err err = {0};

    if (ttp_store_open(&options, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static ttp_subscription *subscribe(ttp_store *s)
{
    ttp_subscription *sub = NULL;

    if (ttp_store_subscribe(s, &sub, NULL))
        fail_msg("cannot subscribe");
    return sub;
}

static bool on_mariadb;

/* A database of its own; the name lasts. */
static inline const char *make_place(const char *name)
{
    static char urls[64][512];
    static unsigned n;

    if (on_mariadb)
        return mariadb_make(urls[n++ % 64]);
    (void)snprintf(urls[n % 64], sizeof(urls[0]), "%s", in_dir(name));
    return urls[n++ % 64];
}

/* SQL of another program, with its own connection; also outside of a test, so nothing of cmocka. */
static inline void run_sql(const char *path, const char *sql)
{
    db_conn *conn = connect_db(path);
    char *copy = strdup(sql), *rest = copy, *one;

    while ((one = strsep(&rest, ";")))
        if (one[strspn(one, " ")])
            must_exec(conn, one);
    free(copy);
    (void)db_close(conn);
}

/* Starts this program again: SQLite's locks must not be carried over a fork. */
static inline pid_t start_elsewhere(const char *what, const char *path, const char *arg)
{
    pid_t child = fork();

    if (child == 0) {
        execl("/proc/self/exe", "test", what, path, arg, (char *)NULL);
        _exit(99);
    }
    return child;
}

static inline int wait_for(pid_t child)
{
    int status = -1;

    (void)waitpid(child, &status, 0); /* else status stays bad */
    return status;
}

static inline void run_sql_elsewhere(const char *path, const char *sql)
{
    if (wait_for(start_elsewhere("sql", path, sql)))
        fail_msg("the other process failed");
}

/* "definition R1 2; state R1 disabled; definition R1 gone": all changes until there is silence. */
static inline const char *changes(ttp_subscription *sub, int first_ms)
{
    static char text[4096];
    static const char *const kinds[] = {"enabled", "disabled", "clipped"};
    ttp_change c;
    size_t n = 0;
    int rc = ttp_subscription_next(sub, first_ms, &c);

    text[0] = '\0';
    for (; rc == 0; rc = ttp_subscription_next(sub, 150, &c)) {
        const char *sep = n ? "; " : "";

        if (c.kind == TTP_CHANGE_STATE)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%sstate %s %s", sep, c.rule_id,
                                  kinds[c.state.kind]);
        else if (c.rule)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%sdefinition %s %lld", sep,
                                  c.rule_id, (long long)ttp_rule_version(c.rule));
        else
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%sdefinition %s gone", sep,
                                  c.rule_id);
        ttp_change_done(&c);
        if (n >= sizeof(text))
            fail_msg("too many changes");
    }
    return text;
}

static inline void expect_changes(const char *says, ttp_subscription *sub, int first_ms,
                                  const char *want)
{
    const char *got = changes(sub, first_ms); /* the macro asks more than once */

    expect_c(says, got, want);
}

#define INSERT(id, text)                                                                           \
    "INSERT INTO ttp_rule VALUES ('" id "', 1, 'x', '" text "', '2001-01-01', 'somebody')"
#define QUOTED(id, version)                                                                        \
    "rule_id: " id "\nrule_version: " version "\nname: n\napplies_to: [command]\n"                 \
    "match: {field: command_text, contains: abc}\nemits: [{tactic: TA0007, technique_id: T1083}]"
#define UPDATE(id, version)                                                                        \
    "UPDATE ttp_rule SET yaml_content = '" QUOTED(id, version) "', updated_at = '1970-01-01'"      \
                                                               " WHERE rule_id = '" id "'"

static const char rule_1[] = RULE("R1", "1", "abc");

static inline int upsert(ttp_store *s, const char *text)
{
    ttp_err err = {0};
    int rc = database_upsert_rule(s, str_from(text), "/rules/x.yaml", "me", NULL, &err);

    if (rc)
        print_message("    %s\n", err.text);
    return rc;
}
