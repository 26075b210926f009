/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluators on all cores, a writer that does to random rule files and states whatever can be done
 * to them as fast as it can, and a checker:
 *
 *     writer -> directory -> store -> follower -> engine -> evaluators --tags, lo, hi--> checker
 *                              |                                                            |
 *                              +------------ the stream of changes ---> worlds by sequence -+
 *
 * lo: what was in effect before an event was evaluated; hi: what can have been by its end. The
 * event's tags must be those of one world between the two. After the storm the engine must say what
 * one says that starts on the same directory with the same states.
 *
 * TORTURE_SECONDS (5): how long. TORTURE_SEED: what the writer does.
 */
#include "model.h"

#include "base/time.h"
#include "tag/tag.h"
#include "ttp/engine.h"
#include "ttp/follow.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_EVALUATORS_MAX 8
#define RING 1024
#define WORLDS 32768 /* of the last changes; an event that took longer would not be judged */

/* One evaluated event. */
typedef struct record {
    uint64_t lo, hi, generation;
    uint16_t event, n_tags;
    model_tag tags[N_RULES];
} record;

/* One evaluator writes, the checker reads. */
typedef struct ring {
    record records[RING];
    _Atomic uint64_t head, tail; /* written, read */
} ring;

typedef struct torture {
    model model;
    char dir[64];
    ttp_store *store;
    ttp_engine *engine;
    ttp_follower *follower;
    ttp_subscription *sub;
    atomic_bool stop;
    _Atomic uint64_t n_published; /* at least as many as any change that can be in effect */
    ring *rings;
    unsigned n_evaluators;
    /* the writer's: */
    uint64_t random;
    uint32_t version;
    uint64_t n_edits, n_states;
    bool other_name[N_RULES]; /* the file is u00.yaml, not t00.yaml */
    /* the checker's: */
    model_world *worlds; /* by sequence, modulo WORLDS */
    uint64_t last;       /* sequence of the newest */
    uint64_t n_checked, n_wide, n_bad;
} torture;

typedef struct evaluator_thread {
    torture *t;
    unsigned number;
    pthread_t thread;
} evaluator_thread;

static int count_publish(void *ctx, const char *topic, const char *json)
{
    torture *t = ctx;

    (void)topic;
    (void)json;
    atomic_fetch_add(&t->n_published, 1);
    return 0;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- the writer ---- */

static void path_of(const torture *t, unsigned number, bool other, char out[128])
{
    (void)snprintf(out, 128, "%s/%c%02u.yaml", t->dir, other ? 'u' : 't', number); /* it fits */
}

static void write_text(const char *path, str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len || close(fd)) {
        perror(path);
        exit(1);
    }
}

static void write_version(torture *t, unsigned number, bool rename_over)
{
    auto_free(buf) buf text = {0};
    char path[128], beside[140];

    model_put_rule(&text, number, ++t->version);
    path_of(t, number, t->other_name[number], path);
    if (!rename_over) {
        write_text(path, buf_str(&text));
        return;
    }
    (void)snprintf(beside, sizeof(beside), "%s.tmp", path); /* it fits */
    write_text(beside, buf_str(&text));
    if (rename(beside, path)) {
        perror(path);
        exit(1);
    }
}

static void bystander_path(const torture *t, unsigned number, char path[128])
{
    (void)snprintf(path, 128, "%s/s%03u.yaml", t->dir, number); /* it fits */
}

static void write_bystanders(const torture *t)
{
    for (unsigned i = 0; i < N_BYSTANDERS; i++) {
        auto_free(buf) buf text = {0};
        char path[128];

        model_put_bystander(&text, i);
        bystander_path(t, i, path);
        write_text(path, buf_str(&text));
    }
}

static void rename_file(torture *t, unsigned number)
{
    char from[128], to[128];

    path_of(t, number, t->other_name[number], from);
    path_of(t, number, !t->other_name[number], to);
    if (rename(from, to) == 0) /* else it is deleted just now */
        t->other_name[number] = !t->other_name[number];
}

