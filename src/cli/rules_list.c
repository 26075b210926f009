/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules list: the rules of a directory or database, what is set on them, what is refused. */
#include "cli/rules.h"

#include "cli/commands.h"
#include "cli/hits.h"

#include "base/err.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#define NAME_CHARS_MAX 40

/* A rule, or a file or row that is none. */
typedef struct list_row {
    rule *rule; /* what runs, or would but for err; NULL: it could not be read */
    ttp_rule_state state;
    const ttp_err *err;   /* why what is written is not what runs; NULL: it is */
    bool runs;            /* false: err keeps it out */
    ttp_rule_counts hits; /* with --hits */
} list_row;

typedef struct list_run {
    rules_input in;
    const char *db, *events; /* options */
    bool json, hits, cost;
    ttp_store *store; /* of a database */
    ttp_store_rules *loaded;
    ttp_err *gate_errors; /* of a directory: one per rule, code 0: none */
    list_row *rows;
    size_t n, cap;
    size_t n_refused;
    list_row **by_id;
    size_t n_by_id;
} list_run;

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

typedef struct column_widths {
    size_t id, version, state, name, kinds;
} column_widths;

static void widen(size_t *width, size_t len)
{
    if (len > *width)
        *width = len;
}

static size_t version_width(const rule *r)
{
    char digits[24];

    return (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)r->rule_version);
}

/* The characters of a name as put_quoted shows it. */
static size_t name_width(str name)
{
    auto_free(buf) buf shown = {0};
    size_t n = 0;

    put_quoted(&shown, name, NAME_CHARS_MAX);
    for (size_t i = 0; i < shown.len; i++)
        n += ((unsigned char)shown.ptr[i] & 0xC0) != 0x80;
    return n;
}

/* "enabled", "clipped to 0.5", "refused" */
static void put_state(buf *b, const list_row *row)
{
    buf_put_c(b, row->runs ? state_kind_name(row->state.kind) : "refused");
    if (row->runs && row->state.has_confidence_max) {
        buf_put_c(b, " to ");
        buf_put_double(b, row->state.confidence_max);
    }
}

static size_t state_width(const list_row *row)
{
    auto_free(buf) buf b = {0};

    put_state(&b, row);
    return b.len;
}

static column_widths measure_columns(const list_run *run)
{
    column_widths w = {.id = strlen("RULE"),
                       .version = 1,
                       .state = strlen("STATE"),
                       .name = strlen("NAME"),
                       .kinds = strlen("APPLIES TO")};

    for (size_t i = 0; i < run->n; i++) {
        const rule *r = run->rows[i].rule;
        auto_free(buf) buf kinds = {0};

        if (!r)
            continue;
        put_kinds(&kinds, r);
        widen(&w.id, r->rule_id.len);
        widen(&w.version, version_width(r));
        widen(&w.state, state_width(&run->rows[i]));
        widen(&w.name, name_width(r->name));
        widen(&w.kinds, kinds.len);
    }
    return w;
}

static void put_spaces(buf *b, size_t n)
{
    while (n--)
        buf_put_char(b, ' ');
}

/* "    until 2026-11-21 18:00:05 by anna: noisy": for how long, who set it, and why. */
static void put_state_line(buf *b, const ttp_rule_state *s)
{
    if (s->expires_at_us == TTP_TIME_NONE && !s->set_by[0] && !s->has_reason)
        return;
    buf_put_c(b, "   ");
    if (s->expires_at_us != TTP_TIME_NONE) {
        buf_put_c(b, " until ");
        put_time(b, s->expires_at_us);
    }
    if (s->set_by[0]) {
        buf_put_c(b, " by ");
        put_quoted(b, str_from(s->set_by), 64);
    }
    if (s->has_reason) {
        buf_put_c(b, ": ");
        put_quoted(b, str_from(s->reason), 512);
    }
    buf_put_char(b, '\n');
}

static void put_cost(buf *b, const ttp_rule_counts *c)
{
    buf_printf(b, "%9llu  %9llu  %9llu  %9.3f  ", (unsigned long long)c->wakeups,
               (unsigned long long)c->verifications, (unsigned long long)c->cuts,
               (double)c->ticks / 1e6);
}

static void put_row(buf *b, const column_widths *w, const list_row *row, const list_run *run)
{
    const rule *r = row->rule;
    size_t start;

    buf_printf(b, "%-*.*s  %*lld  ", (int)w->id, STR_ARG(r->rule_id), (int)w->version,
               (long long)r->rule_version);
    start = b->len;
    put_state(b, row);
    put_spaces(b, w->state - (b->len - start) + 2);
    if (run->hits)
        buf_printf(b, "%8llu  %8llu  ", (unsigned long long)row->hits.fires,
                   (unsigned long long)row->hits.suppressed);
    if (run->cost)
        put_cost(b, &row->hits);
    put_quoted(b, r->name, NAME_CHARS_MAX);
    put_spaces(b, w->name - name_width(r->name) + 2);
    start = b->len;
    put_kinds(b, r);
    put_spaces(b, w->kinds - (b->len - start) + 2);
    put_techniques(b, r);
    buf_put_c(b, r->lifter.ptr ? "  (lifter)\n" : "\n");
    put_state_line(b, &row->state);
}

