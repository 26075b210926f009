/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* SHA-1's inner function in two forms with one result; for sha1.c and its tests. */
#include <stdbool.h>
#include <stdint.h>

/* Take a block of 64 bytes into the state. */
void sha1_portable_block(uint32_t state[5], const uint8_t *block);
/* The same with the instructions of x86 for it: only where sha1_x86_usable says so. */
void sha1_x86_block(uint32_t state[5], const uint8_t *block);
bool sha1_x86_usable(void);
