/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The tables of DESIGN 10. What the Python program made is used as it is: indexes that are missing
 * are added, nothing is renamed, retyped or rewritten. ttp_schema says which version of our own
 * tables stand there.
 */
#include "db/db.h"
#include "db/sqlite.h"

#define DB_SCHEMA_VERSION 2

/* ttp_tag's columns in the order in which everything we write names them. */
#define DB_TAG_COLUMNS                                                                             \
    "uuid, source_kind, source_id, attacker_uuid, identity_uuid, session_id, decky_id, tactic, "   \
    "technique_id, sub_technique_id, confidence, rule_id, rule_version, evidence, "                \
    "attack_release, mitre_url, created_at"

/*
 * Make what is missing, one process at a time, and check what is there. Returns 0, TTP_E_INVALID
 * (an existing table cannot take our rows; the sentence names the column), TTP_E_UNSUPPORTED (made
 * by a newer release) or what db.h lists; nothing is made then (on MariaDB: but what a failing
 * server made before it failed).
 */
int db_schema_prepare(db_conn *conn, ttp_err *err);
/* Can tags be read from this database? The same outcomes and TTP_E_NOT_FOUND (no table ttp_tag);
 * changes nothing. */
int db_schema_check(db_conn *conn, ttp_err *err);

/* The same two by a SQLite connection; they return also what sqlite_db_fail returns. */
int schema_prepare(sqlite_db *db, ttp_err *err);
int schema_check(sqlite_db *db, ttp_err *err);
