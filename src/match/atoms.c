/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a tree to its required literals. For each node, bottom-up, as much as is known of:
 *
 *     exact    all texts that it can match, where these are few
 *     prefix   texts one of which every match starts with
 *     suffix   ... ends with
 *     inside   texts one of which every match holds: the candidates for atoms
 *
 * A sequence grows the product of its parts' texts as long as that stays small; what grew so far
 * becomes a candidate whenever it has to start anew. The candidate that is rarest in attacker text
 * wins.
 */
#include "match/atoms.h"

#include "base/utf8.h"
#include "match/frequency.h"
#include "match/unicode.h"
#include "match/width.h"

#include <errno.h>

#define EXACT_MAX 16     /* texts in an exact set, a prefix or a suffix */
#define INSIDE_MAX 128   /* texts in a candidate */
#define SET_CHARS_MAX 64 /* characters of a set that are looked at one by one */
#define TEXTS_BYTES_MAX 1024
#define REPEAT_UNROLL_MAX 16
#define SCORE_UNIT 256u
/* bytes that are told a frequency of */
#define FREQUENCY_RUN_MAX 4u
/* of a long text; the rest hardly makes it any rarer */
#define WINDOWS_LOOKED_AT 64u
/* A window is looked up where it is met, a pattern verified where the whole atom is, at this many
 * times the price (16). */
#define LEVELS_BEYOND (4 * FREQUENCY_PER_OCTAVE)
/* an anchored atom is looked for once a text, not at every byte */
#define ANCHOR_BONUS (8 * FREQUENCY_PER_OCTAVE * SCORE_UNIT)
/* for each doubling of the number of texts: twice as often, and more to keep */
#define CHOICE_PENALTY (3 * FREQUENCY_PER_OCTAVE / 2)

/* A set of texts; n == 0: nothing is known (the set of no texts cannot arise). */
typedef struct texts {
    uint32_t n;
    str *items;
    atom_context *contexts; /* of each, where one is known; else NULL */
    unsigned score;         /* one more than it is, once known; 0: not yet */
    uint32_t lead;          /* characters of the node's match before them, at most */
} texts;

typedef struct node_info {
    texts exact, prefix, suffix, inside;
} node_info;

typedef struct extractor {
    arena mem;
    bool failed;
} extractor;

static unsigned level_of(const char *p, size_t n)
{
    return frequency_level((const uint8_t *)p, n);
}

size_t atom_window(str text, size_t size)
{
    size_t best = 0, n = text.len - size + 1;
    unsigned best_level = 0;

    for (size_t at = 0; n > 1 && at < n && at < WINDOWS_LOOKED_AT; at++) {
        unsigned level = level_of(text.ptr + at, size);

        if (level > best_level) {
            best_level = level;
            best = at;
        }
    }
    return best;
}

unsigned atom_rarity(str text)
{
    size_t n = text.len < FREQUENCY_RUN_MAX ? 1 : text.len - FREQUENCY_RUN_MAX + 1;
    unsigned rarest = 0, whole = 0;

    /* the whole's rarity: each byte's, given the three before it */
    for (size_t at = 0; at < n && at < WINDOWS_LOOKED_AT && whole <= rarest + LEVELS_BEYOND; at++) {
        unsigned level = level_of(text.ptr + at, text.len);
        unsigned known = at ? level_of(text.ptr + at, FREQUENCY_RUN_MAX - 1) : 0;

        whole += level > known ? level - known : 0;
        rarest = level > rarest ? level : rarest;
    }
    return whole < rarest + LEVELS_BEYOND ? whole : rarest + LEVELS_BEYOND;
}

void atoms_put_canonical(buf *out, str text)
{
    const char *p = text.ptr;
    const char *end = p + text.len;

    while (p < end) {
        char bytes[4];
        unsigned len;
        uint32_t cp;

        p += utf8_decode(p, end, &cp);
        len = utf8_encode(unicode_canon(cp), bytes);
        buf_put(out, bytes, len);
    }
}

