/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cowrie.h"

#include "reading.h"

#include "base/limits.h"
#include "event/address.h"

/* Lines are written as eventid behind "cowrie." and further members; the rest is the same in all.
 */
#define L(id, members)                                                                             \
    "{\"eventid\": \"cowrie." id "\", \"session\": \"s\", \"sensor\": \"d\", "                     \
    "\"src_ip\": \"192.0.2.1\", \"timestamp\": \"2026-07-10T01:01:37.082718Z\"" members "}\n"
#define CONNECT                                                                                    \
    L("session.connect", ", \"src_port\": 4000, \"dst_port\": 22, \"protocol\": \"ssh\"")
#define CLOSED L("session.closed", ", \"duration\": 2.5")
#define LINE_ID(id, members)                                                                       \
    "{\"eventid\": \"cowrie." id "\", \"timestamp\": \"2026-07-10T01:01:37.082718Z\"" members "}"  \
    "\n"

static const struct {
    const char *says, *text;
    const char *want; /* events */
    unsigned taggable, not_taggable, bad, noted;
} maps[] = {
    /* commands */
    {"a command", L("command.input", ", \"input\": \"id\", \"realm\": \"passwd\""),
     "command s#cmd0 {\"command_text\":\"id\",\"src\":\"192.0.2.1\",\"sensor\":\"d\","
     "\"realm\":\"passwd\"}\n",
     1, 0, 0, 0},
    {"commands are numbered, even empty ones; the user is who logged in last",
     L("login.success", ", \"username\": \"root\", \"protocol\": \"telnet\"")
         L("command.input", ", \"input\": \"\"") L("command.input", ", \"input\": \"a\\nb \""),
     "auth_attempt s#auth0 {\"username\":\"root\",\"service\":\"telnet\",\"result\":\"success\","
     "\"src_ip\":\"192.0.2.1\",\"fail_count\":0,\"password_count\":0,\"prior_brute\":false}\n"
     "command s#cmd0 {\"command_text\":\"\",\"src\":\"192.0.2.1\",\"user\":\"root\","
     "\"sensor\":\"d\",\"protocol\":\"telnet\"}\n"
     "command s#cmd1 {\"command_text\":\"a\\nb \",\"src\":\"192.0.2.1\",\"user\":\"root\","
     "\"sensor\":\"d\",\"protocol\":\"telnet\"}\n",
     3, 0, 0, 0},
    {"success and failed repeat what input told",
     L("command.input", ", \"input\": \"x\"") L("command.failed", ", \"input\": \"x\"")
         L("command.success", ", \"input\": \"x\""),
     "command s#cmd0 {\"command_text\":\"x\",\"src\":\"192.0.2.1\",\"sensor\":\"d\"}\n", 1, 2, 0,
     0},
    {"failed alone is a command",
     CONNECT L("command.failed", ", \"input\": \"x\"") L("command.failed", ", \"input\": \"y\""),
     "command s#cmd0 {\"command_text\":\"x\",\"src\":\"192.0.2.1\",\"sensor\":\"d\","
     "\"protocol\":\"ssh\",\"failed\":true}\n"
     "command s#cmd1 {\"command_text\":\"y\",\"src\":\"192.0.2.1\",\"sensor\":\"d\","
     "\"protocol\":\"ssh\",\"failed\":true}\n",
     3, 0, 0, 0},
    {"but not where the sensor writes input and the session began in another file",
     L("command.input", ", \"input\": \"x\"")
         LINE_ID("command.failed", ", \"session\": \"t\", \"sensor\": \"d\", \"input\": \"y\""),
     "command s#cmd0 {\"command_text\":\"x\",\"src\":\"192.0.2.1\",\"sensor\":\"d\"}\n", 1, 1, 0,
     0},
    {"another sensor's habit is another one",
     L("command.input", ", \"input\": \"x\"")
         LINE_ID("command.failed", ", \"session\": \"t\", \"sensor\": \"e\", \"input\": \"y\""),
     "command s#cmd0 {\"command_text\":\"x\",\"src\":\"192.0.2.1\",\"sensor\":\"d\"}\n"
     "command t#cmd0 {\"command_text\":\"y\",\"sensor\":\"e\",\"failed\":true}\n",
     2, 0, 0, 0},
    {"U+0000 in a command", L("command.input", ", \"input\": \"a\\u0000b\""),
     "command s#cmd0 {\"command_text\":\"a\\u0000b\",\"src\":\"192.0.2.1\",\"sensor\":\"d\"}\n", 1,
     0, 0, 1},
    {"no input", L("command.input", ""), "", 0, 0, 1, 0},
    {"an input that is null", L("command.input", ", \"input\": null"), "", 0, 0, 1, 0},
    {"an input that is a number", L("command.input", ", \"input\": 1"), "", 0, 0, 1, 0},
    {"an input that is a list", L("command.input", ", \"input\": [\"x\"]"), "", 0, 0, 1, 0},
    {"the last of a name counts", L("command.input", ", \"input\": 1, \"input\": \"x\""),
     "command s#cmd0 {\"command_text\":\"x\",\"src\":\"192.0.2.1\",\"sensor\":\"d\"}\n", 1, 0, 0,
     1},

    /* logins */
    {"a login that fails", L("login.failed", ", \"username\": \"a\", \"password\": \"b\""),
     "auth_attempt s#auth0 {\"username\":\"a\",\"password\":\"b\",\"method\":\"password\","
     "\"result\":\"failed\",\"src_ip\":\"192.0.2.1\",\"fail_count\":1,\"password_count\":1,"
     "\"prior_brute\":false}\n",
     1, 0, 0, 0},
    {"the service from system",
     L("login.failed", ", \"username\": \"a\", \"system\": \"CowrieTelnetTransport,1,192.0.2.1\""),
     "auth_attempt s#auth0 {\"username\":\"a\",\"service\":\"telnet\",\"result\":\"failed\","
     "\"src_ip\":\"192.0.2.1\",\"fail_count\":1,\"password_count\":0,\"prior_brute\":false}\n",
     1, 0, 0, 0},
    {"the service of a session that told no version",
     L("session.connect", "") L("login.failed", ", \"username\": \"a\""),
     "auth_attempt s#auth0 {\"username\":\"a\",\"service\":\"telnet\",\"result\":\"failed\","
     "\"src_ip\":\"192.0.2.1\",\"fail_count\":1,\"password_count\":0,\"prior_brute\":false}\n",
     2, 0, 0, 0},
    {"the service of one that did",
     L("session.connect", "") L("client.version", ", \"version\": \"SSH-2.0-Go\"")
         L("login.failed", ", \"username\": \"a\""),
     "auth_attempt s#auth0 {\"username\":\"a\",\"service\":\"ssh\",\"result\":\"failed\","
     "\"src_ip\":\"192.0.2.1\",\"fail_count\":1,\"password_count\":0,\"prior_brute\":false}\n",
     3, 0, 0, 0},
    {"a public key",
     L("client.fingerprint", ", \"username\": \"a\", \"fingerprint\": \"d4:98\", \"type\": "
                             "\"ssh-rsa\", \"key\": \"ssh-rsa AAAA\""),
     "auth_attempt s#auth0 {\"username\":\"a\",\"method\":\"publickey\","
     "\"key_fingerprint\":\"d4:98\",\"key_type\":\"ssh-rsa\",\"src_ip\":\"192.0.2.1\","
     "\"fail_count\":0,\"password_count\":0,\"prior_brute\":false}\n",
     1, 0, 0, 0},
    {"a whole command as user name",
     L("login.failed", ", \"username\": \"cd /tmp || cd /\", \"password\": \"\""),
     "auth_attempt s#auth0 {\"username\":\"cd /tmp || cd /\",\"password\":\"\","
     "\"method\":\"password\",\"result\":\"failed\",\"src_ip\":\"192.0.2.1\",\"fail_count\":1,"
     "\"password_count\":1,\"prior_brute\":false}\n",
     1, 0, 0, 0},
    {"a telnet exploit",
     L("telnet.exploit_success", ", \"username\": \"-f root\", \"message\": \"m\""),
     "auth_attempt s#auth0 {\"username\":\"-f root\",\"service\":\"telnet\",\"result\":\"success\","
     "\"exploit\":\"cowrie.telnet.exploit_success\",\"message\":\"m\",\"src_ip\":\"192.0.2.1\","
     "\"fail_count\":0,\"password_count\":0,\"prior_brute\":false}\n",
     1, 0, 0, 0},
    {"a telnet exploit of which little is told", L("telnet.exploit_attempt", ", \"message\": []"),
     "auth_attempt s#auth0 {\"service\":\"telnet\",\"exploit\":\"cowrie.telnet.exploit_attempt\","
     "\"src_ip\":\"192.0.2.1\",\"fail_count\":0,\"password_count\":0,\"prior_brute\":false}\n",
     1, 0, 0, 0},

    /* files */
    {"a download",
     L("session.file_download",
       ", \"url\": \"http://192.0.2.9/a/sh?x=/y#z\", \"shasum\": \"f0\", \"outfile\": \"dl/f0\", "
       "\"duplicate\": true"),
     "payload s#file0 {\"payload_text\":\"http://192.0.2.9/a/sh?x=/y#z\","
     "\"url\":\"http://192.0.2.9/a/sh?x=/y#z\",\"filename\":\"sh\",\"sha256\":\"f0\","
     "\"outfile\":\"dl/f0\",\"direction\":\"download\",\"outcome\":\"success\",\"duplicate\":true,"
     "\"src_ip\":\"192.0.2.1\"}\n",
     1, 0, 0, 0},
    {"a redirection", L("session.file_download", ", \"destfile\": \"/var/x/.ri\", \"url\": \"\""),
     "payload s#file0 {\"payload_text\":\"/var/x/.ri\",\"filename\":\".ri\","
     "\"destfile\":\"/var/x/.ri\",\"direction\":\"download\",\"outcome\":\"success\","
     "\"src_ip\":\"192.0.2.1\"}\n",
     1, 0, 0, 0},
    {"one with hardly anything",
     L("session.file_download", ", \"realm\": \"scp\", \"input\": \"x\", \"destfile\": \"\""),
     "payload s#file0 {\"direction\":\"download\",\"outcome\":\"success\",\"src_ip\":\"192.0.2.1\","
     "\"realm\":\"scp\",\"input\":\"x\"}\n",
     1, 0, 0, 0},
    {"a failed download", L("session.file_download.failed", ", \"url\": \"http://192.0.2.9/\""),
     "payload s#file0 {\"payload_text\":\"http://192.0.2.9/\",\"url\":\"http://192.0.2.9/\","
     "\"direction\":\"download\",\"outcome\":\"failed\",\"src_ip\":\"192.0.2.1\"}\n",
     1, 0, 0, 0},
    {"an upload", L("session.file_upload", ", \"filename\": \"/tmp/sshd\", \"outfile\": \"\""),
     "payload s#file0 {\"payload_text\":\"/tmp/sshd\",\"filename\":\"sshd\","
     "\"direction\":\"upload\",\"outcome\":\"success\",\"src_ip\":\"192.0.2.1\"}\n",
     1, 0, 0, 0},

    /* HTTP */
    {"HTTP through a tunnel",
     L("direct-tcpip.data", ", \"dst_ip\": \"example.org\", \"dst_port\": 80, \"data\": "
                            "\"b'GET /x HTTP/1.0\\\\r\\\\nHost: h\\\\r\\\\n\\\\r\\\\n'\""),
     "http_request s#http0 {\"method\":\"GET\",\"raw_url\":\"/x\",\"path\":\"/x\",\"host\":\"h\","
     "\"headers\":{\"host\":\"h\"},\"service\":\"http\",\"via\":\"direct-tcpip\","
     "\"src_ip\":\"192.0.2.1\",\"dst_ip\":\"example.org\",\"dst_port\":80}\n",
     1, 0, 0, 0},
    {"TLS through a tunnel", L("direct-tcpip.data", ", \"data\": \"b\\\"\\\\x16\\\\x03\\\"\""), "",
     0, 1, 0, 0},
    {"a tunnel without data", L("direct-tcpip.data", ""), "", 0, 1, 0, 0},
    {"HTTP to the SSH port",
     CONNECT L("client.version", ", \"version\": \"GET /favicon.ico HTTP/1.1\""),
     "http_request s#http0 {\"method\":\"GET\",\"raw_url\":\"/favicon.ico\","
     "\"path\":\"/favicon.ico\",\"headers\":{},\"service\":\"http\",\"via\":\"ssh\","
     "\"src_ip\":\"192.0.2.1\",\"dst_port\":22}\n",
     2, 0, 0, 0},

    /* sessions */
    {"a session",
     CONNECT L("client.version", ", \"version\": \"b'SSH-2.0-Go'\"")
         L("client.kex", ", \"hassh\": \"7d16\"")
             L("direct-tcpip.request", ", \"dst_ip\": \"ya.ru\", \"dst_port\": 80, \"src_ip\": "
                                       "\"192.0.2.1\"")
                 L("direct-tcpip.request", ", \"dst_ip\": \"ya.ru\", \"dst_port\": 80") CLOSED,
     "session s {\"command_count\":0,\"protocol\":\"ssh\",\"src_ip\":\"192.0.2.1\","
     "\"src_port\":4000,\"dst_port\":22,\"duration_s\":2.5,\"client_version\":\"SSH-2.0-Go\","
     "\"hassh\":\"7d16\",\"login_success\":false,\"n_logins\":0,\"n_logins_failed\":0,"
     "\"n_downloads\":0,\"n_uploads\":0,\"n_tunnels\":2,\"tunnels\":[\"ya.ru:80\"],"
     "\"closed\":true}\n",
     6, 0, 0, 1},
    {"a session whose begin is not seen", CLOSED,
     "session s {\"command_count\":0,\"src_ip\":\"192.0.2.1\",\"duration_s\":2.5,"
     "\"login_success\":false,\"n_logins\":0,\"n_logins_failed\":0,\"n_downloads\":0,"
     "\"n_uploads\":0,\"n_tunnels\":0,\"closed\":true}\n",
     1, 0, 0, 0},
    {"late lines: what gives no event joins nothing",
     CLOSED L("client.kex", ", \"hassh\": \"7d16\"") L("session.closed", "")
         L("command.input", ", \"input\": \"x\", \"late\": true"),
     "session s {\"command_count\":0,\"src_ip\":\"192.0.2.1\",\"duration_s\":2.5,"
     "\"login_success\":false,\"n_logins\":0,\"n_logins_failed\":0,\"n_downloads\":0,"
     "\"n_uploads\":0,\"n_tunnels\":0,\"closed\":true}\n"
     "command s#cmd0 {\"command_text\":\"x\",\"src\":\"192.0.2.1\",\"sensor\":\"d\"}\n",
     2, 2, 0, 0},
    {"a duration that is a string", L("session.closed", ", \"duration\": \"88.7\""),
     "session s {\"command_count\":0,\"src_ip\":\"192.0.2.1\",\"duration_s\":88.7,"
     "\"login_success\":false,\"n_logins\":0,\"n_logins_failed\":0,\"n_downloads\":0,"
     "\"n_uploads\":0,\"n_tunnels\":0,\"closed\":true}\n",
     1, 0, 0, 0},
    {"a duration in milliseconds", L("session.closed", ", \"duration_ms\": 8486"),
     "session s {\"command_count\":0,\"src_ip\":\"192.0.2.1\",\"duration_s\":8.486,"
     "\"login_success\":false,\"n_logins\":0,\"n_logins_failed\":0,\"n_downloads\":0,"
     "\"n_uploads\":0,\"n_tunnels\":0,\"closed\":true}\n",
     1, 0, 0, 0},
    {"a duration that is no number", L("session.closed", ", \"duration\": \"1e3\""),
     "session s {\"command_count\":0,\"src_ip\":\"192.0.2.1\",\"login_success\":false,"
     "\"n_logins\":0,\"n_logins_failed\":0,\"n_downloads\":0,\"n_uploads\":0,\"n_tunnels\":0,"
     "\"closed\":true}\n",
     1, 0, 0, 0},

    /* what stands alone */
    {"a null session", LINE_ID("command.input", ", \"session\": null, \"input\": \"x\""),
     "command line:d2396684fbfec0a475306aea7a3c1163f1554f60#cmd {\"command_text\":\"x\"}\n", 1, 0,
     0, 1},
    {"a connect without session", LINE_ID("session.connect", ""), "", 0, 1, 0, 1},
    {"no timestamp",
     "{\"eventid\": \"cowrie.command.input\", \"session\": \"s\", \"input\": \"x\"}\n",
     "command s#cmd0 {\"command_text\":\"x\"}\n", 1, 0, 0, 1},
    {"a timestamp that is none",
     "{\"eventid\": \"cowrie.command.input\", \"session\": \"s\", \"input\": \"x\", \"timestamp\": "
     "\"2026-07-10T01:01:99.000000Z\"}\n",
     "command s#cmd0 {\"command_text\":\"x\"}\n", 1, 0, 0, 1},
    {"nothing to tag", L("log.open", "") L("session.params", ", \"message\": []"), "", 0, 2, 0, 0},
    {"an id nobody knows", L("virustotal.scanfile", ", \"session\": 7") L("", ""), "", 0, 2, 0, 1},
    {"an id of another program", "{\"eventid\": \"dionaea.x\"}\n", "", 0, 1, 0, 0},
    {"no eventid", "{\"session\": \"s\"}\n", "", 0, 0, 1, 0},
    {"a null eventid", "{\"eventid\": null}\n", "", 0, 0, 1, 0},
    {"an eventid that is a number", "{\"eventid\": 7}\n", "", 0, 0, 1, 0},
    {"a session that is a number", LINE_ID("command.input", ", \"session\": 7, \"input\": \"x\""),
     "", 0, 0, 1, 0},
    {"a duration that is a list", L("session.closed", ", \"duration\": [1]"), "", 0, 0, 1, 0},
};

