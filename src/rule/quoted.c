/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a quoted scalar, from its source.
 *
 * libfyaml 0.7.12 finds where such a scalar starts and ends and refuses bad escapes, but its own
 * value is wrong where an escaped backslash stands before an escaped line end: it drops what
 * follows. So the value is made here.
 */
#include "rule/quoted.h"

#include "base/utf8.h"

typedef struct unquoting {
    const char *p, *end;
    char *out;
} unquoting;

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static void skip_blanks(unquoting *u)
{
    while (u->p < u->end && (*u->p == ' ' || *u->p == '\t'))
        u->p++;
}

/* Past one line end and the blanks that the next line begins with. Returns false where there is
 * none. */
static bool skip_line_end(unquoting *u)
{
    if (u->p == u->end || !is_line_end(*u->p))
        return false;
    u->p += *u->p == '\r' && u->p + 1 < u->end && u->p[1] == '\n' ? 2 : 1;
    skip_blanks(u);
    return true;
}

/* One line end is a space, more of them are one less. */
static void fold_lines(unquoting *u)
{
    bool more = false;

    (void)skip_line_end(u); /* the caller saw it */
    while (skip_line_end(u)) {
        *u->out++ = '\n';
        more = true;
    }
    if (!more)
        *u->out++ = ' ';
}

/* Blanks stay within a line and go before its end. */
static void take_blanks(unquoting *u)
{
    const char *start = u->p;

    skip_blanks(u);
    if (u->p < u->end && is_line_end(*u->p)) {
        fold_lines(u);
        return;
    }
    memcpy(u->out, start, (size_t)(u->p - start));
    u->out += u->p - start;
}

static void put_char(unquoting *u, uint32_t cp)
{
    bool is_char = cp <= 0x10ffff && !(cp >= 0xd800 && cp < 0xe000);

    u->out += utf8_encode(is_char ? cp : UTF8_REPLACEMENT, u->out);
}

/* n hexadecimal digits from the current place on. */
static void take_hex(unquoting *u, unsigned n)
{
    uint32_t cp = 0;

    for (; n > 0 && u->p < u->end; n--, u->p++) {
        char c = *u->p;

        cp = cp * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    put_char(u, cp);
}

static void take_escape(unquoting *u)
{
    static const char names[] = "0abtnvfre\tN_LP";
    static const uint16_t values[] = {0,  7,  8, 9,    10,   11,     12,
                                      13, 27, 9, 0x85, 0xa0, 0x2028, 0x2029};
    const char *name;
    char c = *u->p;

    if (is_line_end(c)) {
        (void)skip_line_end(u); /* it is one */
        while (skip_line_end(u))
            *u->out++ = '\n';
        return;
    }
    u->p++;
    name = memchr(names, c, sizeof(names) - 1);
    if (name)
        put_char(u, values[name - names]);
    else if (c == 'x' || c == 'u' || c == 'U')
        take_hex(u, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    else
        *u->out++ = c; /* itself: quote, backslash, slash, space */
}

str yaml_unquote(str source, bool is_double, arena *a)
{
    char *text = arena_alloc(a, 2 * source.len + 1); /* \L, two bytes, stands for three */
    unquoting u = {source.ptr, source.ptr + source.len, text};

    if (!text)
        return STR_NULL;
    while (u.p < u.end) {
        char c = *u.p;

        if (c == ' ' || c == '\t') {
            take_blanks(&u);
        } else if (is_line_end(c)) {
            fold_lines(&u);
        } else if (is_double && c == '\\' && u.p + 1 < u.end) {
            u.p++;
            take_escape(&u);
        } else {
            *u.out++ = c;
            u.p += !is_double && c == '\'' ? 2 : 1; /* in single quotes a quote is written twice */
        }
    }
    *u.out = '\0';
    return (str){text, (size_t)(u.out - text)};
}
