/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How often rules hold in a log. */
#include "cli/cli.h"
#include "ttp/ledger.h"

/*
 * Evaluate a log ("-": standard input) by rules[0..n) with states[i] set on rules[i], and tell fn
 * of each. What is wrong with the log is said. Returns CLI_DONE, CLI_BAD_INPUT (some lines were
 * bad) or CLI_FAILED.
 */
int hits_of_log(const char *path, ttp_rule *const *rules, const ttp_rule_state *states, size_t n,
                int (*fn)(void *ctx, const char *rule_id, const ttp_rule_counts *counts),
                void *ctx);
