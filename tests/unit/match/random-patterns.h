/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Patterns at random, and texts that nearly hold them. */
#include "scanned.h"

#include "../pick.h"

/* Few letters, so that literals meet; with many that some folding makes alike. */
static const char *const letters_ascii[] = {"a", "b", "A", "k", "K", "s", "S", "i", " ", "/", "\n"};
static const char *const letters_odd[] = {
    "\xE2\x84\xAA",     /* KELVIN SIGN */
    "\xC5\xBF",         /* LONG S */
    "\xC4\xB0",         /* I WITH DOT ABOVE */
    "\xC4\xB1",         /* DOTLESS I */
    "\xC3\x9F",         /* SHARP S */
    "\xE1\xBA\x9E",     /* CAPITAL SHARP S */
    "\xC3\xA9",         /* e ACUTE */
    "\xC3\x89",         /* E ACUTE */
    "\xCF\x83",         /* SIGMA */
    "\xCF\x82",         /* FINAL SIGMA */
    "\xF0\x9F\x98\x80", /* beyond U+FFFF */
};

static void put_letter(buf *b, bool odd)
{
    if (odd && pick(5) == 0)
        buf_put_c(b, letters_odd[pick(LENGTH(letters_odd))]);
    else if (pick(40) == 0)
        buf_put_char(b, '\0');
    else
        buf_put_c(b, letters_ascii[pick(LENGTH(letters_ascii))]);
}

static void put_letters(buf *b, unsigned n, bool odd)
{
    while (n--)
        put_letter(b, odd);
}

/* A regex of letters and these; the letters want no escape. */
static void put_regex(buf *b, bool odd)
{
    static const char *const parts[] = {
        "^",         "$",       "\\Z",        "\\b",      "\\B",     ".",         ".*",
        "a?",        "k+",      "[kK]",       "[^a]",     "(?:",     "(a|kb)",    "\\w",
        "\\W",       "\\s",     "\\S",        "(?i:sk)",  "s{2,3}",  "(?:ab|)",   "(?=k)",
        "(?!a)",     "(?!\\w)", "(?<![a-z])", "\\s*",     "|",       "(?<=b)",    "(?>ab|a)",
        "(?m:^)",    "(?m:$)",  "(?a:\\b)",   "(?a:\\w)", "(^|\\s)", "(?:\\s|$)", "[^\\W]",
        "(?i:[^k])", "\\b\\s?", "(?:b\\b)?",  "x{0}",     "(\\b)",   "(?:\\b|a)", "[a-z]+",
        "\\n",       "(?s:.)"};
    unsigned n = 1 + pick(5), n_open = 0;

    if (pick(5) == 0)
        buf_put_c(b, pick(2) ? "(?i)" : "(?m)");
    while (n--) {
        const char *part = parts[pick(LENGTH(parts))];

        if (pick(3))
            put_letters(b, 1 + pick(6), odd);
        if (pick(2)) {
            buf_put_c(b, part);
            n_open += strcmp(part, "(?:") == 0;
        }
    }
    while (n_open--)
        buf_put_char(b, ')');
}

/* Something between what may stand beside it, once or in two such ways. */
static void put_run(buf *b)
{
    static const char *const runs[] = {"/",      " ",       "\n", "/ ", "(?i:sk)",
                                       "(?i:a)", "(?i:k)/", "ab", "s"};
    static const char *const sides[] = {
        "",           "\\b",        "\\B",       "^",         "$",          "\\A",
        "\\Z",        "(?m:^)",     "(?m:$)",    "[^a]",      "[Ab]",       "[kK]",
        "[^A-Z]",     "\\s+",       "\\s{2}",    "/{2}",      "/+",         "a{0}",
        "(?:^|\\s)",  "(?:\\s|$)",  "(?:\\b|a)", "(?:/|\\b)", "(?:k|[Ab])", "\\w",
        "\\W+",       "k*",         "\\S{1,2}",  "(\\s)",     "(?:\\b)?",   "(?i:b)",
        "(?:[^a]|^)", "(?:$|[a-k])"};
    const char *run = runs[pick(LENGTH(runs))];

    for (unsigned n = 1 + (pick(4) == 0); n; n--) {
        buf_put_c(b, sides[pick(LENGTH(sides))]);
        buf_put_c(b, run);
        buf_put_c(b, sides[pick(LENGTH(sides))]);
        if (n > 1)
            buf_put_char(b, '|');
    }
}

/* Literals with anything between them. */
static void put_pieces(buf *b)
{
    static const char *const pieces[] = {"a", "ab", "k/", "(?i:a)", "(?i:sk)", "/", "A", "B", "  "};
    static const char *const gaps[] = {".*", ".*", ".*", ".+", ".{2,}", "(?s:.*)", ".*?", ""};

    if (pick(8) == 0)
        buf_put_c(b, pick(2) ? "(.){5,}" : "(?s:.){3,}");
    for (unsigned n = pick(5); n; n--) {
        buf_put_c(b, gaps[pick(LENGTH(gaps))]);
        buf_put_c(b, pieces[pick(LENGTH(pieces))]);
    }
    if (pick(4) == 0)
        buf_put_c(b, gaps[pick(LENGTH(gaps))]);
}

static pattern *random_pattern(bool odd)
{
    static const unsigned flags[] = {0, 0, PATTERN_AT_START, PATTERN_AT_END,
                                     PATTERN_AT_START | PATTERN_AT_END};
    auto_free(buf) buf source = {0};
    wanted w;

    if (pick(5) < 3) {
        switch (pick(4)) {
        case 0:
            put_pieces(&source);
            break;
        case 1:
            put_run(&source);
            break;
        default:
            put_regex(&source, odd);
            break;
        }
        w.flags = REGEX;
    } else {
        put_letters(&source, pick(13), odd);
        w.flags = flags[pick(LENGTH(flags))];
    }
    w.flags |= pick(3) ? 0 : PATTERN_IGNORE_CASE;
    w.source = buf_str(&source);
    return new_pattern(&w);
}

/* Letters and sources of patterns, with some more at either end. */
static void put_text(buf *b, pattern *const *patterns, unsigned n, bool odd)
{
    unsigned n_parts = pick(4);

    put_letters(b, pick(4), odd);
    while (n_parts--) {
        const pattern *p = patterns[pick(n)];

        if (!pattern_is_regex(p))
            buf_put_str(b, pattern_source(p));
        put_letters(b, pick(7), odd);
    }
    if (pick(6) == 0)
        buf_put_char(b, '\n');
}
