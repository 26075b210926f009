/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pattern: one thing to look for in a text: a literal, or a regular expression in Python's syntax
 * and meaning. Immutable, reference-counted, shared by threads; searched with a matcher, one per
 * thread, which owns everything that is written while matching.
 *
 *     source --regex reader--> tree -+-> literal with anchors           decided by comparison
 *                                    +-> linear program (lazy DFA, and a VM for spans and groups)
 *                                    +-> PCRE2 form, bounded (look-around, back-references...)
 *
 * Knows nothing of rules.
 */
#include "base/str.h"
#include "ttp/err.h"

#include <stdint.h>

typedef struct pattern pattern;
typedef struct matcher matcher;

enum {
    PATTERN_IGNORE_CASE = 1 << 0, /* literals: simple folding. regexes: as if (?i) stood first */
    PATTERN_AT_START = 1 << 1,    /* literals: only where the text starts */
    PATTERN_AT_END = 1 << 2,      /* literals: only where the text ends */
};

typedef enum pattern_kind {
    PATTERN_LITERAL,   /* decided by comparing bytes */
    PATTERN_LINEAR,    /* time linear in the text */
    PATTERN_BACKTRACK, /* PCRE2 with limits */
} pattern_kind;

/*
 * Compile a regular expression with the meaning of Python's re.search on str. On a refusal
 * err->text says what and err->column where in the pattern (1-based, characters); err->where is
 * left empty. Returns 0, TTP_E_SYNTAX (Python refuses it, too), TTP_E_UNSUPPORTED (Python takes it,
 * we cannot honour it), TTP_E_LIMIT (too long, too deep, explodes) or -ENOMEM. source must be valid
 * UTF-8.
 */
int pattern_from_regex(str source, unsigned flags, pattern **ret_pattern, ttp_err *err);
/* A literal; its text must be valid UTF-8 and may hold NULs and be empty. Returns 0 or -ENOMEM. */
int pattern_from_literal(str text, unsigned flags, pattern **ret_pattern);
pattern *pattern_ref(pattern *p);
pattern *pattern_unref(pattern *p); /* takes NULL, returns NULL; any thread */
DEFINE_FREE_PTR(pattern, pattern *, pattern_unref)

pattern_kind pattern_get_kind(const pattern *p);
str pattern_source(const pattern *p); /* as given */
unsigned pattern_flags(const pattern *p);
/* Made by pattern_from_regex, whatever it was lowered to. */
bool pattern_is_regex(const pattern *p);
unsigned pattern_n_groups(const pattern *p);              /* capturing groups, without group 0 */
str pattern_group_name(const pattern *p, unsigned group); /* STR_NULL for an unnamed one */
size_t pattern_memory(const pattern *p);                  /* bytes held, roughly */
/* What the prefilter can use; without, the pattern is verified on every text of its field. */
bool pattern_has_atom(const pattern *p);

/* Equal source and flags: the results are the same for every text. */
bool pattern_equal(const pattern *a, const pattern *b);

/* Bounds of one matcher; zero means the default. */
typedef struct matcher_options {
    /* steps of one backtracking search (backtrack.h says what a step is), 100,000 */
    uint32_t match_limit;
    /* of PCRE2's interpreter, where there is no JIT: 1,000, and 4,096 KiB */
    uint32_t depth_limit;
    uint32_t heap_limit_kib;
    /* steps that all backtracking searches of one event may take together, 1,000,000 */
    uint64_t event_budget;
    /*
     * instructions that all linear searches of one event may follow together, 30,000,000, and as
     * many again for spans; only giant programs on long texts come near
     */
    uint64_t linear_budget;
    /* bytes of lazy automata before they are dropped and made anew, 32 MiB */
    size_t cache_max;
} matcher_options;

/*
 * With the defaults where options is NULL. NULL when out of memory. A matcher may outlive patterns
 * it searched for: what it keeps of them goes by a serial that is never used again.
 */
matcher *matcher_new(const matcher_options *options);
matcher *matcher_free(matcher *m);
DEFINE_FREE_PTR(matcher, matcher *, matcher_free)
/* What was done to verify patterns that tables woke, since the matcher was made. */
typedef struct matcher_work {
    uint64_t searches;
    uint64_t bytes; /* read by automata */
} matcher_work;
matcher_work matcher_get_work(const matcher *m);
/* A new event begins: its budgets are full again. */
void matcher_new_event(matcher *m);
/* Texts that tables were scanned with are scanned anew when they come again. */
void matcher_forget(matcher *m);

typedef struct match_span {
    size_t start, end; /* byte offsets; start == SIZE_MAX: the group took no part */
} match_span;

/*
 * Does the pattern hold somewhere in text? text must be valid UTF-8 (events are; see utf8_repair).
 * Returns 0 (held), TTP_E_NOT_FOUND, TTP_E_LIMIT (cut off: counts as not found) or -ENOMEM.
 */
int pattern_holds(const pattern *p, matcher *m, str text);
/*
 * Where? The match that Python's re.search finds: ret_spans[0] is the whole, [1..] the groups, at
 * most n_spans of them written. Same results as pattern_holds, but that its budgets are shares of
 * their own: where they ran out it is TTP_E_LIMIT.
 */
int pattern_find(const pattern *p, matcher *m, str text, match_span *ret_spans, unsigned n_spans);
