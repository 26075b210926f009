/* SPDX-License-Identifier: Apache-2.0 */
/* Rules from files: one, and all of a directory. Odd entries are reported, never waited for. */
#include "rule/rule.h"

#include "base/err.h"
#include "rule/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Looked at before it is opened (opening a device may do things) and after (it may be another file
 * by now). */
static int open_file(const char *path, int *ret_fd, off_t *ret_size, ttp_err *err)
{
    struct stat st;
    int fd, rc;

    if (stat(path, &st))
        return rule_file_fail(err, path, "cannot open", errno);
    rc = rule_file_judge(&st, path, err);
    if (rc)
        return rc;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return rule_file_fail(err, path, "cannot open", errno);
    rc = fstat(fd, &st) ? rule_file_fail(err, path, "cannot open", errno)
                        : rule_file_judge(&st, path, err);
    if (rc) {
        (void)close(fd); /* was only read from */
        return rc;
    }
    *ret_fd = fd;
    *ret_size = st.st_size;
    return 0;
}

int rule_read_file(const char *path, const rule_context *ctx, rule **ret_rule, ttp_err *err)
{
    auto_free(buf) buf text = {0};
    off_t size = 0;
    int fd = -1, rc = open_file(path, &fd, &size, err);

    if (rc)
        return rc;
    rc = rule_file_bytes(fd, size, path, &text, err);
    (void)close(fd); /* was only read from */
    return rc ? rc : rule_read(buf_str(&text), path, ctx, ret_rule, err);
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

static int add_names(collection *c, const char *path, const rule_names *l, const rule_context *ctx)
{
    ttp_err err = {0};
    int rc = 0;

    for (size_t i = 0; !rc && i < l->n; i++)
        rc = add_entry(c, path, l->names[i].text, ctx);
    if (!rc && rule_names_judge(l->n_found, path, &err))
        rc = add_error(c, &err);
    return rc;
}

static int add_dir(collection *c, const char *path, const rule_context *ctx, ttp_err *err)
{
    rule_names names = {0};
    int rc = rule_names_read(path, &names);

    if (rc)
        return rule_file_fail(err, path, "cannot open the directory", -rc);
    rc = add_names(c, path, &names, ctx);
    rule_names_done(&names);
    return rc ? rule_file_fail(err, path, "cannot read the directory", -rc) : 0;
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

    return end_collection(&c, add_dir(&c, path, ctx, err), ret_dir);
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int rule_paths_read(char *const *paths, size_t n, const rule_context *ctx, rule_dir *ret_dir)
{
    collection c = {0};
    int rc = 0;

    for (size_t i = 0; !rc && i < n; i++) {
        ttp_err err = {0};

        rc = is_dir(paths[i]) ? add_dir(&c, paths[i], ctx, &err) : add_file(&c, paths[i], ctx);
        if (rc && rc != -ENOMEM)
            rc = add_error(&c, &err);
    }
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
