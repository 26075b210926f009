/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cut at a character's border: an error text is valid UTF-8 even where it did not fit. */
static void cut_utf8(char *text, size_t size)
{
    size_t len = strlen(text);
    size_t start = len;

    if (len + 1 < size)
        return;
    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0 &&
        !utf8_valid((str){text + start - 1, len - start + 1}))
        text[start - 1] = '\0';
}

static int fill(ttp_err *err, int rc, const char *where, unsigned line, unsigned column,
                const char *fmt, va_list args)
{
    if (!err)
        return rc;
    err->code = rc;
    err->line = line;
    err->column = column;
    (void)snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
    cut_utf8(err->where, sizeof(err->where));
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    cut_utf8(err->text, sizeof(err->text));
    return rc;
}

int err_set(ttp_err *err, int rc, const char *where, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    rc = fill(err, rc, where, 0, 0, fmt, args);
    va_end(args);
    return rc;
}

int err_at(ttp_err *err, int rc, const char *where, unsigned line, unsigned column, const char *fmt,
           ...)
{
    va_list args;

    va_start(args, fmt);
    rc = fill(err, rc, where, line, column, fmt, args);
    va_end(args);
    return rc;
}

const char *ttp_err_format(const ttp_err *err, char *out, unsigned long size)
{
    char at[32] = "";

    if (err->line && err->column)
        (void)snprintf(at, sizeof(at), ":%u:%u", err->line, err->column);
    else if (err->line)
        (void)snprintf(at, sizeof(at), ":%u", err->line);
    if (err->where[0])
        (void)snprintf(out, size, "%s%s: %s", err->where, at, err->text);
    else
        (void)snprintf(out, size, "%s", err->text);
    return out;
}

/* Characters that could move the cursor, reorder a line or hide: they are shown as escapes. */
static bool is_printable(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == UTF8_REPLACEMENT)
        return false;
    if ((cp >= 0x200B && cp <= 0x200F) || (cp >= 0x2028 && cp <= 0x202E) ||
        (cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF || cp == 0x061C || cp == 0xAD)
        return false;
    return (cp & 0xFFFE) != 0xFFFE && cp < 0xE0000;
}

const char *err_quote(char *out, size_t size, const void *text, size_t len, unsigned max_chars)
{
    const char *p = text;
    const char *end = len ? p + len : p; /* nothing may come as NULL */
    size_t n = 0;
    unsigned n_chars = 0;

    if (size == 0)
        return out;
    while (p < end) {
        char piece[16];
        uint32_t cp;
        unsigned step = utf8_decode(p, end, &cp);
        bool bad = step == 1 && (unsigned char)*p >= 0x80;
        int n_piece;

        if (bad || cp < 0x20 || cp == 0x7F)
            n_piece = snprintf(piece, sizeof(piece), "\\x%02x", (unsigned char)*p);
        else if (!is_printable(cp))
            n_piece = snprintf(piece, sizeof(piece), "\\u{%x}", cp);
        else
            n_piece = snprintf(piece, sizeof(piece), "%.*s", (int)step, p);
        if (n_chars++ >= max_chars || n + (size_t)n_piece + 4 > size) {
            for (int dots = 0; dots < 3 && n + 1 < size; dots++)
                out[n++] = '.';
            break;
        }
        memcpy(out + n, piece, (size_t)n_piece);
        n += (size_t)n_piece;
        p += step;
    }
    out[n] = '\0';
    return out;
}
