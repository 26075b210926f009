/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule's own tests:
 *
 *     tests:
 *       match:    [{command_text: 'wget http://192.0.2.1/x'}]
 *       no_match: [{source_kind: http_request, payload: {raw_url: /}}]
 *
 * An entry is a payload, or source_kind and payload where the first kind of applies_to is not
 * meant.
 */
#include "rule/reading.h"

#include <errno.h>

static int read_kind(reading *r, const yaml_node *n, event_kind *ret_kind)
{
    const char *wanted = "one of the rule's source kinds";

    if (n->type != YAML_SCALAR)
        return reading_wrong(r, n, "source_kind", wanted);
    *ret_kind = event_kind_from_name(n->text);
    if (*ret_kind == EVENT_UNKNOWN_KIND || !(r->rule->applies_to & (1u << *ret_kind)))
        return reading_wrong(r, n, "source_kind", wanted);
    return 0;
}

static int read_test(reading *r, const yaml_node *n, bool want_match, rule_test *t)
{
    const yaml_node *kind = yaml_get(n, STR("source_kind")), *payload = yaml_get(n, STR("payload"));
    int rc;

    if (n->type != YAML_MAP)
        return reading_wrong(r, n, "a test", "a payload: a mapping of field names and values");
    *t = (rule_test){.want_match = want_match, .kind = r->first_kind, .line = n->line};
    if (kind && payload && n->n == 2) {
        rc = read_kind(r, kind, &t->kind);
        if (rc)
            return rc;
        if (payload->type != YAML_MAP)
            return reading_wrong(r, payload, "payload", "a mapping of field names and values");
        n = payload;
    }
    t->payload = yaml_to_json(n, r->own);
    return t->payload ? 0 : -ENOMEM;
}

static int check_list(reading *r, yaml_pair p, const char *key)
{
    if (p.value->type != YAML_LIST && !yaml_is_null(p.value))
        return reading_wrong(r, p.value, key, "a list of payloads");
    return 0;
}

static int read_test_list(reading *r, const yaml_node *list, bool want_match)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < list->n; i++)
        rc = read_test(r, list->items[i], want_match, &r->rule->tests[r->rule->n_tests++]);
    return rc;
}

int read_tests(reading *r, const yaml_node *n)
{
    size_t total = 0;
    int rc = 0;

    if (n->type != YAML_MAP)
        return reading_wrong(r, n, "tests", "a mapping with match and no_match");
    for (size_t i = 0; i < n->n; i++)
        total += n->pairs[i].value->n;
    r->rule->tests = arena_calloc(r->own, total, sizeof(*r->rule->tests));
    if (!r->rule->tests)
        return -ENOMEM;
    for (size_t i = 0; !rc && i < n->n; i++) {
        yaml_pair p = n->pairs[i];
        bool want_match = str_eq(p.key->text, STR("match"));
        char shown[SHOWN_SIZE];

        if (!want_match && !str_eq(p.key->text, STR("no_match")))
            return reading_fail(r, TTP_E_INVALID, p.key,
                                "unknown key %s in tests; expected match or no_match",
                                str_shown(shown, p.key->text));
        rc = check_list(r, p, want_match ? "match" : "no_match");
        if (!rc)
            rc = read_test_list(r, p.value, want_match);
    }
    return rc;
}

int rule_run_tests(const rule *r, matcher *m,
                   void (*report)(void *ctx, const rule *r, const rule_test *t), void *ctx)
{
    int n_failed = 0;

    for (size_t i = 0; r->match && i < r->n_tests; i++) {
        const rule_test *t = &r->tests[i];
        int held;

        matcher_new_event(m);
        held = rule_holds(r, t->kind, t->payload, m);
        if (held < 0)
            return held;
        if (held == t->want_match)
            continue;
        n_failed++;
        if (report)
            report(ctx, r, t);
    }
    return n_failed;
}
