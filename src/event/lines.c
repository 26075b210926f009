/* SPDX-License-Identifier: Apache-2.0 */
#include "event/lines.h"

#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <errno.h>

/* a line and its CR LF */
#define SIZE_MAX_LINE (TTP_EVENT_MAX + 2)
/* how much of a file's beginning is looked at to tell text from binary */
#define LOOK_LEN 4096

/* Room for cap bytes and padding behind them. */
static int resize(char **text, size_t *ret_cap, size_t cap)
{
    char *p = realloc(*text, cap + JSON_PADDING);

    if (!p)
        return -ENOMEM;
    memset(p + cap, 0, JSON_PADDING);
    *text = p;
    *ret_cap = cap;
    return 0;
}

static int grow(lines *l)
{
    size_t cap = l->cap ? l->cap * 2 : LINES_FIRST_SIZE;

    return resize(&l->buf, &l->cap, cap < SIZE_MAX_LINE ? cap : SIZE_MAX_LINE);
}

int lines_exchange(lines *l, char **text, size_t *cap)
{
    size_t rest = l->end - l->start, need = LINES_FIRST_SIZE;
    char *old = l->buf;
    size_t old_cap = l->cap;

    while (need < rest)
        need *= 2;
    if (need > SIZE_MAX_LINE)
        need = SIZE_MAX_LINE;
    if (*cap < need && resize(text, cap, need))
        return -ENOMEM;
    if (rest)
        memcpy(*text, old + l->start, rest);
    l->buf = *text;
    l->cap = *cap;
    l->scanned -= l->start;
    l->end = rest;
    l->start = 0;
    *text = old;
    *cap = old_cap;
    return 0;
}

/*
 * Read more behind end, moving the begun line to the front or growing where there is no room.
 * Returns 0 (ended may be set), TTP_E_LIMIT when the buffer is full at its largest, or -ENOMEM.
 */
static int fill(lines *l)
{
    ssize_t n;

    if (l->start > 0 && (l->end == l->cap || l->start == l->end)) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->scanned -= l->start;
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end == l->cap) {
        if (l->cap == SIZE_MAX_LINE)
            return TTP_E_LIMIT;
        if (grow(l))
            return -ENOMEM;
    }
    n = input_read(l->in, l->buf + l->end, l->cap - l->end, &l->failure);
    if (n <= 0) {
        l->ended = true;
        l->failed = (int)n;
        return 0;
    }
    l->end += (size_t)n;
    return 0;
}

/* fill, where the line has to be dropped as it grows. */
static int fill_dropping(lines *l)
{
    l->start = l->scanned = l->end;
    return fill(l);
}

static bool has_byte(const lines *l, size_t at, char c)
{
    return at < l->end && l->buf[at] == c;
}

/* Skip NULs at the begin of a line, over any length. */
static int skip_nuls(lines *l)
{
    for (;;) {
        while (has_byte(l, l->start, '\0')) {
            l->start++;
            l->n_nuls++;
        }
        l->scanned = l->start;
        if (l->start < l->end || l->ended)
            return 0;
        int rc = fill(l);
        if (rc)
            return rc;
    }
}

/* What may not stand in text: control characters and what is not UTF-8. Lone NUL runs are lines'.
 */
static size_t count_odd_bytes(const char *p, const char *end)
{
    size_t n = 0;
    bool line_begins = true;

    while (p < end) {
        unsigned char c = (unsigned char)*p;
        uint32_t cp;
        unsigned step = utf8_decode(p, end, &cp);

        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && !(c == 0 && line_begins))
            n++;
        else if (c >= 0x80 && step == 1 && end - p >= 4) /* not one that the look cut in two */
            n++;
        line_begins = c == '\n' || (line_begins && c == 0);
        p += step;
    }
    return n;
}

/* JSON lines are text whatever else is among them: noise there is a bad line, not a binary file. */
static bool begins_as_json(const char *p, const char *end)
{
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p < end && (*p == '{' || *p == '[');
}

static int check_text(const lines *l, ttp_err *err)
{
    const char *p = l->buf + l->start;
    size_t len = l->end - l->start;
    bool utf16 = len >= 2 &&
                 ((p[0] == '\xff' && p[1] == '\xfe') || (p[0] == '\xfe' && p[1] == '\xff'));

    if (utf16)
        return err_set(err, TTP_E_INVALID, input_name(l->in),
                       "is UTF-16 text; expected JSON lines in UTF-8");
    if (len > LOOK_LEN)
        len = LOOK_LEN;
    while (len > 0 && p[len - 1] == '\0') /* a power cut leaves NULs behind the last line, too */
        len--;
    if (!begins_as_json(p, p + len) && count_odd_bytes(p, p + len) * 10 > len)
        return err_set(err, TTP_E_INVALID, input_name(l->in),
                       "is a binary file; expected JSON lines (plain, gzip or zstd)");
    return 0;
}

