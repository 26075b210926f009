/* SPDX-License-Identifier: Apache-2.0 */
/* Rules from files: one, and all of a directory. Odd entries are reported, never waited for. */
#include "rule/rule.h"

#include "base/err.h"
#include "base/limits.h"
#include "rule/yaml.h"

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

#define READ_STEP 16384

static int read_all(int fd, const char *path, buf *text, ttp_err *err)
{
    char step[READ_STEP];

    for (;;) {
        ssize_t n = read(fd, step, sizeof(step));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return system_error(err, path, "cannot read", errno);
        if (n == 0)
            return text->failed ? system_error(err, path, "cannot read", ENOMEM) : 0;
        if (text->len + (size_t)n > RULE_FILE_MAX) /* it has grown since it was looked at */
            return err_set(err, TTP_E_LIMIT, path, "has more than %u bytes; expected at most that",
                           RULE_FILE_MAX);
        buf_put(text, step, (size_t)n);
    }
}

int rule_read_file(const char *path, const rule_context *ctx, rule **ret_rule, ttp_err *err)
{
    auto_free(buf) buf text = {0};
    int fd = -1, rc = open_file(path, &fd, err);

    if (rc)
        return rc;
    rc = read_all(fd, path, &text, err);
    (void)close(fd); /* was only read from */
    return rc ? rc : rule_read(buf_str(&text), path, ctx, ret_rule, err);
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

/* What has been read so far, with the rules by their rule_id: open addressing, at most half full.
 */
typedef struct collection {
    rule_dir d;
    uint32_t *slots; /* index + 1 of a rule; 0: free */
    size_t n_slots;  /* a power of two */
} collection;

/* The slot of a rule_id, free or taken. */
static uint32_t *id_slot(const collection *c, str id)
{
    size_t mask = c->n_slots - 1, i = str_hash(id) & mask;

    while (c->slots[i] && !str_eq(c->d.rules[c->slots[i] - 1]->rule_id, id))
        i = (i + 1) & mask;
    return &c->slots[i];
}

static int grow_slots(collection *c)
{
    size_t n = c->n_slots ? 2 * c->n_slots : 64;
    uint32_t *slots;

    if (2 * (c->d.n_rules + 1) <= c->n_slots)
        return 0;
    slots = calloc(n, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(c->slots);
    c->slots = slots;
    c->n_slots = n;
    for (size_t i = 0; i < c->d.n_rules; i++)
        *id_slot(c, c->d.rules[i]->rule_id) = (uint32_t)(i + 1);
    return 0;
}

static int add_error(collection *c, const ttp_err *err)
{
    if (mem_grow(c->d.errors, c->d.cap_errors, c->d.n_errors + 1))
        return -ENOMEM;
    c->d.errors[c->d.n_errors++] = *err;
    return 0;
}

static int add_rule(collection *c, rule *r, const char *path)
{
    uint32_t *slot;
    ttp_err err = {0};

    if (grow_slots(c))
        return -ENOMEM;
    slot = id_slot(c, r->rule_id);
    if (*slot && c->d.rules) {
        (void)err_set(&err, TTP_E_DUPLICATE, path,
                      "rule_id %.*s is %.*s's already; expected another", STR_ARG(r->rule_id),
                      STR_ARG(c->d.rules[*slot - 1]->path)); /* returns its code */
        return add_error(c, &err);
    }
    if (mem_grow(c->d.rules, c->d.cap_rules, c->d.n_rules + 1) || !c->d.rules)
        return -ENOMEM;
    c->d.rules[c->d.n_rules++] = rule_ref(r);
    *slot = (uint32_t)c->d.n_rules;
    return 0;
}

static int add_file(collection *c, const char *path, const rule_context *ctx)
{
    auto_free(rule) rule *r = NULL;
    ttp_err err = {0};
    int rc = rule_read_file(path, ctx, &r, &err);

    if (rc == -ENOMEM)
        return rc;
    return rc ? add_error(c, &err) : add_rule(c, r, path);
}

static int add_entry(collection *c, const char *dir, const char *name, const rule_context *ctx)
{
    auto_free(buf) buf path = {0};
    size_t len = strlen(dir);

    buf_printf(&path, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
    return buf_c_str(&path) ? add_file(c, path.ptr, ctx) : -ENOMEM;
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

static int add_names(collection *c, const char *path, const name_list *l, const rule_context *ctx)
{
    size_t n = l->n < RULE_DIR_FILES_MAX ? l->n : RULE_DIR_FILES_MAX;
    ttp_err err = {0};
    int rc = 0;

    for (size_t i = 0; !rc && i < n; i++)
        rc = add_entry(c, path, l->names[i], ctx);
    if (rc || n == l->n)
        return rc;
    (void)err_set(&err, TTP_E_LIMIT, path,
                  "has %zu rule files; expected at most %u, the rest is not read", l->n,
                  RULE_DIR_FILES_MAX); /* returns its code */
    return add_error(c, &err);
}

static int add_dir(collection *c, const char *path, const rule_context *ctx, ttp_err *err)
{
    name_list names = {0};
    DIR *dir = opendir(path);
    int rc;

    if (!dir)
        return system_error(err, path, "cannot open the directory", errno);
    rc = list_names(dir, &names);
    (void)closedir(dir); /* was only read from */
    if (!rc)
        rc = add_names(c, path, &names, ctx);
    name_list_done(&names);
    return rc ? system_error(err, path, "cannot read the directory", -rc) : 0;
}

/* Reads in turn with one parser, the caller's or one of its own. */
typedef struct reused {
    rule_context ctx;
    yaml_reader *own;
} reused;

static int begin_reuse(reused *u, const rule_context *ctx)
{
    u->ctx = ctx ? *ctx : (rule_context){0};
    u->own = u->ctx.yaml ? NULL : yaml_reader_new();
    if (u->own)
        u->ctx.yaml = u->own;
    return u->ctx.yaml ? 0 : -ENOMEM;
}

static int end_collection(collection *c, int rc, rule_dir *ret_dir)
{
    free(c->slots);
    if (rc)
        rule_dir_done(&c->d);
    else
        *ret_dir = c->d;
    return rc;
}

int rule_dir_read(const char *path, const rule_context *ctx, rule_dir *ret_dir, ttp_err *err)
{
    collection c = {0};
    reused u;
    int rc = begin_reuse(&u, ctx);

    rc = rc ? err_set(err, rc, path, "out of memory") : add_dir(&c, path, &u.ctx, err);
    (void)yaml_reader_free(u.own); /* returns NULL */
    return end_collection(&c, rc, ret_dir);
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int rule_paths_read(char *const *paths, size_t n, const rule_context *ctx, rule_dir *ret_dir)
{
    collection c = {0};
    reused u;
    int rc = begin_reuse(&u, ctx);

    for (size_t i = 0; !rc && i < n; i++) {
        ttp_err err = {0};

        rc = is_dir(paths[i]) ? add_dir(&c, paths[i], &u.ctx, &err)
                              : add_file(&c, paths[i], &u.ctx);
        if (rc && rc != -ENOMEM)
            rc = add_error(&c, &err);
    }
    (void)yaml_reader_free(u.own); /* returns NULL */
    return end_collection(&c, rc, ret_dir);
}

void rule_dir_done(rule_dir *d)
{
    for (size_t i = 0; i < d->n_rules; i++)
        (void)rule_unref(d->rules[i]); /* returns NULL */
    free(d->rules);
    free(d->errors);
    *d = (rule_dir){0};
}
