/* SPDX-License-Identifier: Apache-2.0 */
#include "match/program.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(REGEX_PROGRAM_MAX < UINT16_MAX, "instructions are numbered with 16 bits");

typedef struct compiler {
    arena a; /* gone when the program is made */
    program_inst *insts;
    uint32_t n_insts, cap_insts;
    charset *sets;
    size_t n_sets, cap_sets;
    uint32_t *table; /* hash of a set's contents -> its number + 1 */
    uint32_t table_size;
    uint32_t holds_start;
    uint32_t loop_depth, loop_depth_max;
    uint8_t marks;
    bool line_start, final_newline, looks_ahead;
    bool at_edge; /* all that was emitted can match nothing */
    bool approximate;
    bool plain_loops; /* no second copy of what + repeats: see emit_plus */
    int rc;
} compiler;

/* ---- sets ---- */

static uint64_t hash_set(const charset *s)
{
    uint64_t h = 1469598103934665603u ^ s->categories ^ (uint64_t)s->negated << 8;

    for (uint32_t i = 0; i < s->n_ranges; i++)
        h = (h ^ s->ranges[i].lo ^ (uint64_t)s->ranges[i].hi << 24) * 1099511628211u;
    return h ^ h >> 29;
}

static bool same_set(const charset *a, const charset *b)
{
    return a->n_ranges == b->n_ranges && a->categories == b->categories &&
           a->negated == b->negated &&
           (a->n_ranges == 0 ||
            memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(regex_range)) == 0);
}

static int grow_sets(compiler *c)
{
    size_t cap = c->cap_sets ? c->cap_sets * 2 : 32;
    charset *sets = arena_calloc(&c->a, cap, sizeof(*sets));
    uint32_t *table = arena_calloc(&c->a, cap * 2, sizeof(*table));

    if (!sets || !table)
        return -ENOMEM;
    if (c->n_sets)
        memcpy(sets, c->sets, c->n_sets * sizeof(*sets));
    c->sets = sets;
    c->table = table;
    c->cap_sets = cap;
    c->table_size = (uint32_t)cap * 2;
    for (uint32_t i = 0; i < c->n_sets; i++) {
        uint32_t at = (uint32_t)hash_set(&sets[i]) & (c->table_size - 1);

        while (table[at])
            at = (at + 1) & (c->table_size - 1);
        table[at] = i + 1;
    }
    return 0;
}

/* The number of the set; its ranges must live as long as the compiler. */
static uint16_t intern_set(compiler *c, const charset *s)
{
    uint32_t at;

    if (c->n_sets == c->cap_sets && grow_sets(c)) {
        c->rc = -ENOMEM;
        return 0;
    }
    at = (uint32_t)hash_set(s) & (c->table_size - 1);
    for (; c->table[at]; at = (at + 1) & (c->table_size - 1)) {
        if (same_set(&c->sets[c->table[at] - 1], s))
            return (uint16_t)(c->table[at] - 1);
    }
    c->sets[c->n_sets++] = *s;
    c->table[at] = (uint32_t)c->n_sets;
    return (uint16_t)(c->n_sets - 1);
}

static int compare_ranges(const void *a, const void *b)
{
    uint32_t x = ((const regex_range *)a)->lo, y = ((const regex_range *)b)->lo;

    return x < y ? -1 : x > y;
}

static uint16_t intern_char(compiler *c, uint32_t cp, bool fold)
{
    enum {
        ORBIT_MAX = 8
    };
    regex_range *orbit = arena_calloc(&c->a, ORBIT_MAX, sizeof(*orbit));
    charset set = {.ranges = orbit};
    uint32_t next = cp;

    if (!orbit) {
        c->rc = -ENOMEM;
        return 0;
    }
    do {
        orbit[set.n_ranges++] = (regex_range){next, next};
        next = unicode_orbit_next(next);
    } while (fold && next != cp && set.n_ranges < ORBIT_MAX);
    qsort(orbit, set.n_ranges, sizeof(*orbit), compare_ranges);
    return intern_set(c, &set);
}

