/* SPDX-License-Identifier: Apache-2.0 */
#include "match/regex_reader.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "match/unicode.h"

#include <errno.h>

static int expect_close(parser *p, uint32_t column)
{
    if (scan_take(&p->in, ')'))
        return 0;
    return parser_fail(p, TTP_E_SYNTAX, column, "this group has no end; expected )");
}

static int fail_extension(parser *p, const token *t, uint32_t column)
{
    char quoted[64];

    if (t->end)
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "the pattern ends inside a group; expected what follows (?");
    parser_quote(quoted, t->at, p->in.next.at);
    return parser_fail(
        p, TTP_E_SYNTAX, column,
        "a group cannot begin like this, at \"%s\"; expected one of (?: (?= (?! (?<= "
        "(?<! (?> (?# (?P<name> (?P=name) (?(group) (?flags) (?flags:",
        quoted);
}

/* ---- names ---- */

/* Up to the terminator, which is stepped over. */
static int read_name(parser *p, char terminator, str *ret_name, uint32_t *ret_column)
{
    const char *start = p->in.next.at;
    uint32_t column = p->in.next.column;

    for (;;) {
        token t = scan_get(&p->in);

        if (t.end)
            return parser_fail(p, TTP_E_SYNTAX, column, "this name has no end; expected %c",
                               terminator);
        if (!token_is(&t, (uint32_t)terminator))
            continue;
        if (t.at == start)
            return parser_fail(p, TTP_E_SYNTAX, column, "a group's name is missing here");
        *ret_name = (str){start, (size_t)(t.at - start)};
        *ret_column = column;
        return 0;
    }
}

static bool is_identifier(str name)
{
    const char *end = name.ptr + name.len;
    unsigned want = UNICODE_NAME_START;

    for (const char *c = name.ptr; c < end;) {
        uint32_t cp;

        c += utf8_decode(c, end, &cp);
        if (!(unicode_props(cp) & want))
            return false;
        want = UNICODE_NAME_REST;
    }
    return true;
}

static int fail_name(parser *p, str name, uint32_t column)
{
    char quoted[64];

    return parser_fail(p, TTP_E_SYNTAX, column,
                       "\"%s\" cannot name a group; expected letters, digits and underscores, no "
                       "digit first",
                       parser_quote(quoted, name.ptr, name.ptr + name.len));
}

/* 0: none. */
static uint32_t find_name(const parser *p, str name)
{
    for (size_t i = 1; i <= p->n_groups; i++) {
        if (p->groups[i].name.ptr && str_eq(p->groups[i].name, name))
            return (uint32_t)i;
    }
    return 0;
}

static int find_known_name(parser *p, str name, uint32_t column, uint32_t *ret_group)
{
    char quoted[64];

    *ret_group = find_name(p, name);
    if (*ret_group)
        return 0;
    return parser_fail(p, TTP_E_SYNTAX, column, "there is no group \"%s\" before this",
                       parser_quote(quoted, name.ptr, name.ptr + name.len));
}

/* ---- groups ---- */

static int open_group(parser *p, str name, uint32_t column, uint32_t *ret_group)
{
    char quoted[64];

    if (name.ptr && find_name(p, name))
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "the name \"%s\" is taken by group %u; expected another",
                           parser_quote(quoted, name.ptr, name.ptr + name.len), find_name(p, name));
    if (mem_grow(p->groups, p->groups_cap, p->n_groups + 2))
        return -ENOMEM;
    p->groups[++p->n_groups] = (group_info){.name = name};
    *ret_group = (uint32_t)p->n_groups;
    return 0;
}

static int parse_capture(parser *p, str name, unsigned flags, uint32_t column, piece *ret)
{
    regex_node *kid;
    uint32_t group = 0;
    int rc = open_group(p, name, column, &group);

    if (!rc)
        rc = parse_alternatives(p, flags, false, ret);
    if (!rc)
        rc = expect_close(p, column);
    if (rc)
        return rc;
    p->groups[group].closed = true;
    p->groups[group].lo = ret->lo;
    p->groups[group].hi = ret->hi;
    p->groups[group].has_case = node_has_case(p, ret->node);
    kid = ret->node;
    rc = node_wrap(p, REGEX_GROUP, column, kid, &ret->node);
    if (rc)
        return rc;
    ret->node->group = group;
    return check_size(p, (uint64_t)ret->size + 2, column, &ret->size);
}

