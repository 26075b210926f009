/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include "../unit.h"

#include "base/limits.h"

static void test_kinds(void **state)
{
    static const struct {
        const char *name, *field;
    } cases[] = {
        {"command", "command_text"},
        {"intel", "verdict"},
        {"email", "subject"},
        {"canary_fingerprint", "ua_signature"},
        {"identity", NULL},
        {"credential", NULL},
        {"auth_attempt", "username"},
        {"payload", "payload_text"},
        {"session", NULL},
        {"http_request", "raw_url"},
        {"http_fingerprint", NULL},
        {"ipv6_leak", NULL},
    };

    (void)state;
    expect_int("twelve kinds", sizeof(cases) / sizeof(cases[0]), EVENT_N_KINDS);
    for_each_row(c, cases)
    {
        event_kind kind = event_kind_from_name(str_from(c->name));

        expect_c(c->name, event_kind_name(kind), c->name);
        if (c->field)
            expect_str(c->name, event_kind_default_field(kind), c->field);
        else
            expect_true(c->name, !event_kind_default_field(kind).ptr);
    }
    expect_int("an unknown one", event_kind_from_name(STR("commands")), EVENT_UNKNOWN_KIND);
    expect_int("a prefix", event_kind_from_name(STR("comman")), EVENT_UNKNOWN_KIND);
    expect_true("it has no name", !event_kind_name(EVENT_UNKNOWN_KIND));
    expect_true("and no field", !event_kind_default_field(EVENT_UNKNOWN_KIND).ptr);
    end_rows();
}

#define NEEDED "\"source_kind\": \"command\", \"source_id\": \"c1\", \"payload\": {}"

static const struct {
    const char *says, *text;
    int want;
    const char *error; /* begins so */
} forms[] = {
    {"the least", "{" NEEDED "}", 0, NULL},
    {"all anchors null", "{" NEEDED ", \"attacker_uuid\": null, \"ts\": null, \"decky_id\": null}",
     0, NULL},
    {"unknown members are ignored", "{\"x\": [1], " NEEDED "}", 0, NULL},
    {"an unknown kind is legal", "{\"source_kind\": \"x\", \"source_id\": \"1\", \"payload\": {}}",
     0, NULL},
    {"the last of a name counts", "{\"source_kind\": 1, " NEEDED "}", 0, NULL},
    {"no object", "[1]", TTP_E_INVALID, "an event must be a JSON object"},
    {"no kind", "{\"source_id\": \"1\", \"payload\": {}}", TTP_E_INVALID, "no source_kind"},
    {"no id", "{\"source_kind\": \"command\", \"payload\": {}}", TTP_E_INVALID, "no source_id"},
    {"an empty id", "{\"source_kind\": \"command\", \"source_id\": \"\", \"payload\": {}}",
     TTP_E_INVALID, "source_id must be a string that is not empty"},
    {"an id that is a number", "{\"source_kind\": \"command\", \"source_id\": 7, \"payload\": {}}",
     TTP_E_INVALID, "source_id must be a string"},
    {"no payload", "{\"source_kind\": \"command\", \"source_id\": \"1\"}", TTP_E_INVALID,
     "no payload"},
    {"a payload that is a list",
     "{\"source_kind\": \"command\", \"source_id\": \"1\", \"payload\": []}", TTP_E_INVALID,
     "payload must be an object"},
    {"an anchor that is a number", "{" NEEDED ", \"session_id\": 1}", TTP_E_INVALID,
     "session_id must be a string or null"},
    {"a time that is none", "{" NEEDED ", \"ts\": \"yesterday\"}", TTP_E_INVALID,
     "ts is \"yesterday\""},
    {"a time that is a number", "{" NEEDED ", \"ts\": 1}", TTP_E_INVALID, "ts must be"},
    {"no JSON", "{" NEEDED, TTP_E_SYNTAX, ""},
    {"something behind it", "{" NEEDED "} x", TTP_E_SYNTAX, ""},
    {"NaN", "{" NEEDED ", \"x\": NaN}", TTP_E_SYNTAX, ""},
};

static void test_forms(void **state)
{
    (void)state;
    for_each_row(c, forms)
    {
        ttp_event *e = NULL;
        ttp_err err = {0};

        expect_int(c->says, ttp_event_from_json(c->text, strlen(c->text), &e, &err), c->want);
        if (c->want)
            expect_true(c->says, strncmp(err.text, c->error, strlen(c->error)) == 0);
        expect_true(c->says, (e != NULL) == (c->want == 0));
        expect_true(c->says, !ttp_event_free(e));
    }
    end_rows();
}

static void test_whole(void **state)
{
    char text[] = "{\"source_kind\": \"auth_attempt\", \"source_id\": \"s#auth0\", "
                  "\"attacker_uuid\": \"a\", \"identity_uuid\": \"i\", \"session_id\": \"s\", "
                  "\"decky_id\": \"d\", \"ts\": \"2026-07-10T01:01:37.082718Z\", "
                  "\"payload\": {\"username\": \"r\\u0000t\"}}";
    ttp_event *e = NULL;
    char time[TIME_TEXT_LEN];

    (void)state;
    assert_int_equal(ttp_event_from_json(text, sizeof(text) - 1, &e, NULL), 0);
    memset(text, 'x', sizeof(text)); /* the event has a copy */
    expect_int("kind", e->kind, EVENT_AUTH_ATTEMPT);
    expect_str("source_kind", e->source_kind, "auth_attempt");
    expect_str("source_id", e->source_id, "s#auth0");
    expect_str("attacker", e->attacker_uuid, "a");
    expect_str("identity", e->identity_uuid, "i");
    expect_str("session", e->session_id, "s");
    expect_str("decky", e->decky_id, "d");
    time_format(e->ts_us, time);
    expect_bytes("time", time, sizeof(time), "2026-07-10T01:01:37.082718Z");
    expect_int("a NUL is part of a string", json_get(e->payload, STR("username"))->len, 3);
    (void)ttp_event_free(e); /* always NULL */
    expect_true("freeing nothing", !ttp_event_free(NULL));
    end_rows();
}

static void test_too_long(void **state)
{
    size_t len = TTP_EVENT_MAX + 1;
    char *text = malloc(len);
    ttp_event *e = NULL;

    (void)state;
    memset(text, ' ', len);
    memcpy(text, "{" NEEDED "}", sizeof("{" NEEDED "}") - 1);
    expect_int("the longest", ttp_event_from_json(text, TTP_EVENT_MAX, &e, NULL), 0);
    (void)ttp_event_free(e); /* always NULL */
    expect_int("one byte more", ttp_event_from_json(text, len, &e, NULL), TTP_E_LIMIT);
    free(text);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
