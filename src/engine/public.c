/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of the engine (contract: ttp/engine.h). */
#include "engine/evaluator.h"

int ttp_ruleset_new(ttp_rule *const *rules, size_t n_rules, const char *attack_release_name,
                    ttp_ruleset **ret_ruleset)
{
    str release = attack_release_name ? str_from(attack_release_name)
                                      : attack_release(attack_builtin());

    return engine_index_new(rules, n_rules, release, ret_ruleset);
}

int ttp_ruleset_load(const char *directory, const ttp_attack *attack,
                     void (*refused)(void *ctx, const ttp_err *err), void *ctx,
                     ttp_ruleset **ret_ruleset, ttp_err *err)
{
    const rule_context context = {.catalogue = attack ? attack : attack_builtin()};
    rule_dir dir = {0};
    int rc = rule_dir_read(directory, &context, &dir, err);

    if (rc)
        return rc;
    for (size_t i = 0; refused && i < dir.n_errors; i++)
        refused(ctx, &dir.errors[i]);
    rc = engine_index_new(dir.rules, dir.n_rules, attack_release(context.catalogue), ret_ruleset);
    rule_dir_done(&dir);
    return rc;
}

ttp_ruleset *ttp_ruleset_ref(ttp_ruleset *ruleset)
{
    return engine_index_ref(ruleset);
}

ttp_ruleset *ttp_ruleset_unref(ttp_ruleset *ruleset)
{
    return engine_index_unref(ruleset);
}

size_t ttp_ruleset_count(const ttp_ruleset *ruleset)
{
    return engine_index_count(ruleset);
}

ttp_evaluator *ttp_evaluator_new(const ttp_log *log)
{
    return evaluator_new(NULL, log);
}

ttp_evaluator *ttp_evaluator_free(ttp_evaluator *e)
{
    return evaluator_free(e);
}

int ttp_evaluator_run(ttp_evaluator *e, const ttp_ruleset *ruleset, const ttp_event *ev,
                      size_t *ret_n_tags)
{
    return evaluator_find(e, ruleset, ev, ret_n_tags);
}

int ttp_evaluator_run_live(ttp_evaluator *e, const ttp_event *ev, size_t *ret_n_tags)
{
    return evaluator_find_live(e, ev, ret_n_tags);
}

/* Sinks write evidence where they need it; here it must be somewhere that lasts until the next run.
 */
const ttp_tag *ttp_evaluator_tag(ttp_evaluator *e, size_t i)
{
    const tag *tags;
    tag *t;
    str evidence;

    if (i >= e->n_findings || evaluator_tags(e, &tags))
        return NULL;
    t = &e->tags[i];
    if (t->evidence.len)
        return t;
    buf_clear(&e->text);
    tag_put_evidence(&e->text, t);
    evidence = e->text.failed ? STR_NULL : arena_str(&e->mem, buf_str(&e->text));
    if (!evidence.ptr)
        return NULL;
    t->evidence = evidence;
    return t;
}
