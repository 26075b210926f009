/* SPDX-License-Identifier: Apache-2.0 */
/* ttp rules list: a table, JSON Lines, or metrics. */
#include "cli/rules_list.h"

#include "store/store.h"
#include "telemetry/prometheus.h"

#include <stddef.h>
#include <stdio.h>

#define NAME_CHARS_MAX 40

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

/* ---- metrics ---- */

/* What the rules are set to, and how many are kept out. */
static void put_state_gauges(buf *b, const list_run *run)
{
    static const char *const names[] = {"enabled", "disabled", "clipped", "refused"};
    const char *backend = run->store ? "database" : "filesystem";
    uint64_t n[4] = {0};

    for (size_t i = 0; i < run->n; i++) {
        const list_row *row = &run->rows[i];

        n[row->runs ? row->state.kind : 3]++;
    }
    prometheus_begin(b, "ttp_rules", "gauge",
                     "Rules by what is set on them; refused ones do not run.");
    for (size_t i = 0; i < 4; i++) {
        const prometheus_label labels[] = {{"backend", str_from(backend)},
                                           {"state", str_from(names[i])}};

        prometheus_put(b, "ttp_rules", labels, 2, n[i]);
    }
}

static const struct counter {
    const char *name, *help;
    size_t offset;
    bool is_cost;
} counters[] = {
    {"ttp_rule_fires_total", "Events in which the rule held and wrote its tags.",
     offsetof(ttp_rule_counts, fires), false},
    {"ttp_rule_suppressed_total", "Events in which the rule held but was disabled.",
     offsetof(ttp_rule_counts, suppressed), false},
    {"ttp_rule_regex_bounds_hit_total", "Searches for the rule's patterns that were cut off.",
     offsetof(ttp_rule_counts, cuts), false},
    {"ttp_rule_wakeups_total", "Events in which the rule had to be decided, estimated.",
     offsetof(ttp_rule_counts, wakeups), true},
    {"ttp_rule_verifications_total", "Searches for the rule's patterns, estimated.",
     offsetof(ttp_rule_counts, verifications), true},
    {"ttp_rule_ticks_total", "Ticks of the CPU's time stamp counter spent on both, estimated.",
     offsetof(ttp_rule_counts, ticks), true},
};

static void put_counter(buf *b, const struct counter *c, const list_run *run)
{
    prometheus_begin(b, c->name, "counter", c->help);
    for (size_t i = 0; i < run->n; i++) {
        const list_row *row = &run->rows[i];
        uint64_t value;

        if (!row->rule || !row->runs)
            continue;
        memcpy(&value, (const char *)&row->hits + c->offset, sizeof(value));
        prometheus_put(b, c->name, &(prometheus_label){"rule_id", row->rule->rule_id}, 1, value);
    }
}

static void put_metrics(buf *b, const list_run *run)
{
    put_state_gauges(b, run);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        if (counters[i].is_cost ? run->cost : run->hits || run->cost)
            put_counter(b, &counters[i], run);
    }
}

int rules_list_print(const list_run *run)
{
    auto_free(buf) buf b = {0};
    int status;

    if (run->form == LIST_TABLE)
        put_table(&b, run);
    else if (run->form == LIST_PROMETHEUS)
        put_metrics(&b, run);
    for (size_t i = 0; run->form == LIST_JSONL && i < run->n; i++)
        put_json_row(&b, &run->rows[i], run);
    status = rules_print(&b);
    return status == CLI_DONE && run->n_refused ? CLI_BAD_INPUT : status;
}
