/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation: scan each field that rules look at, once; decide the rules that a hit woke and the
 * few that may hold without one; write the tags of those that hold.
 */
#include "engine/evaluator.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/ticks.h"

#include <errno.h>

/* memory of a large event that is kept for the next one */
#define ARENA_KEEP (1u << 20)
#define MEASURE_EACH 64u /* live events, of which one is measured */

evaluator *evaluator_new(const matcher_options *options, const ttp_log *log)
{
    auto_free(evaluator) evaluator *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    if (log)
        e->log = *log;
    e->matcher = matcher_new(options);
    if (!e->matcher)
        return NULL;
    e->measure_each = MEASURE_EACH;
    return take(e);
}

void evaluator_measure_each(evaluator *e, uint32_t n)
{
    e->measure_each = n;
    e->until_measured = 0;
}

evaluator *evaluator_free(evaluator *e)
{
    if (!e)
        return NULL;
    (void)ttp_evaluator_follow(e, NULL); /* leaving cannot fail */
    matcher_free(e->matcher);
    bitset_done(&e->slots);
    bitset_done(&e->woken);
    bitset_done(&e->asked);
    bitset_done(&e->asked_held);
    arena_done(&e->mem);
    buf_done(&e->text);
    buf_done(&e->logged_cut);
    free(e->hits);
    free(e->findings);
    free(e->tags);
    free(e->explained);
    free(e);
    return NULL;
}

void evaluator_forget(evaluator *e)
{
    matcher_forget(e->matcher);
}

const evaluator_stats *evaluator_get_stats(const evaluator *e)
{
    return &e->stats;
}

typedef struct evaluation {
    evaluator *e;
    const kind_index *kind;
    const kind_rule *rules; /* the kind's */
    const event *ev;
    const state_table *states; /* or NULL */
    const field_index *field;  /* being scanned */
    bool has_anchor;           /* without, nothing is a tag */
    bool finds_spans;          /* a rule has asked for what its leaves matched */
} evaluation;

static void wake(const evaluation *v, uint32_t number)
{
    uint32_t place = v->kind->place_of[number];

    if (place == NO_INDEX) /* edited or deleted since */
        return;
    (void)bitset_add(&v->e->woken, place); /* another leaf may have woken it already */
    __builtin_prefetch(&v->rules[number]);
}

/* Hits are noted while a text is scanned and followed afterwards: what they lead to is rarely in
 * cache, and is loaded for all of them at once. */
static void on_hit(void *ctx, uint32_t index)
{
    const evaluation *v = ctx;

    v->e->hits[v->e->n_hits++] = index;
    __builtin_prefetch(&v->field->first_waiting[index]);
}

static void wake_waiting(const evaluation *v)
{
    const waiting_leaf *waiting = v->field->waiting.at;
    uint32_t *hits = v->e->hits;
    size_t n = v->e->n_hits;

    for (size_t i = 0; i < n; i++) {
        hits[i] = v->field->first_waiting[hits[i]];
        if (hits[i] != NO_INDEX)
            __builtin_prefetch(&waiting[hits[i]]);
    }
    for (size_t i = 0; i < n; i++) {
        if (hits[i] != NO_INDEX)
            __builtin_prefetch(&v->kind->place_of[waiting[hits[i]].rule]);
    }
    for (size_t i = 0; i < n; i++) {
        for (uint32_t w = hits[i]; w != NO_INDEX; w = waiting[w].next) {
            if (waiting[w].slot != NO_INDEX)
                (void)bitset_add(&v->e->slots, waiting[w].slot); /* as may another element */
            if (waiting[w].wakes)
                wake(v, waiting[w].rule);
        }
    }
    v->e->n_hits = 0;
}

/* Each rule's first cut-off search is logged, all are counted. */
static void log_cut(evaluator *e, const rule *r)
{
    char entry[RULE_ID_MAX + 2] = {0};
    char quoted[80];
    str id = r->rule_id;

    memcpy(entry + 1, id.ptr, id.len); /* a NUL on either side: R1 is not found in XR1 */
    if (str_find(buf_str(&e->logged_cut), (str){entry, id.len + 2}))
        return;
    buf_put(&e->logged_cut, entry, id.len + 2);
    log_msg(&e->log, TTP_LOG_WARNING,
            "rule=%s a regex search hit its bound and counts as no match; rewrite the pattern "
            "without nested quantifiers",
            err_quote(quoted, sizeof(quoted), id.ptr, id.len, 64));
}

