/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as choices: they build a match expression and a payload. Whatever comes out must be decided
 * without harm, the same way each time, and the other way round under `not`.
 */
#include "rule/rule.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct choices {
    const uint8_t *p, *end;
} choices;

static unsigned choose(choices *c, unsigned n)
{
    return c->p < c->end ? *c->p++ % n : 0;
}

static const char *const field_names[] = {"command_text", "a", "b", "a.b", "a.b.c", "c", "n"};
#define N_FIELD_NAMES (sizeof(field_names) / sizeof(field_names[0]))

/* A short JSON string, which is a YAML one, too; odd characters are among its letters. */
static void put_text(buf *b, choices *c)
{
    static const char *const letters[] = {"a", "b", "A",  "K",        "\xE2\x84\xAA",    "\n",
                                          ".", "1", "\\", "\xC3\x9F", "\xF0\x9F\x98\x80"};
    buf text = {0};
    unsigned n = choose(c, 6);

    for (unsigned i = 0; i < n; i++)
        buf_put_c(&text, letters[choose(c, sizeof(letters) / sizeof(letters[0]))]);
    if (choose(c, 16) == 15)
        buf_put_char(&text, '\0');
    buf_put_json(b, buf_str(&text));
    buf_done(&text);
}

static void put_scalar(buf *b, choices *c)
{
    static const char *const others[] = {"true", "false", "0",     "1",   "-1",
                                         "1.5",  "5",     "1e300", "5.0", "18446744073709551615"};

    if (choose(c, 2))
        put_text(b, c);
    else
        buf_put_c(b, others[choose(c, sizeof(others) / sizeof(others[0]))]);
}

static void put_regex(buf *b, choices *c)
{
    static const char *const parts[] = {"a",     "b+",   "(a|b)*", ".",     "^",         "$",
                                        "\\\\b", "[^a]", "(?i:k)", "(?=a)", "(a)\\\\1?", "a{2,3}"};
    unsigned n = choose(c, 5);

    buf_put_char(b, '"');
    for (unsigned i = 0; i < n; i++)
        buf_put_c(b, parts[choose(c, sizeof(parts) / sizeof(parts[0]))]);
    buf_put_char(b, '"');
}

static void put_list(buf *b, choices *c, void (*put)(buf *b, choices *c))
{
    unsigned n = 1 + choose(c, 4);

    buf_put_char(b, '[');
    for (unsigned i = 0; i < n; i++) {
        buf_put_c(b, i ? ", " : "");
        put(b, c);
    }
    buf_put_char(b, ']');
}

static void put_network(buf *b, choices *c)
{
    static const char *const networks[] = {"\"10.0.0.0/8\"", "\"0.0.0.0/0\"", "\"::/0\"",
                                           "\"2001:db8::/32\"", "\"192.0.2.1\""};

    buf_put_c(b, networks[choose(c, sizeof(networks) / sizeof(networks[0]))]);
}

static void put_operation(buf *b, choices *c)
{
    static const char *const text_ops[] = {"contains: ", "startswith: ", "endswith: "};
    static const char *const bounds[] = {"gt: 1", "gte: 1.5", "lt: 5", "lte: -1"};

    switch (choose(c, 7)) {
    case 0:
        buf_put_c(b, "pattern: ");
        put_regex(b, c);
        break;
    case 1:
        buf_put_c(b, "equals: ");
        put_scalar(b, c);
        break;
    case 2:
        buf_put_c(b, text_ops[choose(c, 3)]);
        put_text(b, c);
        break;
    case 3:
        buf_put_c(b, "in: ");
        put_list(b, c, put_scalar);
        break;
    case 4:
        buf_put_c(b, bounds[choose(c, 4)]);
        break;
    case 5:
        buf_put_c(b, choose(c, 2) ? "exists: true" : "exists: false");
        break;
    default:
        buf_put_c(b, "cidr: ");
        put_list(b, c, put_network);
    }
}

