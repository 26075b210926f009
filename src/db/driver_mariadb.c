/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB and MySQL under the contract of db.h, by server-side prepared statements. Results are
 * fetched whole before the first row is handed out, so that a slow reader holds nothing up. What is
 * waited for has an end: connecting, each read and write, locks.
 */
#include "base/err.h"
#include "db/driver.h"
#include "db/mariadb_errors.h"

#include <errno.h>
#include <math.h>
#include <mysql.h>
#include <pthread.h>
#include <stdio.h>

#define CONNECT_TIMEOUT_S 5
/* A statement of ours takes milliseconds; longer than any lock is waited for. */
#define ANSWER_SLACK_S 10
#define LOCK_TIMEOUT_MS 30000

typedef struct mariadb_conn {
    db_conn head; /* must be first */
    MYSQL *mysql;
    char *where;
    bool in_transaction;
} mariadb_conn;

typedef struct mariadb_column {
    int64_t integer;
    double real;
    float single;
    char *text; /* of cap bytes */
    size_t cap;
    unsigned long len;
    my_bool is_null, truncated;
    char printed[40];
} mariadb_column;

typedef struct mariadb_param {
    int64_t integer;
    double real;
    unsigned long len;
    my_bool is_null;
} mariadb_param;

typedef struct mariadb_statement {
    db_stmt head; /* must be first */
    MYSQL_STMT *stmt;
    MYSQL_BIND *in, *out;
    mariadb_param *params;
    mariadb_column *columns;
    unsigned n_params, n_columns;
    bool is_run;
} mariadb_statement;

static MYSQL *mysql_of(db_conn *conn)
{
    return ((mariadb_conn *)conn)->mysql;
}

static int fail_conn(db_conn *conn, ttp_err *err)
{
    unsigned code = mysql_errno(mysql_of(conn));

    conn->is_lost = conn->is_lost || mariadb_is_lost(code);
    return mariadb_fail(code, mysql_error(mysql_of(conn)), conn->where, err);
}

static int fail_stmt(mariadb_statement *s, ttp_err *err)
{
    unsigned code = mysql_stmt_errno(s->stmt);
    db_conn *conn = s->head.conn;

    conn->is_lost = conn->is_lost || mariadb_is_lost(code);
    return mariadb_fail(code, mysql_stmt_error(s->stmt), conn->where, err);
}

static void close_conn(db_conn *conn)
{
    mariadb_conn *m = (mariadb_conn *)conn;

    if (m->mysql)
        mysql_close(m->mysql); /* the server rolls back what is open */
    free(m->where);
    free(m);
}

static int exec(db_conn *conn, const char *sql, ttp_err *err)
{
    MYSQL_RES *rows;

    if (mysql_real_query(mysql_of(conn), sql, strlen(sql)))
        return fail_conn(conn, err);
    rows = mysql_store_result(mysql_of(conn));
    if (!rows && mysql_errno(mysql_of(conn)))
        return fail_conn(conn, err);
    if (rows)
        mysql_free_result(rows);
    return 0;
}

static void free_stmt(db_stmt *stmt)
{
    mariadb_statement *s = (mariadb_statement *)stmt;

    if (s->stmt)
        (void)mysql_stmt_close(s->stmt); /* on a lost connection it only frees */
    for (unsigned i = 0; s->columns && i < s->n_columns; i++)
        free(s->columns[i].text);
    free(s->columns);
    free(s->params);
    free(s->in);
    free(s->out);
    free(s);
}

static void bind_column(MYSQL_BIND *b, mariadb_column *c, enum enum_field_types type)
{
    *b = (MYSQL_BIND){.length = &c->len, .is_null = &c->is_null, .error = &c->truncated};
    switch (type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = &c->integer;
        return;
    case MYSQL_TYPE_FLOAT:
        b->buffer_type = MYSQL_TYPE_FLOAT;
        b->buffer = &c->single;
        return;
    case MYSQL_TYPE_DOUBLE:
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        b->buffer_type = MYSQL_TYPE_DOUBLE;
        b->buffer = &c->real;
        return;
    default: /* texts and times, as the server writes them; fetched when their length is known */
        b->buffer_type = MYSQL_TYPE_STRING;
        b->buffer = NULL;
        b->buffer_length = 0;
    }
}

