/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: takes changes in, publishes snapshots, knows who evaluates (contract: ttp/engine.h).
 *
 *     apply:  roster (what is wanted) -> next snapshot, beside the current -> publish -> drop
 */
#include "engine/evaluator.h"
#include "engine/maker.h"
#include "engine/roster.h"

#include <errno.h>
#include <pthread.h>

#define NO_GENERATION UINT64_MAX
/* fewer holes than one to so many rules are not worth tidying up */
#define TIDY_SHARE 32

/* What a maker that is being filled beside the engine's has to take in yet. */
typedef struct tidying {
    bool is_on;
    bool is_void;  /* the engine's own maker is another, or none, since */
    uint32_t *ids; /* put into the engine's since */
    size_t n, cap;
} tidying;

struct ttp_engine {
    snapshot *current; /* published by snapshot_publish, never NULL */
    str attack_release;
    pthread_mutex_t lock; /* of all below; an evaluation never takes it */
    roster roster;
    index_maker *maker; /* NULL: all rules have to be put into a new one */
    bool outdated;      /* the roster knows of definitions that the current snapshot has not */
    tidying tidying;
    evaluator **evaluators;
    size_t n_evaluators, cap_evaluators;
    counters departed; /* what evaluators counted that follow no more */
};

static int next_snapshot(ttp_engine *en, bool same_rules, snapshot **ret_next);

int ttp_engine_new(const ttp_engine_options *options, ttp_engine **ret_engine)
{
    ttp_engine *en = calloc(1, sizeof(*en));
    const char *name = options ? options->attack_release : NULL;
    int rc = en ? -pthread_mutex_init(&en->lock, NULL) : -ENOMEM;

    if (rc) {
        free(en);
        return rc;
    }
    en->attack_release = name ? str_from(name) : attack_release(attack_builtin());
    en->attack_release.ptr = strndup(en->attack_release.ptr, en->attack_release.len);
    rc = en->attack_release.ptr ? next_snapshot(en, false, &en->current) : -ENOMEM;
    if (rc)
        (void)ttp_engine_free(en); /* returns NULL */
    else
        *ret_engine = en;
    return rc;
}

ttp_engine *ttp_engine_free(ttp_engine *en)
{
    if (!en)
        return NULL;
    (void)snapshot_unref(en->current); /* returns NULL */
    en->maker = index_maker_free(en->maker);
    free(en->tidying.ids);
    roster_done(&en->roster);
    counters_done(&en->departed);
    (void)pthread_mutex_destroy(&en->lock); /* nobody holds it any more */
    free(en->evaluators);
    free((char *)en->attack_release.ptr);
    free(en);
    return NULL;
}

/* ---- making snapshots ---- */

static void drop_maker(ttp_engine *en)
{
    en->maker = index_maker_free(en->maker);
    en->tidying.is_void = true;
}

/* All rules into a new maker: at first, after a failure, and where the last cannot go on. */
static int begin_anew(ttp_engine *en)
{
    int rc = 0;

    drop_maker(en);
    en->maker = index_maker_new(en->attack_release);
    if (!en->maker)
        return -ENOMEM;
    for (size_t i = 0; !rc && i < en->roster.n_order; i++) {
        const known_rule *k = en->roster.known[en->roster.order[i]];

        rc = index_maker_put(en->maker, k->id, k->rule);
    }
    return rc;
}

static int make_index(ttp_engine *en, engine_index **ret_index)
{
    int rc = 0;

    if (!en->maker)
        rc = begin_anew(en);
    if (!rc)
        rc = index_maker_make(en->maker, en->roster.order, en->roster.n_order, ret_index);
    if (rc == TTP_E_LIMIT) {
        rc = begin_anew(en);
        if (!rc)
            rc = index_maker_make(en->maker, en->roster.order, en->roster.n_order, ret_index);
    }
    if (rc)
        drop_maker(en);
    return rc;
}

