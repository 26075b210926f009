/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Input: the bytes of a file, standard input or memory, decompressed where they begin as gzip
 * (any number of members) or zstd (any number of frames). One thread.
 */
#include "base/mem.h"
#include "ttp/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct input input;

/*
 * path "-" is standard input, which is not closed. Returns 0; -errno (-EISDIR for a directory);
 * TTP_E_INVALID for a compression this reader does not know, TTP_E_UNSUPPORTED for one this build
 * leaves out.
 */
int input_open(const char *path, input **ret_input, ttp_err *err);
/*
 * The same, but waiting for bytes of a pipe or terminal ends with -ECANCELED, here and in
 * input_read, when wake_fd (the caller's; -1: none) becomes readable.
 */
int input_open_until(const char *path, int wake_fd, input **ret_input, ttp_err *err);
/* The same for bytes that stay the caller's and outlive the input; name goes into messages. */
int input_open_memory(const char *name, const void *data, size_t len, input **ret_input,
                      ttp_err *err);
input *input_close(input *in); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(input, input *, input_close)

/*
 * At most size (> 0) bytes into out. Returns their number, 0 at the end, or -errno: -EBADMSG where
 * compressed data is damaged or ends early; what came before it has been delivered.
 */
ssize_t input_read(input *in, void *out, size_t size, ttp_err *err);

/* Would input_read wait for bytes that have not been written yet? */
bool input_would_wait(const input *in);

/* "standard input" for "-" */
const char *input_name(const input *in);
/* Bytes taken from the file (compressed), and its size where it has one, else 0. */
void input_progress(const input *in, uint64_t *ret_done, uint64_t *ret_total);
