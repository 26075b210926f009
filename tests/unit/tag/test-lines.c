/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks that write a line a tag: JSON Lines and ECS. */
#include "tag/tag.h"

#include "../unit.h"
#include "alloc.h"
#include "tags.h"

#include <errno.h>
#include <signal.h>

static int new_jsonl(int fd, tag_sink **ret_sink)
{
    return tag_sink_jsonl_new(fd, ret_sink);
}

static int new_ecs(int fd, tag_sink **ret_sink)
{
    return tag_sink_ecs_new(fd, NULL, ret_sink);
}

static const struct {
    const char *says;
    int (*make)(int fd, tag_sink **ret_sink);
} sinks[] = {
    {"JSON Lines", new_jsonl},
    {"ECS", new_ecs},
};

static void test_lines(void **state)
{
    (void)state;
    for_each_row(c, sinks)
    {
        int fd = memory_file();
        tag t = sample_tag();
        ttp_err err = {0};
        tag_sink *s;
        unsigned n_lines = 0;
        str text;

        expect_int(c->says, c->make(fd, &s), 0);
        t.source_id = STR("two\nlines\xE2\x80\xA8");
        for (unsigned i = 0; i < 2000; i++)
            expect_int(c->says, tag_sink_put(s, &t, &err), 0);
        expect_true("large blocks went out before", lseek(fd, 0, SEEK_END) > 0);
        expect_int(c->says, tag_sink_flush(s, &err), 0);
        text = written(fd);
        for (size_t i = 0; i < text.len; i++)
            n_lines += text.ptr[i] == '\n';
        expect_int("one line a tag", n_lines, 2000);
        expect_true("no other line end", !str_find(text, STR("\xE2\x80\xA8")));
        free((char *)text.ptr);
        (void)tag_sink_free(s);
        close(fd);
    }
    end_rows();
}

static int open_full(void)
{
    return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

static int open_broken(void)
{
    int fds[2];

    if (pipe(fds))
        abort();
    close(fds[0]);
    return fds[1];
}

static void test_failures(void **state)
{
    static const struct {
        const char *says;
        int (*open)(void);
        int want;
    } cases[] = {{"a full disk", open_full, -ENOSPC}, {"a closed pipe", open_broken, -EPIPE}};

    (void)state;
    for_each_row(sink, sinks)
    {
        for_each_row(c, cases)
        {
            int fd = c->open(), rc = 0;
            tag t = sample_tag();
            ttp_err err = {0};
            tag_sink *s;
            unsigned n = 0;

            expect_int(sink->says, sink->make(fd, &s), 0);
            expect_int("a short line waits", tag_sink_put(s, &t, &err), 0);
            expect_int(c->says, tag_sink_flush(s, &err), c->want);
            while (!rc && n++ < 100000)
                rc = tag_sink_put(s, &t, &err);
            expect_int("a full block, too", rc, c->want);
            expect_true(c->says, err.text[0] != '\0');
            (void)tag_sink_free(s);
            close(fd);
        }
    }
    end_rows();
}

static void test_refused(void **state)
{
    (void)state;
    for_each_row(c, sinks)
    {
        int fd = memory_file();
        tag t = sample_tag();
        ttp_err err = {0};
        tag_sink *s;

        expect_int(c->says, c->make(fd, &s), 0);
        t.confidence = 2;
        expect_int("too sure", tag_sink_put(s, &t, &err), TTP_E_INVALID);
        expect_int("flush", tag_sink_flush(s, &err), 0);
        expect_int("nothing written", lseek(fd, 0, SEEK_END), 0);
        (void)tag_sink_free(s);
        close(fd);
    }
    end_rows();
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!CAN_FAIL_ALLOCATIONS) {
        print_message("SKIP: allocations cannot be made to fail under a sanitizer\n");
        return;
    }
    for_each_row(c, sinks)
    {
        for (long nth = 0; nth < 10; nth++) {
            int fd = memory_file(), rc;
            tag t = sample_tag();
            tag_sink *s = NULL;

            fail_allocations_after(nth);
            rc = c->make(fd, &s);
            if (!rc)
                rc = tag_sink_put(s, &t, NULL);
            fail_allocations_after(-1);
            expect_true("it worked or said so", rc == 0 || rc == -ENOMEM);
            if (s)
                expect_int("flush", tag_sink_flush(s, NULL), 0);
            expect_true("a line is whole or not there", (rc == 0) == (lseek(fd, 0, SEEK_END) > 0));
            (void)tag_sink_free(s);
            close(fd);
        }
    }
    end_rows();
}

