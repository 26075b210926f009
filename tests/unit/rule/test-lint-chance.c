/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random rules against random events: a rule that lint says can never match never does, by the
 * plain interpreter; nor does one that needs a list, where there are none. And of the rules that
 * lint says nothing of, few match nothing.
 */
#include "rule/lint.h"

#include "../pick.h"
#include "../unit.h"

static const char *one_of(const char *const *list)
{
    unsigned n = 0;

    while (list[n])
        n++;
    return list[pick(n)];
}

static const char *const leaves[] = {"pattern: 'a+'",
                                     "pattern: '^b'",
                                     "pattern: 'a$'",
                                     "pattern: 'a^b'",
                                     "pattern: '$b'",
                                     "pattern: '(a)\\1'",
                                     "pattern: '(?!a)b'",
                                     "pattern: '[^\\s\\S]'",
                                     "equals: ab",
                                     "equals: AB",
                                     "equals: 5",
                                     "equals: 6.5",
                                     "equals: true",
                                     "equals: '5'",
                                     "in: [ab, 5]",
                                     "in: [a, b]",
                                     "in: [5, 7, true]",
                                     "contains: a",
                                     "contains: ab",
                                     "contains: ''",
                                     "startswith: a",
                                     "startswith: ab",
                                     "startswith: b",
                                     "endswith: b",
                                     "endswith: ab",
                                     "gt: 5",
                                     "gt: 3",
                                     "gte: 5",
                                     "gte: 6.5",
                                     "lt: 5",
                                     "lt: 3",
                                     "lte: 5",
                                     "lte: -1",
                                     "exists: true",
                                     "exists: false",
                                     "cidr: 192.0.2.0/24",
                                     "cidr: 192.0.2.128/25",
                                     "cidr: [198.51.100.0/24, '2001:db8::/32']",
                                     NULL};

static const char *const values[] = {"\"a\"",
                                     "\"b\"",
                                     "\"ab\"",
                                     "\"AB\"",
                                     "\"ba\"",
                                     "\"abab\"",
                                     "\"\"",
                                     "\"5\"",
                                     "\"aa\\n\"",
                                     "\"192.0.2.1\"",
                                     "\"192.0.2.200\"",
                                     "\"198.51.100.9\"",
                                     "5",
                                     "5.0",
                                     "6.5",
                                     "7",
                                     "4",
                                     "-1",
                                     "-2",
                                     "true",
                                     "false",
                                     "null",
                                     "{}",
                                     NULL};

static const char *const fields[] = {"f", "g", "f.g", NULL};

static void put_leaf(buf *out)
{
    const char *op = one_of(leaves);
    bool has_case = op[0] != 'g' && op[0] != 'l' && op[2] != 'i' && op[0] != 'e';

    buf_printf(out, "{field: %s, %s", one_of(fields), op);
    if (has_case && strncmp(op, "cidr", 4) != 0 && pick(5) == 0)
        buf_put_c(out, ", ignore_case: true");
    buf_put_char(out, '}');
}

static void put_expr(buf *out, unsigned depth)
{
    unsigned n = 2 + pick(2);

    switch (depth ? pick(6) : 0) {
    default:
        put_leaf(out);
        return;
    case 3:
        buf_put_c(out, "{not: ");
        put_expr(out, depth - 1);
        buf_put_char(out, '}');
        return;
    case 4:
    case 5:
        buf_put_c(out, pick(3) ? "{all: [" : "{any: [");
        for (unsigned i = 0; i < n; i++) {
            put_expr(out, depth - 1);
            buf_put_c(out, i + 1 < n ? ", " : "]}");
        }
    }
}

static void put_value(buf *out, bool lists)
{
    unsigned n = lists && pick(3) == 0 ? 1 + pick(3) : 0;

    if (n == 0) {
        buf_put_c(out, one_of(values));
        return;
    }
    buf_put_char(out, '[');
    for (unsigned i = 0; i < n; i++) {
        put_value(out, pick(4) == 0);
        buf_put_char(out, i + 1 < n ? ',' : ']');
    }
}

