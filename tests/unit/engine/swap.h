/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Random rules, states and events, and what tags they should give: those of an index made anew. */
#include "rules.h"

#include "base/time.h"
#include "engine/engine.h"
#include "match/pattern.h"

typedef struct rng {
    uint64_t state;
} rng;

static inline unsigned below(rng *r, unsigned n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->state >> 33) % n;
}

static const char *const words[] = {
    "wget", "curl", "a",    "id",  "/tmp",    "chmod 777", "x",      "K",      "s\xC3\x9F",
    "cat",  "rm -", "bash", "nc",  "-e",      "passwd",    "shadow", "ps",     "kill",
    "http", "://",  "1.2",  "777", "crontab", "uname -a",  "echo",   "base64", "\xE2\x84\xAA",
};
#define N_WORDS (sizeof(words) / sizeof(words[0]))

/* A literal: a word, or two, or one that few rules share. */
static inline void put_literal(buf *b, rng *r)
{
    const char *word = words[below(r, N_WORDS)];

    switch (below(r, 4)) {
    case 0:
        buf_printf(b, "%s", word);
        break;
    case 1:
        buf_printf(b, "%s %s", word, words[below(r, N_WORDS)]);
        break;
    default:
        buf_printf(b, "%s%u", word, below(r, 900));
    }
}

static inline void put_op(buf *b, rng *r, const char *op)
{
    buf_printf(b, "%s: \"", op);
    put_literal(b, r);
    buf_printf(b, "\"%s", below(r, 5) ? "" : ", ignore_case: true");
}

static inline void put_regex(buf *b, rng *r)
{
    static const char *const tails[] = {"\\\\d+", "\\\\s*\\\\w", "$", ".*e", "\\\\b", "[0-9a-f]?"};

    if (below(r, 12) == 0) {
        /* no atom */
        buf_printf(b, "pattern: \"[%c-w]%s\"", 'a' + below(r, 20), below(r, 2) ? "\\\\d" : "$");
        return;
    }
    buf_put_c(b, "pattern: \"");
    put_literal(b, r);
    buf_printf(b, "%s\"", tails[below(r, 6)]);
}

static inline void put_leaf(buf *b, rng *r)
{
    static const char *const ops[] = {"contains", "startswith", "endswith", "equals"};
    unsigned what = below(r, 12);

    if (what == 0) {
        buf_printf(b, "{field: n, %s: %u}", below(r, 2) ? "gt" : "lte", below(r, 4));
    } else if (what == 1) {
        buf_printf(b, "{field: %s, exists: %s}", below(r, 2) ? "n" : "y",
                   below(r, 3) ? "true" : "false");
    } else {
        buf_printf(b, "{%s", below(r, 6) ? "" : "field: y, ");
        if (what < 7)
            put_op(b, r, ops[below(r, 4)]);
        else
            put_regex(b, r);
        buf_put_char(b, '}');
    }
}

static inline void put_match(buf *b, rng *r, unsigned depth)
{
    unsigned what = depth ? below(r, 6) : 0, n = 1 + below(r, 3);

    if (what < 3) {
        put_leaf(b, r);
    } else if (what == 3) {
        buf_put_c(b, "{not: ");
        put_match(b, r, depth - 1);
        buf_put_char(b, '}');
    } else {
        buf_printf(b, "{%s: [", what == 4 ? "all" : "any");
        for (unsigned i = 0; i < n; i++) {
            buf_put_c(b, i ? ", " : "");
            put_match(b, r, depth - 1);
        }
        buf_put_c(b, "]}");
    }
}

static inline rule *random_rule(rng *r, unsigned number)
{
    static const char *const kinds[] = {"command", "command", "http_request",
                                        "command, http_request"};
    static const char *const confidences[] = {"0.2", "0.35", "0.5", "0.9"};
    auto_free(buf) buf b = {0};

    buf_printf(&b, "{rule_id: R%04u, rule_version: %u, name: n, applies_to: [%s], match: ", number,
               1 + below(r, 9), kinds[below(r, 4)]);
    put_match(&b, r, below(r, 2) ? 2 : 0);
    buf_printf(&b, ", emits: [{tactic: TA0002, technique_id: T1059, confidence: %s}]%s}",
               confidences[below(r, 4)],
               below(r, 6) ? "" : ", evidence_fields: [matched_tokens, rule_pattern]");
    return make_rule(buf_c_str(&b));
}

static inline ttp_event *random_event(rng *r)
{
    bool is_command = below(r, 4) > 0;
    auto_free(buf) buf b = {0};

    buf_printf(&b,
               "{\"source_kind\":\"%s\",\"source_id\":\"s\",\"attacker_uuid\":\"a\",\"payload\":{",
               is_command ? "command" : "http_request");
    if (below(r, 8)) {
        buf_printf(&b, "\"%s\":\"", is_command ? "command_text" : "raw_url");
        for (unsigned n = below(r, 6); n; n--) {
            put_literal(&b, r);
            buf_put_c(&b, below(r, 2) ? " " : "");
        }
        buf_put_c(&b, "\",");
    }
    if (below(r, 2))
        buf_printf(&b, "\"n\":%u,", below(r, 5));
    switch (below(r, 6)) {
    case 0:
        buf_put_c(&b, "\"y\":[],");
        break;
    case 1:
        buf_put_c(&b, "\"y\":null,");
        break;
    case 2:
        buf_put_c(&b, "\"y\":[\"wget\",\"");
        put_literal(&b, r);
        buf_put_c(&b, "\"],");
        break;
    default:
        break;
    }
    buf_put_c(&b, "\"z\":1}}");
    return make_event(buf_c_str(&b));
}

