/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules change at random: what an engine made step by step gives is what an index made anew gives,
 * also while other threads evaluate.
 */
#include "swap.h"

#include <pthread.h>

#define BATCH_MAX 4

static void apply_random(ttp_engine *en, model *m, rng *r)
{
    ttp_change batch[BATCH_MAX] = {0};
    size_t n = 1 + below(r, BATCH_MAX);

    for (size_t i = 0; i < n; i++)
        batch[i] = random_change(m, r);
    assert_int_equal(ttp_engine_apply(en, batch, n), 0);
    for (size_t i = 0; i < n; i++)
        rule_unref(batch[i].rule);
}

static ttp_engine *engine_of(const model *m)
{
    ttp_engine *en = NULL;
    ttp_change *all = calloc(m->n, sizeof(*all));

    assert_int_equal(ttp_engine_new(NULL, &en), 0);
    for (unsigned i = 0; i < m->n; i++) {
        all[i].rule = m->rules[i];
        (void)snprintf(all[i].rule_id, sizeof(all[i].rule_id), "R%04u", i);
    }
    assert_int_equal(ttp_engine_apply(en, all, m->n), 0);
    free(all);
    return en;
}

static const struct {
    const char *says;
    unsigned n_rules, n_steps;
} sizes[] = {
    {"few rules, whose tables are built each time", 30, 400},
    {"many, whose tables are edited, until there are too many holes", 450, 500},
};

static void test_steps(void **state)
{
    evaluator *plain = evaluator_new(NULL, NULL);

    (void)state;
    for_each_row(c, sizes)
    {
        rng r = {c->n_rules};
        model m = model_new(c->n_rules);
        evaluator *live = evaluator_new(NULL, NULL);
        size_t n_bytes = 0;
        ttp_engine *en;

        for (unsigned i = 0; i < m.n; i++)
            m.rules[i] = random_rule(&r, i);
        en = engine_of(&m);
        assert_int_equal(ttp_evaluator_follow(live, en), 0);
        for (unsigned step = 0; step < c->n_steps && !n_bad_rows; step++) {
            engine_index *ix;

            apply_random(en, &m, &r);
            ix = model_index(&m);
            for (unsigned i = 0; i < 12; i++) {
                auto_free(buf) buf got = {0}, want = {0};
                ttp_event *ev = random_event(&r);

                put_live(&got, live, ev);
                put_expected(&want, &m, plain, ix, ev);
                expect_bytes(c->says, got.ptr ? got.ptr : "", got.len,
                             want.len ? buf_c_str(&want) : "");
                n_bytes += got.len;
                ttp_event_free(ev);
            }
            engine_index_unref(ix);
        }
        expect_true("there was something to compare", n_bytes > 1000);
        evaluator_free(live);
        ttp_engine_free(en);
        model_done(&m);
    }
    evaluator_free(plain);
    end_rows();
}

/* ---- tidied up meanwhile ---- */

typedef struct tidier {
    ttp_engine *engine;
    bool stop; /* atomic */
    bool failed;
} tidier;

static void *tidy_up(void *arg)
{
    tidier *t = arg;

    while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED))
        t->failed |= ttp_engine_tidy(t->engine) != 0;
    return NULL;
}

static void compare_once(const model *m, evaluator *live, evaluator *plain, rng *r)
{
    engine_index *ix = model_index(m);

    for (unsigned i = 0; i < 4; i++) {
        auto_free(buf) buf got = {0}, want = {0};
        ttp_event *ev = random_event(r);

        put_live(&got, live, ev);
        put_expected(&want, m, plain, ix, ev);
        expect_bytes("the tags are those of an index made anew", got.ptr ? got.ptr : "", got.len,
                     want.len ? buf_c_str(&want) : "");
        ttp_event_free(ev);
    }
    engine_index_unref(ix);
}

static void test_beside_tidying(void **state)
{
    enum {
        N_STEPS = 250
    };
    evaluator *plain = evaluator_new(NULL, NULL), *live = evaluator_new(NULL, NULL);
    rng r = {5};
    model m = model_new(400);
    tidier t = {0};
    pthread_t thread;

    (void)state;
    for (unsigned i = 0; i < m.n; i++)
        m.rules[i] = random_rule(&r, i);
    t.engine = engine_of(&m);
    assert_int_equal(ttp_evaluator_follow(live, t.engine), 0);
    assert_int_equal(pthread_create(&thread, NULL, tidy_up, &t), 0);
    for (unsigned step = 0; step < N_STEPS && !n_bad_rows; step++) {
        apply_random(t.engine, &m, &r);
        compare_once(&m, live, plain, &r);
    }
    __atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_true("tidying did not fail", !t.failed);
    expect_true("it took place", ttp_engine_generation(t.engine) > 2 + N_STEPS);
    compare_once(&m, live, plain, &r);
    evaluator_free(live);
    evaluator_free(plain);
    ttp_engine_free(t.engine);
    model_done(&m);
    end_rows();
}