static int bind_columns(mariadb_statement *s)
{
    MYSQL_RES *info = mysql_stmt_result_metadata(s->stmt);

    if (!info)
        return 0; /* no rows */
    s->n_columns = mysql_num_fields(info);
    s->out = calloc(s->n_columns, sizeof(*s->out));
    s->columns = calloc(s->n_columns, sizeof(*s->columns));
    for (unsigned i = 0; s->out && s->columns && i < s->n_columns; i++)
        bind_column(&s->out[i], &s->columns[i], mysql_fetch_field_direct(info, i)->type);
    mysql_free_result(info);
    return s->out && s->columns ? 0 : -ENOMEM;
}

static int make_statement(db_conn *conn, mariadb_statement *s, const char *sql, ttp_err *err)
{
    s->stmt = mysql_stmt_init(mysql_of(conn));
    if (!s->stmt)
        return err_set(err, -ENOMEM, conn->where, "out of memory");
    if (mysql_stmt_prepare(s->stmt, sql, strlen(sql)))
        return fail_stmt(s, err);
    s->n_params = (unsigned)mysql_stmt_param_count(s->stmt);
    s->in = calloc(s->n_params + 1, sizeof(*s->in));
    s->params = calloc(s->n_params + 1, sizeof(*s->params));
    if (!s->in || !s->params || bind_columns(s))
        return err_set(err, -ENOMEM, conn->where, "out of memory");
    return 0;
}

static void reset(db_stmt *stmt, bool keep_bindings)
{
    mariadb_statement *s = (mariadb_statement *)stmt;

    if (s->is_run)
        (void)mysql_stmt_free_result(s->stmt); /* it is all here: nothing is asked */
    s->is_run = false;
    for (unsigned i = 0; !keep_bindings && i < s->n_params; i++)
        s->in[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
}

static int prepare(db_conn *conn, const char *sql, db_stmt **ret_stmt, ttp_err *err)
{
    mariadb_statement *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, conn->where, "out of memory");
    s->head.conn = conn;
    rc = make_statement(conn, s, sql, err);
    if (rc) {
        free_stmt(&s->head);
        return rc;
    }
    reset(&s->head, false);
    *ret_stmt = &s->head;
    return 0;
}

static void bind_text(db_stmt *stmt, unsigned at, str text)
{
    mariadb_statement *s = (mariadb_statement *)stmt;
    MYSQL_BIND *b = &s->in[at - 1];

    if (!text.ptr) {
        *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
        return;
    }
    s->params[at - 1].len = text.len;
    *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                      .buffer = (char *)text.ptr, /* it is only read */
                      .buffer_length = text.len,
                      .length = &s->params[at - 1].len};
}

static void bind_int(db_stmt *stmt, unsigned at, int64_t value)
{
    mariadb_statement *s = (mariadb_statement *)stmt;

    s->params[at - 1].integer = value;
    s->in[at - 1] =
        (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &s->params[at - 1].integer};
}

static void bind_double(db_stmt *stmt, unsigned at, double value)
{
    mariadb_statement *s = (mariadb_statement *)stmt;

    s->params[at - 1].real = value;
    s->in[at - 1] =
        (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &s->params[at - 1].real};
}

static int run(mariadb_statement *s, ttp_err *err)
{
    if (s->n_params && mysql_stmt_bind_param(s->stmt, s->in))
        return fail_stmt(s, err);
    if (mysql_stmt_execute(s->stmt))
        return fail_stmt(s, err);
    s->is_run = true;
    if (s->n_columns == 0)
        return 0;
    if (mysql_stmt_bind_result(s->stmt, s->out) || mysql_stmt_store_result(s->stmt))
        return fail_stmt(s, err);
    return 0;
}

