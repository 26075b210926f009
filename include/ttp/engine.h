/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Engine - which rules hold for one event, and the tags that follow.
 *
 *     rules --compile--> ttp_ruleset     shared by all threads, never changes
 *     event --evaluate-> tags            through a ttp_evaluator, one per thread
 *
 *     ttp_ruleset *rules;
 *     ttp_evaluator *evaluator = ttp_evaluator_new(NULL);
 *     size_t n_tags;
 *
 *     rc = ttp_ruleset_load("/etc/ttp/rules", NULL, NULL, NULL, &rules, &err);
 *     rc = ttp_event_from_json(line, line_len, &event, &err);
 *     rc = ttp_evaluator_run(evaluator, rules, event, &n_tags);
 *     for (size_t i = 0; i < n_tags; i++)
 *         use(ttp_evaluator_tag(evaluator, i));
 */
#include "ttp/api.h"
#include "ttp/attack.h"
#include "ttp/err.h"
#include "ttp/event.h"
#include "ttp/log.h"
#include "ttp/rule.h"
#include "ttp/tag.h"

#include <stddef.h>

TTP_BEGIN

typedef struct ttp_ruleset ttp_ruleset;
typedef struct ttp_evaluator ttp_evaluator;

/*
 * Compile rules[0..n_rules) into one set, which holds references of its own. Tags come out in the
 * order of the rules. attack_release is what tags carry whose rule names none ("enterprise-v18.1";
 * NULL: the built-in catalogue's).
 * Returns 0 and one reference, or -ENOMEM. Any thread.
 */
TTP_API int ttp_ruleset_new(ttp_rule *const *rules, size_t n_rules, const char *attack_release,
                            ttp_ruleset **ret_ruleset);

/*
 * Read and compile every rule file of a directory, in the order of their names. A file that is
 * refused is handed to refused (may be NULL) with ctx, and stops no other.
 * attack: the catalogue that ids are checked against (NULL: the built-in one); it must outlive the
 * call only.
 * Returns 0 and one reference, or -errno and err where the directory cannot be read. Any thread.
 */
TTP_API int ttp_ruleset_load(const char *directory, const ttp_attack *attack,
                             void (*refused)(void *ctx, const ttp_err *err), void *ctx,
                             ttp_ruleset **ret_ruleset, ttp_err *err);

TTP_API ttp_ruleset *ttp_ruleset_ref(ttp_ruleset *ruleset);
/* Takes NULL, returns NULL. Any thread. */
TTP_API ttp_ruleset *ttp_ruleset_unref(ttp_ruleset *ruleset);
/* How many rules are in the set. Any thread. */
TTP_API size_t ttp_ruleset_count(const ttp_ruleset *ruleset);

/*
 * Memory to evaluate with, for one thread at a time. log (copied; NULL: none) gets a line the first
 * time a rule's pattern is cut off at its bound. Returns NULL when out of memory.
 */
TTP_API ttp_evaluator *ttp_evaluator_new(const ttp_log *log);
/* Takes NULL, returns NULL. */
TTP_API ttp_evaluator *ttp_evaluator_free(ttp_evaluator *evaluator);

/*
 * Evaluate one event: ret_n_tags tags, to be had from ttp_evaluator_tag until the next run. They
 * borrow from event and ruleset, which must stay until then. An event of a kind that no rule names
 * has no tags. Allocates nothing once warmed up. Returns 0 or -ENOMEM.
 */
TTP_API int ttp_evaluator_run(ttp_evaluator *evaluator, const ttp_ruleset *ruleset,
                              const ttp_event *event, size_t *ret_n_tags);

/* The i-th tag of the last run; NULL where there are not so many, or memory is out. */
TTP_API const ttp_tag *ttp_evaluator_tag(ttp_evaluator *evaluator, size_t i);

TTP_END
