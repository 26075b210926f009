/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules list: the rules of a directory or database, what is set on them, what is refused. */
#include "cli/rules_list.h"

#include "cli/commands.h"
#include "cli/hits.h"

#include "base/err.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

static int out_of_memory(void)
{
    ttp_err err;

    (void)err_set(&err, -ENOMEM, NULL, "out of memory"); /* returns its code */
    return cli_fail(&err);
}

static int add_row(list_run *run, list_row row)
{
    if (mem_grow(run->rows, run->cap, run->n + 1))
        return out_of_memory();
    run->rows[run->n++] = row;
    run->n_refused += row.err != NULL;
    if (row.err)
        (void)cli_fail(row.err); /* said; the other rules are listed */
    return CLI_DONE;
}

/* What the rules of a directory say of themselves: one that fails its own tests does not run. */
static int add_files(list_run *run)
{
    rule_dir *d = &run->in.dir;
    matcher *m = matcher_new(NULL);
    int status = CLI_DONE;

    run->gate_errors = calloc(d->n_rules + 1, sizeof(*run->gate_errors));
    if (!m || !run->gate_errors)
        status = out_of_memory();
    for (size_t i = 0; status == CLI_DONE && i < d->n_rules; i++) {
        ttp_err *err = &run->gate_errors[i];
        bool runs = store_gate(d->rules[i], m, err) == 0;

        status = add_row(run, (list_row){d->rules[i], state_default, runs ? NULL : err, runs, {0}});
    }
    for (size_t i = 0; status == CLI_DONE && i < d->n_errors; i++)
        status = add_row(run, (list_row){.state = state_default, .err = &d->errors[i]});
    (void)matcher_free(m); /* returns NULL */
    return status;
}

static int list_files(list_run *run, char *const *paths, int n_paths)
{
    int status = rules_open(&run->in, paths, n_paths, (rule_context){0});

    return status == CLI_DONE ? add_files(run) : status;
}

/* What is wrong with a rule that runs nevertheless; NULL: nothing. */
static const ttp_err *find_diagnostic(const ttp_store_rules *loaded, const rule *r)
{
    const ttp_diagnostic *d;

    for (size_t i = 0; (d = ttp_store_rules_diagnostic(loaded, i)); i++)
        if (d->runs_last_good && str_eq(str_from(d->rule_id), r->rule_id))
            return &d->err;
    return NULL;
}

static int list_database(list_run *run)
{
    ttp_err err = {0};
    ttp_rule_state state;
    const ttp_diagnostic *d;
    rule *r;
    int status = rules_open_store(&run->in, run->db, NULL, &run->store);

    if (status == CLI_DONE && ttp_store_load(run->store, &run->loaded, &err))
        status = cli_fail(&err);
    for (size_t i = 0; status == CLI_DONE && (r = ttp_store_rules_at(run->loaded, i, &state)); i++)
        status = add_row(run, (list_row){r, state, find_diagnostic(run->loaded, r), true, {0}});
    for (size_t i = 0; status == CLI_DONE && (d = ttp_store_rules_diagnostic(run->loaded, i));
         i++) {
        if (!d->runs_last_good)
            status = add_row(run, (list_row){.state = state_default, .err = &d->err});
    }
    return status;
}

static int by_rule_id(const void *a, const void *b)
{
    return str_cmp((*(list_row *const *)a)->rule->rule_id, (*(list_row *const *)b)->rule->rule_id);
}

/* The rows that have a rule, in the order of rule ids, to find them by. */
static int index_rows(list_run *run)
{
    run->by_id = calloc(run->n + 1, sizeof(*run->by_id));
    if (!run->by_id)
        return out_of_memory();
    for (size_t i = 0; i < run->n; i++)
        if (run->rows[i].rule)
            run->by_id[run->n_by_id++] = &run->rows[i];
    if (run->n_by_id > 1)
        qsort(run->by_id, run->n_by_id, sizeof(list_row *), by_rule_id);
    return CLI_DONE;
}

static int take_hits(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    list_run *run = ctx;
    rule wanted_rule = {.rule_id = str_from(rule_id)};
    list_row wanted = {.rule = &wanted_rule}, *key = &wanted, **found;

    found = run->n_by_id ? bsearch(&key, run->by_id, run->n_by_id, sizeof(list_row *), by_rule_id)
                         : NULL;
    if (found)
        (*found)->hits = *c;
    return 0;
}

