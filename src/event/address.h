/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Addresses: source address -> attacker_uuid and what it has tried to log in with, for as many as
 * READER_ADDRESSES_MAX at a time.
 */
#include "base/uuid.h"
#include "event/lru.h"

#include <stdbool.h>

/* So many failed logins before one succeeds make it a guessed one (prior_brute). */
#define PRIOR_BRUTE_LOGINS 5
/* So many different passwords are told apart; each further one counts as new. */
#define PASSWORDS_TOLD_APART 30

typedef struct address {
    lru_link link;
    char uuid[UUID_TEXT_LEN]; /* its attacker_uuid */
    uint8_t len;
    char text[64]; /* canonical */
    uint32_t fail_count, password_count;
    uint32_t passwords[PASSWORDS_TOLD_APART]; /* hashes */
} address;

typedef struct addresses {
    lru_table table;
    lru_list list;
} addresses;

void addresses_init(addresses *as);
void addresses_done(addresses *as);
/*
 * The entry for what a log has as source address. It lasts until READER_ADDRESSES_MAX others have
 * been asked for. NULL when out of memory.
 */
address *addresses_get(addresses *as, str text);
/* Count the password of one attempt. */
void address_add_password(address *a, str password);

/*
 * attacker_uuid: UUIDv5 of the canonical text in the namespace that is itself UUIDv5 of the URL
 * namespace and "decnet:attacker:v1". Canonical is what inet_ntop writes for IPv6; IPv4 mapped into
 * IPv6 is the IPv4 address; what is no address stays as it is.
 */
void address_make_uuid(str text, char out[UUID_TEXT_LEN]);
