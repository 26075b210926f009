/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reader of Python's regular expressions (the re module of CPython 3.11, str patterns): text ->
 * tree.
 *
 * The tree has Python's meaning spelled out: flags are resolved (case-insensitive characters carry
 * `fold`, sets are closed under folding, `.` and `^ $` are the variant in force, verbose white
 * space is gone), so nothing below this floor knows flags. All nodes live in one arena.
 *
 * A surrogate (\ud800) is taken, as Python takes it, and matches nothing: no valid text holds one.
 *
 * Where the meaning is not CPython's to the last: a back-reference that ignores case compares by
 * PCRE2's case sets, sre by lower cases; they differ on U+0130 and on letters with a second small
 * form (long s, final sigma, ...). And where sre 3.11 is wrong by its own documentation, we are
 * not: tests/differential/regex/agree-with-python lists these.
 */
#include "base/arena.h"
#include "ttp/err.h"

#include <stdint.h>

typedef enum regex_type {
    REGEX_EMPTY,   /* matches the empty string */
    REGEX_CHAR,    /* one character: cp; if fold, any character of cp's case orbit (unicode.h) */
    REGEX_SET,     /* one character out of a set */
    REGEX_CAT,     /* kids in sequence */
    REGEX_ALT,     /* first kid that works */
    REGEX_REPEAT,  /* kid[0], min..max times */
    REGEX_GROUP,   /* capturing group `group` around kid[0] */
    REGEX_ASSERT,  /* a zero-width assertion: assert_type */
    REGEX_LOOK,    /* look-ahead or look-behind around kid[0] */
    REGEX_BACKREF, /* what group `group` matched; fold: compared case-insensitively */
    REGEX_COND,    /* (?(group)kid[0]|kid[1]) */
    REGEX_ATOMIC,  /* (?>kid[0]) */
} regex_type;

typedef enum regex_assert {
    REGEX_TEXT_START,       /* \A, and ^ without MULTILINE */
    REGEX_LINE_START,       /* ^ with MULTILINE: start, or right after \n */
    REGEX_TEXT_END,         /* \Z: the very end */
    REGEX_TEXT_END_NEWLINE, /* $ without MULTILINE: the very end, or before a final \n */
    REGEX_LINE_END,         /* $ with MULTILINE: the very end, or before any \n */
    REGEX_WORD,             /* \b */
    REGEX_NOT_WORD,         /* \B (Python: false on an empty text) */
    REGEX_WORD_ASCII,       /* \b under (?a) */
    REGEX_NOT_WORD_ASCII,
} regex_assert;

/* category bits of a set; they are Unicode ones (ASCII ones are spelled out as ranges) */
enum {
    REGEX_WORD_CHAR = 1 << 0, /* \w */
    REGEX_NOT_WORD_CHAR = 1 << 1,
    REGEX_DIGIT = 1 << 2, /* \d */
    REGEX_NOT_DIGIT = 1 << 3,
    REGEX_SPACE = 1 << 4, /* \s */
    REGEX_NOT_SPACE = 1 << 5,
};

typedef enum regex_greed {
    REGEX_GREEDY,
    REGEX_LAZY,
    REGEX_POSSESSIVE,
} regex_greed;

typedef struct regex_range {
    uint32_t lo, hi; /* inclusive */
} regex_range;

#define REGEX_INFINITE UINT32_MAX

typedef struct regex_node regex_node;
struct regex_node {
    regex_type type;
    regex_assert assert_type; /* ASSERT */
    regex_greed greed;        /* REPEAT */
    bool fold;                /* CHAR, BACKREF: only where it makes a difference */
    bool negated;             /* SET: any character not in it; LOOK: must not match */
    bool behind;              /* LOOK */
    uint8_t categories;       /* SET */
    uint32_t cp;              /* CHAR */
    uint32_t min, max; /* REPEAT; max REGEX_INFINITE: without end. LOOK behind: min = max = its
                          width in characters */
    uint32_t group;    /* GROUP, BACKREF, COND: 1-based */
    uint32_t column;   /* 1-based position in the source, in characters */
    uint32_t n_kids;
    uint32_t n_ranges;
    regex_node **kids;
    regex_range *ranges; /* SET: sorted, disjoint, closed under folding where it was folded */
};

typedef struct regex {
    regex_node *root;
    uint32_t n_groups; /* capturing groups, without group 0 */
    str *group_names;  /* [n_groups + 1]; STR_NULL for unnamed ones */
    bool backtracks;   /* holds look-around, back-reference, condition, atomic group or possessive
                          repeat */
} regex;

/*
 * Read source (valid UTF-8) into a. ignore_case: as if (?i) stood first.
 * Returns 0, TTP_E_SYNTAX (Python refuses it, too; the message names what was expected),
 * TTP_E_UNSUPPORTED (Python takes it and we do not: \N{...}, the flag t, a back-reference to
 * letters under (?ai), a group number in odd digits), TTP_E_LIMIT (base/limits.h) or -ENOMEM;
 * err->column is the position in the pattern.
 */
int regex_read(str source, bool ignore_case, arena *a, regex *ret_regex, ttp_err *err);

/*
 * The same meaning as a PCRE2 pattern for PCRE2_UTF | PCRE2_UCP and no other option. Case folding
 * is written out as explicit sets, classes where PCRE2 and Python differ are spelled out.
 * pcre2_compile takes it, or finds it too large or a look-behind too complicated.
 * Returns 0, TTP_E_UNSUPPORTED (PCRE2 cannot say it) or -ENOMEM.
 */
int regex_to_pcre2(const regex *re, buf *out, ttp_err *err);

/* Does the set of a REGEX_SET node hold cp? (negation included) */
bool regex_set_has(const regex_node *set, uint32_t cp);
