/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scan of a text that may have been scanned before: what it found is told again. Where patterns
 * were added to the table since, only they are searched for.
 *
 * The budgets of an event are spent as if the text had been scanned, so that its tags do not hang
 * on what was evaluated before it; where they might not suffice, it is scanned.
 */
#include "match/matcher.h"
#include "match/table_internal.h"
#include "match/table_scan.h"

/* A table of fewer patterns scans a text about as fast as the text is found. */
#define PATTERNS_MIN 128
/* More patterns that were added since are found by a scan as fast. */
#define ADDED_MAX 16

/* Would a scan have found all of it? A group of patterns takes whole texts from the budget, and
 * gives back what it does not read; PCRE2 counts steps of its own, too. */
static bool may_spend(const matcher *m, const memo_entry *e)
{
    return e->bytes + (uint64_t)PATTERN_GROUP * e->text_len <= m->verify_left &&
           e->steps <= backtracker_budget(m->backtracker) / 2;
}

static void tell_again(matcher *m, const memo_entry *e, table_listener *l)
{
    m->verify_left -= e->bytes;
    (void)backtracker_spend(m->backtracker, e->steps); /* may_spend was asked */
    for (uint32_t i = 0; i < e->n_hits; i++)
        l->hit(l->ctx, e->hits[i]);
}

/* Scan, and keep what is found. */
static int scan_and_keep(const pattern_table *t, matcher *m, str text, table_listener *l)
{
    uint64_t bytes = m->verify_left, steps = backtracker_budget(m->backtracker);
    int rc;

    l->noted = memo_room(&m->memo);
    l->noted->n_hits = 0;
    rc = table_scan_text(t, m, text, l);
    if (rc || !l->noted)
        return rc;
    l->noted->table = t->serials[0];
    l->noted->bytes = bytes - m->verify_left;
    l->noted->steps = steps - backtracker_budget(m->backtracker);
    memo_keep(&m->memo, text);
    return 0;
}

/* What e tells is told; now for the patterns from first on, which it does not know. */
static int catch_up(const pattern_table *t, matcher *m, str text, uint32_t first, memo_entry *e,
                    table_listener *l)
{
    uint64_t bytes = m->verify_left, steps = backtracker_budget(m->backtracker);
    memo_entry *next = memo_room(&m->memo);
    int rc;

    l->noted = next;
    next->n_hits = e->n_hits;
    memcpy(next->hits, e->hits, e->n_hits * sizeof(*e->hits));
    rc = table_scan_added(t, m, text, first, l);
    if (rc || !l->noted)
        return rc;
    if (next->n_hits > e->n_hits) {
        next->bytes = e->bytes;
        next->steps = e->steps;
        memo_keep(&m->memo, text);
        e = next;
    }
    e->table = t->serials[0];
    e->bytes += bytes - m->verify_left;
    e->steps += steps - backtracker_budget(m->backtracker);
    return 0;
}

int pattern_table_scan(const pattern_table *t, matcher *m, str text, pattern_hit_fn *hit,
                       pattern_hit_fn *cut, void *ctx)
{
    table_listener l = {.hit = hit, .cut = cut, .ctx = ctx};
    memo_entry *e;
    size_t index;
    uint32_t first;

    matcher_allow_text(m, text.len);
    if (t->patterns.n < PATTERNS_MIN || !memo_begin(&m->memo, text.len))
        return table_scan_text(t, m, text, &l);
    e = memo_find(&m->memo, text, t->serials, t->n_serials, &index);
    first = e ? t->n_patterns_of[index] : 0;
    if (!e || !may_spend(m, e) || t->patterns.n - first > ADDED_MAX)
        return scan_and_keep(t, m, text, &l);
    tell_again(m, e, &l);
    return first < t->patterns.n ? catch_up(t, m, text, first, e, &l) : 0;
}