/* ---- what can match nothing ---- */

/*
 * with_assertions: a place where it matches nothing is enough; without: it must do so everywhere.
 * What a program cannot do counts as nothing, as PROGRAM_APPROXIMATE takes it.
 */
static bool can_be_empty(const regex_node *n, bool with_assertions)
{
    switch (n->type) {
    case REGEX_CHAR:
    case REGEX_SET:
        return false;
    case REGEX_ASSERT:
        return with_assertions;
    case REGEX_CAT:
        for (uint32_t i = 0; i < n->n_kids; i++) {
            if (!can_be_empty(n->kids[i], with_assertions))
                return false;
        }
        return true;
    case REGEX_COND:
        if (n->n_kids < 2)
            return true;
        /* fall through */
    case REGEX_ALT:
        for (uint32_t i = 0; i < n->n_kids; i++) {
            if (can_be_empty(n->kids[i], with_assertions))
                return true;
        }
        return false;
    case REGEX_REPEAT:
        return n->min == 0 || can_be_empty(n->kids[0], with_assertions);
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return can_be_empty(n->kids[0], with_assertions);
    case REGEX_EMPTY:
    case REGEX_LOOK:
    case REGEX_BACKREF:
        return true;
    }
    return false;
}

bool regex_matches_nothing(const regex_node *n)
{
    return can_be_empty(n, false);
}

/* ---- emission ---- */

static void emit_node(compiler *c, const regex_node *n);

static int grow_insts(compiler *c)
{
    uint32_t cap = c->cap_insts ? c->cap_insts * 4 : 128;
    program_inst *insts = arena_calloc(&c->a, cap, sizeof(*insts));

    if (!insts)
        return -ENOMEM;
    if (c->n_insts)
        memcpy(insts, c->insts, c->n_insts * sizeof(*insts));
    c->insts = insts;
    c->cap_insts = cap;
    return 0;
}

static uint32_t emit(compiler *c, program_op op, uint32_t x, uint32_t y)
{
    if (c->n_insts == REGEX_PROGRAM_MAX && c->rc == 0)
        c->rc = TTP_E_LIMIT;
    if (c->rc == 0 && c->n_insts == c->cap_insts)
        c->rc = grow_insts(c);
    if (c->rc)
        return 0;
    c->insts[c->n_insts] = (program_inst){(uint16_t)op, (uint16_t)x, (uint16_t)y};
    return c->n_insts++;
}

/* A branch whose preferred way (greedy: into the body) is the next instruction; the other is set by
 * close_split. */
static uint32_t open_split(compiler *c, bool lazy)
{
    uint32_t next = c->n_insts + 1;

    return lazy ? emit(c, OP_SPLIT, 0, next) : emit(c, OP_SPLIT, next, 0);
}

static void close_split(compiler *c, uint32_t split, bool lazy, uint32_t target)
{
    if (c->rc)
        return;
    if (lazy)
        c->insts[split].x = (uint16_t)target;
    else
        c->insts[split].y = (uint16_t)target;
}

static void emit_assert(compiler *c, regex_assert type)
{
    switch (type) {
    case REGEX_LINE_START:
        c->line_start = true;
        /* fall through */
    case REGEX_LINE_END:
        c->marks |= CLASS_NEWLINE;
        break;
    case REGEX_TEXT_END_NEWLINE:
        c->final_newline = true;
        break;
    case REGEX_WORD:
    case REGEX_NOT_WORD:
        c->marks |= CLASS_WORD;
        break;
    case REGEX_WORD_ASCII:
    case REGEX_NOT_WORD_ASCII:
        c->marks |= CLASS_WORD_ASCII;
        break;
    case REGEX_TEXT_START:
    case REGEX_TEXT_END:
        break;
    }
    c->looks_ahead |= program_assert_looks_ahead(type);
    emit(c, OP_ASSERT, type, 0);
}

