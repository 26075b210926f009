/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cowrie_fields.h"

#define TYPE(t) (1u << (t))
#define NUMBER (TYPE(JSON_INT) | TYPE(JSON_UINT) | TYPE(JSON_DOUBLE))
#define TEXT TYPE(JSON_STRING)
#define BOOL TYPE(JSON_BOOL)
#define ANY 0xffu

static const struct {
    str name;
    unsigned types;
} fields[F_N] = {
    [F_EVENTID] = {STR("eventid"), TEXT},
    [F_SESSION] = {STR("session"), TEXT},
    [F_SENSOR] = {STR("sensor"), TEXT},
    [F_TIMESTAMP] = {STR("timestamp"), TEXT},
    [F_SRC_IP] = {STR("src_ip"), TEXT},
    [F_SRC_PORT] = {STR("src_port"), NUMBER},
    [F_DST_IP] = {STR("dst_ip"), TEXT},
    [F_DST_PORT] = {STR("dst_port"), NUMBER},
    [F_PROTOCOL] = {STR("protocol"), TEXT},
    [F_SYSTEM] = {STR("system"), TEXT},
    [F_INPUT] = {STR("input"), TEXT},
    [F_REALM] = {STR("realm"), TEXT},
    [F_USERNAME] = {STR("username"), TEXT},
    [F_PASSWORD] = {STR("password"), TEXT},
    [F_FINGERPRINT] = {STR("fingerprint"), TEXT},
    [F_TYPE] = {STR("type"), TEXT},
    [F_URL] = {STR("url"), TEXT},
    [F_FILENAME] = {STR("filename"), TEXT},
    [F_DESTFILE] = {STR("destfile"), TEXT},
    [F_SHASUM] = {STR("shasum"), TEXT},
    [F_OUTFILE] = {STR("outfile"), TEXT},
    [F_DUPLICATE] = {STR("duplicate"), BOOL},
    [F_DURATION] = {STR("duration"), NUMBER | TEXT},
    [F_DURATION_MS] = {STR("duration_ms"), NUMBER},
    [F_VERSION] = {STR("version"), TEXT},
    [F_HASSH] = {STR("hassh"), TEXT},
    [F_DATA] = {STR("data"), TEXT},
    [F_MESSAGE] = {STR("message"), ANY},
};

#define COMMON                                                                                     \
    (FIELD(F_SESSION) | FIELD(F_SENSOR) | FIELD(F_TIMESTAMP) | FIELD(F_SRC_IP) |                   \
     FIELD(F_PROTOCOL) | FIELD(F_SYSTEM))
#define COMMAND (COMMON | FIELD(F_INPUT) | FIELD(F_REALM))
#define LOGIN                                                                                      \
    (COMMON | FIELD(F_USERNAME) | FIELD(F_PASSWORD) | FIELD(F_FINGERPRINT) | FIELD(F_TYPE))
#define FILES                                                                                      \
    (COMMON | FIELD(F_URL) | FIELD(F_FILENAME) | FIELD(F_DESTFILE) | FIELD(F_SHASUM) |             \
     FIELD(F_OUTFILE) | FIELD(F_DUPLICATE) | FIELD(F_REALM) | FIELD(F_INPUT))
#define TUNNEL (COMMON | FIELD(F_DST_IP) | FIELD(F_DST_PORT) | FIELD(F_DATA))

static const struct {
    str name; /* behind "cowrie." */
    field_set uses;
    cowrie_field needs;
} ids[ID_OTHER] = {
    [ID_COMMAND_INPUT] = {STR("command.input"), COMMAND, F_INPUT},
    [ID_COMMAND_FAILED] = {STR("command.failed"), COMMAND, F_INPUT},
    [ID_LOGIN_FAILED] = {STR("login.failed"), LOGIN, F_N},
    [ID_LOGIN_SUCCESS] = {STR("login.success"), LOGIN, F_N},
    [ID_CLIENT_FINGERPRINT] = {STR("client.fingerprint"), LOGIN, F_N},
    [ID_FILE_DOWNLOAD] = {STR("session.file_download"), FILES, F_N},
    [ID_FILE_DOWNLOAD_FAILED] = {STR("session.file_download.failed"), FILES, F_N},
    [ID_FILE_UPLOAD] = {STR("session.file_upload"), FILES, F_N},
    [ID_FILE_UPLOAD_FAILED] = {STR("session.file_upload.failed"), FILES, F_N},
    [ID_CONNECT] = {STR("session.connect"),
                    COMMON | FIELD(F_DST_IP) | FIELD(F_DST_PORT) | FIELD(F_SRC_PORT), F_N},
    [ID_CLOSED] = {STR("session.closed"), COMMON | FIELD(F_DURATION) | FIELD(F_DURATION_MS), F_N},
    [ID_VERSION] = {STR("client.version"), COMMON | FIELD(F_VERSION), F_N},
    [ID_KEX] = {STR("client.kex"), COMMON | FIELD(F_HASSH), F_N},
    [ID_TUNNEL_REQUEST] = {STR("direct-tcpip.request"), TUNNEL, F_N},
    [ID_TUNNEL_DATA] = {STR("direct-tcpip.data"), TUNNEL, F_N},
    [ID_TELNET_EXPLOIT] = {STR("telnet.exploit_"), LOGIN, F_N},
};

