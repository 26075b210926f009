/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What schema.c needs of a dialect: the tables as it writes them, and questions about what is
 * there. */
#include "db/db.h"

typedef struct schema_piece {
    const char *name; /* NULL: not to be looked for, done each time that others are made */
    const char *sql;
    bool is_trigger;
} schema_piece;

typedef struct schema_index {
    const char *columns, *sql;
} schema_index;

typedef struct schema_dialect {
    /* shared with the Python program: adopted where they are there */
    const char *tag_table, *rule_table, *state_table;
    /* ours, in the order in which they are made; ttp_schema is among them */
    const schema_piece *own;
    size_t n_own;
    const schema_index *indexes; /* of ttp_tag */
    size_t n_indexes;
    const char *note_version; /* that the database has DB_SCHEMA_VERSION now */
    const char *count_tables; /* of name ? */
    const char *count_triggers;
    const char *columns_of;    /* of table ?: name, whether a row must give it a value */
    const char *count_keys;    /* unique indexes of table ? over column ? alone */
    const char *count_indexes; /* of ttp_tag over columns ? (joined by commas) */
    /* One process at a time makes tables; what failed is undone where that can be. */
    int (*lock)(db_conn *conn, ttp_err *err);
    int (*unlock)(db_conn *conn, int rc, ttp_err *err); /* rc: how it went; returns how it ended */
} schema_dialect;

extern const schema_dialect schema_sqlite;
extern const schema_dialect schema_mariadb;
