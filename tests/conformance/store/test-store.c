/* SPDX-License-Identifier: Apache-2.0 */
/* What every rule store promises. Usage: test-store BACKEND */
#include "conformance.h"

#include "base/limits.h"
#include "base/time.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

static const backend *const backends[] = {
    &backend_filesystem,
    &backend_sqlite,
    &backend_memory,
#ifdef HAVE_MARIADB
    &backend_mariadb,
#endif
};
static const backend *chosen;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    const char *why;

    assert_non_null(f);
    f->backend = chosen;
    why = chosen->set_up(f);
    if (why)
        print_error("%s\n", why);
    *state = f;
    return why ? -1 : 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    f->backend->tear_down(f);
    free(f);
    return 0;
}

static ttp_rule_state make_state(ttp_state_kind kind)
{
    ttp_rule_state s = state_default;

    s.kind = kind;
    return s;
}

static void test_unknown_rule(void **state)
{
    ttp_store *store = fixture_open(*state);
    ttp_rule_state s = make_state(TTP_STATE_DISABLED);

    expect_int("of an unknown rule", ttp_store_get_state(store, "NOBODY", &s, NULL), 0);
    expect_int("it is the default", memcmp(&s, &state_default, sizeof(s)), 0);
    expect_int("of what is no rule_id", ttp_store_get_state(store, "a.b'; --", &s, NULL), 0);
    expect_int("clearing one", ttp_store_clear_state(store, "NOBODY", "me", NULL), 0);
    (void)ttp_store_close(store);
    end_rows();
}

static const struct {
    const char *says;
    ttp_rule_state s;
} round_trips[] = {
    {"a plain state, all else absent",
     {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE}},
    {"enabled is a state as well", {.kind = TTP_STATE_ENABLED, .expires_at_us = TTP_TIME_NONE}},
    {"clipped, everything there",
     {.kind = TTP_STATE_CLIPPED,
      .has_confidence_max = true,
      .confidence_max = 0.1,
      .expires_at_us = 4102444800123456,
      .has_reason = true,
      .reason = "noisy \"on\" h\xc3\xb6st; DROP TABLE ttp_rule_state"}},
    {"an empty reason is not an absent one, and 0 not an absent number",
     {.kind = TTP_STATE_CLIPPED,
      .has_confidence_max = true,
      .confidence_max = 0,
      .expires_at_us = TTP_TIME_NONE,
      .has_reason = true}},
    {"the largest confidence",
     {.kind = TTP_STATE_CLIPPED,
      .has_confidence_max = true,
      .confidence_max = 1,
      .expires_at_us = TTP_TIME_NONE}},
};

static void expect_state(const char *says, const ttp_rule_state *got, const ttp_rule_state *want)
{
    expect_int(says, got->kind, want->kind);
    expect_int(says, got->has_confidence_max, want->has_confidence_max);
    if (want->has_confidence_max)
        expect_true(says, got->confidence_max == want->confidence_max);
    expect_int(says, got->expires_at_us, want->expires_at_us);
    expect_int(says, got->has_reason, want->has_reason);
    if (want->has_reason)
        expect_c(says, got->reason, want->reason);
}

static void test_round_trip(void **state)
{
    ttp_store *store = fixture_open(*state);
    ttp_rule_state other = make_state(TTP_STATE_DISABLED), got;

    expect_int("another rule's", ttp_store_set_state(store, "OTHER", &other, "them", NULL), 0);
    for_each_row(c, round_trips)
    {
        int64_t before_us = time_now_us();

        expect_int(c->says, ttp_store_set_state(store, "R1", &c->s, "me", NULL), 0);
        expect_int(c->says, ttp_store_get_state(store, "R1", &got, NULL), 0);
        expect_state(c->says, &got, &c->s);
        expect_c(c->says, got.set_by, "me");
        expect_true(c->says, got.set_at_us >= before_us && got.set_at_us <= time_now_us());
        expect_int(c->says, ttp_store_get_state(store, "OTHER", &got, NULL), 0);
        expect_state("no other rule is touched", &got, &other);
        expect_c("nor who set it", got.set_by, "them");
    }
    expect_int("clearing", ttp_store_clear_state(store, "R1", "me", NULL), 0);
    expect_int("then", ttp_store_get_state(store, "R1", &got, NULL), 0);
    expect_state("it is the default", &got, &state_default);
    (void)ttp_store_close(store);
    end_rows();
}

