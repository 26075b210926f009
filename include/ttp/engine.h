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
 *
 * Where rules change while events are evaluated, an engine stands between:
 *
 *     changes --ttp_engine_apply--> ttp_engine: the current snapshot of rules and states
 *                                        |
 *     event ---ttp_evaluator_run_live----+--> tags, by the snapshot that was current
 *
 * An evaluator that follows an engine takes no lock, waits for nobody and writes nothing that is
 * shared: it looks at one pointer before each event and holds on to the snapshot it found. A change
 * makes the next snapshot beside the last, publishes it by one store of that pointer, and the last
 * snapshot is freed once no evaluator holds it. An engine starts no thread; ttp_follower_open
 * (ttp/follow.h) makes it follow a store.
 *
 * Processes: a child made by fork without exec may not use an engine of its parent's, nor one of
 * its own if the parent had one. A process may exit at any time. The library must not be unloaded
 * (dlclose) before every engine and evaluator is freed.
 */
#include "ttp/api.h"
#include "ttp/attack.h"
#include "ttp/change.h"
#include "ttp/counts.h"
#include "ttp/err.h"
#include "ttp/event.h"
#include "ttp/log.h"
#include "ttp/rule.h"
#include "ttp/tag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

TTP_BEGIN

typedef struct ttp_ruleset ttp_ruleset;
typedef struct ttp_evaluator ttp_evaluator;
typedef struct ttp_engine ttp_engine;

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
 * time a rule's pattern is cut off at its bound. What it found in the last some thousand texts it
 * remembers, in 1.2 MB that it takes when it first meets a large rule set. Returns NULL when out of
 * memory.
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

typedef struct ttp_engine_options {
    /* what tags carry whose rule names none; NULL: the built-in catalogue's */
    const char *attack_release;
} ttp_engine_options;

/* An engine without rules. options may be NULL. Returns 0 or -ENOMEM. */
TTP_API int ttp_engine_new(const ttp_engine_options *options, ttp_engine **ret_engine);
/* No evaluator may follow it any more. Takes NULL, returns NULL. */
TTP_API ttp_engine *ttp_engine_free(ttp_engine *engine);

/*
 * From now on these are the rules, and states[i] what is set on rules[i] (states NULL: nothing).
 * Tags come in this order of rules. What is counted of a rule stays. The engine takes references of
 * its own. Returns 0, or -ENOMEM: then the rules are as they were. Any thread; one after the other.
 */
TTP_API int ttp_engine_reset(ttp_engine *engine, ttp_rule *const *rules,
                             const ttp_rule_state *states, size_t n);

/*
 * Take these changes in, in their order, as one new snapshot: who evaluates sees none of them, or
 * all. It is in effect when the call returns. An edited rule keeps its place among the tags; a new
 * one stands where its file name puts it, or its rule_id if it came from no file. The state of a
 * rule that is not there (yet) is kept for it. A state alone compiles nothing. Returns 0, or
 * -ENOMEM: then what is in effect stays, and ttp_engine_reset has to bring the rules in anew. Any
 * thread; one after the other.
 */
TTP_API int ttp_engine_apply(ttp_engine *engine, const ttp_change *changes, size_t n);

/*
 * Edits leave holes, which cost memory and some of each evaluation. This makes all anew, where it
 * is worth it: for who has nothing else to do, or a thread to spare, since changes are taken in
 * meanwhile (it takes tens of milliseconds for 10,000 rules, of which they wait for less than one).
 * Where nobody does it, an apply does when there are far too many, after its changes are in effect.
 * Returns 0 or -ENOMEM: what is in effect stays. Any thread.
 */
TTP_API int ttp_engine_tidy(ttp_engine *engine);
/* Are there so many holes that it should not wait any longer? Any thread. */
TTP_API bool ttp_engine_is_worn(ttp_engine *engine);

/* The number of the current snapshot: it rises with each reset and apply. Any thread. */
TTP_API uint64_t ttp_engine_generation(const ttp_engine *engine);
/* How many rules the current snapshot holds. Any thread. */
TTP_API size_t ttp_engine_count(ttp_engine *engine);
/* Is there a rule of this id? Any thread. */
TTP_API bool ttp_engine_has(ttp_engine *engine, const char *rule_id);

/*
 * Tell fn of each rule, in the order of tags, what came of it since the engine was made, over all
 * evaluators that ever followed it. What evaluators count at the same time may or may not be
 * contained. fn must not call the engine. Any thread.
 */
TTP_API void ttp_engine_counts(ttp_engine *engine,
                               void (*fn)(void *ctx, const char *rule_id,
                                          const ttp_rule_counts *counts),
                               void *ctx);

/*
 * From now on ttp_evaluator_run_live evaluates by this engine's rules; NULL: by none any more,
 * which ttp_evaluator_free does, too. The last run's tags are gone. Returns 0 or -ENOMEM.
 */
TTP_API int ttp_evaluator_follow(ttp_evaluator *evaluator, ttp_engine *engine);

/*
 * The same as ttp_evaluator_run by the engine's rules and states as they are now. The tags borrow
 * from event and the snapshot, which the evaluator holds on to until its next call. The evaluator
 * must follow an engine. Returns 0 or -ENOMEM.
 */
TTP_API int ttp_evaluator_run_live(ttp_evaluator *evaluator, const ttp_event *event,
                                   size_t *ret_n_tags);

/* The number of the snapshot that the last ttp_evaluator_run_live went by; 0: there is none. */
TTP_API uint64_t ttp_evaluator_generation(const ttp_evaluator *evaluator);

/*
 * No event is at hand: let go of the snapshot, so that it can be freed when it is outdated. The
 * last run's tags are gone. The next run takes the current one.
 */
TTP_API void ttp_evaluator_idle(ttp_evaluator *evaluator);

TTP_END
