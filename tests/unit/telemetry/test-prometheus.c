/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/prometheus.h"

#include "../unit.h"

static const struct {
    const char *says;
    prometheus_label labels[2];
    size_t n;
    uint64_t value;
    const char *want;
} samples[] = {
    {"no labels", {{0}}, 0, 7, "m 7\n"},
    {"one", {{"a", STR("b")}}, 1, 0, "m{a=\"b\"} 0\n"},
    {"two", {{"a", STR("b")}, {"c", STR("d")}}, 2, 1, "m{a=\"b\",c=\"d\"} 1\n"},
    {"the greatest value", {{0}}, 0, UINT64_MAX, "m 18446744073709551615\n"},
    {"an empty label", {{"a", STR("")}}, 1, 1, "m{a=\"\"} 1\n"},
    {"a quote ends no label", {{"a", STR("x\"} 9")}}, 1, 1, "m{a=\"x\\\"} 9\"} 1\n"},
    {"a newline ends no sample", {{"a", STR("x\ny 1")}}, 1, 1, "m{a=\"x\\ny 1\"} 1\n"},
    {"a backslash", {{"a", STR("\\n")}}, 1, 1, "m{a=\"\\\\n\"} 1\n"},
    {"other letters", {{"a", STR("\xC3\xA9")}}, 1, 1, "m{a=\"\xC3\xA9\"} 1\n"},
};

static void test_samples(void **state)
{
    (void)state;
    for_each_row(c, samples)
    {
        auto_free(buf) buf b = {0};

        prometheus_put(&b, "m", c->labels, c->n, c->value);
        expect_str(c->says, buf_str(&b), c->want);
    }
    end_rows();
}

static void test_head(void **state)
{
    auto_free(buf) buf b = {0};

    (void)state;
    prometheus_begin(&b, "m_total", "counter", "How many.");
    expect_str("a head", buf_str(&b), "# HELP m_total How many.\n# TYPE m_total counter\n");
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_head)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
