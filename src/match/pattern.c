/* SPDX-License-Identifier: Apache-2.0 */
#include "match/pattern.h"

#include "base/err.h"
#include "base/limits.h"
#include "match/frequency.h"
#include "match/literal.h"
#include "match/matcher.h"
#include "match/pieces.h"
#include "match/program.h"
#include "match/width.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct pattern {
    atomic_uint refs;
    uint64_t serial; /* never used again in this process; caches know a pattern by it */
    pattern_kind kind;
    unsigned flags;
    bool from_regex;
    bool whole; /* literal: a match is the literal and nothing more, and has no groups */
    pattern_literal literal; /* of PATTERN_LITERAL; its text stands in block */
    program *program; /* what cannot be told by comparing; of PATTERN_BACKTRACK: an approximation */
    backtrack *backtrack;
    atom_set *atoms;
    pieces *pieces;     /* of PATTERN_LINEAR: decides ASCII texts; or NULL */
    uint32_t min_chars; /* texts of fewer bytes cannot match */
    int needed;         /* pattern_needed_byte */
    str source;
    unsigned n_groups;
    str *group_names; /* [n_groups + 1]; NULL where there are none */
    char *block;      /* source, literal text and group names */
    size_t block_size;
};

static atomic_uint_fast64_t last_serial;

/* ---- making ---- */

static pattern *new_pattern(unsigned flags, bool from_regex)
{
    pattern *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    atomic_init(&p->refs, 1);
    p->serial = atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
    p->flags = flags;
    p->from_regex = from_regex;
    p->needed = -1;
    return p;
}

static str put(char **at, str s)
{
    str copy = {*at, s.len};

    if (!s.ptr)
        return STR_NULL;
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    **at = '\0';
    ++*at;
    return copy;
}

/* Copies the texts the pattern keeps; names may be NULL. */
static int keep_texts(pattern *p, str source, str literal, const regex *re)
{
    unsigned n = re ? re->n_groups : 0;
    size_t size = (n ? (n + 1) * sizeof(str) : 0) + source.len + 1 + literal.len + 1;
    char *at;

    for (unsigned i = 1; i <= n; i++)
        size += re->group_names[i].len + 1;
    p->block = at = malloc(size);
    if (!at)
        return -ENOMEM;
    p->block_size = size;
    p->n_groups = n;
    if (n) {
        p->group_names = (str *)(void *)at;
        at += (n + 1) * sizeof(str);
        p->group_names[0] = STR_NULL;
    }
    for (unsigned i = 1; i <= n; i++)
        p->group_names[i] = put(&at, re->group_names[i]);
    p->source = put(&at, source.ptr ? source : STR(""));
    p->literal.text = put(&at, literal.ptr ? literal : STR(""));
    return 0;
}

/* Can the literal be told without a program? */
static bool is_comparable(const pattern *p)
{
    const pattern_literal *l = &p->literal;

    return l->folds == PATTERN_FOLDS_NOTHING || l->at_start || l->at_end || l->at_end_newline;
}

static int make_linear(pattern *p, str source, const regex *re, arena *a, ttp_err *err)
{
    lowered low = {0};
    int rc = literal_lower(re, a, &low);

    if (rc < 0)
        return rc;
    p->kind = rc ? PATTERN_LINEAR : PATTERN_LITERAL;
    p->literal = low.literal;
    p->whole = rc == 0 && low.whole;
    rc = keep_texts(p, source, low.literal.text, re);
    if (rc)
        return rc;
    if (p->kind == PATTERN_LITERAL && p->whole && is_comparable(p))
        return 0;
    if (p->kind == PATTERN_LINEAR)
        rc = pieces_from_regex(re, &p->pieces);
    if (rc)
        return rc;
    return program_new(re, 0, &p->program, err);
}

static int make_backtracking(pattern *p, str source, const regex *re, ttp_err *err)
{
    int rc;

    p->kind = PATTERN_BACKTRACK;
    rc = keep_texts(p, source, STR_NULL, re);
    if (rc)
        return rc;
    rc = backtrack_new(re, &p->backtrack, err);
    if (rc)
        return rc;
    /* what the approximation refuses need not be searched for at PCRE2's price */
    rc = program_new(re, PROGRAM_APPROXIMATE, &p->program, NULL);
    if (rc == 0 && p->program->insts[p->program->holds_start].op == OP_MATCH)
        p->program = program_free(p->program); /* it refuses nothing */
    return rc == TTP_E_LIMIT ? 0 : rc;
}