static void test_maps(void **state)
{
    (void)state;
    for_each_row(c, maps)
    {
        reading rd;
        const reader_stats *s;

        reading_begin(&rd, EVENT_FORMAT_COWRIE);
        expect_int(c->says, reading_text(&rd, "log", c->text, strlen(c->text), NULL), TTP_E_END);
        expect_str(c->says, buf_str(&rd.events), c->want);
        s = reader_get_stats(rd.r);
        expect_int(c->says, s->taggable, c->taggable);
        expect_int(c->says, s->not_taggable, c->not_taggable);
        expect_int(c->says, s->bad, c->bad);
        expect_int(c->says, s->noted, c->noted);
        expect_sums(c->says, rd.r);
        reading_end(&rd);
    }
    end_rows();
}

/* The anchors, which the rows above do not show. */
static void test_anchors(void **state)
{
    static const char text[] = CONNECT L("command.input", ", \"input\": \"x\"") CLOSED;
    char want[UUID_TEXT_LEN + 1] = {0}, time[TIME_TEXT_LEN];
    reading rd;
    const event *e;

    (void)state;
    address_make_uuid(STR("192.0.2.1"), want);
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    assert_int_equal(reader_open_memory(rd.r, "log", text, sizeof(text) - 1, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reader_next(rd.r, &e, NULL), 0);
        expect_int("the kind", e->kind, i ? EVENT_SESSION : EVENT_COMMAND);
        expect_str("the attacker", e->attacker_uuid, want);
        expect_str("the session", e->session_id, "s");
        expect_str("the decoy", e->decky_id, "d");
        expect_true("no identity", !e->identity_uuid.ptr);
        time_format(e->ts_us, time);
        expect_bytes("the time", time, sizeof(time), "2026-07-10T01:01:37.082718Z");
    }
    reading_end(&rd);
    end_rows();
}

