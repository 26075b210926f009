/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `ttp rules lint|test|list|show` share: their options, and the rules they speak of. */
#include "cli/cli.h"
#include "rule/rule.h"
#include "ttp/store.h"

typedef struct rules_input {
    const char *rules, *output, *bundle, *release; /* options */
    attack_catalogue *owned;
    const attack_catalogue *catalogue;
    rule_dir dir;
} rules_input;

#define RULES_OPTIONS(in)                                                                          \
    {"rules", 'r', &(in)->rules, NULL}, {"output", 'o', &(in)->output, NULL},                      \
        {"attack-bundle", 0, &(in)->bundle, NULL},                                                 \
    {                                                                                              \
        "attack-release", 0, &(in)->release, NULL                                                  \
    }

#define RULES_OPTIONS_HELP                                                                         \
    "  -r, --rules DIR         rule files (default: $DECNET_TTP_RULES_DIR, ./rules/ttp, the "      \
    "pack)\n"                                                                                      \
    "      --attack-bundle F   MITRE's STIX bundle instead of the built-in catalogue\n"            \
    "      --attack-release R  the bundle's release, where it names none: enterprise-v18.1\n"

/*
 * Open the catalogue and read the rules: of the paths given, else of the directory. ctx: lint, warn
 * and warn_ctx; its catalogue is set here. What is wrong with single files is left in
 * in->dir.errors. Returns CLI_DONE, or CLI_FAILED after saying why.
 */
int rules_open(rules_input *in, char *const *paths, int n_paths, rule_context ctx);
/* The catalogue alone. */
int rules_open_catalogue(rules_input *in);
void rules_close(rules_input *in);

/*
 * The store that a rules command asks, under the catalogue of in, which is opened: the database of
 * --db, the directory of --rules, else what DECNET_TTP_RULE_STORE_TYPE says. host: as in
 * ttp_store_options. Returns CLI_DONE or CLI_FAILED after saying why.
 */
bool rules_in_database(const char *db, const char *rules);
int rules_open_store(rules_input *in, const char *db, const char *host, ttp_store **ret_store);

/* The technique of an emit: the sub-technique where it has one. */
str emitted(const rule_emit *e);
/* The source kinds of a rule, the techniques it emits: each once, joined with commas. */
void put_kinds(buf *b, const rule *r);
void put_techniques(buf *b, const rule *r);
/* Text of a rule author on a terminal: quoted and cut. */
void put_quoted(buf *b, str s, unsigned max_chars);
/* "key":value, with a comma in front where the object has members already; null for an absent
 * value. */
void put_member(buf *b, const char *key, str value);
/* 2026-11-21 18:00:05, or "-" for TTP_TIME_NONE */
void put_time(buf *b, int64_t us);
/* "key":"2026-11-21T18:00:05.000000Z", or null */
void put_time_member(buf *b, const char *key, int64_t us);
/* Write b to standard output and empty it. Returns CLI_DONE or CLI_FAILED (cli_finish_output says
 * why). */
int rules_print(buf *b);
