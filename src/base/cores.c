/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096

static unsigned fewer(unsigned a, unsigned b) /* 0: no bound */
{
    return !a || (b && b < a) ? b : a;
}

/* quota microseconds in each period, as whole cores */
static unsigned whole_cores(long long quota, long long period)
{
    long long cores;

    if (quota <= 0 || period <= 0)
        return 0;
    cores = quota / period + (quota % period != 0);
    return cores > INT_MAX ? 0 : (unsigned)cores;
}

static bool read_text(const char *root, const char *group, const char *name, char *text, int size)
{
    char path[PATH_SIZE];
    int n = snprintf(path, sizeof(path), "%s%s/%s", root, group, name);
    FILE *f = n > 0 && n < (int)sizeof(path) ? fopen(path, "re") : NULL;
    bool got = f && fgets(text, size, f);

    if (f)
        (void)fclose(f); /* it was only read */
    return got;
}

/* "200000 100000"; "max 100000" is no bound. */
static unsigned quota_v2(const char *root, const char *group)
{
    char text[128], *end;
    long long quota;

    if (!read_text(root, group, "cpu.max", text, sizeof(text)))
        return 0;
    quota = strtoll(text, &end, 10);
    return end == text ? 0 : whole_cores(quota, strtoll(end, NULL, 10));
}

static unsigned quota_v1(const char *root, const char *group)
{
    char quota[64], period[64];

    if (!read_text(root, group, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
        !read_text(root, group, "cpu.cfs_period_us", period, sizeof(period)))
        return 0;
    return whole_cores(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* Of a group and all above it; in a container the group may be named as the host sees it, and what
 * holds then stands at the root. */
static unsigned quota_of(const char *root, char *group,
                         unsigned (*quota)(const char *root, const char *group))
{
    unsigned least = 0;

    for (;;) {
        char *slash = strrchr(group, '/');

        least = fewer(least, quota(root, group));
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "0::/user.slice" (v2) or "4:cpu,cpuacct:/user.slice". */
static unsigned quota_of_line(char *line, const char *root)
{
    char *controllers = strchr(line, ':'), *group, v1_root[PATH_SIZE];
    int n;

    if (!controllers || !(group = strchr(++controllers, ':')))
        return 0;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (!*controllers)
        return quota_of(root, group, quota_v2);
    if (strncmp(controllers, "cpu", 3) != 0 || (controllers[3] && controllers[3] != ','))
        return 0;
    n = snprintf(v1_root, sizeof(v1_root), "%s/cpu", root);
    return n > 0 && n < (int)sizeof(v1_root) ? quota_of(v1_root, group, quota_v1) : 0;
}

unsigned cores_by_quota(const char *groups_file, const char *root)
{
    FILE *f = fopen(groups_file, "re");
    char line[PATH_SIZE];
    unsigned least = 0;

    while (f && fgets(line, sizeof(line), f))
        least = fewer(least, quota_of_line(line, root));
    if (f)
        (void)fclose(f); /* it was only read */
    return least;
}

unsigned cores_usable(void)
{
    cpu_set_t set;
    long online;
    unsigned n = 0;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        n = (unsigned)CPU_COUNT(&set);
    } else { /* more cores than the set has room for */
        online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 ? (unsigned)online : 1;
    }
    n = fewer(n, cores_by_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
    return n ? n : 1;
}