static void add_login(buf *b, const char *id, const char *session, const char *ip, int password)
{
    buf_printf(b,
               "{\"eventid\": \"cowrie.login.%s\", \"session\": \"%s\", \"src_ip\": \"%s\", "
               "\"username\": \"u\", \"password\": \"p%d\", "
               "\"timestamp\": \"2026-07-10T01:01:37.082718Z\"}\n",
               id, session, ip, password);
}

static void test_counts(void **state)
{
    buf b = {0};
    reading rd;

    (void)state;
    for (int i = 0; i < PRIOR_BRUTE_LOGINS; i++)
        add_login(&b, "failed", i % 2 ? "a" : "b", "192.0.2.1", i / 2);
    add_login(&b, "success", "c", "192.0.2.1", 9);
    add_login(&b, "success", "d", "192.0.2.2", 9);
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    (void)reading_text(&rd, "log", b.ptr, b.len, NULL); /* the events tell */
    expect_true(
        "each address has its own counts, over sessions",
        str_ends(buf_str(&rd.events),
                 STR("auth_attempt b#auth2 {\"username\":\"u\",\"password\":\"p2\","
                     "\"method\":\"password\",\"result\":\"failed\",\"src_ip\":\"192.0.2.1\","
                     "\"fail_count\":5,\"password_count\":3,\"prior_brute\":true}\n"
                     "auth_attempt c#auth0 {\"username\":\"u\",\"password\":\"p9\","
                     "\"method\":\"password\",\"result\":\"success\",\"src_ip\":\"192.0.2.1\","
                     "\"fail_count\":5,\"password_count\":4,\"prior_brute\":true}\n"
                     "auth_attempt d#auth0 {\"username\":\"u\",\"password\":\"p9\","
                     "\"method\":\"password\",\"result\":\"success\",\"src_ip\":\"192.0.2.2\","
                     "\"fail_count\":0,\"password_count\":1,\"prior_brute\":false}\n")));
    reading_end(&rd);
    buf_done(&b);
    end_rows();
}

