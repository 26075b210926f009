/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/tag.h"

#include "../unit.h"
#include "tags.h"

#include <errno.h>

static const struct {
    const char *says;
    str source_kind, source_id, rule_id;
    int64_t rule_version;
    str technique_id, sub_technique_id;
    const char *want;
} ids[] = {
    {"a technique alone", STR("command"), STR("cmd_42"), STR("R0015"), 1, STR("T1083"), STR_NULL,
     "68fb11d9-e52c-5751-9b99-75877c5465ba"},
    {"a sub-technique", STR("command"), STR("cmd_42"), STR("R0015"), 1, STR("T1548"),
     STR("T1548.001"), "4fd57b14-c135-544c-97d9-4fabc1051584"},
    {"letters beyond ASCII", STR("command"), STR("s\xC3\xB6ss#0"), STR("R0010"), 3, STR("T1059"),
     STR("T1059.004"), "2547ba0a-964a-5e0b-be14-9d0a99a72f31"},
};

static void test_ids(void **state)
{
    (void)state;
    for_each_row(c, ids)
    {
        char text[UUID_TEXT_LEN];
        uuid id = tag_make_id(c->source_kind, c->source_id, c->rule_id, c->rule_version,
                              c->technique_id, c->sub_technique_id);

        uuid_format(&id, text);
        expect_bytes(c->says, text, sizeof(text), c->want);
    }
    end_rows();
}

/* The one-piece path for short ids and the heap for long ones make what uuid_v5 makes. */
static void test_long_ids(void **state)
{
    static const size_t lengths[] = {0, 900, 960, 970, 980, 990, 1000, 1024, 100000};
    char *text = malloc(100000);

    (void)state;
    memset(text, 'x', 100000);
    for_each_row(len, lengths)
    {
        auto_free(buf) buf name = {0};
        uuid got = tag_make_id(STR("command"), (str){text, *len}, STR("R1"), 12345678, STR("T1083"),
                               STR_NULL);
        uuid want;

        buf_put_c(&name, "command|");
        buf_put(&name, text, *len);
        buf_put_c(&name, "|R1|12345678|T1083|");
        want = uuid_v5(&tag_namespace, buf_str(&name));
        expect_int("an id of any length", memcmp(&got, &want, sizeof(got)), 0);
    }
    free(text);
    end_rows();
}

static const char whole_line[] =
    "{\"uuid\":\"68fb11d9-e52c-5751-9b99-75877c5465ba\",\"source_kind\":\"command\","
    "\"source_id\":\"cmd_42\",\"attacker_uuid\":\"a1\",\"identity_uuid\":null,"
    "\"session_id\":\"s1\",\"decky_id\":\"decky-01\",\"tactic\":\"TA0007\","
    "\"technique_id\":\"T1083\",\"sub_technique_id\":null,\"confidence\":0.85,"
    "\"rule_id\":\"R0015\",\"rule_version\":1,"
    "\"evidence\":{\"command_text\":\"find / -perm -4000\"},"
    "\"attack_release\":\"enterprise-v18.1\","
    "\"mitre_url\":\"https://attack.mitre.org/techniques/T1083\","
    "\"created_at\":\"2026-07-10T01:01:38.082718Z\"}";

static void test_write(void **state)
{
    auto_free(buf) buf b = {0};
    tag t = sample_tag();

    (void)state;
    tag_write_json(&b, &t);
    expect_str("every column, in order", buf_str(&b), whole_line);
    end_rows();
}

