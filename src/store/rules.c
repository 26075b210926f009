/* SPDX-License-Identifier: Apache-2.0 */
/* What a load gives, and the gate that rules pass on their way in. */
#include "store/store.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>

typedef struct loaded_rule {
    rule *rule;
    ttp_rule_state state;
} loaded_rule;

struct ttp_store_rules {
    loaded_rule *rules;
    size_t n, cap;
    ttp_diagnostic *diagnostics;
    size_t n_diagnostics, cap_diagnostics;
    uint64_t sequence;
};

int store_rules_add(ttp_store_rules *rules, ttp_rule *r, const ttp_rule_state *state)
{
    if (mem_grow(rules->rules, rules->cap, rules->n + 1))
        return -ENOMEM;
    rules->rules[rules->n++] = (loaded_rule){rule_ref(r), *state};
    return 0;
}

int store_rules_diagnose(ttp_store_rules *rules, const char *rule_id, const ttp_err *err,
                         bool runs_last_good)
{
    ttp_diagnostic *d;

    if (mem_grow(rules->diagnostics, rules->cap_diagnostics, rules->n_diagnostics + 1))
        return -ENOMEM;
    d = &rules->diagnostics[rules->n_diagnostics++];
    *d = (ttp_diagnostic){.err = *err, .runs_last_good = runs_last_good};
    (void)snprintf(d->rule_id, sizeof(d->rule_id), "%s", rule_id ? rule_id : ""); /* it fits */
    return 0;
}

void store_rules_set_sequence(ttp_store_rules *rules, uint64_t sequence)
{
    rules->sequence = sequence;
}

void store_rules_clear(ttp_store_rules *rules)
{
    for (size_t i = 0; i < rules->n; i++)
        (void)rule_unref(rules->rules[i].rule); /* returns NULL */
    rules->n = rules->n_diagnostics = 0;
}

int ttp_store_load(ttp_store *store, ttp_store_rules **ret_rules, ttp_err *err)
{
    ttp_store_rules *rules = calloc(1, sizeof(*rules));
    int rc;

    if (!rules)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    rc = store->ops->load(store, rules, err);
    if (rc)
        (void)ttp_store_rules_free(rules); /* returns NULL */
    else
        *ret_rules = rules;
    return rc;
}

ttp_store_rules *ttp_store_rules_free(ttp_store_rules *rules)
{
    if (!rules)
        return NULL;
    store_rules_clear(rules);
    free(rules->rules);
    free(rules->diagnostics);
    free(rules);
    return NULL;
}

size_t ttp_store_rules_count(const ttp_store_rules *rules)
{
    return rules->n;
}

ttp_rule *ttp_store_rules_at(const ttp_store_rules *rules, size_t i, ttp_rule_state *ret_state)
{
    if (i >= rules->n)
        return NULL;
    if (ret_state)
        *ret_state = rules->rules[i].state;
    return rules->rules[i].rule;
}

size_t ttp_store_rules_n_diagnostics(const ttp_store_rules *rules)
{
    return rules->n_diagnostics;
}

const ttp_diagnostic *ttp_store_rules_diagnostic(const ttp_store_rules *rules, size_t i)
{
    return i < rules->n_diagnostics ? &rules->diagnostics[i] : NULL;
}

uint64_t ttp_store_rules_sequence(const ttp_store_rules *rules)
{
    return rules->sequence;
}

static void remember_first(void *ctx, const rule *r, const rule_test *t)
{
    const rule_test **first = ctx;

    (void)r;
    if (!*first)
        *first = t;
}

int store_gate(const ttp_rule *r, matcher *m, ttp_err *err)
{
    const rule_test *first = NULL;
    int n = rule_run_tests(r, m, remember_first, &first);

    if (n < 0)
        return err_set(err, n, r->path.ptr, "out of memory");
    if (n == 0)
        return 0;
    return err_at(err, TTP_E_INVALID, r->path.ptr, first->line, 0,
                  "%d of the rule's %zu tests failed, the first of which should%s match; expected "
                  "all to pass",
                  n, r->n_tests, first->want_match ? "" : " not");
}
