/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubles, in a bundle that was put together from several or edited by hand: of one object (equal
 * STIX ids) the newest version counts, whatever it says; of different objects with one ATT&CK id a
 * live one before a withdrawn one, then the newest.
 */
#include "attack/stix.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>

/* ISO times of one form compare as text; newest first. */
static int compare_age(str a, str b)
{
    return str_cmp(b, a);
}

static int compare_tactics(const void *a, const void *b)
{
    const stix_tactic *x = a;
    const stix_tactic *y = b;
    int order = str_cmp(x->t.id, y->t.id);

    if (order == 0)
        order = compare_age(x->modified, y->modified);
    return order ? order : str_cmp(x->stix_id, y->stix_id);
}

static int compare_ranks(const void *a, const void *b)
{
    const stix_tactic *x = a;
    const stix_tactic *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return str_cmp(x->t.id, y->t.id);
}

static void drop_double_tactics(stix_reader *r)
{
    size_t n = 0;

    if (r->n_tactics == 0)
        return;
    qsort(r->tactics, r->n_tactics, sizeof(*r->tactics), compare_tactics);
    for (size_t i = 0; i < r->n_tactics; i++) {
        if (n == 0 || !str_eq(r->tactics[n - 1].t.id, r->tactics[i].t.id))
            r->tactics[n++] = r->tactics[i];
    }
    r->n_tactics = n;
}

static void rank_tactic(stix_reader *r, str stix_id, unsigned rank)
{
    for (size_t i = 0; i < r->n_tactics; i++) {
        if (str_eq(r->tactics[i].stix_id, stix_id) && r->tactics[i].rank == UINT_MAX)
            r->tactics[i].rank = rank;
    }
}

/* A matrix lists its tactics from left to right; several (older mobile releases) follow each other.
 */
static void rank_tactics(stix_reader *r)
{
    unsigned rank = 0;

    for (size_t i = 0; i < r->n_matrices; i++) {
        const json_node *refs = json_get(r->matrices[i], STR("tactic_refs"));
        const json_node *ref = stix_first(refs);

        for (uint32_t k = 0; ref && k < refs->len; k++, ref = json_next(ref))
            rank_tactic(r, json_str(ref), rank++);
    }
}

int stix_join_tactics(stix_reader *r)
{
    attack_tactic *tactics;

    drop_double_tactics(r);
    if (r->n_tactics == 0)
        return err_set(r->err, TTP_E_INVALID, r->where,
                       "holds no tactic (x-mitre-tactic): expected an ATT&CK bundle");
    rank_tactics(r);
    qsort(r->tactics, r->n_tactics, sizeof(*r->tactics), compare_ranks);

    tactics = arena_calloc(&r->c->mem, r->n_tactics, sizeof(*tactics));
    if (!tactics)
        return -ENOMEM;
    for (size_t i = 0; i < r->n_tactics; i++)
        tactics[i] = r->tactics[i].t;
    r->c->tactics = tactics;
    r->c->n_tactics = r->n_tactics;
    return 0;
}

static bool is_withdrawn(const stix_technique *t)
{
    return t->t.revoked || t->t.deprecated;
}

static int compare_versions(const stix_technique *x, const stix_technique *y)
{
    int order = compare_age(x->modified, y->modified);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int compare_objects(const void *a, const void *b)
{
    const stix_technique *x = *(stix_technique *const *)a;
    const stix_technique *y = *(stix_technique *const *)b;
    int order = str_cmp(x->stix_id, y->stix_id);

    return order ? order : compare_versions(x, y);
}

static int compare_ids(const void *a, const void *b)
{
    const stix_technique *x = *(stix_technique *const *)a;
    const stix_technique *y = *(stix_technique *const *)b;
    int order = str_cmp(x->t.id, y->t.id);

    if (order == 0)
        order = is_withdrawn(x) - is_withdrawn(y);
    return order ? order : compare_versions(x, y);
}

/* Keeps the first of each run of one object's versions; returns how many are left. */
static size_t drop_old_versions(stix_technique **list, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || list[i]->stix_id.len == 0 ||
            !str_eq(list[kept - 1]->stix_id, list[i]->stix_id))
            list[kept++] = list[i];
    }
    return kept;
}

static size_t drop_double_ids(stix_technique **list, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !str_eq(list[kept - 1]->t.id, list[i]->t.id))
            list[kept++] = list[i];
    }
    return kept;
}

