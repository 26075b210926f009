/* SPDX-License-Identifier: Apache-2.0 */
#include "match/nfa.h"

#include <errno.h>
#include <stdlib.h>

/* One closure: all that is reached from some instructions without consuming a character. */
typedef struct closure {
    const program *p;
    nfa_scratch *s;
    unsigned context;
    bool ahead_known; /* context tells what comes next; otherwise assertions that ask so wait */
    bool accepted, pending;
    uint32_t n_stack;
} closure;

int nfa_scratch_reserve(nfa_scratch *s, const program *p)
{
    uint32_t cap = p->n_insts, words = (cap + 63) / 64;

    if (cap <= s->cap)
        return 0;
    nfa_scratch_done(s);
    s->seen = calloc(words, sizeof(*s->seen));
    s->waiting = calloc(words, sizeof(*s->waiting));
    s->stack = calloc(cap, sizeof(*s->stack));
    s->resolved = calloc(cap, sizeof(*s->resolved));
    s->first = calloc(cap, sizeof(*s->first));
    s->second = calloc(cap, sizeof(*s->second));
    if (!s->seen || !s->waiting || !s->stack || !s->resolved || !s->first || !s->second) {
        nfa_scratch_done(s);
        return -ENOMEM;
    }
    s->cap = cap;
    return 0;
}

void nfa_scratch_done(nfa_scratch *s)
{
    uint64_t work = s->work, limit = s->limit;

    free(s->bits.masks);
    free(s->bits.now);
    free(s->seen);
    free(s->waiting);
    free(s->stack);
    free(s->resolved);
    free(s->first);
    free(s->second);
    *s = (nfa_scratch){.work = work, .limit = limit};
}

static void reach(closure *c, uint32_t inst)
{
    uint64_t *word = &c->s->seen[inst / 64], bit = 1ull << (inst % 64);

    if (*word & bit)
        return;
    *word |= bit;
    c->s->stack[c->n_stack++] = (uint16_t)inst;
}

static void wait_at(closure *c, uint32_t inst)
{
    c->s->waiting[inst / 64] |= 1ull << (inst % 64);
}

static void follow_assert(closure *c, uint32_t at, unsigned type)
{
    if (!c->ahead_known && program_assert_looks_ahead(type)) {
        wait_at(c, at);
        c->pending = true;
    } else if (program_assert_holds(type, c->context)) {
        reach(c, at + 1);
    }
}

static void follow(closure *c, uint32_t at)
{
    const program_inst *inst = &c->p->insts[at];

    switch ((program_op)inst->op) {
    case OP_CLASS:
    case OP_SET:
        wait_at(c, at);
        break;
    case OP_ASSERT:
        follow_assert(c, at, inst->x);
        break;
    case OP_SPLIT:
        reach(c, inst->y);
        reach(c, inst->x);
        break;
    case OP_END: /* rounds that consumed nothing change no verdict */
        reach(c, inst->y);
        reach(c, inst->x);
        break;
    case OP_JUMP:
        reach(c, inst->x);
        break;
    case OP_SAVE:
    case OP_ENTER:
        reach(c, at + 1);
        break;
    case OP_MATCH:
        c->accepted = true;
        break;
    }
}

static void follow_all(closure *c)
{
    while (c->n_stack > 0 && !c->accepted) {
        c->s->work++;
        follow(c, c->s->stack[--c->n_stack]);
    }
}

static void begin(closure *c)
{
    size_t bytes = (c->p->n_insts + 63) / 64 * sizeof(uint64_t);

    memset(c->s->seen, 0, bytes);
    memset(c->s->waiting, 0, bytes);
}