static int next(db_stmt *stmt, ttp_err *err)
{
    mariadb_statement *s = (mariadb_statement *)stmt;
    int rc = s->is_run ? 0 : run(s, err);

    if (rc)
        return rc;
    if (s->n_columns == 0)
        return TTP_E_END;
    switch (mysql_stmt_fetch(s->stmt)) {
    case 0:
    case MYSQL_DATA_TRUNCATED: /* texts always are: see text() */
        return 0;
    case MYSQL_NO_DATA:
        return TTP_E_END;
    default:
        return fail_stmt(s, err);
    }
}

static uint64_t n_changes(db_stmt *stmt)
{
    return mysql_stmt_affected_rows(((mariadb_statement *)stmt)->stmt);
}

static unsigned n_columns(db_stmt *stmt)
{
    return ((mariadb_statement *)stmt)->n_columns;
}

static bool is_null(db_stmt *stmt, unsigned column)
{
    return ((mariadb_statement *)stmt)->columns[column].is_null;
}

/* FLOAT keeps 24 bits, but 0.1 was meant: the shortest decimal that gives the same 24 bits. */
static double widen(float single)
{
    char digits[32];

    for (int n = 6; n < 9; n++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", n, (double)single);
        if (strtof(digits, NULL) == single)
            break;
    }
    return strtod(digits, NULL);
}

static int number(db_stmt *stmt, unsigned column, double *ret_value)
{
    mariadb_statement *s = (mariadb_statement *)stmt;
    const mariadb_column *c = &s->columns[column];

    if (c->is_null)
        return TTP_E_INVALID;
    switch (s->out[column].buffer_type) {
    case MYSQL_TYPE_LONGLONG:
        *ret_value = (double)c->integer;
        return 0;
    case MYSQL_TYPE_FLOAT:
        *ret_value = widen(c->single);
        return 0;
    case MYSQL_TYPE_DOUBLE:
        *ret_value = c->real;
        return 0;
    default:
        return TTP_E_INVALID;
    }
}

static str fetch_text(mariadb_statement *s, unsigned column)
{
    mariadb_column *c = &s->columns[column];
    MYSQL_BIND whole = {.buffer_type = MYSQL_TYPE_STRING,
                        .length = &c->len,
                        .is_null = &c->is_null,
                        .error = &c->truncated};

    if (mem_reserve((void **)&c->text, &c->cap, c->len + 1, 1))
        return STR_NULL;
    whole.buffer = c->text;
    whole.buffer_length = c->cap;
    if (mysql_stmt_fetch_column(s->stmt, &whole, column, 0))
        return STR_NULL;
    return (str){c->text, c->len};
}

static str text(db_stmt *stmt, unsigned column)
{
    mariadb_statement *s = (mariadb_statement *)stmt;
    mariadb_column *c = &s->columns[column];
    double value;
    int n;

    if (c->is_null)
        return STR_NULL;
    if (s->out[column].buffer_type == MYSQL_TYPE_STRING)
        return fetch_text(s, column);
    if (s->out[column].buffer_type == MYSQL_TYPE_LONGLONG)
        n = snprintf(c->printed, sizeof(c->printed), "%lld", (long long)c->integer);
    else
        n = snprintf(c->printed, sizeof(c->printed), "%.17g",
                     number(stmt, column, &value) ? 0 : value);
    return (str){c->printed, (size_t)n};
}

static int64_t integer(db_stmt *stmt, unsigned column)
{
    mariadb_statement *s = (mariadb_statement *)stmt;
    double value = 0;
    char digits[32];
    str t;

    if (s->columns[column].is_null)
        return 0;
    if (s->out[column].buffer_type == MYSQL_TYPE_LONGLONG)
        return s->columns[column].integer;
    if (number(stmt, column, &value) == 0)
        return fabs(value) < 9e18 ? (int64_t)value : 0;
    t = text(stmt, column); /* a user variable comes as text */
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)(t.len < 24 ? t.len : 24),
                   t.ptr ? t.ptr : "");
    return strtoll(digits, NULL, 10);
}

static int begin(db_conn *conn, bool read_only, ttp_err *err)
{
    int rc = exec(conn,
                  read_only ? "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
                            : "START TRANSACTION",
                  err);

    if (!rc)
        ((mariadb_conn *)conn)->in_transaction = true;
    return rc;
}

