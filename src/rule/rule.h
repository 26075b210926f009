/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rule: the immutable definition, read from one YAML (or JSON) document and reference-counted.
 *
 *     file --rule_read--> rule { emits, expression over leaves, evidence fields, in-file tests }
 *
 * A text leaf holds its compiled patterns; strings, values and nodes of a rule live in its own
 * arena.
 */
#include "attack/attack.h"
#include "base/json.h"
#include "event/event.h"
#include "match/pattern.h"
#include "ttp/err.h"
#include "ttp/log.h"

typedef struct rule_emit {
    str tactic;           /* TA0007, never absent */
    str technique_id;     /* T1548, never absent: the parent also where a sub-technique is given */
    str sub_technique_id; /* T1548.001 or STR_NULL */
    double confidence;    /* 0..1 */
} rule_emit;

typedef enum leaf_op {
    LEAF_PATTERN,
    LEAF_EQUALS,
    LEAF_CONTAINS,
    LEAF_STARTSWITH,
    LEAF_ENDSWITH,
    LEAF_IN,
    LEAF_GT,
    LEAF_GTE,
    LEAF_LT,
    LEAF_LTE,
    LEAF_EXISTS,
    LEAF_CIDR,
} leaf_op;

typedef struct leaf_cidr {
    bool v6;
    uint8_t prefix_len; /* bits */
    uint8_t addr[16];   /* v4: first 4 bytes; host bits are zero */
} leaf_cidr;

typedef struct leaf {
    leaf_op op;
    bool ignore_case;
    bool exists_want; /* EXISTS */
    str field;     /* dotted path as written (or the kind's default, filled in per source kind when
                      absent) */
    double number; /* GT.. LTE */
    pattern **patterns; /* text forms: any of them holding makes the leaf hold; PATTERN, CONTAINS,
                           STARTSWITH, ENDSWITH: 1; EQUALS, IN: one per string value */
    size_t n_patterns;
    const json_node **values; /* EQUALS, IN: the values that are not strings (numbers, booleans,
                                 null...), compared with json_equal */
    size_t n_values;
    leaf_cidr *cidrs;
    size_t n_cidrs;
    str pattern_source; /* what explain and `rule_pattern` evidence show: the regex or the value as
                           written */
} leaf;

typedef enum expr_type {
    EXPR_LEAF,
    EXPR_ALL,
    EXPR_ANY,
    EXPR_NOT,
} expr_type;

typedef struct expr expr;
struct expr {
    expr_type type;
    uint32_t leaf; /* LEAF: index into the rule's leaves */
    uint32_t n_kids;
    expr **kids; /* ALL, ANY: n_kids >= 1; NOT: 1 */
};

typedef struct rule_test {
    bool want_match;
    event_kind kind;          /* the one it names, else the first of applies_to */
    const json_node *payload; /* an object */
    unsigned line;            /* where it stands in the file */
} rule_test;

typedef struct ttp_rule {
    /* read-only for everybody outside rule/ */
    str rule_id;
    int64_t rule_version;
    str name;
    str description;     /* STR_NULL where absent */
    str attack_release;  /* STR_NULL where absent */
    str path;            /* the file it was read from, for messages; STR_NULL where none */
    uint32_t applies_to; /* bit (1u << event_kind) per source kind */
    str *other_kinds;    /* unknown source kinds it names, as they are */
    size_t n_other_kinds;
    rule_emit *emits;
    size_t n_emits;
    leaf *leaves;
    size_t n_leaves;
    expr *match; /* NULL for a lifter rule */
    str lifter;  /* "lifter:..." kind, STR_NULL for a pattern rule; such rules are kept, listed, and
                    not evaluated by the rule engine */
    const json_node
        *match_node; /* the match object as written, as JSON (lifter parameters, `rules show`) */
    str *evidence_fields;
    size_t n_evidence_fields;
    rule_test *tests;
    size_t n_tests;
    const json_node
        *extra; /* references and unknown top-level keys, an object as JSON; NULL where none */
    str source; /* the file's bytes, comments and all; STR_NULL unless keep_source asked for them */
    uint8_t content_hash[20]; /* SHA-1 of them */
    bool gave_tactic_late;    /* an emit had no tactic or no confidence of its own: lint warns */
} rule;

