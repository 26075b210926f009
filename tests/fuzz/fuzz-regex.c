/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a regular expression: bit 0 of the first ignores case, the rest is the source,
 * repaired to UTF-8 as the contract asks. What is read must be writable for PCRE2, and PCRE2 must
 * take it or find it too large.
 */
#include "base/utf8.h"
#include "match/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(int rc, const ttp_err *err)
{
    assert(rc == TTP_E_SYNTAX || rc == TTP_E_UNSUPPORTED || rc == TTP_E_LIMIT);
    assert(err->code == rc && err->text[0] && err->column >= 1);
    assert(utf8_valid(str_from(err->text)));
}

static void check_pcre2(const buf *form)
{
    int code;
    size_t offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(form->ptr ? form->ptr : ""), form->len,
                                         PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);

    assert(compiled || code == PCRE2_ERROR_PATTERN_TOO_LARGE ||
           code == PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED);
    pcre2_code_free(compiled);
}

/* Every node's promises; returns how many nodes there are. */
static size_t check_tree(const regex_node *node, const regex *re)
{
    size_t n = 1;

    assert(node->column >= 1 && node->group <= re->n_groups && node->min <= node->max);
    for (uint32_t i = 0; i < node->n_ranges; i++) {
        assert(node->ranges[i].lo <= node->ranges[i].hi);
        assert(i == 0 || node->ranges[i].lo > node->ranges[i - 1].hi + 1);
        assert(regex_set_has(node, node->ranges[i].lo) != node->negated);
    }
    for (uint32_t i = 0; i < node->n_kids; i++)
        n += check_tree(node->kids[i], re);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free(buf) buf source = {0};
    auto_free(buf) buf form = {0};
    arena a = {0};
    regex re;
    ttp_err err = {0};
    int rc;

    if (size == 0)
        return 0;
    utf8_repair(&source, (str){(const char *)data + 1, size - 1});
    rc = regex_read(buf_str(&source), data[0] & 1, &a, &re, &err);
    if (rc) {
        check_error(rc, &err);
    } else {
        assert(check_tree(re.root, &re) <= 4 * source.len + 4);
        rc = regex_to_pcre2(&re, &form, &err);
        if (rc)
            check_error(rc, &err);
        else
            check_pcre2(&form);
    }
    arena_done(&a);
    return 0;
}
