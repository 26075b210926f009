/* SPDX-License-Identifier: Apache-2.0 */
#include "match/dfa.h"

#include "base/utf8.h"
#include "match/dfa_cache.h"

#include <errno.h>
#include <stdlib.h>

/* States must serve this many characters on average to be worth making. */
#define CHARS_PER_STATE 4

/* One search. */
typedef struct run {
    dfa_cache *cache;
    dfa *d;
    const program *p;
    const unsigned char *at, *end; /* the character to take, or behind the last one */
    const unsigned char *last;     /* the final newline where the program asks for it, else end */
    const unsigned char *reset_at; /* where the automaton was emptied last */
    size_t n_skipped;              /* characters that were not taken one by one */
    bool stepping;                 /* making states does not pay: set holds the state */
    nfa_set set;
} run;

/* ---- the start state ---- */

/* The one ASCII character that makes up the class, or -1. */
static int sole_byte(const program *p, uint32_t class)
{
    int byte = -1;

    for (int b = 0; b < 128; b++) {
        if (p->al.ascii[b] != class)
            continue;
        if (byte >= 0)
            return -1;
        byte = b;
    }
    for (uint32_t i = 0; i < p->al.n_intervals; i++) {
        for (unsigned k = 0; k < ALPHABET_KINDS; k++) {
            if (p->al.rows[i][k] == class)
                return -1;
        }
    }
    return byte;
}

/* The byte to look for while nothing has begun to match: all others lead back to the start state.
 */
static int find_skip_byte(const program *p, const nfa_set *start)
{
    int byte = -1;

    if (p->anchored || p->line_start || start->pending)
        return -1;
    for (uint32_t i = 0; i < start->n; i++) {
        const program_inst *inst = &p->insts[start->insts[i]];
        int b = inst->op == OP_CLASS ? sole_byte(p, inst->x) : -1;

        if (b < 0 || (byte >= 0 && b != byte))
            return -1;
        byte = b;
    }
    return byte;
}

/* Does any other character lead from the start state back to it? A text's start can be a place of
 * its own. */
static bool leads_back(run *r, const nfa_set *start, int skip)
{
    nfa_set to = {.insts = r->cache->scratch.second};
    uint32_t other = r->p->al.ascii[skip] == 0 ? 1 : 0;

    return other < r->p->al.n_classes &&
           nfa_step(r->p, &r->cache->scratch, start, other, &to) == NFA_ON &&
           dfa_same_set(start, &to);
}

/* Returns as intern; the start can also be ACCEPTED or DEAD. */
static int make_start(run *r, uint32_t *ret_state)
{
    nfa_set set = {.insts = r->cache->scratch.first};
    nfa_result result = nfa_start(r->p, &r->cache->scratch, &set);

    r->set = set;
    if (result != NFA_ON) {
        *ret_state = result == NFA_ACCEPTED ? ACCEPTED : DEAD;
        return 0;
    }
    r->d->skip = find_skip_byte(r->p, &set);
    if (r->d->skip >= 0 && !leads_back(r, &set, r->d->skip))
        r->d->skip = -1;
    return dfa_intern(r->cache, r->d, &set, ret_state);
}

/* ---- searching ---- */

/* The automaton is full. Begin it anew at set, or give it up for this text. */
static int start_over(run *r, const nfa_set *set, uint32_t *ret_state)
{
    size_t chars = (size_t)(r->at - r->reset_at);
    bool pays = chars / CHARS_PER_STATE >= r->d->n_states;
    int rc = TTP_E_LIMIT;

    dfa_empty(r->d);
    r->reset_at = r->at;
    r->set = *set;
    if (pays)
        rc = dfa_intern(r->cache, r->d, set, ret_state);
    r->stepping = rc == TTP_E_LIMIT;
    return r->stepping ? 0 : rc;
}

/* The entry for state and column, which is not known yet. After a start_over *ret may be another
 * row. */