/* What is counted of a rule goes by its number, which only an engine gives. */
static int count(evaluator *e, const kind_rule *kr, size_t counter)
{
    rule_counts *c;

    if (!e->is_live)
        return 0;
    c = counters_at(&e->counters, kr->id);
    if (!c)
        return -ENOMEM;
    count_more((uint64_t *)((char *)c + counter), 1);
    return 0;
}

/* One event in measure_each is measured and stands for the others. */
static void count_cost(evaluator *e, const kind_rule *kr, bool is_search, uint64_t ticks)
{
    rule_counts *c = counters_at(&e->counters, kr->id);

    if (!c) /* an estimate is not worth an event */
        return;
    count_more(is_search ? &c->verifications : &c->wakeups, e->measure_each);
    count_more(&c->ticks, ticks * e->measure_each);
}

static bool is_measured_now(evaluator *e)
{
    if (!e->is_live)
        return false;
    if (e->until_measured-- > 0)
        return false;
    e->until_measured = e->measure_each - 1;
    return true;
}

static void note_cut(evaluator *e, const kind_rule *kr)
{
    (void)count(e, kr, offsetof(rule_counts, cuts)); /* without memory the evaluation fails soon */
    log_cut(e, kr->of->rule);
}

void evaluator_note_cut(evaluator *e, const kind_rule *kr)
{
    e->stats.regex_cut++;
    note_cut(e, kr);
}

static void on_cut(void *ctx, uint32_t index)
{
    const evaluation *v = ctx;
    const waiting_leaf *waiting = v->field->waiting.at;

    v->e->stats.regex_cut++;
    for (uint32_t i = v->field->first_waiting[index]; i != NO_INDEX; i = waiting[i].next) {
        if (v->kind->place_of[waiting[i].rule] != NO_INDEX)
            note_cut(v->e, &v->rules[waiting[i].rule]);
    }
}

/* Rules that share a pattern are told its whole cost, each: it would be there for any of them. */
static void on_cost(void *ctx, uint32_t index, uint64_t ticks)
{
    const evaluation *v = ctx;
    const waiting_leaf *waiting = v->field->waiting.at;

    for (uint32_t i = v->field->first_waiting[index]; i != NO_INDEX; i = waiting[i].next) {
        if (v->kind->place_of[waiting[i].rule] != NO_INDEX)
            count_cost(v->e, &v->rules[waiting[i].rule], true, ticks);
    }
}

static int scan_value(void *ctx, const json_node *value)
{
    const evaluation *v = ctx;
    int rc;

    if (value->type != JSON_STRING)
        return 0;
    rc = pattern_table_scan(v->field->table->table, v->e->matcher, json_str(value), on_hit, on_cut,
                            ctx);
    if (v->e->n_hits)
        wake_waiting(v);
    return rc;
}

/* A pattern that is searched for because a rule asks. */
typedef struct question {
    const evaluation *v;
    const kind_rule *rule;
    const pattern *pattern;
} question;

static int search_value(void *ctx, const json_node *value)
{
    const question *q = ctx;
    int rc;

    if (value->type != JSON_STRING)
        return 0;
    rc = pattern_holds(q->pattern, q->v->e->matcher, json_str(value));
    if (rc == TTP_E_LIMIT)
        evaluator_note_cut(q->v->e, q->rule);
    return rc < 0 ? rc : rc == 0;
}

/* 1: holds, 0: does not, -ENOMEM. Rules that ask the same share the answer. */
static int ask(const evaluation *v, const kind_rule *kr, uint32_t number)
{
    const asked_pattern *asked = (const asked_pattern *)v->kind->asked.at + number;
    const question q = {v, kr, asked->pattern};
    int rc;

    if (!bitset_add(&v->e->asked, number))
        return bitset_has(&v->e->asked_held, number);
    rc = field_each(v->ev->payload, asked->path, search_value, (void *)&q);
    if (rc == 1)
        (void)bitset_add(&v->e->asked_held, number); /* it was not asked before */
    return rc;
}