static int commit(db_conn *conn, ttp_err *err)
{
    int rc = exec(conn, "COMMIT", err);

    if (!rc)
        ((mariadb_conn *)conn)->in_transaction = false;
    return rc;
}

static void rollback(db_conn *conn)
{
    mariadb_conn *m = (mariadb_conn *)conn;

    if (m->in_transaction && exec(conn, "ROLLBACK", NULL))
        conn->is_lost = true; /* whatever it is, only a new connection is surely clean */
    m->in_transaction = false;
}

static const db_driver db_driver_mariadb = {
    .dialect = DB_MARIADB,
    .close = close_conn,
    .has_moved = NULL,
    .exec = exec,
    .prepare = prepare,
    .free_stmt = free_stmt,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .reset = reset,
    .bind_text = bind_text,
    .bind_int = bind_int,
    .bind_double = bind_double,
    .next = next,
    .n_changes = n_changes,
    .n_columns = n_columns,
    .text = text,
    .is_null = is_null,
    .integer = integer,
    .number = number,
};

static void start_library(void)
{
    (void)mysql_server_init(0, NULL, NULL); /* mysql_init would, but for one thread only */
}

static int set_options(MYSQL *mysql, const db_url_server *server, unsigned lock_s)
{
    unsigned connect_s = CONNECT_TIMEOUT_S, answer_s = lock_s + ANSWER_SLACK_S;
    unsigned protocol = server->unix_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    my_bool yes = 1, no = 0;
    int rc = mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);

    rc |= mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_s);
    rc |= mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
    rc |= mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    rc |= mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    rc |= mysql_optionsv(mysql, MYSQL_REPORT_DATA_TRUNCATION, &yes);
    rc |= mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &no); /* the server may not ask for files */
    rc |= mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);    /* nothing half done goes on */
    if (server->ssl_ca) {
        rc |= mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, server->ssl_ca);
        rc |= mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
        rc |= mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    }
    return rc;
}

/* Strict, so that what does not fit is refused and not cut; times are UTC. */
static int set_session(db_conn *conn, unsigned lock_s, ttp_err *err)
{
    char sql[400];
    int rc;

    (void)snprintf(sql, sizeof(sql),
                   "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,"
                   "NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', autocommit = 1,"
                   " innodb_lock_wait_timeout = %u, lock_wait_timeout = %u",
                   lock_s, lock_s); /* it fits */
    rc = exec(conn, sql, err);
    /* as most servers have it: what a statement looked for and did not find stays away, too */
    return rc ? rc : exec(conn, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", err);
}

static int connect_to(mariadb_conn *conn, const db_url_server *server, unsigned lock_s,
                      ttp_err *err)
{
    conn->mysql = mysql_init(NULL);
    if (!conn->mysql || set_options(conn->mysql, server, lock_s))
        return err_set(err, -ENOMEM, conn->where, "out of memory");
    if (!mysql_real_connect(conn->mysql, server->unix_socket ? NULL : server->host, server->user,
                            server->password, server->name, server->port, server->unix_socket, 0))
        return fail_conn(&conn->head, err);
    return set_session(&conn->head, lock_s, err);
}

int driver_mariadb_open(const db_url_server *server, const db_options *options, db_conn **ret_conn,
                        ttp_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    unsigned lock_ms = options->busy_timeout_ms ? options->busy_timeout_ms : LOCK_TIMEOUT_MS;
    mariadb_conn *conn = calloc(1, sizeof(*conn));
    int rc;

    (void)pthread_once(&once, start_library); /* its arguments are right */
    if (!conn || !(conn->where = strdup(server->where))) {
        free(conn);
        return err_set(err, -ENOMEM, server->where, "out of memory");
    }
    conn->head.driver = &db_driver_mariadb;
    conn->head.where = conn->where;
    rc = connect_to(conn, server, (lock_ms + 999) / 1000, err);
    if (rc)
        (void)db_close(&conn->head); /* returns NULL */
    else
        *ret_conn = &conn->head;
    return rc;
}
