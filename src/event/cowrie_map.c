/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cowrie_map.h"

#include "event/http.h"
#include "event/pyrepr.h"

#include "base/utf8.h"

#include <errno.h>

static str field(const cowrie *c, cowrie_field f)
{
    return json_str(c->f.v[f]);
}

/* A string that says something. */
static str filled_field(const cowrie *c, cowrie_field f)
{
    str s = field(c, f);

    return s.len ? s : STR_NULL;
}

/* A number from 0 up, or -1. */
static int64_t port_field(const cowrie *c, cowrie_field f)
{
    const json_node *n = c->f.v[f];

    return n && n->type == JSON_INT && n->i >= 0 ? n->i : -1;
}

/* The attacker's address: the line's or else the session's, which the line then keeps. */
static str attacker_ip(cowrie *c)
{
    str known = c->src_ip.ptr || !c->s ? STR_NULL : session_src_ip(c->s);

    if (known.ptr) {
        c->src_ip = arena_str(c->mem, known);
        c->payload.failed |= !c->src_ip.ptr;
    }
    return c->src_ip;
}

static int remember(cowrie *c, session_item kind, str text)
{
    if (!c->s || !text.ptr)
        return 0;
    return sessions_remember(&c->sessions, c->s, kind, text);
}

static int make_source_id(cowrie *c, session_given family)
{
    static const char *const names[GIVEN_N] = {"#cmd", "#auth", "#file", "#http"};
    buf *b = &c->id;

    buf_clear(b);
    if (c->s) {
        buf_put_str(b, session_base(c->s));
        buf_put_c(b, names[family]);
        buf_put_u64(b, c->s->n_given[family]++);
    } else {
        /* nothing but the line itself tells it from others; the same line again is the same one */
        uint8_t digest[20];

        sha1(c->text.ptr, c->text.len, digest);
        buf_put_c(b, "line:");
        for (size_t i = 0; i < sizeof(digest); i++)
            buf_printf(b, "%02x", digest[i]);
        buf_put_c(b, names[family]);
    }
    return buf_c_str(b) ? 0 : -ENOMEM;
}

static int set_attacker(cowrie *c, str ip, event *e)
{
    address *a;

    if (!ip.len)
        return 0;
    a = addresses_get(&c->addresses, ip);
    if (!a)
        return -ENOMEM;
    e->attacker_uuid = arena_str(c->mem, (str){a->uuid, UUID_TEXT_LEN});
    return e->attacker_uuid.ptr ? 0 : -ENOMEM;
}

/* Begin the payload; its members follow, then give_event. */
static nodes *begin_payload(cowrie *c)
{
    nodes_clear(&c->payload);
    (void)nodes_open(&c->payload, JSON_OBJECT); /* the first node: at 0 */
    return &c->payload;
}

static int give_event(cowrie *c, event_kind kind, session_given family, unsigned n_members)
{
    event *e = c->out;
    str ip = attacker_ip(c);

    nodes_close(&c->payload, 0, n_members);
    *e = (event){.kind = kind,
                 .source_kind = str_from(event_kind_name(kind)),
                 .session_id = c->session_id,
                 .decky_id = c->sensor,
                 .ts_us = c->ts_us,
                 .payload = nodes_finish(&c->payload, c->mem)};
    if (!e->payload || make_source_id(c, family))
        return -ENOMEM;
    e->source_id = arena_str(c->mem, buf_str(&c->id));
    if (!e->source_id.ptr || set_attacker(c, ip, e))
        return -ENOMEM;
    return GAVE_EVENT;
}

int cowrie_show_session(cowrie *c, const session_view *v, event *e)
{
    *e = (event){.kind = EVENT_SESSION,
                 .source_kind = STR("session"),
                 .source_id = v->base,
                 .session_id = v->id,
                 .decky_id = v->sensor,
                 .ts_us = v->ts_us,
                 .payload = v->payload};
    return set_attacker(c, v->src_ip, e);
}

/* ---- what a line tells of its session ---- */

