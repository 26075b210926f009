/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memo: what a table found in texts, for texts that come again. Attackers' scripts send the same
 * commands for years; what they hold need not be found out twice. One thread's; of fixed size:
 *
 *     buckets   hash of a text -> up to four positions
 *     ring      ... | old entry | newer entry | newest | (room for the next) ...
 *
 * Positions count bytes that were ever written, so that one too far behind the newest is known to
 * be overwritten. Entries leave in the order they came.
 */
#include "base/str.h"

/* longer texts, and texts that hold more patterns, are not kept */
#define MEMO_TEXT_MAX 4096u
#define MEMO_HITS_MAX 256u

/* What one scan found. */
typedef struct memo_entry {
    uint64_t table;  /* its serial */
    uint64_t bytes;  /* that automata read for it */
    uint64_t steps;  /* of backtracking */
    uint32_t n_hits; /* patterns that hold */
    uint32_t text_len;
    uint32_t hits[MEMO_HITS_MAX]; /* n_hits; the text stands behind them */
} memo_entry;

typedef struct memo_bucket memo_bucket;

typedef struct memo {
    memo_bucket *buckets; /* NULL: nothing was ever kept */
    char *ring;
    uint64_t head;  /* where the next entry goes */
    uint64_t floor; /* what was kept before is forgotten */
    uint64_t hash;  /* of the text asked for last */
    /* where few texts come again, asking costs more than it saves */
    uint32_t n_asked, n_known; /* in this trial */
    uint32_t to_pass;          /* texts, until the next */
} memo;

/* Storage that is zeroed is an empty memo. */
void memo_done(memo *m);
/* Nothing is known any more. */
void memo_forget(memo *m);

/*
 * Is it worth asking about a text of this length? Each text is to be asked about once. False also
 * where there is no memory.
 */
bool memo_begin(memo *m, size_t text_len);

/*
 * What a table whose serial is one of serials[0..n) found in this text, the first of them that did,
 * and which. NULL: nothing is kept. The entry stays until the next memo_keep. memo_begin has said
 * true.
 */
memo_entry *memo_find(memo *m, str text, const uint64_t *serials, size_t n, size_t *ret_index);

/* Room for what is found in the text that memo_find was last asked for, to be filled in and kept,
 * or not. */
memo_entry *memo_room(memo *m);
void memo_keep(memo *m, str text);
