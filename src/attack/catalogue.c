/* SPDX-License-Identifier: Apache-2.0 */
#include "attack/catalogue.h"

attack_catalogue *catalogue_new(void)
{
    return calloc(1, sizeof(attack_catalogue));
}

attack_catalogue *attack_free(attack_catalogue *c)
{
    if (!c || c->builtin)
        return NULL;
    arena_done(&c->mem);
    free(c);
    return NULL;
}

str attack_release(const attack_catalogue *c)
{
    return c->release;
}

bool attack_is_builtin(const attack_catalogue *c)
{
    return c->builtin;
}

size_t attack_skipped(const attack_catalogue *c)
{
    return c->n_skipped;
}

str attack_first_skipped(const attack_catalogue *c)
{
    return c->first_skipped;
}

const attack_technique *attack_find(const attack_catalogue *c, str id)
{
    size_t low = 0;
    size_t high = c->n_techniques;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(id, c->techniques[middle].id);

        if (order == 0)
            return &c->techniques[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const attack_tactic *attack_find_tactic(const attack_catalogue *c, str id)
{
    for (size_t i = 0; i < c->n_tactics; i++) {
        if (str_eq(c->tactics[i].id, id))
            return &c->tactics[i];
    }
    return NULL;
}

bool attack_has_tactic(const attack_technique *t, str tactic_id)
{
    for (unsigned i = 0; i < t->n_tactics; i++) {
        if (str_eq(t->tactics[i]->id, tactic_id))
            return true;
    }
    return false;
}

size_t attack_count(const attack_catalogue *c)
{
    return c->n_techniques;
}

const attack_technique *attack_at(const attack_catalogue *c, size_t i)
{
    return &c->techniques[i];
}

size_t attack_tactic_count(const attack_catalogue *c)
{
    return c->n_tactics;
}

const attack_tactic *attack_tactic_at(const attack_catalogue *c, size_t i)
{
    return &c->tactics[i];
}

/* A pattern of letters, '.' and '0' for any digit. */
static bool has_form(str id, const char *form)
{
    if (id.len != strlen(form))
        return false;
    for (size_t i = 0; i < id.len; i++) {
        bool fits = form[i] == '0' ? id.ptr[i] >= '0' && id.ptr[i] <= '9' : id.ptr[i] == form[i];

        if (!fits)
            return false;
    }
    return true;
}

bool attack_is_technique_id(str id)
{
    return has_form(id, "T0000");
}

bool attack_is_sub_technique_id(str id)
{
    return has_form(id, "T0000.000");
}

bool attack_is_tactic_id(str id)
{
    return has_form(id, "TA0000");
}

size_t attack_mitre_url(str id, char out[64])
{
    buf b = {.ptr = out, .cap = 64}; /* the longest is 49 characters: never grows */

    if (attack_is_tactic_id(id)) {
        buf_put_str(&b, STR(ATTACK_SITE "tactics/"));
        buf_put_str(&b, id);
    } else if (attack_is_technique_id(id)) {
        buf_put_str(&b, STR(ATTACK_SITE "techniques/"));
        buf_put_str(&b, id);
    } else if (attack_is_sub_technique_id(id)) {
        buf_put_str(&b, STR(ATTACK_SITE "techniques/"));
        buf_put(&b, id.ptr, 5);
        buf_put_char(&b, '/');
        buf_put(&b, id.ptr + 6, 3);
    }
    out[b.len] = '\0';
    return b.len;
}
