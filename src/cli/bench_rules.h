/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A private directory of rule files for the benchmarks: each public pattern a rule of its own, with
 * all that a rule of the pack has, its own tests among it.
 */
#include "base/str.h"
#include "cli/bench.h"

typedef struct bench_rules {
    char dir[128];
    char **names; /* of the files, B00000.yaml...; the rule_id is the name without .yaml */
    size_t n;
    size_t n_bytes; /* of all files */
} bench_rules;

/*
 * Write n rules. The patterns come from data/patterns/sigma_1k.tsv (at most 1,000) or
 * sigma_10k.tsv, filled up from the other. Says what is wrong; returns false then.
 */
bool bench_rules_make(size_t n, bench_rules *ret_rules);
/* Write one of them anew, as another version with another description. */
bool bench_rules_edit(const bench_rules *r, size_t number, unsigned version);
/* Remove the directory with all that is in it. */
void bench_rules_remove(bench_rules *r);

/* One rule's text. match and no_match: what its tests hold, NULL-ended lists. */
typedef struct bench_rule {
    const char *rule_id;
    unsigned version;
    const char *pattern;
    bool ignore_case;
    const char *const *match, *const *no_match;
} bench_rule;
void bench_rule_put(buf *b, const bench_rule *rule);

/* Replace a file's bytes by opening, writing and closing it. */
bool bench_write(const char *path, str text);
/* A new directory below $TMPDIR or /tmp. */
bool bench_make_dir(char *out, size_t size);
/* Remove a directory and the files in it. */
void bench_remove_dir(const char *dir);
