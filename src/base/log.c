/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void log_msg(const ttp_log *log, ttp_log_level level, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    if (!log || !log->fn)
        return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    log->fn(log->ctx, level, line);
}
