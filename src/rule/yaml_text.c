/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/yaml_text.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <errno.h>

static bool is_blank(uint32_t cp)
{
    return cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r';
}

/* YAML 1.1 ends lines here, 1.2 does not; libfyaml puts stray memory into values that hold them. */
static bool is_odd_line_end(uint32_t cp)
{
    return cp == 0x85 || cp == 0x2028 || cp == 0x2029;
}

typedef struct byte_check {
    const char *where;
    ttp_err *err;
    unsigned line, column;
    unsigned n_blank;  /* in a row */
    bool in_directive; /* the line began with % */
} byte_check;

static int check_char(byte_check *c, unsigned char byte, unsigned len, uint32_t cp)
{
    if (len == 1 && byte >= 0x80)
        return err_at(c->err, TTP_E_SYNTAX, c->where, c->line, c->column,
                      "byte 0x%02x is not UTF-8; expected UTF-8 text", byte);
    if ((cp < 0x20 && !is_blank(cp)) || cp == 0x7f)
        return err_at(c->err, TTP_E_SYNTAX, c->where, c->line, c->column,
                      "control character 0x%02x; expected text (write \"\\x%02x\" for it)", byte,
                      byte);
    if (is_odd_line_end(cp))
        return err_at(
            c->err, TTP_E_SYNTAX, c->where, c->line, c->column,
            "U+%04X, a line end to some; expected another character (write \"\\u%04x\" for it)", cp,
            cp);
    c->n_blank = is_blank(cp) ? c->n_blank + 1 : 0;
    if (c->n_blank > RULE_YAML_BLANK_MAX)
        return err_at(c->err, TTP_E_LIMIT, c->where, c->line, c->column,
                      "too many blanks and line ends in a row; expected at most %u",
                      RULE_YAML_BLANK_MAX);
    if (c->column == 1)
        c->in_directive = cp == '%';
    if (c->in_directive && cp != '\n' && c->column > RULE_YAML_DIRECTIVE_MAX)
        return err_at(c->err, TTP_E_LIMIT, c->where, c->line, c->column,
                      "a line that begins with %% is too long; expected at most %u characters",
                      RULE_YAML_DIRECTIVE_MAX);
    return 0;
}

#define REPEATED(byte) (0x0101010101010101u * (byte))
#define HIGH_BITS REPEATED(0x80)

/* Are the eight bytes at p ASCII that can be seen, or spaces? */
static bool is_printable(const char *p)
{
    uint64_t w, del;

    memcpy(&w, p, sizeof(w));
    del = w ^ REPEATED(0x7f);
    return !((w | ((w - REPEATED(0x20)) & ~w) | ((del - REPEATED(1)) & ~del)) & HIGH_BITS);
}

/* Most of a rule file: what can be seen in the middle of a line, in steps of eight where no run of
 * blanks can get too long. */
static const char *pass_ordinary(byte_check *c, const char *p, const char *end)
{
    const char *from = p;

    if (c->column == 1 || c->in_directive)
        return p;
    while (end - p >= 8 && c->n_blank + 8 <= RULE_YAML_BLANK_MAX && is_printable(p)) {
        unsigned n = 0;

        while (n < 8 && p[7 - n] == ' ')
            n++;
        c->n_blank = n < 8 ? n : c->n_blank + n;
        p += 8;
    }
    for (; p < end && *p >= ' ' && *p < 0x7f && c->n_blank < RULE_YAML_BLANK_MAX; p++)
        c->n_blank = *p == ' ' ? c->n_blank + 1 : 0;
    c->column += (unsigned)(p - from);
    return p;
}

/*
 * What the parser must not see: bytes that are no text, to which its answer is not always an error,
 * and long runs of blanks and long directives, over which libfyaml takes a time that grows with the
 * square of their length.
 */
