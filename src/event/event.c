/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>

static const struct {
    str name, default_field;
} kinds[EVENT_N_KINDS] = {
    [EVENT_COMMAND] = {STR("command"), STR("command_text")},
    [EVENT_INTEL] = {STR("intel"), STR("verdict")},
    [EVENT_EMAIL] = {STR("email"), STR("subject")},
    [EVENT_CANARY_FINGERPRINT] = {STR("canary_fingerprint"), STR("ua_signature")},
    [EVENT_IDENTITY] = {STR("identity"), STR_NULL},
    [EVENT_CREDENTIAL] = {STR("credential"), STR_NULL},
    [EVENT_AUTH_ATTEMPT] = {STR("auth_attempt"), STR("username")},
    [EVENT_PAYLOAD] = {STR("payload"), STR("payload_text")},
    [EVENT_SESSION] = {STR("session"), STR_NULL},
    [EVENT_HTTP_REQUEST] = {STR("http_request"), STR("raw_url")},
    [EVENT_HTTP_FINGERPRINT] = {STR("http_fingerprint"), STR_NULL},
    [EVENT_IPV6_LEAK] = {STR("ipv6_leak"), STR_NULL},
};

event_kind event_kind_from_name(str name)
{
    for (int kind = 0; kind < EVENT_N_KINDS; kind++) {
        if (str_eq(kinds[kind].name, name))
            return kind;
    }
    return EVENT_UNKNOWN_KIND;
}

const char *event_kind_name(event_kind kind)
{
    return kind < EVENT_N_KINDS ? kinds[kind].name.ptr : NULL;
}

str event_kind_default_field(event_kind kind)
{
    return kind < EVENT_N_KINDS ? kinds[kind].default_field : STR_NULL;
}

/* The members an event may have; the last of a name counts, as everywhere. */
typedef struct members {
    const json_node *source_kind, *source_id, *anchors[4], *ts, *payload;
} members;

static const str anchor_names[4] = {STR("attacker_uuid"), STR("identity_uuid"), STR("session_id"),
                                    STR("decky_id")};

static void take_member(members *m, str key, const json_node *value)
{
    if (str_eq(key, STR("source_kind")))
        m->source_kind = value;
    else if (str_eq(key, STR("source_id")))
        m->source_id = value;
    else if (str_eq(key, STR("ts")))
        m->ts = value;
    else if (str_eq(key, STR("payload")))
        m->payload = value;
    for (int i = 0; i < 4; i++) {
        if (str_eq(key, anchor_names[i]))
            m->anchors[i] = value;
    }
}

bool event_has_member(str key)
{
    static const json_node node = {0};
    members m = {0};

    take_member(&m, key, &node);
    return memcmp(&m, &(members){0}, sizeof(m)) != 0;
}

static int read_required(const json_node *node, const char *name, str *ret, const char *where,
                         unsigned line, ttp_err *err)
{
    if (!node)
        return err_at(err, TTP_E_INVALID, where, line, 0, "no %s; an event needs one", name);
    if (node->type != JSON_STRING || node->len == 0)
        return err_at(err, TTP_E_INVALID, where, line, 0, "%s must be a string that is not empty",
                      name);
    *ret = json_str(node);
    return 0;
}

static int read_anchors(const members *m, event *e, const char *where, unsigned line, ttp_err *err)
{
    str *const to[4] = {&e->attacker_uuid, &e->identity_uuid, &e->session_id, &e->decky_id};

    for (int i = 0; i < 4; i++) {
        if (!m->anchors[i] || m->anchors[i]->type == JSON_NULL)
            continue;
        if (m->anchors[i]->type != JSON_STRING)
            return err_at(err, TTP_E_INVALID, where, line, 0, "%s must be a string or null",
                          anchor_names[i].ptr);
        *to[i] = json_str(m->anchors[i]);
    }
    return 0;
}

static int read_time(const json_node *node, event *e, const char *where, unsigned line,
                     ttp_err *err)
{
    char quoted[80];

    if (!node || node->type == JSON_NULL)
        return 0;
    if (node->type != JSON_STRING)
        return err_at(err, TTP_E_INVALID, where, line, 0, "ts must be an ISO 8601 string or null");
    if (time_parse(json_str(node), &e->ts_us))
        return err_at(err, TTP_E_INVALID, where, line, 0,
                      "ts is \"%s\"; expected a time like 2026-07-10T01:01:37.082718Z",
                      err_quote(quoted, sizeof(quoted), node->str, node->len, 40));
    return 0;
}

int event_from_node(const json_node *root, event *ret_event, const char *where, unsigned line,
                    ttp_err *err)
{
    event e = {.ts_us = TIME_NONE};
    members m = {0};
    int rc;

    if (root->type != JSON_OBJECT)
        return err_at(err, TTP_E_INVALID, where, line, 0, "an event must be a JSON object");
    for (const json_node *n = root + 1; n < root + root->n_nodes; n = json_next(n + 1))
        take_member(&m, json_str(n), n + 1);

    rc = read_required(m.source_kind, "source_kind", &e.source_kind, where, line, err);
    if (!rc)
        rc = read_required(m.source_id, "source_id", &e.source_id, where, line, err);
    if (!rc)
        rc = read_anchors(&m, &e, where, line, err);
    if (!rc)
        rc = read_time(m.ts, &e, where, line, err);
    if (rc)
        return rc;
    if (!m.payload || m.payload->type != JSON_OBJECT)
        return err_at(err, TTP_E_INVALID, where, line, 0,
                      m.payload ? "payload must be an object" : "no payload; an event needs one");
    e.payload = m.payload;
    e.kind = event_kind_from_name(e.source_kind);
    *ret_event = e;
    return 0;
}

/* The event stands first, so that the public pointer is the owner's, too; its nodes follow. */
typedef struct owned_event {
    event event;
    json_node nodes[];
} owned_event;

static int own_event(const json_node *root, owned_event **ret_owned, ttp_err *err)
{
    owned_event *o = malloc(sizeof(*o) + json_copy_size(root));
    int rc;

    if (!o)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    rc = event_from_node(json_copy(root, o->nodes), &o->event, NULL, 0, err);
    if (rc)
        free(o);
    else
        *ret_owned = o;
    return rc;
}

int ttp_event_from_json(const void *text, size_t len, ttp_event **ret_event, ttp_err *err)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    const json_node *root;
    owned_event *o = NULL;
    int rc;

    if (!doc)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    rc = json_parse_copy(doc, (str){text, len}, TTP_EVENT_MAX, &root, NULL, err);
    if (!rc)
        rc = own_event(root, &o, err);
    if (!rc)
        *ret_event = &o->event;
    return rc;
}

ttp_event *ttp_event_free(ttp_event *e)
{
    free(e); /* one block, of which the event is the head */
    return NULL;
}
