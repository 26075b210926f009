/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's calls: of the backend's tables, else of what is in memory. */
#include "store/store.h"

#include "base/err.h"

#include <errno.h>

static int no_host(ttp_err *err)
{
    return err_set(err, TTP_E_INVALID, NULL,
                   "the rule store was opened without a host: it keeps no ledger");
}

static int view_tables(ttp_store *store, ttp_ledger **ret_ledger, ttp_err *err)
{
    ttp_ledger *view = ledger_view_new();
    int rc = view ? store->ops->view_ledger(store, view, err) : -ENOMEM;

    if (!rc)
        rc = ledger_view_finish(view);
    if (rc == -ENOMEM)
        (void)err_set(err, rc, NULL, "out of memory");
    if (rc)
        (void)ttp_ledger_free(view); /* returns NULL */
    else
        *ret_ledger = view;
    return rc;
}

int ttp_store_ledger(ttp_store *store, ttp_ledger **ret_ledger, ttp_err *err)
{
    int rc;

    if (store->ops->view_ledger)
        return view_tables(store, ret_ledger, err);
    if (!store->ledger)
        return no_host(err);
    rc = ledger_view_own(store->ledger, ret_ledger);
    return rc ? err_set(err, rc, NULL, "out of memory") : 0;
}

int ttp_store_forget_host(ttp_store *store, const char *host, ttp_err *err)
{
    if (store->ops->forget_host)
        return store->ops->forget_host(store, host, err);
    return err_set(err, TTP_E_UNSUPPORTED, NULL,
                   "the ledger of a %s store knows no host but this one", store->ops->name);
}

int ttp_store_count(ttp_store *store, const char *rule_id, const ttp_rule_counts *delta)
{
    if (!store->counts || !rule_id_ok(rule_id))
        return 0;
    return counts_add(store->counts, rule_id, delta);
}

int ttp_store_counts(ttp_store *store,
                     int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts),
                     void *ctx, ttp_err *err)
{
    int rc;

    if (store->ops->each_count)
        return store->ops->each_count(store, fn, ctx, err);
    if (!store->counts)
        return no_host(err);
    rc = counts_each(store->counts, fn, ctx);
    return rc == -ENOMEM ? err_set(err, rc, NULL, "out of memory") : rc;
}
