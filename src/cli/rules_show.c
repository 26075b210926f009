/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules show: one rule whole, with what became of its patterns and what its ids are called. */
#include "cli/rules.h"

#include "cli/commands.h"

#include "base/err.h"
#include "match/pattern_internal.h"

#include <stdio.h>

static const char *kind_name(const pattern *p)
{
    static const char *const names[] = {"literal", "linear", "backtracking"};

    return names[pattern_get_kind(p)];
}

static str technique_name(const attack_catalogue *c, str id)
{
    const attack_technique *t = id.ptr ? attack_find(c, id) : NULL;

    return t ? t->name : STR_NULL;
}

static str tactic_name(const attack_catalogue *c, str id)
{
    const attack_tactic *t = attack_find_tactic(c, id);

    return t ? t->name : STR_NULL;
}

/* A field of the text form: two spaces, the label, the value's column. */
static void put_label(buf *b, const char *label)
{
    buf_printf(b, "  %-14s  ", label);
}

static void put_text_field(buf *b, const char *label, str value)
{
    if (!value.ptr)
        return;
    put_label(b, label);
    put_quoted(b, value, 1000);
    buf_put_char(b, '\n');
}

static void put_indent(buf *b, unsigned depth)
{
    buf_printf(b, "%*s", (int)(4 + 2 * depth), "");
}

static void put_atoms(buf *b, const pattern *p)
{
    const atom_set *atoms = pattern_get_atoms(p);

    buf_put_c(b, kind_name(p));
    if (!atoms) {
        buf_put_c(b, ", no atom: searched in every event of its field\n");
        return;
    }
    buf_put_c(b, atoms->n_texts == 1 ? ", atom" : ", atoms");
    for (uint32_t i = 0; i < atoms->n_texts; i++) {
        buf_put_c(b, " \"");
        put_quoted(b, atoms->texts[i], 40);
        buf_put_char(b, '"');
    }
    buf_put_char(b, '\n');
}

static void put_leaf(buf *b, const leaf *l, unsigned depth)
{
    put_indent(b, depth);
    put_quoted(b, l->field.ptr ? l->field : STR("(default field)"), 60);
    buf_printf(b, " %s ", leaf_op_name(l->op));
    put_quoted(b, l->pattern_source, 200);
    buf_put_c(b, l->ignore_case ? "  (ignoring case)\n" : "\n");
    for (size_t i = 0; i < l->n_patterns; i++) {
        put_indent(b, depth + 2);
        put_atoms(b, l->patterns[i]);
    }
}

static void put_expr(buf *b, const rule *r, const expr *e, unsigned depth)
{
    static const char *const names[] = {[EXPR_ALL] = "all", [EXPR_ANY] = "any", [EXPR_NOT] = "not"};

    if (e->type == EXPR_LEAF) {
        put_leaf(b, &r->leaves[e->leaf], depth);
        return;
    }
    put_indent(b, depth);
    buf_put_c(b, names[e->type]);
    buf_put_char(b, '\n');
    for (uint32_t i = 0; i < e->n_kids; i++)
        put_expr(b, r, e->kids[i], depth + 1);
}

static void put_match(buf *b, const rule *r)
{
    auto_free(buf) buf json = {0};

    if (r->match) {
        buf_put_c(b, "  match\n");
        put_expr(b, r, r->match, 0);
        return;
    }
    json_write(&json, r->match_node);
    put_text_field(b, "match", buf_str(&json));
}

static void put_named(buf *b, str id, str name)
{
    buf_put_char(b, ' ');
    buf_put_str(b, id);
    buf_put_char(b, ' ');
    if (name.ptr)
        put_quoted(b, name, 80);
    else
        buf_put_c(b, "(not in the catalogue)");
}

static void put_emit(buf *b, const attack_catalogue *c, const rule_emit *e)
{
    str id = e->sub_technique_id.ptr ? e->sub_technique_id : e->technique_id;

    buf_put_c(b, "   ");
    put_named(b, id, technique_name(c, id));
    buf_put_c(b, ", tactic");
    put_named(b, e->tactic, tactic_name(c, e->tactic));
    buf_put_c(b, ", confidence ");
    buf_put_double(b, e->confidence);
    buf_put_char(b, '\n');
}

static void put_hash(buf *b, const rule *r)
{
    for (size_t i = 0; i < sizeof(r->content_hash); i++)
        buf_printf(b, "%02x", r->content_hash[i]);
}

