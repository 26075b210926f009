/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Output: bytes collected into large blocks for a file descriptor that somebody else owns.
 * Interrupted and partial writes and descriptors that do not block are handled; what could not be
 * written stays, in order, for another try.
 */
#include "base/str.h"
#include "ttp/err.h"

#define OUT_BLOCK (256u << 10)
/* so many whole records are written from where they are, without a copy */
#define OUT_DIRECT (16u << 10)

typedef struct out {
    int fd;
    buf data;     /* append here, then call out_commit */
    size_t whole; /* bytes of data that are whole records */
} out;

static inline void out_init(out *o, int fd)
{
    *o = (out){.fd = fd};
}
static inline void out_done(out *o)
{
    buf_done(&o->data);
}

/*
 * A record was appended to data: take it over, and write when a block is full. After a failed
 * allocation the half record is dropped. Returns 0, -ENOMEM or what out_flush returns.
 */
int out_commit(out *o, ttp_err *err);

/* The same for bytes that are whole records and not in data yet; many are written at once. */
int out_put(out *o, str records, ttp_err *err);

/*
 * Write everything. Returns 0 or -errno with a sentence: -EPIPE (the reader is gone; SIGPIPE must
 * be ignored by the program), -ENOSPC, -EFBIG, -EIO, -EBADF...
 */
int out_flush(out *o, ttp_err *err);