static session_protocol protocol_of_line(const cowrie *c)
{
    str protocol = field(c, F_PROTOCOL), system = field(c, F_SYSTEM);

    if (str_eq(protocol, STR("ssh")))
        return PROTOCOL_SSH;
    if (str_eq(protocol, STR("telnet")))
        return PROTOCOL_TELNET;
    if (system.len && str_find(system, STR("Telnet")))
        return PROTOCOL_TELNET;
    if (system.len && str_find(system, STR("SSH")))
        return PROTOCOL_SSH;
    return PROTOCOL_UNKNOWN;
}

static int update_session(cowrie *c)
{
    session *s = c->s;

    if (!s)
        return 0;
    if (c->ts_us != TIME_NONE)
        s->last_us = c->ts_us;
    if (s->protocol == PROTOCOL_UNKNOWN)
        s->protocol = protocol_of_line(c);
    return s->src_at ? 0 : remember(c, ITEM_SRC_IP, filled_field(c, F_SRC_IP));
}

/* Where nothing names it: SSH clients say their version before they log in, telnet ones cannot. */
static str service_of_login(const cowrie *c)
{
    session_protocol p = c->s && c->s->protocol ? c->s->protocol : protocol_of_line(c);

    if (p == PROTOCOL_UNKNOWN && c->s && c->s->has_start)
        p = c->s->has_version ? PROTOCOL_SSH : PROTOCOL_TELNET;
    return p == PROTOCOL_SSH ? STR("ssh") : p == PROTOCOL_TELNET ? STR("telnet") : STR_NULL;
}

static str protocol_name(const cowrie *c)
{
    session_protocol p = c->s && c->s->protocol ? c->s->protocol : protocol_of_line(c);

    return p == PROTOCOL_SSH ? STR("ssh") : p == PROTOCOL_TELNET ? STR("telnet") : STR_NULL;
}

static int joined(const cowrie *c)
{
    return c->s && !c->s->is_ended ? JOINED_SESSION : NOTHING_TO_TAG;
}

/* ---- commands ---- */

bool cowrie_sensor_writes_input(const cowrie *c)
{
    uint64_t hash = str_hash(c->sensor);

    for (size_t i = 0; i < c->n_input_sensors; i++) {
        if (c->input_sensors[i] == hash)
            return true;
    }
    return c->n_input_sensors == COWRIE_SENSORS_MAX;
}

static void note_input(cowrie *c)
{
    bool known = c->s && c->s->has_input;

    if (c->s)
        c->s->has_input = true;
    if (!known && !cowrie_sensor_writes_input(c))
        c->input_sensors[c->n_input_sensors++] = str_hash(c->sensor);
}

/*
 * command.failed repeats a command.input that came before, or a part of it; only some versions
 * write it alone. A session whose begin was not seen may have had its input in another file.
 */
static bool repeats_input(const cowrie *c)
{
    if (c->s && c->s->has_input)
        return true;
    return !(c->s && c->s->has_start) && cowrie_sensor_writes_input(c);
}

static str login_name(cowrie *c)
{
    str name = c->s ? session_login(c->s) : STR_NULL, copy = arena_str(c->mem, name);

    c->payload.failed |= name.ptr && !copy.ptr;
    return copy;
}

static int map_command(cowrie *c)
{
    str text = field(c, F_INPUT);
    bool failed = c->f.id == ID_COMMAND_FAILED;
    nodes *n;
    unsigned put;

    if (failed && repeats_input(c))
        return NOTHING_TO_TAG;
    if (text.ptr && memchr(text.ptr, '\0', text.len))
        account_note(c->account, NOTE_NUL_IN_COMMAND, "a command holds the character U+0000");
    if (!failed)
        note_input(c);
    if (remember(c, ITEM_COMMAND, text))
        return -ENOMEM;

    n = begin_payload(c);
    put = nodes_str(n, STR("command_text"), text);
    put += nodes_str(n, STR("src"), attacker_ip(c));
    put += nodes_str(n, STR("user"), login_name(c));
    put += nodes_str(n, STR("sensor"), c->sensor);
    put += nodes_str(n, STR("protocol"), protocol_name(c));
    put += nodes_str(n, STR("realm"), field(c, F_REALM));
    if (failed)
        put += nodes_bool(n, STR("failed"), true);
    return give_event(c, EVENT_COMMAND, GIVEN_COMMAND, put);
}

