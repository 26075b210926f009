/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Account: what became of every line, and the complaints about some.
 *
 *     lines = blank + taggable + not_taggable (by event id) + bad (by reason)
 *
 * A note is about a line that was read all the same; a line may have several, and is counted as
 * noted once. Only the first READER_COMPLAINTS_MAX of a reason are handed out.
 */
#include "event/reader.h"

typedef enum reason {
    BAD_NOT_JSON,
    BAD_CUT_OFF,
    BAD_TOO_LONG,
    BAD_TOO_DEEP,
    BAD_NOT_OBJECT,
    BAD_NOT_EVENT,
    BAD_NO_EVENTID,
    BAD_NO_FIELD,
    BAD_WRONG_TYPE,
    BAD_LONG_ID,
    NOTE_UTF8,
    NOTE_SURROGATE,
    NOTE_DUPLICATE_KEY,
    NOTE_NUL_IN_COMMAND,
    NOTE_NUL_RUN,
    NOTE_NO_SESSION,
    NOTE_NO_TIME,
    NOTE_TIME_BACK,
    NOTE_TWO_SENSORS,
    NOTE_SESSION_EARLY,
    REASON_N,
} reason;

typedef struct event_id_count {
    uint64_t count;
    size_t len;
    uint64_t hash; /* of an id that does not fit raw */
    char raw[64];
    char name[80]; /* escaped */
} event_id_count;

typedef struct account {
    reader_stats stats;
    reader_options options;
    char where[256]; /* the file and line being read */
    uint64_t line;
    bool line_noted;
    uint64_t reasons[REASON_N];
    event_id_count *ids; /* READER_EVENT_IDS_MAX of them */
    size_t n_ids;
    uint64_t other_ids;
    reader_count counts[REASON_N + 130]; /* what account_counts hands out */
} account;

int account_init(account *a, const reader_options *options);
void account_done(account *a);

void account_begin_file(account *a, const char *where);
void account_begin_line(account *a, uint64_t number);

/* Each line ends in exactly one of these four. */
void account_blank(account *a);
void account_taggable(account *a);
void account_not_taggable(account *a, str event_id);
void account_bad(account *a, reason why, const char *fmt, ...) TTP_PRINTF(3, 4);

void account_note(account *a, reason why, const char *fmt, ...) TTP_PRINTF(3, 4);

size_t account_counts(account *a, const reader_count **ret_counts);
