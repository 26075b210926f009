/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger as callers see it: rules that are wanted and rows of hosts, joined once all are there.
 *
 *     wanted, rows (any order) --sort--> by rule_id, host --fill in silent hosts, judge--> rules
 */
#include "store/ledger.h"

#include "base/arena.h"

#include <errno.h>

typedef struct view_row {
    const char *key;
    const char *refused; /* hexadecimal; empty: none */
    ttp_ledger_row row;
} view_row;

struct ttp_ledger {
    arena arena;
    ttp_ledger_rule *rules; /* until finish: the wanted ones, in any order */
    size_t n_rules, cap_rules;
    view_row *said; /* until finish */
    size_t n_said, cap_said;
    const char **hosts;
    size_t n_hosts, cap_hosts;
    ttp_ledger_row *rows; /* from finish on; rules point into it */
};

ttp_ledger *ledger_view_new(void)
{
    return calloc(1, sizeof(ttp_ledger));
}

ttp_ledger *ttp_ledger_free(ttp_ledger *view)
{
    if (!view)
        return NULL;
    arena_done(&view->arena);
    free(view->rules);
    free(view->said);
    free(view->hosts);
    free(view->rows);
    free(view);
    return NULL;
}

static const char *copy(ttp_ledger *view, str s)
{
    return s.ptr ? arena_str(&view->arena, s).ptr : "";
}

int ledger_view_want(ttp_ledger *view, str key, int64_t version, str hash)
{
    ttp_ledger_rule r = {.rule_id = copy(view, key),
                         .wanted = true,
                         .content_hash = copy(view, hash),
                         .rule_version = version};

    if (!r.rule_id || !r.content_hash || mem_grow(view->rules, view->cap_rules, view->n_rules + 1))
        return -ENOMEM;
    view->rules[view->n_rules++] = r;
    return 0;
}

/* The one copy of a host's name; there are few. NULL: out of memory. */
static const char *get_host(ttp_ledger *view, str host)
{
    const char *kept;

    for (size_t i = view->n_hosts; i-- > 0;)
        if (str_eq(str_from(view->hosts[i]), host))
            return view->hosts[i];
    kept = copy(view, host);
    if (!kept || mem_grow(view->hosts, view->cap_hosts, view->n_hosts + 1))
        return NULL;
    view->hosts[view->n_hosts++] = kept;
    return kept;
}

int ledger_view_host(ttp_ledger *view, str host)
{
    return get_host(view, host) ? 0 : -ENOMEM;
}

int ledger_view_add(ttp_ledger *view, const ledger_view_row *r)
{
    view_row v = {.key = copy(view, r->key), .refused = copy(view, r->refused)};

    v.row = (ttp_ledger_row){.host = get_host(view, r->host),
                             .content_hash = copy(view, r->runs ? r->hash : STR_NULL),
                             .rule_version = r->runs ? r->version : 0,
                             .quarantined = r->quarantined,
                             .since_us = r->since_us};
    if (r->quarantined)
        v.row.error = copy(view, r->error);
    if (!v.key || !v.refused || !v.row.host || !v.row.content_hash ||
        (r->quarantined && !v.row.error) || mem_grow(view->said, view->cap_said, view->n_said + 1))
        return -ENOMEM;
    view->said[view->n_said++] = v;
    return 0;
}

static int by_rule_id(const void *a, const void *b)
{
    return strcmp(((const ttp_ledger_rule *)a)->rule_id, ((const ttp_ledger_rule *)b)->rule_id);
}

