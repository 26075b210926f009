/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What stands between a file's bytes and the YAML parser. Internal to rule/. */
#include "base/arena.h"
#include "ttp/err.h"

/*
 * The text to parse: checked for what the parser must not see, without a byte order mark, JSON's
 * surrogate pairs joined (in a). where goes into err. Returns 0, TTP_E_SYNTAX, TTP_E_LIMIT or
 * -ENOMEM.
 */
int yaml_text_prepare(str text, const char *where, arena *a, str *ret_text, ttp_err *err);
