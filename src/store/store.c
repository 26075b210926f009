/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the backend, checks and stamps what it is handed. */
#include "store/store.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>

#define TYPE_VARIABLE "DECNET_TTP_RULE_STORE_TYPE"

static const store_ops *const backends[] = {&store_filesystem, &store_database};

#define N_BACKENDS (sizeof(backends) / sizeof(backends[0]))

static const char *choose_type(const ttp_store_options *options)
{
    const char *type = options->type ? options->type : getenv(TYPE_VARIABLE);

    return type && *type ? type : store_filesystem.name;
}

static const store_ops *find_backend(const char *type)
{
    for (size_t i = 0; i < N_BACKENDS; i++)
        if (strcmp(backends[i]->name, type) == 0)
            return backends[i];
    return NULL;
}

static int refuse_type(const char *type, ttp_err *err)
{
    auto_free(buf) buf known = {0};
    char quoted[256];

    for (size_t i = 0; i < N_BACKENDS; i++)
        buf_printf(&known, "%s%s", i ? " or " : "", backends[i]->name);
    return err_set(err, TTP_E_INVALID, TYPE_VARIABLE, "the rule store is %s; expected %s",
                   err_quote(quoted, sizeof(quoted), type, strlen(type), 40), buf_c_str(&known));
}

/* A name that every backend can write and every table show. */
static int check_host(const char *host, ttp_err *err)
{
    if (!host || (*host && strlen(host) <= STORE_HOST_MAX && utf8_valid(str_from(host))))
        return 0;
    return err_set(err, TTP_E_INVALID, NULL,
                   "the name of the host is empty, too long or not UTF-8; expected 1 to %d bytes",
                   STORE_HOST_MAX);
}

int ttp_store_open(const ttp_store_options *options, ttp_store **ret_store, ttp_err *err)
{
    static const ttp_store_options defaults;
    const store_ops *ops;
    ttp_store *store = NULL;
    int rc;

    if (!options)
        options = &defaults;
    ops = find_backend(choose_type(options));
    if (!ops)
        return refuse_type(choose_type(options), err);
    rc = check_host(options->host, err);
    if (!rc)
        rc = ops->open(options, &store, err);
    if (rc)
        return rc;
    rc = ops->start(store, err);
    if (rc)
        ops->free(store);
    else
        *ret_store = store;
    return rc;
}

ttp_store *ttp_store_close(ttp_store *store)
{
    if (store)
        store->ops->free(store);
    return NULL;
}

static int copy_c(const char **field, const char *value)
{
    *field = value ? strdup(value) : NULL;
    return value && !*field ? -ENOMEM : 0;
}

static int start_ledger(ttp_store *store)
{
    if (!store->options.host)
        return 0;
    store->ledger = ledger_new(store->options.host, store->ops->view_ledger);
    store->counts = counts_new();
    return store->ledger && store->counts ? 0 : -ENOMEM;
}

static void free_parts(ttp_store *store)
{
    store->counts = counts_free(store->counts);
    store->ledger = ledger_free(store->ledger);
    free((char *)store->options.rules_dir);
    free((char *)store->options.db_url);
    free((char *)store->options.host);
}

int store_init(ttp_store *store, const store_ops *ops, const ttp_store_options *options)
{
    ttp_store_options *o = &store->options;
    int rc;

    store->ops = ops;
    *o = *options;
    o->type = NULL;
    o->rules_dir = o->db_url = o->host = NULL;
    rc = copy_c(&o->rules_dir, options->rules_dir);
    if (!rc)
        rc = copy_c(&o->db_url, options->db_url);
    if (!rc)
        rc = copy_c(&o->host, options->host);
    if (!rc)
        rc = start_ledger(store);
    if (!rc)
        rc = -pthread_mutex_init(&store->lock, NULL);
    if (!rc)
        rc = -pthread_mutex_init(&store->calls_lock, NULL); /* neither fails on Linux */
    atomic_init(&store->trace, options->trace);
    if (rc)
        free_parts(store);
    return rc;
}

void store_done(ttp_store *store)
{
    (void)pthread_mutex_destroy(&store->lock); /* nobody holds them any more */
    (void)pthread_mutex_destroy(&store->calls_lock);
    free(store->subscribers);
    free_parts(store);
}

static int check_rule_id(const char *rule_id, ttp_err *err)
{
    char quoted[256];

    if (rule_id_ok(rule_id))
        return 0;
    return err_set(
        err, TTP_E_INVALID, NULL, "rule_id is %s; expected 1 to 64 letters, digits or underscores",
        rule_id ? err_quote(quoted, sizeof(quoted), rule_id, strlen(rule_id), 80) : "missing");
}

int ttp_store_get_state(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state,
                        ttp_err *err)
{
    if (!rule_id_ok(rule_id)) { /* no rule can have it: unknown as any other */
        *ret_state = state_default;
        return 0;
    }
    return store->ops->get_state(store, rule_id, ret_state, err);
}

static int check_set_by(const char *rule_id, const char *set_by, ttp_err *err)
{
    if (!set_by || strlen(set_by) < sizeof(((ttp_rule_state *)NULL)->set_by))
        return 0;
    return err_set(err, TTP_E_INVALID, rule_id, "set_by is too long; expected at most %zu bytes",
                   sizeof(((ttp_rule_state *)NULL)->set_by) - 1);
}

int ttp_store_set_state(ttp_store *store, const char *rule_id, const ttp_rule_state *state,
                        const char *set_by, ttp_err *err)
{
    ttp_rule_state stamped = *state;
    store_call call;
    int rc = check_rule_id(rule_id, err);

    if (!rc)
        rc = check_set_by(rule_id, set_by, err);
    if (rc)
        return rc;
    (void)snprintf(stamped.set_by, sizeof(stamped.set_by), "%s",
                   set_by ? set_by : ""); /* it fits */
    stamped.set_at_us = time_now_us();
    if (!stamped.has_confidence_max)
        stamped.confidence_max = 0;
    rc = state_check(rule_id, &stamped, err);
    if (rc)
        return rc;
    if (!stamped.has_reason)
        stamped.reason[0] = 0;
    store_call_begin(store, rule_id, &call);
    rc = store->ops->set_state(store, rule_id, &stamped, err);
    store_call_end(store, &call, rc);
    return rc;
}

int ttp_store_clear_state(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err)
{
    store_call call;
    int rc = check_rule_id(rule_id, err);

    if (!rc)
        rc = check_set_by(rule_id, set_by, err);
    if (rc)
        return rc;
    store_call_begin(store, rule_id, &call);
    rc = store->ops->clear_state(store, rule_id, set_by, err);
    store_call_end(store, &call, rc);
    return rc;
}
