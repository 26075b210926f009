/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a STIX 2.1 bundle as MITRE publishes it. Of its dozens of thousands of objects five kinds
 * matter here, in any order:
 *
 *     x-mitre-collection   the release's number
 *     x-mitre-matrix       the order of the tactics
 *     x-mitre-tactic       id, name, and the short name that techniques call it by
 *     attack-pattern       a technique: id, name, tactics, revoked or deprecated
 *     relationship         revoked-by: which technique took another's place
 *
 * First pass: the first three. Then techniques and relationships, and last (stix_join.c) the
 * doubles are dropped and the successors followed. An odd object costs itself, never the bundle.
 */
#include "attack/stix.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void stix_note(stix_reader *r, const char *fmt, ...)
{
    char text[256];
    va_list args;

    if (r->c->n_skipped++ > 0)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r->c->first_skipped = arena_str(&r->c->mem, str_from(text));
}

/* The id of an object for a note about it, fit to be printed. */
static const char *name_object(const json_node *o, char out[128])
{
    str id = json_str(json_get(o, STR("id")));

    return err_quote(out, 128, id.ptr ? id.ptr : "?", id.ptr ? id.len : 1, 80);
}

/* A copy that can be printed anywhere; the bundle came from outside. */
static str copy_text(stix_reader *r, str s)
{
    char text[512];

    return arena_str(&r->c->mem, str_from(err_quote(text, sizeof(text), s.ptr, s.len, 200)));
}

static bool is_true(const json_node *o, str key)
{
    const json_node *n = json_get(o, key);

    return n && n->type == JSON_BOOL && n->boolean;
}

static bool is_dead(const json_node *o)
{
    return is_true(o, STR("revoked")) || is_true(o, STR("x_mitre_deprecated"));
}

/* mitre-attack, mitre-mobile-attack, mitre-ics-attack: the sources of ids and kill chains. */
static attack_domain read_source(str name)
{
    if (str_eq(name, STR("mitre-attack")))
        return ATTACK_ENTERPRISE;
    if (str_eq(name, STR("mitre-mobile-attack")))
        return ATTACK_MOBILE;
    return str_eq(name, STR("mitre-ics-attack")) ? ATTACK_ICS : ATTACK_N_DOMAINS;
}

/* The reference that holds the object's ATT&CK id and page, or NULL. */
static const json_node *find_reference(const json_node *o)
{
    const json_node *list = json_get(o, STR("external_references"));
    const json_node *ref = stix_first(list);

    for (uint32_t i = 0; ref && i < list->len; i++, ref = json_next(ref)) {
        str source = json_str(json_get(ref, STR("source_name")));

        if (read_source(source) != ATTACK_N_DOMAINS && json_get(ref, STR("external_id")))
            return ref;
    }
    return NULL;
}

/* Only what can stand in a table, a page and a log as it is; else the address that the id implies.
 */
static str read_url(stix_reader *r, const json_node *ref, str id)
{
    str url = json_str(json_get(ref, STR("url")));
    bool fit = str_starts(url, STR("https://")) && url.len <= 512;
    char own[64] = "";
    size_t own_len;

    for (size_t i = 0; fit && i < url.len; i++)
        fit = url.ptr[i] > ' ' && url.ptr[i] < 0x7F && !strchr("\"'<>\\`", url.ptr[i]);
    if (fit)
        return arena_str(&r->c->mem, url);
    own_len = attack_mitre_url(id, own);
    return arena_str(&r->c->mem, (str){own, own_len});
}

/* A set of bits, one for each domain that the object names; 0 where it names none. */
static unsigned read_domains(const json_node *o)
{
    const json_node *list = json_get(o, STR("x_mitre_domains"));
    const json_node *n = stix_first(list);
    unsigned set = 0;

    for (uint32_t i = 0; n && i < list->len; i++, n = json_next(n)) {
        for (attack_domain d = 0; d < ATTACK_N_DOMAINS; d++) {
            if (str_eq(json_str(n), str_from(attack_domain_stix_name(d))))
                set |= 1u << d;
        }
    }
    return set;
}

