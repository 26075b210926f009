/* SPDX-License-Identifier: Apache-2.0 */
/* The public face: the same catalogue with C strings. */
#include "attack/attack.h"

int ttp_attack_open(const char *path, const char *release, ttp_attack **ret_attack, ttp_err *err)
{
    return path ? attack_load(path, release, ret_attack, err)
                : attack_open("builtin", release, ret_attack, err);
}

void ttp_attack_close(ttp_attack *attack)
{
    (void)attack_free(attack); /* always NULL */
}

const char *ttp_attack_release(const ttp_attack *attack)
{
    return attack_release(attack).ptr;
}

bool ttp_attack_is_partial(const ttp_attack *attack)
{
    return attack_is_builtin(attack);
}

static void copy_technique(const attack_technique *t, ttp_attack_entry *ret_entry)
{
    *ret_entry = (ttp_attack_entry){
        .id = t->id.ptr,
        .name = t->name.ptr,
        .url = t->url.ptr,
        .n_tactics = t->n_tactics,
        .revoked = t->revoked,
        .deprecated = t->deprecated,
        .successor = t->successor.ptr,
    };
    for (unsigned i = 0; i < t->n_tactics; i++)
        ret_entry->tactics[i] = t->tactics[i]->id.ptr;
}

int ttp_attack_find(const ttp_attack *attack, const char *id, ttp_attack_entry *ret_entry)
{
    str s = str_from(id);
    const attack_technique *technique;
    const attack_tactic *tactic;

    if (attack_is_tactic_id(s)) {
        tactic = attack_find_tactic(attack, s);
        if (!tactic)
            return TTP_E_NOT_FOUND;
        *ret_entry = (ttp_attack_entry){
            .id = tactic->id.ptr, .name = tactic->name.ptr, .url = tactic->url.ptr};
        return 0;
    }
    if (!attack_is_technique_id(s) && !attack_is_sub_technique_id(s))
        return TTP_E_INVALID;
    technique = attack_find(attack, s);
    if (!technique)
        return TTP_E_NOT_FOUND;
    copy_technique(technique, ret_entry);
    return 0;
}

size_t ttp_attack_count(const ttp_attack *attack)
{
    return attack_count(attack);
}

int ttp_attack_at(const ttp_attack *attack, size_t i, ttp_attack_entry *ret_entry)
{
    if (i >= attack_count(attack))
        return TTP_E_NOT_FOUND;
    copy_technique(attack_at(attack, i), ret_entry);
    return 0;
}