/* ways in order: a SPLIT before each but the last, a JUMP to the end behind each but the last */
static void emit_ways(compiler *c, regex_node *const *kids, uint32_t n, bool or_nothing)
{
    uint32_t jumps = UINT32_MAX; /* a list through the x of the jumps */

    for (uint32_t i = 0; i < n && c->rc == 0; i++) {
        bool last = i + 1 == n && !or_nothing;
        uint32_t split = last ? 0 : open_split(c, false);

        emit_node(c, kids[i]);
        if (!last) {
            uint32_t jump = emit(c, OP_JUMP, jumps & UINT16_MAX, 0);

            jumps = jump;
            close_split(c, split, false, c->n_insts);
        }
    }
    while (c->rc == 0 && jumps != UINT32_MAX) {
        uint32_t next = c->insts[jumps].x;

        c->insts[jumps].x = (uint16_t)c->n_insts;
        jumps = next == UINT16_MAX ? UINT32_MAX : next;
    }
}

/* One round of a loop. empty: it can consume nothing, so it is bracketed; the END's targets come
 * later. */
static uint32_t emit_round(compiler *c, const regex_node *body, bool empty)
{
    uint32_t end = 0;

    if (!empty) {
        emit_node(c, body);
        return 0;
    }
    emit(c, OP_ENTER, 0, 0);
    if (++c->loop_depth > c->loop_depth_max)
        c->loop_depth_max = c->loop_depth;
    emit_node(c, body);
    c->loop_depth--;
    end = emit(c, OP_END, 0, 0);
    return end;
}

static void set_end(compiler *c, uint32_t end, uint32_t again, uint32_t leave)
{
    if (c->rc)
        return;
    c->insts[end].x = (uint16_t)again;
    c->insts[end].y = (uint16_t)leave;
}

static void emit_star(compiler *c, const regex_node *n, bool empty)
{
    bool lazy = n->greed == REGEX_LAZY;
    uint32_t split = open_split(c, lazy);
    uint32_t end = emit_round(c, n->kids[0], empty);

    if (empty)
        set_end(c, end, split, c->n_insts);
    else
        emit(c, OP_JUMP, split, 0);
    close_split(c, split, lazy, c->n_insts);
}

/*
 * Once and more. Python runs the first round of a body that can be empty without asking whether it
 * consumed anything, so it stands apart; nested, that doubles the size each time, and plain_loops
 * gives it up.
 */
static void emit_plus(compiler *c, const regex_node *n, bool empty)
{
    bool lazy = n->greed == REGEX_LAZY;
    uint32_t start, split;

    if (empty && !c->plain_loops) {
        emit_node(c, n->kids[0]);
        emit_star(c, n, true);
        return;
    }
    start = c->n_insts;
    emit_node(c, n->kids[0]);
    if (c->n_insts == start)
        return; /* nothing to repeat */
    split = lazy ? emit(c, OP_SPLIT, 0, start) : emit(c, OP_SPLIT, start, 0);
    close_split(c, split, lazy, c->n_insts);
}

/*
 * Up to count times: each round stands inside the one before, and all leave to the same place,
 * which is known last; until then the ways out are chained through their own fields.
 */
static void emit_optional(compiler *c, const regex_node *n, uint32_t count, bool empty)
{
    bool lazy = n->greed == REGEX_LAZY;
    uint32_t splits = UINT16_MAX, ends = UINT16_MAX;

    for (uint32_t i = 0; i < count && c->rc == 0; i++) {
        uint32_t split = open_split(c, lazy), end;

        close_split(c, split, lazy, splits);
        splits = split;
        end = emit_round(c, n->kids[0], empty);
        if (empty) {
            set_end(c, end, c->n_insts, ends);
            ends = end;
        }
    }
    while (c->rc == 0 && splits != UINT16_MAX) {
        uint16_t *way = lazy ? &c->insts[splits].x : &c->insts[splits].y;

        splits = *way;
        *way = (uint16_t)c->n_insts;
    }
    while (c->rc == 0 && ends != UINT16_MAX) {
        uint32_t next = c->insts[ends].y;

        c->insts[ends].y = (uint16_t)c->n_insts;
        ends = next;
    }
}

