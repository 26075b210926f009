/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules watch: follows a rule store and prints each change as it arrives. */
#include "cli/commands.h"

#include "base/err.h"
#include "cli/rules.h"
#include "store/database/database.h"
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct watch {
    rules_input in;
    const char *db, *host; /* options, as in's and these are */
    bool no_gate, existing;
    bool json;
    ttp_store *store;
    ttp_subscription *sub;
    int signals; /* readable when it is time to end */
} watch;

static void print_log(void *ctx, ttp_log_level level, const char *line)
{
    (void)ctx;
    if (level >= TTP_LOG_INFO)
        fprintf(stderr, "ttp: %s%s\n", level >= TTP_LOG_WARNING ? "warning: " : "", line);
}

/* "R0015 state disabled until 2026-..., by me: noisy"; "R0015 version 7"; "R0015 deleted" */
static void put_text_line(buf *b, const ttp_change *c)
{
    buf_put_c(b, c->rule_id);
    if (c->kind == TTP_CHANGE_STATE) {
        buf_put_c(b, " state ");
        state_json(b, &c->state);
    } else if (c->rule) {
        buf_put_c(b, " version ");
        buf_put_i64(b, c->rule->rule_version);
    } else {
        buf_put_c(b, " deleted");
    }
    buf_put_char(b, '\n');
}

static int print_change(const watch *w, const ttp_change *c)
{
    auto_free(buf) buf b = {0};

    if (w->json) {
        change_json(&b, c);
        buf_put_char(&b, '\n');
    } else {
        put_text_line(&b, c);
    }
    if (rules_print(&b) != CLI_DONE)
        return CLI_FAILED;
    return fflush(stdout) ? CLI_FAILED : CLI_DONE; /* each as it arrives */
}

/* What is there, as if each had just come: a definition, and the state where one is set. */
static int print_existing(const watch *w, const ttp_store_rules *rules)
{
    int status = CLI_DONE;

    for (size_t i = 0; status == CLI_DONE && i < ttp_store_rules_count(rules); i++) {
        ttp_rule_state state;
        rule *r = ttp_store_rules_at(rules, i, &state);
        ttp_change change = change_definition(r->rule_id.ptr, r);

        status = print_change(w, &change);
        change = change_state(r->rule_id.ptr, &state);
        if (status == CLI_DONE && state.set_at_us != TTP_TIME_NONE)
            status = print_change(w, &change);
    }
    return status;
}

/* From the whole to the changes after it. */
static int begin(const watch *w)
{
    ttp_store_rules *rules = NULL;
    ttp_err err = {0};
    int status = CLI_DONE;

    if (ttp_store_load(w->store, &rules, &err))
        return cli_fail(&err);
    ttp_subscription_skip(w->sub, ttp_store_rules_sequence(rules));
    fprintf(stderr, "ttp: following %zu rules, %zu are not live\n", ttp_store_rules_count(rules),
            ttp_store_rules_n_diagnostics(rules));
    if (w->existing)
        status = print_existing(w, rules);
    (void)ttp_store_rules_free(rules); /* returns NULL */
    return status;
}

static int fell_behind(const watch *w)
{
    ttp_err warning = {0};

    (void)err_set(&warning, 0, NULL,
                  "fell behind: changes are missing here"); /* returns its code */
    cli_warn(&warning);
    return begin(w);
}

static int print_waiting(const watch *w)
{
    int status = CLI_DONE;

    while (status == CLI_DONE) {
        ttp_change c = {0};
        ttp_err err = {0};
        int rc = ttp_subscription_next(w->sub, 0, &c);

        if (rc == TTP_E_END)
            break;
        if (rc == TTP_E_LIMIT)
            status = fell_behind(w);
        else if (rc) {
            (void)err_set(&err, rc, NULL, "cannot wait for changes: %s", strerror(-rc));
            status = cli_fail(&err);
        } else
            status = print_change(w, &c);
        ttp_change_done(&c);
    }
    return status;
}

