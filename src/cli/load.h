/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Catalogue and rules, as every command that evaluates needs them. */
#include "cli/cli.h"
#include "engine/engine.h"

typedef struct loaded_rules {
    attack_catalogue *owned; /* NULL where the catalogue is the built-in one */
    const attack_catalogue *catalogue;
    rule_dir dir;
    engine_index *index;
    size_t n_refused; /* rule files that were reported and left out */
} loaded_rules;

/*
 * Load the rules of a directory (see cli_rules_dir) under a catalogue (see cli_catalogue); refused
 * files are reported and left out. Returns CLI_DONE or CLI_FAILED.
 */
int cli_load_rules(const char *rules, const char *bundle, const char *release, loaded_rules *ret);
/* The same without the index, for who makes an engine of them. */
int cli_read_rules(const char *rules, const char *bundle, const char *release, loaded_rules *ret);
void cli_unload_rules(loaded_rules *l);
