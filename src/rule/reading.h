/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of the rule reader share: one rule being read. Internal to rule/.
 *
 *     reader.c  fields ---> emits.c, expr.c ---> leaf_read.c, tests_read.c
 */
#include "rule/rule.h"
#include "rule/yaml.h"

typedef struct reading {
    const rule_context *ctx;
    const attack_catalogue *catalogue;
    const char *where; /* never NULL */
    ttp_err *err;
    arena *tmp; /* dies with the reading */
    arena *own; /* the rule's */
    rule *rule;
    event_kind first_kind; /* of applies_to, in the order of the file */
    size_t cap_leaves;
} reading;

/* An error at a node: fills in err and returns rc. */
int reading_fail(reading *r, int rc, const yaml_node *at, const char *fmt, ...) TTP_PRINTF(4, 5);
/* The error for a value that is not what its key wants: "KEY is VALUE; expected WANTED". */
int reading_wrong(reading *r, const yaml_node *value, const char *key, const char *wanted);
void reading_warn(reading *r, const yaml_node *at, const char *fmt, ...) TTP_PRINTF(3, 4);
/* The same, only where rules are linted. */
void reading_lint(reading *r, const yaml_node *at, const char *fmt, ...) TTP_PRINTF(3, 4);

#define SHOWN_SIZE 256
/* A node for an error's text: its scalar, quoted where it was, or "a list", "a mapping", "empty".
 * Returns a text that may be out. */
const char *node_shown(char out[SHOWN_SIZE], const yaml_node *n);
const char *str_shown(char out[SHOWN_SIZE], str s);

/* The text of a scalar that is not null, copied into the rule. Returns 0, TTP_E_INVALID or -ENOMEM.
 */
int read_text(reading *r, const yaml_node *n, const char *key, const char *wanted, str *ret_text);
/* The same, not empty. */
int read_word(reading *r, const yaml_node *n, const char *key, const char *wanted, str *ret_text);

/* The word of the NULL-ended list that text was probably meant to be, or NULL. */
const char *nearest_word(str text, const char *const *words);

int read_emits(reading *r, const yaml_node *n);
int read_match(reading *r, const yaml_node *n);
int read_tests(reading *r, const yaml_node *n);

/* A mapping with one operator, appended to the rule's leaves. */
int read_leaf(reading *r, const yaml_node *n, uint32_t *ret_index);
/* A network or an address, host bits cleared; ret_had_host_bits says whether there were any. */
bool cidr_parse(str text, leaf_cidr *ret_cidr, bool *ret_had_host_bits);
bool cidr_holds(const leaf_cidr *c, str address);