static void emit_repeat(compiler *c, const regex_node *n)
{
    bool empty = can_be_empty(n->kids[0], true);
    bool endless = n->max == REGEX_INFINITE;
    uint32_t copies = endless && n->min > 0 ? n->min - 1 : n->min;

    for (uint32_t i = 0; i < copies && c->rc == 0; i++) {
        uint32_t start = c->n_insts;

        emit_node(c, n->kids[0]);
        if (c->n_insts == start)
            return; /* matches nothing, however often */
    }
    if (!endless)
        emit_optional(c, n, n->max - n->min, empty);
    else if (n->min > 0)
        emit_plus(c, n, empty);
    else
        emit_star(c, n, empty);
}

static void emit_any_text(compiler *c)
{
    charset all = {.negated = true};
    uint32_t split = open_split(c, false);

    emit(c, OP_SET, intern_set(c, &all), 0);
    emit(c, OP_JUMP, split, 0);
    close_split(c, split, false, c->n_insts);
}

static void emit_set(compiler *c, const regex_node *n)
{
    charset set = {n->ranges, n->n_ranges, n->categories, n->negated};

    emit(c, OP_SET, intern_set(c, &set), 0);
}

static void emit_group(compiler *c, const regex_node *n)
{
    if (!c->approximate)
        emit(c, OP_SAVE, 2 * n->group, 0);
    emit_node(c, n->kids[0]);
    if (!c->approximate)
        emit(c, OP_SAVE, 2 * n->group + 1, 0);
}

static void emit_inner(compiler *c, const regex_node *n)
{
    switch (n->type) {
    case REGEX_EMPTY:
    case REGEX_LOOK:
        break;
    case REGEX_CHAR:
        emit(c, OP_SET, intern_char(c, n->cp, n->fold), 0);
        break;
    case REGEX_SET:
        emit_set(c, n);
        break;
    case REGEX_CAT:
        for (uint32_t i = 0; i < n->n_kids && c->rc == 0; i++)
            emit_node(c, n->kids[i]);
        break;
    case REGEX_ALT:
        emit_ways(c, n->kids, n->n_kids, false);
        break;
    case REGEX_COND:
        emit_ways(c, n->kids, n->n_kids, n->n_kids < 2);
        break;
    case REGEX_REPEAT:
        emit_repeat(c, n);
        break;
    case REGEX_GROUP:
        emit_group(c, n);
        break;
    case REGEX_ATOMIC:
        emit_node(c, n->kids[0]);
        break;
    case REGEX_ASSERT:
        emit_assert(c, n->assert_type);
        break;
    case REGEX_BACKREF:
        emit_any_text(c);
        break;
    }
}

/*
 * As long as all that was emitted can match nothing, whatever comes, a search for the verdict need
 * not begin with it: at_edge is true, and holds_start follows the emission. CAT and GROUP are
 * looked into.
 */
static void emit_node(compiler *c, const regex_node *n)
{
    bool edge = c->at_edge;

    if (edge && regex_matches_nothing(n)) {
        c->at_edge = false;
        emit_inner(c, n);
        c->at_edge = true;
        c->holds_start = c->n_insts;
        return;
    }
    c->at_edge = edge &&
                 (n->type == REGEX_CAT || n->type == REGEX_GROUP || n->type == REGEX_ATOMIC);
    emit_inner(c, n);
    c->at_edge = false;
}

/* ---- packing ---- */

