/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/topics.h"

#include "ttp/err.h"

#include "../unit.h"

#define T(literal)                                                                                 \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct {
    const char *says;
    bus_topic topic;
    const char *pattern;
    bool ours;
} table[] = {
    {"rows were inserted", BUS_TAGGED, "ttp.tagged", true},
    {"a rule fired", BUS_RULE_FIRED, "ttp.rule.fired.*", true},
    {"a hit was held back", BUS_RULE_SUPPRESSED, "ttp.rule.suppressed", true},
    {"a definition changed", BUS_RULE_RELOADED, "ttp.rule.reloaded.*", true},
    {"a state changed", BUS_RULE_STATE, "ttp.rule.state.*", true},
    {"a session ended", BUS_SESSION_ENDED, "attacker.session.ended", false},
    {"an attacker was seen", BUS_ATTACKER_OBSERVED, "attacker.observed", false},
    {"a verdict came in", BUS_INTEL_ENRICHED, "attacker.intel.enriched", false},
    {"a fingerprint was taken", BUS_FINGERPRINTED, "attacker.fingerprinted", false},
    {"an identity was found", BUS_IDENTITY_FORMED, "identity.formed", false},
    {"two became one", BUS_IDENTITY_MERGED, "identity.merged", false},
    {"a password came again", BUS_CREDENTIAL_REUSE, "credential.reuse.detected", false},
    {"a mail arrived", BUS_EMAIL_RECEIVED, "email.received", false},
    {"a canary was touched", BUS_CANARY, "canary.>", false},
    {"beyond the last", BUS_N_TOPICS, NULL, false},
};

static void test_table(void **state)
{
    (void)state;
    expect_int("every topic has its row", sizeof(table) / sizeof(table[0]), BUS_N_TOPICS + 1);
    for_each_row(c, table)
    {
        const char *pattern = bus_topic_pattern(c->topic);

        if (c->pattern)
            expect_c(c->says, pattern, c->pattern);
        else
            expect_true(c->says, !pattern);
        expect_int(c->says, bus_topic_is_ours(c->topic), c->ours);
    }
    end_rows();
}

static const struct {
    const char *says;
    bus_topic topic;
    str token;
    const char *want; /* NULL: refused */
} built[] = {
    {"a rule_id", BUS_RULE_RELOADED, T("R0015"), "ttp.rule.reloaded.R0015"},
    {"a rule_id of a state", BUS_RULE_STATE, T("a_B-9"), "ttp.rule.state.a_B-9"},
    {"no place for a token", BUS_TAGGED, {NULL, 0}, "ttp.tagged"},
    {"a token without a place", BUS_TAGGED, T("x"), NULL},
    {"a place without a token", BUS_RULE_STATE, {NULL, 0}, NULL},
    {"an empty token", BUS_RULE_STATE, T(""), NULL},
    {"two tokens", BUS_RULE_STATE, T("a.b"), NULL},
    {"a wildcard", BUS_RULE_STATE, T("*"), NULL},
    {"the other wildcard", BUS_RULE_STATE, T(">"), NULL},
    {"a line end", BUS_RULE_STATE, T("a\n"), NULL},
    {"a NUL", BUS_RULE_STATE, T("a\0b"), NULL},
    {"one we only listen to", BUS_EMAIL_RECEIVED, {NULL, 0}, NULL},
    {"one beyond the last", BUS_N_TOPICS, {NULL, 0}, NULL},
};

static void test_put(void **state)
{
    (void)state;
    for_each_row(c, built)
    {
        buf b = {0};

        buf_put_c(&b, "to ");
        expect_int(c->says, bus_topic_put(&b, c->topic, c->token), c->want ? 0 : TTP_E_INVALID);
        expect_bytes(c->says, b.ptr, 3, "to ");
        expect_bytes(c->says, b.ptr + 3, b.len - 3, c->want ? c->want : "");
        buf_done(&b);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_put)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
