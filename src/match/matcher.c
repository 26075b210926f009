/* SPDX-License-Identifier: Apache-2.0 */
#include "match/matcher.h"

#include <stdlib.h>

static matcher_options with_defaults(const matcher_options *options)
{
    matcher_options o = options ? *options : (matcher_options){0};

    if (!o.match_limit)
        o.match_limit = 100000;
    if (!o.depth_limit)
        o.depth_limit = 1000;
    if (!o.heap_limit_kib)
        o.heap_limit_kib = 4096;
    if (!o.event_budget)
        o.event_budget = 1000000;
    if (!o.linear_budget)
        o.linear_budget = 30000000;
    if (!o.cache_max)
        o.cache_max = 32u << 20;
    return o;
}

matcher *matcher_new(const matcher_options *options)
{
    matcher_options o = with_defaults(options);
    matcher *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->linear_budget = o.linear_budget;
    m->automata = dfa_cache_new(o.cache_max);
    m->backtracker = backtracker_new(&o);
    if (!m->automata || !m->backtracker)
        return matcher_free(m);
    matcher_new_event(m);
    return m;
}

matcher *matcher_free(matcher *m)
{
    if (!m)
        return NULL;
    dfa_cache_free(m->automata);
    vm_memory_done(&m->vm);
    backtracker_free(m->backtracker);
    table_scratch_done(&m->table);
    memo_done(&m->memo);
    free(m);
    return NULL;
}

void matcher_new_event(matcher *m)
{
    backtracker_refill(m->backtracker);
    dfa_cache_allow(m->automata, m->linear_budget);
    m->vm.left = m->linear_budget;
    m->verify_left = VERIFY_BYTES_MIN;
}

matcher_work matcher_get_work(const matcher *m)
{
    return (matcher_work){m->n_verified, m->verified_bytes};
}

void matcher_measure(matcher *m, pattern_cost_fn *cost)
{
    m->cost = cost;
}

void matcher_forget(matcher *m)
{
    memo_forget(&m->memo);
}

table_scratch *matcher_table_scratch(matcher *m)
{
    return &m->table;
}
