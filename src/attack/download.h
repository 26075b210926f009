/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Download: one file over HTTPS, bounded in size and time. download_curl.c where libcurl is at
 * hand, download_none.c says so where it is not.
 */
#include "ttp/err.h"

#include <stdint.h>

typedef struct download_options {
    const char *url;
    uint64_t max_bytes; /* of the content, after unpacking */
    /* Called now and then; total is 0 while unknown. Anything but 0 cancels. May be NULL. */
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
    unsigned connect_timeout_s, stall_timeout_s; /* 0: 20 and 30 */
} download_options;

/*
 * Write what is at url to fd, an empty file. https only; http for loopback hosts (127.0.0.0/8, ::1,
 * localhost), and redirects from there to there. Proxies as the environment says, but not for http.
 * Returns 0, TTP_E_NOT_FOUND (404, 410), TTP_E_INVALID (an address that is not allowed, another
 * status than 200), TTP_E_LIMIT (too long), TTP_E_UNSUPPORTED (built without libcurl), -ECANCELED,
 * -ETIMEDOUT, -EIO (the network, or less than was announced), or what write() failed with.
 */
int download_to(const download_options *options, int fd, ttp_err *err);