static int decide_leaf(const evaluation *v, const kind_rule *kr, uint32_t index)
{
    switch (kr->ways[index]) {
    case LEAF_IN_TABLE:
        return bitset_has(&v->e->slots, kr->first_slot + index);
    case LEAF_BY_ITSELF:
        return leaf_holds(&kr->of->rule->leaves[index], v->ev->kind, v->ev->payload, v->e->matcher);
    default:
        return ask(v, kr, kr->ways[index]);
    }
}

/* 1: holds, 0: does not, -ENOMEM */
static int decide(const evaluation *v, const kind_rule *kr, const expr *x)
{
    if (x->type == EXPR_LEAF)
        return decide_leaf(v, kr, x->leaf);
    if (x->type == EXPR_NOT) {
        int kid = decide(v, kr, x->kids[0]);

        return kid < 0 ? kid : !kid;
    }
    for (uint32_t i = 0; i < x->n_kids; i++) {
        int kid = decide(v, kr, x->kids[i]);

        if (kid < 0 || kid == (x->type == EXPR_ANY))
            return kid;
    }
    return x->type == EXPR_ALL;
}

static int add_finding(const evaluation *v, finding f)
{
    evaluator *e = v->e;

    if (mem_grow(e->findings, e->cap_findings, e->n_findings + 1))
        return -ENOMEM;
    e->findings[e->n_findings++] = f;
    return 0;
}

static int add_row(const evaluation *v, const finding *f)
{
    if (f->row->confidence < TAG_CONFIDENCE_FLOOR || f->confidence_max < TAG_CONFIDENCE_FLOOR) {
        v->e->stats.dropped_floor++;
        return 0;
    }
    if (!v->has_anchor) {
        v->e->stats.dropped_anchor++;
        return 0;
    }
    return add_finding(v, *f);
}

static int fire(evaluation *v, const kind_rule *kr)
{
    finding f = {.rule = kr->of, .evidence = STR_NULL, .confidence_max = 1};
    const state_row *state = NULL;
    int rc = 0;

    if (state_table_has(v->states, kr->id))
        state = state_table_find(v->states, kr->id, evaluator_now(v->e));
    if (state && state->kind == TTP_STATE_DISABLED)
        return count(v->e, kr, offsetof(rule_counts, suppressed));
    if (state)
        f.confidence_max = state->confidence_max;
    if (kr->names_findings) {
        if (!v->finds_spans)
            matcher_new_event(v->e->matcher); /* what was found is searched again, for its span */
        v->finds_spans = true;
        rc = evidence_write(v->e, kr, v->ev, &f.evidence);
    }
    for (uint32_t i = 0; !rc && i < kr->n_rows; i++) {
        f.row = &kr->of->rows[i];
        rc = add_row(v, &f);
    }
    return rc ? rc : count(v->e, kr, offsetof(rule_counts, fires));
}

/* A rule that is plain and on which nothing is set: its row need not even be looked at. */
static int fire_plain(const evaluation *v, const kind_rule *kr)
{
    int rc = add_finding(v, (finding){kr->of, kr->of->rows, 1, STR_NULL});

    return rc ? rc : count(v->e, kr, offsetof(rule_counts, fires));
}

static int begin(const evaluation *v)
{
    evaluator *e = v->e;
    int rc = bitset_begin(&e->slots, v->kind->n_slots);

    if (!rc)
        rc = bitset_begin(&e->woken, v->kind->n_live);
    if (!rc && v->kind->asked.n)
        rc = bitset_begin(&e->asked, v->kind->asked.n);
    if (!rc && v->kind->asked.n)
        rc = bitset_begin(&e->asked_held, v->kind->asked.n);
    return rc;
}

static int is_there(void *ctx, const json_node *value)
{
    (void)ctx;
    (void)value;
    return 1;
}

/* Is there anything that a leaf which is no text could hold for? An empty list exists, too. */
static bool field_is_there(const evaluation *v, str path)
{
    return field_each(v->ev->payload, path, is_there, NULL) || field_exists(v->ev->payload, path);
}