static int next_snapshot(ttp_engine *en, bool same_rules, snapshot **ret_next)
{
    uint64_t generation = en->current ? en->current->generation + 1 : 1;
    auto_free(state_table) state_table *states = NULL;
    auto_free(engine_index) engine_index *index = NULL;
    int rc = state_table_new(en->roster.rows, (uint32_t)en->roster.n_rows, &states);

    if (!rc && same_rules && en->current)
        index = engine_index_ref(en->current->index);
    else if (!rc)
        rc = make_index(en, &index);
    return rc ? rc : snapshot_new(generation, take(index), take(states), ret_next);
}

static int publish_locked(ttp_engine *en, bool same_rules)
{
    snapshot *next;
    int rc = next_snapshot(en, same_rules && !en->outdated, &next);

    en->outdated = rc && (en->outdated || !same_rules);
    if (rc)
        return rc;
    (void)snapshot_unref(snapshot_publish(&en->current, next)); /* returns NULL */
    return 0;
}

/*
 * The oldest snapshot that an evaluator may still use. What was published is waited for, so that
 * one that looked at the place before has said by now what it found there.
 */
static uint64_t oldest_locked(const ttp_engine *en)
{
    uint64_t oldest = en->current->generation;

    for (size_t i = 0; i < en->n_evaluators; i++) {
        uint64_t at = __atomic_load_n(&en->evaluators[i]->pinned_at, __ATOMIC_ACQUIRE);

        if (at < oldest)
            oldest = at;
    }
    return oldest;
}

static void sum_locked(const ttp_engine *en, uint32_t id, rule_counts *sum)
{
    counters_sum(&en->departed, id, sum);
    for (size_t i = 0; i < en->n_evaluators; i++)
        counters_sum(&en->evaluators[i]->counters, id, sum);
}

/* A number goes to another rule, which begins at zero. */
static void renew(void *ctx, known_rule *k)
{
    k->before = (rule_counts){0};
    sum_locked(ctx, k->id, &k->before);
}

static roster_turn begin_turn_locked(ttp_engine *en)
{
    return (roster_turn){
        .generation = en->current->generation + 1,
        .oldest = oldest_locked(en),
        .renew = renew,
        .ctx = en,
    };
}

int ttp_engine_reset(ttp_engine *en, ttp_rule *const *rules, const ttp_rule_state *states, size_t n)
{
    roster_turn turn;
    int rc;

    pthread_mutex_lock(&en->lock);
    turn = begin_turn_locked(en);
    rc = roster_reset(&en->roster, rules, states, n, &turn);
    drop_maker(en);
    if (!rc)
        rc = publish_locked(en, false);
    pthread_mutex_unlock(&en->lock);
    return rc;
}

/* Rule number id is r from now on, or gone; without memory all have to be put in anew. */
static void put_locked(ttp_engine *en, uint32_t id, rule *r)
{
    tidying *t = &en->tidying;

    if (en->maker && index_maker_put(en->maker, id, r))
        drop_maker(en);
    if (!t->is_on || t->is_void)
        return;
    if (mem_grow(t->ids, t->cap, t->n + 1))
        t->is_void = true;
    else
        t->ids[t->n++] = id;
}

static int take_in_locked(ttp_engine *en, const ttp_change *c, const roster_turn *turn)
{
    const known_rule *k;
    int rc;

    if (c->kind == TTP_CHANGE_STATE)
        return roster_set_state(&en->roster, c->rule_id, &c->state, turn);
    k = roster_find(&en->roster, str_from(c->rule_id));
    if (!c->rule && !k)
        return 0;
    en->outdated = true;
    if (!c->rule)
        put_locked(en, k->id, NULL);
    rc = roster_define(&en->roster, c->rule_id, c->rule, turn);
    if (rc || !c->rule)
        return rc;
    k = roster_find(&en->roster, str_from(c->rule_id));
    put_locked(en, k->id, k->rule);
    return 0;
}

