/* SPDX-License-Identifier: Apache-2.0 */
#include "attack/release.h"

#include "../unit.h"

static const struct {
    const char *says, *text;
    int domain; /* -1: not a release */
    const char *version;
} cases[] = {
    {"in full", "enterprise-v18.1", ATTACK_ENTERPRISE, "18.1"},
    {"without the v", "enterprise-18.1", ATTACK_ENTERPRISE, "18.1"},
    {"mobile", "mobile-v9.0", ATTACK_MOBILE, "9.0"},
    {"industrial control", "ics-v18.1", ATTACK_ICS, "18.1"},
    {"version alone", "v18.1", ATTACK_N_DOMAINS, "18.1"},
    {"number alone", "18.1", ATTACK_N_DOMAINS, "18.1"},
    {"a whole number", "19", ATTACK_N_DOMAINS, "19"},
    {"three numbers", "18.1.2", ATTACK_N_DOMAINS, "18.1.2"},
    {"as long as a version may be", "12345678901234567890123", ATTACK_N_DOMAINS,
     "12345678901234567890123"},
    {"a longer one", "123456789012345678901234", -1, NULL},
    {"empty", "", -1, NULL},
    {"domain alone", "enterprise", -1, NULL},
    {"domain and dash", "enterprise-", -1, NULL},
    {"a v alone", "v", -1, NULL},
    {"two v", "vv18", -1, NULL},
    {"a dot first", ".18", -1, NULL},
    {"a dot last", "18.", -1, NULL},
    {"two dots", "18..1", -1, NULL},
    {"another domain", "pre-v18.1", -1, NULL},
    {"a file", "18.1.json", -1, NULL},
    {"a path", "./18.1", -1, NULL},
    {"a blank", "18.1 ", -1, NULL},
};

static void test_parse(void **state)
{
    (void)state;
    for_each_row(c, cases)
    {
        attack_release_name name;
        bool good = attack_release_parse(str_from(c->text), &name);

        expect_int(c->says, good, c->domain >= 0);
        if (!good)
            continue;
        expect_int(c->says, name.domain, c->domain);
        expect_bytes(c->says, name.version, strlen(name.version), c->version);
    }
    end_rows();
}

static void test_format(void **state)
{
    attack_release_name name = {.domain = ATTACK_ICS, .version = "18.1"};
    char out[64];

    (void)state;
    expect_int("length", attack_release_format(&name, out), 9);
    expect_bytes("text", out, strlen(out), "ics-v18.1");
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
