/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tag (include/ttp/tag.h): one row. This event shows this technique, says this rule, this sure.
 *
 *     evaluator --tag--> sink: jsonl | ecs | table | navigator | sqlite
 *     JSON Lines, SQLite --tag--> sink          (exports)
 *
 * Slices borrow from the event, the rule and the evaluator; valid until the evaluator's next event.
 * A sink writes tags somewhere; sinks copy what they keep.
 */
#include "attack/attack.h"
#include "base/json.h"
#include "base/str.h"
#include "base/time.h"
#include "base/uuid.h"
#include "ttp/err.h"
#include "ttp/tag.h"

#define TAG_CONFIDENCE_FLOOR 0.3

struct ttp_tag {
    uuid id; /* nil: follows from the columns, see tag_get_id */
    str source_kind, source_id;
    str attacker_uuid, identity_uuid, session_id, decky_id; /* STR_NULL where absent */
    str tactic, technique_id, sub_technique_id;             /* the last may be STR_NULL */
    double confidence;
    str rule_id;
    int64_t rule_version;
    str rule_name; /* no column, for people who read a sink's output; STR_NULL where unknown */
    str evidence;  /* a JSON object as compact text; absent: put_evidence writes it, or it is {} */
    /* Writes the evidence of a tag that nobody may ask for; reads rule and event. May be NULL. */
    void (*put_evidence)(buf *b, const ttp_tag *t);
    const void *rule, *event;
    str attack_release;
    int64_t event_us;   /* when the event happened, TIME_NONE where unknown */
    int64_t created_us; /* when this row was made */
};
typedef ttp_tag tag;

/* The namespace of DESIGN 8. */
extern const uuid tag_namespace;

/* UUIDv5 over source_kind|source_id|rule_id|rule_version|technique_id|sub_technique_id. */
uuid tag_make_id(str source_kind, str source_id, str rule_id, int64_t rule_version,
                 str technique_id, str sub_technique_id);
/* The tag's id: as given, else made from its columns. */
uuid tag_get_id(const tag *t);
/* The same as text; out is not NUL-terminated. */
void tag_format_id(const tag *t, char out[UUID_TEXT_LEN]);
/* Append the evidence, a JSON object. */
void tag_put_evidence(buf *b, const tag *t);

/* The sub-technique where there is one, else the technique. */
str tag_most_specific(const tag *t);

/* Is it a row: an anchor, a confidence in [0,1]. Returns 0 or TTP_E_INVALID. */
int tag_check(const tag *t, ttp_err *err);

bool tag_is_rule_id(str s); /* [A-Za-z0-9_]{1,64} */
bool tag_is_release(str s); /* [A-Za-z0-9._-]{1,64} */

/*
 * Append the columns of ttp_tag as one JSON object, no newline: uuid, source_kind, source_id,
 * attacker_uuid, identity_uuid, session_id, decky_id, tactic, technique_id, sub_technique_id,
 * confidence, rule_id, rule_version, evidence (object), attack_release, mitre_url, created_at.
 */
void tag_write_json(buf *b, const tag *t);
/*
 * The same for many, a line each. Tags of one event stand side by side, and tags made in the same
 * second share its text, so that both are written once.
 */
typedef struct tag_clock {
    int64_t start_us; /* of the second whose text this is */
    char text[TIME_TEXT_LEN];
    bool is_set;
} tag_clock;
void tag_write_json_lines(buf *b, const tag *tags, size_t n, tag_clock *clock);

/*
 * The inverse: view a parsed object as a tag. It borrows from root and, for evidence, from the
 * buffer given (overwritten). Unknown members are ignored; mitre_url follows from the technique;
 * event_us is unknown. Returns 0, TTP_E_INVALID (the sentence names the member) or -ENOMEM.
 */
int tag_read_json(const json_node *root, buf *evidence, tag *ret_tag, const char *where,
                  unsigned line, ttp_err *err);

/*
 * Read the tags of a SQLite database, oldest row first. fn is called for each; what it returns but
 * 0 ends the reading and is returned. Rows that are no tags (made by hand) are counted in ret_bad;
 * first_bad, if not NULL, tells of the first. Returns 0 or what schema_check (db/schema.h) returns.
 */
