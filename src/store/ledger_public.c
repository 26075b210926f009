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

/* Tables tell of the others; what is said here and now need not be written yet. */
static int fill_view(ttp_store *store, ttp_ledger *view, ttp_err *err)
{
    bool tables = store->ops->view_ledger;
    int rc = tables ? store->ops->view_ledger(store, view, err) : 0;

    if (!rc && store->ledger)
        rc = ledger_view_own(view, store->ledger, !tables);
    return rc ? rc : ledger_view_finish(view);
}

int ttp_store_ledger(ttp_store *store, ttp_ledger **ret_ledger, ttp_err *err)
{
    ttp_ledger *view;
    int rc;

    if (!store->ledger && !store->ops->view_ledger)
        return no_host(err);
    view = ledger_view_new();
    rc = view ? fill_view(store, view, err) : -ENOMEM;
    if (rc == -ENOMEM)
        (void)err_set(err, rc, NULL, "out of memory"); /* returns its code */
    if (rc)
        (void)ttp_ledger_free(view); /* returns NULL */
    else
        *ret_ledger = view;
    return rc;
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

/* A transaction that ends at this moment may count for the tables and for what is not written. */
static int fill_sum(ttp_store *store, counts *sum, ttp_err *err)
{
    bool tables = store->ops->read_counts;
    int rc = tables ? store->ops->read_counts(store, sum, err) : 0;

    return rc || !store->counts ? rc : counts_add_all(sum, store->counts, tables);
}

int ttp_store_counts(ttp_store *store,
                     int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts),
                     void *ctx, ttp_err *err)
{
    counts *sum;
    int rc;

    if (!store->counts && !store->ops->read_counts)
        return no_host(err);
    sum = counts_new();
    rc = sum ? fill_sum(store, sum, err) : -ENOMEM;
    if (!rc)
        rc = counts_each(sum, false, fn, ctx);
    (void)counts_free(sum); /* returns NULL */
    return rc == -ENOMEM ? err_set(err, rc, NULL, "out of memory") : rc;
}
