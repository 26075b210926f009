/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a rule file: it is read or refused with a sentence, and a rule that was read decides
 * its own tests. */
#include "rule/rule.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *ctx, const ttp_err *warning)
{
    unsigned *n = ctx;

    assert(warning->text[0] != '\0');
    (*n)++;
}

static void read_once(str text, bool lint, matcher *m)
{
    unsigned n_warnings = 0;
    rule_context ctx = {.warn = hear, .warn_ctx = &n_warnings, .lint = lint};
    auto_free(rule) rule *r = NULL;
    ttp_err err = {0};
    int rc = rule_read(text, "fuzz.yaml", &ctx, &r, &err);

    if (rc) {
        assert(!r && err.code == rc && err.text[0] != '\0');
        return;
    }
    assert(r->rule_id.len && r->rule_version >= 1 && r->n_emits && (r->match || r->lifter.ptr));
    (void)rule_run_tests(r, m, NULL, NULL); /* failing tests are no failure here */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    matcher *m = matcher_new(NULL);

    if (!m)
        return 0;
    read_once((str){(const char *)data, size}, false, m);
    read_once((str){(const char *)data, size}, true, m);
    (void)matcher_free(m); /* returns NULL */
    return 0;
}
