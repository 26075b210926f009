/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: each call with its n-th allocation failing leaves everything as it was, or is done; and
 * what a subscription held is freed with it. Only what we allocate ourselves fails and is counted.
 */
#include "../../conformance/store/conformance.h"
#include "../../conformance/store/files.h"

#include <errno.h>
#include <stdatomic.h>

static atomic_long allowed = -1; /* allocations until one fails; negative: none fails */
static atomic_long n_live;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static bool fails(void)
{
    return allowed >= 0 && atomic_fetch_sub(&allowed, 1) == 0;
}

static void *count(void *p)
{
    n_live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : p ? __real_realloc(p, size) : count(__real_realloc(p, size));
}

void __wrap_free(void *p)
{
    n_live -= p != NULL;
    __real_free(p);
}

typedef struct site {
    char dir[64];
    ttp_store *store;
    ttp_subscription *sub;
} site;

static int accept_all(void *ctx, const char *topic, const char *json)
{
    (void)ctx;
    (void)topic;
    (void)json;
    return 0;
}

static void put(const site *s, const char *rule_id, int version)
{
    char text[512], name[96];

    (void)snprintf(name, sizeof(name), "%s.yaml", rule_id);
    write_path(path_in(s->dir, name), rule_text(text, rule_id, version));
}

static int open_site(site *s, uint32_t reconcile_ms)
{
    const ttp_store_options o = {.type = "filesystem",
                                 .rules_dir = s->dir,
                                 .publish = accept_all,
                                 .reconcile_ms = reconcile_ms};

    s->sub = ttp_subscription_close(s->sub);
    s->store = ttp_store_close(s->store);
    return ttp_store_open(&o, &s->store, NULL) || ttp_store_subscribe(s->store, &s->sub, NULL);
}

static int set_up(void **state)
{
    site *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/ttp-memory.XXXXXX");
    *state = s;
    if (!mkdtemp(s->dir))
        return -1;
    put(s, "R1", 1);
    return open_site(s, 200);
}

static int tear_down(void **state)
{
    site *s = *state;

    allowed = -1;
    (void)ttp_subscription_close(s->sub); /* returns NULL */
    (void)ttp_store_close(s->store);      /* returns NULL */
    remove_tree(s->dir);
    free(s);
    return 0;
}

static int set(site *s)
{
    ttp_rule_state state = state_default;

    state.kind = TTP_STATE_DISABLED;
    return ttp_store_set_state(s->store, "R1", &state, "me", NULL);
}

static int set_unknown(site *s)
{
    ttp_rule_state state = state_default;

    state.kind = TTP_STATE_CLIPPED;
    return ttp_store_set_state(s->store, "NEW", &state, "me", NULL);
}

static int clear(site *s)
{
    return ttp_store_clear_state(s->store, "R1", "me", NULL);
}

static const struct {
    const char *says, *rule_id;
    int (*call)(site *s);
    ttp_state_kind before, after;
    const char *change;
} calls[] = {
    {"a state is set", "R1", set, TTP_STATE_ENABLED, TTP_STATE_DISABLED, "state R1 disabled"},
    {"a state is cleared", "R1", clear, TTP_STATE_DISABLED, TTP_STATE_ENABLED, "state R1 enabled"},
    {"a state of an unknown rule", "NEW", set_unknown, TTP_STATE_ENABLED, TTP_STATE_CLIPPED,
     "state NEW clipped"},
};

/* After a failure nothing has changed; after a success a subscriber knows, or knows that it lags.
 */
static void expect_outcome(const char *says, site *s, const char *rule_id, int rc,
                           ttp_state_kind kind, const char *change)
{
    ttp_rule_state got;
    char text[160];
    const char *next = describe_next(s->sub, 0, text);

    expect_int(says, ttp_store_get_state(s->store, rule_id, &got, NULL), 0);
    expect_int(says, got.kind, kind);
    if (rc)
        expect_c(says, next, "nothing");
    else if (strcmp(next, "lagged") != 0)
        expect_c(says, next, change);
}

