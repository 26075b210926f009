/* SPDX-License-Identifier: Apache-2.0 */
/* One change: made, written as JSON, sent out. */
#include "store/store.h"

#include "base/err.h"
#include "base/log.h"
#include "bus/topics.h"

#include <errno.h>
#include <stdio.h>

ttp_change change_definition(const char *rule_id, ttp_rule *r)
{
    ttp_change c = {.kind = TTP_CHANGE_DEFINITION, .rule = r, .state = state_default};

    (void)snprintf(c.rule_id, sizeof(c.rule_id), "%s", rule_id); /* checked when it was read */
    return c;
}

ttp_change change_state(const char *rule_id, const ttp_rule_state *state)
{
    ttp_change c = {.kind = TTP_CHANGE_STATE, .state = *state};

    (void)snprintf(c.rule_id, sizeof(c.rule_id), "%s", rule_id); /* checked by its caller */
    return c;
}

void change_json(buf *b, const ttp_change *change)
{
    bool is_state = change->kind == TTP_CHANGE_STATE;

    buf_printf(b, "{\"kind\":\"%s\",\"rule_id\":\"%s\",\"rule_version\":",
               is_state ? "state" : "definition", change->rule_id);
    if (change->rule)
        buf_put_i64(b, change->rule->rule_version);
    else
        buf_put_c(b, "null");
    buf_printf(b, ",\"deleted\":%s,\"state\":", !is_state && !change->rule ? "true" : "false");
    if (is_state)
        state_json(b, &change->state);
    else
        buf_put_c(b, "null");
    buf_put_char(b, '}');
}

void change_topic(buf *b, const ttp_change *change)
{
    /* a rule_id is one token: it was checked */
    (void)bus_topic_put(b, change->kind == TTP_CHANGE_STATE ? BUS_RULE_STATE : BUS_RULE_RELOADED,
                        str_from(change->rule_id));
}

static int publish(ttp_store *store, const ttp_change *change, ttp_err *err)
{
    auto_free(buf) buf topic = {0}, json = {0};
    int rc;

    change_topic(&topic, change);
    change_json(&json, change);
    if (!buf_c_str(&topic) || !buf_c_str(&json))
        return err_set(err, -ENOMEM, change->rule_id, "out of memory");
    rc = store->options.publish(store->options.publish_ctx, topic.ptr, json.ptr);
    if (rc > 0) /* not in its contract; not to be taken for one of our outcomes */
        rc = -EIO;
    return rc ? err_set(err, rc, change->rule_id, "cannot publish the change: %s", strerror(-rc))
              : 0;
}

int store_publish(ttp_store *store, const ttp_change *change, ttp_err *err)
{
    trace_span span;
    int rc;

    if (!store->options.publish)
        return 0;
    span = store_publish_begin(store, change->rule_id);
    rc = publish(store, change, err);
    trace_end(&span, rc);
    return rc;
}

void store_emit_locked(ttp_store *store, ttp_change *change)
{
    ttp_err err = {0};
    char line[1100];

    if (store_publish(store, change, &err))
        log_msg(&store->options.log, TTP_LOG_WARNING, "%s",
                ttp_err_format(&err, line, sizeof(line)));
    store_fan_out_locked(store, change);
}

void store_emit(ttp_store *store, ttp_change *change)
{
    pthread_mutex_lock(&store->lock);
    store_emit_locked(store, change);
    pthread_mutex_unlock(&store->lock);
}