/* ---- logins ---- */

typedef struct login {
    str result; /* STR_NULL: not told */
    str user, password;
    bool counts; /* an attempt that Cowrie answered, so one to count */
} login;

static login read_login(const cowrie *c)
{
    login l = {.user = field(c, F_USERNAME), .password = field(c, F_PASSWORD)};

    if (c->f.id == ID_LOGIN_SUCCESS)
        l.result = STR("success");
    else if (c->f.id == ID_LOGIN_FAILED)
        l.result = STR("failed");
    else if (str_find(c->eventid, STR("succe")))
        l.result = STR("success");
    else if (str_find(c->eventid, STR("fail")))
        l.result = STR("failed");
    l.counts = c->f.id == ID_LOGIN_SUCCESS || c->f.id == ID_LOGIN_FAILED;
    return l;
}

static int tell_session_of_login(cowrie *c, const login *l)
{
    bool success = c->f.id == ID_LOGIN_SUCCESS;

    if (!c->s)
        return 0;
    if (l->counts && success)
        c->s->n_logins_succeeded++;
    else if (l->counts)
        c->s->n_logins_failed++;
    if (remember(c, ITEM_USERNAME, l->user))
        return -ENOMEM;
    return success ? remember(c, ITEM_LOGIN, l->user) : 0;
}

/* The counts over all logins of the address so far, this one included. */
static int put_counts(cowrie *c, const login *l, unsigned *put)
{
    nodes *n = &c->payload;
    str ip = attacker_ip(c);
    address *a;

    if (!ip.len)
        return 0;
    a = addresses_get(&c->addresses, ip);
    if (!a)
        return -ENOMEM;
    if (l->counts && c->f.id == ID_LOGIN_FAILED && a->fail_count < UINT32_MAX)
        a->fail_count++;
    if (l->counts && l->password.ptr)
        address_add_password(a, l->password);
    *put += nodes_str(n, STR("src_ip"), ip);
    *put += nodes_int(n, STR("fail_count"), a->fail_count);
    *put += nodes_int(n, STR("password_count"), a->password_count);
    *put += nodes_bool(n, STR("prior_brute"), a->fail_count >= PRIOR_BRUTE_LOGINS);
    return 0;
}

static str method_of_login(const cowrie *c, const login *l)
{
    if (l->password.ptr)
        return STR("password");
    if (c->f.v[F_FINGERPRINT] || c->f.id == ID_CLIENT_FINGERPRINT)
        return STR("publickey");
    return STR_NULL;
}

static int map_login(cowrie *c)
{
    login l = read_login(c);
    unsigned put;
    nodes *n;

    if (tell_session_of_login(c, &l))
        return -ENOMEM;
    n = begin_payload(c);
    put = nodes_str(n, STR("username"), l.user);
    put += nodes_str(n, STR("password"), l.password);
    put += nodes_str(n, STR("method"), method_of_login(c, &l));
    put += nodes_str(n, STR("service"),
                     c->f.id == ID_TELNET_EXPLOIT ? STR("telnet") : service_of_login(c));
    put += nodes_str(n, STR("result"), l.result);
    put += nodes_str(n, STR("key_fingerprint"), field(c, F_FINGERPRINT));
    put += nodes_str(n, STR("key_type"), field(c, F_TYPE));
    if (c->f.id == ID_TELNET_EXPLOIT) {
        put += nodes_str(n, STR("exploit"), c->eventid);
        put += nodes_str(n, STR("message"), field(c, F_MESSAGE));
    }
    if (put_counts(c, &l, &put))
        return -ENOMEM;
    return give_event(c, EVENT_AUTH_ATTEMPT, GIVEN_AUTH, put);
}

/* ---- files ---- */

/* What stands behind the last slash, without an URL's query. STR_NULL where nothing does. */
static int base_name(cowrie *c, str path, bool is_url, str *ret_name)
{
    str name = path;
    const char *slash;

    for (size_t i = 0; is_url && i < name.len; i++) {
        if (name.ptr[i] == '?' || name.ptr[i] == '#')
            name.len = i;
    }
    slash = name.len ? memrchr(name.ptr, '/', name.len) : NULL;
    if (slash) {
        name.len -= (size_t)(slash + 1 - name.ptr);
        name.ptr = slash + 1;
    }
    *ret_name = name.len ? arena_str(c->mem, name) : STR_NULL;
    return name.len && !ret_name->ptr ? -ENOMEM : 0;
}