static void break_file(const torture *t, unsigned number)
{
    char path[128];

    path_of(t, number, t->other_name[number], path);
    write_text(path, STR("rule_id: [not, closed\n"));
}

static void delete_file(const torture *t, unsigned number)
{
    char path[128];

    path_of(t, number, t->other_name[number], path);
    (void)unlink(path); /* it may be deleted already */
}

static void change_one_state(torture *t, unsigned number)
{
    uint64_t r = next_random(&t->random);
    ttp_rule_state state = {.kind = (ttp_state_kind)(r % 3), .expires_at_us = TTP_TIME_NONE};
    ttp_err err = {0};
    char id[8];
    int rc;

    model_rule_id(number, id);
    if (state.kind == TTP_STATE_CLIPPED) {
        state.has_confidence_max = true;
        state.confidence_max = 0.375 + (double)(r / 8 % 4) / 8;
    }
    rc = r / 64 % 4 ? ttp_store_set_state(t->store, id, &state, "torture", &err)
                    : ttp_store_clear_state(t->store, id, "torture", &err);
    if (rc) {
        fprintf(stderr, "torture: a state cannot be set: %s\n", err.text);
        exit(1);
    }
    t->n_states++;
}

static void *write_on(void *arg)
{
    torture *t = arg;

    while (!atomic_load(&t->stop)) {
        uint64_t r = next_random(&t->random);
        unsigned number = (unsigned)(r / 1024 % N_RULES);

        switch (r % 16) {
        case 0:
            rename_file(t, number);
            break;
        case 1:
            delete_file(t, number);
            break;
        case 2:
            break_file(t, number);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
            change_one_state(t, number);
            break;
        default:
            write_version(t, number, r & 256);
            break;
        }
        t->n_edits++;
    }
    return NULL;
}

/* ---- the evaluators ---- */

static void take_tags(ttp_evaluator *e, size_t n, record *r)
{
    r->n_tags = 0;
    for (size_t i = 0; i < n && i < N_RULES; i++) {
        const ttp_tag *t = ttp_evaluator_tag(e, i);
        int number = t ? model_rule_number(t->rule_id.ptr) : -1;

        if (number >= 0)
            r->tags[r->n_tags++] =
                (model_tag){(uint32_t)t->rule_version, (uint16_t)number, (float)t->confidence};
    }
    if (n > N_RULES)
        r->n_tags = UINT16_MAX; /* some rule twice */
}

static bool run_once(torture *t, ttp_evaluator *e, unsigned which, record *r)
{
    size_t n;

    r->event = (uint16_t)which;
    r->lo = ttp_follower_sequence(t->follower);
    if (ttp_evaluator_run_live(e, t->model.events[which], &n))
        return false;
    take_tags(e, n, r);
    r->generation = ttp_evaluator_generation(e);
    r->hi = atomic_load(&t->n_published);
    return true;
}

static void *evaluate(void *arg)
{
    evaluator_thread *me = arg;
    torture *t = me->t;
    ring *q = &t->rings[me->number];
    uint64_t random = 88172645463325252u + me->number;
    ttp_evaluator *e = NULL;

    while (!atomic_load(&t->stop)) {
        uint64_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
        uint64_t r = next_random(&random);

        if (head - atomic_load_explicit(&q->tail, memory_order_acquire) == RING) {
            (void)sched_yield(); /* the checker is behind */
            continue;
        }
        if (e && r / 64 % 4096 == 0)
            e = ttp_evaluator_free(e); /* comes and goes */
        if (!e) {
            e = ttp_evaluator_new(NULL);
            if (!e || ttp_evaluator_follow(e, t->engine))
                abort();
        }
        if (r / 64 % 512 == 1)
            ttp_evaluator_idle(e);
        if (!run_once(t, e, (unsigned)(r % N_EVENTS), &q->records[head % RING]))
            abort();
        atomic_store_explicit(&q->head, head + 1, memory_order_release);
    }
    (void)ttp_evaluator_free(e); /* returns NULL */
    return NULL;
}

/* ---- the checker ---- */

