/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ledger, inside.
 *
 *     backend --ledger_note--> own rows of this process --changed ones--> the backend's tables
 *     tables or own rows --> ledger_view_* --> ttp_ledger (what callers see)
 *
 * Own rows have a lock of their own, below all others: it is held for memory alone.
 */
#include "base/str.h"
#include "rule/rule.h"
#include "ttp/ledger.h"

/* What this process says of one rule. */
typedef struct ledger_said {
    bool runs;
    int64_t version; /* runs */
    uint8_t hash[20];
    bool quarantined;
    bool has_refused; /* quarantined, and the refused text could be read */
    uint8_t refused[20];
    char *error; /* quarantined: one line; owned */
} ledger_said;

/* A row to write: said, or where gone is set, to delete. */
typedef struct ledger_row {
    char *key; /* owned, as said.error is */
    bool gone;
    ledger_said said;
    int64_t since_us;
    uint64_t edition; /* which of the rule's rows it is: ledger_written compares it */
} ledger_row;

typedef struct ledger ledger;

/* tables: what is said is written somewhere, by ledger_take. Returns NULL where memory is out. */
ledger *ledger_new(const char *host, bool tables);
ledger *ledger_free(ledger *l); /* takes NULL, returns NULL */
const char *ledger_host(const ledger *l);

/*
 * From now on this process runs r of the rule key (NULL: nothing), and has refused a text for err
 * (NULL: none) whose hash is refused (NULL: it could not be read). Nothing run, nothing refused:
 * the rule is gone. key is a rule_id, or a file's name where that could not be read. Where nothing
 * differs from what was said before, nothing is done. l NULL: nothing is done. Without memory the
 * row stays as it was.
 */
void ledger_note(ledger *l, const char *key, const rule *r, const ttp_err *err,
                 const uint8_t refused[20]);
/* All rules have been noted: rows of others, which an earlier process left, are to go. */
void ledger_settle(ledger *l);

/*
 * What is written already, told row by row between begin and end: nothing of it is written again,
 * and a row that says the same keeps its since. adopt takes over row's strings; without memory the
 * row is passed over. Any failure afterwards: begin anew.
 */
void ledger_adopt_begin(ledger *l);
void ledger_adopt(ledger *l, ledger_row *row);

bool ledger_has_news(ledger *l); /* l NULL: no */
/* Up to max rows that are to be written, in the order of their keys, as copies to be ended with
 * ledger_rows_done. Returns how many, or -ENOMEM. */
int ledger_take(ledger *l, ledger_row *rows, size_t max);
/* All that is said, written or not, to be ended with ledger_rows_done and freed. 0 or -ENOMEM. */
int ledger_take_all(ledger *l, ledger_row **ret_rows, size_t *ret_n);
void ledger_written(ledger *l, const ledger_row *rows, size_t n);
void ledger_rows_done(ledger_row *rows, size_t n);

/*
 * What callers see. Rules and rows may come in any order; strings are copied. All return 0 or
 * -ENOMEM. finish adds the rows of hosts that said nothing of a rule, and judges.
 */
typedef struct ledger_view_row {
    str host, key;
    bool runs;
    int64_t version;
    str hash; /* hexadecimal, as is refused; empty: none */
    bool quarantined;
    str refused, error;
    int64_t since_us;
} ledger_view_row;

ttp_ledger *ledger_view_new(void); /* NULL: out of memory */
int ledger_view_want(ttp_ledger *view, str key, int64_t version, str hash);
int ledger_view_host(ttp_ledger *view, str host);
int ledger_view_add(ttp_ledger *view, const ledger_view_row *row);
int ledger_view_finish(ttp_ledger *view);
/* Own rows as they are said now. wanted: what was read last is also what is wanted. */
int ledger_view_own(ttp_ledger *view, ledger *l, bool wanted);

#define LEDGER_HASH_LEN 40
void ledger_hash_format(const uint8_t hash[20], char out[LEDGER_HASH_LEN]);
/* Returns 0 or TTP_E_SYNTAX. */
int ledger_hash_parse(str text, uint8_t ret_hash[20]);
