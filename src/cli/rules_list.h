/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `ttp rules list` found, and how it is printed. */
#include "cli/rules.h"
#include "ttp/counts.h"

typedef enum list_form {
    LIST_TABLE,
    LIST_JSONL,
    LIST_PROMETHEUS,
} list_form;

/* A rule, or a file or row that is none. */
typedef struct list_row {
    rule *rule; /* what runs, or would but for err; NULL: it could not be read */
    ttp_rule_state state;
    const ttp_err *err;   /* why what is written is not what runs; NULL: it is */
    bool runs;            /* false: err keeps it out */
    ttp_rule_counts hits; /* with --hits */
} list_row;

typedef struct list_run {
    rules_input in;
    const char *db, *events; /* options */
    list_form form;
    bool hits, cost;
    ttp_store *store; /* of a database */
    ttp_store_rules *loaded;
    ttp_err *gate_errors; /* of a directory: one per rule, code 0: none */
    list_row *rows;
    size_t n, cap;
    size_t n_refused;
    list_row **by_id;
    size_t n_by_id;
} list_run;

/* Returns CLI_DONE, CLI_BAD_INPUT where something is refused, or CLI_FAILED. */
int rules_list_print(const list_run *run);
