/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Context: what may stand right before and right after an atom in a text that its pattern holds in.
 *
 *     \s+-[rf]\b    atom "-r": white space before it; the text's end or no word character after it
 *
 * It is told on canonical texts (atoms.h), by bytes, and allows too much where it is hard to tell;
 * anything but ASCII passes always.
 */
#include "match/regex.h"

enum {
    SIDE_EDGE = 128,  /* where the text starts or ends */
    SIDE_OTHER = 129, /* a byte that is not ASCII; in every side */
};

/* Bit c: the ASCII byte c may stand there, or SIDE_... */
typedef struct context_side {
    uint64_t bits[3];
} context_side;

typedef struct atom_context {
    context_side before, after;
} atom_context;

extern const context_side context_any;
extern const context_side side_edge; /* nothing but the text's edge */

static inline bool side_has(const context_side *s, unsigned c)
{
    return s->bits[c >> 6] >> (c & 63) & 1;
}

bool side_equal(const context_side *a, const context_side *b);
atom_context context_unite(const atom_context *a, atom_context b);

/*
 * What may stand before text, which kids[from..] of the sequence cat begin with; after text, which
 * kids[..to] end with. text is canonical and not empty.
 */
context_side side_before(const regex_node *cat, uint32_t from, str text);
context_side side_after(const regex_node *cat, uint32_t to, str text);

/* A run of ASCII characters, and what stands around it. */
typedef struct sole_run {
    str text;  /* canonical */
    str exact; /* where case matters: the bytes themselves, as many; else STR_NULL */
    atom_context context;
} sole_run;

/*
 * Where re is one run of ASCII characters, all with case or all without, and nothing around it but
 * what looks at one character, whatever its case, or the text's edge. In an ASCII text re holds
 * exactly where it stands. Returns 1 (told), 0 (it is not) or -ENOMEM.
 */
int context_of_sole_run(const regex *re, arena *a, sole_run *ret);
