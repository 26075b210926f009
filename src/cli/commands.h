/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The commands that main.c dispatches to, one per file (a group may share one). */
#include "cli/cli.h"

extern const cli_command cli_attack_fetch;
extern const cli_command cli_attack_show;
extern const cli_command cli_bench; /* where built with -Dbench=true */
extern const cli_command cli_doctor;
extern const cli_command cli_explain;
extern const cli_command cli_export_navigator;
extern const cli_command cli_rules_lint;
extern const cli_command cli_rules_list;
extern const cli_command cli_rules_show;
extern const cli_command cli_rules_status;
extern const cli_command cli_rules_test;
extern const cli_command cli_state_clear;
extern const cli_command cli_state_get;
extern const cli_command cli_state_list;
extern const cli_command cli_state_set;
extern const cli_command cli_sync;
extern const cli_command cli_rules_watch;
extern const cli_command cli_tag;