static int make_next(run *r, uint32_t state, uint32_t column, uint32_t *ret_next)
{
    nfa_set from = dfa_set_of(r->d, state / r->d->stride - 1);
    nfa_set to = {.insts = r->cache->scratch.second};
    nfa_result result = nfa_step(r->p, &r->cache->scratch, &from, column, &to);
    uint32_t next = result == NFA_ACCEPTED ? ACCEPTED : DEAD;
    int rc;

    if (result == NFA_ON) {
        rc = dfa_intern(r->cache, r->d, &to, &next);
        if (rc == TTP_E_LIMIT)
            return start_over(r, &to, ret_next);
        if (rc)
            return rc;
    }
    r->d->next[state + column] = next;
    *ret_next = next;
    return 0;
}

/* The column of what stands at r->at, and its length in bytes. */
static uint32_t next_column(const run *r, unsigned *ret_len)
{
    uint32_t cp;

    if (r->at == r->end) {
        *ret_len = 0;
        return nfa_column_end(r->p);
    }
    if (r->at == r->last) {
        *ret_len = 1;
        return nfa_column_final_newline(r->p);
    }
    *ret_len = utf8_decode((const char *)r->at, (const char *)r->end, &cp);
    return alphabet_class(&r->p->al, cp);
}

/* Nothing has begun to match at at: where something can. */
static const unsigned char *skip_ahead(const run *r, const unsigned char *at)
{
    const unsigned char *found = memchr(at, r->d->skip, (size_t)(r->last - at));

    return found ? found : r->last;
}

/*
 * Run over ASCII characters of known entries, to last or as far behind it as was skipped. Returns
 * the state reached; r->at stands at the character not taken.
 */
static uint32_t run_known(run *r, uint32_t state, const unsigned char *last)
{
    const uint8_t *ascii = r->p->al.ascii;
    const uint32_t *next = r->d->next;
    const unsigned char *at = r->at;
    uint32_t start = r->d->skip >= 0 ? r->d->start : UNKNOWN;

    while (at < last && *at < 128) {
        const uint32_t *column = next + ascii[*at]; /* so that only one load waits for the state */
        uint32_t to = column[state];

        if (to <= ACCEPTED)
            break;
        state = to;
        at++;
        if (to == start) {
            const unsigned char *from = at;

            at = skip_ahead(r, at);
            r->n_skipped += (size_t)(at - from);
        }
    }
    r->at = at;
    return state;
}

static bool spent(const run *r)
{
    return r->cache->scratch.work > r->cache->scratch.limit;
}

static int step_bits(run *r)
{
    nfa_scratch *s = &r->cache->scratch;
    int rc = nfa_bits_begin(r->p, s, &r->set);

    if (rc)
        return rc;
    while (!spent(r)) {
        unsigned len;
        uint32_t column = next_column(r, &len);
        nfa_result result = NFA_DEAD;

        if (column == nfa_column_final_newline(r->p))
            column = r->p->al.ascii['\n'];
        if (column != nfa_column_end(r->p))
            result = nfa_bits_step(r->p, s, column);
        if (result != NFA_ON)
            return result == NFA_ACCEPTED ? 0 : TTP_E_NOT_FOUND;
        r->at += len;
    }
    return TTP_E_LIMIT;
}

/* Decide the rest of the text without keeping states. */
static int step_rest(run *r)
{
    nfa_scratch *s = &r->cache->scratch;

    if (nfa_bits_usable(r->p))
        return step_bits(r);
    while (!spent(r)) {
        uint16_t *room = r->set.insts == s->first ? s->second : s->first;
        nfa_set to = {.insts = room};
        unsigned len;
        uint32_t column = next_column(r, &len);
        nfa_result result = nfa_step(r->p, s, &r->set, column, &to);

        if (result != NFA_ON)
            return result == NFA_ACCEPTED ? 0 : TTP_E_NOT_FOUND;
        r->set = to;
        r->at += len;
    }
    return TTP_E_LIMIT;
}

