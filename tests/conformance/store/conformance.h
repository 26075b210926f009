/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a backend brings so that the suite can run against it: a place of its own per test, and a
 * way to change its rules from outside, as another process would. A test calls fixture_open once or
 * more (several workers on one place).
 */
#include "store/store.h"

#include "../../unit/unit.h"

/* Generous: it is only waited for in full where something is wrong. */
#define WAIT_MS 20000

typedef struct fixture fixture;

typedef struct backend {
    const char *name;
    const char *type; /* as ttp_store_options has it */
    bool is_private;  /* nobody else can change its rules, and they end with the store */
    /* Returns 0, or the reason why it cannot run here. */
    const char *(*set_up)(fixture *f);
    void (*tear_down)(fixture *f);
    /* Point the options at the fixture's place. */
    void (*choose)(fixture *f, ttp_store_options *o);
    void (*put_rule)(fixture *f, const char *rule_id, const char *text);
    void (*delete_rule)(fixture *f, const char *rule_id);
} backend;

struct fixture {
    const backend *backend;
    char place[512];  /* a directory or database of this test's */
    ttp_store *store; /* the one that was opened last */
};

extern const backend backend_filesystem;
extern const backend backend_sqlite;
extern const backend backend_memory;
extern const backend backend_mariadb;

/* A rule that loads; version tells one text from another. */
static inline const char *rule_text(char text[512], const char *rule_id, int version)
{
    (void)snprintf(text, 512,
                   "rule_id: %s\nrule_version: %d\nname: x\napplies_to: command\n"
                   "match: {pattern: 'x%d'}\n"
                   "emits: [{tactic: TA0007, technique_id: T1083, confidence: 1}]\n",
                   rule_id, version, version);
    return text;
}

static inline void put_version(fixture *f, const char *rule_id, int version)
{
    char text[512];

    f->backend->put_rule(f, rule_id, rule_text(text, rule_id, version));
}

static inline ttp_store *fixture_open_with(fixture *f, ttp_store_options o)
{
    ttp_store *store = NULL;
    ttp_err err = {0};
    char line[1200];
    int rc;

    f->backend->choose(f, &o);
    o.type = f->backend->type;
    rc = ttp_store_open(&o, &store, &err);
    if (rc)
        fail_msg("cannot open: %d, %s", rc, ttp_err_format(&err, line, sizeof(line)));
    f->store = store;
    return store;
}

static inline ttp_store *fixture_open(fixture *f)
{
    return fixture_open_with(f, (ttp_store_options){0});
}

static inline ttp_subscription *subscribe(ttp_store *store)
{
    ttp_subscription *sub = NULL;

    assert_int_equal(ttp_store_subscribe(store, &sub, NULL), 0);
    return sub;
}

static inline ttp_store_rules *load(ttp_store *store)
{
    ttp_store_rules *rules = NULL;

    assert_int_equal(ttp_store_load(store, &rules, NULL), 0);
    return rules;
}

/* "definition R1 v2", "definition R1 deleted", "state R1 disabled", "lagged", "nothing" */
static inline const char *describe_next(ttp_subscription *sub, int timeout_ms, char text[160])
{
    ttp_change c = {0};
    int rc = ttp_subscription_next(sub, timeout_ms, &c);

    if (rc)
        (void)snprintf(text, 160, "%s",
                       rc == TTP_E_END     ? "nothing"
                       : rc == TTP_E_LIMIT ? "lagged"
                                           : strerror(-rc));
    else if (c.kind == TTP_CHANGE_STATE)
        (void)snprintf(text, 160, "state %s %s", c.rule_id, state_kind_name(c.state.kind));
    else if (!c.rule)
        (void)snprintf(text, 160, "definition %s deleted", c.rule_id);
    else
        (void)snprintf(text, 160, "definition %s v%d", ttp_rule_id(c.rule),
                       (int)ttp_rule_version(c.rule));
    ttp_change_done(&c);
    return text;
}

/* expect_c looks at its argument more than once */
#define expect_next(says, sub, want)                                                               \
    do {                                                                                           \
        char text_[160];                                                                           \
        const char *next_ = describe_next(sub, WAIT_MS, text_);                                    \
        expect_c(says, next_, want);                                                               \
    } while (0)

/* All that was done before has arrived: a load waits for it. Then nothing more may be there. */
#define expect_quiet(says, store, sub)                                                             \
    do {                                                                                           \
        char text_[160];                                                                           \
        const char *next_;                                                                         \
        (void)ttp_store_rules_free(load(store));                                                   \
        next_ = describe_next(sub, 0, text_);                                                      \
        expect_c(says, next_, "nothing");                                                          \
    } while (0)

/* The rules of a load as "A v1, B v2". */
static inline const char *describe_rules(const ttp_store_rules *rules, buf *b)
{
    for (size_t i = 0; i < ttp_store_rules_count(rules); i++) {
        const ttp_rule *r = ttp_store_rules_at(rules, i, NULL);

        buf_printf(b, "%s%s v%d", i ? ", " : "", ttp_rule_id(r), (int)ttp_rule_version(r));
    }
    return buf_c_str(b);
}

#define expect_rules(says, store, want)                                                            \
    do {                                                                                           \
        auto_free(buf) buf b_ = {0};                                                               \
        ttp_store_rules *rules_ = load(store);                                                     \
        const char *have_ = describe_rules(rules_, &b_);                                           \
        expect_c(says, have_, want);                                                               \
        (void)ttp_store_rules_free(rules_);                                                        \
    } while (0)
