/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* HTTP/1 requests out of captured bytes, whole or cut. */
#include "base/arena.h"
#include "event/nodes.h"

typedef struct http_header {
    str name; /* lower case */
    str value;
} http_header;

/* All slices are valid UTF-8 and NUL-terminated; they live in the arena given to http_parse. */
typedef struct http_request {
    str method, raw_url, version;
    str path;       /* raw_url without scheme, host, query and fragment */
    str host;       /* of the Host header or raw_url; STR_NULL where neither names one */
    str user_agent; /* STR_NULL where absent */
    str body;       /* STR_NULL where there is none */
    http_header headers[64];
    size_t n_headers; /* a name that comes again is joined with ", " */
} http_request;

/*
 * Returns 0; TTP_E_SYNTAX where bytes do not begin with an HTTP request line (method, target,
 * HTTP/x.y); -ENOMEM.
 */
int http_parse(str bytes, arena *a, http_request *ret_request);
/* Put method, raw_url, path, host, user_agent, headers, body into the object being built. Returns
 * the number of members. */
unsigned http_put(const http_request *r, nodes *n);
