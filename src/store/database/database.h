/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What only the database store can do: rules are written into it, one by one or from a directory.
 * The stores handed in are ones that ttp_store_open made of type "database" (db) and "filesystem"
 * (fs). Any thread.
 */
#include "base/str.h"
#include "ttp/store.h"

/* The database that --db, DECNET_DB_URL, or DECNET_DB_TYPE with its fellows name; NULL: none. */
const char *database_url(const char *option);

/*
 * Insert or replace a rule by the bytes of its file; what is there already is left alone and makes
 * no change. A rule that cannot be read, or fails its own tests, is refused. ret_rule_id may be
 * NULL. Returns 0, what rule_read or the database returns.
 */
int database_upsert_rule(ttp_store *db, str text, const char *source_path, const char *updated_by,
                         char ret_rule_id[65], ttp_err *err);
/* Returns 0, TTP_E_NOT_FOUND or what the database returns. */
int database_delete_rule(ttp_store *db, const char *rule_id, ttp_err *err);

/* Is there a row of this rule_id, good or not? Returns 0 or what the database returns. */
int database_has_rule(ttp_store *db, const char *rule_id, bool *ret_has, ttp_err *err);

/*
 * Every state that is set and has not expired, by rule_id, also of rules that are not there. What
 * cannot be read is handed out with err and the default state. Returns 0, what fn returned, or what
 * the database returns.
 */
int database_each_state(ttp_store *db,
                        int (*fn)(void *ctx, const char *rule_id, const ttp_rule_state *state,
                                  const ttp_err *err),
                        void *ctx, ttp_err *err);

/* Projects a directory into the database. */
typedef struct database_sync {
    ttp_store *db, *fs;    /* fs: opened with keep_source */
    const char *rules_dir; /* what fs watches */
    const char *updated_by;
    size_t n_written, n_deleted; /* counted up */
    size_t n_refused;            /* files that did not load, as of database_sync_all */
    unsigned connection;         /* of db, that database_sync_all began with */
    char dir[4096]; /* filled in by database_sync_all: rules_dir, absolute, links not followed */
} database_sync;

/*
 * Make the database hold what the directory does: all its rules are written, by the bytes they were
 * read from, and those that came from it and are gone are deleted. A file that does not load leaves
 * its rule as it is. ret_sequence is the point of fs up to which that is done. Returns 0 or the
 * first failure of directory or database; calling again continues.
 */
int database_sync_all(database_sync *sync, uint64_t *ret_sequence, ttp_err *err);
/* Has db connected anew since? Then it may be another database, one restored from a copy. */
bool database_sync_is_stale(const database_sync *sync);
/* The same for one change of fs. Returns 0 or a failure of the database. */
int database_sync_change(database_sync *sync, const ttp_change *change, ttp_err *err);
