/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent in the order CPython's reader takes, so that the same texts are refused:
 *
 *     alternatives = sequence { "|" sequence }
 *     sequence     = { atom [ repeat ] }
 *     atom         = character | escape | set | "." | "^" | "$" | group
 *
 * A node is made when it is complete; what is still being gathered lies on one stack of pieces.
 */
#include "match/regex_reader.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "match/unicode.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int parser_fail(parser *p, int rc, uint32_t column, const char *fmt, ...)
{
    char text[sizeof(p->err->text)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a long message is cut */
    va_end(args);
    return err_at(p->err, rc, NULL, 0, column ? column : p->in.next.column, "%s", text);
}

const char *parser_quote(char out[64], const char *at, const char *end)
{
    return err_quote(out, 64, at, (size_t)(end - at), 24);
}

regex_node *node_new(parser *p, regex_type type, uint32_t column)
{
    regex_node *node = arena_calloc(p->a, 1, sizeof(*node));

    if (node) {
        node->type = type;
        node->column = column;
    }
    return node;
}

static int node_with_kids(parser *p, regex_type type, uint32_t column, uint32_t n,
                          regex_node **ret_node)
{
    regex_node *node = node_new(p, type, column);

    if (!node)
        return -ENOMEM;
    node->kids = arena_calloc(p->a, n, sizeof(*node->kids));
    if (!node->kids)
        return -ENOMEM;
    node->n_kids = n;
    *ret_node = node;
    return 0;
}

int node_wrap(parser *p, regex_type type, uint32_t column, regex_node *kid, regex_node **ret_node)
{
    int rc = node_with_kids(p, type, column, 1, ret_node);

    if (!rc)
        (*ret_node)->kids[0] = kid;
    return rc;
}

int piece_push(parser *p, const piece *item)
{
    if (mem_grow(p->pieces, p->pieces_cap, p->n_pieces + 1))
        return -ENOMEM;
    p->pieces[p->n_pieces++] = *item;
    return 0;
}

int check_size(parser *p, uint64_t size, uint32_t column, uint32_t *ret_size)
{
    if (size > REGEX_PROGRAM_MAX)
        return parser_fail(p, TTP_E_LIMIT, column,
                           "the pattern explodes: written out without counts it would take more "
                           "than %u steps; expected smaller counts",
                           REGEX_PROGRAM_MAX);
    *ret_size = (uint32_t)size;
    return 0;
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
    return value < max ? value : max;
}

int parse_literal(parser *p, uint32_t cp, unsigned flags, uint32_t column, piece *ret)
{
    bool letter = (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');

    *ret = piece_unit(NULL);
    if ((flags & FLAG_IGNORE_CASE) && (flags & FLAG_ASCII) && letter) {
        regex_range cases[2] = {{cp & ~0x20u, cp & ~0x20u}, {cp | 0x20u, cp | 0x20u}};

        return node_set(p, column, cases, 2, &ret->node);
    }
    ret->node = node_new(p, REGEX_CHAR, column);
    if (!ret->node)
        return -ENOMEM;
    ret->node->cp = cp;
    ret->node->fold = (flags & FLAG_IGNORE_CASE) && !(flags & FLAG_ASCII) &&
                      unicode_orbit_next(cp) != cp;
    return 0;
}

static int parse_dot(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    static const regex_range newline = {'\n', '\n'};
    int rc;

    *ret = piece_unit(NULL);
    rc = node_set(p, column, &newline, flags & FLAG_DOTALL ? 0 : 1, &ret->node);
    if (!rc)
        ret->node->negated = true;
    return rc;
}

/* ---- repeats ---- */

typedef struct counts {
    uint32_t min, max;
    bool any_min, any_max; /* a number was written */
} counts;

static int parse_count(parser *p, uint32_t *value, bool *any)
{
    uint64_t n = 0;

    *any = token_is_digit(&p->in.next);
    while (token_is_digit(&p->in.next))
        n = at_most(n * 10 + (scan_get(&p->in).cp - '0'), REGEX_INFINITE);
    if (n == REGEX_INFINITE)
        return TTP_E_LIMIT;
    *value = (uint32_t)n;
    return 0;
}

static int fail_count(parser *p, uint32_t column)
{
    return parser_fail(p, TTP_E_SYNTAX, column,
                       "the number of repeats is too large; expected less than 4294967295");
}

/*
 * Behind {: a count, or nothing of the sort, and then the brace stands for itself (*ret_literal).
 * What is a count: {} is none; {,} and {,m} are.
 */
static int parse_braces(parser *p, uint32_t column, counts *ret, bool *ret_literal)
{
    scanner start = p->in;
    int too_large;

    *ret_literal = true;
    if (token_is(&p->in.next, '}'))
        return 0;
    too_large = parse_count(p, &ret->min, &ret->any_min);
    if (scan_take(&p->in, ',')) {
        ret->max = REGEX_INFINITE;
        if (token_is_digit(&p->in.next))
            too_large |= parse_count(p, &ret->max, &ret->any_max);
    } else {
        ret->max = ret->any_min ? ret->min : REGEX_INFINITE;
    }
    if (!scan_take(&p->in, '}')) {
        p->in = start;
        return 0;
    }
    *ret_literal = false;
    if (too_large)
        return fail_count(p, column);
    if (ret->any_max && ret->max < ret->min)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "the counts {%u,%u} run backwards; expected the smaller first", ret->min,
                           ret->max);
    return 0;
}

static int check_repeatable(parser *p, size_t base, uint32_t column)
{
    const piece *item = p->n_pieces > base ? &p->pieces[p->n_pieces - 1] : NULL;

    if (!item || item->is_assert)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "nothing to repeat here; expected a character, set or group before it "
                           "(or a backslash, if it stands for itself)");
    if (item->is_repeat)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "a repeat of a repeat; expected one of them, or a group: (?:...)");
    return 0;
}