/* What should be in effect. */
typedef struct model {
    rule **rules; /* by number; NULL: there is none */
    ttp_rule_state *states;
    unsigned n;
} model;

static inline model model_new(unsigned n)
{
    model m = {calloc(n, sizeof(rule *)), calloc(n, sizeof(ttp_rule_state)), n};

    for (unsigned i = 0; i < n; i++)
        m.states[i] = (ttp_rule_state){.expires_at_us = TTP_TIME_NONE, .set_at_us = TTP_TIME_NONE};
    return m;
}

static inline void model_done(model *m)
{
    for (unsigned i = 0; i < m->n; i++)
        rule_unref(m->rules[i]);
    free(m->rules);
    free(m->states);
}

static inline model model_copy(const model *m)
{
    model copy = model_new(m->n);

    for (unsigned i = 0; i < m->n; i++)
        copy.rules[i] = m->rules[i] ? rule_ref(m->rules[i]) : NULL;
    memcpy(copy.states, m->states, m->n * sizeof(*m->states));
    return copy;
}

/* The caller drops the change's rule. */
static inline ttp_change random_change(model *m, rng *r)
{
    unsigned number = below(r, m->n), what = below(r, 10);
    ttp_change c = {.kind = what < 7 ? TTP_CHANGE_DEFINITION : TTP_CHANGE_STATE};
    ttp_rule_state *s = &m->states[number];

    (void)snprintf(c.rule_id, sizeof(c.rule_id), "R%04u", number);
    if (what < 7) {
        rule_unref(m->rules[number]);
        m->rules[number] = what ? random_rule(r, number) : NULL;
        c.rule = what ? rule_ref(m->rules[number]) : NULL;
        return c;
    }
    *s = (ttp_rule_state){.kind = (ttp_state_kind)below(r, 3),
                          .has_confidence_max = below(r, 2),
                          .expires_at_us = below(r, 4) ? TTP_TIME_NONE : 1};
    s->confidence_max = s->has_confidence_max ? 0.4 : 0;
    c.state = *s;
    return c;
}

static inline engine_index *model_index(const model *m)
{
    rule **rules = calloc(m->n, sizeof(rule *));
    engine_index *ix = NULL;
    size_t n = 0;

    for (unsigned i = 0; i < m->n; i++) {
        if (m->rules[i])
            rules[n++] = m->rules[i];
    }
    assert_int_equal(engine_index_new(rules, n, STR("enterprise-v18.1"), &ix), 0);
    free(rules);
    return ix;
}

static inline void put_tag(buf *b, const tag *t, double confidence)
{
    if (confidence < 0.3)
        return;
    buf_put_str(b, t->rule_id);
    buf_printf(b, " v%d %g ", (int)t->rule_version, confidence);
    tag_put_evidence(b, t);
    buf_put_char(b, '\n');
}

/* Do the rules that hold have tags, and no others? */
static inline void expect_plain(const model *m, const ttp_event *ev, const tag *tags, size_t n)
{
    matcher *mt = matcher_new(NULL);
    size_t at = 0;

    for (unsigned i = 0; i < m->n; i++) {
        const rule *r = m->rules[i];

        if (!r || !(r->applies_to & (1u << ev->kind)) || r->emits[0].confidence < 0.3 ||
            !rule_holds(r, ev->kind, ev->payload, mt))
            continue;
        expect_true("each rule that holds has its tag", at < n && tags[at].rule == r);
        at++;
    }
    expect_int("and no other", n, at);
    matcher_free(mt);
}

static inline void put_expected(buf *b, const model *m, evaluator *e, const engine_index *ix,
                                const ttp_event *ev)
{
    const tag *tags;
    size_t n;

    assert_int_equal(evaluator_run(e, ix, ev, &tags, &n), 0);
    expect_plain(m, ev, tags, n);
    for (size_t i = 0; i < n; i++) {
        unsigned number = (unsigned)strtoul(tags[i].rule_id.ptr + 1, NULL, 10);
        const ttp_rule_state *s = &m->states[number];
        bool expired = s->expires_at_us != TTP_TIME_NONE;
        bool clipped = s->kind == TTP_STATE_CLIPPED && s->has_confidence_max && !expired;

        if (s->kind == TTP_STATE_DISABLED && !expired)
            continue;
        put_tag(b, &tags[i],
                clipped && s->confidence_max < tags[i].confidence ? s->confidence_max
                                                                  : tags[i].confidence);
    }
}

static inline void put_live(buf *b, evaluator *e, const ttp_event *ev)
{
    const tag *tags;
    size_t n;

    assert_int_equal(evaluator_run_live(e, ev, &tags, &n), 0);
    for (size_t i = 0; i < n; i++)
        put_tag(b, &tags[i], tags[i].confidence);
}
