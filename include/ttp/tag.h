/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tag - one finding: this event shows this ATT&CK technique, says this rule, this sure.
 *
 *     event --evaluator--> tags
 *
 * Tags belong to the evaluator that returned them and last until its next event. Their text is
 * valid UTF-8, may hold NULs and was in part written by an attacker. Threads: those of the
 * evaluator.
 */
#include "ttp/api.h"
#include "ttp/err.h"

#include <stddef.h>
#include <stdint.h>

TTP_BEGIN

typedef struct ttp_tag ttp_tag;

typedef enum ttp_tag_field {
    TTP_TAG_SOURCE_KIND,
    TTP_TAG_SOURCE_ID,
    TTP_TAG_ATTACKER_UUID,    /* may be absent; one of this and the next is there */
    TTP_TAG_IDENTITY_UUID,    /* may be absent */
    TTP_TAG_SESSION_ID,       /* may be absent */
    TTP_TAG_DECKY_ID,         /* may be absent */
    TTP_TAG_TACTIC,           /* TA0004 */
    TTP_TAG_TECHNIQUE_ID,     /* T1548 */
    TTP_TAG_SUB_TECHNIQUE_ID, /* T1548.001; may be absent */
    TTP_TAG_RULE_ID,
    TTP_TAG_EVIDENCE,       /* a JSON object */
    TTP_TAG_ATTACK_RELEASE, /* enterprise-v18.1 */
} ttp_tag_field;

/*
 * The bytes of a field and, in ret_len, how many; not NUL-terminated. NULL (and 0) where the tag
 * has none, or the field is unknown.
 */
TTP_API const char *ttp_tag_text(const ttp_tag *tag, ttp_tag_field field, size_t *ret_len);

/* The tag's UUID, the same for every evaluation of the same event by the same rule version.
 * NUL-terminated. */
TTP_API void ttp_tag_uuid(const ttp_tag *tag, char ret_text[37]);

/* How sure the rule is, 0 to 1. */
TTP_API double ttp_tag_confidence(const ttp_tag *tag);

TTP_API int64_t ttp_tag_rule_version(const ttp_tag *tag);

/* When the tag was made: microseconds since 1970, UTC. */
TTP_API int64_t ttp_tag_created_us(const ttp_tag *tag);

/*
 * The tag as one JSON object, the line that `ttp tag --output jsonl` prints, NUL-terminated; the
 * caller frees it with free(). Returns 0 or -ENOMEM.
 */
TTP_API int ttp_tag_to_json(const ttp_tag *tag, char **ret_text, size_t *ret_len);

TTP_END