static int name_file(cowrie *c, str *ret_name)
{
    str path = filled_field(c, F_DESTFILE);

    if (!path.ptr)
        path = filled_field(c, F_FILENAME);
    if (path.ptr)
        return base_name(c, path, false, ret_name);
    return base_name(c, field(c, F_URL), true, ret_name);
}

static str payload_text(const cowrie *c)
{
    static const cowrie_field order[] = {F_URL, F_DESTFILE, F_FILENAME, F_OUTFILE};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        str s = filled_field(c, order[i]);

        if (s.ptr)
            return s;
    }
    return STR_NULL;
}

static int map_file(cowrie *c)
{
    bool upload = c->f.id == ID_FILE_UPLOAD || c->f.id == ID_FILE_UPLOAD_FAILED;
    bool failed = c->f.id == ID_FILE_DOWNLOAD_FAILED || c->f.id == ID_FILE_UPLOAD_FAILED;
    str file_name;
    unsigned put;
    nodes *n;

    if (name_file(c, &file_name) ||
        remember(c, upload ? ITEM_UPLOAD : ITEM_DOWNLOAD, payload_text(c)))
        return -ENOMEM;
    if (c->s)
        (*(upload ? &c->s->n_uploads : &c->s->n_downloads))++;

    n = begin_payload(c);
    put = nodes_str(n, STR("payload_text"), payload_text(c));
    put += nodes_str(n, STR("url"), filled_field(c, F_URL));
    put += nodes_str(n, STR("filename"), file_name);
    put += nodes_str(n, STR("destfile"), filled_field(c, F_DESTFILE));
    put += nodes_str(n, STR("sha256"), filled_field(c, F_SHASUM));
    put += nodes_str(n, STR("outfile"), filled_field(c, F_OUTFILE));
    put += nodes_str(n, STR("direction"), upload ? STR("upload") : STR("download"));
    put += nodes_str(n, STR("outcome"), failed ? STR("failed") : STR("success"));
    put += nodes_copy(n, STR("duplicate"), c->f.v[F_DUPLICATE]);
    put += nodes_str(n, STR("src_ip"), attacker_ip(c));
    put += nodes_str(n, STR("realm"), field(c, F_REALM));
    put += nodes_str(n, STR("input"), field(c, F_INPUT));
    return give_event(c, EVENT_PAYLOAD, GIVEN_FILE, put);
}

/* ---- HTTP ---- */

/* via: how it came here */
static int give_http(cowrie *c, const http_request *r, str via)
{
    nodes *n = begin_payload(c);
    unsigned put = http_put(r, n);
    int64_t port = port_field(c, F_DST_PORT);

    if (port < 0 && c->s)
        port = c->s->dst_port;
    put += nodes_str(n, STR("service"), STR("http"));
    put += nodes_str(n, STR("via"), via);
    put += nodes_str(n, STR("src_ip"), attacker_ip(c));
    put += nodes_str(n, STR("dst_ip"), filled_field(c, F_DST_IP));
    if (port >= 0)
        put += nodes_int(n, STR("dst_port"), port);
    return give_event(c, EVENT_HTTP_REQUEST, GIVEN_HTTP, put);
}

static int map_tunnel_data(cowrie *c)
{
    http_request r;
    str bytes;
    int rc;

    if (pyrepr_decode(field(c, F_DATA), c->mem, &bytes))
        return -ENOMEM;
    rc = http_parse(bytes, c->mem, &r);
    if (rc)
        return rc < 0 ? rc : NOTHING_TO_TAG;
    return give_http(c, &r, STR("direct-tcpip"));
}

