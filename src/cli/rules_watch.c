/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules watch: follows a rule store and prints each change as it arrives. */
#include "cli/commands.h"

#include "base/err.h"
#include "cli/rules.h"
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct watch {
    const char *rules, *output; /* options */
    bool no_gate;
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

static int fell_behind(void)
{
    ttp_err warning = {0};

    (void)err_set(&warning, 0, NULL,
                  "fell behind: changes are missing here"); /* returns its code */
    cli_warn(&warning);
    return CLI_DONE;
}

static int print_waiting(watch *w)
{
    int status = CLI_DONE;

    while (status == CLI_DONE) {
        ttp_change c = {0};
        ttp_err err = {0};
        int rc = ttp_subscription_next(w->sub, 0, &c);

        if (rc == TTP_E_END)
            break;
        if (rc == TTP_E_LIMIT)
            status = fell_behind();
        else if (rc) {
            (void)err_set(&err, rc, NULL, "cannot wait for changes: %s", strerror(-rc));
            status = cli_fail(&err);
        } else
            status = print_change(w, &c);
        ttp_change_done(&c);
    }
    return status;
}

static int follow(watch *w)
{
    struct pollfd p[2] = {{.fd = ttp_subscription_fd(w->sub), .events = POLLIN},
                          {.fd = w->signals, .events = POLLIN}};
    int status = CLI_DONE;

    while (status == CLI_DONE && !p[1].revents) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return CLI_FAILED;
        status = print_waiting(w);
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
    ttp_store_options o = {
        .rules_dir = cli_rules_dir(w->rules), .no_gate = w->no_gate, .log = {.fn = print_log}};
    ttp_err err = {0};

    if (w->rules)
        o.type = "filesystem";
    w->signals = open_signals();
    if (w->signals < 0) {
        (void)err_set(&err, -errno, NULL, "cannot wait for signals: %s", strerror(errno));
        return cli_fail(&err);
    }
    if (ttp_store_open(&o, &w->store, &err) || ttp_store_subscribe(w->store, &w->sub, &err))
        return cli_fail(&err);
    return CLI_DONE;
}

static int say_start(const watch *w)
{
    ttp_store_rules *rules = NULL;
    ttp_err err = {0};

    if (ttp_store_load(w->store, &rules, &err))
        return cli_fail(&err);
    fprintf(stderr, "ttp: following %zu rules, %zu are not live\n", ttp_store_rules_count(rules),
            ttp_store_rules_n_diagnostics(rules));
    (void)ttp_store_rules_free(rules); /* returns NULL */
    return CLI_DONE;
}

static int run_watch(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"text", "jsonl", NULL};
    watch w = {.signals = -1};
    const cli_option options[] = {{"rules", 'r', &w.rules, NULL},
                                  {"output", 'o', &w.output, NULL},
                                  {"no-gate", 0, NULL, &w.no_gate}};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (first < argc)
        return cli_usage_error(self, "takes no operands");
    if (cli_choice(w.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected text or jsonl", w.output);
    w.json = cli_choice(w.output, outputs) == 1;
    status = start(&w);
    if (status == CLI_DONE)
        status = say_start(&w);
    if (status == CLI_DONE)
        status = follow(&w);
    (void)ttp_subscription_close(w.sub); /* returns NULL */
    (void)ttp_store_close(w.store);      /* returns NULL */
    if (w.signals >= 0)
        (void)close(w.signals); /* nothing is written to it */
    return cli_finish_output(status);
}

const cli_command cli_rules_watch = {
    .name = "rules watch",
    .synopsis = "[OPTION]...",
    .summary = "Print each change of a rule or its state as it arrives",
    .help =
        "Follows the rules until SIGINT or SIGTERM. A rule that is not taken in is said on "
        "standard error.\n"
        "\n"
        "  -r, --rules DIR         rule files (default: $DECNET_TTP_RULES_DIR, ./rules/ttp, the "
        "pack)\n"
        "  -o, --output FORM       text (default), or jsonl: one object a change\n"
        "      --no-gate           take rules in also where their own tests fail\n"
        "\n"
        "Example:\n"
        "  ttp rules watch --rules rules/ttp --output jsonl\n",
    .run = run_watch,
};
