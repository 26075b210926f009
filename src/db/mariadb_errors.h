/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a server's or libmariadb's error number means for a person. */
#include "ttp/err.h"

#include <stdbool.h>

/* Does the connection end with this error? */
bool mariadb_is_lost(unsigned code);
/* Returns what db.h lists; text is the server's own, quoted where ours does not say it all. */
int mariadb_fail(unsigned code, const char *text, const char *where, ttp_err *err);
