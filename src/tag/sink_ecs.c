/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags as documents of the Elastic Common Schema, 8.11. Field sets used: base, ecs, event, threat,
 * rule, related; the rest of a tag stands under ttp. threat.* hold arrays, as the schema says they
 * should.
 */
#include "tag/out.h"
#include "tag/tag.h"

#include <errno.h>

#define ECS_VERSION "8.11.0"

typedef struct ecs_sink {
    tag_sink base;
    out out;
    const attack_catalogue *catalogue;
} ecs_sink;

static void put_time(buf *b, const char *before, int64_t us)
{
    char text[TIME_TEXT_LEN];

    time_format(us, text);
    buf_put_c(b, before);
    buf_put_char(b, '"');
    buf_put(b, text, sizeof(text));
    buf_put_char(b, '"');
}

static void put_text(buf *b, const char *before, str value)
{
    if (!value.ptr)
        return;
    buf_put_c(b, before);
    buf_put_json(b, value);
}

/* As text: its members differ from rule to rule, which an index of Elastic's does not bear. */
static void put_evidence(buf *b, const tag *t)
{
    auto_free(buf) buf text = {0};

    tag_put_evidence(&text, t);
    put_text(b, ",\"evidence\":", buf_str(&text));
    b->failed |= text.failed;
}

static void put_event(buf *b, const tag *t)
{
    char id[UUID_TEXT_LEN];

    tag_format_id(t, id);
    put_time(b, "{\"@timestamp\":", t->event_us == TIME_NONE ? t->created_us : t->event_us);
    buf_put_c(b, ",\"ecs\":{\"version\":\"" ECS_VERSION "\"}"
                 ",\"event\":{\"kind\":\"alert\",\"category\":[\"intrusion_detection\"],"
                 "\"type\":[\"info\"],\"module\":\"ttp\",\"dataset\":\"ttp.tag\"");
    put_text(b, ",\"id\":", (str){id, sizeof(id)});
    put_time(b, ",\"created\":", t->created_us);
    buf_put_char(b, '}');
}

/* "id":[..],"name":[..],"reference":[..] of what is known. */
static void put_names(buf *b, str id, str name, str url)
{
    buf_put_c(b, "\"id\":[");
    buf_put_json(b, id);
    buf_put_char(b, ']');
    if (name.len) {
        put_text(b, ",\"name\":[", name);
        buf_put_char(b, ']');
    }
    if (url.len) {
        put_text(b, ",\"reference\":[", url);
        buf_put_char(b, ']');
    }
}

static void put_technique(buf *b, const attack_catalogue *catalogue, str id)
{
    const attack_technique *found = attack_find(catalogue, id);
    char url[64];
    size_t len = attack_mitre_url(id, url);

    put_names(b, id, found ? found->name : STR_NULL,
              found && found->url.len ? found->url : (str){url, len});
}

static void put_threat(buf *b, const attack_catalogue *catalogue, const tag *t)
{
    const attack_tactic *tactic = attack_find_tactic(catalogue, t->tactic);
    char url[64];
    size_t len = attack_mitre_url(t->tactic, url);

    buf_put_c(b, ",\"threat\":{\"framework\":\"MITRE ATT&CK\",\"tactic\":{");
    put_names(b, t->tactic, tactic ? tactic->name : STR_NULL,
              tactic && tactic->url.len ? tactic->url : (str){url, len});
    buf_put_c(b, "},\"technique\":{");
    put_technique(b, catalogue, t->technique_id);
    if (t->sub_technique_id.ptr) {
        buf_put_c(b, ",\"subtechnique\":{");
        put_technique(b, catalogue, t->sub_technique_id);
        buf_put_char(b, '}');
    }
    buf_put_c(b, "}}");
}

static void put_rule(buf *b, const tag *t)
{
    put_text(b, ",\"rule\":{\"id\":", t->rule_id);
    buf_put_c(b, ",\"version\":\"");
    buf_put_i64(b, t->rule_version);
    buf_put_char(b, '"');
    put_text(b, ",\"name\":", t->rule_name);
    buf_put_char(b, '}');
}

static void put_rest(buf *b, const tag *t)
{
    if (t->decky_id.ptr) {
        put_text(b, ",\"related\":{\"hosts\":[", t->decky_id);
        buf_put_c(b, "]}");
    }
    buf_put_c(b, ",\"ttp\":{\"confidence\":");
    buf_put_double(b, t->confidence);
    put_text(b, ",\"attack_release\":", t->attack_release);
    put_text(b, ",\"source_kind\":", t->source_kind);
    put_text(b, ",\"source_id\":", t->source_id);
    put_text(b, ",\"attacker_uuid\":", t->attacker_uuid);
    put_text(b, ",\"identity_uuid\":", t->identity_uuid);
    put_text(b, ",\"session_id\":", t->session_id);
    put_text(b, ",\"decky_id\":", t->decky_id);
    put_evidence(b, t);
    buf_put_c(b, "}}\n");
}

static int render_one(const tag_sink *s, buf *b, const tag *t, ttp_err *err)
{
    const ecs_sink *e = (const ecs_sink *)s;
    int rc = tag_check(t, err);

    if (rc)
        return rc;
    put_event(b, t);
    put_threat(b, e->catalogue, t);
    put_rule(b, t);
    put_rest(b, t);
    return 0;
}

static int ecs_render(const tag_sink *s, tag_clock *clock, buf *b, const tag *tags, size_t n,
                      ttp_err *err)
{
    int rc = 0;

    (void)clock; /* its times are formatted one by one */
    for (size_t i = 0; !rc && i < n; i++)
        rc = render_one(s, b, &tags[i], err);
    return rc;
}

static int ecs_put(tag_sink *s, const tag *t, ttp_err *err)
{
    ecs_sink *e = (ecs_sink *)s;
    int rc = render_one(s, &e->out.data, t, err);

    return rc ? rc : out_commit(&e->out, err);
}

static int ecs_put_rendered(tag_sink *s, str rendered, ttp_err *err)
{
    return out_put(&((ecs_sink *)s)->out, rendered, err);
}

static int ecs_flush(tag_sink *s, ttp_err *err)
{
    return out_flush(&((ecs_sink *)s)->out, err);
}

static void ecs_free(tag_sink *s)
{
    out_done(&((ecs_sink *)s)->out);
    free(s);
}

int tag_sink_ecs_new(int fd, const attack_catalogue *catalogue, tag_sink **ret_sink)
{
    static const tag_sink_ops ops = {ecs_put,    ecs_flush,        ecs_free,
                                     ecs_render, ecs_put_rendered, false};
    ecs_sink *e = malloc(sizeof(*e));

    if (!e)
        return -ENOMEM;
    e->base.ops = &ops;
    e->catalogue = catalogue ? catalogue : attack_builtin();
    out_init(&e->out, fd);
    *ret_sink = &e->base;
    return 0;
}