static texts new_texts(extractor *x, uint32_t n)
{
    texts t = {.n = n, .items = arena_calloc(&x->mem, n, sizeof(str)), .lead = UINT32_MAX};

    if (!t.items) {
        x->failed = true;
        t.n = 0;
    }
    return t;
}

static texts one_text(extractor *x, str s)
{
    texts t = new_texts(x, 1);

    if (t.n)
        t.items[0] = s;
    t.lead = 0;
    return t;
}

static bool all_filled(texts t)
{
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.items[i].len == 0)
            return false;
    }
    return t.n > 0;
}

/* Its place in t; t.n where it is not there. */
static uint32_t find_text(texts t, str s)
{
    uint32_t i = 0;

    while (i < t.n && !str_eq(t.items[i], s))
        i++;
    return i;
}

static atom_context context_at(texts t, uint32_t i)
{
    return t.contexts ? t.contexts[i] : (atom_context){context_any, context_any};
}

/* All texts of both, each once; nothing where either is unknown or there are more than max. */
static texts join(extractor *x, texts a, texts b, uint32_t max)
{
    texts t = {0};

    if (a.n == 0 || b.n == 0)
        return t;
    t = new_texts(x, a.n + b.n);
    if (t.n && (a.contexts || b.contexts))
        t.contexts = arena_calloc(&x->mem, t.n, sizeof(*t.contexts));
    if (t.n == 0)
        return t;
    memcpy(t.items, a.items, a.n * sizeof(str));
    t.n = a.n;
    t.lead = a.lead > b.lead ? a.lead : b.lead;
    for (uint32_t i = 0; t.contexts && i < a.n; i++)
        t.contexts[i] = context_at(a, i);
    for (uint32_t i = 0; i < b.n; i++) {
        uint32_t at = find_text(t, b.items[i]);

        if (t.contexts)
            t.contexts[at] = at < t.n ? context_unite(&t.contexts[at], context_at(b, i))
                                      : context_at(b, i);
        if (at == t.n)
            t.items[t.n++] = b.items[i];
    }
    if (t.n > max)
        t.n = 0;
    return t;
}

/* Every text of a followed by every text of b; nothing where that would be too many. */
static texts product(extractor *x, texts a, texts b)
{
    size_t bytes = 0;
    texts t = {0};

    if (a.n == 0 || b.n == 0 || a.n * b.n > EXACT_MAX)
        return t;
    for (uint32_t i = 0; i < a.n; i++)
        bytes += a.items[i].len * b.n;
    for (uint32_t i = 0; i < b.n; i++)
        bytes += b.items[i].len * a.n;
    if (bytes > TEXTS_BYTES_MAX)
        return t;
    t = new_texts(x, a.n * b.n);
    if (t.n && (a.contexts || b.contexts))
        t.contexts = arena_calloc(&x->mem, t.n, sizeof(*t.contexts));
    for (uint32_t i = 0; i < t.n; i++) {
        str head = a.items[i / b.n], tail = b.items[i % b.n];
        char *p = arena_alloc(&x->mem, head.len + tail.len);

        if (!p) {
            x->failed = true;
            return (texts){0};
        }
        if (head.len)
            memcpy(p, head.ptr, head.len);
        if (tail.len)
            memcpy(p + head.len, tail.ptr, tail.len);
        t.items[i] = (str){p, head.len + tail.len};
        if (t.contexts)
            t.contexts[i] = (atom_context){head.len ? context_at(a, i / b.n).before : context_any,
                                           tail.len ? context_at(b, i % b.n).after : context_any};
    }
    return t;
}

/* How good a candidate is; 0 for none at all. */
static unsigned score(texts t)
{
    unsigned worst = UINT32_MAX, penalty = 0;

    if (!all_filled(t))
        return 0;
    for (uint32_t i = 0; i < t.n; i++) {
        unsigned bits = atom_rarity(t.items[i]);

        worst = bits < worst ? bits : worst;
    }
    for (uint32_t n = t.n; n > 1; n /= 2)
        penalty += CHOICE_PENALTY;
    /* what is equal by that goes by rarity alone: " 0" to " 7" rather than "0" to "7" */
    return (worst > penalty ? worst - penalty : 1) * SCORE_UNIT +
           (worst < SCORE_UNIT ? worst : SCORE_UNIT - 1);
}

