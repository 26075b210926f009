/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench engine: evaluate() on real commands with public patterns, each made a rule of its own,
 * against bare Hyperscan scanning the same field bytes for the same patterns.
 */
#include "cli/bench.h"

#include "engine/engine.h"
#include "event/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct commands {
    ttp_event **events;
    str *texts; /* command_text of each, for the yardstick */
    size_t n, cap, cap_texts;
} commands;

typedef struct pattern_file {
    yardstick_pattern *patterns;
    size_t n, cap;
} pattern_file;

typedef struct side {
    const commands *commands;
    engine_index *index;
    evaluator *evaluator;
    yardstick_hs *hs;
    bool again;     /* the texts of the pass before are known */
    size_t n_found; /* tags or matches of the last pass */
} side;

static bool keep_event(commands *c, const event *ev)
{
    auto_free(buf) buf b = {0};

    buf_put_c(&b, "{\"source_kind\":\"command\",\"source_id\":");
    buf_put_json(&b, ev->source_id);
    buf_put_c(&b, ",\"attacker_uuid\":");
    buf_put_json(&b, ev->attacker_uuid);
    buf_put_c(&b, ",\"payload\":");
    json_write(&b, ev->payload);
    buf_put_char(&b, '}');
    if (b.failed || mem_grow(c->events, c->cap, c->n + 1) ||
        mem_grow(c->texts, c->cap_texts, c->n + 1) ||
        ttp_event_from_json(b.ptr, b.len, &c->events[c->n], NULL))
        return false;
    c->texts[c->n] = json_str(json_get(c->events[c->n]->payload, STR("command_text")));
    c->n++;
    return true;
}

static bool read_commands(const char *path, commands *c)
{
    const reader_options options = {.format = EVENT_FORMAT_COWRIE};
    auto_free(reader) reader *r = NULL;
    const event *ev;
    ttp_err err;

    if (reader_new(&options, &r) || reader_open(r, path, &err))
        return false;
    while (reader_next(r, &ev, &err) == 0) {
        if (ev->kind == EVENT_COMMAND && !keep_event(c, ev))
            return false;
    }
    return c->n > 0;
}

static void free_commands(commands *c)
{
    for (size_t i = 0; i < c->n; i++)
        ttp_event_free(c->events[i]);
    free(c->events);
    free(c->texts);
}

/* Lines of flags, a tab, a pattern; at most max of them. */
static bool read_patterns(const char *path, size_t max, pattern_file *p)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while (f && p->n < max && (len = getline(&line, &cap, f)) > 0) {
        char *tab = strchr(line, '\t');

        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (!tab || mem_grow(p->patterns, p->cap, p->n + 1))
            continue;
        p->patterns[p->n++] = (yardstick_pattern){strdup(tab + 1), line[0] == 'i'};
    }
    free(line);
    if (f)
        (void)fclose(f); /* it was only read */
    return p->n > 0;
}

static void free_patterns(pattern_file *p)
{
    for (size_t i = 0; i < p->n; i++)
        free((char *)p->patterns[i].text);
    free(p->patterns);
}

static rule *make_rule(const yardstick_pattern *p, size_t number)
{
    auto_free(buf) buf b = {0};
    ttp_err err = {0};
    rule *r = NULL;

    buf_printf(&b,
               "{\"rule_id\":\"B%05zu\",\"rule_version\":1,\"name\":\"bench\","
               "\"applies_to\":[\"command\"],\"match\":{\"field\":\"command_text\",\"pattern\":",
               number);
    buf_put_json(&b, str_from(p->text));
    buf_printf(&b,
               "%s},\"emits\":[{\"tactic\":\"TA0002\",\"technique_id\":\"T1059\","
               "\"confidence\":0.5}],\"evidence_fields\":[\"command_text\"]}",
               p->ignore_case ? ",\"ignore_case\":true" : "");
    if (b.failed)
        return NULL;
    if (rule_read(buf_str(&b), NULL, &(rule_context){0}, &r, &err)) {
        fprintf(stderr, "ttp bench: pattern %zu is left out: %s\n", number, err.text);
        return NULL;
    }
    return r;
}

