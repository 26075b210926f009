/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/reading.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 5, 0))) static int
fill_in(ttp_err *err, int rc, const char *where, const yaml_node *at, const char *fmt, va_list args)
{
    char text[sizeof(err->text)];

    (void)vsnprintf(text, sizeof(text), fmt,
                    args); /* cut where too long, which is fine for a message */
    return err_at(err, rc, where, at->line, at->column, "%s", text);
}

int reading_fail(reading *r, int rc, const yaml_node *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fill_in(r->err, rc, r->where, at, fmt, args); /* returns rc */
    va_end(args);
    return rc;
}

int reading_wrong(reading *r, const yaml_node *value, const char *key, const char *wanted)
{
    char shown[SHOWN_SIZE];

    return reading_fail(r, TTP_E_INVALID, value, "%s is %s; expected %s", key,
                        node_shown(shown, value), wanted);
}

__attribute__((format(printf, 3, 0))) static void warn(reading *r, const yaml_node *at,
                                                       const char *fmt, va_list args)
{
    ttp_err warning = {0};

    if (!r->ctx->warn)
        return;
    (void)fill_in(&warning, 0, r->where, at, fmt, args); /* a warning has no code */
    r->ctx->warn(r->ctx->warn_ctx, &warning);
}

void reading_warn(reading *r, const yaml_node *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    warn(r, at, fmt, args);
    va_end(args);
}

void reading_lint(reading *r, const yaml_node *at, const char *fmt, ...)
{
    va_list args;

    if (!r->ctx->lint)
        return;
    va_start(args, fmt);
    warn(r, at, fmt, args);
    va_end(args);
}

const char *str_shown(char out[SHOWN_SIZE], str s)
{
    return err_quote(out, SHOWN_SIZE, s.ptr, s.len, 60);
}

static const char *text_shown(char out[SHOWN_SIZE], str text)
{
    size_t len;

    out[0] = '"';
    len = 1 + strlen(err_quote(out + 1, SHOWN_SIZE - 2, text.ptr, text.len, 60));
    out[len] = '"';
    out[len + 1] = '\0';
    return out;
}

const char *node_shown(char out[SHOWN_SIZE], const yaml_node *n)
{
    if (n->type == YAML_LIST)
        return n->n ? "a list" : "an empty list";
    if (n->type == YAML_MAP)
        return n->n ? "a mapping" : "an empty mapping";
    if (!n->is_text)
        return n->text.len ? str_shown(out, n->text) : "empty";
    return text_shown(out, n->text);
}

int read_text(reading *r, const yaml_node *n, const char *key, const char *wanted, str *ret_text)
{
    if (n->type != YAML_SCALAR || yaml_is_null(n))
        return reading_wrong(r, n, key, wanted);
    *ret_text = arena_str(r->own, n->text);
    return ret_text->ptr ? 0 : -ENOMEM;
}

int read_word(reading *r, const yaml_node *n, const char *key, const char *wanted, str *ret_text)
{
    if (n->type == YAML_SCALAR && n->text.len == 0)
        return reading_wrong(r, n, key, wanted);
    return read_text(r, n, key, wanted, ret_text);
}

#define NEAR_WORD_MAX 32

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours from a to b; both at most
 * NEAR_WORD_MAX long. */
static unsigned edit_distance(str a, str b)
{
    unsigned d[NEAR_WORD_MAX + 1][NEAR_WORD_MAX + 1];

    for (unsigned i = 0; i <= a.len; i++) {
        for (unsigned j = 0; j <= b.len; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(d[i - 1][j], d[i][j - 1]) + 1;
            d[i][j] = least(d[i][j], d[i - 1][j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.len][b.len];
}

const char *nearest_word(str text, const char *const *words)
{
    const char *best = NULL;
    unsigned best_distance = 3;

    if (text.len == 0 || text.len > NEAR_WORD_MAX)
        return NULL;
    for (; *words; words++) {
        str word = str_from(*words);
        unsigned distance;

        if (word.len > NEAR_WORD_MAX)
            continue;
        distance = edit_distance(text, word);
        if (distance < best_distance && distance < word.len / 2) {
            best = *words;
            best_distance = distance;
        }
    }
    return best;
}
