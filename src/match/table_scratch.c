/* SPDX-License-Identifier: Apache-2.0 */
#include "match/table_scratch.h"

void table_scratch_done(table_scratch *s)
{
    buf_done(&s->canonical);
    free(s->marks);
    bitset_done(&s->patterns);
    bitset_done(&s->atoms);
}