static const struct {
    const char *says;
    tag change; /* what is set replaces the sample's */
    const char *want;
} pieces[] = {
    {"a sub-technique gives the address",
     {.technique_id = STR("T1548"), .sub_technique_id = STR("T1548.001")},
     "\"mitre_url\":\"https://attack.mitre.org/techniques/T1548/001\""},
    {"an identity", {.identity_uuid = STR("i1")}, "\"identity_uuid\":\"i1\""},
    {"quotes and backslashes in the first eight bytes",
     {.source_id = STR("a\"b\\c#0 and more text")},
     "\"source_id\":\"a\\\"b\\\\c#0 and more text\""},
    {"a quote behind the last whole word of eight",
     {.source_id = STR("12345678abc\"")},
     "\"source_id\":\"12345678abc\\\"\""},
    {"a NUL", {.source_id = STR("12345678\0x")}, "\"source_id\":\"12345678\\u0000x\""},
    {"a newline", {.source_id = STR("line\none")}, "\"source_id\":\"line\\none\""},
    {"DEL", {.source_id = STR("1234567\x7F")}, "\"source_id\":\"1234567\\u007f\""},
    {"letters beyond ASCII",
     {.source_id = STR("s\xC3\xB6ss#0")},
     "\"source_id\":\"s\xC3\xB6ss#0\""},
    {"a bad byte", {.source_id = STR("1234567\xFF")}, "\"source_id\":\"1234567\xEF\xBF\xBD\""},
    {"the space and the tilde are plain", {.source_id = STR("~ ~ ~ ~ ~")}, "\"~ ~ ~ ~ ~\""},
    {"full confidence", {.confidence = 1}, "\"confidence\":1.0,"},
    {"an odd confidence", {.confidence = 0.1 + 0.2}, "\"confidence\":0.30000000000000004,"},
    {"a version of many digits", {.rule_version = 1234567890123}, "\"rule_version\":1234567890123"},
    {"a malformed technique has no address", {.technique_id = STR("X1")}, "\"mitre_url\":null"},
};

static void change_tag(tag *t, const tag *change)
{
#define CHANGE(field)                                                                              \
    if (change->field.ptr)                                                                         \
    t->field = change->field
    CHANGE(source_id);
    CHANGE(identity_uuid);
    CHANGE(technique_id);
    CHANGE(sub_technique_id);
#undef CHANGE
    if (change->confidence > 0)
        t->confidence = change->confidence;
    if (change->rule_version)
        t->rule_version = change->rule_version;
}

static void test_write_pieces(void **state)
{
    (void)state;
    for_each_row(c, pieces)
    {
        auto_free(buf) buf b = {0};
        tag t = sample_tag();

        change_tag(&t, &c->change);
        tag_write_json(&b, &t);
        if (!str_find(buf_str(&b), str_from(c->want)))
            expect_str(c->says, buf_str(&b), c->want); /* fails, and shows both */
    }
    end_rows();
}

/* Each byte by itself, at each place of a word: the fast test for plain text agrees with the slow
 * writer. */
static void test_every_byte(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (unsigned at = 0; at < 11; at++) {
            auto_free(buf) buf got = {0};
            auto_free(buf) buf want = {0};
            char text[11];
            tag t = sample_tag();

            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            t.source_id = (str){text, sizeof(text)};
            tag_write_json(&got, &t);
            buf_put_c(&want, "\"source_id\":");
            buf_put_json(&want, t.source_id);
            expect_true("a byte is written as buf_put_json writes it",
                        str_find(buf_str(&got), buf_str(&want)) != NULL);
        }
    }
    end_rows();
}

static int read_line(json_doc *doc, const char *line, buf *evidence, tag *ret_tag, ttp_err *err)
{
    const json_node *root;

    if (json_parse_copy(doc, str_from(line), 1 << 20, &root, NULL, err))
        fail_msg("the test's line is no JSON: %s", line);
    return tag_read_json(root, evidence, ret_tag, "tags.jsonl", 7, err);
}

static void test_round_trip(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    auto_free(buf) buf evidence = {0};

    (void)state;
    for_each_row(c, pieces)
    {
        auto_free(buf) buf first = {0};
        auto_free(buf) buf second = {0};
        tag t = sample_tag(), back;
        ttp_err err = {0};
        int rc;

        change_tag(&t, &c->change);
        if (!attack_is_technique_id(t.technique_id))
            continue;
        tag_write_json(&first, &t);
        rc = read_line(doc, buf_c_str(&first), &evidence, &back, &err);
        expect_int(c->says, rc, 0);
        if (rc)
            continue;
        tag_write_json(&second, &back);
        expect_str(c->says, buf_str(&second), buf_c_str(&first));
        expect_int("the time of the event is not in it", back.event_us == TIME_NONE, 1);
    }
    end_rows();
}

