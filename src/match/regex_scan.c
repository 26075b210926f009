/* SPDX-License-Identifier: Apache-2.0 */
#include "match/regex_reader.h"

#include "base/utf8.h"

static void read_next(scanner *s)
{
    token t = {.at = s->p, .column = s->column, .end = s->p >= s->end};

    if (!t.end) {
        s->p += utf8_decode(s->p, s->end, &t.cp);
        s->column++;
    }
    if (t.cp == '\\' && s->p < s->end) {
        t.escaped = true;
        s->p += utf8_decode(s->p, s->end, &t.cp);
        s->column++;
    }
    s->next = t;
}

void scan_start(scanner *s, str source)
{
    *s = (scanner){.p = source.ptr, .end = source.ptr + source.len, .column = 1};
    read_next(s);
}

token scan_get(scanner *s)
{
    token t = s->next;

    read_next(s);
    return t;
}

bool scan_take(scanner *s, uint32_t cp)
{
    if (!token_is(&s->next, cp))
        return false;
    read_next(s);
    return true;
}
