/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pieces: an expression that is literals with anything between them, as many are:
 *
 *     curl .*http.*-o      "curl " ... "http" ... "-o", on one line
 *
 * or no more than so many of anything. In an ASCII text it is decided by searching for one after
 * the other, without an automaton.
 */
#include "match/regex.h"

typedef struct pieces pieces;

/* *ret_pieces is NULL where re is something else. Returns 0 or -ENOMEM. */
int pieces_from_regex(const regex *re, pieces **ret_pieces);
pieces *pieces_free(pieces *p); /* takes NULL, returns NULL */
size_t pieces_memory(const pieces *p);

/* Does it hold? text is ASCII, folded is the same with capitals made small. */
bool pieces_hold(const pieces *p, str text, str folded);
