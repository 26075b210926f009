/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a rule with its n-th allocation failing, for every n: -ENOMEM, nothing leaked, nothing
 * crashed. */
#include "rule/rule.h"

#include "../unit.h"

#include <errno.h>
#include <stdlib.h>

static long allowed = -1; /* allocations until one fails; negative: none fails */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fails(void)
{
    return allowed >= 0 && allowed-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

static const char text[] =
    "{rule_id: R1, rule_version: 1, name: x, applies_to: [command, other], references: "
    "[\"\\ud83d\\udc1d\"],\n"
    "match: {all: [{pattern: 'a+b'}, {not: {any: [{field: a.b, in: [1, x, y]}, &c {field: c, cidr: "
    "10.0.0.0/8}, *c,\n"
    "  {field: n, gt: 5}, {contains: x, ignore_case: true}, {field: e, exists: true}]}}]},\n"
    "emits: [{technique_id: T1083}, {<<: {tactic: TA0002}, technique_id: T1059.004}], "
    "evidence_fields: [a, b],\n"
    "tests: {match: [{command_text: aab}], no_match: [{}]}}";

static void test_read(void **state)
{
    int rc = -ENOMEM;
    long n = 0;

    (void)state;
    for (; rc && n < 10000; n++) {
        rule *r = NULL;
        ttp_err err = {0};

        allowed = n;
        rc = rule_read(str_from(text), "x.yaml", NULL, &r, &err);
        allowed = -1;
        if (rc) {
            expect_int("what fails is memory", rc, -ENOMEM);
            expect_true("the error says something", err.text[0]);
        }
        (void)rule_unref(r); /* returns NULL */
    }
    print_message("%ld allocations\n", n - 1);
    expect_int("it reads in the end", rc, 0);
    expect_true("something was tried", n > 10);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