static const struct {
    const char *says, *member, *value; /* value NULL: the member is left out */
    const char *want;                  /* NULL: it is fine */
} members[] = {
    {"no uuid", "uuid", NULL, "member uuid: expected a UUID"},
    {"a uuid that is none", "uuid", "\"x\"", "member uuid: expected a UUID"},
    {"a number for a string", "source_kind", "1", "member source_kind: expected a string"},
    {"null for what must be there", "source_id", "null", "member source_id: expected a string"},
    {"an absent anchor is null", "session_id", NULL, NULL},
    {"a list for an anchor", "session_id", "[]", "member session_id: expected a string or null"},
    {"no anchor at all", "attacker_uuid", "null",
     "member attacker_uuid: expected a string, here or in identity_uuid"},
    {"a tactic by name", "tactic", "\"Discovery\"",
     "member tactic: expected a tactic such as \"TA0007\""},
    {"a sub-technique as the technique", "technique_id", "\"T1548.001\"",
     "member technique_id: expected a technique such as \"T1548\""},
    {"a technique as the sub-technique", "sub_technique_id", "\"T1548\"",
     "member sub_technique_id: expected null or a sub-technique such as \"T1548.001\""},
    {"a sub-technique", "sub_technique_id", "\"T1083.001\"", NULL},
    {"a confidence above 1", "confidence", "1.01",
     "member confidence: expected a number from 0 to 1"},
    {"a confidence below 0", "confidence", "-0.1",
     "member confidence: expected a number from 0 to 1"},
    {"the bounds of confidence", "confidence", "1", NULL},
    {"a confidence as text", "confidence", "\"0.5\"",
     "member confidence: expected a number from 0 to 1"},
    {"a rule id with a space", "rule_id", "\"R 1\"",
     "member rule_id: expected 1 to 64 letters, digits and underscores"},
    {"an empty rule id", "rule_id", "\"\"",
     "member rule_id: expected 1 to 64 letters, digits and underscores"},
    {"a rule id of 64 characters", "rule_id",
     "\"0123456789012345678901234567890123456789012345678901234567890123\"", NULL},
    {"one of 65", "rule_id",
     "\"01234567890123456789012345678901234567890123456789012345678901234\"",
     "member rule_id: expected 1 to 64 letters, digits and underscores"},
    {"a rule id with a NUL", "rule_id", "\"R1\\u0000\"",
     "member rule_id: expected 1 to 64 letters, digits and underscores"},
    {"a version of 0", "rule_version", "0", "member rule_version: expected a whole number from 1"},
    {"a version and a half", "rule_version", "1.5",
     "member rule_version: expected a whole number from 1"},
    {"evidence as text", "evidence", "\"{}\"", "member evidence: expected an object"},
    {"no evidence", "evidence", NULL, "member evidence: expected an object"},
    {"a release with a control character", "attack_release", "\"a\\u001b[1m\"",
     "member attack_release: expected a release such as \"enterprise-v18.1\""},
    {"no release", "attack_release", "null",
     "member attack_release: expected a release such as \"enterprise-v18.1\""},
    {"a wrong address is passed over", "mitre_url", "17", NULL},
    {"no time", "created_at", "null",
     "member created_at: expected a time such as \"2026-07-10T01:01:37.082718Z\""},
    {"the database's form of a time", "created_at", "\"2026-07-10 01:01:38.082718\"", NULL},
};

/* The sample's line with one member replaced or left out: JSON takes the last of two. */
static void put_changed(buf *b, const char *member, const char *value)
{
    buf_put(b, whole_line, sizeof(whole_line) - 2);
    buf_put_c(b, ",\"");
    buf_put_c(b, member);
    buf_put_c(b, "\":");
    buf_put_c(b, value ? value : "null");
    buf_put_char(b, '}');
}

static void test_read_members(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    auto_free(buf) buf evidence = {0};

    (void)state;
    for_each_row(c, members)
    {
        auto_free(buf) buf line = {0};
        ttp_err err = {0};
        tag t;

        put_changed(&line, c->member, c->value);
        expect_int(c->says, read_line(doc, buf_c_str(&line), &evidence, &t, &err),
                   c->want ? TTP_E_INVALID : 0);
        expect_c(c->says, err.text, c->want ? c->want : "");
        expect_c(c->says, err.where, c->want ? "tags.jsonl" : "");
        expect_int(c->says, err.line, c->want ? 7 : 0);
    }
    end_rows();
}

