/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules status: is a rule live everywhere, and who lags or refused it, and why? */
#include "cli/rules.h"

#include "cli/commands.h"

#include "base/err.h"
#include "ttp/ledger.h"

#include <stdio.h>

#define HASH_CHARS 8 /* of a content hash in a table */
#define HOST_CHARS 64

typedef struct status_run {
    rules_input in;
    const char *db, *forget; /* options, as in's are */
    const char *rule_id;     /* the operand; NULL: all rules */
    bool json;
    ttp_store *store;
    ttp_ledger *ledger;
} status_run;

static const char *verdict_name(ttp_ledger_verdict verdict)
{
    static const char *const names[] = {"live", "lagging", "refused"};

    return names[verdict];
}

static bool is_live_everywhere(const ttp_ledger_rule *r)
{
    return r->wanted && r->n_live > 0 && r->n_lagging + r->n_refused == 0;
}

static void put_hash_member(buf *b, const char *key, const char *hash)
{
    put_member(b, key, hash[0] ? str_from(hash) : STR_NULL);
}

static void put_version_member(buf *b, int64_t version)
{
    buf_put_c(b, ",\"rule_version\":");
    if (version)
        buf_put_i64(b, version);
    else
        buf_put_c(b, "null");
}

/* Members of one host; the object is open. */
static void put_host_json(buf *b, const ttp_ledger_row *row)
{
    const char *status = row->quarantined ? "quarantined" : "live";

    put_member(b, "host", str_from(row->host));
    put_member(b, "verdict", str_from(verdict_name(row->verdict)));
    put_member(b, "status", row->since_us == TTP_TIME_NONE ? STR_NULL : str_from(status));
    put_version_member(b, row->rule_version);
    put_hash_member(b, "content_hash", row->content_hash);
    put_member(b, "error", str_from(row->error));
    put_time_member(b, "since", row->since_us);
}

static void put_rule_json(buf *b, const ttp_ledger_rule *r)
{
    bool first = true;

    buf_put_char(b, '{');
    put_member(b, "rule_id", str_from(r->rule_id));
    buf_printf(b, ",\"wanted\":%s", r->wanted ? "true" : "false");
    put_version_member(b, r->rule_version);
    put_hash_member(b, "content_hash", r->content_hash);
    buf_printf(b, ",\"live_everywhere\":%s,\"n_live\":%zu,\"n_lagging\":%zu,\"n_refused\":%zu",
               is_live_everywhere(r) ? "true" : "false", r->n_live, r->n_lagging, r->n_refused);
    buf_put_c(b, ",\"not_live\":[");
    for (size_t i = 0; i < r->n_rows; i++) {
        if (r->rows[i].verdict == TTP_LEDGER_LIVE)
            continue;
        buf_put_c(b, first ? "{" : ",{");
        first = false;
        put_host_json(b, &r->rows[i]);
        buf_put_char(b, '}');
    }
    buf_put_c(b, "]}\n");
}

static void put_hosts_json(buf *b, const ttp_ledger_rule *r)
{
    for (size_t i = 0; i < r->n_rows; i++) {
        buf_put_char(b, '{');
        put_member(b, "rule_id", str_from(r->rule_id));
        put_host_json(b, &r->rows[i]);
        buf_put_c(b, "}\n");
    }
}

/* "version 6 (1a2b3c4d)", or "nothing" */
static void put_version(buf *b, int64_t version, const char *hash)
{
    if (hash[0])
        buf_printf(b, "version %lld (%.*s)", (long long)version, HASH_CHARS, hash);
    else
        buf_put_c(b, "nothing");
}

static void put_since(buf *b, int64_t since_us)
{
    if (since_us == TTP_TIME_NONE)
        return;
    buf_put_c(b, " since ");
    put_time(b, since_us);
}

