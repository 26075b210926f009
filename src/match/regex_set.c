/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets. Items are gathered as ranges, closed under case if case is ignored, then sorted and
 * joined. Classes stay as bits under Unicode (they are closed under case by themselves) and
 * become ranges under (?a).
 */
#include "match/regex_reader.h"

#include "base/limits.h"
#include "base/mem.h"
#include "match/unicode.h"

#include <errno.h>

typedef struct range_list {
    regex_range *at;
    size_t n, cap;
    uint8_t categories;
} range_list;

static void range_list_free_ptr(range_list *l)
{
    free(l->at);
}

static int add_range(range_list *l, uint32_t lo, uint32_t hi)
{
    if (l->n && l->at[l->n - 1].hi + 1 == lo) { /* hi is never UINT32_MAX */
        l->at[l->n - 1].hi = hi;
        return 0;
    }
    if (mem_grow(l->at, l->cap, l->n + 1))
        return -ENOMEM;
    l->at[l->n++] = (regex_range){lo, hi};
    return 0;
}

static int compare_ranges(const void *a, const void *b)
{
    const regex_range *x = a, *y = b;

    return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void sort_and_join(range_list *l)
{
    size_t n = 0;

    if (l->n == 0)
        return;
    qsort(l->at, l->n, sizeof(*l->at), compare_ranges);
    for (size_t i = 1; i < l->n; i++) {
        if (l->at[i].lo > l->at[n].hi + 1)
            l->at[++n] = l->at[i];
        else if (l->at[i].hi > l->at[n].hi)
            l->at[n].hi = l->at[i].hi;
    }
    l->n = n + 1;
}

static size_t first_cased(uint32_t cp)
{
    size_t n, lo = 0;
    const uint32_t *cased = unicode_cased(&n);

    while (lo < n) {
        size_t mid = lo + (n - lo) / 2;

        if (cased[mid] < cp)
            lo = mid + 1;
        else
            n = mid;
    }
    return lo;
}

/* Add the other members of every orbit that r touches. */
static int add_orbits(range_list *l, regex_range r)
{
    size_t n;
    const uint32_t *cased = unicode_cased(&n);

    for (size_t i = first_cased(r.lo); i < n && cased[i] <= r.hi; i++) {
        for (uint32_t cp = unicode_orbit_next(cased[i]); cp != cased[i];
             cp = unicode_orbit_next(cp)) {
            if ((cp < r.lo || cp > r.hi) && add_range(l, cp, cp))
                return -ENOMEM;
        }
    }
    return 0;
}

static int add_ascii_case(range_list *l, regex_range r, uint32_t first, uint32_t to)
{
    uint32_t lo = r.lo > first ? r.lo : first;
    uint32_t hi = r.hi < first + 25 ? r.hi : first + 25;

    return lo <= hi ? add_range(l, lo - first + to, hi - first + to) : 0;
}

static int close_under_case(range_list *l, unsigned flags)
{
    size_t n = l->n;

    for (size_t i = 0; i < n; i++) {
        regex_range r = l->at[i];
        int rc;

        if (flags & FLAG_ASCII) {
            rc = add_ascii_case(l, r, 'a', 'A');
            if (!rc)
                rc = add_ascii_case(l, r, 'A', 'a');
        } else {
            rc = add_orbits(l, r);
        }
        if (rc)
            return rc;
    }
    return 0;
}

static int add_ranges(range_list *l, const regex_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (add_range(l, ranges[i].lo, ranges[i].hi))
            return -ENOMEM;
    }
    return 0;
}

#define ADD(list, table) add_ranges(list, table, sizeof(table) / sizeof(*(table)))

