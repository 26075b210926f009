/* SPDX-License-Identifier: Apache-2.0 */
/* ttp state list|get|set|clear: what operators set on rules, in the database that workers follow.
 */
#include "base/err.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "store/database/database.h"
#include "store/store.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DB_HELP                                                                                    \
    "      --db PATH             the database: a SQLite file or mysql://USER@HOST/NAME; by "       \
    "default\n                            that of DECNET_DB_URL, or of DECNET_DB_TYPE and so on\n"
static const char *const formats[] = {"text", "json", NULL};
static const char *const list_formats[] = {"table", "jsonl", NULL};

typedef struct state_args {
    const char *db, *output, *duration, *until, *reason, *confidence_max, *by;
} state_args;

static const char *login_name(void)
{
    const struct passwd *user = getpwuid(getuid());

    return user ? user->pw_name : "unknown";
}

static void log_to_stderr(void *ctx, ttp_log_level level, const char *line)
{
    (void)ctx;
    if (level >= TTP_LOG_WARNING)
        fprintf(stderr, "ttp: %s\n", line);
}

static int open_database(const cli_command *self, const char *option, ttp_store **ret_store)
{
    const ttp_store_options options = {
        .type = "database", .db_url = database_url(option), .log = {.fn = log_to_stderr}};
    ttp_err err = {0};

    if (!options.db_url)
        return cli_usage_error(self, "which database? Name it with --db, or set DECNET_DB_URL");
    return ttp_store_open(&options, ret_store, &err) ? cli_fail(&err) : CLI_DONE;
}

static void print_instant(const char *label, int64_t us)
{
    char text[TIME_TEXT_LEN];

    if (us == TTP_TIME_NONE)
        return;
    time_format(us, text);
    printf("  %-16s%.*s\n", label, TIME_TEXT_LEN, text);
}

static void print_text(const char *label, const char *text)
{
    char quoted[2100];

    printf("  %-16s%s\n", label, err_quote(quoted, sizeof(quoted), text, strlen(text), 512));
}

static void print_state(const char *rule_id, const ttp_rule_state *s)
{
    printf("%s  %s\n", rule_id, state_kind_name(s->kind));
    if (s->has_confidence_max)
        printf("  %-16s%g\n", "confidence max", s->confidence_max);
    print_instant("expires at", s->expires_at_us);
    if (s->has_reason)
        print_text("reason", s->reason);
    if (s->set_by[0])
        print_text("set by", s->set_by);
    print_instant("set at", s->set_at_us);
}

static int print_json(const char *rule_id, const ttp_rule_state *s)
{
    auto_free(buf) buf b = {0};

    buf_printf(&b, "{\"rule_id\":\"%s\",\"state\":", rule_id);
    state_json(&b, s);
    buf_put_c(&b, "}\n");
    if (!buf_c_str(&b))
        return -ENOMEM;
    (void)fwrite(b.ptr, 1, b.len, stdout); /* checked at the end */
    return 0;
}

typedef struct list_run {
    bool json;
    size_t n_bad;
} list_run;

static void print_row(const char *rule_id, const ttp_rule_state *s)
{
    char expires[TIME_TEXT_LEN] = "-", quoted[2100], most[16] = "-";

    if (s->expires_at_us != TTP_TIME_NONE)
        time_format(s->expires_at_us, expires);
    if (s->has_confidence_max)
        (void)snprintf(most, sizeof(most), "%g", s->confidence_max); /* it fits */
    printf("%-16s %-9s %-6s %-20.*s %-12s ", rule_id, state_kind_name(s->kind), most,
           s->expires_at_us != TTP_TIME_NONE ? 19 : 1, expires,
           err_quote(quoted, sizeof(quoted), s->set_by, strlen(s->set_by), 64));
    printf("%s\n", s->has_reason
                       ? err_quote(quoted, sizeof(quoted), s->reason, strlen(s->reason), 512)
                       : "");
}

static int list_one(void *ctx, const char *rule_id, const ttp_rule_state *s, const ttp_err *err)
{
    list_run *run = ctx;

    if (err) {
        run->n_bad++;
        cli_warn(err);
        return 0;
    }
    if (run->json)
        return print_json(rule_id, s);
    print_row(rule_id, s);
    return 0;
}