static int repeat_last(parser *p, const counts *n, regex_greed greed, uint32_t column)
{
    piece *item = &p->pieces[p->n_pieces - 1];
    uint32_t times = n->max == REGEX_INFINITE ? (n->min ? n->min : 1) : n->max;
    regex_node *node;
    int rc;

    item->is_repeat = true;
    item->lo = at_most(item->lo * n->min, WIDTH_MAX - 1);
    item->hi = at_most(item->hi * n->max, WIDTH_MAX);
    rc = check_size(p, (uint64_t)item->size * times + 1, column, &item->size);
    if (rc)
        return rc;
    if (n->min == 1 && n->max == 1 && greed != REGEX_POSSESSIVE)
        return 0;
    rc = node_wrap(p, REGEX_REPEAT, item->node->column, item->node, &node);
    if (rc)
        return rc;
    node->min = n->min;
    node->max = n->max;
    node->greed = greed;
    p->backtracks |= greed == REGEX_POSSESSIVE;
    item->node = node;
    return 0;
}

/* t is one of * + ? { and stepped over. */
static int parse_repeat(parser *p, size_t base, const token *t, unsigned flags)
{
    counts n = {.min = t->cp == '+', .max = t->cp == '?' ? 1 : REGEX_INFINITE};
    regex_greed greed = REGEX_GREEDY;
    int rc;

    if (t->cp == '{') {
        bool literal;
        piece brace;

        rc = parse_braces(p, t->column, &n, &literal);
        if (rc)
            return rc;
        if (literal) {
            rc = parse_literal(p, '{', flags, t->column, &brace);
            return rc ? rc : piece_push(p, &brace);
        }
    }
    rc = check_repeatable(p, base, t->column);
    if (rc)
        return rc;
    if (scan_take(&p->in, '?'))
        greed = REGEX_LAZY;
    else if (scan_take(&p->in, '+'))
        greed = REGEX_POSSESSIVE;
    return repeat_last(p, &n, greed, t->column);
}

/* ---- sequences and alternatives ---- */