static const struct {
    const char *says, *line;
} no_tags[] = {
    {"a list", "[]"}, {"a string", "\"x\""}, {"a number", "17"},
    {"null", "null"}, {"nothing", "{}"},
};

static void test_no_tags(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    auto_free(buf) buf evidence = {0};

    (void)state;
    for_each_row(c, no_tags)
    {
        ttp_err err = {0};
        tag t;

        expect_int(c->says, read_line(doc, c->line, &evidence, &t, &err), TTP_E_INVALID);
        expect_true(c->says, err.text[0] != '\0');
    }
    end_rows();
}

static void test_check(void **state)
{
    tag good = sample_tag(), lazy = good, loose = good, unsure = good, identity = good;
    ttp_err err = {0};

    (void)state;
    uuid made, given = tag_get_id(&good);

    lazy.id = (uuid){0};
    made = tag_get_id(&lazy);
    loose.attacker_uuid = STR_NULL;
    unsure.confidence = 0.0 / 0.0;
    identity.attacker_uuid = STR_NULL;
    identity.identity_uuid = STR("i");
    expect_int("a good tag", tag_check(&good, &err), 0);
    expect_int("an identity is an anchor", tag_check(&identity, &err), 0);
    expect_true("an id that is not given follows from the columns",
                memcmp(&made, &given, sizeof(made)) == 0);
    expect_int("no anchor", tag_check(&loose, &err), TTP_E_INVALID);
    expect_int("no number as confidence", tag_check(&unsure, &err), TTP_E_INVALID);
    end_rows();
}

static void test_public(void **state)
{
    static const struct {
        const char *says;
        ttp_tag_field field;
        const char *want;
    } fields[] = {
        {"source kind", TTP_TAG_SOURCE_KIND, "command"},
        {"source id", TTP_TAG_SOURCE_ID, "cmd_42"},
        {"attacker", TTP_TAG_ATTACKER_UUID, "a1"},
        {"identity", TTP_TAG_IDENTITY_UUID, NULL},
        {"session", TTP_TAG_SESSION_ID, "s1"},
        {"decky", TTP_TAG_DECKY_ID, "decky-01"},
        {"tactic", TTP_TAG_TACTIC, "TA0007"},
        {"technique", TTP_TAG_TECHNIQUE_ID, "T1083"},
        {"sub-technique", TTP_TAG_SUB_TECHNIQUE_ID, NULL},
        {"rule", TTP_TAG_RULE_ID, "R0015"},
        {"evidence", TTP_TAG_EVIDENCE, "{\"command_text\":\"find / -perm -4000\"}"},
        {"release", TTP_TAG_ATTACK_RELEASE, "enterprise-v18.1"},
        {"a field of a later release", (ttp_tag_field)99, NULL},
    };
    tag t = sample_tag();
    char id[37], *text;
    size_t len;

    (void)state;
    for_each_row(c, fields)
    {
        const char *got = ttp_tag_text(&t, c->field, &len);

        if (c->want)
            expect_bytes(c->says, got, len, c->want);
        else
            expect_true(c->says, got == NULL && len == 0);
    }
    ttp_tag_uuid(&t, id);
    expect_bytes("the id", id, UUID_TEXT_LEN, "68fb11d9-e52c-5751-9b99-75877c5465ba");
    expect_true("the confidence", ttp_tag_confidence(&t) == 0.85);
    expect_int("the version", ttp_tag_rule_version(&t), 1);
    expect_int("the time", ttp_tag_created_us(&t), SAMPLE_US + 1000000);
    expect_int("as JSON", ttp_tag_to_json(&t, &text, &len), 0);
    expect_bytes("as JSON", text, len, whole_line);
    expect_int("with a NUL behind it", text[len], 0);
    free(text);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),          cmocka_unit_test(test_long_ids),
        cmocka_unit_test(test_write),        cmocka_unit_test(test_write_pieces),
        cmocka_unit_test(test_every_byte),   cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_read_members), cmocka_unit_test(test_no_tags),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