static int compare_with_object(const void *key, const void *element)
{
    return str_cmp(*(const str *)key, (*(stix_technique *const *)element)->stix_id);
}

static stix_technique *find_object(stix_technique **list, size_t n, str stix_id)
{
    stix_technique **found = bsearch(&stix_id, list, n, sizeof(*list), compare_with_object);

    return found ? *found : NULL;
}

static void link_successors(stix_reader *r, stix_technique **list, size_t n)
{
    for (size_t i = 0; i < r->n_links; i++) {
        stix_technique *source = find_object(list, n, r->links[i].source);
        stix_technique *target = find_object(list, n, r->links[i].target);

        if (!source || !target)
            continue;
        if (!source->next || (is_withdrawn(source->next) && !is_withdrawn(target)))
            source->next = target;
    }
}

/* To the end of the chain; one that bites its tail, or is absurdly long, leads nowhere. */
static void follow_successors(stix_reader *r, stix_technique *t)
{
    const stix_technique *last = t;

    for (unsigned hops = 0; last->t.revoked && last->next; hops++) {
        if (hops == ATTACK_SUCCESSORS_MAX) {
            stix_note(r, "%.*s: its chain of successors does not end", STR_ARG(t->t.id));
            return;
        }
        last = last->next;
    }
    if (!str_eq(last->t.id, t->t.id))
        t->t.successor = last->t.id;
}

static int hand_over(stix_reader *r, stix_technique **list, size_t n)
{
    attack_technique *techniques = arena_calloc(&r->c->mem, n, sizeof(*techniques));

    if (!techniques)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        techniques[i] = list[i]->t;
    r->c->techniques = techniques;
    r->c->n_techniques = n;
    return 0;
}

int stix_join_techniques(stix_reader *r)
{
    stix_technique **list;
    size_t n = r->n_techniques;
    int rc;

    if (n == 0)
        return err_set(r->err, TTP_E_INVALID, r->where,
                       "holds no technique (attack-pattern with an id of ATT&CK's): expected an "
                       "ATT&CK bundle");
    list = calloc(n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        list[i] = &r->techniques[i];

    qsort(list, n, sizeof(*list), compare_objects);
    n = drop_old_versions(list, n);
    link_successors(r, list, n);
    for (size_t i = 0; i < n; i++)
        follow_successors(r, list[i]);

    qsort(list, n, sizeof(*list), compare_ids);
    n = drop_double_ids(list, n);
    rc = hand_over(r, list, n);
    free(list);
    return rc;
}

/* The kill chain that the techniques name most. */
static attack_domain guess_domain(const stix_reader *r)
{
    attack_domain best = ATTACK_ENTERPRISE;

    for (attack_domain d = 0; d < ATTACK_N_DOMAINS; d++) {
        if (r->n_phases[d] > r->n_phases[best])
            best = d;
    }
    return best;
}

static int set_release(stix_reader *r, const attack_release_name *name)
{
    char text[64];
    size_t len = attack_release_format(name, text);

    r->c->release = arena_str(&r->c->mem, (str){text, len});
    return r->c->release.ptr ? 0 : -ENOMEM;
}

int stix_join_release(stix_reader *r, const char *release)
{
    attack_release_name name = {.domain = ATTACK_N_DOMAINS};
    char quoted[128];

    if (release && !attack_release_parse(str_from(release), &name))
        return err_set(r->err, TTP_E_INVALID, r->where,
                       "\"%s\" is no release: expected one like enterprise-v18.1 or 18.1",
                       err_quote(quoted, sizeof(quoted), release, strlen(release), 40));
    if (!release && !r->version[0])
        return err_set(r->err, TTP_E_INVALID, r->where,
                       "does not say which release it is (no x-mitre-collection): expected one to "
                       "be named (--attack-release enterprise-v18.1)");
    if (!release && r->other_version[0])
        return err_set(r->err, TTP_E_INVALID, r->where,
                       "holds collections of releases %s and %s: expected one to be named "
                       "(--attack-release)",
                       r->version, r->other_version);
    if (!release)
        memcpy(name.version, r->version, sizeof(name.version));
    if (name.domain == ATTACK_N_DOMAINS)
        name.domain = guess_domain(r);
    return set_release(r, &name);
}