static int parse_plain(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    int rc = parse_alternatives(p, flags, false, ret);

    return rc ? rc : expect_close(p, column);
}

static int parse_atomic(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    int rc = parse_plain(p, flags, column, ret);

    if (rc)
        return rc;
    p->backtracks = true;
    return node_wrap(p, REGEX_ATOMIC, column, ret->node, &ret->node);
}

static int parse_named(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    bool opens = scan_take(&p->in, '<');
    uint32_t name_column = 0, group = 0;
    str name;
    int rc;

    if (!opens && !scan_take(&p->in, '=')) {
        token t = scan_get(&p->in);

        return fail_extension(p, &t, column);
    }
    rc = read_name(p, opens ? '>' : ')', &name, &name_column);
    if (rc)
        return rc;
    if (!is_identifier(name))
        return fail_name(p, name, name_column);
    if (opens)
        return parse_capture(p, name, flags, column, ret);
    rc = find_known_name(p, name, name_column, &group);
    return rc ? rc : parse_backref(p, group, flags, column, ret);
}

static int skip_comment(parser *p, uint32_t column, piece *ret)
{
    while (!p->in.next.end) {
        token t = scan_get(&p->in);

        if (token_is(&t, ')')) {
            ret->node = NULL;
            return 0;
        }
    }
    return parser_fail(p, TTP_E_SYNTAX, column, "this comment has no end; expected )");
}

static int parse_look(parser *p, bool behind, bool negated, unsigned flags, uint32_t column,
                      piece *ret)
{
    uint32_t outer = p->look_behind_groups;
    uint32_t width;
    int rc;

    if (behind && !outer)
        p->look_behind_groups = (uint32_t)p->n_groups + 1;
    rc = parse_plain(p, flags, column, ret);
    p->look_behind_groups = outer;
    if (rc)
        return rc;
    if (behind && ret->lo != ret->hi)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "what a look-behind looks for must always have the same length");
    width = (uint32_t)ret->lo;
    *ret = (piece){.node = ret->node, .size = ret->size};
    rc = node_wrap(p, REGEX_LOOK, column, ret->node, &ret->node);
    if (rc)
        return rc;
    ret->node->behind = behind;
    ret->node->negated = negated;
    ret->node->min = ret->node->max = behind ? width : 0;
    p->backtracks = true;
    return check_size(p, (uint64_t)ret->size + 2, column, &ret->size);
}

static int parse_look_behind(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    token t = scan_get(&p->in);

    if (!token_in(&t, "=!"))
        return fail_extension(p, &t, column);
    return parse_look(p, true, t.cp == '!', flags, column, ret);
}

/* ---- conditions ---- */

/* Python's int() takes spaces, signs, underscores and other scripts' digits, too. */
static bool is_odd_number(str name)
{
    const char *end = name.ptr + name.len;
    bool digits = false;

    for (const char *c = name.ptr; c < end;) {
        uint32_t cp;
        unsigned props;

        c += utf8_decode(c, end, &cp);
        props = unicode_props(cp);
        if (!(props & (UNICODE_DIGIT | UNICODE_SPACE)) && cp != '_' && cp != '+')
            return false;
        digits |= (props & UNICODE_DIGIT) != 0;
    }
    return digits;
}

static int read_group_number(parser *p, str name, uint32_t column, uint32_t *ret_group)
{
    uint64_t n = 0;

    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9') {
            if (is_odd_number(name))
                return parser_fail(p, TTP_E_UNSUPPORTED, column,
                                   "a group's number must be written in plain digits");
            return fail_name(p, name, column);
        }
        n = n * 10 + (uint64_t)(name.ptr[i] - '0');
        n = n < UINT32_MAX ? n : UINT32_MAX;
    }
    if (n == 0)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "group 0 is the whole match; expected 1 or more");
    *ret_group = (uint32_t)n;
    if (n > p->max_cond) { /* it may come later; the end of the pattern tells */
        p->max_cond = (uint32_t)n;
        p->max_cond_column = column;
    }
    return 0;
}

