/* SPDX-License-Identifier: Apache-2.0 */
#include "event/http.h"

#include "../unit.h"

#include "base/limits.h"

static const struct {
    const char *says, *text;
    const char *want; /* the payload; NULL: no HTTP */
} cases[] = {
    {"a whole request",
     "POST /a/b?c=d#e HTTP/1.1\r\nHost: example.org\r\nUser-Agent:  curl/8 \r\n\r\nx=1\r\n",
     "{\"method\":\"POST\",\"raw_url\":\"/a/b?c=d#e\",\"path\":\"/a/b\",\"host\":\"example.org\","
     "\"user_agent\":\"curl/8\",\"headers\":{\"host\":\"example.org\",\"user-agent\":\"curl/8\"},"
     "\"body\":\"x=1\\r\\n\"}"},
    {"a request line alone", "GET / HTTP/1.0",
     "{\"method\":\"GET\",\"raw_url\":\"/\",\"path\":\"/\",\"headers\":{}}"},
    {"line feeds alone", "GET / HTTP/1.0\nHost: h\n\n",
     "{\"method\":\"GET\",\"raw_url\":\"/\",\"path\":\"/"
     "\",\"host\":\"h\",\"headers\":{\"host\":\"h\"}}"},
    {"CONNECT", "CONNECT example.org:443 HTTP/1.1\r\n",
     "{\"method\":\"CONNECT\",\"raw_url\":\"example.org:443\",\"path\":\"\",\"host\":\"example.org:"
     "443\","
     "\"headers\":{}}"},
    {"a proxy's target", "GET http://example.org/x?y HTTP/1.1\r\n",
     "{\"method\":\"GET\",\"raw_url\":\"http://example.org/x?y\",\"path\":\"/x\","
     "\"host\":\"example.org\",\"headers\":{}}"},
    {"an URL in a query is no host", "GET /go?u=http://example.org/ HTTP/1.1\r\n",
     "{\"method\":\"GET\",\"raw_url\":\"/go?u=http://example.org/\",\"path\":\"/"
     "go\",\"headers\":{}}"},
    {"a header twice", "GET / HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\n\r\n",
     "{\"method\":\"GET\",\"raw_url\":\"/\",\"path\":\"/\",\"headers\":{\"x-a\":\"1, 2\"}}"},
    {"a target with spaces", "GET /a b' OR 1=1 HTTP/1.1\r\n\r\n",
     "{\"method\":\"GET\",\"raw_url\":\"/a b' OR 1=1\",\"path\":\"/a b' OR 1=1\",\"headers\":{}}"},
    {"lines that are no headers", "GET / HTTP/1.1\r\nnonsense\r\n: x\r\nA: b\r\n\r\n",
     "{\"method\":\"GET\",\"raw_url\":\"/\",\"path\":\"/\",\"headers\":{\"a\":\"b\"}}"},
    {"bytes that are no UTF-8", "GET /\xff HTTP/1.1\r\nA: \xfe\r\n\r\n\x80",
     "{\"method\":\"GET\",\"raw_url\":\"/\xef\xbf\xbd\",\"path\":\"/\xef\xbf\xbd\","
     "\"headers\":{\"a\":\"\xef\xbf\xbd\"},\"body\":\"\xef\xbf\xbd\"}"},
    {"an SSH banner", "SSH-2.0-Go", NULL},
    {"TLS", "\x16\x03\x01\x02", NULL},
    {"no version", "GET /\r\n", NULL},
    {"another version", "GET / RTSP/1.0\r\n", NULL},
    {"a version without number", "GET / HTTP/x", NULL},
    {"no target", "GET  HTTP/1.1\r\n", NULL},
    {"no method", " / HTTP/1.1\r\n", NULL},
    {"a method in small letters", "get / HTTP/1.1\r\n", NULL},
    {"a method of any length", "GETGETGETGETGETGETGETGETGET / HTTP/1.1\r\n", NULL},
    {"nothing", "", NULL},
    {"a newline", "\r\n", NULL},
};

static void test_parse(void **state)
{
    arena a = {0};
    nodes n = {0};
    buf b = {0};

    (void)state;
    for_each_row(c, cases)
    {
        http_request r;

        expect_int(c->says, http_parse(str_from(c->text), &a, &r), c->want ? 0 : TTP_E_SYNTAX);
        if (!c->want)
            continue;
        nodes_clear(&n);
        (void)nodes_open(&n, JSON_OBJECT); /* at 0 */
        nodes_close(&n, 0, http_put(&r, &n));
        buf_clear(&b);
        json_write(&b, nodes_finish(&n, &a));
        expect_str(c->says, buf_str(&b), c->want);
        arena_clear(&a, 1024);
    }
    buf_done(&b);
    nodes_done(&n);
    arena_done(&a);
    end_rows();
}

static void test_bounds(void **state)
{
    arena a = {0};
    buf b = {0};
    http_request r;

    (void)state;
    buf_put_c(&b, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HTTP_HEADERS_MAX + 1; i++)
        buf_printf(&b, "H%d: v\r\n", i);
    buf_put_c(&b, "\r\nbody");
    expect_int("many headers", http_parse(buf_str(&b), &a, &r), 0);
    expect_int("are read up to the bound", r.n_headers, HTTP_HEADERS_MAX);
    expect_str("and the body is behind them all", r.body, "body");

    buf_clear(&b);
    buf_put_c(&b, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 3; i++) {
        buf_put_c(&b, "A: ");
        for (int j = 0; j < 30000; j++)
            buf_put_char(&b, 'x');
        buf_put_c(&b, "\r\n");
    }
    expect_int("one header with much in it", http_parse(buf_str(&b), &a, &r), 0);
    expect_int("grows to its bound", r.headers[0].value.len, 60002);
    buf_done(&b);
    arena_done(&a);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_bounds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