static inline name_words words_of(const char *p, size_t len)
{
    name_words w = {.len = len};
    uint32_t first, last;

    if (len >= 8) {
        memcpy(&w.head, p, 8);
        memcpy(&w.tail, p + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&first, p, 4);
        memcpy(&last, p + len - 4, 4);
        w.head = first | (uint64_t)last << 32;
    } else if (len > 0) {
        w.head = (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[len / 2] << 8 |
                 (uint64_t)(unsigned char)p[len - 1] << 16;
    }
    return w;
}

static inline unsigned slot_of(const name_words *w)
{
    return (unsigned)((w->head ^ w->tail * 5) * 0x9E3779B97F4A7C15u >> 40);
}

static inline bool same_words(const name_words *a, const name_words *b)
{
    return a->head == b->head && a->tail == b->tail && a->len == b->len;
}

static void put_slot(name_slot *slots, unsigned mask, str name, int number)
{
    name_words w = words_of(name.ptr, name.len);
    unsigned at = slot_of(&w) & mask;

    while (slots[at].number)
        at = (at + 1) & mask;
    slots[at] = (name_slot){w, (unsigned)number + 1};
}

/* The number of the name, or none. */
static inline unsigned find_slot(const name_slot *slots, unsigned mask, str name, unsigned none)
{
    name_words w = words_of(name.ptr, name.len);

    for (unsigned at = slot_of(&w) & mask; slots[at].number; at = (at + 1) & mask) {
        if (same_words(&slots[at].words, &w))
            return slots[at].number - 1;
    }
    return none;
}

#define SLOTS(array) (array), sizeof(array) / sizeof((array)[0]) - 1

void cowrie_names_init(cowrie_names *n)
{
    *n = (cowrie_names){0};
    for (int f = 0; f < F_N; f++)
        put_slot(SLOTS(n->field_slots), fields[f].name, f);
    for (int id = 0; id < ID_OTHER; id++)
        put_slot(SLOTS(n->id_slots), ids[id].name, id);
}

static inline cowrie_field find_field(const cowrie_names *n, const json_node *key)
{
    /* no field's name is longer than sixteen bytes: words tell all */
    if (key->len > 16)
        return F_N;
    return find_slot(SLOTS(n->field_slots), json_str(key), F_N);
}

static cowrie_id find_id(const cowrie_names *n, str name)
{
    cowrie_id id;

    if (!str_starts(name, STR("cowrie.")))
        return ID_OTHER;
    name.ptr += 7;
    name.len -= 7;
    id = find_slot(SLOTS(n->id_slots), name, ID_OTHER);
    if (id != ID_OTHER && str_eq(ids[id].name, name))
        return id;
    return str_starts(name, ids[ID_TELNET_EXPLOIT].name) ? ID_TELNET_EXPLOIT : ID_OTHER;
}

_Static_assert(F_EVENTID + 1 == JSON_NAME_KIND, "an event id tells which fields there are");

uint16_t cowrie_name_key(str key)
{
    for (unsigned f = 0; f < F_N; f++) {
        if (str_eq(fields[f].name, key))
            return (uint16_t)(f + 1);
    }
    return JSON_NAME_NONE;
}

/* In pieces that compilers write as words: for the whole they take an instruction slow to begin. */
static inline void clear_fields(cowrie_fields *f)
{
    _Static_assert(F_N == 28, "four times seven fields are all of them");
    memset(f->v, 0, 7 * sizeof(f->v[0]));
    memset(f->v + 7, 0, 7 * sizeof(f->v[0]));
    memset(f->v + 14, 0, 7 * sizeof(f->v[0]));
    memset(f->v + 21, 0, 7 * sizeof(f->v[0]));
    f->wrong = 0;
    f->id = ID_OTHER;
}

void cowrie_fields_read(const cowrie_names *n, const json_node *root, cowrie_fields *ret)
{
    const json_node *end = root + root->n_nodes;
    const json_node *value;

    clear_fields(ret);
    for (const json_node *key = root + 1; key < end; key = json_next(value)) {
        cowrie_field f = key->name ? key->name - 1u : find_field(n, key);

        value = key + 1;
        if (f == F_N)
            continue;
        ret->wrong &= ~FIELD(f);
        ret->v[f] = value->type == JSON_NULL ? NULL : value;
        /* null is as good as absent, so it is never wrong */
        if (!((fields[f].types | TYPE(JSON_NULL)) & TYPE(value->type)))
            ret->wrong |= FIELD(f);
    }
    if (ret->v[F_EVENTID] && !(ret->wrong & FIELD(F_EVENTID)))
        ret->id = find_id(n, json_str(ret->v[F_EVENTID]));
}

field_set cowrie_id_uses(cowrie_id id)
{
    return FIELD(F_EVENTID) | (id < ID_OTHER ? ids[id].uses : 0);
}

cowrie_field cowrie_id_needs(cowrie_id id)
{
    return id < ID_OTHER ? ids[id].needs : F_N;
}

const char *cowrie_field_name(cowrie_field field)
{
    return fields[field].name.ptr;
}

const char *cowrie_field_type(cowrie_field field)
{
    switch (fields[field].types) {
    case TEXT:
        return "a string";
    case NUMBER:
        return "a number";
    case BOOL:
        return "true or false";
    default:
        return "a number or a string";
    }
}

const char *cowrie_type_name(uint32_t type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",      [JSON_BOOL] = "a boolean",   [JSON_INT] = "a number",
        [JSON_UINT] = "a number",  [JSON_DOUBLE] = "a number",  [JSON_STRING] = "a string",
        [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };

    return names[type];
}