/* Under (?x): white space, or # and the rest of the line. */
static bool skip_blank(parser *p, const token *t)
{
    if (token_in(t, " \t\n\r\v\f"))
        return true;
    if (!token_is(t, '#'))
        return false;
    while (!p->in.next.end && !scan_take(&p->in, '\n'))
        (void)scan_get(&p->in); /* part of the comment */
    return true;
}

static int parse_atom(parser *p, const token *t, unsigned flags, bool may_set_flags, piece *ret)
{
    if (t->escaped)
        return parse_escape(p, t, flags, ret);
    switch (t->cp) {
    case '[':
        return parse_set(p, flags, t->column, ret);
    case '(':
        return parse_group(p, flags, may_set_flags, t->column, ret);
    case '.':
        return parse_dot(p, flags, t->column, ret);
    case '^':
    case '$':
        return parse_assert(p, t, flags, ret);
    default:
        return parse_literal(p, t->cp, flags, t->column, ret);
    }
}

/* Kids that a piece brings into a sequence: sequences within sequences dissolve. */
static uint32_t n_parts(const regex_node *node)
{
    return node->type == REGEX_EMPTY ? 0 : node->type == REGEX_CAT ? node->n_kids : 1;
}

static void fill_cat(const piece *pieces, size_t n, regex_node **kids)
{
    for (size_t i = 0; i < n; i++) {
        regex_node *node = pieces[i].node;

        if (node->type == REGEX_CAT) {
            memcpy(kids, node->kids, node->n_kids * sizeof(*kids));
            kids += node->n_kids;
        } else if (node->type != REGEX_EMPTY) {
            *kids++ = node;
        }
    }
}

/* The pieces from base on become one. */
static int join_sequence(parser *p, size_t base, uint32_t column, piece *ret)
{
    size_t n = p->n_pieces - base;
    const piece *pieces = n ? p->pieces + base : NULL; /* there may be none yet */
    uint64_t size = n == 0;
    uint32_t n_kids = 0;
    int rc;

    *ret = (piece){0};
    for (size_t i = 0; i < n; i++) {
        ret->lo = at_most(ret->lo + pieces[i].lo, WIDTH_MAX - 1);
        ret->hi = at_most(ret->hi + pieces[i].hi, WIDTH_MAX);
        size += pieces[i].size;
        n_kids += n_parts(pieces[i].node);
    }
    rc = check_size(p, size, column, &ret->size);
    if (rc)
        return rc;
    if (n_kids == 0) {
        ret->node = node_new(p, REGEX_EMPTY, column);
        rc = ret->node ? 0 : -ENOMEM;
    } else if (n_kids == 1) {
        fill_cat(pieces, n, &ret->node);
    } else {
        rc = node_with_kids(p, REGEX_CAT, column, n_kids, &ret->node);
        if (!rc)
            fill_cat(pieces, n, ret->node->kids);
    }
    p->n_pieces = base;
    return rc;
}

int parse_sequence(parser *p, unsigned flags, bool first, piece *ret)
{
    size_t base = p->n_pieces;
    uint32_t column = p->in.next.column;
    int rc;

    while (!p->in.next.end && !token_in(&p->in.next, "|)")) {
        token t = scan_get(&p->in);
        piece item;

        if ((flags & FLAG_VERBOSE) && skip_blank(p, &t))
            continue;
        if (token_in(&t, "*+?{")) {
            rc = parse_repeat(p, base, &t, flags);
        } else {
            rc = parse_atom(p, &t, flags, first && p->n_pieces == base, &item);
            if (!rc && item.node)
                rc = piece_push(p, &item);
            else if (!rc && first)
                flags = p->global_flags;
        }
        if (rc)
            return rc;
    }
    return join_sequence(p, base, column, ret);
}

static int join_alternatives(parser *p, size_t base, uint32_t column, piece *ret)
{
    size_t n = p->n_pieces - base;
    const piece *pieces = n ? p->pieces + base : NULL; /* there may be none yet */
    uint64_t size = n;
    int rc = node_with_kids(p, REGEX_ALT, column, (uint32_t)n, &ret->node);

    if (rc)
        return rc;
    ret->lo = WIDTH_MAX - 1;
    for (size_t i = 0; i < n; i++) {
        ret->node->kids[i] = pieces[i].node;
        ret->lo = at_most(ret->lo, pieces[i].lo);
        ret->hi = ret->hi > pieces[i].hi ? ret->hi : pieces[i].hi;
        size += pieces[i].size;
    }
    p->n_pieces = base;
    return check_size(p, size, column, &ret->size);
}

