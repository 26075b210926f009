/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sessions of Cowrie logs, from connect to closed, bounded in number and text.
 *
 *     open --closed--------------> ended: counters only, for late lines
 *       |                            ^
 *       '--too many, too much text---'   its event is given out early
 *
 * A session is known by its id and its sensor. The base of its source_ids is
 *
 *     <session>            as a rule;
 *     <sensor>:<session>   where another sensor's session of that id is remembered;
 *     <session>@<us>       where the id begins anew (another connect, at another time),
 *                          <us> being that connect's time in microseconds since 1970.
 *
 * The same files in the same order give the same bases.
 */
#include "base/arena.h"
#include "base/time.h"
#include "event/lru.h"
#include "event/nodes.h"

typedef enum session_protocol {
    PROTOCOL_UNKNOWN,
    PROTOCOL_SSH,
    PROTOCOL_TELNET,
} session_protocol;

/* What a session remembers texts as. All but commands are kept once each. */
typedef enum session_item {
    ITEM_COMMAND,
    ITEM_USERNAME,
    ITEM_DOWNLOAD,
    ITEM_UPLOAD,
    ITEM_TUNNEL,
    ITEM_VERSION,
    ITEM_HASSH,
    ITEM_SRC_IP,
    ITEM_LOGIN, /* the user name of a login that succeeded; the last one counts */
    ITEM_N,
} session_item;

/* The families in which a session's events are numbered. */
typedef enum session_given {
    GIVEN_COMMAND,
    GIVEN_AUTH,
    GIVEN_FILE,
    GIVEN_HTTP,
    GIVEN_N,
} session_given;

typedef struct session {
    lru_link link;
    buf names; /* id, sensor and base, one behind the other, each with a NUL */
    uint32_t id_len, sensor_len, base_len;
    buf text;                   /* remembered items: kind, length, bytes, NUL */
    uint32_t n_items[ITEM_N];   /* remembered */
    uint32_t login_at, src_at;  /* last ITEM_LOGIN and ITEM_SRC_IP in text, + 1; 0: none */
    int64_t start_us, last_us;  /* TIME_NONE: not seen */
    double duration_s;          /* below 0: not told */
    int64_t src_port, dst_port; /* below 0: not told */
    uint32_t n_given[GIVEN_N];  /* source_ids so far */
    uint32_t n_logins_failed, n_logins_succeeded, n_downloads, n_uploads, n_tunnels;
    uint8_t protocol; /* session_protocol */
    bool has_start, has_version, has_input, has_end, is_ended, is_cut, is_clash;
} session;

typedef struct sessions {
    lru_table table;
    lru_list open, ended;
    lru_list due;     /* hidden ones whose event is yet to come: their id has begun anew */
    size_t text_size; /* of open sessions */
    arena *mem;       /* the caller's: what views show lies there */
    nodes payload;
} sessions;

/* What session_event shows of one session; slices last as long as what is in mem. */
typedef struct session_view {
    str id, sensor, base, src_ip; /* STR_NULL where absent */
    int64_t ts_us;
    const json_node *payload;
} session_view;

void sessions_init(sessions *ss, arena *mem);
void sessions_done(sessions *ss);

/*
 * The session of a line, begun where it is new. sensor may be absent and then stands for any.
 * ret_clash: it is new, and another sensor's has the same id. NULL when out of memory.
 */
session *sessions_get(sessions *ss, str id, str sensor, bool *ret_clash);
/* The same, but NULL where it is new. */
session *sessions_find(const sessions *ss, str id, str sensor);
/*
 * A connect line for s. Where s had begun at another time the id begins anew: s is due, and the
 * session returned is another one. NULL when out of memory.
 */
session *sessions_connect(sessions *ss, session *s, int64_t ts_us);
/* Remember a text; one that is too much is left out (is_cut). Returns 0 or -ENOMEM. */
int sessions_remember(sessions *ss, session *s, session_item kind, str text);

/* End an open session; its event. Returns 0 or -ENOMEM. */
int sessions_end(sessions *ss, session *s, session_view *ret_view);
/* The event of a session that is due or one too many. Returns 0, TTP_E_END or -ENOMEM.
 * ret_early: it was not its time. */
int sessions_next_due(sessions *ss, session_view *ret_view, bool *ret_early);
/* The event of the open session idle longest. Returns 0, TTP_E_END or -ENOMEM. */
int sessions_next_open(sessions *ss, session_view *ret_view);

str session_id(const session *s);
str session_sensor(const session *s);
str session_base(const session *s);
str session_login(const session *s);  /* STR_NULL: nobody logged in */
str session_src_ip(const session *s); /* STR_NULL: not told */