/* A class under (?a). */
static int add_ascii_category(range_list *l, uint8_t category)
{
    static const regex_range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    static const regex_range not_word[] = {
        {0, '0' - 1}, {'9' + 1, 'A' - 1}, {'Z' + 1, '_' - 1}, {'`', '`'}, {'z' + 1, UNICODE_MAX}};
    static const regex_range digit[] = {{'0', '9'}};
    static const regex_range not_digit[] = {{0, '0' - 1}, {'9' + 1, UNICODE_MAX}};
    static const regex_range space[] = {{'\t', '\r'}, {' ', ' '}};
    static const regex_range not_space[] = {
        {0, '\t' - 1}, {'\r' + 1, ' ' - 1}, {' ' + 1, UNICODE_MAX}};

    switch (category) {
    case REGEX_WORD_CHAR:
        return ADD(l, word);
    case REGEX_NOT_WORD_CHAR:
        return ADD(l, not_word);
    case REGEX_DIGIT:
        return ADD(l, digit);
    case REGEX_NOT_DIGIT:
        return ADD(l, not_digit);
    case REGEX_SPACE:
        return ADD(l, space);
    default:
        return ADD(l, not_space);
    }
}

static int add_category(range_list *l, uint8_t category, unsigned flags)
{
    if (flags & FLAG_ASCII)
        return add_ascii_category(l, category);
    l->categories |= category;
    return 0;
}

uint8_t escape_category(uint32_t letter)
{
    switch (letter) {
    case 'w':
        return REGEX_WORD_CHAR;
    case 'W':
        return REGEX_NOT_WORD_CHAR;
    case 'd':
        return REGEX_DIGIT;
    case 'D':
        return REGEX_NOT_DIGIT;
    case 's':
        return REGEX_SPACE;
    case 'S':
        return REGEX_NOT_SPACE;
    default:
        return 0;
    }
}

static int fill_node(parser *p, uint32_t column, const range_list *l, regex_node **ret_node)
{
    regex_node *node = node_new(p, REGEX_SET, column);

    if (!node)
        return -ENOMEM;
    p->n_ranges += (uint32_t)l->n;
    if (p->n_ranges > REGEX_RANGES_MAX)
        return parser_fail(p, TTP_E_LIMIT, column,
                           "this set makes the pattern explode: all sets together must stay within "
                           "%u ranges",
                           REGEX_RANGES_MAX);
    node->categories = l->categories;
    node->n_ranges = (uint32_t)l->n;
    if (l->n) {
        node->ranges = arena_calloc(p->a, l->n, sizeof(*node->ranges));
        if (!node->ranges)
            return -ENOMEM;
        memcpy(node->ranges, l->at, l->n * sizeof(*node->ranges));
    }
    *ret_node = node;
    return 0;
}

int node_set(parser *p, uint32_t column, const regex_range *ranges, uint32_t n, regex_node **ret)
{
    auto_free(range_list) range_list l = {0};
    int rc = add_ranges(&l, ranges, n);

    if (rc)
        return rc;
    sort_and_join(&l);
    return fill_node(p, column, &l, ret);
}

int parse_category(parser *p, uint8_t category, unsigned flags, uint32_t column, piece *ret)
{
    auto_free(range_list) range_list l = {0};
    int rc = add_category(&l, category, flags);

    *ret = piece_unit(NULL);
    return rc ? rc : fill_node(p, column, &l, &ret->node);
}

static int parse_item(parser *p, const token *t, set_item *ret)
{
    *ret = (set_item){.cp = t->cp};
    if (!t->escaped)
        return 0;
    ret->category = escape_category(t->cp);
    return ret->category ? 0 : parse_char_escape(p, t, true, &ret->cp);
}

static int add_item(range_list *l, const set_item *item, unsigned flags)
{
    if (item->category)
        return add_category(l, item->category, flags);
    return add_range(l, item->cp, item->cp);
}

static int fail_unterminated(parser *p, uint32_t column)
{
    return parser_fail(
        p, TTP_E_SYNTAX, column,
        "this set has no end; expected ] (as the first member, ] stands for itself)");
}

/* Behind "first-": the range's end, or the set's, where the hyphen stood for itself. */
static int parse_range(parser *p, range_list *l, const token *t, const set_item *first,
                       unsigned flags, bool *ret_set_ends)
{
    token that = scan_get(&p->in);
    set_item last;
    char quoted[64];
    int rc;

    if (token_is(&that, ']')) {
        *ret_set_ends = true;
        rc = add_item(l, first, flags);
        return rc ? rc : add_range(l, '-', '-');
    }
    rc = parse_item(p, &that, &last);
    if (rc)
        return rc;
    parser_quote(quoted, t->at, p->in.next.at);
    if (first->category || last.category)
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "\"%s\" is no range: a class cannot begin or end one; expected two "
                           "characters, or the hyphen at the set's end",
                           quoted);
    if (last.cp < first->cp)
        return parser_fail(p, TTP_E_SYNTAX, t->column,
                           "the range \"%s\" runs backwards; expected the smaller character first",
                           quoted);
    return add_range(l, first->cp, last.cp);
}