/* Evaluate a log by the rules that run, and what is set on them. */
static int count_log(list_run *run)
{
    rule **rules = calloc(run->n + 1, sizeof(rule *));
    ttp_rule_state *states = calloc(run->n + 1, sizeof(*states));
    size_t n = 0;
    int status;

    if (rules && states) {
        for (size_t i = 0; i < run->n; i++) {
            if (!run->rows[i].rule || !run->rows[i].runs)
                continue;
            rules[n] = run->rows[i].rule;
            states[n++] = run->rows[i].state;
        }
        status = hits_of_log(run->events, rules, states, n, take_hits, run);
    } else {
        status = out_of_memory();
    }
    free(rules);
    free(states);
    return status;
}

static int count_hits(list_run *run)
{
    ttp_err err = {0};
    int status = index_rows(run);

    if (status == CLI_DONE && run->events)
        return count_log(run);
    if (status == CLI_DONE && ttp_store_counts(run->store, take_hits, run, &err))
        return cli_fail(&err);
    return status;
}

static void list_done(list_run *run)
{
    free(run->by_id);
    free(run->rows);
    free(run->gate_errors);
    (void)ttp_store_rules_free(run->loaded); /* returns NULL */
    (void)ttp_store_close(run->store);       /* returns NULL */
    rules_close(&run->in);
}

static int check_usage(const cli_command *self, const list_run *run, int n_paths)
{
    bool in_database = rules_in_database(run->db, run->in.rules);

    if (run->db && (run->in.rules || n_paths))
        return cli_usage_error(self, "--db goes without --rules and operands");
    if (run->events && !run->hits && !run->cost)
        return cli_usage_error(self, "--events goes with --hits or --cost");
    if ((run->hits || run->cost) && !run->events && (!in_database || n_paths))
        return cli_usage_error(self,
                               "counted where? Name a database with --db, or a log with --events");
    return -1;
}

static int run_list(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"table", "jsonl", "prometheus", NULL};
    list_run run = {0};
    const cli_option options[] = {RULES_OPTIONS(&run.in),
                                  {"db", 0, &run.db, NULL},
                                  {"hits", 0, NULL, &run.hits},
                                  {"cost", 0, NULL, &run.cost},
                                  {"events", 0, &run.events, NULL}};
    int first,
        hits_status = CLI_DONE,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (cli_choice(run.in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected table, jsonl or prometheus",
                               run.in.output);
    status = check_usage(self, &run, argc - first);
    if (status >= 0)
        return status;
    run.form = (list_form)cli_choice(run.in.output, outputs);
    status = rules_in_database(run.db, run.in.rules) && first == argc
                 ? list_database(&run)
                 : list_files(&run, argv + first, argc - first);
    if (status == CLI_DONE && (run.hits || run.cost))
        hits_status = count_hits(&run);
    if (status == CLI_DONE && hits_status != CLI_FAILED)
        status = rules_list_print(&run);
    list_done(&run);
    return cli_finish_output(status == CLI_DONE ? hits_status : status);
}

const cli_command cli_rules_list = {
    .name = "rules list",
    .synopsis = "[OPTION]... [FILE|DIR]...",
    .summary = "List the rules, what is set on them and what is refused",
    .help =
        "Without operands: the rules of the directory, or of the database. What is refused, and "
        "why, is\n"
        "said on standard error; with jsonl also in the error of its object.\n"
        "\n" RULES_OPTIONS_HELP
        "      --db URL            the rules of this database, with the states in it\n"
        "      --hits              also how often each held, and would have but for being "
        "disabled:\n"
        "                          on all hosts that follow the database, or in --events\n"
        "      --cost              also what each cost: events in which it had to be decided, "
        "searches for\n"
        "                          its patterns, those cut off, and millions of the CPU's ticks\n"
        "      --events FILE       count in this log, here and now (- is standard input)\n"
        "  -o, --output FORM       table (default), jsonl: one object a rule, or prometheus: how "
        "many\n"
        "                          rules there are by state, with --hits and --cost counters by "
        "rule\n"
        "\n"
        "Example:\n"
        "  ttp rules list --rules rules/ttp\n",
    .run = run_list,
};
