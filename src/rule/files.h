/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rule files as the disk has them: which names of a directory count, and the bytes of one file.
 * Nothing here waits for a FIFO, opens a device, or grows with what somebody puts there.
 */
#include "base/str.h"
#include "ttp/err.h"

#include <stdbool.h>
#include <sys/stat.h>

typedef struct rule_name {
    char *text;
    bool is_regular; /* the directory says that it is a regular file; else it did not say so */
} rule_name;

/* The names that count, in the order of their bytes. */
typedef struct rule_names {
    rule_name *names;
    size_t n, cap;  /* at most RULE_DIR_FILES_MAX */
    size_t n_found; /* also those beyond that */
    bool has_links; /* some are symbolic links, or may be */
} rule_names;

/*
 * List a directory. Of more names than RULE_DIR_FILES_MAX the first ones are kept. names is empty
 * before and, unless 0 is returned, after. Returns 0 or -errno.
 */
int rule_names_read(const char *dir, rule_names *names);
void rule_names_done(rule_names *names);
/* n rule files are more than are read: TTP_E_LIMIT and err; else 0. */
int rule_names_judge(size_t n, const char *dir, ttp_err *err);

/* Is it a regular file of at most RULE_FILE_MAX bytes? Returns 0, TTP_E_INVALID or TTP_E_LIMIT. */
int rule_file_judge(const struct stat *st, const char *path, ttp_err *err);
/* "what: the system's words"; returns -code. */
int rule_file_fail(ttp_err *err, const char *path, const char *what, int code);
/*
 * The bytes of a regular file from its start to its end; size is what fstat said, and one read does
 * where it was right. Returns 0, TTP_E_LIMIT beyond RULE_FILE_MAX, or -errno.
 */
int rule_file_bytes(int fd, off_t size, const char *path, buf *text, ttp_err *err);
