/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Names of ATT&CK releases: enterprise-v18.1, a domain and a version. */
#include "base/str.h"

typedef enum attack_domain {
    ATTACK_ENTERPRISE,
    ATTACK_MOBILE,
    ATTACK_ICS,
    ATTACK_N_DOMAINS, /* none named */
} attack_domain;

typedef struct attack_release_name {
    attack_domain domain;
    char version[24]; /* 18.1 */
} attack_release_name;

/* "enterprise". */
const char *attack_domain_name(attack_domain domain);
/* "enterprise-attack", as STIX objects and MITRE's files name it. */
const char *attack_domain_stix_name(attack_domain domain);

/*
 * Read 18.1, v18.1 or enterprise-v18.1 (mobile-, ics-); the domain is ATTACK_N_DOMAINS where the
 * text names none. Returns whether it has one of these forms.
 */
bool attack_release_parse(str text, attack_release_name *ret_release);
/* Write "enterprise-v18.1" into out; returns its length. */
size_t attack_release_format(const attack_release_name *release, char out[64]);