/* Take the character that run_known did not. Returns true where that answers, in *ret_rc. */
static bool take_next(run *r, uint32_t *state, int *ret_rc)
{
    unsigned len;
    uint32_t column = next_column(r, &len), to = r->d->next[*state + column];

    if (to == UNKNOWN) {
        *ret_rc = make_next(r, *state, column, &to);
        if (!*ret_rc && spent(r) && to > ACCEPTED)
            *ret_rc = TTP_E_LIMIT;
        if (*ret_rc)
            return true;
    }
    r->at += len;
    *state = to;
    if (r->stepping)
        *ret_rc = step_rest(r);
    else if (to <= ACCEPTED)
        *ret_rc = to == ACCEPTED ? 0 : TTP_E_NOT_FOUND;
    return r->stepping || to <= ACCEPTED;
}

static int search(run *r, uint32_t state)
{
    int rc;

    do
        state = run_known(r, state, r->last);
    while (!take_next(r, &state, &rc));
    return rc;
}

static int search_from_start(run *r)
{
    int rc = 0;

    if (r->d->start == UNKNOWN)
        rc = make_start(r, &r->d->start);
    if (rc == TTP_E_LIMIT)
        return step_rest(r);
    if (rc)
        return rc;
    if (r->d->start <= ACCEPTED)
        return r->d->start == ACCEPTED ? 0 : TTP_E_NOT_FOUND;
    if (r->d->skip >= 0)
        r->at = skip_ahead(r, r->at);
    return search(r, r->d->start);
}

/* There is no room even for an empty automaton. */
static int search_without(run *r)
{
    nfa_set set = {.insts = r->cache->scratch.first};
    nfa_result result = nfa_start(r->p, &r->cache->scratch, &set);

    if (result != NFA_ON)
        return result == NFA_ACCEPTED ? 0 : TTP_E_NOT_FOUND;
    r->set = set;
    return step_rest(r);
}

/* Looks up the automaton or adds one. Returns 0, TTP_E_LIMIT (no room for it) or -ENOMEM. */
static int begin(run *r, dfa_cache *cache, uint64_t serial, const program *p, str text)
{
    const unsigned char *at = (const unsigned char *)(text.len ? text.ptr : "");
    bool newline = p->final_newline && text.len > 0 && at[text.len - 1] == '\n';
    int rc = nfa_scratch_reserve(&cache->scratch, p);

    *r = (run){.cache = cache, .p = p, .at = at, .end = at + text.len, .reset_at = at};
    if (rc)
        return rc;
    r->last = r->end - newline;
    r->d = cache->slots[dfa_slot_of(cache, serial)];
    return r->d ? 0 : dfa_add(cache, serial, p, &r->d);
}

static size_t n_read(const run *r, str text)
{
    return text.len - (size_t)(r->end - r->at);
}

static int ask(dfa_cache *cache, dfa_query *q)
{
    run r;
    int rc = begin(&r, cache, q->serial, q->p, q->text);

    if (rc == TTP_E_LIMIT)
        rc = search_without(&r);
    else if (rc == 0)
        rc = search_from_start(&r);
    q->n_read = n_read(&r, q->text);
    return rc;
}

int dfa_holds(dfa_cache *cache, uint64_t serial, const program *p, str text)
{
    return ask(cache, &(dfa_query){.serial = serial, .p = p, .text = text});
}

/* Automata that run side by side, each at a character of its own. */
typedef struct lane {
    run r;
    dfa_query *query;
    uint32_t state;
} lane;

#define SKIP_TRIAL 256
#define SKIP_PAYS 3 /* a character of its own takes as long as so many that are skipped save */

/*
 * Begin alone where there is a byte to skip to, as long as most of the text is skipped; a text may
 * be made so that little of it is. Returns whether that left something to be done in a lane.
 */
static bool begin_skipping(run *r, uint32_t *state)
{
    const unsigned char *from, *until;

    r->at = skip_ahead(r, r->at);
    do {
        from = r->at;
        r->n_skipped = 0;
        if (r->last - from <= SKIP_TRIAL)
            return false;
        until = from + SKIP_TRIAL;
        *state = run_known(r, *state, until);
    } while (r->at >= until && r->n_skipped * (SKIP_PAYS + 1) > (size_t)(r->at - from) * SKIP_PAYS);
    return true;
}