static int reader_left(void)
{
    ttp_err err = {0};

    (void)err_set(&err, -EPIPE, NULL, "cannot write to standard output: %s", strerror(EPIPE));
    return cli_fail(&err);
}

static int follow(const watch *w)
{
    struct pollfd p[3] = {{.fd = ttp_subscription_fd(w->sub), .events = POLLIN},
                          {.fd = w->signals, .events = POLLIN},
                          {.fd = STDOUT_FILENO}}; /* a closed pipe is told unasked */
    int status = CLI_DONE;

    while (status == CLI_DONE && !p[1].revents) {
        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return CLI_FAILED;
        status = print_waiting(w);
        if (status == CLI_DONE && (p[2].revents & POLLERR))
            status = reader_left();
    }
    return status;
}

/* SIGINT and SIGTERM as something to poll for; the store's thread blocks them anyway. */
static int open_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set); /* cannot fail with valid signals, nor can the next three */
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start(watch *w)
{
    ttp_store_options o = {.rules_dir = cli_rules_dir(w->in.rules),
                           .attack = w->in.catalogue,
                           .no_gate = w->no_gate,
                           .host = cli_host(w->host),
                           .log = {.fn = print_log}};
    ttp_err err = {0};

    if (w->in.rules)
        o.type = "filesystem";
    if (w->db) {
        o.type = "database";
        o.db_url = database_url(w->db);
    }
    w->signals = open_signals();
    if (w->signals < 0) {
        (void)err_set(&err, -errno, NULL, "cannot wait for signals: %s", strerror(errno));
        return cli_fail(&err);
    }
    if (ttp_store_open(&o, &w->store, &err) || ttp_store_subscribe(w->store, &w->sub, &err))
        return cli_fail(&err);
    return CLI_DONE;
}

static int run_watch(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"text", "jsonl", NULL};
    watch w = {.signals = -1};
    const cli_option options[] = {RULES_OPTIONS(&w.in),
                                  {"db", 0, &w.db, NULL},
                                  {"host", 0, &w.host, NULL},
                                  {"existing", 0, NULL, &w.existing},
                                  {"no-gate", 0, NULL, &w.no_gate}};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (first < argc)
        return cli_usage_error(self, "takes no operands");
    if (w.in.rules && w.db)
        return cli_usage_error(self, "--rules and --db exclude each other");
    if (cli_choice(w.in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected text or jsonl", w.in.output);
    w.json = cli_choice(w.in.output, outputs) == 1;
    status = rules_open_catalogue(&w.in);
    if (status == CLI_DONE)
        status = start(&w);
    if (status == CLI_DONE)
        status = begin(&w);
    if (status == CLI_DONE)
        status = follow(&w);
    (void)ttp_subscription_close(w.sub); /* returns NULL */
    (void)ttp_store_close(w.store);      /* returns NULL */
    rules_close(&w.in);
    if (w.signals >= 0)
        (void)close(w.signals); /* nothing is written to it */
    return cli_finish_output(status);
}

const cli_command cli_rules_watch = {
    .name = "rules watch",
    .synopsis = "[OPTION]...",
    .summary = "Print each change of a rule or its state as it arrives",
    .help = "Follows the rules until SIGINT or SIGTERM. A rule that is not taken in is said on "
            "standard error.\n"
            "\n" RULES_OPTIONS_HELP
            "      --db PATH|URL       a database that `ttp sync` writes, instead of rule files\n"
            "      --host NAME         as whom what runs here is told in the database's ledger\n"
            "                          (default: $DECNET_TTP_HOST, else this machine's name)\n"
            "  -o, --output FORM       text (default), or jsonl: one object a change\n"
            "      --existing          print first what is there, as if it had just come\n"
            "      --no-gate           take rules in also where their own tests fail\n"
            "\n"
            "Example:\n"
            "  ttp rules watch --rules rules/ttp --output jsonl\n",
    .run = run_watch,
};
