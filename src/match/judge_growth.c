/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the time of a backtracking search grows, told by the ways it can read one text:
 *
 *     exponential   from some character of the expression back to it, one text can be read in two
 *                   ways: (a+)+, (a|a)*, (\s*a\s*)*
 *     polynomial    loops in a row that can share one text out among them: \s*\s*$, .*x.*x.*
 *
 * The expression becomes a graph whose nodes are its characters and whose arrows say which can
 * follow which (Glushkov's automaton). What a character takes is told by a sample of all
 * characters. Look-around and atomic groups are left by one way only, so their insides are graphs
 * of their own; to the graph around them a look-around is nothing and an atomic group has no loops.
 */
#include "match/judge.h"

#include "match/regex.h"
#include "match/unicode.h"

#include <errno.h>
#include <stdlib.h>

#define NODES_MAX 192 /* characters of an expression; one with more is left unjudged */
#define WORDS ((NODES_MAX + 63) / 64)
#define SAMPLE_MAX 320
#define SAMPLE_WORDS ((SAMPLE_MAX + 63) / 64)
#define LOOP_MIN 10u /* a repeat that may go on so often is as bad as one without end */
#define LOOPS_MAX 64
#define WORK_MAX (1u << 25) /* pairs of arrows; what has more is left unjudged */
#define START 0u            /* the node for what a search passes over before its match */

typedef struct node_set {
    uint64_t words[WORDS];
} node_set;

typedef struct char_set {
    uint64_t words[SAMPLE_WORDS];
} char_set;

typedef struct graph {
    uint32_t n; /* nodes */
    node_set follow[NODES_MAX];
    node_set twice[NODES_MAX]; /* arrows that stand for two ways */
    node_set reach[NODES_MAX]; /* by one arrow or more */
    char_set takes[NODES_MAX];
    struct {
        node_set nodes;
        uint32_t column;
    } loops[LOOPS_MAX];
    uint32_t n_loops;
    bool too_large;
} graph;

typedef struct judge {
    uint32_t sample[SAMPLE_MAX];
    uint32_t n_sample;
    graph g;
    judged_growth worst;
} judge;

/* What an expression begins and ends with, and whether it can be nothing. */
typedef struct edges {
    node_set first, last;
    bool nullable;
} edges;

/* ---- sets ---- */

static bool has(const node_set *s, uint32_t i)
{
    return s->words[i / 64] >> (i % 64) & 1;
}

static void add(node_set *s, uint32_t i)
{
    s->words[i / 64] |= 1ull << (i % 64);
}

static void add_all(node_set *to, const node_set *from)
{
    for (unsigned w = 0; w < WORDS; w++)
        to->words[w] |= from->words[w];
}

static unsigned count(const node_set *s)
{
    unsigned n = 0;

    for (unsigned w = 0; w < WORDS; w++)
        n += (unsigned)__builtin_popcountll(s->words[w]);
    return n;
}

static bool share_char(const char_set *a, const char_set *b)
{
    uint64_t both = 0;

    for (unsigned w = 0; w < SAMPLE_WORDS; w++)
        both |= a->words[w] & b->words[w];
    return both != 0;
}

static char_set shared_chars(const char_set *a, const char_set *b)
{
    char_set both;

    for (unsigned w = 0; w < SAMPLE_WORDS; w++)
        both.words[w] = a->words[w] & b->words[w];
    return both;
}

/* ---- characters ---- */

static void sample_char(judge *j, uint32_t cp)
{
    for (uint32_t i = 0; i < j->n_sample; i++) {
        if (j->sample[i] == cp)
            return;
    }
    if (j->n_sample < SAMPLE_MAX)
        j->sample[j->n_sample++] = cp;
}

/* ASCII, one beyond it of each kind, and what the expression names. */
static void sample_node(judge *j, const regex_node *n)
{
    if (n->type == REGEX_CHAR)
        sample_char(j, n->cp);
    for (uint32_t i = 0; i < n->n_ranges && n->type == REGEX_SET; i++)
        sample_char(j, n->ranges[i].lo);
    for (uint32_t i = 0; i < n->n_kids; i++)
        sample_node(j, n->kids[i]);
}

static void make_sample(judge *j, const regex_node *root)
{
    static const uint32_t others[] = {0xE9, 0x660, 0x2003, 0x20AC};

    for (uint32_t cp = 0; cp < 128; cp++)
        sample_char(j, cp);
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        sample_char(j, others[i]);
    sample_node(j, root);
}

static bool takes_char(const regex_node *n, uint32_t cp)
{
    if (n->type == REGEX_SET)
        return regex_set_has(n, cp);
    return n->fold ? unicode_canon(n->cp) == unicode_canon(cp) : n->cp == cp;
}

/* ---- from tree to graph ---- */

static edges build(judge *j, const regex_node *n, bool loops);

static void connect(graph *g, const node_set *from, const node_set *to)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (!has(from, i))
            continue;
        for (unsigned w = 0; w < WORDS; w++) {
            g->twice[i].words[w] |= g->follow[i].words[w] & to->words[w];
            g->follow[i].words[w] |= to->words[w];
        }
    }
}