/* The first bytes: enough to tell what this is, no more, as a pipe may be slow. */
static int look(lines *l, ttp_err *err)
{
    int rc = skip_nuls(l);

    while (!rc && !l->ended && l->end - l->start < LOOK_LEN &&
           !memchr(l->buf + l->start, '\n', l->end - l->start))
        rc = fill(l);
    if (rc)
        return err_set(err, -ENOMEM, input_name(l->in), "out of memory");
    if (l->failed && l->start == l->end) {
        if (err)
            *err = l->failure;
        return l->failed;
    }
    rc = check_text(l, err);
    if (!rc && l->end - l->start >= 3 && memcmp(l->buf + l->start, "\xef\xbb\xbf", 3) == 0)
        l->scanned = l->start += 3;
    return rc;
}

static int begin(lines *l, input *in, ttp_err *err)
{
    int rc;

    l->in = in;
    l->start = l->scanned = l->end = 0;
    l->ended = false;
    l->failed = 0;
    l->number = 1;
    l->n_nuls = 0;
    l->may_be_array = true;
    l->in_array = false;
    rc = look(l, err);
    if (rc)
        lines_close(l);
    return rc;
}

int lines_open(lines *l, const char *path, ttp_err *err)
{
    input *in;
    int rc;

    lines_close(l);
    rc = input_open_until(path, l->wake_fd - 1, &in, err);
    return rc ? rc : begin(l, in, err);
}

int lines_open_memory(lines *l, const char *name, const void *data, size_t len, ttp_err *err)
{
    input *in;
    int rc;

    lines_close(l);
    rc = input_open_memory(name, data, len, &in, err);
    return rc ? rc : begin(l, in, err);
}

void lines_close(lines *l)
{
    l->in = input_close(l->in);
}

void lines_done(lines *l)
{
    lines_close(l);
    free(l->buf);
    *l = (lines){.wake_fd = l->wake_fd};
}

static int end_of_lines(lines *l, ttp_err *err)
{
    if (!l->failed)
        return TTP_E_END;
    if (err) {
        *err = l->failure;
        err->line = (unsigned)l->number;
    }
    return l->failed;
}

/* Pass over the rest of a line that is too long. */
static int drop_line(lines *l, line *ret_line)
{
    const char *newline;

    do {
        int rc = fill_dropping(l);

        if (rc)
            return rc;
        newline = memchr(l->buf + l->start, '\n', l->end - l->start);
    } while (!newline && !l->ended);
    l->start = newline ? (size_t)(newline - l->buf) + 1 : l->end;
    l->scanned = l->start;
    ret_line->text = (str){l->buf + l->start, 0};
    ret_line->too_long = true;
    l->number++;
    return 0;
}

static void end_line(lines *l, line *ret_line, const char *newline)
{
    const char *p = l->buf + l->start;
    size_t len = (size_t)((newline ? newline : l->buf + l->end) - p);

    l->start = newline ? (size_t)(newline - l->buf) + 1 : l->end;
    l->scanned = l->start;
    l->number++;
    ret_line->cut = !newline;
    while (!newline && len > 0 && p[len - 1] == '\0')
        len--;
    if (len > 0 && p[len - 1] == '\r')
        len--;
    ret_line->too_long = len > TTP_EVENT_MAX;
    ret_line->text = (str){p, ret_line->too_long ? 0 : len};
}

static int next_line(lines *l, line *ret_line)
{
    for (;;) {
        const char *newline = memchr(l->buf + l->scanned, '\n', l->end - l->scanned);
        int rc;

        if (newline || l->ended) {
            end_line(l, ret_line, newline);
            return 0;
        }
        l->scanned = l->end;
        rc = fill(l);
        if (rc == TTP_E_LIMIT)
            return drop_line(l, ret_line);
        if (rc)
            return rc;
    }
}