static int run_list(const cli_command *self, int argc, char **argv)
{
    state_args a = {0};
    const cli_option options[] = {{"db", 0, &a.db, NULL}, {"output", 'o', &a.output, NULL}};
    list_run run = {0};
    ttp_store *store = NULL;
    ttp_err err = {0};
    int first, status = cli_parse(self, options, 2, argc, argv, &first);

    if (status >= 0)
        return status;
    if (first < argc)
        return cli_usage_error(self, "it takes no operands");
    if (cli_choice(a.output, list_formats) < 0)
        return cli_usage_error(self, "unknown output %s: expected table or jsonl", a.output);
    run.json = cli_choice(a.output, list_formats) == 1;
    status = open_database(self, a.db, &store);
    if (status)
        return status;
    if (!run.json)
        printf("%-16s %-9s %-6s %-20s %-12s %s\n", "RULE", "STATE", "MAX", "EXPIRES (UTC)",
               "SET BY", "REASON");
    if (database_each_state(store, list_one, &run, &err))
        status = cli_fail(&err);
    (void)ttp_store_close(store); /* returns NULL */
    return cli_finish_output(status ? status : run.n_bad ? CLI_BAD_INPUT : CLI_DONE);
}

static int run_get(const cli_command *self, int argc, char **argv)
{
    state_args a = {0};
    const cli_option options[] = {{"db", 0, &a.db, NULL}, {"output", 'o', &a.output, NULL}};
    ttp_store *store = NULL;
    ttp_rule_state s;
    ttp_err err = {0};
    int first, status = cli_parse(self, options, 2, argc, argv, &first);

    if (status >= 0)
        return status;
    if (argc - first != 1 || !rule_id_ok(argv[first]))
        return cli_usage_error(self, "expected one rule id");
    if (cli_choice(a.output, formats) < 0)
        return cli_usage_error(self, "unknown output %s: expected text or json", a.output);
    status = open_database(self, a.db, &store);
    if (status)
        return status;
    if (ttp_store_get_state(store, argv[first], &s, &err))
        status = cli_fail(&err);
    else if (cli_choice(a.output, formats) == 1)
        (void)print_json(argv[first], &s); /* out of memory shows as no output */
    else
        print_state(argv[first], &s);
    (void)ttp_store_close(store); /* returns NULL */
    return cli_finish_output(status);
}

/* 90, 90s, 15m, 4h, 7d, 2w: microseconds. Returns 0 or TTP_E_SYNTAX. */
static int read_duration(const char *text, int64_t *ret_us)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    if (end == text || errno || n <= 0)
        return TTP_E_SYNTAX;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0)
            return __builtin_mul_overflow(n, units[i].seconds * 1000000, ret_us) ? TTP_E_SYNTAX : 0;
    }
    return TTP_E_SYNTAX;
}

static int read_expiry(const cli_command *self, const state_args *a, int64_t *ret_us)
{
    int64_t us;

    if (a->duration && a->until)
        return cli_usage_error(self, "--for and --until exclude each other");
    if (a->duration &&
        (read_duration(a->duration, &us) || __builtin_add_overflow(time_now_us(), us, ret_us)))
        return cli_usage_error(self, "--for %s: expected a duration such as 90s, 15m, 4h, 7d",
                               a->duration);
    if (a->until && time_parse(str_from(a->until), ret_us))
        return cli_usage_error(
            self, "--until %s: expected a time such as 2027-01-31T18:00:00Z or with +01:00",
            a->until);
    if (a->until && *ret_us <= time_now_us())
        return cli_usage_error(self, "--until %s: that is over", a->until);
    return -1;
}

static int read_state(const cli_command *self, const state_args *a, const char *word,
                      ttp_rule_state *s)
{
    char *end;

    if (state_kind_from_name(str_from(word), &s->kind))
        return cli_usage_error(self, "unknown state %s: expected enabled, disabled or clipped",
                               word);
    if (a->confidence_max) {
        s->has_confidence_max = true;
        s->confidence_max = strtod(a->confidence_max, &end);
        if (end == a->confidence_max || *end || !(s->confidence_max >= 0 && s->confidence_max <= 1))
            return cli_usage_error(self, "--confidence-max %s: expected a number from 0 to 1",
                                   a->confidence_max);
    }
    if (s->kind == TTP_STATE_CLIPPED && !a->confidence_max)
        return cli_usage_error(self, "clipped to what? Give --confidence-max");
    if (a->reason && strlen(a->reason) >= sizeof(s->reason))
        return cli_usage_error(self, "--reason is too long: expected at most %zu bytes",
                               sizeof(s->reason) - 1);
    s->has_reason = a->reason != NULL;
    (void)snprintf(s->reason, sizeof(s->reason), "%s", a->reason ? a->reason : ""); /* it fits */
    return read_expiry(self, a, &s->expires_at_us);
}

