/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of the regex reader share; nobody else includes this.
 *
 *     regex.c          regex_read: alternatives, sequences, repeats
 *     regex_group.c    what begins with a parenthesis
 *     regex_escape.c   what begins with a backslash
 *     regex_set.c      sets, classes, closure under case
 *     regex_scan.c     characters with their escapes and columns
 */
#include "match/regex.h"

#include <stddef.h>

/*
 * A token is a character, or a backslash with the character behind it. The whole syntax is read in
 * tokens, even comments: CPython's reader does so, and an escaped parenthesis does not end one.
 */
typedef struct token {
    const char *at; /* where it stands in the source */
    uint32_t cp;    /* escaped: the character behind the backslash */
    uint32_t column;
    bool escaped;
    bool end; /* the end of the source: no character */
} token;

typedef struct scanner {
    const char *p, *end; /* behind next */
    uint32_t column;     /* of p */
    token next;
} scanner;

void scan_start(scanner *s, str source);
token scan_get(scanner *s);              /* returns next and steps over it */
bool scan_take(scanner *s, uint32_t cp); /* steps over next if it is cp, not escaped */

static inline bool token_is(const token *t, uint32_t cp)
{
    return !t->end && !t->escaped && t->cp == cp;
}

static inline bool token_in(const token *t, const char *ascii)
{
    return !t->end && !t->escaped && t->cp && t->cp < 128 && strchr(ascii, (int)t->cp);
}

static inline bool token_is_digit(const token *t)
{
    return !t->end && !t->escaped && t->cp >= '0' && t->cp <= '9';
}

enum {
    FLAG_ASCII = 1 << 0,
    FLAG_UNICODE = 1 << 1, /* said aloud; it is the default, too */
    FLAG_IGNORE_CASE = 1 << 2,
    FLAG_MULTILINE = 1 << 3,
    FLAG_DOTALL = 1 << 4,
    FLAG_VERBOSE = 1 << 5,
    FLAG_TEMPLATE = 1 << 6,
    FLAG_LOCALE = 1 << 7,
    FLAGS_CLASSES = FLAG_ASCII | FLAG_UNICODE | FLAG_LOCALE, /* one of them at a time */
};

/* What has been read, with what the checks on it need. */
typedef struct piece {
    regex_node *node;
    uint64_t lo, hi; /* characters it can match, as CPython counts; WIDTH_MAX is endless */
    uint32_t size;   /* instructions once counted repeats are unrolled */
    bool is_assert;  /* written as ^ $ \b...: cannot be repeated */
    bool is_repeat;  /* cannot be repeated again */
} piece;

#define WIDTH_MAX UINT32_MAX

typedef struct group_info {
    str name; /* STR_NULL: none */
    uint64_t lo, hi;
    bool closed;
    bool has_case; /* can match a character that has another case */
} group_info;

typedef struct parser {
    scanner in;
    arena *a;
    ttp_err *err;
    unsigned global_flags;
    unsigned depth;
    bool backtracks;
    uint32_t n_ranges;           /* of all sets */
    uint32_t look_behind_groups; /* in a look-behind: the groups opened before it, plus one */
    uint32_t max_cond, max_cond_column;
    size_t n_groups, groups_cap;
    group_info *groups; /* [0 .. n_groups], 0 unused */
    size_t n_pieces, pieces_cap;
    piece *pieces; /* stack of kids being gathered */
} parser;

/* Record a refusal; column 0: of the token that is next. Returns rc. */
int parser_fail(parser *p, int rc, uint32_t column, const char *fmt, ...) TTP_PRINTF(4, 5);
/* Text of the source for a message, safe to print. */
const char *parser_quote(char out[64], const char *at, const char *end);

/* A zeroed node, or NULL. */
regex_node *node_new(parser *p, regex_type type, uint32_t column);
/* A node around one kid. 0 or -ENOMEM. */
int node_wrap(parser *p, regex_type type, uint32_t column, regex_node *kid, regex_node **ret_node);
int piece_push(parser *p, const piece *item);
/* Is the size still within bounds? 0 or TTP_E_LIMIT. */
int check_size(parser *p, uint64_t size, uint32_t column, uint32_t *ret_size);
/* A piece of one character's width. */
static inline piece piece_unit(regex_node *node)
{
    return (piece){.node = node, .lo = 1, .hi = 1, .size = 1};
}

/* What a character is under flags: CHAR, or a set of its two ASCII cases. */
int parse_literal(parser *p, uint32_t cp, unsigned flags, uint32_t column, piece *ret);
/* Up to a closing parenthesis or the end. top: not inside anything, global flags may come. */
int parse_alternatives(parser *p, unsigned flags, bool top, piece *ret);
/* Up to | ) or the end. first: nothing came before. */
int parse_sequence(parser *p, unsigned flags, bool first, piece *ret);
/*
 * Behind an opening parenthesis. What leaves nothing behind (a comment, global flags) sets
 * ret->node to NULL; may_set_flags: global flags may stand here.
 */
int parse_group(parser *p, unsigned flags, bool may_set_flags, uint32_t column, piece *ret);
/* An escape outside a set; t is its token, stepped over. */
int parse_escape(parser *p, const token *t, unsigned flags, piece *ret);
/* ^ $ \A \Z \b \B; t is its token. */
int parse_assert(parser *p, const token *t, unsigned flags, piece *ret);
/* Behind an opening bracket. */
int parse_set(parser *p, unsigned flags, uint32_t column, piece *ret);
/* A group that may be referred to from here. */
int check_reference(parser *p, uint32_t group, uint32_t column);
/* ret is the reference itself. */
int parse_backref(parser *p, uint32_t group, unsigned flags, uint32_t column, piece *ret);

/* One member of a set: a character, or a class where category is not 0. */
typedef struct set_item {
    uint32_t cp;
    uint8_t category;
} set_item;

/* The class that \d \D \s \S \w \W means, or 0. */
uint8_t escape_category(uint32_t letter);
/* A character written as an escape, in a set or outside. */
int parse_char_escape(parser *p, const token *t, bool in_set, uint32_t *ret_cp);
/* \d and the like outside a set. */
int parse_category(parser *p, uint8_t category, unsigned flags, uint32_t column, piece *ret);
/* Could what node matches hold a character that has another case? (It may say so in vain.) */
bool node_has_case(const parser *p, const regex_node *node);
/* A set of n ranges, which need not be sorted. */
int node_set(parser *p, uint32_t column, const regex_range *ranges, uint32_t n, regex_node **ret);
