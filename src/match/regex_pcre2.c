/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree as a PCRE2 pattern for PCRE2_UTF | PCRE2_UCP.
 *
 * Nothing is left to PCRE2's defaults: newline conventions, case folding and white space are
 * spelled out, since they differ from Python's or depend on how PCRE2 was built. \w and \d agree
 * on every character (tests/differential/regex), so they stand as they are, and so does \b.
 *
 * Slips of PCRE2 10.42 are written around:
 *
 *     -+(?>(?:1)?).b  misses "--b": -+ is taken for possessive, because looking into the atomic
 *                     group forgets that something may follow it. So no such guesses are allowed
 *                     where there are atomic groups.
 *     (?=a)x*a        misses "a": the first a must come from the assertion, and another after it.
 *     (?:y|x..)a*B    misses "xyBz", and (?>[^a]+?)a misses "xya", under its JIT compiler: where a
 *                     leading repeat failed is remembered for later starts, though another
 *                     alternative reaches it elsewhere. An empty assertion in front of everything
 *                     ends both searches; the other optimisations stay.
 *     (x)*+y          leaves the group set after backtracking over it, under its JIT compiler;
 *                     (?>(x)*)y does not.
 */
#include "match/regex.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "match/unicode.h"

#include <errno.h>

#define PCRE2_REPEAT_MAX 65535u /* both of counts and of a look-behind's length */
#define SURROGATE_FIRST 0xD800u
#define SURROGATE_LAST 0xDFFFu
#define ASCII_WORD "[0-9A-Za-z_]"

typedef struct writer {
    buf *out;
    ttp_err *err;
    bool behind; /* where PCRE2 must see a fixed length: in a look-behind, in a group it measures */
    bool *measured; /* [n_groups + 1]: a look-behind refers to it */
} writer;

static int put_node(writer *w, const regex_node *node);

/* ---- characters and sets ---- */

static void put_cp(buf *out, uint32_t cp)
{
    char utf8[4];
    unsigned len;

    if ((cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z')) {
        buf_put_char(out, (char)cp);
    } else if (cp > ' ' && cp < 0x7F) {
        buf_put_char(out, '\\');
        buf_put_char(out, (char)cp);
    } else if (cp < 0xA0) {
        buf_printf(out, "\\x{%x}", cp);
    } else {
        len = utf8_encode(cp, utf8);
        buf_put(out, utf8, len);
    }
}

/* PCRE2 refuses surrogates, and no text holds one: they are left out. */
static void put_range(buf *out, uint32_t lo, uint32_t hi)
{
    if (lo < SURROGATE_FIRST && hi > SURROGATE_LAST) {
        put_range(out, lo, SURROGATE_FIRST - 1);
        put_range(out, SURROGATE_LAST + 1, hi);
        return;
    }
    if (hi >= SURROGATE_FIRST && hi <= SURROGATE_LAST)
        hi = SURROGATE_FIRST - 1;
    if (lo >= SURROGATE_FIRST && lo <= SURROGATE_LAST)
        lo = SURROGATE_LAST + 1;
    if (lo > hi)
        return;
    put_cp(out, lo);
    if (hi > lo + 1)
        buf_put_char(out, '-');
    if (hi > lo)
        put_cp(out, hi);
}

static void put_space(buf *out, bool negated)
{
    size_t n;
    const unicode_range *spaces = unicode_ranges(UNICODE_SPACE, &n);
    uint32_t from = 0;

    for (size_t i = 0; i < n; i++) {
        if (negated)
            put_range(out, from, spaces[i].lo - 1);
        else
            put_range(out, spaces[i].lo, spaces[i].hi);
        from = spaces[i].hi + 1;
    }
    if (negated)
        put_range(out, from, UNICODE_MAX);
}

static void put_categories(buf *out, unsigned categories)
{
    static const struct {
        uint8_t category;
        char letter;
    } same[] = {{REGEX_WORD_CHAR, 'w'},
                {REGEX_NOT_WORD_CHAR, 'W'},
                {REGEX_DIGIT, 'd'},
                {REGEX_NOT_DIGIT, 'D'}};

    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        if (categories & same[i].category)
            buf_printf(out, "\\%c", same[i].letter);
    }
    if (categories & REGEX_SPACE)
        put_space(out, false);
    if (categories & REGEX_NOT_SPACE)
        put_space(out, true);
}

static void put_any(buf *out, bool negated)
{
    buf_put_c(out, negated ? "\\p{Any}" : "\\P{Any}"); /* negated: all but nothing */
}

static void put_set(buf *out, const regex_node *node)
{
    size_t start = out->len, inside;

    buf_put_c(out, node->negated ? "[^" : "[");
    inside = out->len;
    for (uint32_t i = 0; i < node->n_ranges; i++)
        put_range(out, node->ranges[i].lo, node->ranges[i].hi);
    put_categories(out, node->categories);
    if (out->len == inside && !out->failed) { /* nothing, or surrogates alone */
        out->len = start;
        put_any(out, node->negated);
        return;
    }
    buf_put_char(out, ']');
}