bool lines_next_held(lines *l, line *ret_line)
{
    const char *newline;

    if (l->in_array || l->n_nuls || l->start == l->end || !l->buf[l->start])
        return false;
    if (l->may_be_array && l->buf[l->start] != '\n')
        return false;
    newline = memchr(l->buf + l->scanned, '\n', l->end - l->scanned);
    if (!newline) {
        l->scanned = l->end;
        return false;
    }
    *ret_line = (line){.number = l->number};
    end_line(l, ret_line, newline);
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* Step to the next byte that is neither white space nor a comma; at end it is the input's end. */
static int skip_between(lines *l)
{
    for (;;) {
        while (l->start < l->end && (is_space(l->buf[l->start]) || l->buf[l->start] == ',')) {
            l->number += l->buf[l->start] == '\n';
            l->start++;
        }
        l->scanned = l->start;
        if (l->start < l->end || l->ended)
            return 0;
        int rc = fill(l);
        if (rc)
            return rc;
    }
}

/*
 * Scans one element byte by byte. A newline inside a string cannot be JSON: there the element ends
 * as the broken thing it is, so that one open quote does not swallow the rest.
 */
typedef struct scan {
    unsigned depth;
    bool in_string, escaped, begun;
} scan;

/* Returns true where the element ends before (*ret_takes = 0) or with (1) this byte. */
static bool scan_byte(scan *s, char c, unsigned *ret_takes)
{
    *ret_takes = 1;
    if (s->in_string) {
        if (c == '\n')
            return true;
        if (s->escaped)
            s->escaped = false;
        else if (c == '\\')
            s->escaped = true;
        else if (c == '"')
            s->in_string = false;
        return !s->in_string && s->depth == 0;
    }
    *ret_takes = 0;
    if (s->depth == 0 && s->begun && (c == ',' || c == ']' || c == '}' || is_space(c)))
        return true;
    *ret_takes = 1;
    s->begun = true;
    if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        return s->depth == 0 || --s->depth == 0;
    return false;
}

/* Room for more of the element; it is dropped from here on where it is too long. */
static int fill_element(lines *l, line *ret_line)
{
    int rc = ret_line->too_long ? fill_dropping(l) : fill(l);

    if (rc != TTP_E_LIMIT)
        return rc;
    ret_line->too_long = true;
    return fill_dropping(l);
}

/* Scan what is in the buffer; true where the element's end is found. */
static bool scan_element(lines *l, scan *s)
{
    bool done = false;

    while (!done && l->scanned < l->end) {
        char c = l->buf[l->scanned];
        unsigned takes;

        done = scan_byte(s, c, &takes);
        l->number += takes && c == '\n';
        l->scanned += takes;
    }
    return done;
}

static int next_element(lines *l, line *ret_line)
{
    scan s = {0};

    ret_line->number = l->number;
    while (!scan_element(l, &s) && !ret_line->cut) {
        int rc = 0;

        if (l->ended) {
            ret_line->cut = true;
            l->in_array = false;
        } else {
            rc = fill_element(l, ret_line);
        }
        if (rc)
            return rc;
    }
    ret_line->text = (str){l->buf + l->start, l->scanned - l->start};
    ret_line->too_long |= ret_line->text.len > TTP_EVENT_MAX;
    if (ret_line->too_long)
        ret_line->text.len = 0;
    l->start = l->scanned;
    return 0;
}

/* Behind the array lines follow again; its own line's end is not one of them. */
static int leave_array(lines *l)
{
    l->in_array = false;
    l->may_be_array = true;
    do {
        l->start++;
        l->scanned = l->start;
        if (l->start == l->end && !l->ended) {
            int rc = fill(l);

            if (rc)
                return rc;
        }
    } while (l->start < l->end && l->buf[l->start] != '\n' && is_space(l->buf[l->start]));
    if (has_byte(l, l->start, '\n')) {
        l->start++;
        l->number++;
    }
    l->scanned = l->start;
    return 0;
}

/* An element, or TTP_E_END where the array has ended. */
static int next_in_array(lines *l, line *ret_line)
{
    int rc = skip_between(l);

    if (rc)
        return rc;
    if (l->start == l->end) {
        l->in_array = false;
        ret_line->text = (str){l->buf + l->start, 0};
        ret_line->number = l->number;
        ret_line->open_array = true;
        return 0;
    }
    if (l->buf[l->start] != ']')
        return next_element(l, ret_line);
    rc = leave_array(l);
    return rc ? rc : TTP_E_END;
}

/* At the begin of the file, or right behind an array: does an array begin, after blank lines? */
static bool enter_array(lines *l)
{
    size_t at = l->start;

    while (at < l->end && (l->buf[at] == ' ' || l->buf[at] == '\t'))
        at++;
    if (at == l->end || l->buf[at] == '\n' || l->buf[at] == '\r')
        return false;
    l->may_be_array = false;
    if (l->buf[at] != '[')
        return false;
    l->start = l->scanned = at + 1;
    l->in_array = true;
    return true;
}

int lines_next(lines *l, line *ret_line, ttp_err *err)
{
    int rc = TTP_E_END;

    *ret_line = (line){0};
    for (;;) {
        if (l->in_array) {
            rc = next_in_array(l, ret_line);
            if (rc != TTP_E_END)
                break;
        }
        rc = skip_nuls(l);
        if (rc)
            break;
        ret_line->n_nuls = l->n_nuls;
        if (l->start == l->end && l->n_nuls == 0)
            return end_of_lines(l, err);
        if (l->may_be_array && enter_array(l))
            continue;
        ret_line->number = l->number;
        rc = next_line(l, ret_line);
        break;
    }
    l->n_nuls = 0;
    return rc < 0 ? err_set(err, rc, input_name(l->in), "out of memory") : rc;
}