static void put_payload(buf *out, bool lists)
{
    const char *comma = "";

    buf_put_char(out, '{');
    for (unsigned i = 0; fields[i]; i++) {
        if (pick(3) == 0)
            continue;
        buf_printf(out, "%s\"%s\":", comma, fields[i]);
        comma = ",";
        if (i == 0 && pick(3) == 0) {
            bool in_list = lists && pick(2);

            buf_put_c(out, in_list ? "[{\"g\":" : "{\"g\":");
            put_value(out, lists);
            buf_put_c(out, in_list ? "}]" : "}");
        } else {
            put_value(out, lists);
        }
    }
    buf_put_char(out, '}');
}

static rule *random_rule(buf *text)
{
    rule *r = NULL;
    ttp_err err = {0};

    buf_put_c(text, "rule_id: R1\nrule_version: 1\nname: x\napplies_to: [command]\nmatch: ");
    put_expr(text, 3);
    buf_put_c(text, "\nemits: [{tactic: TA0011, technique_id: T1105, confidence: 0.8}]\n");
    if (rule_read(buf_str(text), "x.yaml", NULL, &r, &err))
        fail_msg("%.*s: %s", STR_ARG(buf_str(text)), err.text);
    return r;
}

#define N_EVENTS 600

typedef struct event_pool {
    json_doc *docs[2][N_EVENTS]; /* without lists, and with */
    const json_node *payloads[2][N_EVENTS];
} event_pool;

static void fill_pool(event_pool *pool)
{
    for (unsigned lists = 0; lists < 2; lists++) {
        for (unsigned i = 0; i < N_EVENTS; i++) {
            auto_free(buf) buf text = {0};

            put_payload(&text, lists);
            pool->docs[lists][i] = json_doc_new();
            assert_non_null(pool->docs[lists][i]);
            if (json_parse_copy(pool->docs[lists][i], buf_str(&text), 4096,
                                &pool->payloads[lists][i], NULL, NULL))
                fail_msg("%.*s", STR_ARG(buf_str(&text)));
        }
    }
}

static bool holds_for_any(const rule *r, matcher *m, const event_pool *pool, unsigned lists)
{
    for (unsigned i = 0; i < N_EVENTS; i++) {
        matcher_new_event(m);
        if (rule_holds(r, EVENT_COMMAND, pool->payloads[lists][i], m) == 1)
            return true;
    }
    return false;
}

static void test_chance(void **state)
{
    static event_pool pool;
    matcher *m = matcher_new(NULL);
    unsigned n_never = 0, n_lists = 0, n_doubtful = 0;

    (void)state;
    fill_pool(&pool);
    for (unsigned i = 0; i < 4000; i++) {
        auto_free(buf) buf text = {0};
        rule *r = random_rule(&text);
        rule_chance chance = RULE_CAN_HOLD;
        rule_conflict conflict;
        bool held[2];

        assert_int_equal(rule_judge(r, EVENT_COMMAND, &chance, &conflict), 0);
        buf_put_char(&text, '\0');
        for (unsigned lists = 0; lists < 2; lists++)
            held[lists] = holds_for_any(r, m, &pool, lists);
        if (held[0])
            expect_int(text.ptr, chance, RULE_CAN_HOLD);
        if (held[1])
            expect_true(text.ptr, chance != RULE_NEVER_HOLDS);
        n_never += chance == RULE_NEVER_HOLDS;
        n_lists += chance == RULE_NEEDS_LIST;
        n_doubtful += chance == RULE_CAN_HOLD && !held[0] && !held[1];
        (void)rule_unref(r);
    }
    print_message("%u never, %u with lists only, %u that no event matched\n", n_never, n_lists,
                  n_doubtful);
    expect_true("rules that never match are found", n_never > 300);
    expect_true("and those that need lists", n_lists > 50);
    expect_true("few others match nothing", n_doubtful < 200);
    for (unsigned i = 0; i < N_EVENTS; i++) {
        (void)json_doc_free(pool.docs[0][i]);
        (void)json_doc_free(pool.docs[1][i]);
    }
    (void)matcher_free(m);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
