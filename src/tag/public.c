/* SPDX-License-Identifier: Apache-2.0 */
/* What include/ttp/tag.h shows of a tag. */
#include "tag/tag.h"

#include <errno.h>

static str field_of(const tag *t, ttp_tag_field field)
{
    switch (field) {
    case TTP_TAG_SOURCE_KIND:
        return t->source_kind;
    case TTP_TAG_SOURCE_ID:
        return t->source_id;
    case TTP_TAG_ATTACKER_UUID:
        return t->attacker_uuid;
    case TTP_TAG_IDENTITY_UUID:
        return t->identity_uuid;
    case TTP_TAG_SESSION_ID:
        return t->session_id;
    case TTP_TAG_DECKY_ID:
        return t->decky_id;
    case TTP_TAG_TACTIC:
        return t->tactic;
    case TTP_TAG_TECHNIQUE_ID:
        return t->technique_id;
    case TTP_TAG_SUB_TECHNIQUE_ID:
        return t->sub_technique_id;
    case TTP_TAG_RULE_ID:
        return t->rule_id;
    case TTP_TAG_EVIDENCE:
        return t->evidence.len ? t->evidence : STR("{}"); /* the engine has written it */
    case TTP_TAG_ATTACK_RELEASE:
        return t->attack_release;
    }
    return STR_NULL;
}

const char *ttp_tag_text(const ttp_tag *t, ttp_tag_field field, size_t *ret_len)
{
    str s = field_of(t, field);

    if (ret_len)
        *ret_len = s.len;
    return s.ptr;
}

void ttp_tag_uuid(const ttp_tag *t, char ret_text[37])
{
    tag_format_id(t, ret_text);
    ret_text[UUID_TEXT_LEN] = '\0';
}

double ttp_tag_confidence(const ttp_tag *t)
{
    return t->confidence;
}

int64_t ttp_tag_rule_version(const ttp_tag *t)
{
    return t->rule_version;
}

int64_t ttp_tag_created_us(const ttp_tag *t)
{
    return t->created_us;
}

int ttp_tag_to_json(const ttp_tag *t, char **ret_text, size_t *ret_len)
{
    auto_free(buf) buf b = {0};

    tag_write_json(&b, t);
    if (!buf_c_str(&b))
        return -ENOMEM;
    *ret_text = take(b.ptr);
    if (ret_len)
        *ret_len = b.len;
    return 0;
}