bool program_assert_holds(unsigned assert_type, unsigned context)
{
    bool word = !(context & AFTER_WORD) != !(context & BEFORE_WORD);
    bool word_ascii = !(context & AFTER_WORD_ASCII) != !(context & BEFORE_WORD_ASCII);
    bool no_text = (context & AT_TEXT_START) && (context & AT_TEXT_END);

    switch (assert_type) {
    case REGEX_TEXT_START:
        return context & AT_TEXT_START;
    case REGEX_LINE_START:
        return context & (AT_TEXT_START | AFTER_NEWLINE);
    case REGEX_TEXT_END:
        return context & AT_TEXT_END;
    case REGEX_TEXT_END_NEWLINE:
        return context & (AT_TEXT_END | BEFORE_FINAL_NEWLINE);
    case REGEX_LINE_END:
        return context & (AT_TEXT_END | BEFORE_NEWLINE);
    case REGEX_WORD:
        return word;
    case REGEX_NOT_WORD:
        return !word && !no_text;
    case REGEX_WORD_ASCII:
        return word_ascii;
    case REGEX_NOT_WORD_ASCII:
        return !word_ascii && !no_text;
    default:
        return false;
    }
}

/* Sets of one class become CLASS instructions, and the row of such a set is left out. */
static uint32_t number_sets(const compiler *c, const uint64_t *members, size_t words,
                            uint32_t *single, uint16_t *row)
{
    uint32_t n_rows = 0;

    for (size_t i = 0; i < c->n_sets; i++) {
        uint32_t count = 0;

        for (size_t w = 0; w < words; w++) {
            uint64_t bits = members[i * words + w];

            if (bits)
                single[i] = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
            count += (uint32_t)__builtin_popcountll(bits);
        }
        if (count != 1) {
            single[i] = UINT32_MAX;
            row[i] = (uint16_t)n_rows++;
        }
    }
    return n_rows;
}

static void *copy_into(char **at, const void *from, size_t size)
{
    char *to = *at;

    if (size)
        memcpy(to, from, size);
    *at += (size + 7) & ~(size_t)7;
    return to;
}

static void copy_insts(const compiler *c, char **at, program *p, const uint32_t *single,
                       const uint16_t *row)
{
    program_inst *insts = copy_into(at, c->insts, c->n_insts * sizeof(*insts));

    for (uint32_t i = 0; i < c->n_insts; i++) {
        program_inst *inst = &insts[i];

        if (inst->op != OP_SET)
            continue;
        if (single[inst->x] != UINT32_MAX)
            *inst = (program_inst){OP_CLASS, (uint16_t)single[inst->x], 0};
        else
            inst->x = row[inst->x];
    }
    p->insts = insts;
}

static void copy_sets(const compiler *c, char **at, program *p, const uint64_t *members,
                      const uint32_t *single)
{
    p->sets = (const uint64_t *)(void *)*at;
    for (size_t i = 0; i < c->n_sets; i++) {
        if (single[i] == UINT32_MAX)
            copy_into(at, members + i * p->set_words, p->set_words * sizeof(uint64_t));
    }
}

/* Can only the text's start begin a match? True where nothing but a failed assertion is reached
 * anywhere else. */
static bool starts_at_text_start(compiler *c)
{
    uint8_t *seen = arena_calloc(&c->a, c->n_insts, 1);
    uint16_t *stack = arena_calloc(&c->a, c->n_insts, sizeof(*stack));
    uint32_t n = 0;

    if (!seen || !stack)
        return false; /* only slower */
    stack[n++] = (uint16_t)c->holds_start;
    seen[c->holds_start] = 1;
    while (n > 0) {
        const program_inst *inst = &c->insts[stack[--n]];
        uint32_t next[2] = {(uint32_t)(inst - c->insts) + 1, UINT32_MAX};

        if (inst->op == OP_SET || inst->op == OP_MATCH)
            return false;
        if (inst->op == OP_ASSERT && inst->x == REGEX_TEXT_START)
            continue;
        if (inst->op == OP_SPLIT || inst->op == OP_JUMP || inst->op == OP_END)
            next[0] = inst->x;
        if (inst->op == OP_SPLIT || inst->op == OP_END)
            next[1] = inst->y;
        for (unsigned i = 0; i < 2; i++) {
            if (next[i] < c->n_insts && !seen[next[i]]) {
                seen[next[i]] = 1;
                stack[n++] = (uint16_t)next[i];
            }
        }
    }
    return true;
}

