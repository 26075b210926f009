/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules list: the rules of a directory, a line each; and what the other rules commands share.
 */
#include "cli/rules.h"

#include "cli/commands.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>

static int read_rules(rules_input *in, char *const *paths, int n_paths, const rule_context *ctx)
{
    ttp_err err = {0};
    int rc;

    if (n_paths > 0)
        rc = rule_paths_read(paths, (size_t)n_paths, ctx, &in->dir);
    else
        rc = rule_dir_read(cli_rules_dir(in->rules), ctx, &in->dir, &err);
    if (rc == -ENOMEM)
        (void)err_set(&err, rc, NULL, "out of memory");
    return rc ? cli_fail(&err) : CLI_DONE;
}

int rules_open(rules_input *in, char *const *paths, int n_paths, rule_context ctx)
{
    int status = cli_catalogue(in->bundle, in->release, &in->owned, &in->catalogue);

    ctx.catalogue = in->catalogue;
    return status == CLI_DONE ? read_rules(in, paths, n_paths, &ctx) : status;
}

void rules_close(rules_input *in)
{
    rule_dir_done(&in->dir);
    (void)attack_free(in->owned); /* returns NULL */
}

void put_kinds(buf *b, const rule *r)
{
    bool first = true;

    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        if (!(r->applies_to & (1u << kind)))
            continue;
        buf_put_c(b, first ? "" : ",");
        buf_put_c(b, event_kind_name((event_kind)kind));
        first = false;
    }
    for (size_t i = 0; i < r->n_other_kinds; i++) {
        buf_put_c(b, first ? "" : ",");
        put_quoted(b, r->other_kinds[i], 40);
        first = false;
    }
}

static str emitted(const rule_emit *e)
{
    return e->sub_technique_id.ptr ? e->sub_technique_id : e->technique_id;
}

void put_techniques(buf *b, const rule *r)
{
    for (size_t i = 0; i < r->n_emits; i++) {
        bool again = false;

        for (size_t k = 0; k < i && !again; k++)
            again = str_eq(emitted(&r->emits[k]), emitted(&r->emits[i]));
        if (again)
            continue;
        buf_put_c(b, i ? "," : "");
        buf_put_str(b, emitted(&r->emits[i]));
    }
}

void put_quoted(buf *b, str s, unsigned max_chars)
{
    char quoted[1024];

    buf_put_c(b, err_quote(quoted, sizeof(quoted), s.ptr, s.len, max_chars));
}

void put_member(buf *b, const char *key, str value)
{
    buf_printf(b, "%s\"%s\":", b->len && b->ptr[b->len - 1] != '{' ? "," : "", key);
    if (value.ptr)
        buf_put_json(b, value);
    else
        buf_put_c(b, "null");
}

int rules_print(buf *b)
{
    bool failed = b->failed;
    ttp_err err;

    if (failed) {
        (void)err_set(&err, -ENOMEM, NULL, "out of memory");
        return cli_fail(&err);
    }
    failed = fwrite(b->ptr, 1, b->len, stdout) != b->len;
    buf_clear(b);
    return failed ? CLI_FAILED : CLI_DONE;
}

typedef struct column_widths {
    size_t id, version, name, kinds;
} column_widths;

static size_t version_width(const rule *r)
{
    char digits[24];

    return (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)r->rule_version);
}

static void widen(size_t *width, size_t len)
{
    if (len > *width)
        *width = len;
}

#define NAME_CHARS_MAX 40

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

static column_widths measure_columns(const rule_dir *d)
{
    column_widths w = {
        .id = strlen("RULE"), .version = 1, .name = strlen("NAME"), .kinds = strlen("APPLIES TO")};

    for (size_t i = 0; i < d->n_rules; i++) {
        auto_free(buf) buf kinds = {0};

        put_kinds(&kinds, d->rules[i]);
        widen(&w.id, d->rules[i]->rule_id.len);
        widen(&w.version, version_width(d->rules[i]));
        widen(&w.name, name_width(d->rules[i]->name));
        widen(&w.kinds, kinds.len);
    }
    return w;
}

static void put_spaces(buf *b, size_t n)
{
    while (n--)
        buf_put_char(b, ' ');
}

static void put_row(buf *b, const column_widths *w, const rule *r)
{
    size_t start;

    buf_printf(b, "%-*.*s  %*lld  ", (int)w->id, STR_ARG(r->rule_id), (int)w->version,
               (long long)r->rule_version);
    put_quoted(b, r->name, NAME_CHARS_MAX);
    put_spaces(b, w->name - name_width(r->name) + 2);
    start = b->len;
    put_kinds(b, r);
    put_spaces(b, w->kinds - (b->len - start) + 2);
    put_techniques(b, r);
    buf_put_c(b, r->lifter.ptr ? "  (lifter)\n" : "\n");
}

static void put_table(buf *b, const rule_dir *d)
{
    column_widths w = measure_columns(d);

    buf_printf(b, "%-*s  %*s  %-*s  %-*s  %s\n", (int)w.id, "RULE", (int)w.version, "V",
               (int)w.name, "NAME", (int)w.kinds, "APPLIES TO", "TECHNIQUES");
    for (size_t i = 0; i < d->n_rules; i++)
        put_row(b, &w, d->rules[i]);
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

static void put_json_row(buf *b, const rule *r)
{
    buf_put_char(b, '{');
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
    buf_printf(b, ",\"n_tests\":%zu}\n", r->n_tests);
}

static int print_list(const rules_input *in, bool json)
{
    auto_free(buf) buf b = {0};
    int status;

    for (size_t i = 0; i < in->dir.n_errors; i++)
        (void)cli_fail(&in->dir.errors[i]); /* said; the other rules are listed */
    if (!json)
        put_table(&b, &in->dir);
    for (size_t i = 0; json && i < in->dir.n_rules; i++)
        put_json_row(&b, in->dir.rules[i]);
    status = rules_print(&b);
    return status == CLI_DONE && in->dir.n_errors ? CLI_BAD_INPUT : status;
}

static int run_list(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"table", "jsonl", NULL};
    rules_input in = {0};
    const cli_option options[] = {RULES_OPTIONS(&in)};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (cli_choice(in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected table or jsonl", in.output);
    status = rules_open(&in, argv + first, argc - first, (rule_context){0});
    if (status == CLI_DONE)
        status = print_list(&in, cli_choice(in.output, outputs) == 1);
    rules_close(&in);
    return cli_finish_output(status);
}

const cli_command cli_rules_list = {
    .name = "rules list",
    .synopsis = "[OPTION]... [FILE|DIR]...",
    .summary = "List the rules, what they apply to and what they emit",
    .help = "Without operands: the rules of the directory.\n"
            "\n" RULES_OPTIONS_HELP
            "  -o, --output FORM       table (default), or jsonl: one object a rule\n"
            "\n"
            "Example:\n"
            "  ttp rules list --rules rules/ttp\n",
    .run = run_list,
};
