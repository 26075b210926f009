/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Rules, events and indexes out of short texts. */
#include "engine/engine.h"

#include "../unit.h"

#define RULES_MAX 6

/* The usual parts of a rule; match and more are YAML in one line. */
#define RULE_OF(id, kinds, match, technique, confidence, more)                                     \
    "{rule_id: " id ", rule_version: 1, name: n, applies_to: " kinds ", match: " match             \
    ", emits: [{tactic: TA0002, technique_id: " technique ", confidence: " confidence "}]" more    \
    "}"
#define RULE(id, match) RULE_OF(id, "[command]", match, "T1059", "0.5", "")

/* The usual parts of an event; payload is a JSON object. */
#define EVENT_OF(kind, anchors, payload)                                                           \
    "{\"source_kind\":\"" kind "\",\"source_id\":\"s1\"," anchors "\"payload\":" payload "}"
#define COMMAND(payload) EVENT_OF("command", "\"attacker_uuid\":\"a\",", payload)

static inline rule *make_rule(const char *text)
{
    rule *r = NULL;
    ttp_err err = {0};
    int rc = rule_read(str_from(text), NULL, NULL, &r, &err);

    if (rc)
        fail_msg("%s\n  in %s", err.text, text);
    return r;
}

static inline ttp_event *make_event(const char *text)
{
    ttp_event *ev = NULL;
    ttp_err err = {0};
    int rc = ttp_event_from_json(text, strlen(text), &ev, &err);

    if (rc)
        fail_msg("%s\n  in %s", err.text, text);
    return ev;
}

/* How many rules there are, up to the first NULL. */
static inline size_t make_rules(const char *const *texts, rule **rules)
{
    size_t n = 0;

    for (; n < RULES_MAX && texts[n]; n++)
        rules[n] = make_rule(texts[n]);
    return n;
}

static inline void drop_rules(rule **rules, size_t n)
{
    while (n--)
        rule_unref(rules[n]);
}

static inline engine_index *make_index(const char *const *texts)
{
    rule *rules[RULES_MAX];
    size_t n = make_rules(texts, rules);
    engine_index *ix = NULL;

    assert_int_equal(engine_index_new(rules, n, STR("enterprise-v18.1"), &ix), 0);
    drop_rules(rules, n); /* the index has references of its own */
    return ix;
}

/* "R1:T1059 R2:T1059.004", in the order they came. */
static inline void put_tags(buf *b, const tag *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (b->len)
            buf_put_char(b, ' ');
        buf_put_str(b, tags[i].rule_id);
        buf_put_char(b, ':');
        buf_put_str(b, tag_most_specific(&tags[i]));
    }
}
