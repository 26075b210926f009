/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The library logs only through the function its caller gave it. Text is one line without a
 * newline; attacker text in it has been through err_quote.
 */
#include "ttp/log.h"

/* Format and hand over; does nothing where there is no log or its function is NULL. */
void log_msg(const ttp_log *log, ttp_log_level level, const char *fmt, ...) TTP_PRINTF(3, 4);