static bool looks_behind(const compiler *c)
{
    for (uint32_t i = 0; i < c->n_insts; i++) {
        if (c->insts[i].op != OP_ASSERT)
            continue;
        if (c->insts[i].x != REGEX_TEXT_END && c->insts[i].x != REGEX_TEXT_END_NEWLINE &&
            c->insts[i].x != REGEX_LINE_END)
            return true;
    }
    return false;
}

/* One block: the struct, then its arrays, each aligned to 8. */
static int pack(compiler *c, const alphabet *al, const uint64_t *members, uint32_t n_groups,
                program **ret_program)
{
    size_t words = (al->n_classes + 63) / 64;
    uint32_t *single = arena_calloc(&c->a, c->n_sets + 1, sizeof(*single));
    uint16_t *row = arena_calloc(&c->a, c->n_sets + 1, sizeof(*row));
    uint32_t n_rows;
    size_t size;
    program *p;
    char *at;

    if (!single || !row)
        return -ENOMEM;
    n_rows = number_sets(c, members, words, single, row);
    size = sizeof(*p) + c->n_insts * sizeof(program_inst) + al->n_intervals * sizeof(uint32_t) +
           al->n_intervals * sizeof(al->rows[0]) + al->n_classes +
           n_rows * words * sizeof(uint64_t) + 5 * 8;
    p = calloc(1, size);
    if (!p)
        return -ENOMEM;
    at = (char *)p + ((sizeof(*p) + 7) & ~(size_t)7);
    *p = (program){
        .al = *al,
        .n_insts = c->n_insts,
        .n_sets = n_rows,
        .set_words = (uint32_t)words,
        .holds_start = c->holds_start,
        .n_slots = 2 * (n_groups + 1),
        .loop_depth = c->loop_depth_max,
        .anchored = starts_at_text_start(c),
        .line_start = c->line_start,
        .looks_ahead = c->looks_ahead,
        .final_newline = c->final_newline,
        .looks_behind = looks_behind(c),
        .marks = c->marks,
        .size = size,
    };
    copy_insts(c, &at, p, single, row);
    p->al.starts = copy_into(&at, al->starts, al->n_intervals * sizeof(uint32_t));
    p->al.rows = copy_into(&at, al->rows, al->n_intervals * sizeof(al->rows[0]));
    p->al.flags = copy_into(&at, al->flags, al->n_classes);
    copy_sets(c, &at, p, members, single);
    *ret_program = p;
    return 0;
}

static int compile(compiler *c, const regex *re, program **ret_program)
{
    const uint64_t *members;
    alphabet al;
    int rc;

    c->at_edge = true;
    emit_node(c, re->root);
    emit(c, OP_MATCH, 0, 0);
    if (c->rc)
        return c->rc;
    rc = alphabet_build(c->sets, c->n_sets, c->marks, &c->a, &al, &members);
    if (rc)
        return rc;
    return pack(c, &al, members, c->approximate ? 0 : re->n_groups, ret_program);
}

static int try_compile(const regex *re, unsigned options, bool plain_loops, program **ret_program)
{
    compiler c = {.approximate = options & PROGRAM_APPROXIMATE, .plain_loops = plain_loops};
    int rc;

    arena_init(&c.a);
    rc = compile(&c, re, ret_program);
    arena_done(&c.a);
    return rc;
}

int program_new(const regex *re, unsigned options, program **ret_program, ttp_err *err)
{
    int rc = try_compile(re, options, false, ret_program);

    if (rc == TTP_E_LIMIT)
        rc = try_compile(re, options, true, ret_program);
    if (rc == TTP_E_LIMIT)
        return err_at(err, rc, "", 0, 1,
                      "the expression expands to more than %d instructions: repeat counts multiply "
                      "when nested, choose smaller ones",
                      REGEX_PROGRAM_MAX);
    return rc;
}

program *program_free(program *p)
{
    free(p);
    return NULL;
}
