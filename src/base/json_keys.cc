/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_keys.h"

#include <new>

const json_keys::place *json_keys::begin(json_name_key *names)
{
    if (!places) {
        places.reset(new (std::nothrow) place[max_places]);
        is_full = true;
    }
    if (!places)
        return nullptr;
    if (is_full || names != name) {
        places[0] = {};
        n_places = 1;
        memset(kinds, 0, sizeof(kinds));
        is_full = false;
        name = names;
    }
    return &places[0];
}

const json_keys::place *json_keys::stand_in(const place *at, uint16_t *kind)
{
    if (n_places == max_places) {
        is_full = true;
        return at;
    }
    places[n_places] = *at;
    places[n_places].first = 0;
    places[n_places].n_behind = 0;
    *kind = static_cast<uint16_t>(n_places);
    return &places[n_places++];
}

bool json_keys::came_before(const place *at, str key) const
{
    for (; at->depth; at = &places[at->before]) {
        if (at->len == key.len && memcmp(at->text, key.ptr, key.len) == 0)
            return true;
    }
    return false;
}

const json_keys::place *json_keys::add(const place *at, str key)
{
    place *parent = &places[at - &places[0]];
    uint16_t *link = &parent->first;
    place *k;

    if (n_places == max_places)
        is_full = true;
    if (is_full || key.len >= sizeof(k->text) || at->depth == max_depth ||
        at->n_behind == max_behind)
        return nullptr;
    while (*link)
        link = &places[*link].next;
    k = &places[n_places];
    *k = {};
    if (key.len)
        memcpy(k->text, key.ptr, key.len);
    k->text[key.len] = '"';
    k->mask = UINT32_MAX >> (31 - key.len);
    k->len = static_cast<uint8_t>(key.len);
    k->depth = static_cast<uint8_t>(at->depth + 1);
    k->before = static_cast<uint16_t>(at - &places[0]);
    k->name = name(key);
    k->is_repeated = came_before(at, key);
    parent->n_behind++;
    *link = static_cast<uint16_t>(n_places++);
    return k;
}
