/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Atoms: literal texts one of which every match of a pattern must hold. The pattern table looks for
 * them in one pass and verifies only the patterns whose atoms it met.
 *
 * Atoms are canonical: each character replaced by unicode_canon of it. A pattern can only hold in a
 * text whose canonical form holds one of its atoms, whatever the pattern folds.
 */
#include "base/str.h"
#include "match/context.h"

/* Bytes of an atom; of a longer literal the first ones are taken, at the text's end the last. */
#define ATOM_LEN_MAX 4096u

typedef enum atom_place {
    ATOM_ANYWHERE,
    ATOM_AT_START, /* only where the text starts */
    ATOM_AT_END,   /* only at the text's end, or right before its final newline */
} atom_place;

/*
 * One of texts stands, in its context, in every text that the pattern holds in. One block of
 * memory.
 */
typedef struct atom_set {
    atom_place place;
    uint32_t n_texts; /* at least 1 */
    str *texts;       /* none is empty */
    /* what stands around each in a text that the pattern holds in; NULL: anything may */
    atom_context *contexts;
    /* a match begins at most so many characters before its text; UINT32_MAX: it may be any number
     */
    uint32_t lead;
    /* in an ASCII text the pattern holds where a text stands in its context... */
    bool decides;
    str exact; /* ... and in just these bytes, of the sole text; STR_NULL: in any case */
} atom_set;

/* The best set for a regular expression; *ret_atoms is NULL where it has none. 0 or -ENOMEM. */
int atoms_from_regex(const regex *re, atom_set **ret_atoms);
/* The same for a literal (valid UTF-8); NULL for the empty one. 0 or -ENOMEM. */
int atoms_from_literal(str text, bool with_case, bool at_start, bool at_end, atom_set **ret_atoms);
atom_set *atoms_free(atom_set *atoms); /* takes NULL, returns NULL */

/* Append the canonical form of text (valid UTF-8). */
void atoms_put_canonical(buf *out, str text);

/* How rare a canonical text is in attacker text, by its rarest window; higher is rarer. */
unsigned atom_rarity(str text);
/* Where the rarest window of size bytes starts; text.len >= size. */
size_t atom_window(str text, size_t size);