static const struct {
    const char *says, *rule_id;
    ttp_rule_state s;
} refused[] = {
    {"no such kind", "R1", {.kind = (ttp_state_kind)7, .expires_at_us = TTP_TIME_NONE}},
    {"a kind below all", "R1", {.kind = (ttp_state_kind)-1, .expires_at_us = TTP_TIME_NONE}},
    {"a confidence above 1", "R1", {.has_confidence_max = true, .confidence_max = 7}},
    {"a confidence below 0", "R1", {.has_confidence_max = true, .confidence_max = -0.001}},
    {"a confidence that is none", "R1", {.has_confidence_max = true, .confidence_max = NAN}},
    {"a reason that is no text", "R1", {.has_reason = true, .reason = "\xff\xfe"}},
    {"a time nobody can write", "R1", {.expires_at_us = INT64_MAX}},
    {"an empty rule_id", "", {.kind = TTP_STATE_DISABLED}},
    {"a rule_id of two topic tokens", "a.b", {.kind = TTP_STATE_DISABLED}},
    {"a rule_id of 65 characters",
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     {.kind = TTP_STATE_DISABLED}},
};

static void test_refused(void **state)
{
    ttp_store *store = fixture_open(*state);
    ttp_subscription *sub = subscribe(store);
    char long_name[129];
    ttp_rule_state got, good = make_state(TTP_STATE_DISABLED);
    ttp_err err;

    for_each_row(c, refused)
    {
        err = (ttp_err){0};
        expect_int(c->says, ttp_store_set_state(store, c->rule_id, &c->s, "me", &err),
                   TTP_E_INVALID);
        expect_true(c->says, strstr(err.text, "expected") || strstr(err.text, "UTF-8"));
        expect_int(c->says, ttp_store_get_state(store, c->rule_id, &got, NULL), 0);
        expect_state("nothing changed", &got, &state_default);
    }
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[128] = 0;
    expect_int("a name of 128 bytes", ttp_store_set_state(store, "R1", &good, long_name, NULL),
               TTP_E_INVALID);
    expect_quiet("and no change was announced", store, sub);
    expect_int("a name of 127 bytes", ttp_store_set_state(store, "R1", &good, long_name + 1, NULL),
               0);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_five_edits(void **state)
{
    fixture *f = *state;
    ttp_store *store = fixture_open(f);
    ttp_subscription *sub = subscribe(store);
    char id[8], want[64];

    for (int i = 1; i <= 5; i++) {
        (void)snprintf(id, sizeof(id), "R%d", i);
        put_version(f, id, i);
    }
    for (int i = 1; i <= 5; i++) {
        (void)snprintf(want, sizeof(want), "definition R%d v%d", i, i);
        expect_next("five rules, five changes, in order", sub, want);
    }
    for (int i = 1; i <= 5; i++) {
        ttp_rule_state s = make_state(i % 2 ? TTP_STATE_DISABLED : TTP_STATE_ENABLED);

        expect_int("set", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    }
    for (int i = 1; i <= 5; i++)
        expect_next("five states of one rule, five changes", sub,
                    i % 2 ? "state R1 disabled" : "state R1 enabled");
    expect_quiet("and no sixth", store, sub);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_definitions(void **state)
{
    fixture *f = *state;
    ttp_store *store;
    ttp_subscription *sub;

    put_version(f, "R1", 1);
    put_version(f, "R2", 1);
    store = fixture_open(f);
    sub = subscribe(store);
    expect_rules("what is there at start", store, "R1 v1, R2 v1");
    put_version(f, "R1", 2);
    expect_next("an edit", sub, "definition R1 v2");
    put_version(f, "R1", 2);
    expect_quiet("the same again is no change", store, sub);
    f->backend->delete_rule(f, "R1");
    expect_next("a removal", sub, "definition R1 deleted");
    expect_rules("it is gone", store, "R2 v1");
    put_version(f, "R1", 2);
    expect_next("it comes again", sub, "definition R1 v2");
    expect_rules("in its old place", store, "R1 v2, R2 v1");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static const struct {
    const char *says, *text;
    int want;
} bad_rules[] = {
    {"broken YAML", "rule_id: [\n", TTP_E_SYNTAX},
    {"a regex that does not compile",
     "rule_id: BAD\nrule_version: 9\nname: x\napplies_to: command\nmatch: {pattern: '('}\n"
     "emits: [{tactic: TA0007, technique_id: T1083, confidence: 1}]\n",
     TTP_E_SYNTAX},
    {"a confidence of 7",
     "rule_id: BAD\nrule_version: 9\nname: x\napplies_to: command\nmatch: {pattern: x}\n"
     "emits: [{tactic: TA0007, technique_id: T1083, confidence: 7}]\n",
     TTP_E_INVALID},
    {"a malformed technique id",
     "rule_id: BAD\nrule_version: 9\nname: x\napplies_to: command\nmatch: {pattern: x}\n"
     "emits: [{tactic: TA0007, technique_id: T10, confidence: 1}]\n",
     TTP_E_INVALID},
    {"a rule that fails its own test",
     "rule_id: BAD\nrule_version: 9\nname: x\napplies_to: command\nmatch: {pattern: x}\n"
     "emits: [{tactic: TA0007, technique_id: T1083, confidence: 1}]\n"
     "tests: {match: [{command_text: y}]}\n",
     TTP_E_INVALID},
};

static void expect_diagnostic(const char *says, ttp_store *store, int code, bool runs_last_good)
{
    ttp_store_rules *rules = load(store);
    const ttp_diagnostic *d = ttp_store_rules_diagnostic(rules, 0);

    expect_int(says, ttp_store_rules_n_diagnostics(rules), 1);
    if (d) {
        expect_int(says, d->err.code, code);
        expect_int(says, d->runs_last_good, runs_last_good);
        expect_true(says, d->err.text[0]);
    }
    expect_true("none beyond the last", !ttp_store_rules_diagnostic(rules, 1));
    (void)ttp_store_rules_free(rules);
}

static void test_bad_rules(void **state)
{
    fixture *f = *state;

    for_each_row(c, bad_rules)
    {
        ttp_store *store;
        ttp_subscription *sub;

        put_version(f, "GOOD", 1);
        f->backend->put_rule(f, "BAD", c->text);
        store = fixture_open(f);
        sub = subscribe(store);
        expect_rules(c->says, store, "GOOD v1");
        expect_diagnostic("reported at start", store, c->want, false);
        put_version(f, "BAD", 1);
        expect_next("mended", sub, "definition BAD v1");
        f->backend->put_rule(f, "BAD", c->text);
        expect_quiet("a bad edit is no change", store, sub);
        expect_rules("the last good version runs on", store, "BAD v1, GOOD v1");
        expect_diagnostic("and it is reported", store, c->want, true);
        put_version(f, "BAD", 2);
        expect_next("mended again", sub, "definition BAD v2");
        f->backend->delete_rule(f, "BAD");
        expect_next("gone", sub, "definition BAD deleted");
        (void)ttp_subscription_close(sub);
        (void)ttp_store_close(store);
    }
    end_rows();
}

static void test_gate_off(void **state)
{
    fixture *f = *state;
    ttp_store *store;

    f->backend->put_rule(f, "BAD", bad_rules[4].text);
    store = fixture_open_with(f, (ttp_store_options){.no_gate = true});
    expect_rules("without the gate it is live", store, "BAD v9");
    (void)ttp_store_close(store);
    end_rows();
}

#define N_THREADS 8

static void *get_expired(void *store)
{
    ttp_rule_state s;

    if (ttp_store_get_state(store, "R1", &s, NULL) || s.kind != TTP_STATE_ENABLED)
        return store; /* not NULL: wrong */
    return NULL;
}

static void test_expiry(void **state)
{
    ttp_store *store = fixture_open(*state);
    ttp_subscription *sub = subscribe(store);
    ttp_rule_state s = make_state(TTP_STATE_DISABLED);
    pthread_t threads[N_THREADS];

    s.expires_at_us = time_now_us() - 1;
    expect_int("set", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    expect_next("announced as it was set", sub, "state R1 disabled");
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_expired, store), 0);
    for (int i = 0; i < N_THREADS; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        expect_true("each gets the default", !wrong);
    }
    expect_next("one revert", sub, "state R1 enabled");
    expect_quiet("and no other", store, sub);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_expired_in_load(void **state)
{
    fixture *f = *state;
    ttp_store *store;
    ttp_rule_state s = make_state(TTP_STATE_DISABLED);
    ttp_store_rules *rules;

    put_version(f, "R1", 1);
    store = fixture_open(f);
    s.expires_at_us = time_now_us() - 1;
    expect_int("set", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    rules = load(store);
    assert_non_null(ttp_store_rules_at(rules, 0, &s));
    expect_int("an expired state is as if it were not there", s.kind, TTP_STATE_ENABLED);
    (void)ttp_store_rules_free(rules);
    (void)ttp_store_close(store);
    end_rows();
}

typedef struct bus {
    int rc;
    char topic[128], json[1024];
} bus;

static int publish(void *ctx, const char *topic, const char *json)
{
    bus *b = ctx;

    (void)snprintf(b->topic, sizeof(b->topic), "%s", topic);
    (void)snprintf(b->json, sizeof(b->json), "%s", json);
    return b->rc;
}

static void test_publication(void **state)
{
    bus b = {.rc = -ENOTCONN};
    ttp_store *store =
        fixture_open_with(*state, (ttp_store_options){.publish = publish, .publish_ctx = &b});
    ttp_subscription *sub = subscribe(store);
    ttp_rule_state s = make_state(TTP_STATE_CLIPPED), got;
    ttp_err err = {0};

    s.has_confidence_max = true;
    s.confidence_max = 0.5;
    expect_int("a bus that fails", ttp_store_set_state(store, "R1", &s, "me", &err), -ENOTCONN);
    expect_true("is said", strstr(err.text, "publish"));
    expect_int("get", ttp_store_get_state(store, "R1", &got, NULL), 0);
    expect_state("and nothing changed", &got, &state_default);
    expect_quiet("for nobody", store, sub);
    b.rc = 0;
    expect_int("it is back", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    expect_c("topic", b.topic, "ttp.rule.state.R1");
    expect_true("payload", strstr(b.json, "{\"kind\":\"state\",\"rule_id\":\"R1\","
                                          "\"rule_version\":null,\"deleted\":false,\"state\":"
                                          "{\"state\":\"clipped\",\"confidence_max\":0.5,"
                                          "\"expires_at\":null,\"reason\":null,"
                                          "\"set_by\":\"me\",\"set_at\":\"") == b.json);
    expect_next("one change", sub, "state R1 clipped");
    b.rc = -ENOTCONN;
    expect_int("clearing fails as well", ttp_store_clear_state(store, "R1", "me", NULL), -ENOTCONN);
    expect_int("get", ttp_store_get_state(store, "R1", &got, NULL), 0);
    expect_state("and the state is kept", &got, &s);
    expect_quiet("no change", store, sub);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_reload_topic(void **state)
{
    bus b = {.rc = -ENOTCONN};
    fixture *f = *state;
    ttp_store *store =
        fixture_open_with(f, (ttp_store_options){.publish = publish, .publish_ctx = &b});
    ttp_subscription *sub = subscribe(store);

    put_version(f, "R1", 3);
    expect_next("an edit arrives although the bus is away", sub, "definition R1 v3");
    expect_quiet("once", store, sub);
    expect_c("topic", b.topic, "ttp.rule.reloaded.R1");
    expect_c("payload", b.json,
             "{\"kind\":\"definition\",\"rule_id\":\"R1\",\"rule_version\":3,\"deleted\":false,"
             "\"state\":null}");
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_pollable(void **state)
{
    ttp_store *store = fixture_open(*state);
    ttp_subscription *sub = subscribe(store);
    struct pollfd p = {.fd = ttp_subscription_fd(sub), .events = POLLIN};
    ttp_rule_state s = make_state(TTP_STATE_DISABLED);

    expect_int("nothing waits", poll(&p, 1, 0), 0);
    expect_int("set", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    expect_int("set", ttp_store_set_state(store, "R2", &s, "me", NULL), 0);
    expect_int("something does", poll(&p, 1, WAIT_MS), 1);
    expect_next("the first", sub, "state R1 disabled");
    expect_int("one more", poll(&p, 1, WAIT_MS), 1);
    expect_next("the second", sub, "state R2 disabled");
    expect_int("no more", poll(&p, 1, 0), 0);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_lag(void **state)
{
    ttp_store *store = fixture_open(*state);
    ttp_subscription *slow = subscribe(store), *quick = subscribe(store),
                     *cancelled = subscribe(store);
    ttp_rule_state s = make_state(TTP_STATE_DISABLED);
    unsigned n_wrong = 0;
    ttp_store_rules *rules;
    const char *got;
    char text[160];

    for (unsigned i = 0; i < STORE_QUEUE_MAX; i++) {
        n_wrong += ttp_store_set_state(store, "R1", &s, "me", NULL) != 0;
        n_wrong += strcmp(describe_next(quick, WAIT_MS, text), "state R1 disabled") != 0;
    }
    expect_int("who keeps up gets all", n_wrong, 0);
    expect_next("so many may wait", slow, "state R1 disabled");
    for (int i = 0; i < 2; i++)
        expect_int("two more", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    cancelled = ttp_subscription_close(cancelled);
    expect_next("one too many: it is told", slow, "lagged");
    got = describe_next(slow, 0, text);
    expect_c("once", got, "nothing");
    rules = load(store);
    ttp_subscription_skip(slow, ttp_store_rules_sequence(rules));
    (void)ttp_store_rules_free(rules);
    s.kind = TTP_STATE_CLIPPED;
    expect_int("the next", ttp_store_set_state(store, "R1", &s, "me", NULL), 0);
    expect_next("arrives at who was late", slow, "state R1 clipped");
    for (int i = 0; i < 2; i++)
        expect_next("and at who was not", quick, "state R1 disabled");
    expect_next("in its turn", quick, "state R1 clipped");
    (void)ttp_subscription_close(slow);
    (void)ttp_subscription_close(quick);
    (void)ttp_store_close(store);
    end_rows();
}

#define N_SETS 40

typedef struct crowd {
    ttp_store *store;
    int number;
    atomic_int *n_wrong;
    ttp_subscription *sub;
} crowd;

static void *write_states(void *arg)
{
    crowd *c = arg;
    char id[16], who[16];

    (void)snprintf(id, sizeof(id), "W%d", c->number);
    for (int i = 0; i < N_SETS; i++) {
        ttp_rule_state s = make_state(TTP_STATE_CLIPPED);

        s.has_confidence_max = true;
        s.confidence_max = i / 100.0;
        (void)snprintf(who, sizeof(who), "w%d", i);
        *c->n_wrong += ttp_store_set_state(c->store, id, &s, who, NULL) != 0;
        *c->n_wrong += ttp_store_get_state(c->store, id, &s, NULL) != 0;
        *c->n_wrong += strcmp(s.set_by, who) != 0;
    }
    return NULL;
}

/* Every change once, numbered without a gap, each writer's in its order; a load in between. */
static void *read_states(void *arg)
{
    crowd *c = arg;
    int seen[N_THREADS] = {0};
    uint64_t last = 0;

    for (int i = 0; i < N_THREADS * N_SETS; i++) {
        ttp_change change = {0};
        int writer;

        if (ttp_subscription_next(c->sub, WAIT_MS, &change)) {
            ++*c->n_wrong;
            return NULL;
        }
        writer = change.rule_id[1] - '0';
        *c->n_wrong += change.state.confidence_max != seen[writer]++ / 100.0;
        *c->n_wrong += last && change.sequence != last + 1;
        last = change.sequence;
        ttp_change_done(&change);
        if (i == 20 * c->number)
            (void)ttp_store_rules_free(load(c->store));
    }
    return NULL;
}

static void test_crowd(void **state)
{
    ttp_store *store = fixture_open(*state);
    crowd readers[N_THREADS], writers[N_THREADS];
    pthread_t threads[2 * N_THREADS];
    atomic_int n_wrong = 0;

    for (int i = 0; i < N_THREADS; i++) {
        readers[i] = writers[i] = (crowd){store, i, &n_wrong, NULL};
        readers[i].sub = subscribe(store);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[2 * i], NULL, write_states, &writers[i]), 0);
        assert_int_equal(pthread_create(&threads[2 * i + 1], NULL, read_states, &readers[i]), 0);
    }
    for (int i = 0; i < 2 * N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        (void)ttp_subscription_close(readers[i].sub);
    expect_int("8 writers, 8 readers, every change once and in order", n_wrong, 0);
    (void)ttp_store_close(store);
    end_rows();
}

#define N_RACED 60

static void *edit_rules(void *arg)
{
    char id[16];

    for (int i = 0; i < N_RACED; i++) {
        (void)snprintf(id, sizeof(id), "E%02d", i);
        put_version(arg, id, i + 1);
    }
    return NULL;
}

/* Load, skip, follow, while rules come in: the sum must be each of them once. */
static void test_load_and_follow(void **state)
{
    fixture *f = *state;
    ttp_store *store = fixture_open(f);
    ttp_subscription *sub = subscribe(store);
    pthread_t editor;
    ttp_store_rules *rules;
    size_t n;
    unsigned seen[N_RACED] = {0};

    assert_int_equal(pthread_create(&editor, NULL, edit_rules, f), 0);
    rules = load(store);
    ttp_subscription_skip(sub, ttp_store_rules_sequence(rules));
    n = ttp_store_rules_count(rules);
    for (size_t i = 0; i < n; i++)
        seen[ttp_rule_version(ttp_store_rules_at(rules, i, NULL)) - 1]++;
    (void)ttp_store_rules_free(rules);
    for (; n < N_RACED; n++) {
        ttp_change c = {0};

        assert_int_equal(ttp_subscription_next(sub, WAIT_MS, &c), 0);
        assert_non_null(c.rule);
        seen[ttp_rule_version(c.rule) - 1]++;
        ttp_change_done(&c);
    }
    assert_int_equal(pthread_join(editor, NULL), 0);
    for (int i = 0; i < N_RACED; i++)
        expect_int("each rule once, by load or by change", seen[i], 1);
    expect_quiet("and nothing twice", store, sub);
    (void)ttp_subscription_close(sub);
    (void)ttp_store_close(store);
    end_rows();
}

static void test_order_is_kept(void **state)
{
    fixture *f = *state;
    ttp_store *store;

    put_version(f, "A", 1);
    put_version(f, "B", 1);
    put_version(f, "C", 1);
    store = fixture_open(f);
    expect_rules("at start", store, "A v1, B v1, C v1");
    put_version(f, "B", 2);
    put_version(f, "A", 2);
    expect_rules("an edit keeps a rule's place", store, "A v2, B v2, C v1");
    (void)ttp_store_close(store);
    end_rows();
}

static void test_unknown_type(void **state)
{
    ttp_store *store = NULL;
    ttp_err err = {0};

    (void)state;
    expect_int("a type nobody knows",
               ttp_store_open(&(ttp_store_options){.type = "etcd"}, &store, &err), TTP_E_INVALID);
    expect_true("the known ones are listed", strstr(err.text, chosen->type));
    assert_int_equal(setenv("DECNET_TTP_RULE_STORE_TYPE", "redis", 1), 0);
    expect_int("by the environment", ttp_store_open(NULL, &store, &err), TTP_E_INVALID);
    expect_true("it is quoted", strstr(err.text, "redis"));
    assert_int_equal(unsetenv("DECNET_TTP_RULE_STORE_TYPE"), 0);
    end_rows();
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
/* rules are changed behind the store's back, or are there before it */
#define OUTSIDE(test)                                                                              \
    {                                                                                              \
#test, test, set_up, tear_down, &(bool)                                                    \
        {                                                                                          \
            true                                                                                   \
        }                                                                                          \
    }

static int choose_backend(const char *name)
{
    fixture probe = {0};
    const char *why;

    for (size_t i = 0; name && i < sizeof(backends) / sizeof(backends[0]); i++)
        if (strcmp(backends[i]->name, name) == 0)
            chosen = backends[i];
    if (!chosen) {
        fprintf(stderr, "usage: test-store BACKEND\n");
        return 2;
    }
    probe.backend = chosen;
    why = chosen->set_up(&probe);
    if (why) {
        printf("SKIP: %s: %s\n", name, why);
        return 77;
    }
    chosen->tear_down(&probe);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        EACH(test_unknown_rule),
        EACH(test_round_trip),
        EACH(test_refused),
        EACH(test_five_edits),
        OUTSIDE(test_definitions),
        OUTSIDE(test_bad_rules),
        OUTSIDE(test_gate_off),
        EACH(test_expiry),
        OUTSIDE(test_expired_in_load),
        EACH(test_publication),
        OUTSIDE(test_reload_topic),
        EACH(test_pollable),
        EACH(test_lag),
        EACH(test_crowd),
        EACH(test_load_and_follow),
        OUTSIDE(test_order_is_kept),
        EACH(test_unknown_type),
    };
    struct CMUnitTest run[sizeof(tests) / sizeof(tests[0])];
    int status = choose_backend(argc > 1 ? argv[1] : NULL);
    size_t n = 0;

    for (size_t i = 0; !status && i < sizeof(tests) / sizeof(tests[0]); i++)
        if (!chosen->is_private || !tests[i].initial_state)
            run[n++] = tests[i];
    return status ? status : _cmocka_run_group_tests(chosen->name, run, n, NULL, NULL);
}
