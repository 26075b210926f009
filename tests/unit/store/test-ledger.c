/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger.h"

#include "../unit.h"
#include "base/err.h"
#include "base/uuid.h"

#include <stdlib.h>

static rule *make(const char *id, int version)
{
    char text[400];
    rule *r = NULL;

    (void)snprintf(text, sizeof(text),
                   "rule_id: %s\nrule_version: %d\nname: n\napplies_to: command\n"
                   "match: {pattern: x}\nemits: [{technique_id: T1105}]\n",
                   id, version);
    assert_int_equal(rule_read(str_from(text), id, NULL, &r, NULL), 0);
    return r;
}

static const ttp_err bad = {
    .code = TTP_E_INVALID, .line = 4, .column = 11, .where = "R1", .text = "bad"};
static const uint8_t bad_hash[20] = {0xab}, worse_hash[20] = {0xac};

/* All that is to be written, as "R1=2 R2! -R3": id, version, refused, gone; and it is written. */
static const char *drain(ledger *l, size_t batch)
{
    static char text[600];
    ledger_row rows[8];
    int n;

    text[0] = '\0';
    while ((n = ledger_take(l, rows, batch)) > 0) {
        for (int i = 0; i < n; i++) {
            size_t len = strlen(text);
            char version[24] = "";

            if (rows[i].said.runs && !rows[i].gone)
                (void)snprintf(version, sizeof(version), "=%d", (int)rows[i].said.version);
            (void)snprintf(text + len, sizeof(text) - len, "%s%s%s%s%s", len ? " " : "",
                           rows[i].gone ? "-" : "", rows[i].key, version,
                           rows[i].said.quarantined ? "!" : "");
        }
        ledger_written(l, rows, (size_t)n);
        ledger_rows_done(rows, (size_t)n);
    }
    return n == 0 ? text : "out of memory";
}

/* Row by row: what is noted, and what is to be written then. */
static const struct {
    const char *says, *id;
    int version; /* 0: runs nothing */
    const ttp_err *err;
    const uint8_t *refused;
    const char *want;
} steps[] = {
    {"a new rule", "R1", 1, NULL, NULL, "R1=1"},
    {"the same again is nothing", "R1", 1, NULL, NULL, ""},
    {"another version", "R1", 2, NULL, NULL, "R1=2"},
    {"a bad edit", "R1", 2, &bad, bad_hash, "R1=2!"},
    {"the same bad edit again", "R1", 2, &bad, bad_hash, ""},
    {"another bad edit of the same mistake", "R1", 2, &bad, worse_hash, "R1=2!"},
    {"it cannot even be read", "R1", 2, &bad, NULL, "R1=2!"},
    {"taken back", "R1", 2, NULL, NULL, "R1=2"},
    {"one that never was good", "R0", 0, &bad, bad_hash, "R0!"},
    {"a file whose id cannot be read", "R9_x.yaml", 0, &bad, bad_hash, "R9_x.yaml!"},
    {"gone", "R1", 0, NULL, NULL, "-R1"},
    {"gone again is nothing", "R1", 0, NULL, NULL, ""},
    {"back", "R1", 2, NULL, NULL, "R1=2"},
};

static void test_notes(void **state)
{
    ledger *l = ledger_new("h", true);

    (void)state;
    for_each_row(step, steps)
    {
        rule *r = step->version ? make(step->id, step->version) : NULL;
        const char *written;

        ledger_note(l, step->id, r, step->err, step->refused);
        expect_true(step->says, ledger_has_news(l) == (step->want[0] != '\0'));
        written = drain(l, 8);
        expect_c(step->says, written, step->want);
        expect_true("all is written", !ledger_has_news(l));
        (void)rule_unref(r);
    }
    (void)ledger_free(l);
    ledger_note(NULL, "R1", NULL, NULL, NULL); /* no ledger, no harm */
    expect_true("no ledger has no news", !ledger_has_news(NULL));
    end_rows();
}

static void note_version(ledger *l, const char *id, int version)
{
    rule *r = make(id, version);

    ledger_note(l, id, r, NULL, NULL);
    (void)rule_unref(r);
}

static ledger_row row_of(const char *id, int version, int64_t since_us)
{
    rule *r = make(id, version);
    ledger_row row = {
        .key = strdup(id), .said = {.runs = true, .version = version}, .since_us = since_us};

    memcpy(row.said.hash, r->content_hash, sizeof(row.said.hash));
    (void)rule_unref(r);
    return row;
}

static void adopt(ledger *l, const char *id, int version)
{
    ledger_row row = row_of(id, version, 77);

    ledger_adopt(l, &row);
}