static bool same_tags(const record *r, const model_tag *tags, size_t n)
{
    uint64_t seen = 0;

    if (r->n_tags != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (k < n && tags[k].rule != r->tags[i].rule)
            k++;
        if (k == n || (seen & (1ull << k)) || tags[k].version != r->tags[i].version ||
            tags[k].confidence != r->tags[i].confidence)
            return false;
        seen |= 1ull << k;
    }
    return true;
}

static void print_tags(const char *says, const model_tag *tags, size_t n)
{
    fprintf(stderr, "  %s:", says);
    for (size_t i = 0; i < n && i < N_RULES; i++)
        fprintf(stderr, " T%02u/%u(%g)", tags[i].rule, tags[i].version, (double)tags[i].confidence);
    fputc('\n', stderr);
}

static void print_bad(const torture *t, const record *r)
{
    model_tag tags[N_RULES];
    size_t n = model_tags(&t->model, &t->worlds[r->lo % WORLDS], r->event, tags);

    fprintf(stderr, "torture: event %u by snapshot %llu has tags of no world from %llu to %llu\n",
            r->event, (unsigned long long)r->generation, (unsigned long long)r->lo,
            (unsigned long long)r->hi);
    print_tags("got", r->tags, r->n_tags);
    print_tags("first", tags, n);
    n = model_tags(&t->model, &t->worlds[r->hi % WORLDS], r->event, tags);
    print_tags("last", tags, n);
}

static void check_record(torture *t, const record *r)
{
    t->n_checked++;
    t->n_wide += r->hi > r->lo;
    for (uint64_t at = r->lo; at <= r->hi; at++) {
        model_tag tags[N_RULES];
        size_t n = model_tags(&t->model, &t->worlds[at % WORLDS], r->event, tags);

        if (same_tags(r, tags, n))
            return;
    }
    if (t->n_bad++ < 5)
        print_bad(t, r);
}

static void take_changes(torture *t)
{
    ttp_change c;
    int rc;

    while ((rc = ttp_subscription_next(t->sub, 0, &c)) == 0) {
        model_world *next = &t->worlds[(t->last + 1) % WORLDS];

        if (c.sequence != t->last + 1) {
            fprintf(stderr, "torture: change %llu follows %llu\n", (unsigned long long)c.sequence,
                    (unsigned long long)t->last);
            t->n_bad++;
        }
        *next = t->worlds[t->last % WORLDS];
        model_change(next, &c);
        t->last++;
        ttp_change_done(&c);
    }
    if (rc == TTP_E_LIMIT) {
        fprintf(stderr, "torture: the checker fell behind the store\n");
        exit(1);
    }
}

/* Records whose hi has been heard of; all others wait. Returns how many were checked. */
static size_t check_ring(torture *t, ring *q)
{
    uint64_t head = atomic_load_explicit(&q->head, memory_order_acquire), tail = q->tail;
    size_t n = 0;

    while (tail < head && q->records[tail % RING].hi <= t->last) {
        const record *r = &q->records[tail % RING];

        if (r->lo + WORLDS / 2 < t->last) {
            fprintf(stderr, "torture: an event took more than %d changes\n", WORLDS / 2);
            exit(1);
        }
        check_record(t, r);
        atomic_store_explicit(&q->tail, ++tail, memory_order_release);
        n++;
    }
    return n;
}

static size_t check_all(torture *t)
{
    size_t n = 0;

    take_changes(t);
    for (unsigned i = 0; i < t->n_evaluators; i++)
        n += check_ring(t, &t->rings[i]);
    return n;
}

/* ---- before and after ---- */

