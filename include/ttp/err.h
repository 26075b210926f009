/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Errors. A function that can fail returns an int:
 *
 *     0     done
 *     > 0   an outcome its declaration lists (TTP_E_...); the caller handles it
 *     < 0   -errno, unexpected; passed up unchanged
 *
 * Where a person can fix the cause, the last parameter is a ttp_err: where, line, column and one
 * sentence. It is filled in once, at the place that found the mistake; NULL is allowed everywhere.
 */
#include "ttp/api.h"

TTP_BEGIN

enum {
    TTP_E_SYNTAX = 1,      /* text that breaks the rules of its format */
    TTP_E_LIMIT = 2,       /* a named bound (base/limits.h) was reached */
    TTP_E_NOT_FOUND = 3,   /* what was asked for is not there */
    TTP_E_INVALID = 4,     /* well-formed, but not allowed here */
    TTP_E_UNSUPPORTED = 5, /* meaningful, but this build or release cannot honour it */
    TTP_E_END = 6,         /* nothing more to read */
    TTP_E_DUPLICATE = 7,   /* it is there already */
};

typedef struct ttp_err {
    int code;        /* what the function returned */
    unsigned line;   /* 1-based; 0 where there is none */
    unsigned column; /* 1-based, in characters; 0 where there is none */
    char where[256]; /* a file, an address, a rule id; empty where there is none */
    char text[768];  /* one sentence: what is wrong and what was expected; printable UTF-8 */
} ttp_err;

/*
 * One line for a person: "where:line:column: text", without the parts that are absent.
 * Writes at most size bytes, always NUL-terminated. Returns buf. Any thread.
 */
TTP_API const char *ttp_err_format(const ttp_err *err, char *buf, unsigned long size);

TTP_END