static void put_evidence(buf *b, const rule *r)
{
    if (r->n_evidence_fields == 0)
        return;
    put_label(b, "evidence");
    for (size_t i = 0; i < r->n_evidence_fields; i++) {
        buf_put_c(b, i ? ", " : "");
        put_quoted(b, r->evidence_fields[i], 60);
    }
    buf_put_char(b, '\n');
}

static size_t count_tests(const rule *r, bool want_match)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_tests; i++)
        n += r->tests[i].want_match == want_match;
    return n;
}

static void put_rule(buf *b, const attack_catalogue *c, const rule *r)
{
    auto_free(buf) buf extra = {0};

    buf_put_str(b, r->rule_id);
    buf_put_c(b, "  ");
    put_quoted(b, r->name, 200);
    buf_printf(b, "\n  %-14s  %lld\n", "version", (long long)r->rule_version);
    put_text_field(b, "file", r->path);
    put_label(b, "SHA-1");
    put_hash(b, r);
    buf_put_char(b, '\n');
    put_text_field(b, "description", r->description);
    put_text_field(b, "attack release", r->attack_release);
    put_label(b, "applies to");
    put_kinds(b, r);
    buf_put_char(b, '\n');
    put_match(b, r);
    buf_put_c(b, "  emits\n");
    for (size_t i = 0; i < r->n_emits; i++)
        put_emit(b, c, &r->emits[i]);
    put_evidence(b, r);
    buf_printf(b, "  %-14s  %zu match, %zu no_match\n", "tests", count_tests(r, true),
               count_tests(r, false));
    if (r->extra) {
        json_write(&extra, r->extra);
        put_text_field(b, "other keys", buf_str(&extra));
    }
}

static void put_pattern_json(buf *b, const pattern *p)
{
    const atom_set *atoms = pattern_get_atoms(p);

    buf_put_char(b, '{');
    put_member(b, "source", pattern_source(p));
    put_member(b, "kind", str_from(kind_name(p)));
    buf_put_c(b, ",\"atoms\":[");
    for (uint32_t i = 0; atoms && i < atoms->n_texts; i++) {
        buf_put_c(b, i ? "," : "");
        buf_put_json(b, atoms->texts[i]);
    }
    buf_put_c(b, "]}");
}

static void put_leaf_json(buf *b, const leaf *l)
{
    buf_put_char(b, '{');
    put_member(b, "field", l->field);
    put_member(b, "op", str_from(leaf_op_name(l->op)));
    put_member(b, "value", l->pattern_source);
    buf_printf(b, ",\"ignore_case\":%s,\"patterns\":[", l->ignore_case ? "true" : "false");
    for (size_t i = 0; i < l->n_patterns; i++) {
        buf_put_c(b, i ? "," : "");
        put_pattern_json(b, l->patterns[i]);
    }
    buf_put_c(b, "]}");
}

static void put_emit_json(buf *b, const attack_catalogue *c, const rule_emit *e)
{
    buf_put_char(b, '{');
    put_member(b, "tactic", e->tactic);
    put_member(b, "tactic_name", tactic_name(c, e->tactic));
    put_member(b, "technique_id", e->technique_id);
    put_member(b, "technique_name", technique_name(c, e->technique_id));
    put_member(b, "sub_technique_id", e->sub_technique_id);
    put_member(b, "sub_technique_name", technique_name(c, e->sub_technique_id));
    buf_put_c(b, ",\"confidence\":");
    buf_put_double(b, e->confidence);
    buf_put_char(b, '}');
}

static void put_strings(buf *b, const char *key, const str *values, size_t n)
{
    buf_printf(b, ",\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        buf_put_c(b, i ? "," : "");
        buf_put_json(b, values[i]);
    }
    buf_put_char(b, ']');
}

static void put_tests_json(buf *b, const rule *r, bool want_match)
{
    bool first = true;

    buf_printf(b, "\"%s\":[", want_match ? "match" : "no_match");
    for (size_t i = 0; i < r->n_tests; i++) {
        if (r->tests[i].want_match != want_match)
            continue;
        buf_put_c(b, first ? "" : ",");
        json_write(b, r->tests[i].payload);
        first = false;
    }
    buf_put_char(b, ']');
}