static void test_across_files(void **state)
{
    static const char first[] = CONNECT L("command.input", ", \"input\": \"a\"");
    static const char second[] = L("command.input", ", \"input\": \"b\"");
    reading rd;

    (void)state;
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    (void)reading_text(&rd, "log.1", first, sizeof(first) - 1, NULL); /* the events tell */
    (void)reading_text(&rd, "log", second, sizeof(second) - 1, NULL); /* the events tell */
    reading_finish(&rd);
    expect_str("a session goes on, and comes out at the end", buf_str(&rd.events),
               "command s#cmd0 {\"command_text\":\"a\",\"src\":\"192.0.2.1\",\"sensor\":\"d\","
               "\"protocol\":\"ssh\"}\n"
               "command s#cmd1 {\"command_text\":\"b\",\"src\":\"192.0.2.1\",\"sensor\":\"d\","
               "\"protocol\":\"ssh\"}\n"
               "session s {\"commands\":[\"a\",\"b\"],\"command_text\":\"a\\nb\","
               "\"command_count\":2,\"protocol\":\"ssh\",\"src_ip\":\"192.0.2.1\","
               "\"src_port\":4000,\"dst_port\":22,\"duration_s\":0.0,\"login_success\":false,"
               "\"n_logins\":0,\"n_logins_failed\":0,\"n_downloads\":0,\"n_uploads\":0,"
               "\"n_tunnels\":0,\"closed\":false}\n");
    expect_int("three events", reader_get_stats(rd.r)->events, 3);
    reading_end(&rd);
    end_rows();
}