static void test_states(void **state)
{
    site *s = *state;

    for_each_row(c, calls)
    {
        int rc = -ENOMEM;
        long n = 0;

        for (; rc && n < 100; n++) {
            allowed = n;
            rc = c->call(s);
            allowed = -1;
            if (rc)
                expect_int(c->says, rc, -ENOMEM);
            expect_outcome(c->says, s, c->rule_id, rc, rc ? c->before : c->after, c->change);
        }
        expect_int("it is done in the end", rc, 0);
        expect_true("something was tried", n > 2);
    }
    end_rows();
}

static void test_subscribe_and_load(void **state)
{
    site *s = *state;
    int rc = -ENOMEM;

    for (long n = 0; rc && n < 100; n++) {
        ttp_subscription *sub = NULL;

        allowed = n;
        rc = ttp_store_subscribe(s->store, &sub, NULL);
        allowed = -1;
        if (rc)
            expect_int("subscribe", rc, -ENOMEM);
        (void)ttp_subscription_close(sub); /* returns NULL */
    }
    expect_int("subscribed in the end", rc, 0);
    for (int i = 0; i < 2; i++)
        put(s, i ? "BAD1" : "BAD2", 1);
    rc = -ENOMEM;
    for (long n = 0; rc && n < 10000; n++) {
        ttp_store_rules *rules = NULL;

        allowed = n;
        rc = ttp_store_load(s->store, &rules, NULL);
        allowed = -1;
        if (rc)
            expect_int("load", rc, -ENOMEM);
        (void)ttp_store_rules_free(rules); /* returns NULL */
    }
    expect_int("loaded in the end", rc, 0);
    end_rows();
}

/* What is the sum of a load and all changes since? "lagged" makes it a load again. */
static int follow_until(site *s, const char *rule_id, int64_t version)
{
    for (int i = 0; i < 400; i++) {
        ttp_store_rules *rules = load(s->store);
        int64_t got = 0;

        for (size_t k = 0; k < ttp_store_rules_count(rules); k++) {
            const ttp_rule *r = ttp_store_rules_at(rules, k, NULL);

            if (strcmp(ttp_rule_id(r), rule_id) == 0)
                got = ttp_rule_version(r);
        }
        (void)ttp_store_rules_free(rules); /* returns NULL */
        if (got == version)
            return 0;
        (void)usleep(20000); /* a short sleep is waited for again */
    }
    return -1;
}

/*
 * A file that is looked at while memory runs out is neither lost nor half taken: it is looked at
 * again. The rule that stands there all the time must never seem deleted.
 */
static void test_files(void **state)
{
    site *s = *state;
    int version = 1;
    bool deleted = false;

    for (long n = 0; n < 40; n += 1 + n / 8) {
        ttp_change c = {0};

        allowed = n;
        version++;
        put(s, "R1", version);
        for (int i = 0; i < 40 && allowed >= 0; i++)
            (void)usleep(500); /* until the thread has met the failure, or had no need to */
        allowed = -1;
        expect_int("the edit is taken in in the end", follow_until(s, "R1", version), 0);
        while (ttp_subscription_next(s->sub, 0, &c) == 0) {
            deleted |= c.kind == TTP_CHANGE_DEFINITION && !c.rule;
            ttp_change_done(&c);
        }
    }
    expect_true("it was never deleted", !deleted);
    end_rows();
}

#define N_WAITING 20000

static void test_queue_is_freed(void **state)
{
    site *s = *state;
    ttp_subscription *slow;
    long before, waiting;
    int n_wrong = 0;

    /* no comparison in between, whose memory would be counted */
    expect_int("open", open_site(s, 3600000), 0);
    expect_int("set", set(s), 0);
    s->sub = ttp_subscription_close(s->sub);
    (void)ttp_store_rules_free(load(s->store)); /* the thread rests; returns NULL */
    before = n_live;
    slow = subscribe(s->store);
    for (int i = 0; i < N_WAITING; i++)
        n_wrong += set(s) != 0;
    expect_int("all are set", n_wrong, 0);
    waiting = n_live - before;
    expect_true("so many wait", waiting >= N_WAITING);
    (void)ttp_subscription_close(slow); /* returns NULL */
    expect_int("none of it is left", n_live - before, 0);
    for (int i = 0; i < N_WAITING; i++)
        n_wrong += set(s) != 0;
    expect_int("and nothing gathers where nobody listens", n_live - before, 0);
    end_rows();
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_states),
        EACH(test_subscribe_and_load),
        EACH(test_files),
        EACH(test_queue_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