/* A long sequence compares the best it has with each of its parts. */
static unsigned score_once(texts *t)
{
    if (t->score == 0)
        t->score = score(*t) + 1;
    return t->score;
}

static texts better(texts a, texts b)
{
    return score_once(&b) > score_once(&a) ? b : a;
}

/* The best candidate a node has, be it inside it or the node itself. */
static texts best_of(const node_info *i)
{
    return better(better(i->inside, i->exact), better(i->prefix, i->suffix));
}

static texts starts_of(const node_info *i)
{
    return i->exact.n ? i->exact : i->prefix;
}

static texts ends_of(const node_info *i)
{
    return i->exact.n ? i->exact : i->suffix;
}

static node_info examine(extractor *x, const regex_node *node);

static node_info from_char(extractor *x, uint32_t cp)
{
    char bytes[4];
    unsigned len = utf8_encode(unicode_canon(cp), bytes);
    str s = arena_str(&x->mem, (str){bytes, len});

    if (!s.ptr)
        x->failed = true;
    return (node_info){.exact = one_text(x, s)};
}

/* A small set of characters is a choice of texts; [wW] even is a single one. */
static node_info from_set(extractor *x, const regex_node *set)
{
    node_info info = {0};
    uint64_t n_chars = 0;

    if (set->negated || set->categories)
        return info;
    for (uint32_t i = 0; i < set->n_ranges; i++)
        n_chars += (uint64_t)set->ranges[i].hi - set->ranges[i].lo + 1;
    if (n_chars == 0 || n_chars > SET_CHARS_MAX)
        return info;
    for (uint32_t i = 0; i < set->n_ranges; i++) {
        for (uint32_t cp = set->ranges[i].lo; cp <= set->ranges[i].hi; cp++) {
            node_info one;

            if (cp >= 0xD800 && cp <= 0xDFFF)
                continue; /* no text holds a surrogate */
            one = from_char(x, cp);
            info.exact = info.exact.n ? join(x, info.exact, one.exact, EXACT_MAX) : one.exact;
            if (info.exact.n == 0)
                return info;
        }
    }
    return info;
}

#define INNER UINT32_MAX /* the texts begin or end inside a kid */

/* What a sequence has grown; see the file's head. */
typedef struct sequence {
    const regex_node *node;
    texts grown;
    uint32_t from;  /* the kid that grown begins with, or INNER */
    uint32_t lead;  /* the most characters before grown */
    uint32_t width; /* ... before the kid that is added */
    bool is_exact;
    node_info info;
} sequence;

static bool takes_nothing(const regex_node *node)
{
    return node->type == REGEX_ASSERT || node->type == REGEX_EMPTY || node->type == REGEX_LOOK;
}

