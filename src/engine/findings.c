/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, out of what an evaluation found. */
#include "engine/evaluator.h"

#include "base/time.h"

#include <errno.h>

#define CACHE_LINE 64

int64_t evaluator_now(evaluator *e)
{
    if (!e->now_us)
        e->now_us = time_now_coarse_us();
    return e->now_us;
}

static void write_tag(evaluator *e, const finding *f, tag *ret)
{
    const emit_row *row = f->row;
    const event *ev = e->found_in;

    ret->id = (uuid){0};
    ret->source_kind = ev->source_kind;
    ret->source_id = ev->source_id;
    ret->attacker_uuid = ev->attacker_uuid;
    ret->identity_uuid = ev->identity_uuid;
    ret->session_id = ev->session_id;
    ret->decky_id = ev->decky_id;
    ret->tactic = row->tactic;
    ret->technique_id = row->technique_id;
    ret->sub_technique_id = row->sub_technique_id;
    ret->confidence = row->confidence < f->confidence_max ? row->confidence : f->confidence_max;
    ret->rule_id = row->rule_id;
    ret->rule_version = row->rule_version;
    ret->rule_name = row->rule_name;
    ret->evidence = f->evidence;
    ret->put_evidence = evidence_put;
    ret->rule = f->rule->rule;
    ret->event = ev;
    ret->attack_release = row->attack_release;
    ret->event_us = ev->ts_us;
    ret->created_us = e->now_us;
}

/* New room is zeroed, so that no member is ever without a value. */
static int make_room(evaluator *e)
{
    size_t cap = e->cap_tags;

    if (mem_grow(e->tags, e->cap_tags, e->n_findings))
        return -ENOMEM;
    if (e->cap_tags > cap)
        memset(e->tags + cap, 0, (e->cap_tags - cap) * sizeof(*e->tags));
    return 0;
}

int evaluator_tags(evaluator *e, const tag **ret_tags)
{
    if (e->n_tags < e->n_findings) {
        if (make_room(e))
            return -ENOMEM;
        (void)evaluator_now(e); /* the tags' time */
        for (size_t i = 0; i < e->n_findings; i++) {
            __builtin_prefetch(e->findings[i].row);
            __builtin_prefetch((const char *)e->findings[i].row + CACHE_LINE);
        }
        for (; e->n_tags < e->n_findings; e->n_tags++)
            write_tag(e, &e->findings[e->n_tags], &e->tags[e->n_tags]);
    }
    *ret_tags = e->tags;
    return 0;
}
