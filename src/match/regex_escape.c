/* SPDX-License-Identifier: Apache-2.0 */
#include "match/regex_reader.h"

#include "match/unicode.h"

#include <errno.h>

static int digit_value(const token *t)
{
    if (t->end || t->escaped)
        return 99;
    if (t->cp >= '0' && t->cp <= '9')
        return (int)t->cp - '0';
    if (t->cp >= 'a' && t->cp <= 'f')
        return (int)t->cp - 'a' + 10;
    if (t->cp >= 'A' && t->cp <= 'F')
        return (int)t->cp - 'A' + 10;
    return 99;
}

/* Up to max digits; returns how many there were. */
static unsigned read_digits(parser *p, unsigned base, unsigned max, uint32_t *value)
{
    unsigned n = 0;

    while (n < max && digit_value(&p->in.next) < (int)base) {
        token t = scan_get(&p->in);

        *value = *value * base + (uint32_t)digit_value(&t);
        n++;
    }
    return n;
}

static int parse_hex(parser *p, const token *t, unsigned n_digits, uint32_t *ret_cp)
{
    uint32_t cp = 0;

    if (read_digits(p, 16, n_digits, &cp) < n_digits)
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "the escape \\%c is incomplete; expected %u hexadecimal digits",
                           (char)t->cp, n_digits);
    if (cp > UNICODE_MAX)
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "there is no such character; expected \\U00000000 to \\U0010ffff");
    *ret_cp = cp;
    return 0;
}

static int check_octal(parser *p, uint32_t column, uint32_t value, uint32_t *ret_cp)
{
    if (value > 0377)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "the octal escape is too large; expected \\0 to \\377");
    *ret_cp = value;
    return 0;
}

static int parse_octal_in_set(parser *p, const token *t, uint32_t *ret_cp)
{
    uint32_t value = t->cp - '0';

    if (t->cp > '7')
        return parser_fail(
            p, TTP_E_SYNTAX, t->column,
            "\\%c means nothing in a set; expected an octal escape (\\0 to \\377) or "
            "the digit alone",
            (char)t->cp);
    (void)read_digits(p, 8, 2, &value); /* any number of them will do */
    return check_octal(p, t->column, value, ret_cp);
}

static int fail_named(parser *p, const token *t)
{
    if (!token_is(&p->in.next, '{'))
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "\\N stands before a character's name; expected {");
    return parser_fail(p, TTP_E_UNSUPPORTED, t->column,
                       "characters by name (\\N{...}) are not supported; write \\uXXXX or the "
                       "character itself");
}

static int fail_letter(parser *p, const token *t, bool in_set)
{
    return parser_fail(p, TTP_E_SYNTAX, t->column,
                       "\\%c is no escape%s; expected one of %s, or the letter alone", (char)t->cp,
                       in_set ? " in a set" : "",
                       in_set ? "\\d \\D \\s \\S \\w \\W \\a \\b \\f \\n \\r \\t \\v \\x \\u \\U"
                              : "\\A \\b \\B \\d \\D \\s \\S \\w \\W \\Z \\a \\f \\n \\r \\t \\v "
                                "\\x \\u \\U");
}

static bool simple_escape(uint32_t letter, uint32_t *ret_cp)
{
    static const char letters[] = "abfnrtv", means[] = "\a\b\f\n\r\t\v";
    const char *at = letter && letter < 128 ? strchr(letters, (int)letter) : NULL;

    if (at)
        *ret_cp = (uint32_t)means[at - letters];
    return at != NULL;
}

int parse_char_escape(parser *p, const token *t, bool in_set, uint32_t *ret_cp)
{
    if (simple_escape(t->cp, ret_cp))
        return 0;
    switch (t->cp) {
    case 'x':
        return parse_hex(p, t, 2, ret_cp);
    case 'u':
        return parse_hex(p, t, 4, ret_cp);
    case 'U':
        return parse_hex(p, t, 8, ret_cp);
    case 'N':
        return fail_named(p, t);
    default:
        break;
    }
    if (t->cp >= '0' && t->cp <= '9')
        return parse_octal_in_set(p, t, ret_cp);
    if ((t->cp >= 'a' && t->cp <= 'z') || (t->cp >= 'A' && t->cp <= 'Z'))
        return fail_letter(p, t, in_set);
    *ret_cp = t->cp;
    return 0;
}