static edges one_char(judge *j, const regex_node *n)
{
    graph *g = &j->g;
    edges e = {0};

    if (g->n == NODES_MAX) {
        g->too_large = true;
        return e;
    }
    for (uint32_t i = 0; i < j->n_sample; i++) {
        if (takes_char(n, j->sample[i]))
            g->takes[g->n].words[i / 64] |= 1ull << (i % 64);
    }
    add(&e.first, g->n);
    add(&e.last, g->n);
    g->n++;
    return e;
}

static edges in_sequence(graph *g, edges a, edges b)
{
    edges both = {.first = a.first, .last = b.last, .nullable = a.nullable && b.nullable};

    connect(g, &a.last, &b.first);
    if (a.nullable)
        add_all(&both.first, &b.first);
    if (b.nullable)
        add_all(&both.last, &a.last);
    return both;
}

static edges either(edges a, edges b)
{
    add_all(&a.first, &b.first);
    add_all(&a.last, &b.last);
    a.nullable |= b.nullable;
    return a;
}

static edges a_loop(judge *j, const regex_node *n, uint32_t first_node, edges body)
{
    graph *g = &j->g;

    connect(g, &body.last, &body.first);
    if (g->n_loops == LOOPS_MAX) {
        g->too_large = true;
        return body;
    }
    for (uint32_t i = first_node; i < g->n; i++)
        add(&g->loops[g->n_loops].nodes, i);
    g->loops[g->n_loops++].column = n->column;
    return body;
}

static edges a_repeat(judge *j, const regex_node *n, bool loops)
{
    uint32_t first_node = j->g.n;
    edges e;

    if (n->greed == REGEX_POSSESSIVE)
        loops = false;
    if (n->max == 0)
        return (edges){.nullable = true};
    e = build(j, n->kids[0], loops);
    if (loops && n->max >= LOOP_MIN) {
        e = a_loop(j, n, first_node, e);
    } else if (loops && n->max > 1) { /* a second round stands for all there may be */
        edges again = build(j, n->kids[0], loops);

        again.nullable |= n->min < 2;
        e = in_sequence(&j->g, e, again);
    }
    e.nullable |= n->min == 0;
    return e;
}

static edges from_kids(judge *j, const regex_node *n, bool loops)
{
    edges e = {.nullable = true};

    /* a condition may have but one branch */
    for (uint32_t i = 0; i < n->n_kids && !j->g.too_large; i++) {
        edges kid = build(j, n->kids[i], loops);

        if (i == 0)
            e = kid;
        else
            e = n->type == REGEX_CAT ? in_sequence(&j->g, e, kid) : either(e, kid);
    }
    e.nullable |= n->type == REGEX_COND && n->n_kids == 1;
    return e;
}

static edges build(judge *j, const regex_node *n, bool loops)
{
    switch (n->type) {
    case REGEX_CHAR:
    case REGEX_SET:
        return one_char(j, n);
    case REGEX_REPEAT:
        return a_repeat(j, n, loops);
    case REGEX_GROUP:
        return build(j, n->kids[0], loops);
    case REGEX_ATOMIC:
        return build(j, n->kids[0], false);
    case REGEX_CAT:
    case REGEX_ALT:
    case REGEX_COND:
        return from_kids(j, n, loops);
    case REGEX_EMPTY:
    case REGEX_ASSERT:
    case REGEX_LOOK:
    case REGEX_BACKREF:
        break;
    }
    return (edges){.nullable = true};
}

/* ---- what the graph says ---- */

