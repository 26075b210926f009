/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/tag.h"

#include "base/err.h"
#include "base/json_text.h"

#include <errno.h>

const uuid tag_namespace = {{0x1c, 0xa3, 0x1f, 0x08, 0x55, 0x22, 0x5a, 0xae, 0x83, 0x71, 0xfe, 0x81,
                             0xf0, 0xe3, 0x9d, 0xe3}};

uuid tag_make_id(str source_kind, str source_id, str rule_id, int64_t rule_version,
                 str technique_id, str sub_technique_id)
{
    char digits[DIGITS_MAX];
    const str bar = STR("|"), version = str_from_i64(rule_version, digits);
    const str pieces[] = {source_kind, bar, source_id,    bar, rule_id,         bar,
                          version,     bar, technique_id, bar, sub_technique_id};

    return uuid_v5_pieces(&tag_namespace, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

uuid tag_get_id(const tag *t)
{
    static const uuid nil = {0};

    if (memcmp(&t->id, &nil, sizeof(nil)) != 0)
        return t->id;
    return tag_make_id(t->source_kind, t->source_id, t->rule_id, t->rule_version, t->technique_id,
                       t->sub_technique_id);
}

void tag_format_id(const tag *t, char out[UUID_TEXT_LEN])
{
    uuid id = tag_get_id(t);

    uuid_format(&id, out);
}

void tag_put_evidence(buf *b, const tag *t)
{
    if (t->evidence.len)
        buf_put_str(b, t->evidence);
    else if (t->put_evidence)
        t->put_evidence(b, t);
    else
        buf_put_str(b, STR("{}"));
}

str tag_most_specific(const tag *t)
{
    return t->sub_technique_id.ptr ? t->sub_technique_id : t->technique_id;
}

int tag_check(const tag *t, ttp_err *err)
{
    if (!t->attacker_uuid.ptr && !t->identity_uuid.ptr)
        return err_set(err, TTP_E_INVALID, NULL,
                       "a tag has no anchor: expected attacker_uuid or identity_uuid");
    if (!(t->confidence >= 0 && t->confidence <= 1))
        return err_set(err, TTP_E_INVALID, NULL, "a tag's confidence is not between 0 and 1");
    return 0;
}

/* A value as JSON; an absent one is null. There is room for it as long as it needs no escapes. */
static void put_value(buf *b, str value)
{
    char *out = b->ptr + b->len;

    if (!value.ptr) {
        memcpy(out, "null", 4);
        b->len += 4;
    } else if (json_copy_plain(out + 1, value.ptr, value.len) == value.len) {
        out[0] = out[value.len + 1] = '"';
        b->len += value.len + 2;
    } else {
        buf_put_json(b, value);
    }
}

/* `,"name":` is a literal: where this is inlined it is copied as words, without a call. */
static inline __attribute__((always_inline)) void put_member(buf *b, str name, str value)
{
    if (!buf_reserve(b, name.len + value.len + sizeof("\"null\"")))
        return;
    memcpy(b->ptr + b->len, name.ptr, name.len);
    b->len += name.len;
    put_value(b, value);
}

/* The text of a time, of which only the digits behind the second differ from the one before. */
static void format_time(tag_clock *clock, int64_t us)
{
    int64_t rest = us - clock->start_us;
    char *end = clock->text + sizeof(clock->text) - 1;

    if (clock->is_set && rest >= 0 && rest < 1000000) {
        for (unsigned i = 0; i < 6; i++, rest /= 10)
            *--end = (char)('0' + rest % 10);
        return;
    }
    time_format(us, clock->text);
    clock->is_set = us >= 0 && us < INT64_C(253402300800000000); /* 1970 to 9999: never clamped */
    clock->start_us = us - us % 1000000;
}

static void put_time(buf *b, str name, int64_t us, tag_clock *clock)
{
    if (us != TIME_NONE)
        format_time(clock, us);
    put_member(b, name, us == TIME_NONE ? STR_NULL : (str){clock->text, sizeof(clock->text)});
}

static void put_url(buf *b, str technique_id)
{
    char url[64];
    size_t len = attack_mitre_url(technique_id, url);

    put_member(b, STR(",\"mitre_url\":"), len ? (str){url, len} : STR_NULL);
}

static bool same_str(str a, str b)
{
    return a.ptr == b.ptr && a.len == b.len;
}

/* Do both take their columns from one event? Then their slices are the same, too. */
static bool share_event(const tag *a, const tag *b)
{
    return same_str(a->source_kind, b->source_kind) && same_str(a->source_id, b->source_id) &&
           same_str(a->attacker_uuid, b->attacker_uuid) &&
           same_str(a->identity_uuid, b->identity_uuid) && same_str(a->session_id, b->session_id) &&
           same_str(a->decky_id, b->decky_id);
}

static bool share_evidence(const tag *a, const tag *b)
{
    return same_str(a->evidence, b->evidence) && a->put_evidence == b->put_evidence &&
           a->rule == b->rule && a->event == b->event;
}

typedef struct piece {
    size_t start, end; /* in the output */
} piece;

/* What was written already once more. */
static void put_again(buf *b, piece p)
{
    if (buf_reserve(b, p.end - p.start)) {
        memcpy(b->ptr + b->len, b->ptr + p.start, p.end - p.start);
        b->len += p.end - p.start;
    }
}

static void put_event(buf *b, const tag *t)
{
    put_member(b, STR(",\"source_kind\":"), t->source_kind);
    put_member(b, STR(",\"source_id\":"), t->source_id);
    put_member(b, STR(",\"attacker_uuid\":"), t->attacker_uuid);
    put_member(b, STR(",\"identity_uuid\":"), t->identity_uuid);
    put_member(b, STR(",\"session_id\":"), t->session_id);
    put_member(b, STR(",\"decky_id\":"), t->decky_id);
}

static void put_finding(buf *b, const tag *t)
{
    put_member(b, STR(",\"tactic\":"), t->tactic);
    put_member(b, STR(",\"technique_id\":"), t->technique_id);
    put_member(b, STR(",\"sub_technique_id\":"), t->sub_technique_id);
    buf_put_str(b, STR(",\"confidence\":"));
    buf_put_double(b, t->confidence);
    put_member(b, STR(",\"rule_id\":"), t->rule_id);
    buf_put_str(b, STR(",\"rule_version\":"));
    buf_put_i64(b, t->rule_version);
    buf_put_str(b, STR(",\"evidence\":"));
}

/* What was written for the tag before, which may be of the same event and rule. */
typedef struct pieces {
    piece event, evidence;
} pieces;

static void write_tag(buf *b, const tag *t, const tag *before, pieces *p, tag_clock *clock)
{
    char id[UUID_TEXT_LEN];

    tag_format_id(t, id);
    put_member(b, STR("{\"uuid\":"), (str){id, sizeof(id)});
    if (before && share_event(t, before)) {
        put_again(b, p->event);
    } else {
        p->event.start = b->len;
        put_event(b, t);
        p->event.end = b->len;
    }
    put_finding(b, t);
    if (before && share_evidence(t, before)) {
        put_again(b, p->evidence);
    } else {
        p->evidence.start = b->len;
        tag_put_evidence(b, t);
        p->evidence.end = b->len;
    }
    put_member(b, STR(",\"attack_release\":"), t->attack_release);
    put_url(b, tag_most_specific(t));
    put_time(b, STR(",\"created_at\":"), t->created_us, clock);
    buf_put_char(b, '}');
}

void tag_write_json(buf *b, const tag *t)
{
    tag_clock clock = {0};
    pieces p;

    write_tag(b, t, NULL, &p, &clock);
}

void tag_write_json_lines(buf *b, const tag *tags, size_t n, tag_clock *clock)
{
    pieces p;

    for (size_t i = 0; i < n; i++) {
        write_tag(b, &tags[i], i ? &tags[i - 1] : NULL, &p, clock);
        buf_put_char(b, '\n');
    }
}

/* The string columns of ttp_tag: where each goes, and what it must look like. */
static const struct text_column {
    const char *name;
    size_t offset;
    bool required;
    bool (*well_formed)(str value); /* NULL: any text */
    const char *expected;
} text_columns[] = {
#define COLUMN(field, ...)                                                                         \
    {                                                                                              \
#field, offsetof(tag, field), __VA_ARGS__                                                  \
    }
    COLUMN(source_kind, true, NULL, "a string"),
    COLUMN(source_id, true, NULL, "a string"),
    COLUMN(attacker_uuid, false, NULL, "a string or null"),
    COLUMN(identity_uuid, false, NULL, "a string or null"),
    COLUMN(session_id, false, NULL, "a string or null"),
    COLUMN(decky_id, false, NULL, "a string or null"),
    COLUMN(tactic, true, attack_is_tactic_id, "a tactic such as \"TA0007\""),
    COLUMN(technique_id, true, attack_is_technique_id, "a technique such as \"T1548\""),
    COLUMN(sub_technique_id, false, attack_is_sub_technique_id,
           "null or a sub-technique such as \"T1548.001\""),
    COLUMN(rule_id, true, tag_is_rule_id, "1 to 64 letters, digits and underscores"),
    COLUMN(attack_release, true, tag_is_release, "a release such as \"enterprise-v18.1\""),
#undef COLUMN
};

static bool is_token(str s, size_t max, const char *more)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
              (c && strchr(more, c))))
            return false;
    }
    return s.len > 0 && s.len <= max;
}

