/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench tail: another process changes a rule or a state in a database that eight workers
 * follow; how long until each evaluates by it?
 *
 *     child --state, rule--> database <--asked every 250 ms-- store, follower, engine  (8 times)
 *
 * The yardstick is what issue 3 allows: the poll interval and 20 ms.
 */
#include "cli/bench_load.h"
#include "cli/bench_reload.h"

#include "base/time.h"
#include "db/db.h"
#include "store/database/database.h"
#include "tag/tag.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_WORKERS 8
#define N_CHANGES 64
#define POLL_MS 250
#define ALLOWED_MS (POLL_MS + 20.0)
#define PATIENCE_NS 10000000000LL

/* What the child is asked for. */
typedef struct order {
    unsigned which, version; /* version 0: a state */
    double confidence;
} order;

/* What it answers: when it began and when the database had it; 0: it could not. */
typedef struct answer {
    int64_t begun_ns, done_ns;
} answer;

typedef struct worker {
    ttp_store *store;
    ttp_engine *engine;
    ttp_follower *follower;
    ttp_evaluator *evaluator;
} worker;

typedef struct tail {
    const char *url;
    pid_t child;
    int orders[2], answers[2]; /* pipes */
    ttp_event *events[N_PROBES];
    worker workers[N_WORKERS];
} tail;

/* ---- the other process ---- */

static ttp_store *open_store(const char *url)
{
    const ttp_store_options options = {.type = "database", .db_url = url, .poll_ms = POLL_MS};
    ttp_store *store = NULL;
    ttp_err err = {0};

    if (ttp_store_open(&options, &store, &err))
        (void)cli_fail(&err); /* the caller has a status of its own */
    return store;
}

static int write_rule(ttp_store *store, unsigned which, unsigned version, ttp_err *err)
{
    auto_free(buf) buf text = {0};

    bench_probe_text(which, version, &text);
    return database_upsert_rule(store, buf_str(&text), "bench", "bench", NULL, err);
}

static int obey(ttp_store *store, const order *o, ttp_err *err)
{
    const ttp_rule_state state = {.kind = TTP_STATE_CLIPPED,
                                  .has_confidence_max = true,
                                  .confidence_max = o->confidence,
                                  .expires_at_us = TTP_TIME_NONE};
    char id[16];

    if (o->version)
        return write_rule(store, o->which, o->version, err);
    bench_probe_id(o->which, id);
    return ttp_store_set_state(store, id, &state, "bench", err);
}

static int run_child(const tail *t)
{
    ttp_store *store = NULL;
    ttp_err err = {0};
    order o;

    while (read(t->orders[0], &o, sizeof(o)) == sizeof(o)) {
        answer a = {0};

        if (!store)
            store = open_store(t->url);
        a.begun_ns = time_monotonic_ns();
        if (store && obey(store, &o, &err))
            (void)cli_fail(&err); /* 0 tells the parent */
        else if (store)
            a.done_ns = time_monotonic_ns();
        if (write(t->answers[1], &a, sizeof(a)) != sizeof(a))
            break;
    }
    ttp_store_close(store);
    return 0;
}

/* Before there is any thread. */
static bool start_child(tail *t)
{
    if (pipe(t->orders) || pipe(t->answers))
        return false;
    t->child = fork();
    if (t->child == 0) {
        (void)close(t->orders[1]); /* so that its end is seen */
        _exit(run_child(t));
    }
    (void)close(t->orders[0]);  /* the child's */
    (void)close(t->answers[1]); /* the same */
    return t->child > 0;
}

static void end_child(const tail *t)
{
    if (t->child <= 0)
        return;
    (void)close(t->orders[1]);        /* it ends by that */
    (void)waitpid(t->child, NULL, 0); /* it is ours */
    (void)close(t->answers[0]);       /* only read from */
}

static bool give_order(const tail *t, const order *o, answer *ret_answer)
{
    return write(t->orders[1], o, sizeof(*o)) == sizeof(*o) &&
           read(t->answers[0], ret_answer, sizeof(*ret_answer)) == sizeof(*ret_answer) &&
           ret_answer->done_ns;
}

/* ---- the workers ---- */

static bool open_worker(const char *url, worker *w)
{
    ttp_err err = {0};

    w->store = open_store(url);
    w->evaluator = ttp_evaluator_new(NULL);
    if (!w->store || !w->evaluator || ttp_engine_new(NULL, &w->engine))
        return false;
    if (ttp_follower_open(w->store, w->engine, NULL, &w->follower, &err)) {
        (void)cli_fail(&err); /* the caller has a status of its own */
        return false;
    }
    return ttp_evaluator_follow(w->evaluator, w->engine) == 0;
}

static void close_worker(worker *w)
{
    ttp_evaluator_free(w->evaluator);
    ttp_follower_close(w->follower);
    ttp_engine_free(w->engine);
    ttp_store_close(w->store);
}

