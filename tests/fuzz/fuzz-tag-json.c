/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is one line of tags as `ttp export` reads it. Whatever it is: no crash; what reads as a
 * tag is well-formed, is written as one line, and that line reads as the same tag.
 */
#include "tag/tag.h"

#include <stdlib.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool read_tag(json_doc *doc, str text, buf *evidence, tag *ret_tag)
{
    const json_node *root;

    return json_parse_copy(doc, text, 1 << 20, &root, NULL, NULL) == 0 &&
           tag_read_json(root, evidence, ret_tag, NULL, 1, NULL) == 0;
}

static void check_tag(const tag *t)
{
    check(tag_check(t, NULL) == 0);
    check(t->source_kind.ptr && t->source_id.ptr);
    check(attack_is_tactic_id(t->tactic) && attack_is_technique_id(t->technique_id));
    check(tag_is_rule_id(t->rule_id) && tag_is_release(t->attack_release));
    check(t->rule_version >= 1 && t->evidence.len >= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    auto_free(buf) buf evidence = {0};
    auto_free(buf) buf first = {0};
    auto_free(buf) buf second = {0};
    tag t;

    if (!doc || !read_tag(doc, (str){(const char *)data, size}, &evidence, &t))
        return 0;
    check_tag(&t);
    tag_write_json(&first, &t);
    check(!first.failed && !memchr(first.ptr, '\n', first.len));
    check(read_tag(doc, buf_str(&first), &evidence, &t));
    check_tag(&t);
    tag_write_json(&second, &t);
    check(str_eq(buf_str(&first), buf_str(&second)));
    return 0;
}