static void find_reach(graph *g)
{
    memcpy(g->reach, g->follow, sizeof(g->reach));
    for (uint32_t k = 0; k < g->n; k++) {
        for (uint32_t i = 0; i < g->n; i++) {
            if (has(&g->reach[i], k))
                add_all(&g->reach[i], &g->reach[k]);
        }
    }
}

/* Two readers of one text, each at a node. */
typedef struct pair {
    uint8_t a, b;
} pair;

typedef struct pairs {
    node_set seen[NODES_MAX];
    pair todo[NODES_MAX * NODES_MAX];
    uint32_t n_todo, work;
} pairs;

static void add_pair(pairs *p, uint32_t a, uint32_t b)
{
    if (has(&p->seen[a], b))
        return;
    add(&p->seen[a], b);
    p->todo[p->n_todo++] = (pair){(uint8_t)a, (uint8_t)b};
}

static bool same_loop(const graph *g, uint32_t a, uint32_t b)
{
    return has(&g->reach[a], b) && has(&g->reach[b], a);
}

/* All pairs that readers get to, within loops, from one node of them; or, against the arrows, from
 * where they get to one. */
static void follow_pairs(const graph *g, const node_set *arrows, pairs *p)
{
    for (uint32_t i = 1; i < g->n; i++) {
        if (has(&g->reach[i], i))
            add_pair(p, i, i);
    }
    while (p->n_todo && p->work < WORK_MAX) {
        pair at = p->todo[--p->n_todo];

        for (uint32_t a = 1; a < g->n; a++) {
            if (!has(&arrows[at.a], a) || !same_loop(g, a, at.a))
                continue;
            p->work += g->n;
            for (uint32_t b = 1; b < g->n; b++) {
                if (has(&arrows[at.b], b) && same_loop(g, b, at.b) &&
                    share_char(&g->takes[a], &g->takes[b]))
                    add_pair(p, a, b);
            }
        }
    }
}

static void turn_arrows(const graph *g, node_set *ret_arrows)
{
    memset(ret_arrows, 0, NODES_MAX * sizeof(*ret_arrows));
    for (uint32_t i = 0; i < g->n; i++) {
        for (uint32_t k = 0; k < g->n; k++) {
            if (has(&g->follow[i], k))
                add(&ret_arrows[k], i);
        }
    }
}

/* The outermost loop that node stands in. */
static uint32_t column_of_loop(const graph *g, uint32_t node)
{
    uint32_t column = 0;
    unsigned most = 0;

    for (uint32_t i = 0; i < g->n_loops; i++) {
        unsigned n = count(&g->loops[i].nodes);

        if (!has(&g->loops[i].nodes, node) || n < most)
            continue;
        most = n;
        column = g->loops[i].column;
    }
    return column;
}

/* An arrow of a loop that stands for two ways, as in (a+)+. */
static uint32_t find_double_arrow(const graph *g)
{
    for (uint32_t i = 1; i < g->n; i++) {
        for (uint32_t k = 1; k < g->n; k++) {
            if (has(&g->twice[i], k) && same_loop(g, i, k))
                return i;
        }
    }
    return 0;
}

/* A node of a loop from which two readers part and meet again; 0: none, or -ENOMEM. */
static int find_parting(const graph *g)
{
    pairs *forth = calloc(1, sizeof(*forth)), *back = calloc(1, sizeof(*back));
    node_set *turned = calloc(NODES_MAX, sizeof(*turned));
    int found = forth && back && turned ? 0 : -ENOMEM;

    if (!found) {
        turn_arrows(g, turned);
        follow_pairs(g, g->follow, forth);
        follow_pairs(g, turned, back);
    }
    for (uint32_t a = 1; !found && a < g->n; a++) {
        for (uint32_t b = 1; !found && b < g->n; b++) {
            if (a != b && has(&forth->seen[a], b) && has(&back->seen[a], b))
                found = (int)a;
        }
    }
    free(turned);
    free(forth);
    free(back);
    return found;
}

/* Can a text that leads from the loop of one node to that of another be read in either loop? Told
 * of nodes that follow themselves. */