static engine_index *make_index(const pattern_file *p, pattern_file *used)
{
    rule **rules = calloc(p->n, sizeof(rule *));
    engine_index *index = NULL;
    size_t n = 0;

    for (size_t i = 0; rules && i < p->n; i++) {
        rules[n] = make_rule(&p->patterns[i], i);
        if (!rules[n] || mem_grow(used->patterns, used->cap, used->n + 1))
            continue;
        used->patterns[used->n++] = p->patterns[i];
        n++;
    }
    if (rules && engine_index_new(rules, n, STR("bench"), &index))
        index = NULL;
    for (size_t i = 0; rules && i < n; i++)
        rule_unref(rules[i]);
    free(rules);
    return index;
}

/* As a program that embeds the library calls it: tags are written when they are asked for. */
static double evaluate_all(void *ctx)
{
    side *s = ctx;
    size_t n;

    if (!s->again)
        evaluator_forget(s->evaluator); /* each pass is a log read once */
    s->n_found = 0;
    for (size_t i = 0; i < s->commands->n; i++) {
        if (ttp_evaluator_run(s->evaluator, s->index, s->commands->events[i], &n) == 0)
            s->n_found += n;
    }
    return (double)s->commands->n;
}

/* Each tag is asked for. */
static double write_all(void *ctx)
{
    side *s = ctx;
    const tag *tags;
    size_t n;

    evaluator_forget(s->evaluator);
    s->n_found = 0;
    for (size_t i = 0; i < s->commands->n; i++) {
        if (evaluator_run(s->evaluator, s->index, s->commands->events[i], &tags, &n) == 0)
            s->n_found += n;
    }
    return (double)s->commands->n;
}

static double scan_all(void *ctx)
{
    side *s = ctx;

    s->n_found = 0;
    for (size_t i = 0; i < s->commands->n; i++)
        s->n_found += yardstick_hs_scan(s->hs, s->commands->texts[i]);
    return (double)s->commands->n;
}

static int measure(bench_report *report, const commands *c, const char *path, size_t n_patterns)
{
    pattern_file patterns = {0}, used = {0};
    side ours = {.commands = c}, theirs = {.commands = c};
    size_t refused = 0;
    char name[64];
    int status = CLI_FAILED;

    if (read_patterns(path, n_patterns, &patterns))
        ours.index = make_index(&patterns, &used);
    ours.evaluator = evaluator_new(NULL, NULL);
    theirs.hs = yardstick_hs_new(used.patterns, used.n, &refused);
    if (ours.index && ours.evaluator && theirs.hs) {
        (void)snprintf(name, sizeof(name), "evaluate, %zu patterns", n_patterns);
        bench_compare(report, name, "events/s", 150, evaluate_all, &ours, scan_all, &theirs);
        fprintf(stderr, "%s: %zu rules, %zu tags; yardstick %zu patterns, %zu matches\n", name,
                used.n, ours.n_found, used.n - refused, theirs.n_found);
        (void)snprintf(name, sizeof(name), "evaluate and write the tags, %zu patterns", n_patterns);
        bench_compare(report, name, "events/s", 150, write_all, &ours, scan_all, &theirs);
        (void)snprintf(name, sizeof(name), "evaluate the log again, %zu patterns", n_patterns);
        ours.again = true;
        bench_compare(report, name, "events/s", 150, evaluate_all, &ours, scan_all, &theirs);
        (void)snprintf(name, sizeof(name), "index memory, %zu patterns", n_patterns);
        bench_add(report, name, (double)engine_index_memory(ours.index) / (double)used.n,
                  "bytes/rule");
        status = CLI_DONE;
    }
    yardstick_hs_free(theirs.hs);
    evaluator_free(ours.evaluator);
    engine_index_unref(ours.index);
    free(used.patterns);
    free_patterns(&patterns);
    return status;
}

int bench_engine(bench_report *r)
{
    char *log = bench_shared("data/cowrie/cowrie_dev.jsonl");
    char *small = bench_shared("data/patterns/sigma_1k.tsv");
    char *large = bench_shared("data/patterns/sigma_10k.tsv");
    commands c = {0};
    int status = CLI_FAILED;

    if (log && small && large && read_commands(log, &c)) {
        status = measure(r, &c, small, 60);
        if (status == CLI_DONE)
            status = measure(r, &c, small, 1000);
        if (status == CLI_DONE)
            status = measure(r, &c, large, 10000);
    }
    free_commands(&c);
    free(log);
    free(small);
    free(large);
    return status;
}
