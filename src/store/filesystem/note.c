/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the ledger what runs of a rule, and which files are not taken. */
#include "store/filesystem/fs.h"

/* Why what a file holds is not what runs, and its hash where it was read. */
static void note(const fs_store *fs, const char *key, const rule *r, const fs_file *f)
{
    const ttp_err *err = f ? f->err : NULL;

    ledger_note(fs->base.ledger, key, r, err, err && f->judged ? f->hash : NULL);
}

void fs_note_entry_locked(const fs_store *fs, const fs_entry *e)
{
    note(fs, e->rule_id, e->rule, e->file);
}

void fs_note_file_locked(const fs_store *fs, const fs_file *f)
{
    if (!f->entry)
        note(fs, f->name, NULL, f);
    else if (f->entry->file == f)
        fs_note_entry_locked(fs, f->entry);
}

void fs_note_gone_locked(const fs_store *fs, const char *name)
{
    note(fs, name, NULL, NULL);
}
