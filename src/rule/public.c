/* SPDX-License-Identifier: Apache-2.0 */
/* include/ttp/rule.h in terms of rule.h. */
#include "ttp/rule.h"

#include "rule/rule.h"

int ttp_rule_from_text(const void *text, size_t len, const char *path, ttp_rule **ret_rule,
                       ttp_err *err)
{
    return rule_read((str){text, len}, path, NULL, ret_rule, err);
}

ttp_rule *ttp_rule_ref(ttp_rule *r)
{
    return rule_ref(r);
}

ttp_rule *ttp_rule_unref(ttp_rule *r)
{
    return rule_unref(r);
}

const char *ttp_rule_id(const ttp_rule *r)
{
    return r->rule_id.ptr;
}

int64_t ttp_rule_version(const ttp_rule *r)
{
    return r->rule_version;
}

const char *ttp_rule_name(const ttp_rule *r)
{
    return r->name.ptr;
}