static void put_orbit(buf *out, uint32_t cp)
{
    uint32_t member = cp;

    buf_put_char(out, '[');
    do {
        put_cp(out, member);
        member = unicode_orbit_next(member);
    } while (member != cp);
    buf_put_char(out, ']');
}

static void put_char(buf *out, const regex_node *node)
{
    if (node->cp >= SURROGATE_FIRST && node->cp <= SURROGATE_LAST)
        put_any(out, false);
    else if (node->fold)
        put_orbit(out, node->cp);
    else
        put_cp(out, node->cp);
}

/* ---- assertions ---- */

static const char *assert_form(regex_assert type)
{
    switch (type) {
    case REGEX_TEXT_START:
        return "\\A";
    case REGEX_LINE_START:
        return "(?<![^\\n])";
    case REGEX_TEXT_END:
        return "\\z";
    case REGEX_TEXT_END_NEWLINE:
        return "(?=\\n?\\z)";
    case REGEX_LINE_END:
        return "(?![^\\n])";
    case REGEX_WORD:
        return "\\b";
    case REGEX_NOT_WORD:
        return "\\B(?!\\A\\z)";
    case REGEX_WORD_ASCII:
        return "(?(?<=" ASCII_WORD ")(?!" ASCII_WORD ")|(?=" ASCII_WORD "))";
    default:
        return "(?(?<=" ASCII_WORD ")(?=" ASCII_WORD ")|(?!" ASCII_WORD "|\\A\\z))";
    }
}

static int put_look(writer *w, const regex_node *node)
{
    bool outer = w->behind;
    int rc;

    if (node->behind && node->min > PCRE2_REPEAT_MAX)
        return err_at(w->err, TTP_E_UNSUPPORTED, NULL, 0, node->column,
                      "this look-behind looks back %u characters; expected at most %u", node->min,
                      PCRE2_REPEAT_MAX);
    buf_put_c(w->out, node->behind ? "(?<" : "(?");
    buf_put_char(w->out, node->negated ? '!' : '=');
    w->behind = node->behind;
    rc = put_node(w, node->kids[0]);
    w->behind = outer;
    buf_put_char(w->out, ')');
    return rc;
}

/* ---- the rest ---- */

static int put_around(writer *w, const char *open, const regex_node *node)
{
    int rc;

    buf_put_c(w->out, open);
    rc = put_node(w, node);
    buf_put_char(w->out, ')');
    return rc;
}

/* As one item of a sequence. */
static int put_item(writer *w, const regex_node *node)
{
    return node->type == REGEX_ALT ? put_around(w, "(?:", node) : put_node(w, node);
}

static bool is_atom(const regex_node *node)
{
    switch (node->type) {
    case REGEX_CHAR:
    case REGEX_SET:
    case REGEX_GROUP:
    case REGEX_ATOMIC:
        return true;
    default: /* PCRE2 has ideas of its own about repeated assertions */
        return false;
    }
}

static void put_counts(buf *out, const regex_node *node)
{
    static const char *const greed[] = {
        [REGEX_GREEDY] = "", [REGEX_LAZY] = "?", [REGEX_POSSESSIVE] = "+"};

    if (node->max == REGEX_INFINITE && node->min <= 1)
        buf_put_char(out, node->min ? '+' : '*');
    else if (node->max == 1 && node->min == 0)
        buf_put_char(out, '?');
    else if (node->max == node->min)
        buf_printf(out, "{%u}", node->min);
    else if (node->max == REGEX_INFINITE)
        buf_printf(out, "{%u,}", node->min);
    else
        buf_printf(out, "{%u,%u}", node->min, node->max);
    buf_put_c(out, greed[node->greed]);
}

/*
 * PCRE2 measures what stands in a look-behind, and so each group that is referred to from there,
 * and each that is referred to from such a group. References lead to groups that end before them:
 * from the last node to the first, each is seen before its group.
 */
static void find_measured(bool *measured, const regex_node *node, bool inside)
{
    if (node->type == REGEX_BACKREF && inside)
        measured[node->group] = true;
    else if (node->type == REGEX_GROUP && measured[node->group])
        inside = true;
    else if (node->type == REGEX_LOOK)
        inside = node->behind;
    for (uint32_t i = node->n_kids; i-- > 0;)
        find_measured(measured, node->kids[i], inside);
}

static int put_group(writer *w, const regex_node *node)
{
    bool outer = w->behind;
    int rc;

    w->behind = outer || w->measured[node->group];
    rc = put_around(w, "(", node->kids[0]);
    w->behind = outer;
    return rc;
}

/*
 * Where PCRE2 measures. What is repeated a varying number of times there has no width, or the
 * reader would have refused it, so once is as good as often; PCRE2 asks for equal lengths without
 * looking at what is repeated. What is never tried may have any width: it goes where PCRE2 does
 * not measure. It must stay, for the numbers of the groups in it.
 */
