/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store tells of its state changes. The publish hook is asked by a backend, in the middle of
 * a call that the core began; the two find each other through the list of the calls in progress, so
 * that no backend has to hand a span through.
 */
#include "store/store.h"

void ttp_store_set_trace(ttp_store *store, const ttp_trace *trace)
{
    atomic_store_explicit(&store->trace, trace, memory_order_release);
}

void store_call_begin(ttp_store *store, const char *rule_id, store_call *call)
{
    *call = (store_call){
        .change = trace_root(&store->trace, "ttp.rule.state.change", "rule_id", rule_id)};
    if (!call->change.hooks)
        return;
    call->thread = pthread_self();
    pthread_mutex_lock(&store->calls_lock);
    call->next = store->calls;
    store->calls = call;
    pthread_mutex_unlock(&store->calls_lock);
    call->write = trace_child(&call->change, "ttp.store.write_state", "rule_id", rule_id);
}

void store_call_end(ttp_store *store, store_call *call, int status)
{
    store_call **link = &store->calls;

    if (!call->change.hooks)
        return;
    trace_end(&call->write, status);
    pthread_mutex_lock(&store->calls_lock);
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    pthread_mutex_unlock(&store->calls_lock);
    trace_end(&call->change, status);
}

/* What this thread is in the middle of; nothing: it publishes what happened elsewhere. */
static trace_span call_of_this_thread(ttp_store *store)
{
    trace_span span = {0};

    pthread_mutex_lock(&store->calls_lock);
    for (const store_call *c = store->calls; c; c = c->next)
        if (pthread_equal(c->thread, pthread_self()))
            span = c->change;
    pthread_mutex_unlock(&store->calls_lock);
    return span;
}

trace_span store_publish_begin(ttp_store *store, const char *rule_id)
{
    static const char name[] = "ttp.rule.publish";
    trace_span parent = call_of_this_thread(store);

    return parent.hooks ? trace_child(&parent, name, "rule_id", rule_id)
                        : trace_root(&store->trace, name, "rule_id", rule_id);
}