bool tag_is_rule_id(str s)
{
    return is_token(s, 64, "_");
}

bool tag_is_release(str s)
{
    return is_token(s, 64, "-_.");
}

static int bad_member(const char *name, const char *expected, const char *where, unsigned line,
                      ttp_err *err)
{
    return err_at(err, TTP_E_INVALID, where, line, 0, "member %s: expected %s", name, expected);
}

static int read_texts(const json_node *root, tag *t, const char *where, unsigned line, ttp_err *err)
{
    for (size_t i = 0; i < sizeof(text_columns) / sizeof(text_columns[0]); i++) {
        const struct text_column *c = &text_columns[i];
        const json_node *n = json_get(root, str_from(c->name));
        str value = json_str(n);
        bool absent = !n || n->type == JSON_NULL;

        if (absent ? c->required : !value.ptr || (c->well_formed && !c->well_formed(value)))
            return bad_member(c->name, c->expected, where, line, err);
        *(str *)((char *)t + c->offset) = value;
    }
    return 0;
}

static int read_others(const json_node *root, tag *t, const char *where, unsigned line,
                       ttp_err *err)
{
    const json_node *version = json_get(root, STR("rule_version"));
    str created = json_str(json_get(root, STR("created_at")));

    if (uuid_parse(json_str(json_get(root, STR("uuid"))), &t->id))
        return bad_member("uuid", "a UUID", where, line, err);
    if (!json_number(json_get(root, STR("confidence")), &t->confidence) ||
        !(t->confidence >= 0 && t->confidence <= 1))
        return bad_member("confidence", "a number from 0 to 1", where, line, err);
    if (!version || version->type != JSON_INT || version->i < 1)
        return bad_member("rule_version", "a whole number from 1", where, line, err);
    t->rule_version = version->i;
    if (!created.ptr || time_parse(created, &t->created_us))
        return bad_member("created_at", "a time such as \"2026-07-10T01:01:37.082718Z\"", where,
                          line, err);
    return 0;
}

int tag_read_json(const json_node *root, buf *evidence, tag *ret_tag, const char *where,
                  unsigned line, ttp_err *err)
{
    const json_node *object = json_get(root, STR("evidence"));
    tag t = {.event_us = TIME_NONE};
    int rc;

    if (root->type != JSON_OBJECT)
        return err_at(err, TTP_E_INVALID, where, line, 0, "not a tag: expected a JSON object");
    rc = read_texts(root, &t, where, line, err);
    if (!rc)
        rc = read_others(root, &t, where, line, err);
    if (rc)
        return rc;
    if (!object || object->type != JSON_OBJECT)
        return bad_member("evidence", "an object", where, line, err);
    if (!t.attacker_uuid.ptr && !t.identity_uuid.ptr)
        return bad_member("attacker_uuid", "a string, here or in identity_uuid", where, line, err);
    buf_clear(evidence);
    json_write(evidence, object);
    if (evidence->failed)
        return err_at(err, -ENOMEM, where, line, 0, "out of memory");
    t.evidence = buf_str(evidence);
    *ret_tag = t;
    return 0;
}