static void put_table(buf *b, const list_run *run)
{
    column_widths w = measure_columns(run);

    buf_printf(b, "%-*s  %*s  %-*s  %s%s%-*s  %-*s  %s\n", (int)w.id, "RULE", (int)w.version, "V",
               (int)w.state, "STATE", run->hits ? "    HITS  WOULD-BE  " : "",
               run->cost ? "  WAKEUPS   SEARCHES   CUT OFF   MEGATICKS  " : "", (int)w.name, "NAME",
               (int)w.kinds, "APPLIES TO", "TECHNIQUES");
    for (size_t i = 0; i < run->n; i++)
        if (run->rows[i].rule)
            put_row(b, &w, &run->rows[i], run);
}

static void put_kind_list(buf *b, const rule *r)
{
    bool first = true;

    buf_put_c(b, ",\"applies_to\":[");
    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        if (!(r->applies_to & (1u << kind)))
            continue;
        buf_printf(b, "%s\"%s\"", first ? "" : ",", event_kind_name((event_kind)kind));
        first = false;
    }
    for (size_t i = 0; i < r->n_other_kinds; i++) {
        buf_put_c(b, first ? "" : ",");
        buf_put_json(b, r->other_kinds[i]);
        first = false;
    }
    buf_put_char(b, ']');
}

static void put_rule_members(buf *b, const rule *r)
{
    put_member(b, "rule_id", r->rule_id);
    buf_printf(b, ",\"rule_version\":%lld", (long long)r->rule_version);
    put_member(b, "name", r->name);
    put_member(b, "path", r->path);
    put_kind_list(b, r);
    buf_put_c(b, ",\"techniques\":[");
    for (size_t i = 0; i < r->n_emits; i++) {
        buf_put_c(b, i ? "," : "");
        buf_put_json(b, emitted(&r->emits[i]));
    }
    buf_put_c(b, "]");
    put_member(b, "lifter", r->lifter);
    buf_printf(b, ",\"n_tests\":%zu", r->n_tests);
}

static void put_error(buf *b, const ttp_err *err)
{
    if (!err) {
        buf_put_c(b, ",\"error\":null");
        return;
    }
    buf_put_c(b, ",\"error\":{");
    put_member(b, "where", err->where[0] ? str_from(err->where) : STR_NULL);
    buf_printf(b, ",\"line\":%u,\"column\":%u", err->line, err->column);
    put_member(b, "message", str_from(err->text));
    buf_put_char(b, '}');
}

static void put_hits(buf *b, const ttp_rule_counts *c)
{
    buf_printf(b, ",\"hits\":{\"fires\":%llu,\"suppressed\":%llu,\"cuts\":%llu}",
               (unsigned long long)c->fires, (unsigned long long)c->suppressed,
               (unsigned long long)c->cuts);
}

static void put_cost_json(buf *b, const ttp_rule_counts *c)
{
    buf_printf(b,
               ",\"cost\":{\"wakeups\":%llu,\"verifications\":%llu,\"cuts\":%llu,\"ticks\":%llu}",
               (unsigned long long)c->wakeups, (unsigned long long)c->verifications,
               (unsigned long long)c->cuts, (unsigned long long)c->ticks);
}

static void put_json_row(buf *b, const list_row *row, const list_run *run)
{
    buf_put_char(b, '{');
    if (row->rule)
        put_rule_members(b, row->rule);
    else
        put_member(b, "rule_id", STR_NULL);
    buf_printf(b, ",\"runs\":%s,\"state\":", row->runs ? "true" : "false");
    state_json(b, &row->state);
    put_error(b, row->err);
    if (run->hits && row->rule)
        put_hits(b, &row->hits);
    if (run->cost && row->rule)
        put_cost_json(b, &row->hits);
    buf_put_c(b, "}\n");
}

static int print_list(const list_run *run)
{
    auto_free(buf) buf b = {0};
    int status;

    if (!run->json)
        put_table(&b, run);
    for (size_t i = 0; run->json && i < run->n; i++)
        put_json_row(&b, &run->rows[i], run);
    status = rules_print(&b);
    return status == CLI_DONE && run->n_refused ? CLI_BAD_INPUT : status;
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
    static const char *const outputs[] = {"table", "jsonl", NULL};
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
        return cli_usage_error(self, "--output is %s; expected table or jsonl", run.in.output);
    status = check_usage(self, &run, argc - first);
    if (status >= 0)
        return status;
    run.json = cli_choice(run.in.output, outputs) == 1;
    status = rules_in_database(run.db, run.in.rules) && first == argc
                 ? list_database(&run)
                 : list_files(&run, argv + first, argc - first);
    if (status == CLI_DONE && (run.hits || run.cost))
        hits_status = count_hits(&run);
    if (status == CLI_DONE && hits_status != CLI_FAILED)
        status = print_list(&run);
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
        "  -o, --output FORM       table (default), or jsonl: one object a rule\n"
        "\n"
        "Example:\n"
        "  ttp rules list --rules rules/ttp\n",
    .run = run_list,
};