static void test_again(void **state)
{
    static const char text[] = CONNECT L("command.input", ", \"input\": \"a\"") CLOSED;
    reading rd;
    size_t half;

    (void)state;
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    (void)reading_text(&rd, "log", text, sizeof(text) - 1, NULL); /* the events tell */
    half = rd.events.len;
    (void)reading_text(&rd, "log", text, sizeof(text) - 1, NULL); /* the events tell */
    expect_int("a log read twice gives", rd.events.len, half * 2);
    expect_true("the same events", memcmp(rd.events.ptr, rd.events.ptr + half, half) == 0);
    reading_end(&rd);
    end_rows();
}

static const struct {
    const char *says, *text, *want; /* complaints */
} notes[] = {
    {"time goes back",
     "{\"eventid\": \"cowrie.log.open\", \"timestamp\": \"2026-07-10T01:01:37.000000Z\"}\n"
     "{\"eventid\": \"cowrie.log.open\", \"timestamp\": \"2026-07-10T01:01:35.500000Z\"}\n"
     "{\"eventid\": \"cowrie.log.open\", \"timestamp\": \"2026-07-10T01:01:36.000000Z\"}\n",
     "2 odd time goes back by 1.500000 s against the line before\n"},
    {"one session id from two sensors",
     LINE_ID("command.input", ", \"session\": \"s\", \"sensor\": \"a\", \"input\": \"x\"") LINE_ID(
         "command.input", ", \"session\": \"s\", \"sensor\": \"b\\u001b\", \"input\": \"x\"")
         LINE_ID("command.input", ", \"session\": \"s\", \"sensor\": \"a\", \"input\": \"x\""),
     "2 odd session s comes from sensor b\\x1b, too, and from another one before\n"},
    {"no session", LINE_ID("command.input", ", \"input\": \"x\""),
     "1 odd no session; the line stands for itself\n"},
    {"a NUL", L("command.input", ", \"input\": \"\\u0000\""),
     "1 odd a command holds the character U+0000\n"},
    {"a wrong type", L("command.input", ", \"input\": {\"a\": 1}"),
     "1 bad input is an object; expected a string\n"},
    {"a missing field", L("command.failed", ""), "1 bad no input in a cowrie.command.failed\n"},
    {"no time",
     "{\"eventid\": \"cowrie.login.failed\", \"session\": \"s\", \"timestamp\": \"\\u001b\"}\n",
     "1 odd the timestamp is \"\\x1b\"; expected a time like 2026-07-10T01:01:37.082718Z\n"},
    {"no eventid", "{}\n", "1 bad no eventid; every line of a Cowrie log has one\n"},
};