/* ---- under load ---- */

#define N_THREADS 3
#define N_EVENTS 48
#define N_SWAPS 250
#define SEEN_MAX 20000

typedef struct seen {
    uint32_t generation, event;
    uint64_t hash;
} seen;

typedef struct load {
    ttp_engine *engine;
    ttp_event *const *events;
    const bool *stop; /* atomic */
    seen seen[SEEN_MAX];
    size_t n_seen;
    bool is_wrong; /* a generation that was not current meanwhile */
} load;

static uint64_t hash_bytes(const buf *b)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < b->len; i++)
        hash = (hash ^ (unsigned char)b->ptr[i]) * 1099511628211u;
    return hash;
}

static void *evaluate_on(void *arg)
{
    load *l = arg;
    evaluator *e = evaluator_new(NULL, NULL);
    uint64_t last = 0;

    assert_int_equal(ttp_evaluator_follow(e, l->engine), 0);
    for (uint32_t i = 0; !__atomic_load_n(l->stop, __ATOMIC_RELAXED); i++) {
        uint64_t from = ttp_engine_generation(l->engine), generation;
        auto_free(buf) buf b = {0};

        put_live(&b, e, l->events[i % N_EVENTS]);
        generation = ttp_evaluator_generation(e);
        l->is_wrong |= generation < from || generation > ttp_engine_generation(l->engine) ||
                       generation < last;
        last = generation;
        if (l->n_seen < SEEN_MAX)
            l->seen[l->n_seen++] = (seen){(uint32_t)generation, i % N_EVENTS, hash_bytes(&b)};
        if (i % 100 == 99)
            ttp_evaluator_idle(e);
    }
    evaluator_free(e);
    return NULL;
}

/* The hashes of all events' tags in one generation. */
static void expect_hashes(const model *m, ttp_event *const *events, uint64_t *hashes)
{
    evaluator *e = evaluator_new(NULL, NULL);
    engine_index *ix = model_index(m);

    for (unsigned i = 0; i < N_EVENTS; i++) {
        auto_free(buf) buf b = {0};

        put_expected(&b, m, e, ix, events[i]);
        hashes[i] = hash_bytes(&b);
    }
    engine_index_unref(ix);
    evaluator_free(e);
}

static void test_under_load(void **state)
{
    static load loads[N_THREADS];
    static uint64_t hashes[N_SWAPS + 8][N_EVENTS];
    ttp_event *events[N_EVENTS];
    pthread_t threads[N_THREADS];
    bool stop = false;
    rng r = {77};
    model m = model_new(60);
    ttp_engine *en;
    size_t n_generations = 0;

    (void)state;
    for (unsigned i = 0; i < m.n; i++)
        m.rules[i] = random_rule(&r, i);
    for (unsigned i = 0; i < N_EVENTS; i++)
        events[i] = random_event(&r);
    en = engine_of(&m);
    expect_hashes(&m, events, hashes[ttp_engine_generation(en)]);
    for (unsigned i = 0; i < N_THREADS; i++) {
        loads[i] = (load){.engine = en, .events = events, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, evaluate_on, &loads[i]), 0);
    }
    for (unsigned i = 0; i < N_SWAPS; i++) {
        apply_random(en, &m, &r);
        expect_hashes(&m, events, hashes[ttp_engine_generation(en)]);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        const load *l = &loads[i];

        expect_true("each went by a snapshot that was current meanwhile", !l->is_wrong);
        for (size_t k = 0; k < l->n_seen && !n_bad_rows; k++) {
            expect_true("the tags are that snapshot's",
                        l->seen[k].hash == hashes[l->seen[k].generation][l->seen[k].event]);
            n_generations += k && l->seen[k].generation != l->seen[k - 1].generation;
        }
    }
    expect_true("many snapshots were met", n_generations > 20);
    for (unsigned i = 0; i < N_EVENTS; i++)
        ttp_event_free(events[i]);
    ttp_engine_free(en);
    model_done(&m);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_beside_tidying),
        cmocka_unit_test(test_under_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
