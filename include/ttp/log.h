/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Where the library's few log lines go: a function of the caller's, or nowhere. */
#include "ttp/api.h"

TTP_BEGIN

typedef enum ttp_log_level {
    TTP_LOG_DEBUG,
    TTP_LOG_INFO,
    TTP_LOG_WARNING,
    TTP_LOG_ERROR,
} ttp_log_level;

/*
 * fn receives each line (printable UTF-8, no newline) with the context given here. It may be called
 * from any thread that calls into the library, and must not call back into it.
 */
typedef struct ttp_log {
    void (*fn)(void *ctx, ttp_log_level level, const char *line);
    void *ctx;
} ttp_log;

TTP_END