/* How strictly attack ids are judged and where warnings go. */
typedef struct rule_context {
    const attack_catalogue *catalogue;               /* NULL: the built-in one */
    void (*warn)(void *ctx, const ttp_err *warning); /* NULL: dropped. One located sentence each */
    void *warn_ctx;
    bool lint;        /* ids are judged as DESIGN 4's lint says; otherwise as run time does */
    bool keep_source; /* rules keep their bytes: a fifth more memory */
    const uint8_t *content_hash; /* SHA-1 of the text, where it is known; NULL: it is made */
} rule_context;

/*
 * Read one rule. text is the file's bytes; path is for messages (may be NULL).
 * Returns 0 and one reference, TTP_E_SYNTAX (YAML or regex), TTP_E_INVALID (a value that is not
 * allowed), TTP_E_LIMIT, TTP_E_UNSUPPORTED, or -errno. Any thread.
 */
int rule_read(str text, const char *path, const rule_context *ctx, rule **ret_rule, ttp_err *err);
/* The same from a file: regular files of at most RULE_FILE_MAX bytes. */
int rule_read_file(const char *path, const rule_context *ctx, rule **ret_rule, ttp_err *err);
rule *rule_ref(rule *r);
rule *rule_unref(rule *r); /* takes NULL, returns NULL; any thread */
DEFINE_FREE_PTR(rule, rule *, rule_unref)

/* "contains": a static string. */
const char *leaf_op_name(leaf_op op);

/*
 * The values that a dotted path leads to. At each object the whole rest of the path is tried as one
 * key, then its first word; a list on the way or at the end stands for its elements, also nested
 * ones. fn is called for each value that is no list, until it returns non-zero; field_each returns
 * that, else 0 (also where the field is missing).
 */
int field_each(const json_node *payload, str path, int (*fn)(void *ctx, const json_node *value),
               void *ctx);
/* Does the path lead to anything but null? A list at its end counts as itself, also an empty one.
 */
bool field_exists(const json_node *payload, str path);

/* The field a leaf looks at in events of one kind: its own, or the kind's default. STR_NULL where
 * there is none. */
str leaf_field(const leaf *l, event_kind kind);

/*
 * Does the leaf hold for one value of its field (a list's element, or the field's value)? value
 * NULL: missing. The plain, slow meaning of every operator; the engine's index must agree with it.
 * Lists are the caller's (leaf_holds). Returns 1 held, 0 not, -ENOMEM.
 */
int leaf_value_holds(const leaf *l, const json_node *value, matcher *m);
/* Does the leaf hold for a payload: path walk, lists, missing fields. Returns 1 held, 0 not,
 * -ENOMEM. Cut-off searches count as not held. */
int leaf_holds(const leaf *l, event_kind kind, const json_node *payload, matcher *m);
/* The whole expression, leaf by leaf; the same returns. */
int rule_holds(const rule *r, event_kind kind, const json_node *payload, matcher *m);

/* Does a base name count as a rule file: [A-Za-z0-9_]+\.ya?ml, wholly. */
bool rule_file_name_counts(str basename);

/* A directory of rules, in the order of file names. */
typedef struct rule_dir {
    rule **rules;
    size_t n_rules, cap_rules;
    ttp_err *errors; /* one per refused file (or duplicate rule_id) */
    size_t n_errors, cap_errors;
} rule_dir;
/*
 * Read every rule file of a directory; a bad one is recorded in errors and stops no other. Of two
 * files with one rule_id the first by name wins, the other is an error. Symbolic links to regular
 * files are read; FIFOs, devices and directories are reported. Returns 0 (also with errors), or
 * -errno and err where the directory itself cannot be read.
 */
int rule_dir_read(const char *path, const rule_context *ctx, rule_dir *ret_dir, ttp_err *err);
/*
 * Files and directories that a person named, in that order; file names may be any. What cannot be
 * read is recorded in errors. Returns 0 or -ENOMEM.
 */
int rule_paths_read(char *const *paths, size_t n, const rule_context *ctx, rule_dir *ret_dir);
void rule_dir_done(rule_dir *d);

/*
 * Run a rule's in-file tests; a lifter rule has none that could run. report is called for each that
 * fails. Returns the number that failed, or -errno.
 */
int rule_run_tests(const rule *r, matcher *m,
                   void (*report)(void *ctx, const rule *r, const rule_test *t), void *ctx);
