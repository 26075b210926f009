/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rule - what to look for in events, and which techniques it shows. Immutable; shared by threads.
 *
 *     YAML or JSON text --read--> rule
 */
#include "ttp/api.h"
#include "ttp/err.h"

#include <stddef.h>
#include <stdint.h>

TTP_BEGIN

typedef struct ttp_rule ttp_rule;

/*
 * Read one rule from len bytes of YAML (or JSON) text. path names the text in messages; NULL is
 * allowed. ATT&CK ids are judged by the built-in catalogue, as at run time: an id that it does not
 * know is accepted. Returns 0 and one reference, TTP_E_SYNTAX (broken YAML or regular expression),
 * TTP_E_INVALID (a value that is not allowed), TTP_E_LIMIT, TTP_E_UNSUPPORTED (a regular expression
 * we cannot honour) or -ENOMEM; err then says where, what is wrong and what was expected. Any
 * thread.
 */
TTP_API int ttp_rule_from_text(const void *text, size_t len, const char *path, ttp_rule **ret_rule,
                               ttp_err *err);

/* One more reference; returns rule. Any thread. */
TTP_API ttp_rule *ttp_rule_ref(ttp_rule *rule);
/* One reference less; the last one frees. Takes NULL, returns NULL. Any thread. */
TTP_API ttp_rule *ttp_rule_unref(ttp_rule *rule);

/* What the rule says of itself. The strings last as long as the rule; a name may hold NULs that end
 * it early. */
TTP_API const char *ttp_rule_id(const ttp_rule *rule);
TTP_API int64_t ttp_rule_version(const ttp_rule *rule);
TTP_API const char *ttp_rule_name(const ttp_rule *rule);

TTP_END