static bool open_all(torture *t)
{
    ttp_store_options options = {
        .type = "filesystem",
        .rules_dir = t->dir,
        .publish = count_publish,
        .publish_ctx = t,
    };
    ttp_store_rules *rules = NULL;
    ttp_err err = {0};

    if (ttp_store_open(&options, &t->store, &err) || ttp_store_subscribe(t->store, &t->sub, &err) ||
        ttp_store_load(t->store, &rules, &err) || ttp_engine_new(NULL, &t->engine) ||
        ttp_follower_open(t->store, t->engine, NULL, &t->follower, &err)) {
        fprintf(stderr, "torture: cannot begin: %s\n", err.text);
        return false;
    }
    t->last = ttp_store_rules_sequence(rules);
    ttp_subscription_skip(t->sub, t->last);
    for (size_t i = 0; i < N_RULES; i++)
        t->worlds[t->last % WORLDS].rules[i].confidence_max = 1;
    for (size_t i = 0; i < ttp_store_rules_count(rules); i++) {
        ttp_rule_state state;
        const rule *r = ttp_store_rules_at(rules, i, &state);

        model_load(&t->worlds[t->last % WORLDS], r, &state);
    }
    (void)ttp_store_rules_free(rules); /* returns NULL */
    return t->last == atomic_load(&t->n_published);
}

/* All that was written is in effect. */
static bool settle(torture *t)
{
    int64_t until = time_monotonic_ns() + 30 * 1000000000LL;
    ttp_store_rules *rules = NULL;
    ttp_err err;
    uint64_t sequence;

    if (ttp_store_load(t->store, &rules, &err))
        return false;
    sequence = ttp_store_rules_sequence(rules);
    (void)ttp_store_rules_free(rules); /* returns NULL */
    while (ttp_follower_sequence(t->follower) < sequence || t->last < sequence) {
        (void)check_all(t); /* whether there was something or not */
        (void)usleep(1000); /* it may be cut short */
        if (time_monotonic_ns() > until)
            return false;
    }
    return true;
}

/* An engine that starts on the directory as it is, with the states as they are. */
static ttp_engine *fresh_start(torture *t)
{
    ttp_store_options options = {.type = "filesystem", .rules_dir = t->dir};
    ttp_rule_state states[N_RULES + N_BYSTANDERS];
    ttp_rule *rules[N_RULES + N_BYSTANDERS];
    ttp_store_rules *loaded = NULL;
    ttp_engine *engine = NULL;
    ttp_store *store = NULL;
    ttp_err err = {0};
    size_t n = 0;
    bool done = ttp_store_open(&options, &store, &err) == 0 &&
                ttp_store_load(store, &loaded, &err) == 0 && ttp_engine_new(NULL, &engine) == 0;

    for (size_t i = 0; done && i < ttp_store_rules_count(loaded); i++) {
        rules[n] = ttp_store_rules_at(loaded, i, NULL);
        done = ttp_store_get_state(t->store, rules[n]->rule_id.ptr, &states[n], &err) == 0;
        n++;
    }
    done = done && ttp_engine_reset(engine, rules, states, n) == 0;
    ttp_store_rules_free(loaded);
    ttp_store_close(store);
    if (done)
        return engine;
    fprintf(stderr, "torture: no fresh start: %s\n", err.text);
    return ttp_engine_free(engine);
}

static bool tags_of(torture *t, ttp_engine *engine, unsigned which, record *r)
{
    ttp_evaluator *e = ttp_evaluator_new(NULL);
    bool done = e && ttp_evaluator_follow(e, engine) == 0 && run_once(t, e, which, r);

    ttp_evaluator_free(e);
    return done;
}

/* The engine after the storm, the fresh one and the model say the same. */
static void compare_fresh(torture *t)
{
    ttp_engine *fresh = fresh_start(t);
    model_tag tags[N_RULES];
    record r = {0};

    for (unsigned e = 0; fresh && e < N_EVENTS; e++) {
        size_t n = model_tags(&t->model, &t->worlds[t->last % WORLDS], e, tags);

        for (unsigned k = 0; k < 2; k++) {
            if (tags_of(t, k ? fresh : t->engine, e, &r) && same_tags(&r, tags, n))
                continue;
            t->n_bad++;
            fprintf(stderr, "torture: after the storm, event %u, %s start\n", e,
                    k ? "fresh" : "the old");
            print_tags("got", r.tags, r.n_tags);
            print_tags("want", tags, n);
        }
    }
    t->n_bad += !fresh;
    ttp_engine_free(fresh);
}