static bool shares_text(const graph *g, uint32_t from, uint32_t to)
{
    char_set both = shared_chars(&g->takes[from], &g->takes[to]);
    node_set seen = {0};
    uint8_t todo[NODES_MAX];
    uint32_t n_todo = 0;

    todo[n_todo++] = (uint8_t)from;
    while (n_todo) {
        uint32_t at = todo[--n_todo];

        for (uint32_t k = 1; k < g->n; k++) {
            if (!has(&g->follow[at], k) || has(&seen, k) || !share_char(&g->takes[k], &both))
                continue;
            add(&seen, k);
            todo[n_todo++] = (uint8_t)k;
        }
    }
    return has(&seen, to);
}

/* The most loops in a row from node on of which each shares text with the next. known: lengths that
 * were told already. */
static unsigned longest_row(const graph *g, uint32_t node, uint8_t *known)
{
    unsigned longest = 0;

    if (known[node])
        return known[node];
    for (uint32_t k = 1; k < g->n; k++) {
        if (k == node || !has(&g->follow[k], k) || !has(&g->reach[node], k) ||
            has(&g->reach[k], node) || !shares_text(g, node, k))
            continue;
        unsigned row = longest_row(g, k, known);

        longest = row > longest ? row : longest;
    }
    known[node] = (uint8_t)(longest + 1);
    return longest + 1;
}

static void judge_rows(judge *j)
{
    uint8_t known[NODES_MAX] = {0};
    unsigned degree = 0, most = 0;
    uint32_t first = 0;

    for (uint32_t i = 0; i < j->g.n; i++) {
        unsigned row = has(&j->g.follow[i], i) ? longest_row(&j->g, i, known) : 0;

        degree = row > degree ? row : degree;
        if (i == START || row <= most)
            continue;
        most = row;
        first = i;
    }
    if (degree <= j->worst.degree)
        return;
    j->worst.degree = degree;
    j->worst.column = column_of_loop(&j->g, first);
}

/* What a search passes over before its match is a loop, too, unless it has but one place to begin.
 */
static void add_start(judge *j, const edges *all, bool anchored)
{
    graph *g = &j->g;
    node_set start = {0};

    if (anchored)
        return;
    add(&start, START);
    connect(g, &start, &start);
    connect(g, &start, &all->first);
}

static bool begins_at_start(const regex_node *n)
{
    while ((n->type == REGEX_CAT && n->n_kids) || n->type == REGEX_GROUP)
        n = n->kids[0];
    return n->type == REGEX_ASSERT && n->assert_type == REGEX_TEXT_START;
}

static int judge_graph(judge *j, const regex_node *root, bool anchored)
{
    graph *g = &j->g;
    edges all;
    int node;

    if (j->worst.exponential)
        return 0;
    *g = (graph){.n = 1};
    memset(&g->takes[START], 0xFF, sizeof(g->takes[START]));
    all = build(j, root, true);
    if (g->too_large)
        return 0;
    add_start(j, &all, anchored);
    find_reach(g);
    node = (int)find_double_arrow(g);
    if (!node)
        node = find_parting(g);
    if (node < 0)
        return node;
    if (node > 0)
        j->worst =
            (judged_growth){.exponential = true, .column = column_of_loop(g, (uint32_t)node)};
    else
        judge_rows(j);
    return 0;
}

/* The insides of what is left by one way only. */
static int judge_insides(judge *j, const regex_node *n)
{
    bool alone = n->type == REGEX_LOOK || n->type == REGEX_ATOMIC ||
                 (n->type == REGEX_REPEAT && n->greed == REGEX_POSSESSIVE);
    int rc = alone ? judge_graph(j, n->kids[0], true) : 0;

    for (uint32_t i = 0; !rc && i < n->n_kids; i++)
        rc = judge_insides(j, n->kids[i]);
    return rc;
}

int judge_growth(const pattern *p, judged_growth *ret)
{
    auto_free(arena) arena a = {0};
    judge *j;
    regex re;
    int rc;

    if (pattern_get_kind(p) != PATTERN_BACKTRACK)
        return 0;
    rc = regex_read(pattern_source(p), pattern_flags(p) & PATTERN_IGNORE_CASE, &a, &re, NULL);
    if (rc)
        return rc < 0 ? rc : 0;
    j = calloc(1, sizeof(*j));
    if (!j)
        return -ENOMEM;
    make_sample(j, re.root);
    rc = judge_graph(j, re.root, begins_at_start(re.root));
    if (!rc)
        rc = judge_insides(j, re.root);
    *ret = j->worst;
    free(j);
    return rc ? rc : ret->exponential || ret->degree >= 2;
}