static int read_condition(parser *p, uint32_t *ret_group)
{
    uint32_t column = 0;
    str name;
    int rc = read_name(p, ')', &name, &column);

    if (rc)
        return rc;
    if (is_identifier(name))
        rc = find_known_name(p, name, column, ret_group);
    else
        rc = read_group_number(p, name, column, ret_group);
    return rc ? rc : check_reference(p, *ret_group, column);
}

static int parse_branches(parser *p, unsigned flags, uint32_t column, piece *yes, piece *no)
{
    int rc = parse_sequence(p, flags, false, yes);

    if (rc)
        return rc;
    if (scan_take(&p->in, '|')) {
        rc = parse_sequence(p, flags, false, no);
        if (rc)
            return rc;
        if (token_is(&p->in.next, '|'))
            return parser_fail(p, TTP_E_SYNTAX, 0,
                               "a condition has two branches, this is a third; expected )");
    } else {
        no->node = node_new(p, REGEX_EMPTY, p->in.next.column);
        if (!no->node)
            return -ENOMEM;
    }
    return expect_close(p, column);
}

static int parse_condition(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    piece yes = {0}, no = {0};
    uint32_t group;
    int rc = read_condition(p, &group);

    if (!rc)
        rc = parse_branches(p, flags, column, &yes, &no);
    if (rc)
        return rc;
    ret->node = node_new(p, REGEX_COND, column);
    if (!ret->node)
        return -ENOMEM;
    ret->node->kids = arena_calloc(p->a, 2, sizeof(*ret->node->kids));
    if (!ret->node->kids)
        return -ENOMEM;
    ret->node->n_kids = 2;
    ret->node->kids[0] = yes.node;
    ret->node->kids[1] = no.node;
    ret->node->group = group;
    ret->lo = yes.lo < no.lo ? yes.lo : no.lo;
    ret->hi = yes.hi > no.hi ? yes.hi : no.hi;
    p->backtracks = true;
    return check_size(p, (uint64_t)yes.size + no.size + 2, column, &ret->size);
}

/* ---- flags ---- */

static unsigned flag_of(const token *t)
{
    if (t->end || t->escaped)
        return 0;
    switch (t->cp) {
    case 'a':
        return FLAG_ASCII;
    case 'i':
        return FLAG_IGNORE_CASE;
    case 'L':
        return FLAG_LOCALE;
    case 'm':
        return FLAG_MULTILINE;
    case 's':
        return FLAG_DOTALL;
    case 't':
        return FLAG_TEMPLATE;
    case 'u':
        return FLAG_UNICODE;
    case 'x':
        return FLAG_VERBOSE;
    default:
        return 0;
    }
}

static int fail_flag(parser *p, const token *t, const char *expected)
{
    char quoted[64];

    if (t->end)
        return parser_fail(p, TTP_E_SYNTAX, t->column, "the pattern ends inside flags; expected %s",
                           expected);
    return parser_fail(p, TTP_E_SYNTAX, t->column, "\"%s\" is no flag; expected %s",
                       parser_quote(quoted, t->at, p->in.next.at), expected);
}

/* *t: the first flag; then what ended them. */
static int read_added_flags(parser *p, token *t, unsigned *ret_add)
{
    unsigned add = 0;

    while (!token_in(t, ")-:")) {
        unsigned flag = flag_of(t);

        if (!flag)
            return fail_flag(p, t, "one of a i m s u x, or : or )");
        add |= flag;
        if (flag == FLAG_LOCALE)
            return parser_fail(
                p, TTP_E_SYNTAX, t->column,
                "the flag L is for bytes, never for text; expected one of a i m s u x");
        if ((flag & FLAGS_CLASSES) && (add & FLAGS_CLASSES) != flag)
            return parser_fail(p, TTP_E_SYNTAX, t->column,
                               "the flags a and u exclude each other; expected one of them");
        *t = scan_get(&p->in);
    }
    *ret_add = add;
    return 0;
}