static int by_key_and_host(const void *a, const void *b)
{
    const view_row *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : strcmp(x->row.host, y->row.host);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(void *array, size_t n, size_t size, int (*order)(const void *, const void *))
{
    if (n > 1)
        qsort(array, n, size, order);
}

/* Rules that hosts speak of and that are not wanted (any more). */
static int add_unwanted(ttp_ledger *view)
{
    size_t n_wanted = view->n_rules;

    for (size_t i = 0; i < view->n_said; i++) {
        ttp_ledger_rule r = {.rule_id = view->said[i].key, .content_hash = ""};

        if (i && strcmp(r.rule_id, view->said[i - 1].key) == 0)
            continue;
        if (n_wanted && bsearch(&r, view->rules, n_wanted, sizeof(r), by_rule_id))
            continue;
        if (mem_grow(view->rules, view->cap_rules, view->n_rules + 1))
            return -ENOMEM;
        view->rules[view->n_rules++] = r;
    }
    sort(view->rules, view->n_rules, sizeof(*view->rules), by_rule_id);
    return 0;
}

static ttp_ledger_verdict judge(const ttp_ledger_rule *r, const view_row *v)
{
    if (!r->wanted)
        return TTP_LEDGER_LAGGING;
    if (v->row.content_hash[0] && strcmp(v->row.content_hash, r->content_hash) == 0)
        return TTP_LEDGER_LIVE;
    return v->row.quarantined && strcmp(v->refused, r->content_hash) == 0 ? TTP_LEDGER_REFUSED
                                                                          : TTP_LEDGER_LAGGING;
}

/* The row of a rule and a host, passing over those before it; NULL: there is none. */
static const view_row *find_said(const view_row **said, const view_row *end, const char *rule_id,
                                 const char *host)
{
    const view_row wanted = {.key = rule_id, .row = {.host = host}};

    while (*said < end && by_key_and_host(*said, &wanted) < 0)
        ++*said;
    return *said < end && by_key_and_host(*said, &wanted) == 0 ? *said : NULL;
}

/* Of a rule that goes, only those who still have it are told of. */
static void fill_rule(ttp_ledger *view, ttp_ledger_rule *r, const view_row **said,
                      const view_row *end, ttp_ledger_row *rows)
{
    r->rows = rows;
    for (size_t i = 0; i < view->n_hosts; i++) {
        const view_row *v = find_said(said, end, r->rule_id, view->hosts[i]);
        ttp_ledger_row row = {.host = view->hosts[i],
                              .verdict = TTP_LEDGER_LAGGING,
                              .content_hash = "",
                              .since_us = TTP_TIME_NONE};

        if (v) {
            row = v->row;
            row.verdict = judge(r, v);
        } else if (!r->wanted) {
            continue;
        }
        r->n_live += row.verdict == TTP_LEDGER_LIVE;
        r->n_lagging += row.verdict == TTP_LEDGER_LAGGING;
        r->n_refused += row.verdict == TTP_LEDGER_REFUSED;
        rows[r->n_rows++] = row;
    }
}

int ledger_view_finish(ttp_ledger *view)
{
    const view_row *said = view->said, *end = view->said + view->n_said;
    size_t n, used = 0;

    sort(view->rules, view->n_rules, sizeof(*view->rules), by_rule_id);
    sort(view->said, view->n_said, sizeof(*view->said), by_key_and_host);
    sort(view->hosts, view->n_hosts, sizeof(*view->hosts), by_name);
    if (add_unwanted(view) || __builtin_mul_overflow(view->n_rules, view->n_hosts, &n) ||
        !(view->rows = calloc(n + 1, sizeof(*view->rows))))
        return -ENOMEM;
    for (size_t i = 0; i < view->n_rules; i++) {
        fill_rule(view, &view->rules[i], &said, end, view->rows + used);
        used += view->rules[i].n_rows;
    }
    free(take(view->said));
    view->n_said = 0;
    return 0;
}

static int add_own(ttp_ledger *view, const char *host, const ledger_row *own, bool wanted)
{
    const ledger_said *s = &own->said;
    char hash[LEDGER_HASH_LEN], refused[LEDGER_HASH_LEN];
    str runs = s->runs ? (str){hash, sizeof(hash)} : STR_NULL;
    str last = s->has_refused ? (str){refused, sizeof(refused)} : STR_NULL;
    ledger_view_row row = {.host = str_from(host),
                           .key = str_from(own->key),
                           .runs = s->runs,
                           .version = s->version,
                           .hash = runs,
                           .quarantined = s->quarantined,
                           .refused = last,
                           .error = str_from(s->error),
                           .since_us = own->since_us};
    int rc = 0;

    ledger_hash_format(s->hash, hash);
    ledger_hash_format(s->refused, refused);
    if (wanted)
        rc = ledger_view_want(view, row.key, s->quarantined ? 0 : s->version,
                              s->quarantined ? last : runs);
    return rc ? rc : ledger_view_add(view, &row);
}

int ledger_view_own(ttp_ledger *view, ledger *l, bool wanted)
{
    ledger_row *rows = NULL;
    size_t n = 0;
    int rc = ledger_take_all(l, &rows, &n);

    if (!rc)
        rc = ledger_view_host(view, str_from(ledger_host(l)));
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_own(view, ledger_host(l), &rows[i], wanted);
    ledger_rows_done(rows, n);
    free(rows);
    return rc;
}

size_t ttp_ledger_count(const ttp_ledger *view)
{
    return view->n_rules;
}

const ttp_ledger_rule *ttp_ledger_at(const ttp_ledger *view, size_t i)
{
    return i < view->n_rules ? &view->rules[i] : NULL;
}

const ttp_ledger_rule *ttp_ledger_find(const ttp_ledger *view, const char *rule_id)
{
    const ttp_ledger_rule wanted = {.rule_id = rule_id};

    return view->n_rules ? bsearch(&wanted, view->rules, view->n_rules, sizeof(wanted), by_rule_id)
                         : NULL;
}

size_t ttp_ledger_n_hosts(const ttp_ledger *view)
{
    return view->n_hosts;
}