static int read_tactic(stix_reader *r, const json_node *o)
{
    const json_node *ref = find_reference(o);
    str id = json_str(json_get(ref, STR("external_id")));
    str name = json_str(json_get(o, STR("name")));
    str shortname = json_str(json_get(o, STR("x_mitre_shortname")));
    char quoted[128];
    stix_tactic *t;

    if (is_dead(o))
        return 0;
    if (!attack_is_tactic_id(id) || name.len == 0 || shortname.len == 0) {
        stix_note(r, "%s: a tactic needs an id like TA0002, a name and a short name",
                  name_object(o, quoted));
        return 0;
    }
    if (r->n_tactics == ATTACK_TACTICS_MAX)
        return err_set(r->err, TTP_E_LIMIT, r->where, "holds more than %d tactics",
                       ATTACK_TACTICS_MAX);
    if (mem_grow(r->tactics, r->cap_tactics, r->n_tactics + 1))
        return -ENOMEM;
    t = &r->tactics[r->n_tactics++];
    *t = (stix_tactic){
        .stix_id = json_str(json_get(o, STR("id"))),
        .modified = json_str(json_get(o, STR("modified"))),
        .phase = shortname,
        .domains = read_domains(o),
        .rank = UINT_MAX,
        .t.id = arena_str(&r->c->mem, id),
        .t.name = copy_text(r, name),
        .t.shortname = copy_text(r, shortname),
        .t.url = read_url(r, ref, id),
    };
    return t->t.id.ptr && t->t.name.ptr && t->t.shortname.ptr && t->t.url.ptr ? 0 : -ENOMEM;
}

static int read_collection(stix_reader *r, const json_node *o)
{
    str version = json_str(json_get(o, STR("x_mitre_version")));
    attack_release_name found;
    char quoted[128];

    if (is_dead(o))
        return 0;
    if (!attack_release_parse(version, &found)) {
        stix_note(r, "%s: a collection needs an x_mitre_version like 18.1", name_object(o, quoted));
        return 0;
    }
    if (!r->version[0])
        memcpy(r->version, found.version, sizeof(r->version));
    else if (strcmp(r->version, found.version) != 0)
        memcpy(r->other_version, found.version, sizeof(r->other_version));
    return 0;
}

static int keep_matrix(stix_reader *r, const json_node *o)
{
    if (is_dead(o))
        return 0;
    if (mem_grow(r->matrices, r->cap_matrices, r->n_matrices + 1))
        return -ENOMEM;
    r->matrices[r->n_matrices++] = o;
    return 0;
}

/* A phase names a tactic by its short name; domains share those, so theirs has to fit as well. */
static const attack_tactic *find_tactic(const stix_reader *r, attack_domain domain, str phase)
{
    for (size_t i = 0; i < r->n_tactics; i++) {
        const stix_tactic *t = &r->tactics[i];

        if (str_eq(t->phase, phase) && (!t->domains || (t->domains & 1u << domain)))
            return &r->c->tactics[i];
    }
    return NULL;
}

/* Returns whether the phase was one of a kill chain of ATT&CK's that this bundle has a tactic for.
 */
static bool read_phase(stix_reader *r, const json_node *phase, attack_technique *t)
{
    attack_domain domain = read_source(json_str(json_get(phase, STR("kill_chain_name"))));
    const attack_tactic *tactic;

    if (domain == ATTACK_N_DOMAINS)
        return phase->type == JSON_OBJECT; /* someone else's kill chain is none of ours */
    r->n_phases[domain]++;
    tactic = find_tactic(r, domain, json_str(json_get(phase, STR("phase_name"))));
    if (!tactic)
        return false;
    if (attack_has_tactic(t, tactic->id))
        return true;
    if (t->n_tactics == ATTACK_MAX_TACTICS)
        return false;
    t->tactics[t->n_tactics++] = tactic;
    return true;
}

static void read_phases(stix_reader *r, const json_node *o, attack_technique *t)
{
    const json_node *list = json_get(o, STR("kill_chain_phases"));
    const json_node *phase = stix_first(list);
    bool good = !list || list->type == JSON_ARRAY;

    for (uint32_t i = 0; phase && i < list->len; i++, phase = json_next(phase))
        good = read_phase(r, phase, t) && good;
    /* withdrawn techniques keep naming tactics that are gone: that is no fault of the bundle */
    if (!good && !t->revoked && !t->deprecated)
        stix_note(r, "%.*s: a tactic it names is not in the bundle, or there are more than %d",
                  STR_ARG(t->id), ATTACK_MAX_TACTICS);
}

