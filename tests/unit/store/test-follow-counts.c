/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine counts reaches the counts of the store that it follows. */
#include "ttp/follow.h"
#include "ttp/ledger.h"

#include "../unit.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    char dir[32], path[64];
    ttp_store *store;
    ttp_engine *engine;
    ttp_evaluator *evaluator;
    ttp_follower *follower;
    ttp_event *event;
} fixture;

static void set_up(fixture *f, const char *host)
{
    const char *json = "{\"source_kind\":\"command\",\"source_id\":\"s\",\"attacker_uuid\":\"a\","
                       "\"payload\":{\"command_text\":\"a\"}}";
    FILE *out;
    ttp_err err = {0};
    ttp_store_options options = {.type = "filesystem", .rules_dir = f->dir, .host = host};

    *f = (fixture){.dir = "/tmp/ttp-counts-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/R1.yaml", f->dir);
    out = fopen(f->path, "we");
    assert_non_null(out);
    fprintf(out,
            "{rule_id: R1, rule_version: 1, name: n, applies_to: [command], match: {contains: a}, "
            "emits: [{tactic: TA0002, technique_id: T1059, confidence: 0.5}]}");
    assert_int_equal(fclose(out), 0);
    assert_int_equal(ttp_store_open(&options, &f->store, &err), 0);
    assert_int_equal(ttp_engine_new(NULL, &f->engine), 0);
    f->evaluator = ttp_evaluator_new(NULL);
    assert_int_equal(ttp_evaluator_follow(f->evaluator, f->engine), 0);
    assert_int_equal(ttp_event_from_json(json, strlen(json), &f->event, &err), 0);
}

static void tear_down(fixture *f)
{
    (void)ttp_event_free(f->event);
    (void)ttp_evaluator_free(f->evaluator);
    (void)ttp_engine_free(f->engine);
    (void)ttp_store_close(f->store);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
}

/* Follow, evaluate n events, and end. */
static void evaluate(fixture *f, int n)
{
    assert_int_equal(ttp_follower_open(f->store, f->engine, NULL, &f->follower, NULL), 0);
    for (int i = 0; i < n; i++) {
        size_t n_tags;

        assert_int_equal(ttp_evaluator_run_live(f->evaluator, f->event, &n_tags), 0);
    }
    f->follower = ttp_follower_close(f->follower);
}

static int take(void *ctx, const char *rule_id, const ttp_rule_counts *c)
{
    if (strcmp(rule_id, "R1") == 0)
        *(ttp_rule_counts *)ctx = *c;
    return 0;
}

static void test_told(void **state)
{
    static const ttp_rule_state off = {.kind = TTP_STATE_DISABLED, .expires_at_us = TTP_TIME_NONE};
    ttp_rule_counts c = {0};
    fixture f;

    (void)state;
    set_up(&f, "h");
    evaluate(&f, 3);
    expect_int("counted", ttp_store_counts(f.store, take, &c, NULL), 0);
    expect_int("events it held for", c.fires, 3);
    assert_int_equal(ttp_store_set_state(f.store, "R1", &off, "me", NULL), 0);
    evaluate(&f, 2);
    expect_int("counted", ttp_store_counts(f.store, take, &c, NULL), 0);
    expect_int("not twice by another follower", c.fires, 3);
    expect_int("events it would have held for", c.suppressed, 2);
    tear_down(&f);
    end_rows();
}

static void test_no_host(void **state)
{
    ttp_rule_counts c = {0};
    ttp_err err = {0};
    fixture f;

    (void)state;
    set_up(&f, NULL);
    evaluate(&f, 1);
    expect_int("who has no host keeps none", ttp_store_counts(f.store, take, &c, &err),
               TTP_E_INVALID);
    expect_c("and is told so", err.text,
             "the rule store was opened without a host: it keeps no ledger");
    tear_down(&f);
    end_rows();
}

static const struct {
    const char *says, *host;
    int want;
} hosts[] = {
    {"a name", "h", 0},
    {"an empty one", "", TTP_E_INVALID},
    {"one that is not UTF-8", "a\xff", TTP_E_INVALID},
};

static void test_hosts(void **state)
{
    char longest[256 + 1], too_long[256 + 1], dir[] = "/tmp/ttp-hosts-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(longest, sizeof(longest), "%0255d", 7);
    (void)snprintf(too_long, sizeof(too_long), "%0256d", 7);
    for_each_row(h, hosts)
    {
        const ttp_store_options o = {.type = "filesystem", .rules_dir = dir, .host = h->host};
        ttp_store *store = NULL;

        expect_int(h->says, ttp_store_open(&o, &store, NULL), h->want);
        (void)ttp_store_close(store);
    }
    for (int i = 0; i < 2; i++) {
        const ttp_store_options o = {
            .type = "filesystem", .rules_dir = dir, .host = i ? too_long : longest};
        ttp_store *store = NULL;

        expect_int("255 bytes, and one more", ttp_store_open(&o, &store, NULL),
                   i ? TTP_E_INVALID : 0);
        (void)ttp_store_close(store);
    }
    (void)rmdir(dir); /* empty */
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_told), cmocka_unit_test(test_no_host),
                                       cmocka_unit_test(test_hosts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
