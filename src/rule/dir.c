/* SPDX-License-Identifier: Apache-2.0 */
/* Rules from files: one, and all of a directory. Odd entries are reported, never waited for. */
#include "rule/rule.h"

#include "base/err.h"
#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static int check_file(const struct stat *st, const char *path, ttp_err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, TTP_E_INVALID, path, "is %s; expected a regular file",
                       kind_of_file(st->st_mode));
    if (st->st_size > (off_t)RULE_FILE_MAX)
        return err_set(err, TTP_E_LIMIT, path, "has %lld bytes; expected at most %u",
                       (long long)st->st_size, RULE_FILE_MAX);
    return 0;
}

static int system_error(ttp_err *err, const char *path, const char *what, int code)
{
    return err_set(err, -code, path, "%s: %s", what, strerror(code));
}

/* Looked at before it is opened (opening a device may do things) and after (it may be another file
 * by now). */
static int open_file(const char *path, int *ret_fd, ttp_err *err)
{
    struct stat st;
    int fd, rc;

    if (stat(path, &st))
        return system_error(err, path, "cannot open", errno);
    rc = check_file(&st, path, err);
    if (rc)
        return rc;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return system_error(err, path, "cannot open", errno);
    rc = fstat(fd, &st) ? system_error(err, path, "cannot open", errno)
                        : check_file(&st, path, err);
    if (rc) {
        (void)close(fd); /* was only read from */
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

static int read_all(int fd, const char *path, char *text, size_t *ret_len, ttp_err *err)
{
    size_t len = 0;

    for (;;) {
        ssize_t n = read(fd, text + len, RULE_FILE_MAX + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return system_error(err, path, "cannot read", errno);
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > RULE_FILE_MAX)
            return err_set(err, TTP_E_LIMIT, path, "has more bytes than %u; expected at most that",
                           RULE_FILE_MAX);
    }
    *ret_len = len;
    return 0;
}

int rule_read_file(const char *path, const rule_context *ctx, rule **ret_rule, ttp_err *err)
{
    auto_free(mem) char *text = NULL;
    size_t len = 0;
    int fd = -1, rc = open_file(path, &fd, err);

    if (rc)
        return rc;
    text = malloc(RULE_FILE_MAX + 1);
    rc = text ? read_all(fd, path, text, &len, err)
              : system_error(err, path, "cannot read", ENOMEM);
    (void)close(fd); /* was only read from */
    return rc ? rc : rule_read((str){text, len}, path, ctx, ret_rule, err);
}

bool rule_file_name_counts(str basename)
{
    size_t i = 0;
    str rest;

    for (; i < basename.len; i++) {
        char c = basename.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            break;
    }
    rest = (str){basename.ptr + i, basename.len - i};
    return i > 0 && (str_eq(rest, STR(".yaml")) || str_eq(rest, STR(".yml")));
}

/* The rules read so far by their rule_id: open addressing, at most half full. */
typedef struct id_table {
    uint32_t *slots; /* index + 1 of a rule; 0: free */
    size_t mask;
} id_table;

static int id_table_init(id_table *t, size_t n)
{
    size_t size = 16;

    while (size < 2 * n)
        size *= 2;
    t->mask = size - 1;
    t->slots = calloc(size, sizeof(*t->slots));
    return t->slots ? 0 : -ENOMEM;
}

/* The slot of a rule_id, free or taken. */
static uint32_t *id_slot(const id_table *t, const rule_dir *d, str id)
{
    size_t i = str_hash(id) & t->mask;

    while (t->slots[i] && !str_eq(d->rules[t->slots[i] - 1]->rule_id, id))
        i = (i + 1) & t->mask;
    return &t->slots[i];
}

static int add_error(rule_dir *d, const ttp_err *err)
{
    if (mem_grow(d->errors, d->cap_errors, d->n_errors + 1))
        return -ENOMEM;
    d->errors[d->n_errors++] = *err;
    return 0;
}

static int add_rule(rule_dir *d, id_table *t, rule *r, const char *path)
{
    uint32_t *slot = id_slot(t, d, r->rule_id);
    ttp_err err = {0};

    if (*slot) {
        (void)err_set(&err, TTP_E_DUPLICATE, path,
                      "rule_id %.*s is %.*s's already; expected another", STR_ARG(r->rule_id),
                      STR_ARG(d->rules[*slot - 1]->path)); /* returns its code */
        return add_error(d, &err);
    }
    if (mem_grow(d->rules, d->cap_rules, d->n_rules + 1))
        return -ENOMEM;
    d->rules[d->n_rules++] = rule_ref(r);
    *slot = (uint32_t)d->n_rules;
    return 0;
}

static int read_entry(rule_dir *d, id_table *t, const char *dir, const char *name,
                      const rule_context *ctx)
{
    auto_free(buf) buf path = {0};
    auto_free(rule) rule *r = NULL;
    ttp_err err = {0};
    size_t len = strlen(dir);
    int rc;

    buf_printf(&path, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
    if (!buf_c_str(&path))
        return -ENOMEM;
    rc = rule_read_file(path.ptr, ctx, &r, &err);
    if (rc == -ENOMEM)
        return rc;
    return rc ? add_error(d, &err) : add_rule(d, t, r, path.ptr);
}

typedef struct name_list {
    char **names;
    size_t n, cap;
} name_list;

static void name_list_done(name_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->names[i]);
    free(l->names);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(DIR *dir, name_list *l)
{
    const struct dirent *e;

    for (;;) {
        errno = 0;
        e = readdir(dir);
        if (!e)
            break;
        if (!rule_file_name_counts(str_from(e->d_name)))
            continue;
        if (mem_grow(l->names, l->cap, l->n + 1))
            return -ENOMEM;
        l->names[l->n] = strdup(e->d_name);
        if (!l->names[l->n++])
            return -ENOMEM;
    }
    if (errno)
        return -errno;
    if (l->n > 1)
        qsort(l->names, l->n, sizeof(*l->names), by_bytes);
    return 0;
}

static int read_names(rule_dir *d, const char *path, const name_list *l, const rule_context *ctx)
{
    size_t n = l->n < RULE_DIR_FILES_MAX ? l->n : RULE_DIR_FILES_MAX;
    id_table t;
    int rc = id_table_init(&t, n);

    for (size_t i = 0; !rc && i < n; i++)
        rc = read_entry(d, &t, path, l->names[i], ctx);
    free(t.slots);
    if (!rc && n < l->n) {
        ttp_err err = {0};

        (void)err_set(&err, TTP_E_LIMIT, path, "has %zu rule files, only the first %u are read",
                      l->n, RULE_DIR_FILES_MAX); /* returns its code */
        rc = add_error(d, &err);
    }
    return rc;
}

int rule_dir_read(const char *path, const rule_context *ctx, rule_dir *ret_dir, ttp_err *err)
{
    name_list names = {0};
    rule_dir d = {0};
    DIR *dir = opendir(path);
    int rc;

    if (!dir)
        return system_error(err, path, "cannot open the directory", errno);
    rc = list_names(dir, &names);
    (void)closedir(dir); /* was only read from */
    if (!rc)
        rc = read_names(&d, path, &names, ctx);
    name_list_done(&names);
    if (rc) {
        rule_dir_done(&d);
        return system_error(err, path, "cannot read the directory", -rc);
    }
    *ret_dir = d;
    return 0;
}

void rule_dir_done(rule_dir *d)
{
    for (size_t i = 0; i < d->n_rules; i++)
        (void)rule_unref(d->rules[i]); /* returns NULL */
    free(d->rules);
    free(d->errors);
    *d = (rule_dir){0};
}