static int parse_items(parser *p, range_list *l, unsigned flags, uint32_t column)
{
    bool any = false, ends = false;

    while (!ends) {
        token t = scan_get(&p->in);
        set_item item;
        int rc;

        if (t.end)
            return fail_unterminated(p, column);
        if (any && token_is(&t, ']'))
            break;
        any = true;
        rc = parse_item(p, &t, &item);
        if (rc)
            return rc;
        if (!scan_take(&p->in, '-'))
            rc = add_item(l, &item, flags);
        else if (p->in.next.end)
            rc = fail_unterminated(p, column);
        else
            rc = parse_range(p, l, &t, &item, flags, &ends);
        if (rc)
            return rc;
    }
    return 0;
}

int parse_set(parser *p, unsigned flags, uint32_t column, piece *ret)
{
    auto_free(range_list) range_list l = {0};
    bool negated = scan_take(&p->in, '^');
    int rc = parse_items(p, &l, flags, column);

    if (rc)
        return rc;
    sort_and_join(&l);
    if (!negated && !l.categories && l.n == 1 && l.at[0].lo == l.at[0].hi)
        return parse_literal(p, l.at[0].lo, flags, column, ret);
    if (flags & FLAG_IGNORE_CASE) {
        rc = close_under_case(&l, flags);
        if (rc)
            return rc;
        sort_and_join(&l);
    }
    *ret = piece_unit(NULL);
    rc = fill_node(p, column, &l, &ret->node);
    if (!rc)
        ret->node->negated = negated;
    return rc;
}

static bool set_has_case(const regex_node *set)
{
    size_t n;
    const uint32_t *cased = unicode_cased(&n);

    if (set->negated || (set->categories & ~(unsigned)(REGEX_DIGIT | REGEX_SPACE)))
        return true;
    for (uint32_t i = 0; i < set->n_ranges; i++) {
        size_t at = first_cased(set->ranges[i].lo);

        if (at < n && cased[at] <= set->ranges[i].hi)
            return true;
    }
    return false;
}

bool node_has_case(const parser *p, const regex_node *node)
{
    switch (node->type) {
    case REGEX_CHAR:
        return unicode_orbit_next(node->cp) != node->cp;
    case REGEX_SET:
        return set_has_case(node);
    case REGEX_GROUP:
    case REGEX_BACKREF:
        return p->groups[node->group].has_case;
    case REGEX_LOOK:
        return false;
    default:
        break;
    }
    for (uint32_t i = 0; i < node->n_kids; i++) {
        if (node_has_case(p, node->kids[i]))
            return true;
    }
    return false;
}

static bool in_ranges(const regex_range *r, size_t n, uint32_t cp)
{
    while (n > 4) {
        size_t half = n / 2;

        if (r[half].lo <= cp) {
            r += half;
            n -= half;
        } else {
            n = half;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (cp <= r[i].hi)
            return cp >= r[i].lo;
    }
    return false;
}

static bool in_categories(unsigned categories, uint32_t cp)
{
    unsigned props = unicode_props(cp);

    return (categories & (props & UNICODE_WORD ? REGEX_WORD_CHAR : REGEX_NOT_WORD_CHAR)) ||
           (categories & (props & UNICODE_DIGIT ? REGEX_DIGIT : REGEX_NOT_DIGIT)) ||
           (categories & (props & UNICODE_SPACE ? REGEX_SPACE : REGEX_NOT_SPACE));
}

bool regex_set_has(const regex_node *set, uint32_t cp)
{
    bool in = in_ranges(set->ranges, set->n_ranges, cp) ||
              (set->categories && in_categories(set->categories, cp));

    return in != set->negated;
}