typedef int tag_row_fn(void *ctx, const tag *t, ttp_err *err);
int tag_read_sqlite(const char *url, tag_row_fn *fn, void *ctx, uint64_t *ret_bad,
                    ttp_err *first_bad, ttp_err *err);

/*
 * Sink: where tags go. One thread. put copies what it keeps; flush makes what was put durable or
 * visible; free flushes nothing. After an error a sink keeps what it could not write, and may be
 * flushed again. A tag that tag_check refuses is refused by put. Sinks that write to a descriptor
 * do not close it, and rely on the program to ignore SIGPIPE.
 */
typedef struct tag_sink tag_sink;
typedef struct tag_sink_ops {
    int (*put)(tag_sink *s, const tag *t, ttp_err *err);
    int (*flush)(tag_sink *s, ttp_err *err);
    void (*free)(tag_sink *s);
    /* of a sink that writes each tag by itself, else NULL: */
    int (*render)(const tag_sink *s, tag_clock *clock, buf *out, const tag *tags, size_t n,
                  ttp_err *err);
    int (*put_rendered)(tag_sink *s, str rendered, ttp_err *err);
    bool flushes_once; /* its output is a whole, printed at the end */
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
/* Can tags be rendered for it, by any thread, and handed over as bytes? */
static inline bool tag_sink_renders(const tag_sink *s)
{
    return s->ops->render;
}
/*
 * Append what the sink would write for an event's tags. Any thread; b and clock (zeroed at first)
 * are its own. A failed allocation is b's to tell. Returns 0 or what tag_check returns.
 */
static inline int tag_sink_render(const tag_sink *s, tag_clock *clock, buf *b, const tag *tags,
                                  size_t n, ttp_err *err)
{
    return s->ops->render(s, clock, b, tags, n, err);
}
/* Put rendered tags, whole ones. */
static inline int tag_sink_put_rendered(tag_sink *s, str rendered, ttp_err *err)
{
    return s->ops->put_rendered(s, rendered, err);
}
/* Make what was put visible, where that can be done more than once: when nothing more comes soon.
 */
static inline int tag_sink_settle(tag_sink *s, ttp_err *err)
{
    return s->ops->flushes_once ? 0 : s->ops->flush(s, err);
}
static inline tag_sink *tag_sink_free(tag_sink *s)
{
    if (s)
        s->ops->free(s);
    return NULL;
}
DEFINE_FREE_PTR(tag_sink, tag_sink *, tag_sink_free)

/* JSON Lines, written in large blocks. */
int tag_sink_jsonl_new(int fd, tag_sink **ret_sink);

/*
 * Elastic Common Schema 8.11, one document a line. What ECS has no field for stands under ttp.*;
 * evidence is JSON text there, so that keys which attackers chose make no fields in anyone's index.
 * catalogue NULL: the built-in one.
 */
int tag_sink_ecs_new(int fd, const attack_catalogue *catalogue, tag_sink **ret_sink);

/*
 * Summary table, printed at flush (so flush once, at the end): tactic, technique, name, count,
 * first and last seen, confidence (highest), top rule. One row a tactic and technique, in
 * kill-chain order, then by count; a line of totals. width: columns of the terminal, 0 for no
 * limit. Nothing in it can steer a terminal but, where color, its own colours.
 */
int tag_sink_table_new(int fd, const attack_catalogue *catalogue, unsigned width, bool color,
                       tag_sink **ret_sink);

/*
 * Counts techniques for a Navigator layer 4.5, written at flush (once, at the end). No tags give a
 * valid, empty layer. A layer is of one ATT&CK release: the most frequent one; its description
 * counts the tags of others.
 */
int tag_sink_navigator_new(int fd, const attack_catalogue *catalogue, const char *layer_name,
                           tag_sink **ret_sink);
/* After flush: tags that are not in the layer, being of another release. */
uint64_t tag_sink_navigator_left_out(const tag_sink *s);

/*
 * SQLite (ttp_tag of DESIGN 10), insert-or-ignore in batches of one transaction each; url as
 * db/url.h reads it. Another writer is waited for 30 seconds. Returns 0 or what sqlite_db_open and
 * schema_prepare (db/) return.
 */
int tag_sink_sqlite_new(const char *url, tag_sink **ret_sink, ttp_err *err);
/* Rows really inserted and committed so far by a SQLite sink. */
uint64_t tag_sink_sqlite_inserted(const tag_sink *s);
