/* SPDX-License-Identifier: Apache-2.0 */
#include "event/http.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <errno.h>

_Static_assert(HTTP_HEADERS_MAX == sizeof(((http_request *)0)->headers) / sizeof(http_header),
               "the bound and the array agree");

#define METHOD_MAX 24
/* a header given several times grows to this; what would be beyond is left out */
#define JOINED_MAX 65536u

/* Valid UTF-8 in the arena, or STR_NULL when out of memory. */
static str keep(arena *a, str s)
{
    buf b = {0};

    if (utf8_valid(s))
        return arena_str(a, s);
    utf8_repair(&b, s);
    s = b.failed ? STR_NULL : arena_str(a, buf_str(&b));
    buf_done(&b);
    return s;
}

/* Split off what stands before the next line end; LF alone ends one, too. */
static str take_line(str *rest)
{
    const char *newline = memchr(rest->ptr, '\n', rest->len);
    size_t len = newline ? (size_t)(newline - rest->ptr) : rest->len;
    str taken = {rest->ptr, len};

    rest->ptr += newline ? len + 1 : len;
    rest->len -= newline ? len + 1 : len;
    if (taken.len && taken.ptr[taken.len - 1] == '\r')
        taken.len--;
    return taken;
}

static str trim(str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool is_version(str s)
{
    return s.len >= 6 && s.len <= 8 && memcmp(s.ptr, "HTTP/", 5) == 0 && s.ptr[5] >= '0' &&
           s.ptr[5] <= '9';
}

/* METHOD SP target SP HTTP/x.y, the target being all between the first space and the last. */
static bool split_request_line(str text, http_request *r)
{
    const char *first = memchr(text.ptr, ' ', text.len < METHOD_MAX ? text.len : METHOD_MAX);
    const char *last = memrchr(text.ptr, ' ', text.len);

    if (!first || first == text.ptr || last == first)
        return false;
    r->method = (str){text.ptr, (size_t)(first - text.ptr)};
    r->raw_url = trim((str){first, (size_t)(last - first)});
    r->version = (str){last + 1, (size_t)(text.ptr + text.len - last) - 1};
    for (size_t i = 0; i < r->method.len; i++) {
        char c = r->method.ptr[i];

        if ((c < 'A' || c > 'Z') && c != '-' && c != '_')
            return false;
    }
    return r->raw_url.len > 0 && is_version(r->version);
}

static str until(str s, const char *stops)
{
    size_t n = 0;

    while (n < s.len && !(s.ptr[n] && strchr(stops, s.ptr[n])))
        n++;
    s.len = n;
    return s;
}

/* Host and path of an absolute or ordinary target. */
static void split_url(http_request *r)
{
    const char *slashes = str_find(until(r->raw_url, "?#"), STR("://"));
    str rest = r->raw_url;

    if (str_eq(r->method, STR("CONNECT"))) {
        r->host = rest;
        r->path = (str){rest.ptr, 0};
        return;
    }
    if (slashes && rest.ptr[0] != '/') {
        rest.len -= (size_t)(slashes + 3 - rest.ptr);
        rest.ptr = slashes + 3;
        r->host = until(rest, "/?#");
        rest.ptr += r->host.len;
        rest.len -= r->host.len;
    }
    r->path = until(rest, "?#");
}

static str lower(arena *a, str s)
{
    str out = keep(a, s);
    char *p = (char *)out.ptr; /* ours, freshly copied */

    for (size_t i = 0; i < out.len; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] |= 0x20;
    }
    return out;
}

static str join(arena *a, str first, str second)
{
    char *p = arena_alloc(a, first.len + second.len + 3);

    if (!p)
        return STR_NULL;
    memcpy(p, first.ptr, first.len);
    memcpy(p + first.len, ", ", 2);
    memcpy(p + first.len + 2, second.ptr, second.len);
    p[first.len + second.len + 2] = '\0';
    return (str){p, first.len + second.len + 2};
}

static int add_header(http_request *r, arena *a, str text)
{
    const char *colon = memchr(text.ptr, ':', text.len);
    str name, value;

    if (!colon || colon == text.ptr)
        return 0;
    name = lower(a, trim((str){text.ptr, (size_t)(colon - text.ptr)}));
    value = keep(a, trim((str){colon + 1, (size_t)(text.ptr + text.len - colon) - 1}));
    if (!name.ptr || !value.ptr)
        return -ENOMEM;
    for (size_t i = 0; i < r->n_headers; i++) {
        http_header *h = &r->headers[i];

        if (!str_eq(h->name, name))
            continue;
        if (h->value.len + value.len > JOINED_MAX)
            return 0;
        h->value = join(a, h->value, value);
        return h->value.ptr ? 0 : -ENOMEM;
    }
    if (r->n_headers < HTTP_HEADERS_MAX)
        r->headers[r->n_headers++] = (http_header){name, value};
    return 0;
}

static str find_header(const http_request *r, str name)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        if (str_eq(r->headers[i].name, name))
            return r->headers[i].value;
    }
    return STR_NULL;
}

static int read_headers(http_request *r, arena *a, str *rest)
{
    for (unsigned n_lines = 0; rest->len; n_lines++) {
        str text = take_line(rest);
        int rc = 0;

        if (text.len == 0)
            break;
        if (n_lines < HTTP_HEADERS_MAX)
            rc = add_header(r, a, text);
        if (rc)
            return rc;
    }
    return 0;
}

static int keep_all(http_request *r, arena *a, str body)
{
    str host = find_header(r, STR("host"));

    if (host.ptr)
        r->host = host;
    r->user_agent = find_header(r, STR("user-agent"));
    if (body.len)
        r->body = body;
    str *const slices[] = {&r->method, &r->raw_url, &r->version, &r->path, &r->host, &r->body};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
        if (!slices[i]->ptr)
            continue;
        *slices[i] = keep(a, *slices[i]);
        if (!slices[i]->ptr)
            return -ENOMEM;
    }
    return 0;
}

int http_parse(str bytes, arena *a, http_request *r)
{
    int rc;

    r->host = r->user_agent = r->body = STR_NULL;
    r->n_headers = 0;
    if (!bytes.len || !split_request_line(take_line(&bytes), r))
        return TTP_E_SYNTAX;
    split_url(r);
    rc = read_headers(r, a, &bytes);
    return rc ? rc : keep_all(r, a, bytes);
}

unsigned http_put(const http_request *r, nodes *n)
{
    unsigned put = nodes_str(n, STR("method"), r->method);
    size_t at;

    put += nodes_str(n, STR("raw_url"), r->raw_url);
    put += nodes_str(n, STR("path"), r->path);
    put += nodes_str(n, STR("host"), r->host);
    put += nodes_str(n, STR("user_agent"), r->user_agent);
    nodes_put(n, json_make_str(STR("headers")));
    at = nodes_open(n, JSON_OBJECT);
    for (size_t i = 0; i < r->n_headers; i++)
        (void)nodes_str(n, r->headers[i].name, r->headers[i].value); /* one each */
    nodes_close(n, at, r->n_headers);
    return put + 1 + nodes_str(n, STR("body"), r->body);
}
