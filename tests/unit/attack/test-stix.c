/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#define BASE EXECUTION "," SHELL

/* One line on a catalogue: "release | tactics in order | techniques: tactics, fate, name". */
static void put_technique(buf *b, const attack_technique *t)
{
    buf_printf(b, " %s", t->id.ptr);
    for (unsigned i = 0; i < t->n_tactics; i++)
        buf_printf(b, "%s%s", i ? "," : ":", t->tactics[i]->id.ptr);
    if (t->revoked)
        buf_put_c(b, "-revoked");
    if (t->deprecated)
        buf_put_c(b, "-deprecated");
    if (t->successor.ptr)
        buf_printf(b, ">%s", t->successor.ptr);
}

static void put_catalogue(buf *b, const attack_catalogue *c)
{
    buf_printf(b, "%s |", attack_release(c).ptr);
    for (size_t i = 0; i < attack_tactic_count(c); i++)
        buf_printf(b, " %s", attack_tactic_at(c, i)->id.ptr);
    buf_put_c(b, " |");
    for (size_t i = 0; i < attack_count(c); i++)
        put_technique(b, attack_at(c, i));
    if (attack_skipped(c))
        buf_printf(b, " | %zu left out", attack_skipped(c));
}

static const struct {
    const char *says, *text, *release, *want;
} good[] = {
    {"the least a bundle can be", BUNDLE(BASE "," COLLECTION("18.1")), NULL,
     "enterprise-v18.1 | TA0002 | T1059:TA0002"},
    {"objects in any order", BUNDLE(COLLECTION("18.1") "," SHELL "," EXECUTION), NULL,
     "enterprise-v18.1 | TA0002 | T1059:TA0002"},
    {"no collection, release given", BUNDLE(BASE), "enterprise-v17.0",
     "enterprise-v17.0 | TA0002 | T1059:TA0002"},
    {"a bare number is a release", BUNDLE(BASE), "19.0",
     "enterprise-v19.0 | TA0002 | T1059:TA0002"},
    {"a given release overrides the collection's", BUNDLE(BASE "," COLLECTION("18.1")), "v18.2",
     "enterprise-v18.2 | TA0002 | T1059:TA0002"},
    {"collections of one release agree", BUNDLE(BASE "," COLLECTION("18.1") "," COLLECTION("18.1")),
     NULL, "enterprise-v18.1 | TA0002 | T1059:TA0002"},
    {"collections that disagree, release given",
     BUNDLE(BASE "," COLLECTION("18.1") "," COLLECTION("17.1")), "18.1",
     "enterprise-v18.1 | TA0002 | T1059:TA0002"},
    {"a release that renamed a tactic and made another",
     BUNDLE(TACTIC("TA0005", "Stealth", "stealth") "," TACTIC(
         "TA0112", "Defense Impairment",
         "defense-impairment") "," TECHNIQUE("T1685", "Disable Tools",
                                             PHASE("defense-impairment") "," PHASE("stealth"),
                                             "") "," TECHNIQUE("T1562.001", "Disable Tools",
                                                               PHASE("defense-evasion"),
                                                               REVOKED) "," REVOKED_BY("T1562.001",
                                                                                       "T1685")),
     "19.0", "enterprise-v19.0 | TA0005 TA0112 | T1562.001-revoked>T1685 T1685:TA0112,TA0005"},
    {"the matrix orders the tactics, the rest follow by id",
     BUNDLE(SHELL "," TACTIC(
         "TA0001", "First",
         "a") "," EXECUTION
              "," TACTIC("TA0003", "Third", "c") "," TACTIC(
                  "TA0000", "Zeroth",
                  "z") ","
                       "{\"type\":\"x-mitre-matrix\",\"tactic_refs\":[\"x-mitre-tactic--TA0003\",7,"
                       "\"x-mitre-tactic--TA9999\",\"x-mitre-tactic--TA0002\",\"x-mitre-tactic--"
                       "TA0003\"]}"),
     "1.0", "enterprise-v1.0 | TA0003 TA0002 TA0000 TA0001 | T1059:TA0002"},
    {"a withdrawn matrix orders nothing",
     BUNDLE(SHELL "," TACTIC("TA0001", "First",
                             "a") "," EXECUTION ","
                                  "{\"type\":\"x-mitre-matrix\",\"revoked\":true,\"tactic_refs\":["
                                  "\"x-mitre-tactic--TA0002\"]}"),
     "1.0", "enterprise-v1.0 | TA0001 TA0002 | T1059:TA0002"},
    {"sorted by id, a sub-technique after its parent",
     BUNDLE(EXECUTION
            "," TECHNIQUE("T1060", "C", "", "") "," TECHNIQUE("T1059.004", "B", "", "") "," SHELL),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002 T1059.004 T1060"},
    {"a chain of successors is followed to its end",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", REVOKED) "," TECHNIQUE(
         "T0002", "B", "", REVOKED) "," REVOKED_BY("T0001", "T0002") "," REVOKED_BY("T0002",
                                                                                    "T1059")),
     "1.0", "enterprise-v1.0 | TA0002 | T0001-revoked>T1059 T0002-revoked>T1059 T1059:TA0002"},
    {"a chain that bites its tail leads nowhere",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", REVOKED) "," TECHNIQUE(
         "T0002", "B", "", REVOKED) "," REVOKED_BY("T0001", "T0002") "," REVOKED_BY("T0002",
                                                                                    "T0001")),
     "1.0", "enterprise-v1.0 | TA0002 | T0001-revoked T0002-revoked T1059:TA0002 | 2 left out"},
    {"revoked by itself",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", REVOKED) "," REVOKED_BY("T0001", "T0001")), "1.0",
     "enterprise-v1.0 | TA0002 | T0001-revoked T1059:TA0002 | 1 left out"},
    {"a successor that is not in the bundle",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", REVOKED) "," REVOKED_BY("T0001", "T7777")), "1.0",
     "enterprise-v1.0 | TA0002 | T0001-revoked T1059:TA0002"},
    {"a chain that ends in a deprecated one",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", REVOKED) "," TECHNIQUE(
         "T0002", "B", "", DEPRECATED) "," REVOKED_BY("T0001", "T0002")),
     "1.0", "enterprise-v1.0 | TA0002 | T0001-revoked>T0002 T0002-deprecated T1059:TA0002"},
    {"of two successors the live one",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", REVOKED) "," TECHNIQUE(
         "T0002", "B", "", DEPRECATED) "," REVOKED_BY("T0001", "T0002") "," REVOKED_BY("T0001",
                                                                                       "T1059")),
     "1.0", "enterprise-v1.0 | TA0002 | T0001-revoked>T1059 T0002-deprecated T1059:TA0002"},
    {"what is not revoked has no successor",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "", "") "," REVOKED_BY("T0001", "T1059")), "1.0",
     "enterprise-v1.0 | TA0002 | T0001 T1059:TA0002"},
    {"a relationship that was itself revoked counts for nothing",
     BUNDLE(BASE
            "," TECHNIQUE("T0001", "A", "", REVOKED) ","
                                                     "{\"type\":\"relationship\",\"relationship_"
                                                     "type\":\"revoked-by\",\"revoked\":true,"
                                                     "\"source_ref\":\"attack-pattern--T0001\","
                                                     "\"target_ref\":\"attack-pattern--T1059\"}"),
     "1.0", "enterprise-v1.0 | TA0002 | T0001-revoked T1059:TA0002"},
    {"other relationships are passed over",
     BUNDLE(BASE "," TECHNIQUE("T0001", "A", "",
                               REVOKED) ","
                                        "{\"type\":\"relationship\",\"relationship_type\":\"uses\","
                                        "\"source_ref\":\"attack-pattern--T0001\",\"target_ref\":"
                                        "\"attack-pattern--T1059\"}"),
     "1.0", "enterprise-v1.0 | TA0002 | T0001-revoked T1059:TA0002"},
    {"two objects with one id: the withdrawn one loses though it is newer",
     BUNDLE(BASE ",{\"type\":\"attack-pattern\",\"id\":\"attack-pattern--x\",\"name\":\"Old\","
                 "\"modified\":\"2030-01-01T00:00:00.000Z\",\"revoked\":true," REF("T1059") "}"),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002"},
    {"two objects with one id, both live: the newer one",
     BUNDLE(BASE ",{\"type\":\"attack-pattern\",\"id\":\"attack-pattern--x\",\"name\":\"New\","
                 "\"modified\":\"2030-01-01T00:00:00.000Z\"," REF("T1059") "}"),
     "1.0", "enterprise-v1.0 | TA0002 | T1059"},
    {"two versions of one object: the newer one though it is withdrawn",
     BUNDLE(BASE ",{\"type\":\"attack-pattern\",\"id\":\"attack-pattern--T1059\",\"name\":\"New\","
                 "\"modified\":\"2030-01-01T00:00:00.000Z\",\"revoked\":true," REF("T1059") "}"),
     "1.0", "enterprise-v1.0 | TA0002 | T1059-revoked"},
    {"a technique named twice by one tactic has it once",
     BUNDLE(EXECUTION "," TECHNIQUE("T1059", "A", PHASE("execution") "," PHASE("execution"), "")),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002"},
    {"someone else's kill chain is none of ours",
     BUNDLE(EXECUTION "," TECHNIQUE(
         "T1059", "A",
         "{\"kill_chain_name\":\"lockheed\",\"phase_name\":\"x\"}," PHASE("execution"), "")),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002"},
    {"the mobile matrix has its own prefix",
     BUNDLE(TACTIC("TA0041", "Execution", "execution") "," COLLECTION("18.1") "," TECHNIQUE(
         "T1623", "A", "{\"kill_chain_name\":\"mitre-mobile-attack\",\"phase_name\":\"execution\"}",
         "")),
     NULL, "mobile-v18.1 | TA0041 | T1623:TA0041"},
    {"and the one of industrial control, in its older form",
     BUNDLE("{\"type\":\"x-mitre-tactic\",\"id\":\"t\",\"name\":\"Execution\","
            "\"x_mitre_shortname\":\"execution-ics\",\"external_references\":[{\"source_name\":"
            "\"mitre-ics-attack\",\"external_id\":\"TA0104\"}]},{\"type\":\"attack-pattern\","
            "\"id\":\"p\",\"name\":\"A\",\"kill_chain_phases\":[{\"kill_chain_name\":"
            "\"mitre-ics-attack\",\"phase_name\":\"execution-ics\"}],\"external_references\":[{"
            "\"source_name\":\"capec\",\"external_id\":\"CAPEC-1\"},{\"source_name\":"
            "\"mitre-ics-attack\",\"external_id\":\"T0807\"}]}"),
     "9.0", "ics-v9.0 | TA0104 | T0807:TA0104"},
    {"domains in one bundle keep their tactics apart",
     BUNDLE("{\"type\":\"x-mitre-tactic\",\"id\":\"m\",\"name\":\"Execution\","
            "\"x_mitre_shortname\":\"execution\",\"x_mitre_domains\":[\"mobile-attack\"]," REF(
                "TA0001") "},"
                          "{\"type\":\"x-mitre-tactic\",\"id\":\"e\",\"name\":\"Execution\","
                          "\"x_mitre_shortname\":\"execution\",\"x_mitre_domains\":[\"enterprise-"
                          "attack\"]," REF("TA0002") "}," SHELL),
     "1.0", "enterprise-v1.0 | TA0001 TA0002 | T1059:TA0002"},
    {"odd techniques are left out and counted",
     BUNDLE(BASE "," TECHNIQUE("T10599", "A", "", "") "," TECHNIQUE(
         "T1061", "", "",
         "") ","
             "{\"type\":\"attack-pattern\"},{\"type\":\"attack-pattern\",\"name\":7," REF(
                 "T1062") "},{\"type\":\"attack-pattern\",\"name\":\"A\","
                          "\"external_references\":{\"source_name\":\"mitre-attack\"}}"),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002 | 5 left out"},
    {"odd tactics are left out and counted",
     BUNDLE(BASE "," TACTIC("T0001", "A", "a") "," TACTIC("TA0001", "", "a") "," TACTIC("TA0001",
                                                                                        "A", "")),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002 | 3 left out"},
    {"a withdrawn tactic is none, and no oddity",
     BUNDLE(BASE ",{\"type\":\"x-mitre-tactic\",\"name\":\"A\",\"x_mitre_shortname\":\"a\","
                 "\"x_mitre_deprecated\":true," REF("TA0001") "}"),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002"},
    {"a live technique of an unknown tactic stays, and is counted",
     BUNDLE(BASE "," TECHNIQUE("T1060", "A", PHASE("dreaming") "," PHASE("execution"), "")), "1.0",
     "enterprise-v1.0 | TA0002 | T1059:TA0002 T1060:TA0002 | 1 left out"},
    {"a kill chain that is no list",
     BUNDLE(BASE ",{\"type\":\"attack-pattern\",\"name\":\"A\",\"kill_chain_phases\":\"x\"," REF(
         "T1060") "}"),
     "1.0", "enterprise-v1.0 | TA0002 | T1059:TA0002 T1060 | 1 left out"},
    {"what is no object, has no type or an unknown one is passed over",
     BUNDLE(BASE ",null,7,\"x\",[],{},{\"type\":7},{\"type\":\"malware\"}"), "1.0",
     "enterprise-v1.0 | TA0002 | T1059:TA0002"},
    {"a collection without a number", BUNDLE(BASE "," COLLECTION("soon")), "1.0",
     "enterprise-v1.0 | TA0002 | T1059:TA0002 | 1 left out"},
    {"revoked in a word is not revoked",
     BUNDLE(EXECUTION "," TECHNIQUE("T1059", "A", "", ",\"revoked\":\"true\"")), "1.0",
     "enterprise-v1.0 | TA0002 | T1059"},
};

static void test_good(void **state)
{
    (void)state;
    for_each_row(c, good)
    {
        attack_catalogue *made = NULL;
        ttp_err err = {0};
        buf b = {0};
        int rc = attack_load_text(str_from(c->text), "test", c->release, &made, &err);

        expect_c(c->says, (const char *)(rc ? err.text : ""), "");
        if (rc)
            continue;
        put_catalogue(&b, made);
        expect_c(c->says, buf_c_str(&b), c->want);
        expect_int(c->says, attack_skipped(made) > 0, attack_first_skipped(made).ptr != NULL);
        buf_done(&b);
        attack_free(made);
    }
    end_rows();
}

static const struct {
    const char *says, *text, *release;
    int want;
    const char *sentence; /* a part of it */
} bad[] = {
    {"nothing", "", NULL, TTP_E_SYNTAX, "JSON"},
    {"no JSON", "<html>404</html>", NULL, TTP_E_SYNTAX, "JSON"},
    {"half a bundle", "{\"type\":\"bundle\",\"objects\":[", NULL, TTP_E_SYNTAX, "JSON"},
    {"JSON of another kind", "[1,2]", "1.0", TTP_E_INVALID, "no STIX bundle"},
    {"an object of another type", "{\"type\":\"report\",\"objects\":[]}", "1.0", TTP_E_INVALID,
     "no STIX bundle"},
    {"objects that are no list", "{\"type\":\"bundle\",\"objects\":{}}", "1.0", TTP_E_INVALID,
     "no STIX bundle"},
    {"no objects", BUNDLE(""), "1.0", TTP_E_INVALID, "no tactic"},
    {"no technique", BUNDLE(EXECUTION), "1.0", TTP_E_INVALID, "no technique"},
    {"no tactic", BUNDLE(SHELL), "1.0", TTP_E_INVALID, "no tactic"},
    {"no release", BUNDLE(BASE), NULL, TTP_E_INVALID, "--attack-release"},
    {"two releases", BUNDLE(BASE "," COLLECTION("18.1") "," COLLECTION("17.1")), NULL,
     TTP_E_INVALID, "18.1 and 17.1"},
    {"a malformed release", BUNDLE(BASE), "18,1", TTP_E_INVALID, "\"18,1\" is no release"},
    {"an empty release", BUNDLE(BASE), "", TTP_E_INVALID, "\"\" is no release"},
};

static void test_bad(void **state)
{
    (void)state;
    for_each_row(c, bad)
    {
        attack_catalogue *made = NULL;
        ttp_err err = {0};

        expect_int(c->says, attack_load_text(str_from(c->text), "a.json", c->release, &made, &err),
                   c->want);
        expect_int(c->says, err.code, c->want);
        expect_text(c->says, err.where, "a.json");
        if (!strstr(err.text, c->sentence))
            expect_text(c->says, err.text, c->sentence);
        expect_true(c->says, made == NULL);
        expect_int("an error is nobody's need",
                   attack_load_text(str_from(c->text), "a.json", c->release, &made, NULL), c->want);
        attack_free(made);
    }
    end_rows();
}

static const struct {
    const char *says, *name, *url, *want_name, *want_url;
} texts[] = {
    {"as they are", "A / B", "https://attack.example/T1059", "A / B",
     "https://attack.example/T1059"},
    {"letters beyond ASCII stay", "Doppelg\xC3\xA4nging", "", "Doppelg\xC3\xA4nging",
     "https://attack.mitre.org/techniques/T1059"},
    {"nothing that moves a cursor", "A\\u001b[31m\\u0000\\u202e", "javascript:alert(1)",
     "A\\x1b[31m\\x00\\u{202e}", "https://attack.mitre.org/techniques/T1059"},
    {"an address with a quote", "A", "https://a.example/\\\"onload=", "A",
     "https://attack.mitre.org/techniques/T1059"},
    {"an address with a space", "A", "https://a.example/ x", "A",
     "https://attack.mitre.org/techniques/T1059"},
};

static void test_texts(void **state)
{
    (void)state;
    for_each_row(c, texts)
    {
        attack_catalogue *made = NULL;
        const attack_technique *t;
        buf b = {0};

        buf_printf(&b,
                   "{\"type\":\"bundle\",\"objects\":[" EXECUTION
                   ",{\"type\":\"attack-pattern\",\"name\":\"%s\",\"external_references\":[{"
                   "\"source_name\":\"mitre-attack\",\"external_id\":\"T1059\",\"url\":\"%s\"}]}]}",
                   c->name, c->url);
        assert_int_equal(attack_load_text(buf_str(&b), "test", "1.0", &made, NULL), 0);
        t = attack_find(made, STR("T1059"));
        expect_str(c->says, t->name, c->want_name);
        expect_str(c->says, t->url, c->want_url);
        buf_done(&b);
        attack_free(made);
    }
    end_rows();
}

/* n tactics, each with its own phase, and one technique under all of them. */
static int load_tactics(unsigned n, attack_catalogue **ret_catalogue)
{
    buf b = {0};
    int rc;

    buf_put_c(&b, "{\"type\":\"bundle\",\"objects\":[");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, TACTIC("TA%04u", "N", "s%u") ",", i, i, i);
    buf_put_c(
        &b, "{\"type\":\"attack-pattern\",\"name\":\"A\"," REF("T1059") ",\"kill_chain_phases\":[");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, "%s" PHASE("s%u"), i ? "," : "", i);
    buf_put_c(&b, "]}]}");
    rc = attack_load_text(buf_str(&b), "test", "1.0", ret_catalogue, NULL);
    buf_done(&b);
    return rc;
}

static void test_tactic_bounds(void **state)
{
    static const struct {
        const char *says;
        unsigned n;
        int want;
        unsigned want_tactics, want_skipped;
    } cases[] = {
        {"as many as a technique may have", ATTACK_MAX_TACTICS, 0, ATTACK_MAX_TACTICS, 0},
        {"one more is left out", ATTACK_MAX_TACTICS + 1, 0, ATTACK_MAX_TACTICS, 1},
        {"as many as a bundle may have", 64, 0, ATTACK_MAX_TACTICS, 1},
        {"one more is refused", 65, TTP_E_LIMIT, 0, 0},
    };

    (void)state;
    for_each_row(c, cases)
    {
        attack_catalogue *made = NULL;

        expect_int(c->says, load_tactics(c->n, &made), c->want);
        if (!made)
            continue;
        expect_int(c->says, attack_tactic_count(made), c->n);
        expect_int(c->says, attack_at(made, 0)->n_tactics, c->want_tactics);
        expect_int(c->says, attack_skipped(made), c->want_skipped);
        attack_free(made);
    }
    end_rows();
}

/* T0000 is revoked by T0001 and so on; the last one lives. */
static void test_chain_bounds(void **state)
{
    static const struct {
        const char *says;
        unsigned hops;
        bool found;
    } cases[] = {
        {"as long as a chain may be", 32, true},
        {"a longer one leads nowhere", 33, false},
    };

    (void)state;
    for_each_row(c, cases)
    {
        attack_catalogue *made = NULL;
        buf b = {0};
        str successor;

        buf_put_c(&b, "{\"type\":\"bundle\",\"objects\":[" EXECUTION);
        for (unsigned i = 0; i <= c->hops; i++) {
            buf_printf(&b, "," TECHNIQUE("T%04u", "A", "", "%s"), i, i, i < c->hops ? REVOKED : "");
            buf_printf(&b, "," REVOKED_BY("T%04u", "T%04u"), i, i + 1);
        }
        buf_put_c(&b, "]}");
        assert_int_equal(attack_load_text(buf_str(&b), "test", "1.0", &made, NULL), 0);
        successor = attack_find(made, STR("T0000"))->successor;
        expect_int(c->says, successor.ptr != NULL, c->found);
        expect_int(c->says, attack_skipped(made), c->found ? 0 : 1);
        expect_true("the next ones are near enough to the end",
                    attack_find(made, STR("T0001"))->successor.ptr != NULL);
        buf_done(&b);
        attack_free(made);
    }
    end_rows();
}

static void test_whole_bundle(void **state)
{
    static const struct {
        const char *says, *id, *want_name, *want_successor;
        bool revoked, deprecated;
    } cases[] = {
        {"a live sub-technique", "T1059.004", "Unix Shell", NULL, false, false},
        {"a revoked technique names the new one", "T1143", "Hidden Window", "T1564.003", true,
         false},
        {"a deprecated one has none", "T1064", "Scripting", NULL, false, true},
    };
    const char *path = find_shared_bundle();
    attack_catalogue *made = NULL;
    size_t revoked = 0, orphans = 0;

    (void)state;
    if (!path)
        skip();
    assert_int_equal(attack_load(path, "enterprise-v18.1", &made, NULL), 0);
    for_each_row(c, cases)
    {
        const attack_technique *t = attack_find(made, str_from(c->id));

        expect_true(c->says, t != NULL);
        if (!t)
            continue;
        expect_str(c->says, t->name, c->want_name);
        expect_c(c->says, t->successor.ptr ? t->successor.ptr : "",
                 c->want_successor ? c->want_successor : "");
        expect_int(c->says, t->revoked, c->revoked);
        expect_int(c->says, t->deprecated, c->deprecated);
    }
    for (size_t i = 0; i < attack_count(made); i++) {
        const attack_technique *t = attack_at(made, i);

        revoked += t->revoked;
        orphans += t->revoked && !t->successor.ptr;
        expect_true(t->id.ptr, t->n_tactics > 0);
        expect_true("a successor is in the bundle, and lives or is deprecated",
                    !t->successor.ptr || (attack_find(made, t->successor) &&
                                          !attack_find(made, t->successor)->revoked));
    }
    expect_int("techniques", attack_count(made), 835);
    expect_int("tactics", attack_tactic_count(made), 14);
    expect_int("each revoked one leads somewhere", orphans, 0);
    expect_true("there are revoked ones", revoked > 100);
    expect_int("nothing left out", attack_skipped(made), 0);
    attack_free(made);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_bad),
        cmocka_unit_test(test_texts),        cmocka_unit_test(test_tactic_bounds),
        cmocka_unit_test(test_chain_bounds), cmocka_unit_test(test_whole_bundle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