static int map_tunnel_request(cowrie *c)
{
    str host = field(c, F_DST_IP);
    int64_t port = port_field(c, F_DST_PORT);
    buf *b = &c->id; /* free until an event is given */

    if (joined(c) == NOTHING_TO_TAG)
        return NOTHING_TO_TAG;
    c->s->n_tunnels++;
    buf_clear(b);
    buf_put_str(b, host);
    if (port >= 0) {
        buf_put_char(b, ':');
        buf_put_i64(b, port);
    }
    if (!buf_c_str(b) || remember(c, ITEM_TUNNEL, buf_str(b)))
        return -ENOMEM;
    return JOINED_SESSION;
}

/* The version as the client sent it, in valid UTF-8. */
static int read_version(cowrie *c, str *ret_version)
{
    str text = field(c, F_VERSION);
    buf b = {0};

    *ret_version = text;
    if (!pyrepr_is_bytes(text))
        return 0;
    if (pyrepr_decode(text, c->mem, &text))
        return -ENOMEM;
    utf8_repair(&b, text);
    *ret_version = b.failed ? STR_NULL : arena_str(c->mem, buf_str(&b));
    buf_done(&b);
    return ret_version->ptr ? 0 : -ENOMEM;
}

static int map_version(cowrie *c)
{
    http_request r;
    str version;
    int rc;

    if (read_version(c, &version) || remember(c, ITEM_VERSION, version))
        return -ENOMEM;
    if (c->s)
        c->s->has_version = true;
    rc = http_parse(version, c->mem, &r);
    if (rc)
        return rc < 0 ? rc : joined(c);
    return give_http(c, &r, STR("ssh"));
}

/* ---- sessions ---- */

static int map_connect(cowrie *c)
{
    if (!c->s)
        return NOTHING_TO_TAG;
    c->s->src_port = port_field(c, F_SRC_PORT);
    c->s->dst_port = port_field(c, F_DST_PORT);
    return JOINED_SESSION;
}

/* "88.7"; below 0 where it is no such number. */
static double read_decimal(str s)
{
    double value = 0, scale = 1;
    bool behind_dot = false;

    if (s.len == 0 || s.len > 15)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.' && !behind_dot) {
            behind_dot = true;
            continue;
        }
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return -1;
        value = value * 10 + (s.ptr[i] - '0');
        scale *= behind_dot ? 10 : 1;
    }
    return value / scale;
}

static double read_duration(const cowrie *c)
{
    double v = -1;

    if (json_number(c->f.v[F_DURATION], &v))
        return v;
    if (c->f.v[F_DURATION])
        return read_decimal(json_str(c->f.v[F_DURATION]));
    return json_number(c->f.v[F_DURATION_MS], &v) ? v / 1000 : -1;
}

static int map_closed(cowrie *c)
{
    session_view v;

    if (joined(c) == NOTHING_TO_TAG)
        return NOTHING_TO_TAG;
    c->s->duration_s = read_duration(c);
    c->s->has_end = true;
    if (sessions_end(&c->sessions, c->s, &v) || cowrie_show_session(c, &v, c->out))
        return -ENOMEM;
    return GAVE_EVENT;
}

static int map_kex(cowrie *c)
{
    if (remember(c, ITEM_HASSH, filled_field(c, F_HASSH)))
        return -ENOMEM;
    return joined(c);
}

int cowrie_map(cowrie *c)
{
    static int (*const maps[ID_OTHER])(cowrie * c) = {
        [ID_COMMAND_INPUT] = map_command,
        [ID_COMMAND_FAILED] = map_command,
        [ID_LOGIN_FAILED] = map_login,
        [ID_LOGIN_SUCCESS] = map_login,
        [ID_CLIENT_FINGERPRINT] = map_login,
        [ID_TELNET_EXPLOIT] = map_login,
        [ID_FILE_DOWNLOAD] = map_file,
        [ID_FILE_DOWNLOAD_FAILED] = map_file,
        [ID_FILE_UPLOAD] = map_file,
        [ID_FILE_UPLOAD_FAILED] = map_file,
        [ID_CONNECT] = map_connect,
        [ID_CLOSED] = map_closed,
        [ID_VERSION] = map_version,
        [ID_KEX] = map_kex,
        [ID_TUNNEL_REQUEST] = map_tunnel_request,
        [ID_TUNNEL_DATA] = map_tunnel_data,
    };

    return update_session(c) ? -ENOMEM : maps[c->f.id](c);
}
