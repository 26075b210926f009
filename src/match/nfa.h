/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Sets of instructions of a program, and the step from one to the next by a character. */
#include "match/program.h"

/* A set: the instructions that wait, ascending. Its array belongs to whoever gave it. */
typedef struct nfa_set {
    uint16_t *insts; /* room for the program's n_insts */
    uint32_t n;
    uint16_t context; /* what stands before (program.h); 0 unless pending */
    bool pending;     /* some of the instructions are assertions that ask what comes next */
} nfa_set;

/* Memory for steps; grows to the largest program seen. Zeroed storage is an empty one. */
typedef struct nfa_scratch {
    uint64_t *seen, *waiting; /* bits by instruction */
    uint16_t *stack;
    uint16_t *resolved, *first, *second; /* arrays for sets */
    uint32_t cap;
    uint64_t work;  /* instructions followed, and words of bits looked at */
    uint64_t limit; /* of work: steps beyond it are not to be taken */
    struct {
        uint64_t
            *masks;    /* for each class, the instructions that take it; then those that take any */
        uint64_t *now; /* the set */
        size_t cap;    /* words in masks */
        size_t cap_now;
    } bits;
} nfa_scratch;

int nfa_scratch_reserve(nfa_scratch *s, const program *p); /* 0 or -ENOMEM */
void nfa_scratch_done(nfa_scratch *s);

/* Columns beyond the classes. */
static inline uint32_t nfa_column_final_newline(const program *p)
{
    return p->al.n_classes;
}
static inline uint32_t nfa_column_end(const program *p)
{
    return p->al.n_classes + 1;
}
static inline uint32_t nfa_columns(const program *p)
{
    return p->al.n_classes + 2;
}

typedef enum nfa_result {
    NFA_ON,       /* to was written */
    NFA_ACCEPTED, /* the program matches, whatever follows */
    NFA_DEAD,     /* it does not, whatever follows */
} nfa_result;

/* The set at the text's start. */
nfa_result nfa_start(const program *p, nfa_scratch *s, nfa_set *to);
/* The set behind a character, or the verdict; column end always gives a verdict. from and to
 * differ. */
nfa_result nfa_step(const program *p, nfa_scratch *s, const nfa_set *from, uint32_t column,
                    nfa_set *to);

/*
 * The same for a program that asks nothing of what comes next, many instructions at a time: for
 * sets so large and many that making states of them does not pay. The set is kept in s.
 */
bool nfa_bits_usable(const program *p);
int nfa_bits_begin(const program *p, nfa_scratch *s, const nfa_set *from); /* 0 or -ENOMEM */
nfa_result nfa_bits_step(const program *p, nfa_scratch *s, uint32_t class);