/* "lagging: runs version 6 (1a2b3c4d) since 2026-11-21 18:00:05; refused another text: why" */
static void put_host_line(buf *b, const ttp_ledger_row *row)
{
    bool refused = row->verdict == TTP_LEDGER_REFUSED;

    put_quoted(b, str_from(row->host), HOST_CHARS);
    buf_printf(b, "  %s: runs ", verdict_name(row->verdict));
    put_version(b, row->rule_version, row->content_hash);
    put_since(b, row->since_us);
    if (row->error) {
        buf_put_c(b, refused ? "; " : "; refused another text: ");
        put_quoted(b, str_from(row->error), 1000);
    }
    buf_put_char(b, '\n');
}

typedef struct column_widths {
    size_t id, version;
} column_widths;

static column_widths measure_columns(const ttp_ledger *l)
{
    column_widths w = {.id = strlen("RULE"), .version = 1};
    const ttp_ledger_rule *r;

    for (size_t i = 0; (r = ttp_ledger_at(l, i)); i++) {
        char digits[24], quoted[1024];
        size_t id =
            strlen(err_quote(quoted, sizeof(quoted), r->rule_id, strlen(r->rule_id), HOST_CHARS));
        size_t version =
            (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)r->rule_version);

        w.id = id > w.id ? id : w.id;
        w.version = version > w.version ? version : w.version;
    }
    return w;
}

static void put_rule_row(buf *b, const column_widths *w, const ttp_ledger_rule *r)
{
    char quoted[1024], version[24] = "-";

    if (r->rule_version)
        (void)snprintf(version, sizeof(version), "%lld", (long long)r->rule_version);
    buf_printf(b, "%-*s  %*s  %-*.*s  %4zu  %7zu  %7zu", (int)w->id,
               err_quote(quoted, sizeof(quoted), r->rule_id, strlen(r->rule_id), HOST_CHARS),
               (int)w->version, version, HASH_CHARS, HASH_CHARS,
               r->content_hash[0] ? r->content_hash : "-", r->n_live, r->n_lagging, r->n_refused);
    buf_put_c(b, r->wanted ? "\n" : "  (deleted)\n");
    for (size_t i = 0; i < r->n_rows; i++) {
        if (r->rows[i].verdict == TTP_LEDGER_LIVE)
            continue;
        buf_put_c(b, "    ");
        put_host_line(b, &r->rows[i]);
    }
}

static size_t count_live(const ttp_ledger *l)
{
    const ttp_ledger_rule *r;
    size_t n = 0;

    for (size_t i = 0; (r = ttp_ledger_at(l, i)); i++)
        n += is_live_everywhere(r);
    return n;
}

static void put_table(buf *b, const ttp_ledger *l)
{
    column_widths w = measure_columns(l);
    const ttp_ledger_rule *r;

    buf_printf(b, "%-*s  %*s  %-*s  LIVE  LAGGING  REFUSED\n", (int)w.id, "RULE", (int)w.version,
               "V", HASH_CHARS, "HASH");
    for (size_t i = 0; (r = ttp_ledger_at(l, i)); i++)
        put_rule_row(b, &w, r);
    buf_printf(b, "%zu of %zu rules are live on all of %zu hosts\n", count_live(l),
               ttp_ledger_count(l), ttp_ledger_n_hosts(l));
}

static void put_one(buf *b, const ttp_ledger_rule *r)
{
    put_quoted(b, str_from(r->rule_id), HOST_CHARS);
    buf_put_c(b, r->wanted ? " is wanted at " : " is deleted");
    if (r->wanted && r->content_hash[0] && !r->rule_version)
        buf_printf(b, "a text that no host could read (%.*s)", HASH_CHARS, r->content_hash);
    else if (r->wanted)
        put_version(b, r->rule_version, r->content_hash);
    buf_put_char(b, '\n');
    for (size_t i = 0; i < r->n_rows; i++)
        put_host_line(b, &r->rows[i]);
}

