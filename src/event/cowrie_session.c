/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cowrie_session.h"

#include "base/limits.h"

#include <errno.h>

/* buffers up to this size stay with a session's entry for the next one */
#define KEEP_SIZE 1024u
/* room for the text of most sessions, so that it need not grow step by step */
#define FIRST_SIZE 256u
/* kind and length before an item's bytes, NUL behind them */
#define ITEM_HEAD 5u
#define ITEM_EXTRA (ITEM_HEAD + 1u)

typedef struct item {
    session_item kind;
    str text;
} item;

void sessions_init(sessions *ss, arena *mem)
{
    *ss = (sessions){.table.entry_size = sizeof(session), .mem = mem};
}

static void end_entry(void *entry)
{
    session *s = entry;

    buf_done(&s->names);
    buf_done(&s->text);
}

void sessions_done(sessions *ss)
{
    lru_table_done(&ss->table, end_entry);
    nodes_done(&ss->payload);
    sessions_init(ss, ss->mem);
}

str session_id(const session *s)
{
    return (str){s->names.ptr, s->id_len};
}

str session_sensor(const session *s)
{
    return s->sensor_len ? (str){s->names.ptr + s->id_len + 1, s->sensor_len} : STR_NULL;
}

str session_base(const session *s)
{
    return (str){s->names.ptr + s->names.len - s->base_len - 1, s->base_len};
}

/* The item at an offset of the text; steps over it. */
static item take_item(const session *s, size_t *at)
{
    const char *p = s->text.ptr + *at;
    uint32_t len;
    item i = {.kind = (session_item)(unsigned char)p[0]};

    memcpy(&len, p + 1, sizeof(len));
    i.text = (str){p + ITEM_HEAD, len};
    *at += len + ITEM_EXTRA;
    return i;
}

static str item_at(const session *s, uint32_t at_plus_one)
{
    size_t at = at_plus_one - 1;

    return at_plus_one ? take_item(s, &at).text : STR_NULL;
}

str session_login(const session *s)
{
    return item_at(s, s->login_at);
}

str session_src_ip(const session *s)
{
    return item_at(s, s->src_at);
}

static void let_go_of_buf(buf *b)
{
    if (b->cap > KEEP_SIZE)
        buf_done(b);
    else
        buf_clear(b);
}

static void forget_text(session *s)
{
    let_go_of_buf(&s->text);
    memset(s->n_items, 0, sizeof(s->n_items));
    s->login_at = s->src_at = 0;
}

/* Empty but for its place and buffers. */
static void reset(session *s)
{
    lru_link link = s->link;
    buf names = s->names, text = s->text;

    *s = (session){.link = link,
                   .names = names,
                   .text = text,
                   .start_us = TIME_NONE,
                   .last_us = TIME_NONE,
                   .duration_s = -1,
                   .src_port = -1,
                   .dst_port = -1};
    let_go_of_buf(&s->names);
    let_go_of_buf(&s->text);
}

static int name(session *s, str id, str sensor, bool clash, int64_t anew_us)
{
    buf *b = &s->names;
    size_t at;

    buf_clear(b);
    buf_put_str(b, id);
    buf_put_char(b, '\0');
    buf_put_str(b, sensor);
    buf_put_char(b, '\0');
    at = b->len;
    if (clash) {
        buf_put_str(b, sensor);
        buf_put_char(b, ':');
    }
    buf_put_str(b, id);
    if (anew_us != TIME_NONE) {
        buf_put_char(b, '@');
        buf_put_i64(b, anew_us);
    }
    buf_put_char(b, '\0');
    s->id_len = (uint32_t)id.len;
    s->sensor_len = (uint32_t)sensor.len;
    s->base_len = (uint32_t)(b->len - at) - 1;
    s->is_clash = clash;
    return b->failed ? -ENOMEM : 0;
}

static void release(sessions *ss, session *s)
{
    let_go_of_buf(&s->names);
    let_go_of_buf(&s->text);
    lru_table_release(&ss->table, &s->link);
}

