/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules commands share. */
#include "cli/rules.h"

#include "base/err.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>

static int read_rules(rules_input *in, char *const *paths, int n_paths, const rule_context *ctx)
{
    ttp_err err = {0};
    int rc;

    if (n_paths > 0)
        rc = rule_paths_read(paths, (size_t)n_paths, ctx, &in->dir);
    else
        rc = rule_dir_read(cli_rules_dir(in->rules), ctx, &in->dir, &err);
    if (rc == -ENOMEM)
        (void)err_set(&err, rc, NULL, "out of memory");
    return rc ? cli_fail(&err) : CLI_DONE;
}

int rules_open_catalogue(rules_input *in)
{
    return cli_catalogue(in->bundle, in->release, &in->owned, &in->catalogue);
}

int rules_open(rules_input *in, char *const *paths, int n_paths, rule_context ctx)
{
    int status = rules_open_catalogue(in);

    ctx.catalogue = in->catalogue;
    return status == CLI_DONE ? read_rules(in, paths, n_paths, &ctx) : status;
}

void rules_close(rules_input *in)
{
    rule_dir_done(&in->dir);
    (void)attack_free(in->owned); /* returns NULL */
}

bool rules_in_database(const char *db, const char *rules)
{
    const char *type = getenv("DECNET_TTP_RULE_STORE_TYPE");

    return db || (!rules && type && strcmp(type, "database") == 0);
}

int rules_open_store(rules_input *in, const char *db, const char *host, ttp_store **ret_store)
{
    bool in_database = rules_in_database(db, in->rules);
    int status = rules_open_catalogue(in);
    const ttp_store_options o = {.type = in_database ? "database" : "filesystem",
                                 .rules_dir = cli_rules_dir(in->rules),
                                 .db_url = db,
                                 .attack = in->catalogue,
                                 .host = host};
    ttp_err err = {0};

    if (status != CLI_DONE)
        return status;
    return ttp_store_open(&o, ret_store, &err) ? cli_fail(&err) : CLI_DONE;
}

void put_kinds(buf *b, const rule *r)
{
    bool first = true;

    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++) {
        if (!(r->applies_to & (1u << kind)))
            continue;
        buf_put_c(b, first ? "" : ",");
        buf_put_c(b, event_kind_name((event_kind)kind));
        first = false;
    }
    for (size_t i = 0; i < r->n_other_kinds; i++) {
        buf_put_c(b, first ? "" : ",");
        put_quoted(b, r->other_kinds[i], 40);
        first = false;
    }
}

str emitted(const rule_emit *e)
{
    return e->sub_technique_id.ptr ? e->sub_technique_id : e->technique_id;
}

void put_techniques(buf *b, const rule *r)
{
    for (size_t i = 0; i < r->n_emits; i++) {
        bool again = false;

        for (size_t k = 0; k < i && !again; k++)
            again = str_eq(emitted(&r->emits[k]), emitted(&r->emits[i]));
        if (again)
            continue;
        buf_put_c(b, i ? "," : "");
        buf_put_str(b, emitted(&r->emits[i]));
    }
}

void put_quoted(buf *b, str s, unsigned max_chars)
{
    char quoted[1024];

    buf_put_c(b, err_quote(quoted, sizeof(quoted), s.ptr, s.len, max_chars));
}

void put_member(buf *b, const char *key, str value)
{
    buf_printf(b, "%s\"%s\":", b->len && b->ptr[b->len - 1] != '{' ? "," : "", key);
    if (value.ptr)
        buf_put_json(b, value);
    else
        buf_put_c(b, "null");
}

void put_time(buf *b, int64_t us)
{
    char text[26];

    time_format_sql(us, text);
    if (us == TTP_TIME_NONE)
        buf_put_char(b, '-');
    else
        buf_put(b, text, 19); /* to the second */
}

void put_time_member(buf *b, const char *key, int64_t us)
{
    char text[TIME_TEXT_LEN];

    time_format(us, text);
    put_member(b, key, us == TTP_TIME_NONE ? STR_NULL : (str){text, sizeof(text)});
}

int rules_print(buf *b)
{
    bool failed = b->failed;
    ttp_err err;

    if (failed) {
        (void)err_set(&err, -ENOMEM, NULL, "out of memory");
        return cli_fail(&err);
    }
    failed = fwrite(b->ptr, 1, b->len, stdout) != b->len;
    buf_clear(b);
    return failed ? CLI_FAILED : CLI_DONE;
}
