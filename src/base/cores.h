/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How many cores this process may keep busy: those it may run on, or what the processor quota of
 * its control groups (v2, or v1's cpu.cfs_*) comes to, rounded up, where that is less. At least 1.
 */
unsigned cores_usable(void);

/* The same by the quota alone: of the group named in a file such as /proc/self/cgroup, under a root
 * such as /sys/fs/cgroup, and of all groups above it. 0: none is set, or it cannot be told. */
unsigned cores_by_quota(const char *groups_file, const char *root);
