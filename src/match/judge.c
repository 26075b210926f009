/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does any text hold a pattern? A path through its program depends on what stands before and behind
 * each position alone, so that single instructions can be followed, one by one, with what stands
 * before them:
 *
 *     (instruction, what stands before it, is the text's last newline behind?) --class--> more
 *
 * Where no path from the start accepts, nothing does. Of what backtracks the program is an
 * approximation that holds at least where the expression does, which is the side to err on.
 */
#include "match/judge.h"

#include "base/limits.h"
#include "match/frequency.h"
#include "match/nfa.h"
#include "match/pattern_internal.h"

#include <errno.h>
#include <stdlib.h>

#define CONTEXTS 512u /* values of what stands before */
/* words of memory that steps look at; what takes more is left unjudged */
#define WORK_MAX (1u << 24)

/* ---- never ---- */

typedef struct place {
    uint16_t inst, context;
    bool pending, is_last; /* last: only the text's end comes next */
} place;

typedef struct explorer {
    const program *p;
    nfa_scratch scratch;
    nfa_set to;
    uint64_t *seen; /* a bit for each place */
    place *todo;
    size_t n_todo, cap_todo;
    uint64_t work;
    bool accepts, failed;
} explorer;

static size_t number_of(const place *at)
{
    return (((size_t)at->inst * CONTEXTS + at->context) * 2 + at->pending) * 2 + at->is_last;
}

/* Each instruction of the set that was reached is a place of its own. */
static void add_places(explorer *x, nfa_result result, bool is_last)
{
    if (result == NFA_ACCEPTED)
        x->accepts = true;
    if (result != NFA_ON)
        return;
    for (uint32_t i = 0; i < x->to.n; i++) {
        place at = {x->to.insts[i], x->to.context, x->to.pending, is_last};
        size_t bit = number_of(&at);

        if (x->seen[bit / 64] >> (bit % 64) & 1)
            continue;
        x->seen[bit / 64] |= 1ull << (bit % 64);
        if (mem_grow(x->todo, x->cap_todo, x->n_todo + 1)) {
            x->failed = true;
            return;
        }
        x->todo[x->n_todo++] = at;
    }
}

static void step(explorer *x, const place *at, uint32_t column, bool is_last)
{
    nfa_set from = {
        .insts = (uint16_t[]){at->inst}, .n = 1, .context = at->context, .pending = at->pending};

    x->work += x->p->n_insts / 64 + 16;
    add_places(x, nfa_step(x->p, &x->scratch, &from, column, &x->to), is_last);
}

static void explore(explorer *x)
{
    const program *p = x->p;

    add_places(x, nfa_start(p, &x->scratch, &x->to), false);
    while (x->n_todo && !x->accepts && !x->failed && x->work + x->scratch.work < WORK_MAX) {
        place at = x->todo[--x->n_todo];

        for (uint32_t k = 0; !at.is_last && k < p->al.n_classes; k++)
            step(x, &at, k, false);
        if (!at.is_last && p->final_newline)
            step(x, &at, nfa_column_final_newline(p), true);
        step(x, &at, nfa_column_end(p), true);
    }
}

/* Returns 1 where the program accepts nothing, 0 where it does or it would take too long to tell,
 * or -ENOMEM. */
static int accepts_nothing(const program *p)
{
    explorer x = {.p = p, .scratch = {.limit = UINT64_MAX}};
    int rc = -ENOMEM;

    x.to.insts = calloc(p->n_insts, sizeof(*x.to.insts));
    x.seen = calloc((size_t)p->n_insts * CONTEXTS * 4 / 64, sizeof(uint64_t));
    if (x.to.insts && x.seen && nfa_scratch_reserve(&x.scratch, p) == 0) {
        explore(&x);
        rc = x.failed ? -ENOMEM : !x.accepts && x.n_todo == 0 ? 1 : 0;
    }
    nfa_scratch_done(&x.scratch);
    free(x.to.insts);
    free(x.seen);
    free(x.todo);
    return rc;
}

int judge_never_holds(const pattern *p)
{
    auto_free(arena) arena a = {0};
    auto_free(program) program *made = NULL;
    regex re;
    int rc;

    if (!pattern_is_regex(p))
        return 0; /* a literal stands in its own text */
    rc = regex_read(pattern_source(p), pattern_flags(p) & PATTERN_IGNORE_CASE, &a, &re, NULL);
    if (rc == 0)
        rc = program_new(&re, re.backtracks ? PROGRAM_APPROXIMATE : 0, &made, NULL);
    if (rc)
        return rc < 0 ? rc : 0; /* too large to say */
    return accepts_nothing(made);
}

/* ---- how often ---- */

#define EDGES_PER_MILLION 20000.0 /* ordinary texts are some fifty bytes long */

/* The share of positions where a run of at most 4 bytes stands. */
static double share_of(const uint8_t *run, size_t len)
{
    return frequency_of(run, len) / 1e6;
}

/* The share of positions where text stands: that of its rarest window. */
static double share_of_text(str text)
{
    const uint8_t *p = (const uint8_t *)text.ptr;
    size_t size = text.len < 4 ? text.len : 4;
    double least = 1;

    for (size_t at = 0; at + size <= text.len; at++) {
        double share = share_of(p + at, size);

        least = share < least ? share : least;
    }
    return least;
}

/* ... with one of the bytes that side allows put before it, or behind. */
static double share_beside(str text, const context_side *before, const context_side *after);

static double share_with(str text, unsigned c, bool in_front, const context_side *before,
                         const context_side *after)
{
    char longer[5];

    memcpy(longer + in_front, text.ptr, text.len);
    longer[in_front ? 0 : text.len] = (char)c;
    return share_beside((str){longer, text.len + 1}, before, after);
}

static double share_beside(str text, const context_side *before, const context_side *after)
{
    const context_side *side = before ? before : after;
    double sum;

    if (!side || text.len >= 4)
        return share_of_text(text);
    sum = side_has(side, SIDE_EDGE) ? EDGES_PER_MILLION / 1e6 * share_of_text(text) : 0;
    for (unsigned c = 0; c < 128; c++) {
        if (side_has(side, c) && !(c >= 'A' && c <= 'Z'))
            sum += share_with(text, c, before != NULL, NULL, before ? after : NULL);
    }
    return sum + share_with(text, 0xFF, before != NULL, NULL, before ? after : NULL);
}

static double share_of_atom(const atom_set *atoms, uint32_t i)
{
    const context_side *before = NULL, *after = NULL;
    double plain = share_of_text(atoms->texts[i]), beside;

    if (atoms->contexts && !side_equal(&atoms->contexts[i].before, &context_any))
        before = &atoms->contexts[i].before;
    if (atoms->contexts && !side_equal(&atoms->contexts[i].after, &context_any))
        after = &atoms->contexts[i].after;
    beside = share_beside(atoms->texts[i], before, after);
    return beside < plain ? beside : plain; /* an estimate each */
}

uint32_t judge_atom_rate(const pattern *p, str *ret_text)
{
    const atom_set *atoms = pattern_get_atoms(p);
    double sum = 0, most = -1;

    if (!atoms || atoms->place != ATOM_ANYWHERE)
        return 0;
    for (uint32_t i = 0; i < atoms->n_texts; i++) {
        double share = share_of_atom(atoms, i);

        sum += share;
        if (share <= most)
            continue;
        most = share;
        *ret_text = atoms->texts[i];
    }
    return sum < 1 ? (uint32_t)(sum * 1e6) : 1000000;
}
