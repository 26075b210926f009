/* SPDX-License-Identifier: Apache-2.0 */
/* A STIX bundle: whatever loads is a catalogue that keeps its promises. */
#include "attack/attack.h"

#include "base/utf8.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(str s)
{
    require(s.ptr && s.len > 0 && s.ptr[s.len] == '\0' && utf8_valid(s));
    require(memchr(s.ptr, '\0', s.len) == NULL && memchr(s.ptr, '\033', s.len) == NULL);
}

static void check_technique(const attack_catalogue *c, const attack_technique *t)
{
    require(attack_is_technique_id(t->id) || attack_is_sub_technique_id(t->id));
    require(attack_find(c, t->id) == t);
    check_text(t->name);
    check_text(t->url);
    require(t->n_tactics <= ATTACK_MAX_TACTICS);
    for (unsigned i = 0; i < t->n_tactics; i++)
        require(attack_find_tactic(c, t->tactics[i]->id) == t->tactics[i]);
    require(!t->successor.ptr ||
            (t->revoked && attack_find(c, t->successor) && !str_eq(t->successor, t->id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free(attack_catalogue) attack_catalogue *c = NULL;
    ttp_err err = {0};
    int rc = attack_load_text((str){(const char *)data, size}, "fuzz", NULL, &c, &err);

    /* a bundle that does not say its release is as good as any once it is told */
    if (rc == TTP_E_INVALID)
        rc = attack_load_text((str){(const char *)data, size}, "fuzz", "1.0", &c, &err);
    require(rc >= 0 && (rc == 0) == (c != NULL) && (rc == 0 || err.text[0]));
    if (rc)
        return 0;
    require(attack_count(c) > 0 && attack_tactic_count(c) > 0);
    check_text(attack_release(c));
    require((attack_skipped(c) > 0) == (attack_first_skipped(c).ptr != NULL));
    for (size_t i = 0; i < attack_count(c); i++) {
        check_technique(c, attack_at(c, i));
        require(i == 0 || str_cmp(attack_at(c, i - 1)->id, attack_at(c, i)->id) < 0);
    }
    for (size_t i = 0; i < attack_tactic_count(c); i++) {
        check_text(attack_tactic_at(c, i)->name);
        check_text(attack_tactic_at(c, i)->shortname);
        check_text(attack_tactic_at(c, i)->url);
    }
    return 0;
}
