/* SPDX-License-Identifier: Apache-2.0 */
#include "match/table_scratch.h"

int table_scratch_renew(table_scratch *s, size_t n_patterns, size_t n_atoms)
{
    int rc = bitset_begin(&s->patterns, n_patterns);

    return rc ? rc : bitset_begin(&s->atoms, n_atoms);
}

void table_scratch_done(table_scratch *s)
{
    buf_done(&s->canonical);
    free(s->marks);
    bitset_done(&s->patterns);
    bitset_done(&s->atoms);
}
