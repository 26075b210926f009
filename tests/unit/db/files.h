/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A directory of a test's own, and names in it. */
#include "base/str.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_dir[] = "/tmp/ttp-test-XXXXXX";

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline int make_test_dir(void **state)
{
    (void)state;
    return mkdtemp(test_dir) ? 0 : -1;
}

static inline int remove_test_dir(void **state)
{
    (void)state;
    return nftw(test_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* test_dir/name, in one of a few buffers that take turns. */
static inline const char *in_dir(const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", test_dir, name);
    return path;
}

static inline void write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "we");

    if (!f || fwrite(data, 1, len, f) != len || fclose(f))
        abort();
}
