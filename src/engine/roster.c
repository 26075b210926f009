/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/roster.h"

#include <errno.h>

static uint32_t bucket_of(const roster *ro, str rule_id)
{
    return (uint32_t)str_hash(rule_id) & (ro->n_buckets - 1);
}

known_rule *roster_find(const roster *ro, str rule_id)
{
    uint32_t i = ro->n_buckets ? ro->buckets[bucket_of(ro, rule_id)] : NO_RULE;

    while (i != NO_RULE && !str_eq(str_from(ro->known[i]->rule_id), rule_id))
        i = ro->known[i]->next;
    return i == NO_RULE ? NULL : ro->known[i];
}

static void link_rule(roster *ro, known_rule *k)
{
    uint32_t *head = &ro->buckets[bucket_of(ro, str_from(k->rule_id))];

    k->next = *head;
    *head = k->id;
}

static void unlink_rule(roster *ro, const known_rule *k)
{
    uint32_t *at = &ro->buckets[bucket_of(ro, str_from(k->rule_id))];

    while (*at != k->id)
        at = &ro->known[*at]->next;
    *at = k->next;
}

static int grow_buckets(roster *ro)
{
    uint32_t n = ro->n_buckets ? 2 * ro->n_buckets : 64;
    uint32_t *buckets;

    if (ro->n_known < ro->n_buckets)
        return 0;
    buckets = malloc(n * sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    memset(buckets, 0xFF, n * sizeof(*buckets)); /* NO_RULE in each */
    free(ro->buckets);
    ro->buckets = buckets;
    ro->n_buckets = n;
    for (size_t i = 0; i < ro->n_known; i++) {
        if (ro->known[i]->in_use)
            link_rule(ro, ro->known[i]);
    }
    return 0;
}

void roster_done(roster *ro)
{
    for (size_t i = 0; i < ro->n_known; i++) {
        (void)rule_unref(ro->known[i]->rule); /* returns NULL */
        free(ro->known[i]);
    }
    free(ro->known);
    free(ro->buckets);
    free(ro->order);
    free(ro->rows);
    free(ro->spare);
    *ro = (roster){0};
}

/* A number whose rule went long enough ago, or a new one. */
static known_rule *take_number(roster *ro, const roster_turn *turn)
{
    known_rule *k;

    for (size_t i = 0; i < ro->n_spare; i++) {
        k = ro->known[ro->spare[i]];
        if (k->gone_at > turn->oldest)
            continue;
        ro->spare[i] = ro->spare[--ro->n_spare];
        turn->renew(turn->ctx, k);
        return k;
    }
    if (mem_grow(ro->known, ro->cap_known, ro->n_known + 1) ||
        mem_grow(ro->spare, ro->cap_spare, ro->n_known + 1) || grow_buckets(ro) ||
        !(k = calloc(1, sizeof(*k))))
        return NULL;
    k->id = (uint32_t)ro->n_known;
    ro->known[ro->n_known++] = k;
    return k;
}

static known_rule *add_rule_id(roster *ro, const char *rule_id, const roster_turn *turn)
{
    known_rule *k = take_number(ro, turn);
    size_t len = strnlen(rule_id, RULE_ID_MAX);

    if (!k)
        return NULL;
    memcpy(k->rule_id, rule_id, len);
    k->rule_id[len] = '\0';
    k->in_use = true;
    link_rule(ro, k);
    return k;
}

/* Nothing is known of it any more: its number is spare. There is room for it. */
static void forget(roster *ro, known_rule *k, const roster_turn *turn)
{
    if (k->rule || k->has_state || !k->in_use)
        return;
    unlink_rule(ro, k);
    k->in_use = false;
    k->gone_at = turn->generation;
    ro->spare[ro->n_spare++] = k->id;
}

/* What says where a rule stands: the name of its file, or its rule_id. */
static str order_key(const rule *r)
{
    const char *slash = r->path.ptr ? memrchr(r->path.ptr, '/', r->path.len) : NULL;

    if (!r->path.ptr)
        return r->rule_id;
    if (!slash)
        return r->path;
    return (str){slash + 1, r->path.len - (size_t)(slash + 1 - r->path.ptr)};
}

static int compare_places(const rule *a, const rule *b)
{
    int c = str_cmp(order_key(a), order_key(b));

    return c ? c : str_cmp(a->rule_id, b->rule_id);
}

static size_t place_for(const roster *ro, const rule *r)
{
    size_t from = 0, to = ro->n_order;

    while (from < to) {
        size_t mid = (from + to) / 2;

        if (compare_places(ro->known[ro->order[mid]]->rule, r) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* The rules may stand in another order than that of their keys, as the last load gave them. */
static size_t place_of(const roster *ro, const known_rule *k)
{
    size_t at = place_for(ro, k->rule);

    if (at < ro->n_order && ro->order[at] == k->id)
        return at;
    for (at = 0; ro->order[at] != k->id; at++)
        ;
    return at;
}

static void take_out(roster *ro, const known_rule *k)
{
    size_t at = place_of(ro, k);

    memmove(&ro->order[at], &ro->order[at + 1], (--ro->n_order - at) * sizeof(*ro->order));
}

static void put_in(roster *ro, known_rule *k)
{
    size_t at = place_for(ro, k->rule);

    memmove(&ro->order[at + 1], &ro->order[at], (ro->n_order++ - at) * sizeof(*ro->order));
    ro->order[at] = k->id;
}

int roster_define(roster *ro, const char *rule_id, rule *r, const roster_turn *turn)
{
    known_rule *k = roster_find(ro, str_from(rule_id));
    rule *before = k ? k->rule : NULL;

    if (!k && !r)
        return 0;
    if (mem_grow(ro->order, ro->cap_order, ro->n_order + 1))
        return -ENOMEM;
    if (!k && !(k = add_rule_id(ro, rule_id, turn)))
        return -ENOMEM;
    if (before && r && compare_places(before, r) == 0) {
        k->rule = rule_ref(r);
    } else {
        if (before)
            take_out(ro, k);
        k->rule = r ? rule_ref(r) : NULL;
        if (r)
            put_in(ro, k);
    }
    (void)rule_unref(before); /* returns NULL */
    forget(ro, k, turn);
    return 0;
}

static size_t row_at(const roster *ro, uint32_t id)
{
    size_t from = 0, to = ro->n_rows;

    while (from < to) {
        size_t mid = (from + to) / 2;

        if (ro->rows[mid].id < id)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void drop_row(roster *ro, known_rule *k)
{
    size_t at = row_at(ro, k->id);

    memmove(&ro->rows[at], &ro->rows[at + 1], (--ro->n_rows - at) * sizeof(*ro->rows));
    k->has_state = false;
}

/* There is room for one row more. */
static void set_row(roster *ro, known_rule *k, const ttp_rule_state *state)
{
    size_t at = row_at(ro, k->id);

    if (!k->has_state)
        memmove(&ro->rows[at + 1], &ro->rows[at], (ro->n_rows++ - at) * sizeof(*ro->rows));
    k->has_state = true;
    ro->rows[at] = (state_row){
        .id = k->id,
        .kind = state->kind,
        .confidence_max = state->has_confidence_max ? state->confidence_max : 1,
        .expires_at_us = state->expires_at_us,
    };
}

int roster_set_state(roster *ro, const char *rule_id, const ttp_rule_state *state,
                     const roster_turn *turn)
{
    known_rule *k = roster_find(ro, str_from(rule_id));

    if (state->kind == TTP_STATE_ENABLED) {
        if (k && k->has_state) {
            drop_row(ro, k);
            forget(ro, k, turn);
        }
        return 0;
    }
    if (mem_grow(ro->rows, ro->cap_rows, ro->n_rows + 1) ||
        (!k && !(k = add_rule_id(ro, rule_id, turn))))
        return -ENOMEM;
    set_row(ro, k, state);
    return 0;
}

static void clear_rules(roster *ro)
{
    for (size_t i = 0; i < ro->n_known; i++) {
        ro->known[i]->rule = rule_unref(ro->known[i]->rule);
        ro->known[i]->has_state = false;
    }
    ro->n_order = 0;
    ro->n_rows = 0;
}

/* Rules that stay keep their numbers. */
int roster_reset(roster *ro, rule *const *rules, const ttp_rule_state *states, size_t n,
                 const roster_turn *turn)
{
    if (mem_grow(ro->order, ro->cap_order, n) || mem_grow(ro->rows, ro->cap_rows, n))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) { /* what can fail comes first */
        if (!roster_find(ro, rules[i]->rule_id) && !add_rule_id(ro, rules[i]->rule_id.ptr, turn))
            return -ENOMEM;
    }
    clear_rules(ro);
    for (size_t i = 0; i < n; i++) {
        known_rule *k = roster_find(ro, rules[i]->rule_id);

        if (k->rule) /* of two with one rule_id the first runs */
            continue;
        k->rule = rule_ref(rules[i]);
        ro->order[ro->n_order++] = k->id;
        if (states && states[i].kind != TTP_STATE_ENABLED)
            set_row(ro, k, &states[i]);
    }
    for (size_t i = 0; i < ro->n_known; i++)
        forget(ro, ro->known[i], turn);
    return 0;
}