static uint32_t list_waiting(const closure *c, uint16_t *to)
{
    uint32_t n = 0, words = (c->p->n_insts + 63) / 64;

    for (uint32_t w = 0; w < words; w++) {
        for (uint64_t bits = c->s->waiting[w]; bits; bits &= bits - 1)
            to[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
    }
    return n;
}

static nfa_result finish(closure *c, nfa_set *to)
{
    if (c->accepted)
        return NFA_ACCEPTED;
    to->n = list_waiting(c, to->insts);
    to->pending = c->pending;
    to->context = c->pending ? (uint16_t)c->context : 0;
    return to->n == 0 && c->p->anchored ? NFA_DEAD : NFA_ON;
}

nfa_result nfa_start(const program *p, nfa_scratch *s, nfa_set *to)
{
    closure c = {.p = p, .s = s, .context = AT_TEXT_START};

    begin(&c);
    reach(&c, p->holds_start);
    follow_all(&c);
    return finish(&c, to);
}

static unsigned context_of_column(const program *p, uint32_t column)
{
    if (column == nfa_column_end(p))
        return AT_TEXT_END;
    if (column == nfa_column_final_newline(p))
        return BEFORE_FINAL_NEWLINE | context_before(p->al.flags[p->al.ascii['\n']]);
    return context_before(p->al.flags[column]);
}

/* Decide the assertions that asked what comes next. */
static bool resolve(const program *p, nfa_scratch *s, const nfa_set *from, uint32_t column,
                    nfa_set *to)
{
    closure c = {.p = p, .s = s, .ahead_known = true};

    c.context = from->context | context_of_column(p, column);
    begin(&c);
    for (uint32_t i = 0; i < from->n; i++)
        reach(&c, from->insts[i]);
    follow_all(&c);
    if (!c.accepted)
        to->n = list_waiting(&c, to->insts);
    return c.accepted;
}

nfa_result nfa_step(const program *p, nfa_scratch *s, const nfa_set *from, uint32_t column,
                    nfa_set *to)
{
    closure c = {.p = p, .s = s};
    nfa_set resolved = {.insts = s->resolved};
    uint32_t class = column == nfa_column_final_newline(p) ? p->al.ascii['\n'] : column;

    if (from->pending) {
        if (resolve(p, s, from, column, &resolved))
            return NFA_ACCEPTED;
        from = &resolved;
    }
    if (column == nfa_column_end(p))
        return NFA_DEAD;
    c.context = context_after(p->al.flags[class]);
    begin(&c);
    s->work += from->n;
    for (uint32_t i = 0; i < from->n; i++) {
        if (program_takes(p, &p->insts[from->insts[i]], class))
            reach(&c, from->insts[i] + 1u);
    }
    if (!p->anchored)
        reach(&c, p->holds_start);
    follow_all(&c);
    return finish(&c, to);
}

/* ---- many at a time ---- */

#define BITS_WORDS_MAX (1u << 18) /* 2 MiB of masks */

bool nfa_bits_usable(const program *p)
{
    size_t words = (p->n_insts + 63) / 64;

    return !p->looks_ahead && words * (p->al.n_classes + 1u) <= BITS_WORDS_MAX;
}

static int reserve_bits(nfa_scratch *s, size_t n_masks, size_t n_now)
{
    if (n_masks > s->bits.cap) {
        free(s->bits.masks);
        s->bits.masks = malloc(n_masks * sizeof(uint64_t));
        s->bits.cap = s->bits.masks ? n_masks : 0;
    }
    if (n_now > s->bits.cap_now) {
        free(s->bits.now);
        s->bits.now = malloc(n_now * sizeof(uint64_t));
        s->bits.cap_now = s->bits.now ? n_now : 0;
    }
    return s->bits.masks && s->bits.now ? 0 : -ENOMEM;
}

static void put_bit(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= 1ull << (i % 64);
}

int nfa_bits_begin(const program *p, nfa_scratch *s, const nfa_set *from)
{
    size_t words = (p->n_insts + 63) / 64, n_masks = words * (p->al.n_classes + 1u);
    int rc = reserve_bits(s, n_masks, words);

    if (rc)
        return rc;
    memset(s->bits.masks, 0, n_masks * sizeof(uint64_t));
    memset(s->bits.now, 0, words * sizeof(uint64_t));
    for (uint32_t i = 0; i < p->n_insts; i++) {
        if (p->insts[i].op != OP_CLASS && p->insts[i].op != OP_SET)
            continue;
        put_bit(s->bits.masks + words * p->al.n_classes, i);
        for (uint32_t k = 0; k < p->al.n_classes; k++) {
            if (program_takes(p, &p->insts[i], k))
                put_bit(s->bits.masks + words * k, i);
        }
    }
    s->work += p->n_insts;
    for (uint32_t i = 0; i < from->n; i++)
        put_bit(s->bits.now, from->insts[i]);
    return 0;
}

nfa_result nfa_bits_step(const program *p, nfa_scratch *s, uint32_t class)
{
    closure c = {.p = p, .s = s, .context = context_after(p->al.flags[class])};
    size_t words = (p->n_insts + 63) / 64;
    const uint64_t *takes = s->bits.masks + words * class;
    const uint64_t *waits = s->bits.masks + words * p->al.n_classes;
    uint64_t carry = 0, any = 0;

    memset(s->seen, 0, words * sizeof(uint64_t));
    s->work += words;
    for (size_t w = 0; w < words; w++) {
        uint64_t taken = s->bits.now[w] & takes[w];
        uint64_t next = taken << 1 | carry; /* the instruction behind each */

        carry = taken >> 63;
        s->waiting[w] = next & waits[w];
        for (uint64_t rest = next & ~waits[w]; rest; rest &= rest - 1)
            reach(&c, (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(rest));
    }
    if (!p->anchored)
        reach(&c, p->holds_start);
    follow_all(&c);
    if (c.accepted)
        return NFA_ACCEPTED;
    for (size_t w = 0; w < words; w++) {
        s->bits.now[w] = s->waiting[w];
        any |= s->waiting[w];
    }
    return any == 0 && p->anchored ? NFA_DEAD : NFA_ON;
}
