/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A disk that can be full: SQLite writes through this pwrite64, which stands before libc's. */
#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static bool disk_is_full;

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t n,
                                                        off64_t at);

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    if (!disk_is_full)
        return syscall(SYS_pwrite64, fd, data, n, at);
    errno = ENOSPC;
    return -1;
}