static void test_adoption(void **state)
{
    ledger *l = ledger_new("h", true);
    ledger_row rows[8];
    const char *written;

    (void)state;
    note_version(l, "R1", 1);
    note_version(l, "R2", 1);
    note_version(l, "R5", 1);
    ledger_adopt_begin(l);
    adopt(l, "R1", 1);
    adopt(l, "R2", 9);
    adopt(l, "R3", 1);
    adopt(l, "R4", 1);
    written = drain(l, 2);
    expect_c("only what differs is written, and nobody's row goes before all is known", written,
             "R2=1 R5=1");
    note_version(l, "R4", 1);
    written = drain(l, 2);
    expect_c("what an earlier process wrote is not written again", written, "");
    ledger_settle(l);
    written = drain(l, 2);
    expect_c("what is not there any more goes", written, "-R3");

    ledger_adopt_begin(l);
    adopt(l, "R1", 1);
    adopt(l, "R8", 1);
    expect_int("after a failure: what was lost, and strangers", ledger_take(l, rows, 8), 4);
    expect_c("R2 is lost", rows[0].key, "R2");
    expect_true("R8 is a stranger", strcmp(rows[3].key, "R8") == 0 && rows[3].gone);
    note_version(l, "R2", 2);
    ledger_written(l, rows, 4);
    ledger_rows_done(rows, 4);
    written = drain(l, 8);
    expect_c("what changed while it was written is written again", written, "R2=2");

    note_version(l, "R1", 2);
    note_version(l, "R1", 1);
    expect_int("one row to write", ledger_take(l, rows, 8), 1);
    expect_true("since when it runs is a time of ours", rows[0].since_us > 77);
    ledger_rows_done(rows, 1);
    (void)ledger_free(l);
    end_rows();
}

static ttp_ledger *view_of(ledger *l)
{
    ttp_ledger *view = ledger_view_new();

    assert_int_equal(ledger_view_own(view, l, true), 0);
    assert_int_equal(ledger_view_finish(view), 0);
    return view;
}

/* Adopted rows keep since when they are so. */
static void test_since(void **state)
{
    ledger *l = ledger_new("h", true);
    ttp_ledger *view;

    (void)state;
    ledger_adopt_begin(l);
    adopt(l, "R1", 1);
    adopt(l, "R2", 1);
    note_version(l, "R1", 1);
    note_version(l, "R2", 2);
    view = view_of(l);
    expect_int("the same as before", ttp_ledger_find(view, "R1")->rows[0].since_us, 77);
    expect_true("another version", ttp_ledger_find(view, "R2")->rows[0].since_us > 77);
    (void)ttp_ledger_free(view);
    (void)ledger_free(l);
    end_rows();
}

static void test_own_view(void **state)
{
    ledger *l = ledger_new("h", false);
    ttp_ledger *view;
    const ttp_ledger_rule *r;
    rule *r1 = make("R1", 3);

    (void)state;
    note_version(l, "R2", 1);
    ledger_note(l, "R1", r1, &bad, bad_hash);
    note_version(l, "R3", 1);
    ledger_note(l, "R3", NULL, NULL, NULL);
    ledger_note(l, "x.yaml", NULL, &bad, NULL);
    view = view_of(l);
    expect_int("what is gone is not told of", ttp_ledger_count(view), 3);
    expect_int("one host", ttp_ledger_n_hosts(view), 1);
    r = ttp_ledger_find(view, "R1");
    expect_int("a bad edit is refused", r->n_refused, 1);
    expect_c("what was read last is wanted", r->content_hash,
             "ab00000000000000000000000000000000000000");
    expect_int("the last good version runs", r->rows[0].rule_version, 3);
    expect_c("why", r->rows[0].error, "R1:4:11: bad");
    r = ttp_ledger_find(view, "R2");
    expect_int("a good one is live", r->n_live, 1);
    expect_int("its version is wanted", r->rule_version, 1);
    r = ttp_ledger_find(view, "x.yaml");
    expect_int("a file that cannot be read is refused", r->n_refused, 1);
    expect_c("it runs nothing", r->rows[0].content_hash, "");
    expect_true("no such rule", !ttp_ledger_find(view, "R3"));
    (void)ttp_ledger_free(view);
    (void)rule_unref(r1);
    (void)ledger_free(l);
    end_rows();
}

#define H1 "1111111111111111111111111111111111111111"
#define H2 "2222222222222222222222222222222222222222"
#define H3 "3333333333333333333333333333333333333333"

/* R1 is wanted at H2; what hosts say of it, and what is judged. */
static const struct {
    const char *says, *hash, *refused;
    ttp_ledger_verdict want;
} verdicts[] = {
    {"runs what is wanted", H2, NULL, TTP_LEDGER_LIVE},
    {"runs an older one", H1, NULL, TTP_LEDGER_LAGGING},
    {"refused it and runs an older one", H1, H2, TTP_LEDGER_REFUSED},
    {"refused it and runs none", NULL, H2, TTP_LEDGER_REFUSED},
    {"refused another one, and has not seen this one", H1, H3, TTP_LEDGER_LAGGING},
    {"runs what is wanted, and refused one in between", H2, H3, TTP_LEDGER_LIVE},
};

