/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that follows a store (contract: ttp/follow.h). */
#include "store/budget.h"
#include "store/store.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "ttp/follow.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_FIRST_MS 50
#define RETRY_LAST_MS 5000
#define BUDGET_MS 1000 /* between two looks at who is over its budget */
#define REGEX_BUDGET 100
#define DISABLE_S 600
#define TELL_MS 2000 /* between two tellings of what the engine counts */
/* without a change for so long the engine is tidied up */
#define QUIET_MS 2000

struct ttp_follower {
    ttp_store *store;
    ttp_engine *engine;
    ttp_follower_options options;
    ttp_subscription *sub;
    pthread_t thread;
    bool has_thread;
    budget *budget;    /* NULL: there is none */
    int64_t budget_ns; /* when it is looked at again */
    int64_t untidy_ns; /* the last change since the engine was tidied up; 0: none */
    pthread_t tidier;  /* so that no change waits for it */
    bool has_tidier;   /* it is to be joined */
    bool is_tidying;   /* atomic: it is at work */
    int stop_fd;       /* readable when the thread has to end */
    uint64_t sequence; /* atomic */
    counts *told;      /* to the store, of what the engine counts; NULL: it does not ask */
    int64_t tell_ns;   /* when next */
    /* the batch being read; a rule that is new brings its state as a change more */
    ttp_change batch[2 * FOLLOWER_BATCH_MAX];
    size_t n_batch;
};

static int reset_engine(ttp_follower *f, const ttp_store_rules *loaded)
{
    size_t n = ttp_store_rules_count(loaded);
    ttp_rule **rules = calloc(n + 1, sizeof(ttp_rule *));
    ttp_rule_state *states = calloc(n + 1, sizeof(*states));
    int rc = -ENOMEM;

    if (rules && states) {
        for (size_t i = 0; i < n; i++)
            rules[i] = ttp_store_rules_at(loaded, i, &states[i]);
        rc = ttp_engine_reset(f->engine, rules, states, n);
    }
    free(rules);
    free(states);
    return rc;
}

static void set_sequence(ttp_follower *f, uint64_t sequence)
{
    if (sequence > f->sequence)
        __atomic_store_n(&f->sequence, sequence, __ATOMIC_RELEASE);
}

static int load(ttp_follower *f, ttp_err *err)
{
    ttp_store_rules *loaded = NULL;
    int rc = ttp_store_load(f->store, &loaded, err);

    if (rc)
        return rc;
    rc = reset_engine(f, loaded);
    if (rc) {
        (void)err_set(err, rc, NULL, "out of memory"); /* returns its code */
    } else {
        if (f->options.loaded)
            f->options.loaded(f->options.loaded_ctx, loaded);
        ttp_subscription_skip(f->sub, ttp_store_rules_sequence(loaded));
        set_sequence(f, ttp_store_rules_sequence(loaded));
    }
    (void)ttp_store_rules_free(loaded); /* returns NULL */
    return rc;
}

/* Is it time to end? Waits so long for it. */
static bool told_to_stop(const ttp_follower *f, int timeout_ms)
{
    struct pollfd p = {.fd = f->stop_fd, .events = POLLIN};

    return poll(&p, 1, timeout_ms) > 0;
}

/* After a failure, or too many changes behind, all rules are loaded anew, until it works. */
static void load_again(ttp_follower *f)
{
    int wait_ms = RETRY_FIRST_MS;
    ttp_err err = {0};
    char line[1100];

    while (load(f, &err)) {
        log_msg(&f->options.log, TTP_LOG_WARNING,
                "the rules cannot be loaded anew, those in effect stay: %s",
                ttp_err_format(&err, line, sizeof(line)));
        if (told_to_stop(f, wait_ms))
            return;
        wait_ms = wait_ms < RETRY_LAST_MS / 2 ? 2 * wait_ms : RETRY_LAST_MS;
    }
}

/*
 * A rule that is new to the engine may have a state from before, which no change tells of. Where
 * the store has gone on, the states that came since follow in the stream, up to the newest one.
 */
static void add_state(ttp_follower *f, const ttp_change *definition)
{
    ttp_change state = {.kind = TTP_CHANGE_STATE};
    ttp_err err = {0};
    char line[1100];

    memcpy(state.rule_id, definition->rule_id, sizeof(state.rule_id));
    if (ttp_store_get_state(f->store, definition->rule_id, &state.state, &err))
        log_msg(&f->options.log, TTP_LOG_WARNING, "the state of a new rule cannot be read: %s",
                ttp_err_format(&err, line, sizeof(line)));
    else if (state.state.kind != TTP_STATE_ENABLED)
        f->batch[f->n_batch++] = state;
}

/* Take what waits, at most a batch. Returns 0, TTP_E_LIMIT (fell behind) or -errno. */
static int drain(ttp_follower *f)
{
    int rc = 0;

    for (size_t n = 0; n < FOLLOWER_BATCH_MAX; n++) {
        ttp_change *c = &f->batch[f->n_batch];

        rc = ttp_subscription_next(f->sub, 0, c);
        if (rc)
            return rc == TTP_E_END ? 0 : rc;
        f->n_batch++;
        if (c->kind == TTP_CHANGE_DEFINITION && c->rule && !ttp_engine_has(f->engine, c->rule_id))
            add_state(f, c);
    }
    return rc;
}

static void clear_batch(ttp_follower *f)
{
    for (size_t i = 0; i < f->n_batch; i++)
        ttp_change_done(&f->batch[i]);
    f->n_batch = 0;
}

