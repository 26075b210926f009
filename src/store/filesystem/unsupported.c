/* SPDX-License-Identifier: Apache-2.0 */
/* Where directories cannot be watched. */
#include "store/store.h"

#include "base/err.h"

static int refuse(const ttp_store_options *options, ttp_store **ret_store, ttp_err *err)
{
    (void)options;
    (void)ret_store;
    return err_set(
        err, TTP_E_UNSUPPORTED, NULL,
        "the filesystem rule store needs Linux; set DECNET_TTP_RULE_STORE_TYPE=database");
}

const store_ops store_filesystem = {.name = "filesystem", .open = refuse};