static int read_technique(stix_reader *r, const json_node *o)
{
    const json_node *ref = find_reference(o);
    str id = json_str(json_get(ref, STR("external_id")));
    str name = json_str(json_get(o, STR("name")));
    char quoted[128];
    stix_technique *p;

    if ((!attack_is_technique_id(id) && !attack_is_sub_technique_id(id)) || name.len == 0) {
        stix_note(r, "%s: a technique needs a name and an id like T1059 or T1059.004",
                  name_object(o, quoted));
        return 0;
    }
    if (mem_grow(r->techniques, r->cap_techniques, r->n_techniques + 1))
        return -ENOMEM;
    p = &r->techniques[r->n_techniques];
    *p = (stix_technique){
        .stix_id = json_str(json_get(o, STR("id"))),
        .modified = json_str(json_get(o, STR("modified"))),
        .order = r->n_techniques,
        .t.id = arena_str(&r->c->mem, id),
        .t.name = copy_text(r, name),
        .t.url = read_url(r, ref, id),
        .t.revoked = is_true(o, STR("revoked")),
        .t.deprecated = is_true(o, STR("x_mitre_deprecated")),
    };
    r->n_techniques++;
    if (!p->t.id.ptr || !p->t.name.ptr || !p->t.url.ptr)
        return -ENOMEM;
    read_phases(r, o, &p->t);
    return 0;
}

static int read_relationship(stix_reader *r, const json_node *o)
{
    str source = json_str(json_get(o, STR("source_ref")));
    str target = json_str(json_get(o, STR("target_ref")));

    if (!str_eq(json_str(json_get(o, STR("relationship_type"))), STR("revoked-by")) || is_dead(o))
        return 0;
    /* groups, software and the rest are revoked by others, too */
    if (!str_starts(source, STR("attack-pattern--")) ||
        !str_starts(target, STR("attack-pattern--")))
        return 0;
    if (mem_grow(r->links, r->cap_links, r->n_links + 1))
        return -ENOMEM;
    r->links[r->n_links++] = (stix_link){source, target};
    return 0;
}

typedef struct object_kind {
    const char *type;
    int (*read)(stix_reader *r, const json_node *o);
} object_kind;

static const object_kind first_pass[] = {
    {"x-mitre-collection", read_collection},
    {"x-mitre-matrix", keep_matrix},
    {"x-mitre-tactic", read_tactic},
    {NULL, NULL},
};
static const object_kind second_pass[] = {
    {"attack-pattern", read_technique},
    {"relationship", read_relationship},
    {NULL, NULL},
};

static int read_objects(stix_reader *r, const json_node *list, const object_kind *kinds)
{
    const json_node *o = stix_first(list);
    int rc;

    for (uint32_t i = 0; o && i < list->len; i++, o = json_next(o)) {
        str type = json_str(json_get(o, STR("type")));

        for (const object_kind *k = kinds; k->type; k++) {
            if (!str_eq(type, str_from(k->type)))
                continue;
            rc = k->read(r, o);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* The objects, or NULL where this is no bundle. */
static const json_node *find_objects(const json_node *root)
{
    const json_node *objects = json_get(root, STR("objects"));

    if (!str_eq(json_str(json_get(root, STR("type"))), STR("bundle")))
        return NULL;
    return objects && objects->type == JSON_ARRAY ? objects : NULL;
}

static int read_bundle(stix_reader *r, const json_node *root, const char *release)
{
    const json_node *objects = find_objects(root);
    int rc;

    if (!objects)
        return err_set(r->err, TTP_E_INVALID, r->where,
                       "no STIX bundle: expected an object of type \"bundle\" with \"objects\"");
    rc = read_objects(r, objects, first_pass);
    if (!rc)
        rc = stix_join_tactics(r);
    if (!rc)
        rc = read_objects(r, objects, second_pass);
    if (!rc)
        rc = stix_join_techniques(r);
    if (!rc)
        rc = stix_join_release(r, release);
    return rc;
}

static void reader_done(stix_reader *r)
{
    free(r->tactics);
    free(r->techniques);
    free(r->links);
    free(r->matrices);
}

int attack_load_text(str text, const char *where, const char *release,
                     attack_catalogue **ret_catalogue, ttp_err *err)
{
    auto_free(json_doc) json_doc *doc = json_doc_new();
    auto_free(attack_catalogue) attack_catalogue *c = catalogue_new();
    stix_reader r = {.c = c, .where = where, .err = err};
    const json_node *root;
    ttp_err json_err = {0};
    int rc;

    if (!doc || !c)
        return err_set(err, -ENOMEM, where, "out of memory");
    rc = json_parse_copy(doc, text, ATTACK_BUNDLE_MAX, &root, NULL, &json_err);
    if (rc)
        return err_set(err, rc, where, "no JSON that can be read: %s", json_err.text);
    rc = read_bundle(&r, root, release);
    reader_done(&r);
    if (rc < 0)
        return err_set(err, rc, where, "%s", strerror(-rc));
    if (rc)
        return rc;
    *ret_catalogue = take(c);
    return 0;
}
