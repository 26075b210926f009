/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/tally.h"

#include "base/arena.h"
#include "base/limits.h"

#include <errno.h>

typedef struct pair {
    uint32_t row;
    str rule_id, rule_name;
    uint64_t count;
} pair;

/* Open addressing over the indexes of an array: 0 is free, else index + 1. At most half full. */
typedef struct slots {
    struct slot {
        uint64_t hash;
        uint32_t index1;
    } * slot;
    size_t n, mask;
} slots;

struct tally {
    bool by_release;
    arena texts;
    buf key;
    slots row_slots, pair_slots;
    tally_row *rows;
    size_t n_rows, cap_rows;
    pair *pairs;
    size_t n_pairs, cap_pairs;
    uint64_t count, beyond;
};

tally *tally_new(bool by_release)
{
    tally *t = calloc(1, sizeof(*t));

    if (t)
        t->by_release = by_release;
    return t;
}

tally *tally_free(tally *t)
{
    if (!t)
        return NULL;
    arena_done(&t->texts);
    buf_done(&t->key);
    free(t->row_slots.slot);
    free(t->pair_slots.slot);
    free(t->rows);
    free(t->pairs);
    free(t);
    return NULL;
}

static void slots_put(slots *s, uint64_t hash, uint32_t index1)
{
    size_t i = hash & s->mask;

    while (s->slot[i].index1)
        i = (i + 1) & s->mask;
    s->slot[i] = (struct slot){hash, index1};
    s->n++;
}

/* Room for one more; afterwards slots_put cannot fail. */
static int slots_reserve(slots *s)
{
    slots bigger = {0};
    size_t size = s->slot ? (s->mask + 1) * 2 : 64;

    if (s->slot && (s->n + 1) * 2 <= s->mask + 1)
        return 0;
    bigger.slot = calloc(size, sizeof(*bigger.slot));
    if (!bigger.slot)
        return -ENOMEM;
    bigger.mask = size - 1;
    for (size_t i = 0; s->slot && i <= s->mask; i++) {
        if (s->slot[i].index1)
            slots_put(&bigger, s->slot[i].hash, s->slot[i].index1);
    }
    free(s->slot);
    *s = bigger;
    return 0;
}

static bool row_is(const tally *t, const tally_row *r, const tag *seen)
{
    return str_eq(r->technique_id, seen->technique_id) && str_eq(r->tactic, seen->tactic) &&
           str_eq(r->sub_technique_id, seen->sub_technique_id) &&
           (!t->by_release || str_eq(r->release, seen->attack_release));
}

/* Each part with its length before it: no two different rows have one key. */
static void put_part(buf *key, str part)
{
    uint32_t len = (uint32_t)part.len;

    buf_put(key, &len, sizeof(len));
    buf_put_str(key, part);
}

/* The key of row and rule in t->key; its first ret_row_len bytes are the row's. */
static int make_key(tally *t, const tag *seen, size_t *ret_row_len)
{
    buf *key = &t->key;

    buf_clear(key);
    put_part(key, seen->tactic);
    put_part(key, seen->technique_id);
    put_part(key, seen->sub_technique_id);
    if (t->by_release)
        put_part(key, seen->attack_release);
    *ret_row_len = key->len;
    put_part(key, seen->rule_id);
    return key->failed ? -ENOMEM : 0;
}

static pair *find_pair(const tally *t, const tag *seen, uint64_t hash)
{
    const slots *s = &t->pair_slots;

    for (size_t i = hash & s->mask; s->slot && s->slot[i].index1; i = (i + 1) & s->mask) {
        pair *p = &t->pairs[s->slot[i].index1 - 1];

        if (s->slot[i].hash == hash && str_eq(p->rule_id, seen->rule_id) &&
            row_is(t, &t->rows[p->row], seen))
            return p;
    }
    return NULL;
}

static tally_row *find_row(const tally *t, const tag *seen, uint64_t hash)
{
    const slots *s = &t->row_slots;

    for (size_t i = hash & s->mask; s->slot && s->slot[i].index1; i = (i + 1) & s->mask) {
        tally_row *r = &t->rows[s->slot[i].index1 - 1];

        if (s->slot[i].hash == hash && row_is(t, r, seen))
            return r;
    }
    return NULL;
}

/* A copy in the arena; an absent text stays absent. */
static bool keep(tally *t, str text, str *ret_copy)
{
    *ret_copy = text.ptr ? arena_str(&t->texts, text) : STR_NULL;
    return !text.ptr || ret_copy->ptr;
}

static int add_row(tally *t, const tag *seen, uint64_t hash, tally_row **ret_row)
{
    tally_row r = {.first_us = TIME_NONE,
                   .last_us = TIME_NONE,
                   .first_made_us = TIME_NONE,
                   .last_made_us = TIME_NONE};

    if (mem_grow(t->rows, t->cap_rows, t->n_rows + 1) || slots_reserve(&t->row_slots) ||
        !keep(t, t->by_release ? seen->attack_release : STR_NULL, &r.release) ||
        !keep(t, seen->tactic, &r.tactic) || !keep(t, seen->technique_id, &r.technique_id) ||
        !keep(t, seen->sub_technique_id, &r.sub_technique_id))
        return -ENOMEM;
    t->rows[t->n_rows++] = r;
    slots_put(&t->row_slots, hash, (uint32_t)t->n_rows);
    *ret_row = &t->rows[t->n_rows - 1];
    return 0;
}