static void take_in(ttp_follower *f)
{
    int rc = drain(f);

    if (!rc && f->n_batch)
        rc = ttp_engine_apply(f->engine, f->batch, f->n_batch);
    for (size_t i = 0; !rc && i < f->n_batch; i++)
        set_sequence(f, f->batch[i].sequence);
    clear_batch(f);
    if (rc == TTP_E_LIMIT)
        log_msg(&f->options.log, TTP_LOG_WARNING,
                "too many changes at once: all rules are loaded anew");
    if (rc)
        load_again(f);
}

static void tell_counts(ttp_follower *f)
{
    follow_tell_counts(f->store, f->engine, f->told);
    f->tell_ns = time_monotonic_ns() + TELL_MS * 1000000LL;
}

static void check_budget(ttp_follower *f)
{
    int64_t now = time_monotonic_ns();

    if (!f->budget || now < f->budget_ns)
        return;
    f->budget_ns = now + BUDGET_MS * 1000000LL;
    budget_check(f->budget, f->engine, f->store, &f->options.log, now);
}

static int make_budget(ttp_follower *f)
{
    uint32_t allowed = f->options.regex_budget, seconds = f->options.budget_disable_s;

    if (allowed == TTP_REGEX_BUDGET_OFF)
        return 0;
    f->budget = budget_new(allowed ? allowed : REGEX_BUDGET, seconds ? seconds : DISABLE_S);
    if (!f->budget)
        return -ENOMEM;
    check_budget(f); /* its window begins */
    return 0;
}

static void *tidy_up(void *arg)
{
    const struct sched_param none = {0};
    ttp_follower *f = arg;

    /* gives way to whom a change wakes, also where the others are of a high priority */
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none); /* goes without, too */
    (void)ttp_engine_tidy(f->engine); /* without memory it stays as it is */
    __atomic_store_n(&f->is_tidying, false, __ATOMIC_RELEASE);
    return NULL;
}

static void end_tidier(ttp_follower *f)
{
    if (f->has_tidier)
        (void)pthread_join(f->tidier, NULL); /* it is ours and not joined yet */
    f->has_tidier = false;
}

/* What changes left behind goes: after a while without one, or when it is too much. */
static void tidy(ttp_follower *f)
{
    bool is_quiet = time_monotonic_ns() - f->untidy_ns >= QUIET_MS * 1000000LL;

    if (!f->untidy_ns || __atomic_load_n(&f->is_tidying, __ATOMIC_ACQUIRE) ||
        !(is_quiet || ttp_engine_is_worn(f->engine)))
        return;
    end_tidier(f);
    f->is_tidying = true;
    f->has_tidier = thread_start(&f->tidier, tidy_up, f) == 0;
    if (!f->has_tidier)
        f->is_tidying = false;
    if (is_quiet)
        f->untidy_ns = 0;
}

static int next_look_ms(const ttp_follower *f)
{
    return f->budget ? BUDGET_MS : f->untidy_ns ? QUIET_MS : f->told ? TELL_MS : -1;
}

static void *follow(void *arg)
{
    ttp_follower *f = arg;
    struct pollfd p[] = {{.fd = ttp_subscription_fd(f->sub), .events = POLLIN},
                         {.fd = f->stop_fd, .events = POLLIN}};

    for (;;) {
        int n = poll(p, 2, next_look_ms(f));

        if (n < 0)
            continue; /* every signal is blocked: only memory can be short, for a while */
        if (p[1].revents)
            return NULL;
        if (n > 0) {
            take_in(f);
            f->untidy_ns = time_monotonic_ns();
        }
        tidy(f);
        check_budget(f);
        if (f->told && time_monotonic_ns() >= f->tell_ns)
            tell_counts(f);
    }
}

static int start_thread(ttp_follower *f)
{
    int rc = thread_start(&f->thread, follow, f);

    f->has_thread = rc == 0;
    return rc;
}

int ttp_follower_open(ttp_store *store, ttp_engine *engine, const ttp_follower_options *options,
                      ttp_follower **ret_follower, ttp_err *err)
{
    ttp_follower *f = calloc(1, sizeof(*f));
    int rc;

    if (!f)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    f->store = store;
    f->engine = engine;
    if (options)
        f->options = *options;
    f->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = f->stop_fd < 0
             ? err_set(err, -errno, NULL, "cannot follow the rule store: %s", strerror(errno))
             : ttp_store_subscribe(store, &f->sub, err);
    if (!rc && store->counts && !(f->told = counts_new()))
        rc = err_set(err, -ENOMEM, NULL, "out of memory");
    if (f->told) /* what was counted before is none of this follower's */
        follow_tell_counts(NULL, engine, f->told);
    if (!rc && (rc = make_budget(f)))
        (void)err_set(err, rc, NULL, "out of memory"); /* returns its code */
    if (!rc)
        rc = load(f, err);
    if (!rc && (rc = start_thread(f)))
        (void)err_set(err, rc, NULL, "cannot start the thread that follows the rule store: %s",
                      strerror(-rc)); /* returns its code */
    if (rc)
        (void)ttp_follower_close(f); /* returns NULL */
    else
        *ret_follower = f;
    return rc;
}

ttp_follower *ttp_follower_close(ttp_follower *f)
{
    uint64_t one = 1;

    if (!f)
        return NULL;
    if (f->has_thread) {
        while (write(f->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
        (void)pthread_join(f->thread, NULL); /* it is ours and not joined yet */
        end_tidier(f);
        if (f->told)
            tell_counts(f);
    }
    (void)budget_free(f->budget);         /* returns NULL */
    (void)counts_free(f->told);           /* returns NULL */
    (void)ttp_subscription_close(f->sub); /* returns NULL */
    if (f->stop_fd >= 0)
        (void)close(f->stop_fd); /* holds nothing */
    free(f);
    return NULL;
}

uint64_t ttp_follower_sequence(const ttp_follower *f)
{
    return __atomic_load_n(&f->sequence, __ATOMIC_ACQUIRE);
}