int ttp_engine_apply(ttp_engine *en, const ttp_change *changes, size_t n)
{
    bool is_overdue;
    roster_turn turn;
    int rc = 0;

    pthread_mutex_lock(&en->lock);
    turn = begin_turn_locked(en);
    for (size_t i = 0; !rc && i < n; i++)
        rc = take_in_locked(en, &changes[i], &turn);
    if (!rc)
        rc = publish_locked(en, true);
    is_overdue = en->maker && index_maker_overdue(en->maker);
    pthread_mutex_unlock(&en->lock);
    if (!rc && is_overdue)
        (void)ttp_engine_tidy(en); /* the change is in effect, and without memory all stays */
    return rc;
}

/* ---- tidying up, beside changes ---- */

/* What is to be in another maker: the rules by number, in the order of tags. */
typedef struct contents {
    engine_index *index; /* keeps the rules */
    uint32_t *ids;
    rule **rules;
    size_t n;
} contents;

static void contents_done(contents *c)
{
    (void)engine_index_unref(c->index); /* returns NULL */
    free(c->ids);
    free(c->rules);
}

static int contents_take_locked(const ttp_engine *en, contents *c)
{
    c->n = en->roster.n_order;
    c->ids = calloc(c->n + 1, sizeof(*c->ids));
    c->rules = calloc(c->n + 1, sizeof(*c->rules));
    if (!c->ids || !c->rules)
        return -ENOMEM;
    for (size_t i = 0; i < c->n; i++) {
        c->ids[i] = en->roster.order[i];
        c->rules[i] = en->roster.known[c->ids[i]]->rule;
    }
    c->index = engine_index_ref(en->current->index);
    return 0;
}

/* What takes long, without the lock: the tables are built from nothing. */
static int fill_maker(const contents *c, str release, index_maker **ret_maker)
{
    auto_free(index_maker) index_maker *m = index_maker_new(release);
    engine_index *ix;
    int rc = m ? 0 : -ENOMEM;

    for (size_t i = 0; !rc && i < c->n; i++)
        rc = index_maker_put(m, c->ids[i], c->rules[i]);
    if (!rc)
        rc = index_maker_make(m, c->ids, c->n, &ix);
    if (rc)
        return rc;
    (void)engine_index_unref(ix); /* returns NULL; the maker has its parts */
    *ret_maker = take(m);
    return 0;
}

/* The engine goes on with what was filled beside it. The other one is for the caller to free. */
static int exchange_makers_locked(ttp_engine *en, index_maker **m)
{
    index_maker *mine = en->maker;
    int rc = 0;

    for (size_t i = 0; !rc && i < en->tidying.n; i++)
        rc = index_maker_put(*m, en->tidying.ids[i], en->roster.known[en->tidying.ids[i]]->rule);
    if (rc)
        return rc;
    en->maker = *m;
    *m = mine;
    return publish_locked(en, false);
}

/* 1: begun, 0: nothing to do, -ENOMEM */
static int begin_tidying_locked(ttp_engine *en, contents *c)
{
    tidying *t = &en->tidying;
    int rc;

    if (t->is_on || en->outdated || !en->maker ||
        index_maker_holes(en->maker) <= en->roster.n_order / TIDY_SHARE)
        return 0;
    rc = contents_take_locked(en, c);
    if (rc)
        return rc;
    t->is_on = true;
    t->is_void = false;
    t->n = 0;
    return 1;
}

static int end_tidying(ttp_engine *en, int rc, index_maker **m)
{
    pthread_mutex_lock(&en->lock);
    if (!rc && !en->tidying.is_void)
        rc = exchange_makers_locked(en, m);
    en->tidying.is_on = false;
    pthread_mutex_unlock(&en->lock);
    return rc;
}

int ttp_engine_tidy(ttp_engine *en)
{
    auto_free(index_maker) index_maker *m = NULL;
    contents c = {0};
    int rc;

    pthread_mutex_lock(&en->lock);
    rc = begin_tidying_locked(en, &c);
    pthread_mutex_unlock(&en->lock);
    if (rc > 0)
        rc = end_tidying(en, fill_maker(&c, en->attack_release, &m), &m);
    contents_done(&c);
    return rc;
}