static void put_kinds_json(buf *b, const rule *r)
{
    str kinds[EVENT_N_KINDS];
    size_t n = 0;

    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        if (r->applies_to & (1u << kind))
            kinds[n++] = str_from(event_kind_name((event_kind)kind));
    }
    put_strings(b, "applies_to", kinds, n);
    put_strings(b, "other_kinds", r->other_kinds, r->n_other_kinds);
}

static void put_rule_json(buf *b, const attack_catalogue *c, const rule *r)
{
    buf_put_char(b, '{');
    put_member(b, "rule_id", r->rule_id);
    buf_printf(b, ",\"rule_version\":%lld", (long long)r->rule_version);
    put_member(b, "name", r->name);
    put_member(b, "description", r->description);
    put_member(b, "attack_release", r->attack_release);
    put_member(b, "path", r->path);
    buf_put_c(b, ",\"sha1\":\"");
    put_hash(b, r);
    buf_put_char(b, '"');
    put_kinds_json(b, r);
    put_member(b, "lifter", r->lifter);
    buf_put_c(b, ",\"match\":");
    json_write(b, r->match_node);
    buf_put_c(b, ",\"leaves\":[");
    for (size_t i = 0; i < r->n_leaves; i++) {
        buf_put_c(b, i ? "," : "");
        put_leaf_json(b, &r->leaves[i]);
    }
    buf_put_c(b, "],\"emits\":[");
    for (size_t i = 0; i < r->n_emits; i++) {
        buf_put_c(b, i ? "," : "");
        put_emit_json(b, c, &r->emits[i]);
    }
    buf_put_char(b, ']');
    put_strings(b, "evidence_fields", r->evidence_fields, r->n_evidence_fields);
    buf_put_c(b, ",\"tests\":{");
    put_tests_json(b, r, true);
    buf_put_char(b, ',');
    put_tests_json(b, r, false);
    buf_put_c(b, "},\"other_keys\":");
    if (r->extra)
        json_write(b, r->extra);
    else
        buf_put_c(b, "{}");
    buf_put_c(b, "}\n");
}

static const rule *find_rule(const rule_dir *d, str rule_id)
{
    for (size_t i = 0; i < d->n_rules; i++) {
        if (str_eq(d->rules[i]->rule_id, rule_id))
            return d->rules[i];
    }
    return NULL;
}

static int show_all(const rules_input *in, char **ids, int n_ids, bool json)
{
    auto_free(buf) buf b = {0};
    int status = CLI_DONE;

    for (int i = 0; i < n_ids; i++) {
        const rule *r = find_rule(&in->dir, str_from(ids[i]));
        ttp_err err;

        if (!r) {
            (void)err_set(&err, TTP_E_NOT_FOUND, ids[i],
                          "no rule has this rule_id; ttp rules list tells them");
            status = cli_fail(&err);
            continue;
        }
        (json ? put_rule_json : put_rule)(&b, in->catalogue, r);
        if (rules_print(&b) != CLI_DONE)
            return CLI_FAILED;
    }
    /* the rule may be missing because its file was refused */
    for (size_t i = 0; status != CLI_DONE && i < in->dir.n_errors; i++)
        (void)cli_fail(&in->dir.errors[i]); /* said */
    return status;
}

static int run_show(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"text", "json", NULL};
    rules_input in = {0};
    const cli_option options[] = {RULES_OPTIONS(&in)};
    int first,
        status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);

    if (status >= 0)
        return status;
    if (cli_choice(in.output, outputs) < 0)
        return cli_usage_error(self, "--output is %s; expected text or json", in.output);
    if (first == argc)
        return cli_usage_error(self, "which rule? expected a rule_id, as R0015");
    status = rules_open(&in, NULL, 0, (rule_context){0});
    if (status == CLI_DONE)
        status = show_all(&in, argv + first, argc - first, cli_choice(in.output, outputs) == 1);
    rules_close(&in);
    return cli_finish_output(status);
}

const cli_command cli_rules_show = {
    .name = "rules show",
    .synopsis = "[OPTION]... ID...",
    .summary = "Show a rule whole: what it says, and what became of its patterns",
    .help = RULES_OPTIONS_HELP
    "  -o, --output FORM       text (default), or json: one object a rule\n"
    "\n"
    "A pattern is literal (bytes are compared), linear (its time grows with the text) or\n"
    "backtracking (look-around or back-references: bounded). Its atoms are the texts one of\n"
    "which must stand in the event before the pattern is tried.\n"
    "\n"
    "Example:\n"
    "  ttp rules show R0015\n",
    .run = run_show,
};