/* A state may be set before its rule comes; more often the id is mistyped. */
static void warn_of_unknown(ttp_store *store, const char *rule_id)
{
    bool has_rule = true;
    ttp_err err = {0};

    if (database_has_rule(store, rule_id, &has_rule, &err) || has_rule)
        return; /* the state is set, whatever can be told of the rule */
    (void)err_set(&err, TTP_E_NOT_FOUND, rule_id,
                  "no rule of the database has this id; the state waits for one"); /* its code */
    cli_warn(&err);
}

static int run_set(const cli_command *self, int argc, char **argv)
{
    state_args a = {0};
    const cli_option options[] = {
        {"db", 0, &a.db, NULL},         {"for", 0, &a.duration, NULL},
        {"until", 0, &a.until, NULL},   {"confidence-max", 0, &a.confidence_max, NULL},
        {"reason", 0, &a.reason, NULL}, {"by", 0, &a.by, NULL}};
    ttp_rule_state s = state_default;
    ttp_store *store = NULL;
    ttp_err err = {0};
    int first, status = cli_parse(self, options, 6, argc, argv, &first);

    if (status >= 0)
        return status;
    if (argc - first != 2 || !rule_id_ok(argv[first]))
        return cli_usage_error(self, "expected a rule id and a state");
    status = read_state(self, &a, argv[first + 1], &s);
    if (status >= 0)
        return status;
    status = open_database(self, a.db, &store);
    if (status)
        return status;
    if (ttp_store_set_state(store, argv[first], &s, a.by ? a.by : login_name(), &err)) {
        status = cli_fail(&err);
    } else {
        printf("%s is %s now\n", argv[first], argv[first + 1]);
        warn_of_unknown(store, argv[first]);
    }
    (void)ttp_store_close(store); /* returns NULL */
    return cli_finish_output(status);
}

static int run_clear(const cli_command *self, int argc, char **argv)
{
    state_args a = {0};
    const cli_option options[] = {{"db", 0, &a.db, NULL}};
    ttp_store *store = NULL;
    ttp_err err = {0};
    int first, status = cli_parse(self, options, 1, argc, argv, &first);

    if (status >= 0)
        return status;
    for (int i = first; i < argc || i == first; i++) {
        if (i >= argc || !rule_id_ok(argv[i]))
            return cli_usage_error(self, "expected rule ids");
    }
    status = open_database(self, a.db, &store);
    for (int i = first; !status && i < argc; i++) {
        if (ttp_store_clear_state(store, argv[i], login_name(), &err))
            status = cli_fail(&err);
        else
            printf("%s is as its rule file says\n", argv[i]);
    }
    (void)ttp_store_close(store); /* returns NULL */
    return cli_finish_output(status);
}

const cli_command cli_state_list = {
    .name = "state list",
    .synopsis = "[OPTION]...",
    .summary = "List what is set on rules",
    .help = DB_HELP "  -o, --output FORMAT       table or jsonl; default table\n\n"
                    "Example: ttp state list --db ttp.db\n",
    .run = run_list,
};

const cli_command cli_state_get = {
    .name = "state get",
    .synopsis = "[OPTION]... ID",
    .summary = "Show what is set on a rule",
    .help = DB_HELP "  -o, --output FORMAT       text or json; default text\n\n"
                    "Example: ttp state get R0015 --db ttp.db\n",
    .run = run_get,
};

const cli_command cli_state_set = {
    .name = "state set",
    .synopsis = "[OPTION]... ID enabled|disabled|clipped",
    .summary = "Disable, clip or enable a rule, on every worker",
    .help = DB_HELP "      --for DURATION        until then: 90s, 15m, 4h, 7d, 2w\n"
                    "      --until TIME          until then: 2027-01-31T18:00:00Z\n"
                    "      --confidence-max N    the most a clipped rule may say, 0 to 1\n"
                    "      --reason TEXT         why\n"
                    "      --by NAME             who (default: the login name)\n\n"
                    "Example: ttp state set R0015 disabled --for 4h --reason noisy --db ttp.db\n",
    .run = run_set,
};

const cli_command cli_state_clear = {
    .name = "state clear",
    .synopsis = "[OPTION]... ID...",
    .summary = "Take back what is set on rules",
    .help = DB_HELP "\nExample: ttp state clear R0015 --db ttp.db\n",
    .run = run_clear,
};