/* Behind the hyphen. */
static int read_removed_flags(parser *p, unsigned *ret_remove)
{
    static const char expected[] = "one of i m s x";
    token t = scan_get(&p->in);
    unsigned remove = 0;

    do {
        unsigned flag = flag_of(&t);

        if (!flag)
            return fail_flag(p, &t, remove ? "one of i m s x, or :" : expected);
        if (flag & (FLAGS_CLASSES | FLAG_TEMPLATE))
            return parser_fail(p, TTP_E_SYNTAX, t.column,
                               "the flag %c cannot be turned off; expected %s", (char)t.cp,
                               expected);
        remove |= flag;
        t = scan_get(&p->in);
    } while (!token_is(&t, ':'));
    *ret_remove = remove;
    return 0;
}

static int set_global_flags(parser *p, unsigned add, bool may_set_flags, uint32_t column,
                            piece *ret)
{
    if (!may_set_flags)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "flags for the whole pattern must stand at its start; expected "
                           "(?flags:...) here");
    if (add & FLAG_TEMPLATE)
        return parser_fail(p, TTP_E_UNSUPPORTED, column, "the flag t is not supported");
    p->global_flags |= add;
    if ((p->global_flags & FLAG_ASCII) && (p->global_flags & FLAG_UNICODE))
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "the flags a and u exclude each other; expected one of them");
    ret->node = NULL;
    return 0;
}

static int parse_flags(parser *p, token t, unsigned flags, bool may_set_flags, uint32_t column,
                       piece *ret)
{
    unsigned add = 0, remove = 0;
    int rc = 0;

    if (!token_is(&t, '-'))
        rc = read_added_flags(p, &t, &add);
    if (rc)
        return rc;
    if (token_is(&t, ')'))
        return set_global_flags(p, add, may_set_flags, column, ret);
    if (add & FLAG_TEMPLATE)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "the flag t cannot be set for a part; expected one of a i m s u x");
    if (token_is(&t, '-'))
        rc = read_removed_flags(p, &remove);
    if (rc)
        return rc;
    if (add & remove)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "a flag is turned on and off at once; expected one of the two");
    if (add & FLAGS_CLASSES)
        flags &= ~(unsigned)FLAGS_CLASSES;
    return parse_plain(p, (flags | add) & ~remove, column, ret);
}

/* ---- what follows the parenthesis ---- */

static int parse_extension(parser *p, unsigned flags, bool may_set_flags, uint32_t column,
                           piece *ret)
{
    token t = scan_get(&p->in);

    switch (t.end || t.escaped ? 0 : t.cp) {
    case 'P':
        return parse_named(p, flags, column, ret);
    case ':':
        return parse_plain(p, flags, column, ret);
    case '#':
        return skip_comment(p, column, ret);
    case '=':
    case '!':
        return parse_look(p, false, t.cp == '!', flags, column, ret);
    case '<':
        return parse_look_behind(p, flags, column, ret);
    case '(':
        return parse_condition(p, flags, column, ret);
    case '>':
        return parse_atomic(p, flags, column, ret);
    default:
        if (flag_of(&t) || token_is(&t, '-'))
            return parse_flags(p, t, flags, may_set_flags, column, ret);
        return fail_extension(p, &t, column);
    }
}

int parse_group(parser *p, unsigned flags, bool may_set_flags, uint32_t column, piece *ret)
{
    int rc;

    if (p->depth >= REGEX_DEPTH_MAX)
        return parser_fail(p, TTP_E_LIMIT, column,
                           "groups are nested too deep; expected at most %u", REGEX_DEPTH_MAX);
    p->depth++;
    *ret = (piece){0};
    if (scan_take(&p->in, '?'))
        rc = parse_extension(p, flags, may_set_flags, column, ret);
    else
        rc = parse_capture(p, STR_NULL, flags, column, ret);
    p->depth--;
    ret->is_assert = ret->is_repeat = false;
    return rc;
}
