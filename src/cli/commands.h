/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The commands that main.c dispatches to, one per file (a group may share one). */
#include "cli/cli.h"

extern const cli_command cli_attack_fetch;
extern const cli_command cli_attack_show;
extern const cli_command cli_doctor;