static int scan_field(evaluation *v, const field_index *f)
{
    if (f->n_present && field_is_there(v, f->path)) {
        for (uint32_t i = 0; i < f->n_present; i++)
            wake(v, f->present[i]);
    }
    v->field = f;
    if (f->n_patterns > v->e->cap_hits && mem_grow(v->e->hits, v->e->cap_hits, f->n_patterns))
        return -ENOMEM;
    return f->table ? field_each(v->ev->payload, f->path, scan_value, v) : 0;
}

static int scan_fields(evaluation *v)
{
    int rc = begin(v);

    for (uint32_t f = 0; !rc && f < v->kind->n_fields; f++)
        rc = scan_field(v, v->kind->fields[f]);
    return rc;
}

static int decide_rule(evaluation *v, const kind_rule *kr)
{
    int rc = kr->is_one_leaf ? 1 : decide(v, kr, kr->of->rule->match);

    return rc == 1 ? fire(v, kr) : rc;
}

static int decide_measured(evaluation *v, const kind_rule *kr)
{
    uint64_t began = ticks_now();
    int rc = decide_rule(v, kr);

    count_cost(v->e, kr, false, ticks_now() - began);
    return rc;
}

static int decide_rules(evaluation *v)
{
    bool is_usual = v->has_anchor && !v->e->is_measured;
    bitset *woken = &v->e->woken;

    for (uint32_t i = 0; i < v->kind->n_always; i++)
        wake(v, v->kind->always[i]);
    bitset_sort(woken);
    for (size_t i = 0; i < woken->n_added; i++) {
        const kind_rule *kr = &v->rules[v->kind->at_place[woken->added[i]]];
        int rc;

        if (is_usual && kr->is_plain && !state_table_has(v->states, kr->id))
            rc = fire_plain(v, kr);
        else
            rc = v->e->is_measured ? decide_measured(v, kr) : decide_rule(v, kr);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void note_work(evaluator *e)
{
    matcher_work work = matcher_get_work(e->matcher);

    e->stats.searches = work.searches;
    e->stats.searched_bytes = work.bytes;
}

static int evaluate(evaluator *e, const engine_index *ix, const state_table *states,
                    const event *ev)
{
    evaluation v = {.e = e,
                    .ev = ev,
                    .states = states,
                    .has_anchor = ev->attacker_uuid.ptr || ev->identity_uuid.ptr};
    int rc = 0;

    arena_clear(&e->mem, ARENA_KEEP);
    e->n_findings = e->n_tags = 0;
    e->found_in = ev;
    e->now_us = 0;
    e->stats.events++;
    if (ev->kind < EVENT_N_KINDS && ix->kinds[ev->kind]) {
        v.kind = ix->kinds[ev->kind];
        v.rules = kind_rules(v.kind);
        matcher_new_event(e->matcher);
        e->is_measured = is_measured_now(e);
        matcher_measure(e->matcher, e->is_measured ? on_cost : NULL);
        rc = scan_fields(&v);
        if (!rc)
            rc = decide_rules(&v);
        note_work(e);
    }
    if (rc) {
        e->n_findings = 0;
        return rc;
    }
    e->stats.tags += e->n_findings;
    e->stats.events_tagged += e->n_findings > 0;
    return 0;
}

int evaluator_find(evaluator *e, const engine_index *ix, const event *ev, size_t *ret_n)
{
    int rc;

    e->is_live = false;
    rc = evaluate(e, ix, NULL, ev);
    *ret_n = e->n_findings;
    return rc;
}

int evaluator_find_live(evaluator *e, const event *ev, size_t *ret_n)
{
    const snapshot *now = evaluator_take_snapshot(e);
    int rc;

    e->is_live = true;
    rc = evaluate(e, now->index, now->states, ev);
    *ret_n = e->n_findings;
    return rc;
}

int evaluator_run(evaluator *e, const engine_index *ix, const event *ev, const tag **ret_tags,
                  size_t *ret_n)
{
    int rc = evaluator_find(e, ix, ev, ret_n);

    return rc ? rc : evaluator_tags(e, ret_tags);
}

int evaluator_run_live(evaluator *e, const event *ev, const tag **ret_tags, size_t *ret_n)
{
    int rc = evaluator_find_live(e, ev, ret_n);

    return rc ? rc : evaluator_tags(e, ret_tags);
}