static int print_one(const status_run *run)
{
    const ttp_ledger_rule *r = ttp_ledger_find(run->ledger, run->rule_id);
    auto_free(buf) buf b = {0};
    char quoted[256];
    ttp_err err = {0};
    int status;

    if (!r) {
        (void)err_set(&err, TTP_E_NOT_FOUND,
                      err_quote(quoted, sizeof(quoted), run->rule_id, strlen(run->rule_id), 64),
                      "no rule has this rule_id, and no host runs one");
        return cli_fail(&err);
    }
    if (run->json)
        put_hosts_json(&b, r);
    else
        put_one(&b, r);
    status = rules_print(&b);
    return status == CLI_DONE && !is_live_everywhere(r) ? CLI_BAD_INPUT : status;
}

static int print_all(const status_run *run)
{
    const ttp_ledger_rule *r;
    auto_free(buf) buf b = {0};
    int status;

    for (size_t i = 0; run->json && (r = ttp_ledger_at(run->ledger, i)); i++)
        put_rule_json(&b, r);
    if (!run->json)
        put_table(&b, run->ledger);
    status = rules_print(&b);
    return status == CLI_DONE && count_live(run->ledger) < ttp_ledger_count(run->ledger)
               ? CLI_BAD_INPUT
               : status;
}

static int forget(const status_run *run)
{
    char quoted[1024];
    ttp_err err = {0};

    if (ttp_store_forget_host(run->store, run->forget, &err))
        return cli_fail(&err);
    printf("%s is forgotten\n",
           err_quote(quoted, sizeof(quoted), run->forget, strlen(run->forget), HOST_CHARS));
    return CLI_DONE;
}

static int report(status_run *run)
{
    ttp_err err = {0};

    if (ttp_store_ledger(run->store, &run->ledger, &err))
        return cli_fail(&err);
    if (ttp_ledger_n_hosts(run->ledger) == 0) {
        (void)err_set(&err, 0, NULL, "no process that follows this database has told what it runs");
        cli_warn(&err);
    }
    return run->rule_id ? print_one(run) : print_all(run);
}

static int run_status(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"table", "jsonl", NULL};
    status_run run = {0};
    const cli_option options[] = {
        RULES_OPTIONS(&run.in), {"db", 0, &run.db, NULL}, {"forget", 0, &run.forget, NULL}};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);
    bool in_database;

    if (status >= 0)
        return status;
    if (argc - first > 1 || (run.forget && argc > first))
        return cli_usage_error(self, run.forget ? "--forget goes without a rule id"
                                                : "expected one rule id, or none");
    if (cli_choice(run.in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected table or jsonl", run.in.output);
    run.json = cli_choice(run.in.output, outputs) == 1;
    run.rule_id = first < argc ? argv[first] : NULL;
    in_database = rules_in_database(run.db, run.in.rules);
    if (run.forget && !in_database)
        return cli_usage_error(self, "--forget needs a database: name it with --db");
    /* only one who follows a database takes part in its ledger, and this looks at it once */
    status = rules_open_store(&run.in, run.db, in_database ? NULL : cli_host(NULL), &run.store);
    if (status == CLI_DONE)
        status = run.forget ? forget(&run) : report(&run);
    (void)ttp_ledger_free(run.ledger); /* returns NULL */
    (void)ttp_store_close(run.store);  /* returns NULL */
    rules_close(&run.in);
    return cli_finish_output(status);
}

const cli_command cli_rules_status = {
    .name = "rules status",
    .synopsis = "[OPTION]... [ID]",
    .summary = "Tell whether rules are live on every host, who lags or refused them, and why",
    .help =
        "Asks the ledger of the database what each process that follows it runs; of a directory "
        "it\n"
        "tells what would run of it. With ID: one line a host. The exit status is 0 where what is\n"
        "asked for is live everywhere, and 3 where it is not.\n"
        "\n" RULES_OPTIONS_HELP "      --db URL            the database that hosts follow\n"
        "  -o, --output FORM       table (default), or jsonl: one object a rule; with ID, a host\n"
        "      --forget HOST       take a host that is gone for good out of the ledger\n"
        "\n"
        "Example:\n"
        "  ttp rules status --rules rules/ttp\n",
    .run = run_status,
};
