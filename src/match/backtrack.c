/* SPDX-License-Identifier: Apache-2.0 */
#include "match/backtrack.h"

#include "base/err.h"
#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#define JIT_STACK_START (32u << 10)
#define JIT_STACK_MAX (1u << 20)
/* bytes that are scanned in the time of one callout */
#define BYTES_PER_STEP 16
/* the same for what PCRE2 skips before it tries anything */
#define BYTES_PER_SKIP 64

struct backtrack {
    pcre2_code *code;
    char *form; /* what was compiled; callouts look into it */
    size_t form_len;
    uint32_t step_cost;
    uint32_t n_groups;
};

struct backtracker {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *jit_stack;
    uint32_t n_data; /* pairs that data has room for */
    uint32_t match_limit;
    uint64_t event_budget, budget;
    buf repaired; /* invalid text, made valid */
};

/* What the callouts of one search share. */
typedef struct meter {
    const backtrack *b;
    uint64_t left;
    size_t last; /* where the last callout stood */
} meter;

/* ---- compiling ---- */

static uint32_t largest_minimum(const regex_node *n)
{
    uint32_t max = n->type == REGEX_REPEAT ? n->min : 0;

    for (uint32_t i = 0; i < n->n_kids; i++) {
        uint32_t kid = largest_minimum(n->kids[i]);

        if (kid > max)
            max = kid;
    }
    return max;
}

static int refuse(int code, ttp_err *err)
{
    PCRE2_UCHAR text[128];

    if (code == PCRE2_ERROR_HEAP_FAILED)
        return -ENOMEM;
    if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
        text[0] = 0;
    return err_at(err, TTP_E_UNSUPPORTED, "", 0, 1,
                  "Python would take the expression, but the backtracking engine does not: %s",
                  (const char *)text);
}

static int compile_form(backtrack *b, ttp_err *err)
{
    int code;
    size_t at;

    b->code = pcre2_compile((PCRE2_SPTR)b->form, b->form_len,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_AUTO_CALLOUT, &code, &at, NULL);
    if (!b->code)
        return refuse(code, err);
    /* where the system forbids JIT the interpreter does the same more slowly */
    (void)pcre2_jit_compile(b->code, PCRE2_JIT_COMPLETE);
    return 0;
}

static int compile(backtrack *b, const regex *re, ttp_err *err)
{
    auto_free(buf) buf form = {0};
    int rc = regex_to_pcre2(re, &form, err);

    if (rc)
        return rc;
    if (!buf_c_str(&form))
        return -ENOMEM;
    b->form_len = form.len;
    b->form = take(form.ptr);
    b->n_groups = re->n_groups;
    b->step_cost = 1 + largest_minimum(re->root) / BYTES_PER_STEP;
    return compile_form(b, err);
}

int backtrack_new(const regex *re, backtrack **ret, ttp_err *err)
{
    backtrack *b = calloc(1, sizeof(*b));
    int rc = b ? compile(b, re, err) : -ENOMEM;

    if (rc) {
        backtrack_free(b);
        return rc;
    }
    *ret = b;
    return 0;
}

backtrack *backtrack_free(backtrack *b)
{
    if (!b)
        return NULL;
    pcre2_code_free(b->code);
    free(b->form);
    free(b);
    return NULL;
}

size_t backtrack_memory(const backtrack *b)
{
    size_t code = 0, jit = 0;

    (void)pcre2_pattern_info(b->code, PCRE2_INFO_SIZE, &code);
    (void)pcre2_pattern_info(b->code, PCRE2_INFO_JITSIZE, &jit);
    return sizeof(*b) + b->form_len + code + jit;
}

/* ---- searching ---- */

static size_t longest_group(const pcre2_callout_block *block)
{
    size_t longest = 0;

    for (uint32_t i = 1; i < block->capture_top; i++) {
        size_t start = block->offset_vector[2 * i], end = block->offset_vector[2 * i + 1];

        if (start != PCRE2_UNSET && end != PCRE2_UNSET && end > start && end - start > longest)
            longest = end - start;
    }
    return longest;
}

static bool back_reference_next(const backtrack *b, size_t at)
{
    return at + 1 < b->form_len && b->form[at] == '\\' && b->form[at + 1] == 'g';
}

static int charge(pcre2_callout_block *block, void *data)
{
    meter *m = data;
    size_t now = block->current_position;
    size_t distance = now > m->last ? now - m->last : m->last - now;
    uint64_t cost = m->b->step_cost + distance / BYTES_PER_STEP;

    if (back_reference_next(m->b, block->pattern_position))
        cost += longest_group(block) / BYTES_PER_STEP;
    m->last = now;
    if (cost > m->left) {
        m->left = 0;
        return PCRE2_ERROR_MATCHLIMIT;
    }
    m->left -= cost;
    return 0;
}

backtracker *backtracker_free(backtracker *bt)
{
    if (!bt)
        return NULL;
    pcre2_match_data_free(bt->data);
    pcre2_match_context_free(bt->context);
    pcre2_jit_stack_free(bt->jit_stack);
    buf_done(&bt->repaired);
    free(bt);
    return NULL;
}

backtracker *backtracker_new(const matcher_options *options)
{
    backtracker *bt = calloc(1, sizeof(*bt));

    if (!bt)
        return NULL;
    bt->match_limit = options->match_limit;
    bt->event_budget = bt->budget = options->event_budget;
    bt->context = pcre2_match_context_create(NULL);
    if (!bt->context)
        return backtracker_free(bt);
    /* a system without JIT has no stack for it and needs none */
    bt->jit_stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
    if (bt->jit_stack)
        pcre2_jit_stack_assign(bt->context, NULL, bt->jit_stack);
    (void)pcre2_set_depth_limit(bt->context, options->depth_limit);
    (void)pcre2_set_heap_limit(bt->context, options->heap_limit_kib);
    return bt;
}

