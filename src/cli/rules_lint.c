/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules lint: what is wrong with rule files. ttp rules test: do they do what they say of
 * themselves? */
#include "cli/rules.h"

#include "cli/commands.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct finding {
    ttp_err err;
    bool is_error;
    size_t order; /* of arrival */
} finding;

typedef struct lint_run {
    rules_input in;
    finding *findings;
    size_t n, cap, n_errors;
    bool failed; /* out of memory */
} lint_run;

static void add_finding(lint_run *run, const ttp_err *err, bool is_error)
{
    if (mem_grow(run->findings, run->cap, run->n + 1)) {
        run->failed = true;
        return;
    }
    run->findings[run->n] = (finding){*err, is_error, run->n};
    run->n++;
    run->n_errors += is_error;
}

static void take_warning(void *ctx, const ttp_err *warning)
{
    add_finding(ctx, warning, false);
}

static int compare(unsigned a, unsigned b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *x, const void *y)
{
    const finding *a = x, *b = y;
    int order = strcmp(a->err.where, b->err.where);

    if (order == 0)
        order = compare(a->err.line, b->err.line);
    if (order == 0)
        order = compare(a->err.column, b->err.column);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* "file:line:column: error: sentence" */
static void put_finding(buf *b, const finding *f)
{
    put_quoted(b, str_from(f->err.where), 255);
    if (f->err.line)
        buf_printf(b, ":%u", f->err.line);
    if (f->err.line && f->err.column)
        buf_printf(b, ":%u", f->err.column);
    buf_put_c(b, f->is_error ? ": error: " : ": warning: ");
    buf_put_c(b, f->err.text);
    buf_put_char(b, '\n');
}

static void put_finding_json(buf *b, const finding *f)
{
    buf_put_char(b, '{');
    put_member(b, "path", str_from(f->err.where));
    buf_printf(b, ",\"line\":%u,\"column\":%u", f->err.line, f->err.column);
    put_member(b, "severity", f->is_error ? STR("error") : STR("warning"));
    put_member(b, "message", str_from(f->err.text));
    buf_put_c(b, "}\n");
}

static int no_memory(void)
{
    ttp_err err;

    (void)err_set(&err, -ENOMEM, NULL, "out of memory");
    return cli_fail(&err);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static int print_findings(lint_run *run, bool json)
{
    auto_free(buf) buf b = {0};
    size_t n_rules = run->in.dir.n_rules, n_warnings;
    int status;

    for (size_t i = 0; i < run->in.dir.n_errors; i++)
        add_finding(run, &run->in.dir.errors[i], true);
    if (run->failed)
        return no_memory();
    if (run->n > 1)
        qsort(run->findings, run->n, sizeof(*run->findings), by_place);
    for (size_t i = 0; i < run->n; i++)
        (json ? put_finding_json : put_finding)(&b, &run->findings[i]);
    status = rules_print(&b);
    n_warnings = run->n - run->n_errors;
    fprintf(json ? stderr : stdout, "%zu rule%s read, %zu error%s, %zu warning%s\n", n_rules,
            plural(n_rules), run->n_errors, plural(run->n_errors), n_warnings, plural(n_warnings));
    return status == CLI_DONE && run->n_errors ? CLI_FAILED : status;
}

static const char *const outputs[] = {"text", "jsonl", NULL};

static int run_lint(const cli_command *self, int argc, char **argv)
{
    lint_run run = {0};
    const cli_option options[] = {RULES_OPTIONS(&run.in)};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (cli_choice(run.in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected text or jsonl", run.in.output);
    status = rules_open(&run.in, argv + first, argc - first,
                        (rule_context){.lint = true, .warn = take_warning, .warn_ctx = &run});
    if (status == CLI_DONE)
        status = print_findings(&run, cli_choice(run.in.output, outputs) == 1);
    free(run.findings);
    rules_close(&run.in);
    return cli_finish_output(status);
}

typedef struct test_run {
    rules_input in;
    buf text;
    bool json;
    size_t n_tests, n_failed, n_untested;
} test_run;

static void put_failure(test_run *run, const rule *r, const rule_test *t)
{
    auto_free(buf) buf payload = {0};
    const char *wanted = t->want_match ? "should match and does not" : "should not match and does";

    json_write(&payload, t->payload);
    put_quoted(&run->text, r->path, 255);
    buf_printf(&run->text, ":%u: %.*s %s: %s ", t->line, STR_ARG(r->rule_id), wanted,
               event_kind_name(t->kind) ? event_kind_name(t->kind) : "(unknown kind)");
    put_quoted(&run->text, buf_str(&payload), 200);
    buf_put_char(&run->text, '\n');
}

static void put_failure_json(test_run *run, const rule *r, const rule_test *t)
{
    buf *b = &run->text;

    buf_put_char(b, '{');
    put_member(b, "path", r->path);
    buf_printf(b, ",\"line\":%u", t->line);
    put_member(b, "rule_id", r->rule_id);
    put_member(b, "source_kind", str_from(event_kind_name(t->kind)));
    buf_printf(b, ",\"want_match\":%s,\"payload\":", t->want_match ? "true" : "false");
    json_write(b, t->payload);
    buf_put_c(b, "}\n");
}

static void report_failure(void *ctx, const rule *r, const rule_test *t)
{
    test_run *run = ctx;

    (run->json ? put_failure_json : put_failure)(run, r, t);
}

static int test_rules(test_run *run, matcher *m)
{
    for (size_t i = 0; i < run->in.dir.n_rules; i++) {
        const rule *r = run->in.dir.rules[i];
        int n_failed = rule_run_tests(r, m, report_failure, run);
        ttp_err warning = {0};

        if (n_failed < 0)
            return no_memory();
        run->n_failed += (size_t)n_failed;
        run->n_tests += r->match ? r->n_tests : 0;
        if (!r->match || r->n_tests)
            continue;
        run->n_untested++;
        (void)err_set(&warning, 0, r->path.ptr, "the rule has no tests"); /* returns its code */
        cli_warn(&warning);
    }
    return CLI_DONE;
}

static int print_failures(test_run *run)
{
    size_t n_rules = run->in.dir.n_rules;
    int status;

    for (size_t i = 0; i < run->in.dir.n_errors; i++)
        (void)cli_fail(&run->in.dir.errors[i]); /* said; the other rules are tested */
    status = rules_print(&run->text);
    fprintf(run->json ? stderr : stdout, "%zu rule%s, %zu test%s, %zu failed, %zu without tests\n",
            n_rules, plural(n_rules), run->n_tests, plural(run->n_tests), run->n_failed,
            run->n_untested);
    return status == CLI_DONE && (run->n_failed || run->in.dir.n_errors) ? CLI_FAILED : status;
}

static int run_test(const cli_command *self, int argc, char **argv)
{
    test_run run = {0};
    const cli_option options[] = {RULES_OPTIONS(&run.in)};
    matcher *m = NULL;
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (cli_choice(run.in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected text or jsonl", run.in.output);
    run.json = cli_choice(run.in.output, outputs) == 1;
    status = rules_open(&run.in, argv + first, argc - first, (rule_context){0});
    if (status == CLI_DONE) {
        m = matcher_new(NULL);
        status = m ? test_rules(&run, m) : no_memory();
    }
    if (status == CLI_DONE)
        status = print_failures(&run);
    (void)matcher_free(m); /* returns NULL */
    buf_done(&run.text);
    rules_close(&run.in);
    return cli_finish_output(status);
}

const cli_command cli_rules_lint = {
    .name = "rules lint",
    .synopsis = "[OPTION]... [FILE|DIR]...",
    .summary = "Say what is wrong with rule files",
    .help = "Without operands: the rules of the directory. Exit status 1 where there is an error; "
            "warnings\n"
            "alone are 0.\n"
            "\n" RULES_OPTIONS_HELP
            "  -o, --output FORM       text (default), or jsonl: one object a finding\n"
            "\n"
            "Example:\n"
            "  ttp rules lint rules/ttp/R0015_suid_search.yaml\n",
    .run = run_lint,
};

const cli_command cli_rules_test = {
    .name = "rules test",
    .synopsis = "[OPTION]... [FILE|DIR]...",
    .summary = "Run the tests that rules hold",
    .help = "Without operands: the rules of the directory. Prints each test that fails; exit "
            "status 1 where\n"
            "one does or a file is refused. A rule without tests draws a warning.\n"
            "\n" RULES_OPTIONS_HELP
            "  -o, --output FORM       text (default), or jsonl: one object a failure\n"
            "\n"
            "Example:\n"
            "  ttp rules test rules/ttp/R0015_suid_search.yaml\n",
    .run = run_test,
};
