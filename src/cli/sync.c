/* SPDX-License-Identifier: Apache-2.0 */
/* ttp sync: a directory of rules, projected into the database that workers follow. */
#include "base/err.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "store/database/database.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MAX_MS 30000

static volatile sig_atomic_t caught_signal;

static void note_signal(int number)
{
    caught_signal = number;
}

static void log_to_stderr(void *ctx, ttp_log_level level, const char *line)
{
    (void)ctx;
    if (level >= TTP_LOG_WARNING)
        fprintf(stderr, "ttp: %s\n", line);
}

static int open_store(ttp_store_options o, const char *type, ttp_store **ret_store)
{
    ttp_err err = {0};

    o.type = type;
    o.log.fn = log_to_stderr;
    return ttp_store_open(&o, ret_store, &err) ? cli_fail(&err) : CLI_DONE;
}

static void report(const database_sync *sync)
{
    printf("%zu rules of %s are in the database, %zu deleted, %zu refused\n", sync->n_written,
           sync->rules_dir, sync->n_deleted, sync->n_refused);
}

/* After a failure: say it once, then try again, more and more rarely. */
static void wait_again(const ttp_err *err, unsigned *n_failures)
{
    unsigned ms = *n_failures < 7 ? 500u << *n_failures : RETRY_MAX_MS;

    if ((*n_failures)++ == 0) {
        cli_warn(err);
        fprintf(stderr, "ttp: trying again until it works\n");
    }
    ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
    ms = ms / 2 + (unsigned)(time_monotonic_ns() / 1000 % (ms / 2));
    for (; ms > 0 && !caught_signal; ms -= ms < 100 ? ms : 100)
        (void)usleep(100000); /* a signal may end it early */
}

static int follow_changes(database_sync *sync, ttp_subscription *sub, uint64_t *sequence,
                          ttp_err *err)
{
    ttp_change change;
    int rc;

    while (!caught_signal) {
        if (database_sync_is_stale(sync)) {
            rc = database_sync_all(sync, sequence, err);
            if (rc)
                return rc;
            ttp_subscription_skip(sub, *sequence);
        }
        rc = ttp_subscription_next(sub, 500, &change);
        if (rc == TTP_E_END)
            continue;
        if (rc)
            return err_set(err, rc, sync->rules_dir, "too many changes at once");
        rc = database_sync_change(sync, &change, err);
        ttp_change_done(&change);
        if (rc)
            return rc;
    }
    return 0;
}

/* From the whole to single changes, and back to the whole after a failure. */
static int follow(database_sync *sync, ttp_subscription *sub)
{
    struct sigaction action = {.sa_handler = note_signal};
    unsigned n_failures = 0;
    uint64_t sequence = 0;

    (void)sigaction(SIGINT, &action, NULL); /* these exist and can be caught */
    (void)sigaction(SIGTERM, &action, NULL);
    while (!caught_signal) {
        ttp_err err = {0};
        int rc;

        ttp_subscription_skip(sub, sequence);
        rc = follow_changes(sync, sub, &sequence, &err);
        while (rc && !caught_signal) {
            wait_again(&err, &n_failures);
            rc = database_sync_all(sync, &sequence, &err);
        }
        if (!rc && n_failures)
            fprintf(stderr, "ttp: the database holds what the directory does again\n");
        n_failures = 0;
    }
    return CLI_DONE;
}

static int sync_stores(database_sync *sync, bool once)
{
    ttp_subscription *sub = NULL;
    uint64_t sequence = 0;
    ttp_err err = {0};
    int status = CLI_DONE;

    if (ttp_store_subscribe(sync->fs, &sub, &err) || database_sync_all(sync, &sequence, &err)) {
        status = cli_fail(&err);
    } else {
        report(sync);
        (void)fflush(stdout); /* a failure is told at the end */
        ttp_subscription_skip(sub, sequence);
        status = once ? (sync->n_refused ? CLI_BAD_INPUT : CLI_DONE) : follow(sync, sub);
    }
    (void)ttp_subscription_close(sub); /* returns NULL */
    return status;
}

static int run(const cli_command *self, int argc, char **argv)
{
    const char *db = NULL, *rules = NULL, *bundle = NULL, *release = NULL;
    const attack_catalogue *catalogue = NULL;
    attack_catalogue *owned = NULL;
    bool once = false, no_gate = false;
    const cli_option options[] = {{"rules", 'r', &rules, NULL},
                                  {"db", 0, &db, NULL},
                                  {"attack-bundle", 0, &bundle, NULL},
                                  {"attack-release", 0, &release, NULL},
                                  {"once", 0, NULL, &once},
                                  {"no-gate", 0, NULL, &no_gate}};
    const struct passwd *user = getpwuid(getuid());
    database_sync sync = {.updated_by = user ? user->pw_name : "unknown"};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (first < argc)
        return cli_usage_error(self, "it takes no operands");
    if (!database_url(db))
        return cli_usage_error(self, "which database? Name it with --db, or set DECNET_DB_URL");
    sync.rules_dir = cli_rules_dir(rules);
    status = cli_catalogue(bundle, release, &owned, &catalogue);
    if (!status)
        status = open_store((ttp_store_options){.rules_dir = sync.rules_dir,
                                                .attack = catalogue,
                                                .no_gate = no_gate,
                                                .keep_source = true},
                            "filesystem", &sync.fs);
    if (!status)
        status = open_store((ttp_store_options){.db_url = database_url(db),
                                                .attack = catalogue,
                                                .no_gate = no_gate},
                            "database", &sync.db);
    if (!status)
        status = sync_stores(&sync, once);
    (void)ttp_store_close(sync.db); /* returns NULL */
    (void)ttp_store_close(sync.fs);
    (void)attack_free(owned);
    return cli_finish_output(status);
}

const cli_command cli_sync = {
    .name = "sync",
    .synopsis = "[OPTION]...",
    .summary = "Write a directory's rules into the database, and follow it",
    .help = "  -r, --rules DIR           where the rules are\n"
            "      --db PATH             the database: a SQLite file or mysql://USER@HOST/NAME; by "
            "default\n                            that of DECNET_DB_URL, or of DECNET_DB_TYPE and "
            "so on\n"
            "      --attack-bundle F     MITRE's STIX bundle instead of the built-in catalogue\n"
            "      --attack-release R    the bundle's release, where it names none\n"
            "      --once                end when the database holds what the directory does\n"
            "      --no-gate             take in also rules that fail their own tests\n\n"
            "Example: ttp sync --rules rules/ttp --db ttp.db --once\n",
    .run = run,
};