static void put_expr(buf *b, choices *c, unsigned depth)
{
    unsigned form = depth < 5 ? choose(c, 6) : 5, n;

    if (form > 2) {
        buf_put_c(b, "{");
        if (choose(c, 4))
            buf_printf(b, "field: %s, ", field_names[choose(c, N_FIELD_NAMES)]);
        if (choose(c, 3) == 1)
            buf_put_c(b, "ignore_case: true, ");
        put_operation(b, c);
        buf_put_c(b, "}");
        return;
    }
    buf_put_c(b, form == 0 ? "{all: [" : form == 1 ? "{any: [" : "{not: ");
    n = form == 2 ? 1 : 1 + choose(c, 4);
    for (unsigned i = 0; i < n; i++) {
        buf_put_c(b, i ? ", " : "");
        put_expr(b, c, depth + 1);
    }
    buf_put_c(b, form == 2 ? "}" : "]}");
}

static void put_value(buf *b, choices *c, unsigned depth)
{
    static const char *const odd[] = {"null", "\"10.1.2.3\"", "\"::ffff:10.1.2.3\"",
                                      "\"2001:db8::1\""};
    unsigned form = choose(c, depth < 4 ? 6 : 4), n;

    if (form < 4) {
        if (form == 3)
            buf_put_c(b, odd[choose(c, 4)]);
        else
            put_scalar(b, c);
        return;
    }
    n = choose(c, 4);
    buf_put_c(b, form == 4 ? "[" : "{");
    for (unsigned i = 0; i < n; i++) {
        buf_put_c(b, i ? "," : "");
        if (form == 5)
            buf_printf(b, "\"%s\":", field_names[choose(c, N_FIELD_NAMES)]);
        put_value(b, c, depth + 1);
    }
    buf_put_c(b, form == 4 ? "]" : "}");
}

static void put_payload(buf *b, choices *c)
{
    unsigned n = choose(c, 8);

    buf_put_char(b, '{');
    for (unsigned i = 0; i < n; i++) {
        buf_printf(b, "%s\"%s\":", i ? "," : "", field_names[choose(c, N_FIELD_NAMES)]);
        put_value(b, c, 0);
    }
    buf_put_char(b, '}');
}

static rule *make_rule(str match, const char *before, const char *after)
{
    buf text = {0};
    rule *r = NULL;
    ttp_err err = {0};
    int rc;

    buf_put_c(
        &text,
        "{rule_id: F, rule_version: 1, name: f, applies_to: command, emits: [{tactic: TA0007, "
        "technique_id: T1083, confidence: 1}], match: ");
    buf_put_c(&text, before);
    buf_put_str(&text, match);
    buf_put_c(&text, after);
    buf_put_c(&text, "}");
    rc = rule_read(buf_str(&text), NULL, NULL, &r, &err);
    assert(rc == 0 || rc == TTP_E_SYNTAX); /* of the regular expressions some are none */
    buf_done(&text);
    return r;
}

static int decide(const rule *r, const json_node *payload, matcher *m)
{
    int held;

    matcher_new_event(m);
    held = rule_holds(r, EVENT_COMMAND, payload, m);
    assert(held == 0 || held == 1);
    return held;
}

static void check(str match, const json_node *payload)
{
    auto_free(rule) rule *plain = make_rule(match, "", ""),
                         *negated = make_rule(match, "{not: ", "}");
    auto_free(matcher) matcher *m = matcher_new(NULL), *fresh = matcher_new(NULL);
    int held;

    assert(!plain == !negated && m && fresh);
    if (!plain)
        return;
    held = decide(plain, payload, m);
    assert(decide(plain, payload, m) == held);
    assert(decide(plain, payload, fresh) == held);
    assert(decide(negated, payload, m) == !held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    choices c = {data, data + size};
    auto_free(json_doc) json_doc *doc = json_doc_new();
    const json_node *payload;
    buf match = {0}, text = {0};

    put_expr(&match, &c, 0);
    put_payload(&text, &c);
    if (doc && json_parse_copy(doc, buf_str(&text), text.len, &payload, NULL, NULL) == 0)
        check(buf_str(&match), payload);
    buf_done(&match);
    buf_done(&text);
    return 0;
}