static session *begin(sessions *ss, uint64_t hash, str id, str sensor, bool clash, int64_t anew_us)
{
    session *s = lru_table_add(&ss->table, hash);

    if (!s)
        return NULL;
    reset(s);
    (void)mem_grow(s->text.ptr, s->text.cap, FIRST_SIZE); /* else it grows when it is needed */
    if (name(s, id, sensor, clash, anew_us)) {
        lru_table_hide(&ss->table, &s->link);
        release(ss, s);
        return NULL;
    }
    lru_list_push(&ss->open, &s->link);
    ss->text_size += s->text.cap;
    return s;
}

static session *find(const sessions *ss, uint64_t hash, str id, str sensor, bool *ret_clash)
{
    *ret_clash = false;
    for (lru_link *l = lru_table_find(&ss->table, hash); l; l = l->chain) {
        session *s = (session *)l;

        if (l->hash != hash || !str_eq(session_id(s), id))
            continue;
        if (!sensor.len || !s->sensor_len || str_eq(session_sensor(s), sensor))
            return s;
        *ret_clash = true;
    }
    return NULL;
}

session *sessions_find(const sessions *ss, str id, str sensor)
{
    bool clash;

    return find(ss, str_hash(id), id, sensor, &clash);
}

session *sessions_get(sessions *ss, str id, str sensor, bool *ret_clash)
{
    session *s = (session *)ss->open.newest; /* most lines go on with the session before */
    uint64_t hash;

    *ret_clash = false;
    if (s && str_eq(session_id(s), id) && str_eq(session_sensor(s), sensor))
        return s;
    hash = str_hash(id);
    s = find(ss, hash, id, sensor, ret_clash);
    if (!s)
        return begin(ss, hash, id, sensor, *ret_clash, TIME_NONE);
    *ret_clash = false;
    if (!s->is_ended)
        lru_list_touch(&ss->open, &s->link);
    return s;
}

static void forget_oldest_ended(sessions *ss)
{
    session *s = (session *)ss->ended.oldest;

    lru_list_remove(&ss->ended, &s->link);
    lru_table_hide(&ss->table, &s->link);
    release(ss, s);
}

/* From the open ones to the ended ones, without its text. */
static void move_to_ended(sessions *ss, session *s)
{
    lru_list_remove(&ss->open, &s->link);
    ss->text_size -= s->text.cap;
    forget_text(s);
    s->is_ended = true;
    lru_list_push(&ss->ended, &s->link);
    while (ss->ended.n > COWRIE_ENDED_MAX)
        forget_oldest_ended(ss);
}

/* Take out of the table, to the due ones where its event is not given yet. */
static void put_aside(sessions *ss, session *s)
{
    lru_table_hide(&ss->table, &s->link);
    if (s->is_ended) {
        lru_list_remove(&ss->ended, &s->link);
        release(ss, s);
        return;
    }
    lru_list_remove(&ss->open, &s->link);
    ss->text_size -= s->text.cap;
    lru_list_push(&ss->due, &s->link);
}

/* The same log read again: count again from zero, so that the source_ids come out the same. */
static session *begin_again(sessions *ss, session *s, int64_t ts_us)
{
    session was = *s;

    lru_list_remove(&ss->ended, &s->link);
    s->names = (buf){0};
    reset(s);
    s->names = was.names;
    s->id_len = was.id_len;
    s->sensor_len = was.sensor_len;
    s->base_len = was.base_len;
    s->is_clash = was.is_clash;
    s->has_start = true;
    s->start_us = ts_us;
    lru_list_push(&ss->open, &s->link);
    ss->text_size += s->text.cap;
    return s;
}

session *sessions_connect(sessions *ss, session *s, int64_t ts_us)
{
    bool anew = s->has_start ? s->start_us != ts_us : s->is_ended;
    session *fresh;

    if (!anew && s->is_ended)
        return begin_again(ss, s, ts_us);
    if (anew) {
        fresh = begin(ss, s->link.hash, session_id(s), session_sensor(s), s->is_clash, ts_us);
        if (!fresh)
            return NULL;
        put_aside(ss, s);
        s = fresh;
    }
    s->has_start = true;
    s->start_us = ts_us;
    return s;
}

