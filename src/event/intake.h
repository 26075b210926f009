/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Intake: what becomes of a line, in two steps.
 *
 *     line --parsed_read--> parsed_line --intake--> account, and perhaps an event
 *          (any thread)                 (one thread, in the order of the lines)
 *
 * Readers (one event at a time) and feeds (batches, by several threads) share it.
 */
#include "event/account.h"
#include "event/cowrie.h"
#include "event/lines.h"

typedef struct parsed_line {
    line line;
    const json_node *root; /* NULL where it holds no JSON value */
    unsigned notes;
    int rc;          /* of the parse: why there is no root; 0 where none was tried */
    const char *why; /* the sentence of that */
} parsed_line;

/*
 * Parse a line into mem, where what root shows lasts, as does line.text. flat: only what
 * a Cowrie line's reader looks at; such a line can be read either way, any other is read whole.
 * Returns 0 or -ENOMEM.
 */
int parsed_read(json_doc *doc, const line *l, bool flat, arena *mem, parsed_line *ret);

typedef struct intake {
    account account;
    cowrie *cowrie;
    event_format format; /* of the file; EVENT_FORMAT_AUTO: not told yet */
    unsigned n_tried;    /* lines that did not tell it */
    bool any_json;       /* among these */
} intake;

int intake_init(intake *in, const reader_options *options); /* 0 or -ENOMEM */
void intake_done(intake *in);

void intake_begin_file(intake *in, const char *name);
/* Account for a line that is no JSON object, and for what is odd about one that is: its root. */
const json_node *intake_line(intake *in, const parsed_line *p);
/*
 * Let a line tell the format where nothing has yet; root may be NULL. A line that does not is
 * accounted for. Returns true where the format is told; false, and in *ret_rc 0 or TTP_E_INVALID
 * with err: too many lines did not.
 */
bool intake_tell(intake *in, const parsed_line *p, const json_node *root, int *ret_rc,
                 ttp_err *err);
/* At the end of a file: 0, or TTP_E_INVALID where none of its lines told the format. */
int intake_end_file(intake *in, ttp_err *err);

/*
 * The event of one object, which lasts as long as root, text and the cowrie's memory. Returns 0,
 * TTP_E_END where there is none, or -ENOMEM.
 */
int intake_event(intake *in, const json_node *root, str text, event *ret_event);
/* Before each object, and at the end: events of sessions that cannot wait. The same returns. */
int intake_next_due(intake *in, event *ret_event);