static int add_pair(tally *t, const tag *seen, uint64_t hash, const tally_row *row)
{
    pair p = {.row = (uint32_t)(row - t->rows), .count = 1};

    if (t->n_pairs >= TAG_TALLY_PAIRS_MAX)
        return 0;
    if (mem_grow(t->pairs, t->cap_pairs, t->n_pairs + 1) || slots_reserve(&t->pair_slots) ||
        !keep(t, seen->rule_id, &p.rule_id) || !keep(t, seen->rule_name, &p.rule_name))
        return -ENOMEM;
    t->pairs[t->n_pairs++] = p;
    slots_put(&t->pair_slots, hash, (uint32_t)t->n_pairs);
    return 0;
}

static void widen(int64_t us, int64_t *first_us, int64_t *last_us)
{
    if (us == TIME_NONE)
        return;
    if (*first_us == TIME_NONE || us < *first_us)
        *first_us = us;
    if (*last_us == TIME_NONE || us > *last_us)
        *last_us = us;
}

static void count_in_row(tally_row *r, const tag *seen)
{
    r->count++;
    widen(seen->event_us, &r->first_us, &r->last_us);
    widen(seen->created_us, &r->first_made_us, &r->last_made_us);
    if (r->count == 1 || seen->confidence > r->confidence)
        r->confidence = seen->confidence;
}

/* The way of a tag whose pair is not known yet. */
static int add_new(tally *t, const tag *seen, uint64_t row_hash, uint64_t pair_hash)
{
    tally_row *row = find_row(t, seen, row_hash);
    int rc;

    if (!row && t->n_rows >= TAG_TALLY_ROWS_MAX) {
        t->count++;
        t->beyond++;
        return 0;
    }
    rc = row ? 0 : add_row(t, seen, row_hash, &row);
    if (!rc)
        rc = add_pair(t, seen, pair_hash, row);
    if (rc)
        return rc;
    count_in_row(row, seen);
    t->count++;
    return 0;
}

int tally_add(tally *t, const tag *seen)
{
    size_t row_len;
    uint64_t pair_hash;
    pair *p;

    if (make_key(t, seen, &row_len))
        return -ENOMEM;
    pair_hash = str_hash(buf_str(&t->key));
    p = find_pair(t, seen, pair_hash);
    if (!p)
        return add_new(t, seen, str_hash((str){t->key.ptr, row_len}), pair_hash);
    p->count++;
    count_in_row(&t->rows[p->row], seen);
    t->count++;
    return 0;
}

static bool is_better(const pair *p, const tally_row *r)
{
    if (p->count != r->top_count)
        return p->count > r->top_count;
    return str_cmp(p->rule_id, r->top_rule) < 0;
}

static void name_top_rules(const tally *t, tally_row *rows)
{
    for (size_t i = 0; i < t->n_pairs; i++) {
        const pair *p = &t->pairs[i];
        tally_row *r = &rows[p->row];

        if (r->n_rules++ == 0 || is_better(p, r)) {
            r->top_rule = p->rule_id;
            r->top_rule_name = p->rule_name;
            r->top_count = p->count;
        }
    }
}

int tally_rows(const tally *t, tally_row **ret_rows, size_t *ret_n)
{
    tally_row *rows = calloc(t->n_rows + 1, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    if (t->n_rows)
        memcpy(rows, t->rows, t->n_rows * sizeof(*rows));
    name_top_rules(t, rows);
    *ret_rows = rows;
    *ret_n = t->n_rows;
    return 0;
}

uint64_t tally_count(const tally *t)
{
    return t->count;
}

uint64_t tally_beyond(const tally *t)
{
    return t->beyond;
}

static int by_rule_id(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

int tally_count_rules(const tally *t, size_t *ret_n)
{
    auto_free(mem) str *ids = malloc((t->n_pairs + 1) * sizeof(*ids));
    size_t n = 0;

    if (!ids)
        return -ENOMEM;
    for (size_t i = 0; i < t->n_pairs; i++)
        ids[i] = t->pairs[i].rule_id;
    qsort(ids, t->n_pairs, sizeof(*ids), by_rule_id);
    for (size_t i = 0; i < t->n_pairs; i++)
        n += i == 0 || !str_eq(ids[i], ids[i - 1]);
    *ret_n = n;
    return 0;
}

size_t tally_tactic_order(const attack_catalogue *catalogue, str tactic)
{
    size_t n = attack_tactic_count(catalogue);
    size_t i = 0;

    while (i < n && !str_eq(attack_tactic_at(catalogue, i)->id, tactic))
        i++;
    return i;
}