static void add(ttp_ledger *view, const char *host, const char *key, const char *hash,
                const char *refused)
{
    const ledger_view_row row = {.host = str_from(host),
                                 .key = str_from(key),
                                 .runs = hash,
                                 .version = 5,
                                 .hash = str_from(hash),
                                 .quarantined = refused,
                                 .refused = str_from(refused),
                                 .error = refused ? STR("why") : STR_NULL,
                                 .since_us = 9};

    assert_int_equal(ledger_view_add(view, &row), 0);
}

static void test_verdicts(void **state)
{
    (void)state;
    for_each_row(c, verdicts)
    {
        ttp_ledger *view = ledger_view_new();
        const ttp_ledger_rule *r;

        assert_int_equal(ledger_view_want(view, STR("R1"), 6, STR(H2)), 0);
        add(view, "a", "R1", c->hash, c->refused);
        assert_int_equal(ledger_view_finish(view), 0);
        r = ttp_ledger_find(view, "R1");
        expect_int(c->says, r->rows[0].verdict, c->want);
        expect_int(c->says, r->n_live, c->want == TTP_LEDGER_LIVE);
        expect_int(c->says, r->n_lagging, c->want == TTP_LEDGER_LAGGING);
        expect_int(c->says, r->n_refused, c->want == TTP_LEDGER_REFUSED);
        (void)ttp_ledger_free(view);
    }
    end_rows();
}

static void test_fleet(void **state)
{
    ttp_ledger *view = ledger_view_new();
    const ttp_ledger_rule *r;

    (void)state;
    add(view, "b", "R2", H2, NULL);
    add(view, "c", "R0", H1, NULL);
    add(view, "a", "R1", H1, NULL);
    add(view, "b", "R1", H1, NULL);
    assert_int_equal(ledger_view_host(view, STR("d")), 0);
    assert_int_equal(ledger_view_want(view, STR("R2"), 6, STR(H2)), 0);
    assert_int_equal(ledger_view_want(view, STR("R1"), 6, STR(H1)), 0);
    assert_int_equal(ledger_view_finish(view), 0);
    expect_int("all hosts", ttp_ledger_n_hosts(view), 4);
    expect_int("wanted rules and those that somebody still has", ttp_ledger_count(view), 3);
    r = ttp_ledger_at(view, 0);
    expect_c("by id", r->rule_id, "R0");
    expect_true("nobody wants it", !r->wanted);
    expect_int("only who still has it is told of", r->n_rows, 1);
    expect_int("and lags", r->rows[0].verdict, TTP_LEDGER_LAGGING);
    r = ttp_ledger_at(view, 1);
    expect_int("two have it", r->n_live, 2);
    expect_int("two lag", r->n_lagging, 2);
    expect_c("hosts by name", r->rows[2].host, "c");
    expect_true("one that never told of it", r->rows[3].since_us == TTP_TIME_NONE);
    r = ttp_ledger_at(view, 2);
    expect_int("the row of b is found behind that of a, which has none", r->n_live, 1);
    expect_c("it is b's", r->rows[1].host, "b");
    expect_int("live", r->rows[1].verdict, TTP_LEDGER_LIVE);
    expect_true("beyond the last", !ttp_ledger_at(view, 3));
    expect_true("unknown", !ttp_ledger_find(view, "R7"));
    (void)ttp_ledger_free(view);

    view = ledger_view_new();
    assert_int_equal(ledger_view_finish(view), 0);
    expect_int("an empty ledger", ttp_ledger_count(view), 0);
    expect_true("has no rule", !ttp_ledger_find(view, "R1"));
    (void)ttp_ledger_free(view);
    end_rows();
}

static const struct {
    const char *says, *text;
    int want;
} hashes[] = {
    {"a hash", "0123456789abcdef0123456789abcdef01234567", 0},
    {"in capitals", "0123456789ABCDEF0123456789ABCDEF01234567", 0},
    {"too short", "0123456789abcdef0123456789abcdef0123456", TTP_E_SYNTAX},
    {"too long", "0123456789abcdef0123456789abcdef012345678", TTP_E_SYNTAX},
    {"another letter", "0123456789abcdef0123456789abcdef0123456g", TTP_E_SYNTAX},
    {"a sign before the digits", "@123456789abcdef0123456789abcdef01234567", TTP_E_SYNTAX},
    {"nothing", "", TTP_E_SYNTAX},
};

static void test_hashes(void **state)
{
    (void)state;
    for_each_row(c, hashes)
    {
        uint8_t hash[20];
        char text[LEDGER_HASH_LEN];

        expect_int(c->says, ledger_hash_parse(str_from(c->text), hash), c->want);
        if (c->want)
            continue;
        ledger_hash_format(hash, text);
        expect_bytes(c->says, text, sizeof(text), hashes[0].text);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes),    cmocka_unit_test(test_adoption),
        cmocka_unit_test(test_since),    cmocka_unit_test(test_own_view),
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_fleet),
        cmocka_unit_test(test_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
