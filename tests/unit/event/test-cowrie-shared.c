/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real logs, where they are at hand: every line must be in one column of the account, and what the
 * log holds by plain search must be what came out.
 */
#include "reading.h"

#include "base/limits.h"

#include <fcntl.h>
#include <unistd.h>

static char shared[512];

static bool find_shared(const char *source_root)
{
    const char *given = getenv("TTP_SHARED");

    if (given)
        (void)snprintf(shared, sizeof(shared), "%s/data/cowrie", given);
    else
        (void)snprintf(shared, sizeof(shared), "%s/../shared/data/cowrie", source_root);
    return access(shared, R_OK) == 0;
}

static const char *path_of(const char *name)
{
    static char path[600];

    (void)snprintf(path, sizeof(path), "%s/%s", shared, name);
    return path;
}

/* How often a text stands in a file. */
static uint64_t count_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "re");
    char *one = NULL;
    size_t cap = 0;
    ssize_t len;
    uint64_t n = 0;

    assert_non_null(f);
    while ((len = getline(&one, &cap, f)) > 0)
        n += memmem(one, (size_t)len, text, strlen(text)) != NULL;
    free(one);
    fclose(f);
    return n;
}

/* Both serialisations of Cowrie. */
static uint64_t count_id(const char *path, const char *id)
{
    char text[2][80];

    (void)snprintf(text[0], sizeof(text[0]), "\"eventid\": \"cowrie.%s\"", id);
    (void)snprintf(text[1], sizeof(text[1]), "\"eventid\":\"cowrie.%s\"", id);
    return count_text(path, text[0]) + count_text(path, text[1]);
}

typedef struct tally {
    uint64_t by_kind[EVENT_N_KINDS + 1];
    uint64_t closed_sessions, without_attacker, failed_commands;
    const char *last_where;
} tally;

static void count_event(tally *t, const event *e)
{
    const json_node *closed = json_get(e->payload, STR("closed"));

    t->by_kind[e->kind]++;
    t->without_attacker += !e->attacker_uuid.ptr;
    if (e->kind == EVENT_SESSION)
        t->closed_sessions += closed && closed->boolean;
    if (e->kind == EVENT_COMMAND)
        t->failed_commands += json_get(e->payload, STR("failed")) != NULL;
}

static void test_dev_log(void **state)
{
    const char *path = path_of("cowrie_dev.jsonl");
    reading rd;
    tally t = {0};
    const event *e;
    const reader_stats *s;

    (void)state;
    reading_begin(&rd, EVENT_FORMAT_AUTO);
    assert_int_equal(reader_open(rd.r, path, NULL), 0);
    while (reader_next(rd.r, &e, NULL) == 0)
        count_event(&t, e);
    while (reader_finish(rd.r, &e, NULL) == 0)
        count_event(&t, e);
    s = reader_get_stats(rd.r);
    expect_int("every line", s->lines, count_text(path, ""));
    expect_int("none is bad", s->bad, 0);
    expect_int("none is blank", s->blank, 0);
    expect_sums("the account", rd.r);
    expect_int("commands", t.by_kind[EVENT_COMMAND], count_id(path, "command.input"));
    expect_int("none of them from command.failed", t.failed_commands, 0);
    expect_int("logins", t.by_kind[EVENT_AUTH_ATTEMPT],
               count_id(path, "login.failed") + count_id(path, "login.success") +
                   count_id(path, "client.fingerprint"));
    expect_int("files", t.by_kind[EVENT_PAYLOAD],
               count_id(path, "session.file_download") + count_id(path, "session.file_upload") +
                   count_id(path, "session.file_download.failed"));
    expect_int("closed sessions", t.closed_sessions, count_id(path, "session.closed"));
    expect_true("sessions, each once",
                t.by_kind[EVENT_SESSION] >= 1997 && t.by_kind[EVENT_SESSION] < 2010);
    expect_true("requests through tunnels and to the wrong port",
                t.by_kind[EVENT_HTTP_REQUEST] > 100);
    expect_int("all have an attacker", t.without_attacker, 0);
    expect_int(
        "commands that repeat are not taggable",
        s->not_taggable >= count_id(path, "command.success") + count_id(path, "command.failed"), 1);
    reading_end(&rd);
    end_rows();
}

static const struct {
    const char *says, *name;
    uint64_t lines, bad, noted;
} odd[] = {
    {"half a megabyte of NULs before the first line", "odd/nul_run_first_line.json", 105, 0, 1},
    {"a brace as the last line", "odd/truncated_last_line_1.json", 41, 1, 0},
    {"half a last line", "odd/truncated_last_line_2.json", 41, 1, 0},
};

static void test_odd_logs(void **state)
{
    (void)state;
    for_each_row(c, odd)
    {
        reading rd;

        reading_begin(&rd, EVENT_FORMAT_AUTO);
        expect_int(c->says, reader_open(rd.r, path_of(c->name), NULL), 0);
        expect_int(c->says, reading_rest(&rd, NULL), TTP_E_END);
        expect_int(c->says, reader_get_stats(rd.r)->lines, c->lines);
        expect_int(c->says, reader_get_stats(rd.r)->bad, c->bad);
        expect_int(c->says, reader_get_stats(rd.r)->noted, c->noted);
        expect_sums(c->says, rd.r);
        reading_end(&rd);
    }
    end_rows();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dev_log),
                                       cmocka_unit_test(test_odd_logs)};

    if (!find_shared(argc > 1 ? argv[1] : ".")) {
        printf("SKIP: no shared data at %s (TTP_SHARED names its place)\n", shared);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
