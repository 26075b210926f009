/* SPDX-License-Identifier: Apache-2.0 */
/* ATT&CK ids under a whole bundle: what lint refuses loads at run time, with the same words as a
 * warning. */
#include "rule/rule.h"

#include "../attack/bundle.h"

#include <stdlib.h>

static const char bundle_text[] = BUNDLE(COLLECTION("19.0") "," EXECUTION "," TACTIC(
    "TA0112", "Impairment",
    "impairment") "," SHELL
                  "," TECHNIQUE("T1059.004", "Unix Shell", PHASE("execution"), "") "," TECHNIQUE(
                      "T1562", "Impair Defenses", PHASE("impairment"),
                      REVOKED) "," TECHNIQUE("T1685", "Disable", PHASE("impairment"),
                                             "") "," REVOKED_BY("T1562",
                                                                "T1685") "," TECHNIQUE("T1000",
                                                                                       "Gone",
                                                                                       PHASE(
                                                                                           "impairm"
                                                                                           "ent"),
                                                                                       REVOKED) "," TECHNIQUE("T1001",
                                                                                                              "Old",
                                                                                                              PHASE(
                                                                                                                  "impairment"),
                                                                                                              DEPRECATED));

static const struct {
    const char *says, *emit;
    const char *want_lint; /* its error; NULL: none */
    const char
        *want_warning; /* the one of run time, where it is another than want_lint; "": none */
} cases[] = {
    {"a technique under its tactic", "{tactic: TA0002, technique_id: T1059, confidence: 1}", NULL,
     ""},
    {"a sub-technique under its tactic",
     "{tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 1}", NULL, ""},
    {"an unknown technique", "{tactic: TA0002, technique_id: T1083, confidence: 1}",
     "technique_id T1083 is not in enterprise-v19.0; expected an id of that release", NULL},
    {"an unknown sub-technique",
     "{tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.001, confidence: 1}",
     "sub_technique_id T1059.001 is not in enterprise-v19.0; expected an id of that release", NULL},
    {"an unknown tactic", "{tactic: TA0005, technique_id: T1059, confidence: 1}",
     "tactic TA0005 is not in enterprise-v19.0; expected an id of that release", NULL},
    {"a tactic that the technique is not under",
     "{tactic: TA0112, technique_id: T1059, confidence: 1}",
     "tactic is TA0112, which T1059 is not under; expected TA0002", NULL},
    {"a revoked technique", "{tactic: TA0112, technique_id: T1562, confidence: 1}",
     "technique_id T1562 is revoked in enterprise-v19.0; expected its successor T1685", NULL},
    {"a revoked technique without a successor",
     "{tactic: TA0112, technique_id: T1000, confidence: 1}",
     "technique_id T1000 is revoked in enterprise-v19.0; expected an id that is in force", NULL},
    {"a deprecated one", "{tactic: TA0112, technique_id: T1001, confidence: 1}", NULL, ""},
};

typedef struct heard {
    ttp_err last;
    unsigned n;
} heard;

static void hear(void *ctx, const ttp_err *warning)
{
    heard *h = ctx;

    h->last = *warning;
    h->n++;
}

static int read_emit(const char *emit, const rule_context *ctx, ttp_err *err)
{
    auto_free(rule) rule *r = NULL;
    char text[512];

    (void)snprintf(
        text, sizeof(text),
        "rule_id: R1\nrule_version: 1\nname: x\napplies_to: command\nmatch: {pattern: wget}\n"
        "emits: [%s]\ntests: {match: [{command_text: wget}]}\n",
        emit);
    return rule_read(str_from(text), "x.yaml", ctx, &r, err);
}

static attack_catalogue *load_bundle(void)
{
    char path[] = "/tmp/test-lint.XXXXXX";
    attack_catalogue *c = NULL;
    ttp_err err = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bundle_text, sizeof(bundle_text) - 1), sizeof(bundle_text) - 1);
    assert_int_equal(close(fd), 0);
    expect_int(err.text, attack_load(path, NULL, &c, &err), 0);
    expect_c("loads", err.text[0] ? err.text : "ok", "ok");
    assert_int_equal(unlink(path), 0);
    assert_non_null(c);
    return c;
}

static void test_bundle(void **state)
{
    attack_catalogue *c = load_bundle();

    (void)state;
    for_each_row(row, cases)
    {
        heard h = {0};
        rule_context ctx = {.catalogue = c, .lint = true, .warn = hear, .warn_ctx = &h};
        const char *want_warning = row->want_warning ? row->want_warning : row->want_lint;
        ttp_err err = {0};

        expect_int(row->says, read_emit(row->emit, &ctx, &err), row->want_lint ? TTP_E_INVALID : 0);
        expect_c(row->says, row->want_lint ? err.text : "", row->want_lint ? row->want_lint : "");
        h = (heard){0};
        ctx.lint = false;
        expect_int(row->says, read_emit(row->emit, &ctx, &err), 0);
        expect_int(row->says, h.n, want_warning[0] != '\0');
        expect_c(row->says, h.last.text, want_warning);
    }
    (void)attack_free(c); /* returns NULL */
    end_rows();
}

static void test_late_values(void **state)
{
    attack_catalogue *c = load_bundle();
    heard h = {0};
    rule_context ctx = {.catalogue = c, .lint = true, .warn = hear, .warn_ctx = &h};
    ttp_err err = {0};

    (void)state;
    expect_int("deprecated: a lint warning",
               read_emit("{tactic: TA0112, technique_id: T1001, confidence: 1}", &ctx, &err), 0);
    expect_c("says so", h.last.text, "technique_id T1001 is deprecated in enterprise-v19.0");
    expect_int("a tactic from the bundle",
               read_emit("{technique_id: T1685, confidence: 1}", &ctx, &err), 0);
    expect_c("says so", h.last.text, "tactic is missing; taking TA0112");
    ctx.lint = false;
    expect_int("no tactic and no such technique", read_emit("{technique_id: T1083}", &ctx, &err),
               TTP_E_INVALID);
    expect_c("says so", err.text,
             "tactic is missing and the ATT&CK catalogue (enterprise-v19.0) has none for T1083; "
             "expected one, as TA0007");
    (void)attack_free(c); /* returns NULL */
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle),
        cmocka_unit_test(test_late_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