static uint32_t add_widths(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* t are what kids[from..to) of the sequence match. */
static texts in_context(extractor *x, const sequence *s, texts t, uint32_t from, uint32_t to)
{
    const regex_node *cat = s->node;
    atom_context *contexts;

    t.lead = from == INNER ? UINT32_MAX : from == s->from ? s->lead : s->width;
    if (!all_filled(t))
        return t;
    while (from < cat->n_kids && takes_nothing(cat->kids[from]))
        from++;
    while (to != INNER && to > 0 && takes_nothing(cat->kids[to - 1]))
        to--;
    contexts = arena_calloc(&x->mem, t.n, sizeof(*contexts));
    for (uint32_t i = 0; contexts && i < t.n; i++) {
        str text = t.items[i];

        contexts[i] = context_at(t, i);
        if (from != INNER)
            contexts[i].before = side_before(cat, from, text);
        if (to != INNER)
            contexts[i].after = side_after(cat, to, text);
    }
    t.contexts = contexts;
    return t;
}

/* A candidate: what kids[from..to) match. */
static void offer(extractor *x, sequence *s, texts t, uint32_t from, uint32_t to)
{
    if (score_once(&t) > score_once(&s->info.inside))
        s->info.inside = in_context(x, s, t, from, to);
}

static void add_part(extractor *x, sequence *s, const node_info *part, uint32_t at)
{
    texts longer = product(x, s->grown, part->exact);
    texts inside = part->inside;

    inside.lead = add_widths(inside.lead, s->width);
    s->info.inside = better(s->info.inside, inside);
    if (longer.n) {
        s->grown = longer;
        return;
    }
    longer = product(x, s->grown, starts_of(part));
    offer(x, s, longer, s->from, INNER);
    offer(x, s, s->grown, s->from, at);
    offer(x, s, part->exact, at, at + 1);
    if (s->is_exact)
        s->info.prefix = longer.n ? longer : in_context(x, s, s->grown, s->from, at);
    s->is_exact = false;
    s->grown = ends_of(part);
    s->from = part->exact.n ? at : INNER;
    s->lead = s->width;
    if (s->grown.n == 0 || s->grown.n > EXACT_MAX) {
        s->grown = one_text(x, STR(""));
        s->from = at + 1;
        s->lead = add_widths(s->width, regex_max_width(s->node->kids[at]));
    }
}

static node_info from_cat(extractor *x, const regex_node *node)
{
    sequence s = {.node = node, .grown = one_text(x, STR("")), .is_exact = true};

    for (uint32_t i = 0; i < node->n_kids && !x->failed; i++) {
        node_info part = examine(x, node->kids[i]);

        add_part(x, &s, &part, i);
        s.width = add_widths(s.width, regex_max_width(node->kids[i]));
    }
    s.grown = in_context(x, &s, s.grown, s.from, node->n_kids);
    if (s.is_exact) {
        s.info.exact = s.grown;
    } else {
        s.info.suffix = s.grown;
        s.info.inside = better(s.info.inside, s.grown);
    }
    return s.info;
}

static node_info from_alt(extractor *x, const regex_node *node)
{
    node_info all = {0};

    for (uint32_t i = 0; i < node->n_kids && !x->failed; i++) {
        node_info one = examine(x, node->kids[i]);

        if (i == 0) {
            all = (node_info){one.exact, starts_of(&one), ends_of(&one), best_of(&one)};
            continue;
        }
        all.exact = join(x, all.exact, one.exact, EXACT_MAX);
        all.prefix = join(x, all.prefix, starts_of(&one), EXACT_MAX);
        all.suffix = join(x, all.suffix, ends_of(&one), EXACT_MAX);
        all.inside = join(x, all.inside, best_of(&one), INSIDE_MAX);
    }
    return all;
}

static texts without_contexts(texts t)
{
    t.contexts = NULL;
    return t;
}

/* t are the first rounds of a loop that must go on. */
static texts before_more(extractor *x, const regex_node *loop, texts t)
{
    const regex_node rest = {.type = REGEX_CAT, .n_kids = 1, .kids = loop->kids};

    if (!all_filled(t))
        return t;
    t.contexts = arena_calloc(&x->mem, t.n, sizeof(*t.contexts));
    for (uint32_t i = 0; t.contexts && i < t.n; i++) {
        t.contexts[i].before = context_any;
        t.contexts[i].after = side_after(&rest, 0, t.items[i]);
    }
    return t;
}

static node_info from_repeat(extractor *x, const regex_node *node)
{
    node_info kid = examine(x, node->kids[0]);
    node_info info = {0};
    texts unrolled;
    uint32_t n_rounds = 1;

    if (node->max == 0)
        return (node_info){.exact = one_text(x, STR(""))};
    if (node->min == 0) {
        if (node->max == 1)
            info.exact = join(x, kid.exact, one_text(x, STR("")), EXACT_MAX);
        return info;
    }
    unrolled = starts_of(&kid);
    if (kid.exact.n) {
        for (uint32_t i = 1; i < node->min && i < REPEAT_UNROLL_MAX; i++) {
            texts longer = product(x, unrolled, kid.exact);

            if (longer.n == 0)
                break;
            unrolled = longer;
            n_rounds++;
            if (node->max == node->min && i + 1 == node->min)
                info.exact = unrolled;
        }
    }
    if (node->min == 1 && node->max == 1)
        return kid;
    if (kid.exact.n && n_rounds < node->min)
        unrolled = before_more(x, node, unrolled);
    info.prefix = unrolled;
    info.suffix = kid.exact.n ? without_contexts(unrolled) : kid.suffix;
    info.inside = better(best_of(&kid), unrolled);
    info.exact.lead = info.prefix.lead = info.suffix.lead = info.inside.lead = UINT32_MAX;
    return info;
}

static node_info examine(extractor *x, const regex_node *node)
{
    node_info nothing_wide = {.exact = one_text(x, STR(""))};

    switch (node->type) {
    case REGEX_EMPTY:
    case REGEX_ASSERT:
        return nothing_wide;
    case REGEX_CHAR:
        if (node->cp >= 0xD800 && node->cp <= 0xDFFF)
            return (node_info){0};
        return from_char(x, node->cp);
    case REGEX_SET:
        return from_set(x, node);
    case REGEX_CAT:
        return from_cat(x, node);
    case REGEX_ALT:
        return from_alt(x, node);
    case REGEX_REPEAT:
        return from_repeat(x, node);
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return examine(x, node->kids[0]);
    case REGEX_LOOK:
        if (!node->negated) { /* what stands ahead or behind stands in the text, too */
            node_info inner = examine(x, node->kids[0]);

            nothing_wide.inside = best_of(&inner);
            nothing_wide.inside.lead = UINT32_MAX;
        }
        return nothing_wide;
    case REGEX_BACKREF:
    case REGEX_COND:
        break;
    }
    return (node_info){0};
}

/* The first or last thing that a match must pass, through groups. */
static const regex_node *edge(const regex_node *node, bool last)
{
    while ((node->type == REGEX_CAT && node->n_kids) || node->type == REGEX_GROUP)
        node = node->kids[last && node->type == REGEX_CAT ? node->n_kids - 1 : 0];
    return node;
}

static bool is_assert(const regex_node *node, regex_assert a)
{
    return node->type == REGEX_ASSERT && node->assert_type == a;
}

static bool tells_nothing(texts t)
{
    for (uint32_t i = 0; t.contexts && i < t.n; i++) {
        if (!side_equal(&t.contexts[i].before, &context_any) ||
            !side_equal(&t.contexts[i].after, &context_any))
            return false;
    }
    return true;
}

/* Cut what is longer than ATOM_LEN_MAX. Returns false where that lost something. */
static bool clip(texts t, atom_place place)
{
    bool whole = true;

    for (uint32_t i = 0; i < t.n; i++) {
        str *s = &t.items[i];

        if (s->len <= ATOM_LEN_MAX)
            continue;
        if (place == ATOM_AT_END)
            s->ptr += s->len - ATOM_LEN_MAX;
        s->len = ATOM_LEN_MAX;
        if (t.contexts && place == ATOM_AT_END)
            t.contexts[i].before = context_any;
        else if (t.contexts)
            t.contexts[i].after = context_any;
        whole = false;
    }
    return whole;
}

/* One block: the head, the slices, the contexts, the bytes. */
static atom_set *pack(texts t, atom_place place, bool decides, str exact)
{
    bool whole = clip(t, place);
    size_t n_contexts = tells_nothing(t) ? 0 : t.n;
    size_t size = sizeof(atom_set) + t.n * sizeof(str) + n_contexts * sizeof(atom_context);
    atom_set *set;
    char *bytes;

    for (uint32_t i = 0; i < t.n; i++)
        size += t.items[i].len;
    set = malloc(size + exact.len);
    if (!set)
        return NULL;
    set->place = place;
    set->n_texts = t.n;
    set->lead = t.lead;
    set->decides = decides && whole;
    set->texts = (str *)(set + 1);
    set->contexts = n_contexts ? (atom_context *)(set->texts + t.n) : NULL;
    bytes = (char *)(set->texts + t.n) + n_contexts * sizeof(atom_context);
    if (n_contexts)
        memcpy(set->contexts, t.contexts, n_contexts * sizeof(atom_context));
    for (uint32_t i = 0; i < t.n; i++) {
        memcpy(bytes, t.items[i].ptr, t.items[i].len);
        set->texts[i] = (str){bytes, t.items[i].len};
        bytes += t.items[i].len;
    }
    set->exact = exact;
    if (exact.len)
        set->exact.ptr = memcpy(bytes, exact.ptr, exact.len);
    return set;
}

/* Returns 1 where re comes down to one text in its context. */
static int choose_sole_run(extractor *x, const regex *re, atom_set **ret_atoms)
{
    sole_run run;
    int rc = context_of_sole_run(re, &x->mem, &run);

    if (rc != 1)
        return rc;
    *ret_atoms =
        pack((texts){.n = 1, .items = &run.text, .contexts = &run.context, .lead = UINT32_MAX},
             side_equal(&run.context.before, &side_edge)  ? ATOM_AT_START
             : side_equal(&run.context.after, &side_edge) ? ATOM_AT_END
                                                          : ATOM_ANYWHERE,
             true, run.exact);
    return *ret_atoms ? 1 : -ENOMEM;
}

static int choose(extractor *x, const regex *re, atom_set **ret_atoms)
{
    node_info info = examine(x, re->root);
    texts best = best_of(&info);
    unsigned best_score = score(best);
    const regex_node *first = edge(re->root, false), *last = edge(re->root, true);
    atom_place place = ATOM_ANYWHERE;

    if (x->failed)
        return -ENOMEM;
    if (is_assert(first, REGEX_TEXT_START) && all_filled(starts_of(&info)) &&
        score(starts_of(&info)) + ANCHOR_BONUS > best_score) {
        best = starts_of(&info);
        best_score = score(best) + ANCHOR_BONUS;
        place = ATOM_AT_START;
    }
    if ((is_assert(last, REGEX_TEXT_END) || is_assert(last, REGEX_TEXT_END_NEWLINE)) &&
        all_filled(ends_of(&info)) && score(ends_of(&info)) + ANCHOR_BONUS > best_score) {
        best = ends_of(&info);
        best_score = score(best) + ANCHOR_BONUS;
        place = ATOM_AT_END;
    }
    *ret_atoms = NULL;
    if (best_score == 0)
        return 0;
    *ret_atoms = pack(best, place, false, STR_NULL);
    return *ret_atoms ? 0 : -ENOMEM;
}

int atoms_from_regex(const regex *re, atom_set **ret_atoms)
{
    extractor x = {0};
    int rc = choose_sole_run(&x, re, ret_atoms);

    if (rc == 0)
        rc = choose(&x, re, ret_atoms);
    arena_done(&x.mem);
    return rc < 0 ? rc : 0;
}

int atoms_from_literal(str text, bool with_case, bool at_start, bool at_end, atom_set **ret_atoms)
{
    auto_free(buf) buf canonical = {0};
    atom_context context;
    str s;

    *ret_atoms = NULL;
    if (text.len == 0)
        return 0;
    atoms_put_canonical(&canonical, text);
    if (canonical.failed)
        return -ENOMEM;
    s = buf_str(&canonical);
    context.before = at_start ? side_edge : context_any;
    context.after = at_end ? side_edge : context_any;
    *ret_atoms = pack((texts){.n = 1, .items = &s, .contexts = &context},
                      at_start ? ATOM_AT_START
                      : at_end ? ATOM_AT_END
                               : ATOM_ANYWHERE,
                      utf8_is_ascii(text), with_case ? text : STR_NULL);
    return *ret_atoms ? 0 : -ENOMEM;
}

atom_set *atoms_free(atom_set *atoms)
{
    free(atoms);
    return NULL;
}