/* Where it is in the text, + 1; 0 where it is not. */
static uint32_t find_remembered(const session *s, session_item kind, str text)
{
    for (size_t at = 0; s->n_items[kind] && at < s->text.len;) {
        uint32_t here = (uint32_t)at + 1;
        item i = take_item(s, &at);

        if (i.kind == kind && str_eq(i.text, text))
            return here;
    }
    return 0;
}

static void note_place(session *s, session_item kind, uint32_t at_plus_one)
{
    if (kind == ITEM_LOGIN)
        s->login_at = at_plus_one;
    if (kind == ITEM_SRC_IP)
        s->src_at = at_plus_one;
}

static uint32_t max_items(session_item kind)
{
    if (kind == ITEM_COMMAND)
        return COWRIE_SESSION_COMMANDS_MAX;
    return kind == ITEM_VERSION || kind == ITEM_HASSH ? 1 : COWRIE_SESSION_ITEMS_MAX;
}

static int append_item(sessions *ss, session *s, session_item kind, str text)
{
    uint32_t len = (uint32_t)text.len;
    size_t at = s->text.len, cap = s->text.cap;

    buf_put_char(&s->text, (char)kind);
    buf_put(&s->text, &len, sizeof(len));
    buf_put_str(&s->text, text);
    buf_put_char(&s->text, '\0');
    ss->text_size += s->text.cap - cap;
    if (s->text.failed) {
        s->text.len = at;
        s->text.failed = false;
        return -ENOMEM;
    }
    s->n_items[kind]++;
    note_place(s, kind, (uint32_t)at + 1);
    return 0;
}

int sessions_remember(sessions *ss, session *s, session_item kind, str text)
{
    uint32_t known;

    if (s->is_ended)
        return 0;
    known = kind == ITEM_COMMAND ? 0 : find_remembered(s, kind, text);
    if (known) {
        note_place(s, kind, known);
        return 0;
    }
    if (s->n_items[kind] >= max_items(kind) || s->text.len > COWRIE_SESSION_TEXT_MAX - ITEM_EXTRA ||
        text.len > COWRIE_SESSION_TEXT_MAX - ITEM_EXTRA - s->text.len) {
        s->is_cut = true;
        return 0;
    }
    return append_item(ss, s, kind, text);
}

static unsigned put_list(nodes *n, const session *s, str key, session_item kind)
{
    size_t array;

    if (s->n_items[kind] == 0)
        return 0;
    nodes_put(n, json_make_str(key));
    array = nodes_open(n, JSON_ARRAY);
    for (size_t at = 0; at < s->text.len;) {
        item i = take_item(s, &at);

        if (i.kind == kind)
            nodes_put(n, json_make_str(i.text));
    }
    nodes_close(n, array, s->n_items[kind]);
    return 1;
}

static str find_item(const session *s, session_item kind)
{
    for (size_t at = 0; s->n_items[kind] && at < s->text.len;) {
        item i = take_item(s, &at);

        if (i.kind == kind)
            return i.text;
    }
    return STR_NULL;
}

/* All commands in one text, for rules that look at a session as a whole. */
static str join_commands(sessions *ss, const session *s)
{
    char *joined = s->n_items[ITEM_COMMAND] ? arena_alloc(ss->mem, s->text.len) : NULL;
    size_t len = 0; /* an item's head is longer than what goes between two */

    if (!joined) {
        ss->payload.failed |= s->n_items[ITEM_COMMAND] > 0;
        return STR_NULL;
    }
    for (size_t at = 0; at < s->text.len;) {
        item i = take_item(s, &at);

        if (i.kind != ITEM_COMMAND)
            continue;
        if (len)
            joined[len++] = '\n';
        memcpy(joined + len, i.text.ptr, i.text.len);
        len += i.text.len;
    }
    joined[len] = '\0';
    return (str){joined, len};
}

static double duration_of(const session *s)
{
    if (s->duration_s >= 0)
        return s->duration_s;
    if (s->start_us == TIME_NONE || s->last_us == TIME_NONE || s->last_us < s->start_us)
        return -1;
    return (double)(s->last_us - s->start_us) / 1e6;
}

