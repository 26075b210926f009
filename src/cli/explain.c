/* SPDX-License-Identifier: Apache-2.0 */
/* ttp explain: for each event, which rules hold, by which leaves, at which bytes. */
#include "cli/commands.h"
#include "cli/load.h"

#include "base/err.h"
#include "event/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct explain_run {
    const char *format, *rules, *output, *bundle, *release, *only;
    bool all;
    loaded_rules loaded;
    evaluator *evaluator;
    reader *reader;
    buf text;
    size_t n_bad;
} explain_run;

static const char *const formats[] = {"auto", "event", "cowrie", NULL};
static const char *const outputs[] = {"text", "json", NULL};

static void complain(void *ctx, const ttp_err *err, bool is_bad)
{
    (void)ctx;
    if (is_bad)
        (void)cli_fail(err); /* the status is decided at the end */
    else
        cli_warn(err);
}

static const char *op_name(leaf_op op)
{
    static const char *const names[] = {"pattern",  "equals", "contains", "startswith",
                                        "endswith", "in",     "gt",       "gte",
                                        "lt",       "lte",    "exists",   "cidr"};

    return names[op];
}

static void put_leaf_name(buf *b, const leaf *l)
{
    buf_put_c(b, op_name(l->op));
    buf_put_char(b, ' ');
    buf_put_str(b, l->pattern_source);
}

static void put_leaf_json(buf *b, const explain_leaf *l)
{
    auto_free(buf) buf name = {0};

    put_leaf_name(&name, l->leaf);
    buf_put_c(b, "{\"leaf\":");
    buf_put_json(b, buf_str(&name));
    buf_printf(b, ",\"held\":%s,\"field\":", l->held ? "true" : "false");
    if (l->field.ptr)
        buf_put_json(b, l->field);
    else
        buf_put_c(b, "null");
    if (l->has_span)
        buf_printf(b, ",\"start\":%zu,\"end\":%zu", l->start, l->end);
    else
        buf_put_c(b, ",\"start\":null,\"end\":null");
    if (l->cut)
        buf_put_c(b, ",\"cut\":true");
    buf_put_char(b, '}');
}

static void put_id(buf *b, const char *key, str value)
{
    buf_printf(b, ",\"%s\":", key);
    if (value.ptr)
        buf_put_json(b, value);
    else
        buf_put_c(b, "null");
}

static void put_event_json(buf *b, const event *ev)
{
    buf_put_c(b, "{\"source_kind\":");
    buf_put_json(b, ev->source_kind);
    put_id(b, "source_id", ev->source_id);
    put_id(b, "attacker_uuid", ev->attacker_uuid);
    put_id(b, "identity_uuid", ev->identity_uuid);
    put_id(b, "session_id", ev->session_id);
    put_id(b, "decky_id", ev->decky_id);
    buf_put_c(b, ",\"payload\":");
    json_write(b, ev->payload);
    buf_put_char(b, '}');
}

static bool is_wanted(const explain_run *run, const explain_rule *r)
{
    return !run->only || str_eq(r->rule->rule_id, str_from(run->only));
}

static void put_json(const explain_run *run, buf *b, const event *ev, const explain_rule *rules,
                     size_t n)
{
    bool first = true;

    buf_put_c(b, "{\"event\":");
    put_event_json(b, ev);
    buf_put_c(b, ",\"rules\":[");
    for (size_t i = 0; i < n; i++) {
        if (!is_wanted(run, &rules[i]))
            continue;
        buf_put_c(b, first ? "{\"rule_id\":" : ",{\"rule_id\":");
        first = false;
        buf_put_json(b, rules[i].rule->rule_id);
        buf_printf(b, ",\"fired\":%s,\"leaves\":[", rules[i].fired ? "true" : "false");
        for (size_t l = 0; l < rules[i].n_leaves; l++) {
            if (l)
                buf_put_char(b, ',');
            put_leaf_json(b, &rules[i].leaves[l]);
        }
        buf_put_c(b, "]}");
    }
    buf_put_c(b, "]}\n");
}

/* Attacker text on a terminal: quoted and cut. */
static void put_quoted(buf *b, str s, unsigned max_chars)
{
    char quoted[1024];

    buf_put_c(b, err_quote(quoted, sizeof(quoted), s.ptr, s.len, max_chars));
}

static void put_rule_text(buf *b, const explain_rule *r)
{
    buf_printf(b, "  %s ", r->fired ? "FIRED" : "     ");
    put_quoted(b, r->rule->rule_id, 64);
    buf_put_c(b, "  ");
    put_quoted(b, r->rule->name, 60);
    buf_put_char(b, '\n');
    for (size_t i = 0; i < r->n_leaves; i++) {
        const explain_leaf *l = &r->leaves[i];
        auto_free(buf) buf name = {0};

        put_leaf_name(&name, l->leaf);
        buf_printf(b, "        %s ", l->held ? "held" : l->cut ? "cut " : "    ");
        put_quoted(b, l->field.ptr ? l->field : STR("(no field)"), 60);
        buf_put_char(b, ' ');
        put_quoted(b, buf_str(&name), 100);
        if (l->has_span)
            buf_printf(b, "  at bytes %zu to %zu", l->start, l->end);
        buf_put_char(b, '\n');
    }
}

/* Without --all the rules are left out of which no leaf held. */
static bool is_telling(const explain_rule *r)
{
    bool telling = r->fired;

    for (size_t i = 0; i < r->n_leaves; i++)
        telling = telling || r->leaves[i].held || r->leaves[i].cut;
    return telling;
}

