/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Tables made from tables, and what who fills them asks of a pattern. */
#include "match/table.h"

/* How rare the least rare of the pattern's atoms is in attacker text; higher is rarer. 0: it has
 * none. */
unsigned pattern_rarity(const pattern *p);