static void test_notes(void **state)
{
    (void)state;
    for_each_row(c, notes)
    {
        reading rd;

        reading_begin(&rd, EVENT_FORMAT_COWRIE);
        (void)reading_text(&rd, "log", c->text, strlen(c->text), NULL); /* the complaints tell */
        expect_str(c->says, buf_str(&rd.complaints), c->want);
        reading_end(&rd);
    }
    end_rows();
}

static void test_long_ids(void **state)
{
    static const struct {
        const char *says, *name;
        unsigned len;
        int want_bad;
    } rows[] = {
        {"the longest session id", "session", COWRIE_ID_MAX, 0},
        {"one byte more", "session", COWRIE_ID_MAX + 1, 1},
        {"the longest sensor name", "sensor", COWRIE_ID_MAX, 0},
        {"one byte more of it", "sensor", COWRIE_ID_MAX + 1, 1},
    };

    (void)state;
    for_each_row(c, rows)
    {
        buf b = {0};
        reading rd;

        buf_printf(&b,
                   "{\"eventid\": \"cowrie.command.input\", \"session\": \"s\", \"input\": \"x\", "
                   "\"timestamp\": \"2026-07-10T01:01:37.082718Z\", \"%s\": \"%0*d\"}",
                   c->name, (int)c->len, 0);
        reading_begin(&rd, EVENT_FORMAT_COWRIE);
        (void)reading_text(&rd, "log", b.ptr, b.len, NULL); /* the account tells */
        expect_int(c->says, reader_get_stats(rd.r)->bad, c->want_bad);
        expect_int(c->says, reader_get_stats(rd.r)->events, !c->want_bad);
        reading_end(&rd);
        buf_done(&b);
    }
    end_rows();
}