static unsigned put_commands(sessions *ss, const session *s)
{
    nodes *n = &ss->payload;
    unsigned put = put_list(n, s, STR("commands"), ITEM_COMMAND);

    put += nodes_str(n, STR("command_text"), join_commands(ss, s));
    put += nodes_int(n, STR("command_count"), s->n_given[GIVEN_COMMAND]);
    if (s->is_cut)
        put += nodes_bool(n, STR("cut"), true);
    return put;
}

static unsigned put_connection(nodes *n, const session *s)
{
    static const str names[] = {
        [PROTOCOL_UNKNOWN] = STR_NULL,
        [PROTOCOL_SSH] = STR("ssh"),
        [PROTOCOL_TELNET] = STR("telnet"),
    };
    double duration = duration_of(s);
    unsigned put = nodes_str(n, STR("protocol"), names[s->protocol]);

    put += nodes_str(n, STR("src_ip"), session_src_ip(s));
    if (s->src_port >= 0)
        put += nodes_int(n, STR("src_port"), s->src_port);
    if (s->dst_port >= 0)
        put += nodes_int(n, STR("dst_port"), s->dst_port);
    if (duration >= 0)
        put += nodes_double(n, STR("duration_s"), duration);
    put += nodes_str(n, STR("client_version"), find_item(s, ITEM_VERSION));
    return put + nodes_str(n, STR("hassh"), find_item(s, ITEM_HASSH));
}

static unsigned put_deeds(nodes *n, const session *s)
{
    unsigned put = nodes_bool(n, STR("login_success"), s->n_logins_succeeded > 0);

    put += nodes_int(n, STR("n_logins"), (int64_t)s->n_logins_failed + s->n_logins_succeeded);
    put += nodes_int(n, STR("n_logins_failed"), s->n_logins_failed);
    put += put_list(n, s, STR("usernames"), ITEM_USERNAME);
    put += nodes_int(n, STR("n_downloads"), s->n_downloads);
    put += put_list(n, s, STR("downloads"), ITEM_DOWNLOAD);
    put += nodes_int(n, STR("n_uploads"), s->n_uploads);
    put += put_list(n, s, STR("uploads"), ITEM_UPLOAD);
    put += nodes_int(n, STR("n_tunnels"), s->n_tunnels);
    put += put_list(n, s, STR("tunnels"), ITEM_TUNNEL);
    return put + nodes_bool(n, STR("closed"), s->has_end);
}

static int view(sessions *ss, const session *entry, session_view *v)
{
    session copy = *entry, *s = &copy; /* whose texts stay when the entry's go */
    nodes *n = &ss->payload;
    size_t root;
    unsigned put;

    s->names.ptr = (char *)arena_str(ss->mem, buf_str(&entry->names)).ptr;
    s->text.ptr = (char *)arena_str(ss->mem, buf_str(&entry->text)).ptr;
    if (!s->names.ptr || !s->text.ptr)
        return -ENOMEM;
    nodes_clear(n);
    root = nodes_open(n, JSON_OBJECT);
    put = put_commands(ss, s);
    put += put_connection(n, s);
    put += put_deeds(n, s);
    nodes_close(n, root, put);
    *v = (session_view){session_id(s),     session_sensor(s), session_base(s),
                        session_src_ip(s), s->last_us,        nodes_finish(n, ss->mem)};
    return v->payload ? 0 : -ENOMEM;
}

int sessions_end(sessions *ss, session *s, session_view *ret_view)
{
    int rc = view(ss, s, ret_view);

    if (rc)
        return rc;
    move_to_ended(ss, s);
    return 0;
}

int sessions_next_due(sessions *ss, session_view *ret_view, bool *ret_early)
{
    session *s = (session *)ss->due.oldest;
    int rc;

    *ret_early = false;
    if (s) {
        rc = view(ss, s, ret_view);
        if (rc)
            return rc;
        lru_list_remove(&ss->due, &s->link);
        release(ss, s);
        return 0;
    }
    if (ss->open.n <= COWRIE_SESSIONS_MAX && ss->text_size <= COWRIE_TEXT_MAX)
        return TTP_E_END;
    *ret_early = true;
    return sessions_next_open(ss, ret_view);
}

int sessions_next_open(sessions *ss, session_view *ret_view)
{
    if (!ss->open.oldest)
        return TTP_E_END;
    return sessions_end(ss, (session *)ss->open.oldest, ret_view);
}