/* The rarest that its atoms do not tell already; -1: there is none. */
static int choose_needed(const pattern *p, const regex_node *root)
{
    byte_set needed = regex_needed_bytes(root);
    unsigned best_level = 0;
    int best = -1;

    for (int c = 0; p->atoms && c < 128; c++) {
        uint8_t byte = (uint8_t)c;
        unsigned level = frequency_level(&byte, 1);
        uint32_t n_with = 0;

        if (!(needed.bits[c / 64] >> c % 64 & 1) || level <= best_level)
            continue;
        for (uint32_t i = 0; i < p->atoms->n_texts; i++)
            n_with += memchr(p->atoms->texts[i].ptr, c, p->atoms->texts[i].len) != NULL;
        if (n_with == p->atoms->n_texts)
            continue;
        best_level = level;
        best = c;
    }
    return best;
}

static int make_from_tree(pattern *p, str source, const regex *re, arena *a, ttp_err *err)
{
    int rc;

    p->min_chars = regex_min_width(re->root);
    rc = re->backtracks ? make_backtracking(p, source, re, err)
                        : make_linear(p, source, re, a, err);

    if (rc == 0)
        rc = atoms_from_regex(re, &p->atoms);
    p->needed = rc ? -1 : choose_needed(p, re->root);
    return rc;
}

int pattern_from_regex(str source, unsigned flags, pattern **ret_pattern, ttp_err *err)
{
    auto_free(pattern) pattern *p = new_pattern(flags, true);
    auto_free(arena) arena a;
    regex re;
    int rc;

    arena_init(&a);
    if (!p)
        return -ENOMEM;
    rc = regex_read(source, flags & PATTERN_IGNORE_CASE, &a, &re, err);
    if (rc == 0)
        rc = make_from_tree(p, source, &re, &a, err);
    if (rc)
        return rc;
    *ret_pattern = take(p);
    return 0;
}

static int make_fold_program(pattern *p, str text)
{
    auto_free(arena) arena a;
    regex re = {0};

    arena_init(&a);
    re.root = literal_simple_fold_tree(text, &a);
    return re.root ? program_new(&re, 0, &p->program, NULL) : -ENOMEM;
}

static int make_literal(pattern *p, str text, const buf *fold)
{
    bool ignore_case = p->flags & PATTERN_IGNORE_CASE;
    int rc;

    if (fold->failed)
        return -ENOMEM;
    p->kind = PATTERN_LITERAL;
    p->whole = true;
    p->literal.at_start = p->flags & PATTERN_AT_START;
    p->literal.at_end = p->flags & PATTERN_AT_END;
    p->literal.folds = ignore_case ? PATTERN_FOLDS_ALL : PATTERN_FOLDS_NOTHING;
    rc = keep_texts(p, text, ignore_case ? buf_str(fold) : text, NULL);
    if (rc == 0 && !is_comparable(p))
        rc = make_fold_program(p, text);
    return rc;
}

int pattern_from_literal(str text, unsigned flags, pattern **ret_pattern)
{
    auto_free(pattern) pattern *p = new_pattern(flags, false);
    auto_free(buf) buf fold = {0};
    int rc;

    if (!p)
        return -ENOMEM;
    if (flags & PATTERN_IGNORE_CASE)
        literal_put_simple_fold(&fold, text);
    rc = make_literal(p, text, &fold);
    if (rc == 0)
        rc = atoms_from_literal(text, !(flags & PATTERN_IGNORE_CASE), p->literal.at_start,
                                p->literal.at_end, &p->atoms);
    if (rc)
        return rc;
    *ret_pattern = take(p);
    return 0;
}

