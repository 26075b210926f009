/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/files.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "rule/rule.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

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

void rule_names_done(rule_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->names[i].text);
    free(names->names);
    *names = (rule_names){0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const rule_name *)a)->text, ((const rule_name *)b)->text);
}

/* In order, and no more than are read. */
static void settle(rule_names *names)
{
    if (names->n > 1)
        qsort(names->names, names->n, sizeof(*names->names), by_bytes);
    while (names->n > RULE_DIR_FILES_MAX)
        free(names->names[--names->n].text);
}

/* Twice the bound is kept on the way: so a million names cost the memory of two bounds, and few
 * sorts. */
static int add_name(rule_names *names, const struct dirent *e)
{
    rule_name *name;

    if (names->n == (size_t)2 * RULE_DIR_FILES_MAX)
        settle(names);
    if (mem_grow(names->names, names->cap, names->n + 1))
        return -ENOMEM;
    name = &names->names[names->n];
    *name = (rule_name){strdup(e->d_name), e->d_type == DT_REG};
    if (!name->text)
        return -ENOMEM;
    names->n++;
    names->n_found++;
    return 0;
}

static int read_names(DIR *dir, rule_names *names)
{
    const struct dirent *e;
    int rc = 0;

    while (!rc) {
        errno = 0;
        e = readdir(dir);
        if (!e)
            return -errno;
        if (!rule_file_name_counts(str_from(e->d_name)))
            continue;
        names->has_links |= e->d_type == DT_LNK || e->d_type == DT_UNKNOWN;
        rc = add_name(names, e);
    }
    return rc;
}

int rule_names_read(const char *path, rule_names *names)
{
    DIR *dir = opendir(path);
    int rc;

    if (!dir)
        return -errno;
    rc = read_names(dir, names);
    (void)closedir(dir); /* was only read from */
    if (rc)
        rule_names_done(names);
    else
        settle(names);
    return rc;
}

int rule_names_judge(size_t n, const char *dir, ttp_err *err)
{
    if (n <= RULE_DIR_FILES_MAX)
        return 0;
    return err_set(err, TTP_E_LIMIT, dir,
                   "has %zu rule files; expected at most %u, the rest is not read", n,
                   RULE_DIR_FILES_MAX);
}

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

int rule_file_judge(const struct stat *st, const char *path, ttp_err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, TTP_E_INVALID, path, "is %s; expected a regular file",
                       kind_of_file(st->st_mode));
    if (st->st_size > (off_t)RULE_FILE_MAX)
        return err_set(err, TTP_E_LIMIT, path, "has %lld bytes; expected at most %u",
                       (long long)st->st_size, RULE_FILE_MAX);
    return 0;
}

int rule_file_fail(ttp_err *err, const char *path, const char *what, int code)
{
    return err_set(err, -code, path, "%s: %s", what, strerror(code));
}

#define READ_STEP 16384

int rule_file_bytes(int fd, off_t size, const char *path, buf *text, ttp_err *err)
{
    for (;;) {
        size_t left = size > (off_t)text->len ? (size_t)size - text->len : READ_STEP;
        ssize_t n;

        if (!buf_reserve(text, left + 1))
            return rule_file_fail(err, path, "cannot read", ENOMEM);
        n = read(fd, text->ptr + text->len, left + 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rule_file_fail(err, path, "cannot read", errno);
        text->len += (size_t)n;
        if (text->len > RULE_FILE_MAX) /* it has grown since it was looked at */
            return err_set(err, TTP_E_LIMIT, path, "has more than %u bytes; expected at most that",
                           RULE_FILE_MAX);
        if (n == 0 || (n <= (ssize_t)left && text->len == (size_t)size))
            return 0;
    }
}