static void storm(torture *t, unsigned seconds)
{
    int64_t until = time_monotonic_ns() + (int64_t)seconds * 1000000000;
    evaluator_thread evaluators[N_EVALUATORS_MAX] = {0};
    pthread_t writer;

    for (unsigned i = 0; i < t->n_evaluators; i++) {
        evaluators[i] = (evaluator_thread){.t = t, .number = i};
        if (pthread_create(&evaluators[i].thread, NULL, evaluate, &evaluators[i]))
            abort();
    }
    if (pthread_create(&writer, NULL, write_on, t))
        abort();
    while (time_monotonic_ns() < until && t->n_bad == 0)
        if (check_all(t) == 0)
            (void)sched_yield(); /* cannot fail here */
    atomic_store(&t->stop, true);
    (void)pthread_join(writer, NULL); /* it was started */
    for (unsigned i = 0; i < t->n_evaluators; i++)
        (void)pthread_join(evaluators[i].thread, NULL); /* the same */
}

static unsigned from_env(const char *name, unsigned otherwise)
{
    const char *value = getenv(name);
    unsigned long n = value ? strtoul(value, NULL, 10) : 0;

    return n && n < UINT32_MAX ? (unsigned)n : otherwise;
}

static unsigned n_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 2 ? 2 : n > N_EVALUATORS_MAX ? N_EVALUATORS_MAX : (unsigned)n;
}

static void end_all(torture *t)
{
    ttp_follower_close(t->follower);
    ttp_engine_free(t->engine);
    ttp_subscription_close(t->sub);
    ttp_store_close(t->store);
    for (unsigned i = 0; i < N_BYSTANDERS; i++) {
        char path[128];

        bystander_path(t, i, path);
        (void)unlink(path); /* what is left is there to be looked at */
    }
    for (unsigned i = 0; i < N_RULES; i++) {
        delete_file(t, i);
        t->other_name[i] = !t->other_name[i];
        delete_file(t, i);
    }
    (void)rmdir(t->dir); /* what is left in it is there to be looked at */
    model_done(&t->model);
    free(t->rings);
    free(t->worlds);
}

int main(void)
{
    static torture t;
    unsigned seconds = from_env("TORTURE_SECONDS", 5);

    t.random = from_env("TORTURE_SEED", (unsigned)time_now_us() | 1);
    fprintf(stderr, "torture: %u s, TORTURE_SEED=%llu\n", seconds, (unsigned long long)t.random);
    t.n_evaluators = n_cores();
    t.rings = calloc(t.n_evaluators, sizeof(*t.rings));
    t.worlds = calloc(WORLDS, sizeof(*t.worlds));
    (void)snprintf(t.dir, sizeof(t.dir), "/tmp/ttp-torture-XXXXXX"); /* it fits */
    if (!t.rings || !t.worlds || !model_init(&t.model) || !mkdtemp(t.dir))
        return 1;
    for (unsigned i = 0; i < N_RULES; i++)
        write_version(&t, i, false);
    write_bystanders(&t);
    if (!open_all(&t))
        return 1;
    storm(&t, seconds);
    for (unsigned i = 0; i < N_RULES; i += 2)
        write_version(&t, i, i % 4); /* some files are gone, and stay so */
    for (unsigned i = 1; i < N_RULES; i += 2)
        delete_file(&t, i);
    if (!settle(&t)) {
        fprintf(stderr, "torture: what was written does not come into effect\n");
        t.n_bad++;
    }
    compare_fresh(&t);
    fprintf(stderr,
            "torture: %llu events checked, %llu of them beside a change, %llu changes, %llu "
            "writes of which %llu states, %llu bad\n",
            (unsigned long long)t.n_checked, (unsigned long long)t.n_wide,
            (unsigned long long)t.last, (unsigned long long)t.n_edits,
            (unsigned long long)t.n_states, (unsigned long long)t.n_bad);
    end_all(&t);
    return t.n_bad != 0 || t.n_checked == 0 || t.n_wide == 0;
}
