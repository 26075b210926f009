/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fetch: MITRE's bundle of a release, from the network into the data directory.
 *
 *     BASE/enterprise-attack/enterprise-attack-18.1.json
 *        --download--> DIR/.fetch-XXXXXX --attack_load--> checked --rename-->
 * DIR/enterprise-attack-18.1.json
 *
 * What was there before stays until the new one is whole, checked and on the disk.
 */
#include "ttp/err.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define ATTACK_FETCH_URL "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master"

typedef struct attack_fetch_options {
    const char
        *release;    /* enterprise-v18.1, 18.1, mobile-v18.1...; NULL: the latest enterprise one */
    const char *url; /* laid out as MITRE's; or one file, if it ends in .json; NULL: MITRE's */
    const char *dir; /* made if it is not there; NULL: attack_data_dir() */
    /* Called now and then; total is 0 while unknown. Anything but 0 cancels. May be NULL. */
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
    unsigned connect_timeout_s, stall_timeout_s; /* 0: 20 and 30 */
} attack_fetch_options;

typedef struct attack_fetched {
    char path[PATH_MAX];
    char release[64]; /* as the bundle has it */
    size_t n_techniques, n_skipped;
    uint64_t n_bytes;
} attack_fetched;

/*
 * Fetch one bundle; ret may be NULL. Needs a build with libcurl.
 * Returns 0, what download_to and attack_load return, TTP_E_INVALID also for a bundle of another
 * release than the one asked for, or -errno of the file system.
 */
int attack_fetch(const attack_fetch_options *options, attack_fetched *ret, ttp_err *err);
