/* SPDX-License-Identifier: Apache-2.0 */
/* The spans of a state change, alike for every backend: they are the core's. */
#include "store/store.h"

#include "../telemetry/spans.h"
#include "../unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct site {
    char dir[64];
    int bus_rc;
    span_notes notes;
    ttp_trace hooks;
    ttp_store *store;
} site;

static int publish(void *ctx, const char *topic, const char *json)
{
    (void)topic;
    (void)json;
    return *(const int *)ctx;
}

static const char *const types[] = {"filesystem", "database"};

static void open_site(site *s, const char *type, bool has_bus, bool has_trace)
{
    ttp_store_options o = {.type = type, .rules_dir = s->dir, .db_url = ":memory:"};

    s->bus_rc = 0;
    s->hooks = noting(&s->notes);
    o.publish = has_bus ? publish : NULL;
    o.publish_ctx = &s->bus_rc;
    o.trace = has_trace ? &s->hooks : NULL;
    assert_int_equal(ttp_store_open(&o, &s->store, NULL), 0);
}

static void expect_noted(const char *says, site *s, const char *want)
{
    char text[4096];
    const char *got = noted(&s->notes, text);

    expect_c(says, got, want);
}

static int disable(site *s, const char *rule_id)
{
    ttp_rule_state state = state_default;

    state.kind = TTP_STATE_DISABLED;
    return ttp_store_set_state(s->store, rule_id, &state, "me", NULL);
}

#define BEGUN                                                                                      \
    "+1<0 ttp.rule.state.change rule_id=R1; +2<1 ttp.store.write_state rule_id=R1; "               \
    "+3<1 ttp.rule.publish rule_id=R1; "

static void test_spans(void **state)
{
    site *s = *state;

    for_each_row(type, types)
    {
        open_site(s, *type, true, true);
        expect_int(*type, disable(s, "R1"), 0);
        expect_noted("a state set", s, BEGUN "-3=0; -2=0; -1=0");
        s->bus_rc = -ENOTCONN;
        expect_int(*type, disable(s, "R1"), -ENOTCONN);
        expect_noted("a bus that fails", s, BEGUN "-3=-107; -2=-107; -1=-107");
        s->bus_rc = 0;
        expect_int(*type, ttp_store_clear_state(s->store, "R1", "me", NULL), 0);
        expect_noted("a state cleared", s, BEGUN "-3=0; -2=0; -1=0");
        expect_int(*type, disable(s, "a.b"), TTP_E_INVALID);
        expect_noted("what is refused at the door has no span", s, "");
        s->store = ttp_store_close(s->store);
    }
    end_rows();
}

static void test_no_bus(void **state)
{
    site *s = *state;

    open_site(s, "filesystem", false, true);
    expect_int("set", disable(s, "R1"), 0);
    expect_noted("nothing is published", s,
                 "+1<0 ttp.rule.state.change rule_id=R1; +2<1 ttp.store.write_state rule_id=R1; "
                 "-2=0; -1=0");
    s->store = ttp_store_close(s->store);
    end_rows();
}

static void test_bound_when_called(void **state)
{
    site *s = *state;

    open_site(s, "filesystem", true, false);
    expect_int("set", disable(s, "R1"), 0);
    expect_noted("nobody listens", s, "");
    ttp_store_set_trace(s->store, &s->hooks);
    expect_int("set", disable(s, "R1"), 0);
    expect_noted("hooks that came after the store was opened", s, BEGUN "-3=0; -2=0; -1=0");
    ttp_store_set_trace(s->store, NULL);
    expect_int("set", disable(s, "R1"), 0);
    expect_noted("hooks that went", s, "");
    s->store = ttp_store_close(s->store);
    end_rows();
}

static void test_file(void **state)
{
    site *s = *state;
    char path[128];
    ttp_store_rules *rules = NULL;
    FILE *f;

    open_site(s, "filesystem", true, true);
    (void)snprintf(path, sizeof(path), "%s/a.yaml", s->dir);
    f = fopen(path, "we");
    assert_non_null(f);
    fputs("{rule_id: A, rule_version: 1, name: a, applies_to: command, match: {pattern: a},"
          " emits: [{technique_id: T1083}]}",
          f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(ttp_store_load(s->store, &rules, NULL), 0);
    (void)ttp_store_rules_free(rules);
    expect_noted("an edited file is published on its own", s,
                 "+1<0 ttp.rule.publish rule_id=A; -1=0");
    s->store = ttp_store_close(s->store);
    assert_int_equal(unlink(path), 0);
    end_rows();
}

#define N_THREADS 4

static void *set_many(void *arg)
{
    for (int i = 0; i < 50; i++)
        (void)disable(arg, "R1"); /* counted by its spans */
    return NULL;
}

/* Counts instead of notes: every publication must have a parent of its own. */
typedef struct counts {
    pthread_mutex_t lock;
    uint64_t last;
    unsigned n_orphans, n_publications, n_open;
    bool is_change[4096], has_publication[4096];
} counts;

static uint64_t count_begin(void *ctx, const char *name, uint64_t parent,
                            const ttp_trace_attribute *attributes, size_t n)
{
    counts *c = ctx;
    uint64_t id;

    (void)attributes;
    (void)n;
    pthread_mutex_lock(&c->lock);
    id = ++c->last;
    c->n_open++;
    c->is_change[id] = strcmp(name, "ttp.rule.state.change") == 0;
    if (strcmp(name, "ttp.rule.publish") == 0) {
        c->n_publications++;
        c->n_orphans += !c->is_change[parent] || c->has_publication[parent];
        c->has_publication[parent] = true;
    }
    pthread_mutex_unlock(&c->lock);
    return id;
}

static void count_end(void *ctx, uint64_t span, int status)
{
    counts *c = ctx;

    (void)span;
    pthread_mutex_lock(&c->lock);
    c->n_open--;
    c->n_orphans += status != 0;
    pthread_mutex_unlock(&c->lock);
}

static void test_threads(void **state)
{
    static counts c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const ttp_trace hooks = {count_begin, count_end, &c};
    site *s = *state;
    pthread_t threads[N_THREADS];

    open_site(s, "filesystem", true, false);
    ttp_store_set_trace(s->store, &hooks);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, set_many, s), 0);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect_int("each is published", c.n_publications, N_THREADS * 50);
    expect_int("inside of its own change", c.n_orphans, 0);
    expect_int("and all have ended", c.n_open, 0);
    s->store = ttp_store_close(s->store);
    end_rows();
}

static int set_up(void **state)
{
    site *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    s->notes = (span_notes)SPAN_NOTES_INIT;
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/ttp-spans.XXXXXX");
    *state = s;
    return mkdtemp(s->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    site *s = *state;
    int rc = rmdir(s->dir);

    free(s);
    return rc;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_spans), EACH(test_no_bus),  EACH(test_bound_when_called),
        EACH(test_file),  EACH(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