pattern *pattern_ref(pattern *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

pattern *pattern_unref(pattern *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    program_free(p->program);
    backtrack_free(p->backtrack);
    atoms_free(p->atoms);
    pieces_free(p->pieces);
    free(p->block);
    free(p);
    return NULL;
}

/* ---- asking ---- */

pattern_kind pattern_get_kind(const pattern *p)
{
    return p->kind;
}

str pattern_source(const pattern *p)
{
    return p->source;
}

unsigned pattern_flags(const pattern *p)
{
    return p->flags;
}

bool pattern_is_regex(const pattern *p)
{
    return p->from_regex;
}

unsigned pattern_n_groups(const pattern *p)
{
    return p->n_groups;
}

str pattern_group_name(const pattern *p, unsigned group)
{
    return p->group_names && group <= p->n_groups ? p->group_names[group] : STR_NULL;
}

size_t pattern_memory(const pattern *p)
{
    size_t size = sizeof(*p) + p->block_size + pieces_memory(p->pieces);

    if (p->program)
        size += p->program->size;
    if (p->backtrack)
        size += backtrack_memory(p->backtrack);
    if (p->atoms) {
        size += sizeof(*p->atoms);
        for (uint32_t i = 0; i < p->atoms->n_texts; i++)
            size += sizeof(str) + (p->atoms->contexts ? sizeof(atom_context) : 0) +
                    p->atoms->texts[i].len;
    }
    return size;
}

bool pattern_has_atom(const pattern *p)
{
    return p->atoms != NULL;
}

bool pattern_equal(const pattern *a, const pattern *b)
{
    return a->from_regex == b->from_regex && a->flags == b->flags && str_eq(a->source, b->source);
}

const pattern_literal *pattern_get_literal(const pattern *p)
{
    return p->kind == PATTERN_LITERAL ? &p->literal : NULL;
}

const atom_set *pattern_get_atoms(const pattern *p)
{
    return p->atoms;
}

const pieces *pattern_get_pieces(const pattern *p)
{
    return p->pieces;
}

int pattern_needed_byte(const pattern *p)
{
    return p->needed;
}

uint32_t pattern_min_len(const pattern *p)
{
    return p->min_chars;
}

/* ---- searching ---- */

static int literal_holds(const pattern *p, matcher *m, str text)
{
    size_t at, len;

    if (literal_find(&p->literal, text, &at, &len))
        return at == SIZE_MAX ? TTP_E_NOT_FOUND : 0;
    return dfa_holds(m->automata, p->serial, p->program, text);
}

/* The verdict, but for PATTERN_BACKTRACK, where 0 means that PCRE2 must be asked. */
static int linear_holds(const pattern *p, matcher *m, str text)
{
    if (p->kind == PATTERN_LITERAL)
        return literal_holds(p, m, text);
    return p->program ? dfa_holds(m->automata, p->serial, p->program, text) : 0;
}

int pattern_holds(const pattern *p, matcher *m, str text)
{
    int rc;

    if (text.len < p->min_chars)
        return TTP_E_NOT_FOUND;
    rc = linear_holds(p, m, text);
    if (rc || p->kind != PATTERN_BACKTRACK)
        return rc;
    return backtrack_find(p->backtrack, m->backtracker, text, NULL, 0);
}

/* An event may have so many patterns woken, on texts so long, that reading them all is too much. */
static bool may_verify(matcher *m, size_t len)
{
    if (m->verify_left < len)
        return false;
    m->verify_left -= len;
    m->n_verified++;
    return true;
}

static void was_verified(matcher *m, size_t len, size_t n_read)
{
    m->verify_left += len - n_read;
    m->verified_bytes += n_read;
}

void pattern_holds_group(pattern_search *searches, unsigned n, matcher *m, str text)
{
    dfa_query queries[PATTERN_GROUP];
    unsigned asked[PATTERN_GROUP] = {0}, n_queries = 0;

    static_assert(PATTERN_GROUP == DFA_GROUP, "a group is one run of lanes");
    for (unsigned i = 0; i < n; i++) {
        const pattern *p = searches[i].pattern;
        size_t from = p->kind != PATTERN_LINEAR || p->program->looks_behind ? 0 : searches[i].from;
        str rest = {text.ptr + from, text.len - from};

        if (rest.len >= p->min_chars && !may_verify(m, rest.len)) {
            searches[i].rc = TTP_E_LIMIT;
        } else if (p->kind == PATTERN_LINEAR && rest.len >= p->min_chars) {
            asked[n_queries] = i;
            queries[n_queries++] = (dfa_query){p->serial, p->program, rest, 0, 0};
        } else {
            searches[i].rc = pattern_holds(p, m, rest);
        }
    }
    dfa_holds_group(m->automata, queries, n_queries);
    for (unsigned i = 0; i < n_queries; i++) {
        searches[asked[i]].rc = queries[i].rc;
        was_verified(m, queries[i].text.len, queries[i].n_read);
    }
}

int pattern_find(const pattern *p, matcher *m, str text, match_span *ret_spans, unsigned n_spans)
{
    size_t at, len;
    int rc;

    if (text.len < p->min_chars)
        return TTP_E_NOT_FOUND;
    if (p->whole && literal_find(&p->literal, text, &at, &len)) {
        if (at == SIZE_MAX)
            return TTP_E_NOT_FOUND;
        if (n_spans > 0)
            ret_spans[0] = (match_span){at, at + len};
        return 0;
    }
    rc = linear_holds(p, m, text);
    if (rc)
        return rc;
    if (p->kind == PATTERN_BACKTRACK)
        return backtrack_find(p->backtrack, m->backtracker, text, ret_spans, n_spans);
    return vm_find(&m->vm, p->program, text, ret_spans, n_spans);
}
