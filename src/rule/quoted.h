/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The value of a quoted YAML scalar. */
#include "base/arena.h"

/*
 * source: what stands between the quotes, valid UTF-8 that a YAML parser has accepted. The value is
 * NUL-terminated behind its end and lives in a; STR_NULL when out of memory.
 */
str yaml_unquote(str source, bool is_double, arena *a);