static void put_text(const explain_run *run, buf *b, const event *ev, const explain_rule *rules,
                     size_t n)
{
    str field = event_kind_default_field(ev->kind);
    const json_node *value = field.ptr ? json_get_path(ev->payload, field) : NULL;

    put_quoted(b, ev->source_kind, 40);
    buf_put_char(b, ' ');
    put_quoted(b, ev->source_id, 100);
    if (json_str(value).ptr) {
        buf_put_c(b, ": ");
        put_quoted(b, json_str(value), 160);
    }
    buf_put_char(b, '\n');
    for (size_t i = 0; i < n; i++) {
        if (is_wanted(run, &rules[i]) && (run->all || run->only || is_telling(&rules[i])))
            put_rule_text(b, &rules[i]);
    }
}

static int explain_event(explain_run *run, const event *ev)
{
    const explain_rule *rules;
    ttp_err err;
    size_t n;
    int rc = evaluator_explain(run->evaluator, run->loaded.index, ev, &rules, &n);

    buf_clear(&run->text);
    if (!rc && cli_choice(run->output, outputs) == 1)
        put_json(run, &run->text, ev, rules, n);
    else if (!rc)
        put_text(run, &run->text, ev, rules, n);
    if (rc || run->text.failed) {
        (void)err_set(&err, -ENOMEM, NULL, "out of memory");
        return cli_fail(&err);
    }
    if (fwrite(run->text.ptr, 1, run->text.len, stdout) != run->text.len)
        return CLI_FAILED; /* cli_finish_output says why */
    return CLI_DONE;
}

static int explain_file(explain_run *run, const char *path)
{
    const event *ev;
    ttp_err err = {0};
    int rc = reader_open(run->reader, path, &err);

    while (!rc) {
        rc = reader_next(run->reader, &ev, &err);
        if (!rc && explain_event(run, ev) != CLI_DONE)
            return CLI_FAILED;
    }
    if (rc != TTP_E_END) {
        (void)cli_fail(&err); /* counted; the other files are read */
        run->n_bad++;
    }
    return CLI_DONE;
}

static int explain_all(explain_run *run, int n_files, char **files)
{
    static char dash[] = "-", *standard_input[] = {dash};
    const reader_stats *stats;
    const event *ev;
    ttp_err err = {0};
    int status = CLI_DONE;

    if (n_files == 0) {
        n_files = 1;
        files = standard_input;
    }
    for (int i = 0; status == CLI_DONE && i < n_files; i++)
        status = explain_file(run, files[i]);
    while (status == CLI_DONE && reader_finish(run->reader, &ev, &err) == 0)
        status = explain_event(run, ev);
    if (status != CLI_DONE)
        return status;
    stats = reader_get_stats(run->reader);
    return stats->bad || stats->noted || run->n_bad || run->loaded.n_refused ? CLI_BAD_INPUT
                                                                             : CLI_DONE;
}

static int run_explain(const cli_command *self, int argc, char **argv)
{
    explain_run run = {0};
    const cli_option options[] = {
        {"format", 'f', &run.format, NULL},
        {"rules", 'r', &run.rules, NULL},
        {"output", 'o', &run.output, NULL},
        {"rule", 0, &run.only, NULL},
        {"attack-bundle", 0, &run.bundle, NULL},
        {"attack-release", 0, &run.release, NULL},
        {"all", 'a', NULL, &run.all},
    };
    int first, format, status;

    status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);
    if (status >= 0)
        return status;
    format = cli_choice(run.format, formats);
    if (format < 0)
        return cli_usage_error(self, "--format is %s; expected auto, event or cowrie", run.format);
    if (cli_choice(run.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected text or json", run.output);
    if (first == argc && isatty(STDIN_FILENO))
        return cli_usage_error(self, "no file given; expected log files, or - for standard input");
    status = cli_load_rules(run.rules, run.bundle, run.release, &run.loaded);
    if (status == CLI_DONE) {
        const reader_options reading = {(event_format)format, complain, &run};

        run.evaluator = evaluator_new(NULL, NULL);
        status = run.evaluator && !reader_new(&reading, &run.reader)
                     ? explain_all(&run, argc - first, argv + first)
                     : CLI_FAILED;
    }
    reader_free(run.reader);
    evaluator_free(run.evaluator);
    buf_done(&run.text);
    cli_unload_rules(&run.loaded);
    return cli_finish_output(status);
}

const cli_command cli_explain = {
    .name = "explain",
    .synopsis = "[OPTION]... [FILE]...",
    .summary = "Tell why rules hold or not for the events of a log",
    .help =
        "Reads the same files as ttp tag and decides every rule leaf by leaf.\n"
        "\n"
        "  -r, --rules DIR         rule files (default: $DECNET_TTP_RULES_DIR, ./rules/ttp, the "
        "pack)\n"
        "      --rule ID           this rule only\n"
        "  -a, --all               also rules of which no leaf held\n"
        "  -o, --output FORM       text (default), or json: one object an event\n"
        "  -f, --format FORMAT     auto (default), event or cowrie\n"
        "      --attack-bundle F   MITRE's STIX bundle instead of the built-in catalogue\n"
        "      --attack-release R  the bundle's release, where it names none: enterprise-v18.1\n"
        "\n"
        "Example:\n"
        "  echo '{\"source_kind\":\"command\",\"source_id\":\"1\",\"payload\":{\"command_text\":"
        "\"find / -perm -4000\"}}' |\n"
        "    ttp explain -\n",
    .run = run_explain,
};