static str ecs_line(const tag *t)
{
    int fd = memory_file();
    tag_sink *s;
    str text;

    if (tag_sink_ecs_new(fd, NULL, &s) || tag_sink_put(s, t, NULL) || tag_sink_flush(s, NULL))
        fail_msg("the sink failed");
    text = written(fd);
    (void)tag_sink_free(s);
    close(fd);
    return text;
}

/* Each path of a document with the value it has there, as JSON; NULL: not there. */
static const struct {
    const char *says, *path, *want;
} ecs_fields[] = {
    {"when it happened", "@timestamp", "\"2026-07-10T01:01:37.082718Z\""},
    {"version", "ecs.version", "\"8.11.0\""},
    {"kind", "event.kind", "\"alert\""},
    {"category", "event.category", "[\"intrusion_detection\"]"},
    {"type", "event.type", "[\"info\"]"},
    {"dataset", "event.dataset", "\"ttp.tag\""},
    {"the tag's id", "event.id", "\"8bbb97e1-0229-5690-9de9-d4ca8106e2f0\""},
    {"when it was tagged", "event.created", "\"2026-07-10T01:01:38.082718Z\""},
    {"framework", "threat.framework", "\"MITRE ATT&CK\""},
    {"tactic", "threat.tactic",
     "{\"id\":[\"TA0002\"],\"name\":[\"Execution\"],"
     "\"reference\":[\"https://attack.mitre.org/tactics/TA0002\"]}"},
    {"technique", "threat.technique.id", "[\"T1059\"]"},
    {"its name", "threat.technique.name", "[\"Command and Scripting Interpreter\"]"},
    {"its page", "threat.technique.reference", "[\"https://attack.mitre.org/techniques/T1059\"]"},
    {"sub-technique", "threat.technique.subtechnique",
     "{\"id\":[\"T1059.004\"],\"name\":[\"Unix Shell\"],"
     "\"reference\":[\"https://attack.mitre.org/techniques/T1059/004\"]}"},
    {"rule", "rule", "{\"id\":\"R0015\",\"version\":\"1\",\"name\":\"suid_search\"}"},
    {"decoy", "related.hosts", "[\"decky-01\"]"},
    {"confidence", "ttp.confidence", "0.85"},
    {"session", "ttp.session_id", "\"s1\""},
    {"an absent anchor", "ttp.identity_uuid", NULL},
    {"evidence is text", "ttp.evidence", "\"{\\\"command_text\\\":\\\"find / -perm -4000\\\"}\""},
};

static void test_ecs(void **state)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    const json_node *root;
    tag t = sample_tag();
    ttp_err err = {0};
    str line;

    (void)state;
    t.tactic = STR("TA0002");
    t.technique_id = STR("T1059");
    t.sub_technique_id = STR("T1059.004");
    renew_id(&t);
    line = ecs_line(&t);
    if (json_parse_copy(doc, line, 1 << 20, &root, NULL, &err))
        fail_msg("no JSON: %s", err.text);
    for_each_row(c, ecs_fields)
    {
        auto_free(buf) buf got = {0};
        const json_node *n = json_get_path(root, str_from(c->path));

        if (n)
            json_write(&got, n);
        if (c->want)
            expect_str(c->says, buf_str(&got), c->want);
        else
            expect_true(c->says, n == NULL);
    }
    free((char *)line.ptr);
    end_rows();
}

/* What the catalogue does not know has no name, but an id and an address; a time that nobody knows
 * is the tag's. */
static void test_ecs_unknown(void **state)
{
    tag t = sample_tag();
    str line;

    (void)state;
    t.tactic = STR("TA9999");
    t.technique_id = STR("T9999");
    t.rule_name = STR_NULL;
    t.event_us = TIME_NONE;
    line = ecs_line(&t);
    expect_true("tactic", str_find(line, STR("\"tactic\":{\"id\":[\"TA9999\"],\"reference\":["
                                             "\"https://attack.mitre.org/tactics/TA9999\"]}")));
    expect_true("technique",
                str_find(line, STR("\"technique\":{\"id\":[\"T9999\"],\"reference\":["
                                   "\"https://attack.mitre.org/techniques/T9999\"]}")));
    expect_true("rule", str_find(line, STR("\"rule\":{\"id\":\"R0015\",\"version\":\"1\"}")));
    expect_true("time", str_find(line, STR("{\"@timestamp\":\"2026-07-10T01:01:38.082718Z\"")));
    free((char *)line.ptr);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_failures),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_ecs),     cmocka_unit_test(test_ecs_unknown),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
