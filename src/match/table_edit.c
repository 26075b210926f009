/* SPDX-License-Identifier: Apache-2.0 */
#include "match/table_edit.h"

#include "match/atoms.h"
#include "match/pattern_internal.h"

#include <limits.h>

unsigned pattern_rarity(const pattern *p)
{
    const atom_set *atoms = pattern_get_atoms(p);
    unsigned worst = UINT_MAX;

    for (uint32_t i = 0; atoms && i < atoms->n_texts; i++) {
        unsigned rarity = atom_rarity(atoms->texts[i]) + 1;

        worst = rarity < worst ? rarity : worst;
    }
    return atoms ? worst : 0;
}