bool ttp_engine_is_worn(ttp_engine *en)
{
    bool is_worn;

    pthread_mutex_lock(&en->lock);
    is_worn = !en->tidying.is_on && en->maker && index_maker_worn(en->maker);
    pthread_mutex_unlock(&en->lock);
    return is_worn;
}

uint64_t ttp_engine_generation(const ttp_engine *en)
{
    snapshot *s = snapshot_pin(&en->current, NULL);
    uint64_t generation = s->generation;

    (void)snapshot_unref(s); /* returns NULL */
    return generation;
}

size_t ttp_engine_count(ttp_engine *en)
{
    size_t n;

    pthread_mutex_lock(&en->lock);
    n = en->roster.n_order;
    pthread_mutex_unlock(&en->lock);
    return n;
}

bool ttp_engine_has(ttp_engine *en, const char *rule_id)
{
    const known_rule *k;

    pthread_mutex_lock(&en->lock);
    k = roster_find(&en->roster, str_from(rule_id));
    pthread_mutex_unlock(&en->lock);
    return k && k->rule;
}

void ttp_engine_counts(ttp_engine *en,
                       void (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts),
                       void *ctx)
{
    pthread_mutex_lock(&en->lock);
    for (size_t i = 0; i < en->roster.n_order; i++) {
        const known_rule *k = en->roster.known[en->roster.order[i]];
        rule_counts sum = {0};
        ttp_rule_counts c;

        sum_locked(en, k->id, &sum);
        c = (ttp_rule_counts){
            .fires = sum.fires - k->before.fires,
            .suppressed = sum.suppressed - k->before.suppressed,
            .cuts = sum.cuts - k->before.cuts,
            .wakeups = sum.wakeups - k->before.wakeups,
            .verifications = sum.verifications - k->before.verifications,
            .ticks = sum.ticks - k->before.ticks,
        };
        fn(ctx, k->rule_id, &c);
    }
    pthread_mutex_unlock(&en->lock);
}

/* ---- evaluators ---- */

static void let_go(evaluator *e)
{
    e->n_findings = 0;
    e->pinned = snapshot_unref(e->pinned);
    __atomic_store_n(&e->pinned_at, NO_GENERATION, __ATOMIC_RELEASE);
}

static void leave(evaluator *e)
{
    ttp_engine *en = e->engine;

    if (!en)
        return;
    let_go(e);
    pthread_mutex_lock(&en->lock);
    for (size_t i = 0; i < en->n_evaluators; i++) {
        if (en->evaluators[i] != e)
            continue;
        en->evaluators[i] = en->evaluators[--en->n_evaluators];
        break;
    }
    counters_move(&en->departed, &e->counters);
    pthread_mutex_unlock(&en->lock);
    e->engine = NULL;
}

int ttp_evaluator_follow(ttp_evaluator *e, ttp_engine *en)
{
    int rc;

    leave(e);
    if (!en)
        return 0;
    e->pinned_at = NO_GENERATION;
    pthread_mutex_lock(&en->lock);
    rc = mem_grow(en->evaluators, en->cap_evaluators, en->n_evaluators + 1);
    if (!rc) {
        en->evaluators[en->n_evaluators++] = e;
        e->engine = en;
    }
    pthread_mutex_unlock(&en->lock);
    return rc;
}

void ttp_evaluator_idle(ttp_evaluator *e)
{
    if (e->engine)
        let_go(e);
}

uint64_t ttp_evaluator_generation(const ttp_evaluator *e)
{
    return e->pinned ? e->pinned->generation : 0;
}

const snapshot *evaluator_take_snapshot(evaluator *e)
{
    snapshot *old = e->pinned;

    if (__builtin_expect(snapshot_peek(&e->engine->current) == old, 1))
        return old;
    e->n_findings = 0; /* they borrow from it */
    e->pinned = snapshot_pin(&e->engine->current, &e->pinned_at);
    (void)snapshot_unref(old); /* returns NULL */
    return e->pinned;
}

snapshot *evaluator_hold_snapshot(const evaluator *e)
{
    return e->pinned ? snapshot_ref(e->pinned) : NULL;
}
