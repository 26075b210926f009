/* SPDX-License-Identifier: Apache-2.0 */
/* What is known by rule_id, and the states among it: in memory, gone at restart. */
#include "store/filesystem/fs.h"

#include "base/err.h"
#include "base/sorted.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>

static const char *key_of(const void *entries, size_t i)
{
    fs_entry *const *entry = entries;

    return entry[i]->rule_id;
}

static size_t entry_place(const fs_store *fs, const char *rule_id, bool *ret_found)
{
    return sorted_place(fs->entries, fs->n_entries, key_of, rule_id, ret_found);
}

fs_entry *fs_find_entry_locked(fs_store *fs, const char *rule_id)
{
    bool found;
    size_t i = entry_place(fs, rule_id, &found);

    return found ? fs->entries[i] : NULL;
}

fs_entry *fs_get_entry_locked(fs_store *fs, const char *rule_id)
{
    bool found;
    size_t i = entry_place(fs, rule_id, &found);
    fs_entry *e;

    if (found)
        return fs->entries[i];
    if (mem_grow(fs->entries, fs->cap_entries, fs->n_entries + 1))
        return NULL;
    e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->state = state_default;
    (void)snprintf(e->rule_id, sizeof(e->rule_id), "%s", rule_id); /* checked by its caller */
    memmove(fs->entries + i + 1, fs->entries + i, (fs->n_entries - i) * sizeof(*fs->entries));
    fs->entries[i] = e;
    fs->n_entries++;
    return e;
}

void fs_drop_entry_locked(fs_store *fs, fs_entry *e)
{
    bool found;
    size_t i;

    if (e->rule || e->n_claims || e->has_state)
        return;
    i = entry_place(fs, e->rule_id, &found);
    fs->n_entries--;
    memmove(fs->entries + i, fs->entries + i + 1, (fs->n_entries - i) * sizeof(*fs->entries));
    free(e);
}

static void forget_state_locked(fs_store *fs, fs_entry *e)
{
    e->has_state = false;
    e->state = state_default;
    fs_drop_entry_locked(fs, e);
}

int fs_get_state(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state, ttp_err *err)
{
    fs_store *fs = fs_of(store);
    fs_entry *e;

    (void)err; /* memory can be read */
    pthread_mutex_lock(&store->lock);
    e = fs_find_entry_locked(fs, rule_id);
    *ret_state = e ? e->state : state_default;
    if (e && e->has_state && state_expired(&e->state, time_now_us())) {
        ttp_change change = change_state(rule_id, &state_default);

        *ret_state = state_default;
        forget_state_locked(fs, e);
        store_emit_locked(store, &change);
    }
    pthread_mutex_unlock(&store->lock);
    return 0;
}

/* state NULL: the default one. */
static int change_state_locked(fs_store *fs, const char *rule_id, const ttp_rule_state *state,
                               ttp_err *err)
{
    ttp_change change = change_state(rule_id, state ? state : &state_default);
    fs_entry *e = state ? fs_get_entry_locked(fs, rule_id) : fs_find_entry_locked(fs, rule_id);
    int rc;

    if (state && !e)
        return err_set(err, -ENOMEM, rule_id, "out of memory");
    rc = store_publish(&fs->base, &change, err);
    if (rc) {
        if (e)
            fs_drop_entry_locked(fs, e);
        return rc;
    }
    if (state) {
        e->state = *state;
        e->has_state = true;
    } else if (e) {
        forget_state_locked(fs, e);
    }
    store_fan_out_locked(&fs->base, &change);
    return 0;
}

int fs_set_state(ttp_store *store, const char *rule_id, const ttp_rule_state *state, ttp_err *err)
{
    int rc;

    pthread_mutex_lock(&store->lock);
    rc = change_state_locked(fs_of(store), rule_id, state, err);
    pthread_mutex_unlock(&store->lock);
    return rc;
}

int fs_clear_state(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err)
{
    int rc;

    (void)set_by; /* the default state was set by nobody */
    pthread_mutex_lock(&store->lock);
    rc = change_state_locked(fs_of(store), rule_id, NULL, err);
    pthread_mutex_unlock(&store->lock);
    return rc;
}
