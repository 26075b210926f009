/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/trace.h"

#include "../unit.h"
#include "spans.h"

#include <errno.h>

static void expect_noted(const char *says, span_notes *n, const char *want)
{
    char text[4096];
    const char *got = noted(n, text);

    expect_c(says, got, want);
}

static void work(const trace_point *point, int status)
{
    trace_span outer = trace_root(point, "outer", "id", "R1");
    trace_span inner = trace_child(&outer, "inner", NULL, NULL);
    trace_span innermost = trace_child(&inner, "innermost", NULL, NULL);

    trace_end(&innermost, 0);
    trace_end(&inner, status);
    trace_end(&outer, 0);
}

static void test_nesting(void **state)
{
    span_notes n = SPAN_NOTES_INIT;
    const ttp_trace hooks = noting(&n);
    trace_point point = &hooks;

    (void)state;
    work(&point, -EIO);
    expect_noted("spans know their parents, and how they ended", &n,
                 "+1<0 outer id=R1; +2<1 inner; +3<2 innermost; -3=0; -2=-5; -1=0");
    end_rows();
}

static void test_bound_when_called(void **state)
{
    span_notes first = SPAN_NOTES_INIT, second = SPAN_NOTES_INIT;
    const ttp_trace one = noting(&first), two = noting(&second);
    trace_point point = NULL;
    trace_span outer, inner;

    (void)state;
    work(&point, 0); /* nobody listens */
    outer = trace_root(&point, "outer", NULL, NULL);
    atomic_store(&point, &one);
    inner = trace_child(&outer, "inner", NULL, NULL);
    trace_end(&inner, 0);
    trace_end(&outer, 0);
    expect_noted("a span that nobody heard begin has no children", &first, "");
    outer = trace_root(&point, "outer", NULL, NULL);
    atomic_store(&point, &two);
    inner = trace_child(&outer, "inner", NULL, NULL);
    trace_end(&inner, 0);
    trace_end(&outer, 0);
    expect_noted("a span ends where it began", &first, "+1<0 outer; +2<1 inner; -2=0; -1=0");
    expect_noted("and nowhere else", &second, "");
    work(&point, 0);
    atomic_store(&point, (const ttp_trace *)NULL);
    work(&point, 0);
    expect_noted("the next goes to the new hooks, until they are taken away", &second,
                 "+1<0 outer id=R1; +2<1 inner; +3<2 innermost; -3=0; -2=0; -1=0");
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nesting),
                                       cmocka_unit_test(test_bound_when_called)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
