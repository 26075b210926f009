/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick of `ttp bench tag`: every line parsed by simdjson's DOM, nothing else done. */
#include <simdjson.h>

#include <cstring>

extern "C" {
#include "cli/bench.h"
}

size_t yardstick_dom(str text)
{
    static simdjson::dom::parser parser;
    const char *p = text.ptr;
    const char *end = p + text.len;
    size_t n = 0;

    while (p < end) {
        const char *newline = static_cast<const char *>(memchr(p, '\n', end - p));
        const char *line_end = newline ? newline : end;

        n += parser.parse(reinterpret_cast<const uint8_t *>(p), line_end - p, false).error() ==
             simdjson::SUCCESS;
        p = line_end + 1;
    }
    return n;
}
