/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the ledger what runs of a rule, and which files are not taken. */
#include "store/filesystem/fs.h"

/* Why what a file holds is not what runs, and its hash where it was read. */
static void note(const fs_store *fs, const char *key, const rule *r, const fs_file *f)
{
    const ttp_err *err = f ? f->err : NULL;

    ledger_note(fs->base.ledger, key, r, err, err && f->judged ? f->hash : NULL);
}

void fs_note_entry_locked(fs_store *fs, const fs_entry *e)
{
    note(fs, e->rule_id, e->rule, e->file);
}

/* The name a refused file goes by: its rule_id, unless another file runs that one. */
static const char *refused_key(fs_store *fs, const fs_file *f)
{
    const fs_entry *e = f->refused_id ? fs_find_entry_locked(fs, f->refused_id) : NULL;

    return f->refused_id && !(e && e->rule) ? f->refused_id : f->name;
}

void fs_note_file_locked(fs_store *fs, const fs_file *f)
{
    if (!f->entry)
        note(fs, refused_key(fs, f), NULL, f);
    else if (f->entry->file == f)
        fs_note_entry_locked(fs, f->entry);
}

void fs_note_gone_locked(fs_store *fs, const fs_file *f)
{
    note(fs, f->name, NULL, NULL);
    note(fs, refused_key(fs, f), NULL, NULL);
}
