/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Program: a regular expression without look-around and back-references as a small machine, run by
 * the lazy DFA (does it hold?) and by the VM (where, and with which groups?).
 *
 *     CLASS k     one character of class k              SPLIT x y    go on at x, else at y
 *     SET i       one character of set i                JUMP x
 *     ASSERT t    only where the assertion holds        SAVE s       note the position in slot s
 *     MATCH
 *
 * A loop whose body can match nothing is bracketed: ENTER begins a round, END x y goes to x where
 * the round consumed something and leaves by y where it did not. That is how Python ends such
 * loops, and makes spans come out the same.
 */
#include "match/alphabet.h"

typedef enum program_op {
    OP_CLASS,
    OP_SET,
    OP_ASSERT,
    OP_SPLIT,
    OP_JUMP,
    OP_SAVE,
    OP_ENTER,
    OP_END,
    OP_MATCH,
} program_op;

typedef struct program_inst {
    uint16_t op; /* what follows is the next instruction, but for SPLIT, JUMP, END and MATCH */
    uint16_t x;  /* CLASS, SET: which; ASSERT: regex_assert; SAVE: slot; else the first target */
    uint16_t y;  /* SPLIT, END: the second target */
} program_inst;

typedef struct program {
    alphabet al;
    const program_inst *insts;
    const uint64_t *sets; /* rows of set_words words: the classes each set holds */
    uint32_t n_insts;
    uint32_t n_sets;
    uint32_t set_words;
    uint32_t holds_start; /* where a search for the mere verdict may begin: past what can match
                             nothing */
    uint32_t n_slots;     /* 2 * (groups + 1) */
    uint32_t loop_depth;  /* nesting of ENTER */
    bool anchored;        /* can match only where the text starts */
    bool line_start;      /* asks whether a line starts */
    bool looks_behind;    /* an assertion asks what came before: a start, a word's edge */
    bool looks_ahead;     /* asks what comes next: the end, a line's end, a word's edge */
    bool final_newline;   /* tells the last newline of the text from others */
    uint8_t marks;        /* class flags its assertions look at */
    size_t size;          /* bytes, this struct included */
} program;

enum {
    /*
     * Leave out what a program cannot do, so that it holds at least where the expression holds:
     * look-around becomes nothing, a back-reference anything, atomic groups plain groups. No groups
     * are noted.
     */
    PROGRAM_APPROXIMATE = 1 << 0,
};

/*
 * Returns 0, TTP_E_LIMIT (more than REGEX_PROGRAM_MAX instructions) or -ENOMEM. Unless
 * PROGRAM_APPROXIMATE is given, re must not backtrack.
 */
int program_new(const regex *re, unsigned options, program **ret_program, ttp_err *err);
program *program_free(program *p); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(program, program *, program_free)

/* Does the expression match the empty string at any place of any text (assertions count as no)? */
bool regex_matches_nothing(const regex_node *n);

/* What stands around a position. */
enum {
    AT_TEXT_START = 1 << 0,
    AFTER_NEWLINE = 1 << 1,
    AFTER_WORD = 1 << 2,
    AFTER_WORD_ASCII = 1 << 3,
    AT_TEXT_END = 1 << 4,
    BEFORE_NEWLINE = 1 << 5,
    BEFORE_WORD = 1 << 6,
    BEFORE_WORD_ASCII = 1 << 7,
    BEFORE_FINAL_NEWLINE = 1 << 8, /* the newline is the text's last character */
};

/* CLASS_... of the character before and after as bits of the above. */
static inline unsigned context_after(unsigned class_flags)
{
    return class_flags << 1;
}
static inline unsigned context_before(unsigned class_flags)
{
    return class_flags << 5;
}

bool program_assert_holds(unsigned assert_type, unsigned context);

/* Does the assertion ask for what comes after the position? */
static inline bool program_assert_looks_ahead(unsigned assert_type)
{
    return assert_type != REGEX_TEXT_START && assert_type != REGEX_LINE_START;
}

/* inst is CLASS or SET: does it take a character of class k? */
static inline bool program_takes(const program *p, const program_inst *inst, uint32_t k)
{
    if (inst->op == OP_CLASS)
        return inst->x == k;
    return p->sets[(size_t)inst->x * p->set_words + k / 64] >> (k % 64) & 1;
}