static int put_repeat_behind(writer *w, const regex_node *node)
{
    const regex_node *kid = node->kids[0];
    int rc;

    if (node->max == 0) {
        w->behind = false;
        rc = put_around(w, "(?:(?=", kid);
        w->behind = true;
        buf_put_c(w->out, "){0}");
        return rc;
    }
    buf_put_c(w->out, node->greed == REGEX_POSSESSIVE ? "(?>" : "(?:");
    if (node->min == 0 && node->greed == REGEX_LAZY)
        buf_put_char(w->out, '|');
    rc = put_item(w, kid);
    if (node->min == 0 && node->greed != REGEX_LAZY)
        buf_put_char(w->out, '|');
    buf_put_char(w->out, ')');
    return rc;
}

static int put_possessive(writer *w, const regex_node *node)
{
    regex_node greedy = *node;

    greedy.greed = REGEX_GREEDY;
    return put_around(w, "(?>", &greedy);
}

static int put_repeat(writer *w, const regex_node *node)
{
    const regex_node *kid = node->kids[0];
    int rc;

    if (w->behind && (node->min != node->max || node->max == 0))
        return put_repeat_behind(w, node);
    if (node->greed == REGEX_POSSESSIVE && kid->type != REGEX_CHAR && kid->type != REGEX_SET)
        return put_possessive(w, node);

    if (node->min > PCRE2_REPEAT_MAX ||
        (node->max != REGEX_INFINITE && node->max > PCRE2_REPEAT_MAX))
        return err_at(w->err, TTP_E_UNSUPPORTED, NULL, 0, node->column,
                      "this is repeated too often; expected at most %u times", PCRE2_REPEAT_MAX);
    rc = is_atom(kid) ? put_node(w, kid) : put_around(w, "(?:", kid);
    put_counts(w->out, node);
    return rc;
}

static int put_cat(writer *w, const regex_node *node)
{
    int rc = 0;

    for (uint32_t i = 0; i < node->n_kids && !rc; i++)
        rc = put_item(w, node->kids[i]);
    return rc;
}

static int put_alt(writer *w, const regex_node *node)
{
    int rc = 0;

    for (uint32_t i = 0; i < node->n_kids && !rc; i++) {
        if (i)
            buf_put_char(w->out, '|');
        rc = put_item(w, node->kids[i]);
    }
    return rc;
}

static int put_condition(writer *w, const regex_node *node)
{
    int rc;

    buf_printf(w->out, "(?(%u)", node->group);
    rc = put_item(w, node->kids[0]);
    if (rc)
        return rc;
    buf_put_char(w->out, '|');
    rc = put_item(w, node->kids[1]);
    buf_put_char(w->out, ')');
    return rc;
}

static int put_node(writer *w, const regex_node *node)
{
    if (w->out->len > REGEX_PCRE2_MAX)
        return err_at(w->err, TTP_E_UNSUPPORTED, NULL, 0, node->column,
                      "the pattern explodes: its sets take more than %u bytes to write out",
                      REGEX_PCRE2_MAX);
    switch (node->type) {
    case REGEX_EMPTY:
        return 0;
    case REGEX_CHAR:
        put_char(w->out, node);
        return 0;
    case REGEX_SET:
        put_set(w->out, node);
        return 0;
    case REGEX_CAT:
        return put_cat(w, node);
    case REGEX_ALT:
        return put_alt(w, node);
    case REGEX_REPEAT:
        return put_repeat(w, node);
    case REGEX_GROUP:
        return put_group(w, node);
    case REGEX_ASSERT:
        buf_put_c(w->out, assert_form(node->assert_type));
        return 0;
    case REGEX_LOOK:
        return put_look(w, node);
    case REGEX_BACKREF:
        buf_printf(w->out, node->fold ? "(?i:\\g{%u})" : "\\g{%u}", node->group);
        return 0;
    case REGEX_COND:
        return put_condition(w, node);
    default:
        return put_around(w, "(?>", node->kids[0]);
    }
}

static bool has_atomic(const regex_node *node)
{
    if (node->type == REGEX_ATOMIC ||
        (node->type == REGEX_REPEAT && node->greed == REGEX_POSSESSIVE))
        return true;
    for (uint32_t i = 0; i < node->n_kids; i++) {
        if (has_atomic(node->kids[i]))
            return true;
    }
    return false;
}

int regex_to_pcre2(const regex *re, buf *out, ttp_err *err)
{
    auto_free(mem) bool *measured = calloc(re->n_groups + 1, sizeof(*measured));
    writer w = {.out = out, .err = err, .measured = measured};
    int rc;

    if (!measured)
        return -ENOMEM;
    find_measured(measured, re->root, false);
    if (has_atomic(re->root))
        buf_put_c(out, "(*NO_AUTO_POSSESS)");
    buf_put_c(out, "(?=)");
    rc = put_item(&w, re->root);
    if (rc)
        return rc;
    return out->failed ? -ENOMEM : 0;
}