static int check_bytes(str text, const char *where, ttp_err *err)
{
    byte_check c = {.where = where, .err = err, .line = 1, .column = 1};
    const char *p = text.ptr, *end = text.ptr + text.len;

    while (p < end) {
        uint32_t cp;
        unsigned len;
        int rc;

        p = pass_ordinary(&c, p, end);
        if (p == end)
            break;
        len = utf8_decode(p, end, &cp);
        rc = check_char(&c, (unsigned char)*p, len, cp);

        if (rc)
            return rc;
        c.column++;
        if (cp == '\n') {
            c.line++;
            c.column = 1;
        }
        p += len;
    }
    return 0;
}

static bool read_escape(const char *p, const char *end, uint32_t *ret_unit)
{
    uint32_t v = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return false;
    for (int i = 2; i < 6; i++) {
        char c = p[i] | 0x20;

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        v = v * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_unit = v;
    return true;
}

/*
 * JSON writes what lies beyond U+FFFF as two escapes, which YAML does not know. Only texts that are
 * JSON come here: what stands behind such a pair in its line is then reported some columns too far
 * left.
 */
static int join_surrogates(str text, arena *a, str *ret_text)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    char *out = arena_alloc(a, text.len + 1), *o = out;

    if (!out)
        return -ENOMEM;
    while (p < end) {
        uint32_t high, low;

        if (read_escape(p, end, &high) && high >= 0xd800 && high < 0xdc00 &&
            read_escape(p + 6, end, &low) && low >= 0xdc00 && low < 0xe000) {
            o += utf8_encode(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), o);
            p += 12;
            continue;
        }
        if (*p == '\\' && p + 1 < end)
            *o++ = *p++; /* an escaped backslash begins no escape */
        *o++ = *p++;
    }
    *ret_text = (str){out, (size_t)(o - out)};
    return 0;
}

/* Behind such a byte a question mark is part of plain text, as in `[ $? -eq 0 ]`. */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("$.;=()/\\_+^<~", c));
}

static bool begins_key(str text, size_t at)
{
    char before = at ? text.ptr[at - 1] : '\n', after = at + 1 < text.len ? text.ptr[at + 1] : '\n';

    return text.ptr[at] == '?' && is_blank((unsigned char)after) && !is_plain(before);
}

static bool tab_follows(str text, size_t at)
{
    while (++at < text.len && text.ptr[at] == ' ')
        continue;
    return at < text.len && text.ptr[at] == '\t';
}

/*
 * libfyaml 0.7.12 frees a key twice where it stumbles over a tab behind the colon of a key that is
 * itself in a key (? a:<tab>-). What only looks like that, in a text, is refused with it.
 */
static int check_tabs(str text, const char *where, ttp_err *err)
{
    unsigned line = 1, column = 0;
    bool in_key = false;

    if (!memchr(text.ptr, '\t', text.len))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        column += (text.ptr[i] & 0xC0) != 0x80; /* once a character */
        in_key |= begins_key(text, i);
        if (in_key && text.ptr[i] == ':' && tab_follows(text, i))
            return err_at(err, TTP_E_SYNTAX, where, line, column,
                          "a tab follows a colon, and a key begins with ? before it; expected "
                          "spaces (write \"\\t\" for a tab)");
        if (text.ptr[i] == '\n') {
            line++;
            column = 0;
        }
    }
    return 0;
}

int yaml_text_prepare(str text, const char *where, arena *a, str *ret_text, ttp_err *err)
{
    size_t i = 0;
    int rc;

    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = (str){text.ptr + 3, text.len - 3};
    rc = check_bytes(text, where, err);
    if (!rc && text.len)
        rc = check_tabs(text, where, err);
    if (rc)
        return rc;
    *ret_text = text;
    while (i < text.len && (text.ptr[i] == ' ' || text.ptr[i] == '\n' || text.ptr[i] == '\r'))
        i++;
    return i < text.len && text.ptr[i] == '{' ? join_surrogates(text, a, ret_text) : 0;
}