int parse_alternatives(parser *p, unsigned flags, bool top, piece *ret)
{
    size_t base = p->n_pieces;
    uint32_t column = p->in.next.column;

    for (;;) {
        bool first = p->n_pieces == base;
        int rc;

        *ret = (piece){0};
        rc = parse_sequence(p, top ? p->global_flags : flags, top && first, ret);
        if (rc)
            return rc;
        if (first && !token_is(&p->in.next, '|'))
            return 0;
        rc = piece_push(p, ret);
        if (rc)
            return rc;
        if (!scan_take(&p->in, '|'))
            break;
    }
    *ret = (piece){0};
    return join_alternatives(p, base, column, ret);
}

/* ---- the whole ---- */

static void parser_free_ptr(parser *p)
{
    free(p->groups);
    free(p->pieces);
}

static int check_source(parser *p, str source)
{
    size_t n_backslashes = 0;

    if (source.len > REGEX_SOURCE_MAX)
        return parser_fail(p, TTP_E_LIMIT, 1, "the pattern is %zu bytes long; expected at most %u",
                           source.len, REGEX_SOURCE_MAX);
    while (n_backslashes < source.len && source.ptr[source.len - 1 - n_backslashes] == '\\')
        n_backslashes++;
    if (n_backslashes % 2 == 0)
        return 0;
    scan_start(&p->in, source);
    while (!token_is(&p->in.next, '\\'))
        (void)scan_get(&p->in); /* looking for the last token, the lone backslash */
    return parser_fail(p, TTP_E_SYNTAX, 0,
                       "the pattern ends in a backslash; expected the character that it escapes");
}

static int parse_whole(parser *p, piece *ret)
{
    int rc = parse_alternatives(p, p->global_flags, true, ret);

    if (rc)
        return rc;
    if (!p->in.next.end)
        return parser_fail(
            p, TTP_E_SYNTAX, 0,
            "a closing parenthesis without an opening one; expected \\) if it stands "
            "for itself");
    if (p->max_cond > p->n_groups)
        return parser_fail(p, TTP_E_SYNTAX, p->max_cond_column,
                           "there is no group %u in this pattern; it has %zu", p->max_cond,
                           p->n_groups);
    return 0;
}

static int fill_regex(const parser *p, regex_node *root, regex *ret_regex)
{
    regex re = {.root = root, .n_groups = (uint32_t)p->n_groups, .backtracks = p->backtracks};

    re.group_names = arena_calloc(p->a, p->n_groups + 1, sizeof(*re.group_names));
    if (!re.group_names)
        return -ENOMEM;
    for (size_t i = 1; i <= p->n_groups; i++) {
        if (p->groups[i].name.ptr) {
            re.group_names[i] = arena_str(p->a, p->groups[i].name);
            if (!re.group_names[i].ptr)
                return -ENOMEM;
        }
    }
    *ret_regex = re;
    return 0;
}

int regex_read(str source, bool ignore_case, arena *a, regex *ret_regex, ttp_err *err)
{
    auto_free(parser)
        parser p = {.a = a, .err = err, .global_flags = ignore_case ? FLAG_IGNORE_CASE : 0};
    piece whole = {0};
    int rc = check_source(&p, source);

    if (rc)
        return rc;
    if (!source.ptr)
        source = STR("");
    /* groups: so that numbers are indexes; pieces: so that there always is an array */
    if (mem_grow(p.groups, p.groups_cap, 1) || mem_grow(p.pieces, p.pieces_cap, 1))
        return -ENOMEM;
    scan_start(&p.in, source);
    rc = parse_whole(&p, &whole);
    return rc ? rc : fill_regex(&p, whole.node, ret_regex);
}
