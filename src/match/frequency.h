/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Frequency: how often a run of 1 to 4 bytes occurs in what attackers type, as logs, scripts,
 * manuals and URLs tell together (tools/gen-frequency). An estimate, for choosing what to look for:
 * nothing may depend on it but speed, and what lint warns of. Threads: any; no state.
 */
#include <stddef.h>
#include <stdint.h>

/* What frequency_level counts in: this many to a power of two. */
#define FREQUENCY_PER_OCTAVE 4u
#define FREQUENCY_LEVEL_MAX 127u

/*
 * How rare a run is: it occurs at 2^(-level / FREQUENCY_PER_OCTAVE) of all positions, so a higher
 * level is a rarer run. Letters' case makes no difference. len: 1 to 4 bytes; of a longer one the
 * first 4 are looked at; the empty one is everywhere (0).
 */
unsigned frequency_level(const uint8_t *window, size_t len);
/* The same as occurrences per million positions, rounded: 0 is less than one in two million. */
uint32_t frequency_of(const uint8_t *window, size_t len);
