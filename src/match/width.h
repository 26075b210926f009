/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "match/regex.h"

/*
 * How many characters every match takes at least (each is a byte or more), UINT32_MAX where it is
 * more than that: a shorter text needs no search.
 */
uint32_t regex_min_width(const regex_node *node);
/* The most characters a match takes; UINT32_MAX: no bound is known. */
uint32_t regex_max_width(const regex_node *node);

/* ASCII characters, folded (bit c % 64 of bits[c / 64]). */
typedef struct byte_set {
    uint64_t bits[2];
} byte_set;

/* Those that the canonical form of every match holds, as far as it is easily told. */
byte_set regex_needed_bytes(const regex_node *node);
