/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tag: one row. This event shows this technique, says this rule, this sure.
 * Slices borrow from the event, the rule and the evaluator; valid until the evaluator's next event.
 * A sink writes tags somewhere; sinks copy what they keep.
 */
#include "attack/attack.h"
#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "base/uuid.h"
#include "ttp/err.h"

#define TAG_CONFIDENCE_FLOOR 0.3

typedef struct tag {
    uuid id;
    str source_kind, source_id;
    str attacker_uuid, identity_uuid, session_id, decky_id; /* STR_NULL where absent */
    str tactic, technique_id, sub_technique_id;             /* the last may be STR_NULL */
    double confidence;
    str rule_id;
    int64_t rule_version;
    str evidence;       /* a JSON object as compact text */
    str attack_release;
    int64_t event_us;   /* when the event happened, TIME_NONE where unknown */
    int64_t created_us; /* when this row was made */
} tag;

/* The namespace of DESIGN 8. */
extern const uuid tag_namespace;
/* UUIDv5 over source_kind|source_id|rule_id|rule_version|technique_id|sub_technique_id. */
uuid tag_make_id(str source_kind, str source_id, str rule_id, int64_t rule_version, str technique_id, str sub_technique_id);

/* Append the columns of ttp_tag as one JSON object, no newline: uuid, source_kind, source_id, attacker_uuid, identity_uuid, session_id,
 * decky_id, tactic, technique_id, sub_technique_id, confidence, rule_id, rule_version, evidence (object), attack_release, mitre_url, created_at. */
void tag_write_json(buf *b, const tag *t);

/*
 * Sink: where tags go. One thread. put copies; flush makes what was put durable or visible; free flushes nothing.
 */
typedef struct tag_sink tag_sink;
typedef struct tag_sink_ops {
    int (*put)(tag_sink *s, const tag *t, ttp_err *err);
    int (*flush)(tag_sink *s, ttp_err *err);
    void (*free)(tag_sink *s);
} tag_sink_ops;
struct tag_sink {
    const tag_sink_ops *ops;
};
static inline int tag_sink_put(tag_sink *s, const tag *t, ttp_err *err)
{
    return s->ops->put(s, t, err);
}
static inline int tag_sink_flush(tag_sink *s, ttp_err *err)
{
    return s->ops->flush(s, err);
}
static inline tag_sink *tag_sink_free(tag_sink *s)
{
    if (s)
        s->ops->free(s);
    return NULL;
}
DEFINE_FREE_PTR(tag_sink, tag_sink *, tag_sink_free)

/* JSON Lines to a file descriptor (not closed), written in large blocks. EPIPE and ENOSPC are errors with a sentence. */
int tag_sink_jsonl_new(int fd, tag_sink **ret_sink);
/* Elastic Common Schema (threat.technique.*), one document a line. */
int tag_sink_ecs_new(int fd, const attack_catalogue *catalogue, tag_sink **ret_sink);
/*
 * Summary table, printed at flush: tactic, technique, name, count, first and last seen, confidence (highest), top rule;
 * width: columns of the terminal, 0 for no limit. One row a technique and tactic, in kill-chain order, then by count.
 */
int tag_sink_table_new(int fd, const attack_catalogue *catalogue, unsigned width, bool color, tag_sink **ret_sink);
/* Collects (technique, tactic) counts for a Navigator layer 4.5 and writes it at flush. A layer with no tags is valid and empty. */
int tag_sink_navigator_new(int fd, const attack_catalogue *catalogue, const char *layer_name, tag_sink **ret_sink);
/* SQLite (ttp_tag of DESIGN 10), insert-or-ignore in batches; url: a path or sqlite:///path. ret_inserted in stats. */
int tag_sink_sqlite_new(const char *url, tag_sink **ret_sink, ttp_err *err);
/* rows really inserted so far by a SQLite sink (after flush) */
uint64_t tag_sink_sqlite_inserted(const tag_sink *s);