static bool sees(const tail *t, const worker *w, const order *o)
{
    char id[16];
    size_t n = 0;

    bench_probe_id(o->which, id);
    if (ttp_evaluator_run_live(w->evaluator, t->events[o->which], &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        const ttp_tag *found = ttp_evaluator_tag(w->evaluator, i);

        if (found && str_eq(found->rule_id, str_from(id)))
            return o->version ? found->rule_version == o->version
                              : found->confidence == o->confidence;
    }
    return false;
}

/* One change; how long each worker took to evaluate by it from when the database had it. */
static bool measure_change(const tail *t, const order *o, int64_t *ret_ns, int64_t *ret_commit_ns)
{
    int64_t until = time_monotonic_ns() + PATIENCE_NS;
    bool seen[N_WORKERS] = {false};
    unsigned n_seen = 0;
    answer a;

    if (!give_order(t, o, &a))
        return false;
    while (n_seen < N_WORKERS && time_monotonic_ns() < until) {
        for (unsigned i = 0; i < N_WORKERS; i++) {
            if (seen[i] || !sees(t, &t->workers[i], o))
                continue;
            ret_ns[i] = time_monotonic_ns() - a.done_ns;
            seen[i] = true;
            n_seen++;
        }
        (void)usleep(200); /* the workers' threads need the cores, too */
    }
    *ret_commit_ns = a.done_ns - a.begun_ns;
    return n_seen == N_WORKERS;
}

static void add_quantiles(bench_report *report, const char *name, const char *what, int64_t *ns,
                          size_t n, double allowed_ms)
{
    for (unsigned i = 0; i < 2; i++) {
        double ms = reload_quantile_ms(ns, n, i ? 0.99 : 0.5);
        char figure[64];

        (void)snprintf(figure, sizeof(figure), "tail, %s, %s%s", name, what, i ? "p99" : "p50");
        bench_add_ratio(report, figure, "ms", ms, allowed_ms, allowed_ms > 0 ? ms / allowed_ms : 0);
    }
}

static bool measure_changes(bench_report *report, const char *name, const tail *t)
{
    static int64_t ns[N_CHANGES * N_WORKERS], commit_ns[N_CHANGES];

    for (unsigned i = 0; i < N_CHANGES; i++) {
        unsigned round = i / N_PROBES;
        const order o = {.which = i % N_PROBES,
                         .version = round % 2 ? 2 + round / 2 : 0,
                         .confidence = 0.4 + round / 100.0};

        if (!measure_change(t, &o, &ns[(size_t)i * N_WORKERS], &commit_ns[i])) {
            fprintf(stderr, "ttp bench: %s: change %u did not arrive\n", name, i);
            return false;
        }
        (void)usleep(1000 * (7919 * i % POLL_MS)); /* out of step with the workers' polls */
    }
    add_quantiles(report, name, "", ns, sizeof(ns) / sizeof(ns[0]), ALLOWED_MS);
    add_quantiles(report, name, "the commit, ", commit_ns, N_CHANGES, 0);
    return true;
}

static bool fill(const char *url)
{
    ttp_store *store = open_store(url);
    ttp_err err = {0};
    bool done = store;

    for (unsigned i = 0; done && i < N_PROBES; i++)
        done = write_rule(store, i, 1, &err) == 0;
    ttp_store_close(store);
    return done;
}

static bool measure_on(bench_report *report, const char *name, const char *url)
{
    tail t = {.url = url};
    bool done = start_child(&t) && bench_probe_events(t.events) && fill(url);

    for (unsigned i = 0; done && i < N_WORKERS; i++)
        done = open_worker(url, &t.workers[i]);
    done = done && measure_changes(report, name, &t);
    for (unsigned i = 0; i < N_WORKERS; i++)
        close_worker(&t.workers[i]);
    end_child(&t);
    for (unsigned i = 0; i < N_PROBES; i++)
        ttp_event_free(t.events[i]);
    return done;
}

/* A database on the server that tests/mariadb/with-mariadb has started. */
static bool measure_mariadb(bench_report *report)
{
    const char *socket = getenv("TTP_TEST_MARIADB");
    char url[512], sql[64];
    db_conn *conn = NULL;
    ttp_err err = {0};
    bool done;

    if (!socket) {
        fprintf(stderr, "ttp bench: SKIP: no MariaDB; run it by tests/mariadb/with-mariadb\n");
        return true;
    }
    (void)snprintf(url, sizeof(url), "mysql://root@localhost/mysql?unix_socket=%s", socket);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE bench_%d", (int)getpid()); /* it fits */
    done = db_open(url, &(db_options){.busy_timeout_ms = 10000}, &conn, &err) == 0 &&
           db_exec(conn, sql, &err) == 0;
    (void)db_close(conn); /* nothing is pending */
    if (!done) {
        (void)cli_fail(&err); /* the caller has a status of its own */
        return false;
    }
    (void)snprintf(url, sizeof(url), "mysql://root@localhost/bench_%d?unix_socket=%s",
                   (int)getpid(), socket);
    return measure_on(report, "8 workers on one MariaDB", url);
}

static bool measure_sqlite(bench_report *report)
{
    char dir[128], path[160];
    bool done;

    if (!bench_make_dir(dir, sizeof(dir)))
        return false;
    (void)snprintf(path, sizeof(path), "%s/ttp.db", dir); /* it fits */
    done = measure_on(report, "8 workers on one SQLite file", path);
    bench_remove_dir(dir);
    return done;
}

int bench_tail(bench_report *report)
{
    /* each has its child started before its threads, and none left when the next begins */
    return measure_sqlite(report) && measure_mariadb(report) ? CLI_DONE : CLI_FAILED;
}