static void test_many_ids(void **state)
{
    buf b = {0};
    reading rd;
    const reader_count *counts;
    size_t n;

    (void)state;
    for (int i = 0; i < READER_EVENT_IDS_MAX + 3; i++)
        buf_printf(&b, "{\"eventid\": \"cowrie.x%d\"}\n{\"eventid\": \"cowrie.x%d\"}\n", i, i);
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    (void)reading_text(&rd, "log", b.ptr, b.len, NULL); /* the account tells */
    n = reader_counts(rd.r, &counts);
    expect_int("so many by name, and the rest", n, READER_EVENT_IDS_MAX + 1);
    expect_c("the first", counts[0].name, "cowrie.x0");
    expect_int("counted", counts[0].count, 2);
    expect_int("the rest together", counts[n - 1].count, 6);
    expect_sums("all of them", rd.r);
    reading_end(&rd);

    buf_clear(&b);
    buf_put_c(&b, "{\"eventid\": \"\\u001b[31m\"}\n{\"eventid\": \"");
    for (int i = 0; i < 9; i++)
        buf_put_c(&b, "0123456789");
    buf_put_c(&b, "\"}\n");
    reading_begin(&rd, EVENT_FORMAT_COWRIE);
    (void)reading_text(&rd, "log", b.ptr, b.len, NULL); /* the account tells */
    n = reader_counts(rd.r, &counts);
    expect_int("two hostile ones", n, 2);
    expect_c("are escaped", counts[0].name, "\\x1b[31m");
    expect_int("and cut", strlen(counts[1].name), 67);
    reading_end(&rd);
    buf_done(&b);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps),     cmocka_unit_test(test_anchors),
        cmocka_unit_test(test_counts),   cmocka_unit_test(test_across_files),
        cmocka_unit_test(test_again),    cmocka_unit_test(test_notes),
        cmocka_unit_test(test_long_ids), cmocka_unit_test(test_many_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