void backtracker_refill(backtracker *bt)
{
    bt->budget = bt->event_budget;
}

uint64_t backtracker_budget(const backtracker *bt)
{
    return bt->budget;
}

static int reserve_data(backtracker *bt, const backtrack *b)
{
    if (b->n_groups + 1 <= bt->n_data)
        return 0;
    pcre2_match_data_free(bt->data);
    bt->data = pcre2_match_data_create(b->n_groups + 1, NULL);
    bt->n_data = bt->data ? b->n_groups + 1 : 0;
    return bt->data ? 0 : -ENOMEM;
}

/* Take n steps out of the budget; false where it does not hold so many, and it is empty then. */
bool backtracker_spend(backtracker *bt, uint64_t n)
{
    bool enough = n <= bt->budget;

    bt->budget = enough ? bt->budget - n : 0;
    return enough;
}

static int outcome(int rc)
{
    switch (rc) {
    case PCRE2_ERROR_NOMATCH:
        return TTP_E_NOT_FOUND;
    case PCRE2_ERROR_NOMEMORY:
        return -ENOMEM;
    default: /* one of the limits, or the JIT stack is full */
        return rc < 0 ? TTP_E_LIMIT : 0;
    }
}

static int search(const backtrack *b, backtracker *bt, str text, size_t from, uint32_t options)
{
    meter m = {.b = b};
    uint64_t allowed;
    int rc;

    rc = reserve_data(bt, b);
    if (rc)
        return rc;
    if (!backtracker_spend(bt, 1 + (text.len - from) / BYTES_PER_SKIP))
        return TTP_E_LIMIT;
    allowed = bt->budget < bt->match_limit ? bt->budget : bt->match_limit;
    m.left = allowed;
    (void)pcre2_set_callout(bt->context, charge, &m);
    (void)pcre2_set_match_limit(bt->context, (uint32_t)allowed);
    rc = pcre2_match(b->code, (PCRE2_SPTR)text.ptr, text.len, from, PCRE2_NO_UTF_CHECK | options,
                     bt->data, bt->context);
    if (rc == PCRE2_ERROR_MATCHLIMIT)
        m.left = 0; /* PCRE2's own count of the same steps ran out first */
    (void)backtracker_spend(bt, allowed - m.left);
    return outcome(rc);
}

static void read_spans(const backtracker *bt, match_span *spans, unsigned n_spans)
{
    const size_t *offsets = pcre2_get_ovector_pointer(bt->data);

    for (unsigned i = 0; i < n_spans; i++) {
        bool set = i < bt->n_data && offsets[2 * i + 1] != PCRE2_UNSET;

        spans[i].start = set ? offsets[2 * i] : SIZE_MAX;
        spans[i].end = set ? offsets[2 * i + 1] : SIZE_MAX;
    }
}

/*
 * JIT code leaves behind what groups caught on ways that failed (PCRE2 10.42, possessive groups),
 * so the interpreter says what the groups hold. Where it does not come to an end, JIT's word
 * stands.
 */
static void find_groups(const backtrack *b, backtracker *bt, str text, match_span *spans,
                        unsigned n_spans)
{
    if (search(b, bt, text, spans[0].start, PCRE2_ANCHORED | PCRE2_NO_JIT) == 0)
        read_spans(bt, spans, n_spans);
}

static int find_in_valid(const backtrack *b, backtracker *bt, str text, match_span *spans,
                         unsigned n_spans)
{
    int rc = search(b, bt, text, 0, 0);

    if (rc)
        return rc;
    read_spans(bt, spans, n_spans);
    if (n_spans > 1 && b->n_groups > 0)
        find_groups(b, bt, text, spans, n_spans);
    return 0;
}

/* The offset in text of what stands at offset in its repaired form. */
static size_t unrepaired(str text, size_t offset)
{
    const char *p = text.ptr, *end = p + text.len;
    size_t repaired = 0;

    while (p < end && repaired < offset) {
        uint32_t cp;
        char utf8[4];

        p += utf8_decode(p, end, &cp);
        repaired += utf8_encode(cp, utf8);
    }
    return (size_t)(p - text.ptr);
}

static int find_in_invalid(const backtrack *b, backtracker *bt, str text, match_span *spans,
                           unsigned n_spans)
{
    int rc;

    buf_clear(&bt->repaired);
    utf8_repair(&bt->repaired, text);
    if (bt->repaired.failed)
        return -ENOMEM;
    rc = find_in_valid(b, bt, buf_str(&bt->repaired), spans, n_spans);
    if (rc)
        return rc;
    for (unsigned i = 0; i < n_spans; i++) {
        if (spans[i].start == SIZE_MAX)
            continue;
        spans[i].start = unrepaired(text, spans[i].start);
        spans[i].end = unrepaired(text, spans[i].end);
    }
    return 0;
}

int backtrack_find(const backtrack *b, backtracker *bt, str text, match_span *ret_spans,
                   unsigned n_spans)
{
    if (text.len == 0)
        text = STR("");
    if (!utf8_valid(text))
        return find_in_invalid(b, bt, text, ret_spans, n_spans);
    return find_in_valid(b, bt, text, ret_spans, n_spans);
}