static size_t fewest_left(const lane *lanes, unsigned n)
{
    size_t fewest = SIZE_MAX;

    for (unsigned i = 0; i < n; i++) {
        size_t left = (size_t)(lanes[i].r.last - lanes[i].r.at);

        fewest = left < fewest ? left : fewest;
    }
    return fewest;
}

/* All lanes as far as every one of them knows its characters. */
static inline __attribute__((always_inline)) void run_lanes(lane *lanes, unsigned n)
{
    size_t k, left = fewest_left(lanes, n);
    uint32_t state[DFA_GROUP], to[DFA_GROUP];

    for (unsigned i = 0; i < n; i++)
        state[i] = lanes[i].state;
    for (k = 0; k < left; k++) {
        bool all_known = true;

        for (unsigned i = 0; i < n; i++) {
            unsigned char byte = lanes[i].r.at[k];

            to[i] = byte < 128 ? lanes[i].r.d->next[lanes[i].r.p->al.ascii[byte] + state[i]]
                               : UNKNOWN;
            all_known &= to[i] > ACCEPTED;
        }
        if (!all_known)
            break;
        for (unsigned i = 0; i < n; i++)
            state[i] = to[i];
    }
    for (unsigned i = 0; i < n; i++) {
        lanes[i].state = state[i];
        lanes[i].r.at += k;
    }
}

static void run_all(lane *lanes, unsigned n)
{
    switch (n) { /* each a loop of its own, unrolled */
    case 4:
        run_lanes(lanes, 4);
        break;
    case 3:
        run_lanes(lanes, 3);
        break;
    case 2:
        run_lanes(lanes, 2);
        break;
    default:
        run_lanes(lanes, 1);
        break;
    }
}

/*
 * Where the table has no more to say to a lane: what it lacks is made, or the query is answered, by
 * itself from a character on that is not ASCII.
 */
static bool finish_if_stuck(lane *l)
{
    run *r = &l->r;
    bool is_ascii = r->at < r->last && *r->at < 128;

    if (is_ascii && r->d->next[r->p->al.ascii[*r->at] + l->state] > ACCEPTED)
        return false;
    if (!is_ascii)
        l->query->rc = search(r, l->state);
    else if (!take_next(r, &l->state, &l->query->rc))
        return false;
    l->query->n_read = n_read(r, l->query->text);
    return true;
}

static void ask_alone(dfa_cache *cache, lane *lanes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        lanes[i].query->rc = ask(cache, lanes[i].query);
    }
}

/* Ends with every lane's query answered. Where automata were dropped the rest is asked anew. */
static void search_lanes(dfa_cache *cache, lane *lanes, unsigned n)
{
    uint64_t n_evictions = cache->n_evictions;

    while (n > 0) {
        unsigned n_left = 0;

        run_all(lanes, n);
        for (unsigned i = 0; i < n; i++) {
            if (cache->n_evictions != n_evictions || !finish_if_stuck(&lanes[i]))
                lanes[n_left++] = lanes[i];
        }
        n = n_left;
        if (cache->n_evictions != n_evictions) {
            ask_alone(cache, lanes, n);
            return;
        }
    }
}

/* What one query can do by itself. Returns whether something is left for its lane. */
static bool begin_lane(lane *l, dfa_cache *cache, dfa_query *q)
{
    run *r = &l->r;

    l->query = q;
    if (begin(r, cache, q->serial, q->p, q->text) || r->d->start <= ACCEPTED) {
        q->rc = ask(cache, q);
        return false;
    }
    l->state = r->d->start;
    if (r->d->skip < 0 || begin_skipping(r, &l->state))
        return true;
    q->rc = search(r, l->state);
    q->n_read = n_read(r, q->text);
    return false;
}

void dfa_holds_group(dfa_cache *cache, dfa_query *queries, unsigned n)
{
    lane lanes[DFA_GROUP];
    unsigned n_lanes = 0;
    uint64_t n_evictions = cache->n_evictions;

    for (unsigned i = 0; i < n; i++)
        n_lanes += begin_lane(&lanes[n_lanes], cache, &queries[i]);
    if (cache->n_evictions != n_evictions)
        ask_alone(cache, lanes, n_lanes);
    else
        search_lanes(cache, lanes, n_lanes);
}
