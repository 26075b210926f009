/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a pattern and a text: the first holds the pattern's flags, the second the pattern's
 * length; the pattern is repaired to UTF-8 as the contract asks, the text may be anything. Verdicts
 * must agree whatever the cache holds, spans must lie in the text, and what is judged never to hold
 * does not.
 */
#include "base/utf8.h"
#include "match/judge.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPANS_MAX 8

static void search(const pattern *p, matcher *m, matcher *tiny, str text)
{
    match_span spans[SPANS_MAX];
    int warm = pattern_holds(p, m, text), cold = pattern_holds(p, tiny, text);
    int found = pattern_find(p, m, text, spans, SPANS_MAX);

    assert(warm >= 0 && cold >= 0 && found >= 0);
    /* what was cut off once may come to its end another time, on what is left of another budget */
    assert(warm == cold || warm == TTP_E_LIMIT || cold == TTP_E_LIMIT);
    assert(warm == found || warm == TTP_E_LIMIT || found == TTP_E_LIMIT);
    for (unsigned i = 0; found == 0 && i < SPANS_MAX && i <= pattern_n_groups(p); i++)
        assert(spans[i].start == SIZE_MAX ||
               (spans[i].start <= spans[i].end && spans[i].end <= text.len));
}

static void judge(const pattern *p, matcher *m, str text)
{
    judged_growth growth;
    str atom;
    int never = judge_never_holds(p);

    assert(never == 0 || pattern_holds(p, m, text) != 0);
    assert(judge_atom_rate(p, &atom) <= 1000000);
    assert(judge_growth(p, &growth) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free(buf) buf source = {0};
    auto_free(pattern) pattern *p = NULL;
    auto_free(matcher) matcher *m = matcher_new(NULL);
    auto_free(matcher) matcher *tiny = matcher_new(&(matcher_options){.cache_max = 1000});
    size_t len;
    int rc;

    if (size < 2)
        return 0;
    len = data[1] < size - 2 ? data[1] : size - 2;
    utf8_repair(&source, (str){(const char *)data + 2, len});
    rc = data[0] & 8 ? pattern_from_literal(buf_str(&source), data[0] & 7u, &p)
                     : pattern_from_regex(buf_str(&source), data[0] & 1u, &p, NULL);
    assert(rc >= 0);
    if (rc == 0)
        judge(p, m, (str){(const char *)data + 2 + len, size - 2 - len});
    if (rc == 0)
        search(p, m, tiny, (str){(const char *)data + 2 + len, size - 2 - len});
    return 0;
}
