/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a fuzz target's corpus without libFuzzer: each file of each directory named, and the
 * empty input. Fails where there is nothing to replay, so that a moved corpus is noticed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes are put into a block of exactly their size: an overrun by one is then an overrun. */
static int replay_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data = NULL;
    ssize_t n = -1;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
        if (data)
            n = read(fd, data, (size_t)st.st_size);
    }
    if (n < 0 || n != st.st_size) {
        fprintf(stderr, "%s: cannot read: %s\n", name, strerror(errno));
        n = -1;
    } else {
        (void)LLVMFuzzerTestOneInput(data, (size_t)n); /* always 0, or it would have crashed */
    }
    free(data);
    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : 0;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    int n_files = 0, n_failed = 0;

    if (!folder) {
        fprintf(stderr, "%s: cannot open: %s\n", path, strerror(errno));
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        printf("%s/%s\n", path, entry->d_name);
        fflush(stdout); /* the last line tells which file crashed */
        n_files++;
        n_failed += replay_file(dirfd(folder), entry->d_name) != 0;
    }
    closedir(folder);
    if (n_files == 0)
        fprintf(stderr, "%s: holds nothing to replay\n", path);
    return n_files > 0 && n_failed == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    int rc = argc > 1 ? 0 : -1;

    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i]) != 0)
            rc = -1;
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
