/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load.h"

#include "base/err.h"

#include <stdio.h>

static int report_no_memory(void)
{
    ttp_err err;

    (void)err_set(&err, -1, NULL, "out of memory");
    return cli_fail(&err);
}

static int read_dir(const char *path, loaded_rules *l)
{
    ttp_err err = {0};
    const rule_context ctx = {.catalogue = l->catalogue};

    if (rule_dir_read(path, &ctx, &l->dir, &err))
        return cli_fail(&err);
    l->n_refused = l->dir.n_errors;
    for (size_t i = 0; i < l->dir.n_errors; i++)
        (void)cli_fail(&l->dir.errors[i]); /* said; the other rules run */
    if (l->dir.n_rules == 0) {
        (void)err_set(&err, TTP_E_NOT_FOUND, path,
                      "no rules here; expected files named like R0001_name.yaml");
        return cli_fail(&err);
    }
    return CLI_DONE;
}

int cli_read_rules(const char *rules, const char *bundle, const char *release, loaded_rules *ret)
{
    loaded_rules l = {0};
    int status = cli_catalogue(bundle, release, &l.owned, &l.catalogue);

    if (status == CLI_DONE)
        status = read_dir(cli_rules_dir(rules), &l);
    if (status == CLI_DONE)
        *ret = l;
    else
        cli_unload_rules(&l);
    return status;
}

int cli_load_rules(const char *rules, const char *bundle, const char *release, loaded_rules *ret)
{
    loaded_rules l;
    int status = cli_read_rules(rules, bundle, release, &l);

    if (status != CLI_DONE)
        return status;
    if (engine_index_new(l.dir.rules, l.dir.n_rules, attack_release(l.catalogue), &l.index)) {
        cli_unload_rules(&l);
        return report_no_memory();
    }
    *ret = l;
    return CLI_DONE;
}

void cli_unload_rules(loaded_rules *l)
{
    engine_index_unref(l->index);
    rule_dir_done(&l->dir);
    attack_free(l->owned);
    *l = (loaded_rules){0};
}