int check_reference(parser *p, uint32_t group, uint32_t column)
{
    if (p->look_behind_groups == 0)
        return 0;
    if (group > p->n_groups || !p->groups[group].closed)
        return parser_fail(
            p, TTP_E_SYNTAX, column,
            "group %u is not closed yet; a look-behind can only refer to groups that "
            "end before it",
            group);
    if (group >= p->look_behind_groups)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "group %u stands in the same look-behind; expected one that ends before "
                           "it",
                           group);
    return 0;
}

int parse_backref(parser *p, uint32_t group, unsigned flags, uint32_t column, piece *ret)
{
    const group_info *g = &p->groups[group];
    bool fold = (flags & FLAG_IGNORE_CASE) && g->has_case;
    int rc;

    if (!g->closed)
        return parser_fail(p, TTP_E_SYNTAX, column,
                           "group %u is still open here; expected a group that has ended", group);
    rc = check_reference(p, group, column);
    if (rc)
        return rc;
    if (fold && (flags & FLAG_ASCII))
        return parser_fail(p, TTP_E_UNSUPPORTED, column,
                           "a back-reference that ignores the case of ASCII letters alone is not "
                           "supported; leave out the flag a or i");
    *ret = (piece){.node = node_new(p, REGEX_BACKREF, column), .lo = g->lo, .hi = g->hi, .size = 1};
    if (!ret->node)
        return -ENOMEM;
    ret->node->group = group;
    ret->node->fold = fold;
    p->backtracks = true;
    return 0;
}

/* \1 to \99 are references, three octal digits are a character, and so is all that starts with 0.
 */
static int parse_number(parser *p, const token *t, unsigned flags, piece *ret)
{
    uint32_t value = t->cp - '0', cp = 0;
    scanner at_second;
    int rc;

    if (t->cp == '0') {
        (void)read_digits(p, 8, 2, &value); /* any number of them will do */
        return parse_literal(p, value, flags, t->column, ret);
    }
    at_second = p->in;
    if (t->cp <= '7' && read_digits(p, 8, 2, &value) == 2) {
        rc = check_octal(p, t->column, value, &cp);
        return rc ? rc : parse_literal(p, cp, flags, t->column, ret);
    }
    p->in = at_second;
    value = t->cp - '0';
    (void)read_digits(p, 10, 1, &value); /* the second digit may be missing */
    if (value > p->n_groups)
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "there is no group %u before this reference; groups so far: %zu", value,
                           p->n_groups);
    return parse_backref(p, value, flags, t->column, ret);
}

static int piece_assert(parser *p, regex_assert type, uint32_t column, piece *ret)
{
    *ret = (piece){.node = node_new(p, REGEX_ASSERT, column), .size = 1, .is_assert = true};
    if (!ret->node)
        return -ENOMEM;
    ret->node->assert_type = type;
    return 0;
}

int parse_assert(parser *p, const token *t, unsigned flags, piece *ret)
{
    bool ascii = (flags & FLAG_ASCII) != 0, lines = (flags & FLAG_MULTILINE) != 0;

    switch (t->cp) {
    case '^':
        return piece_assert(p, lines ? REGEX_LINE_START : REGEX_TEXT_START, t->column, ret);
    case '$':
        return piece_assert(p, lines ? REGEX_LINE_END : REGEX_TEXT_END_NEWLINE, t->column, ret);
    case 'A':
        return piece_assert(p, REGEX_TEXT_START, t->column, ret);
    case 'Z':
        return piece_assert(p, REGEX_TEXT_END, t->column, ret);
    case 'b':
        return piece_assert(p, ascii ? REGEX_WORD_ASCII : REGEX_WORD, t->column, ret);
    default:
        return piece_assert(p, ascii ? REGEX_NOT_WORD_ASCII : REGEX_NOT_WORD, t->column, ret);
    }
}

int parse_escape(parser *p, const token *t, unsigned flags, piece *ret)
{
    uint8_t category = escape_category(t->cp);
    uint32_t cp = 0;
    int rc;

    if (category)
        return parse_category(p, category, flags, t->column, ret);
    if (t->cp == 'A' || t->cp == 'Z' || t->cp == 'b' || t->cp == 'B')
        return parse_assert(p, t, flags, ret);
    if (t->cp >= '0' && t->cp <= '9')
        return parse_number(p, t, flags, ret);
    rc = parse_char_escape(p, t, false, &cp);
    return rc ? rc : parse_literal(p, cp, flags, t->column, ret);
}
