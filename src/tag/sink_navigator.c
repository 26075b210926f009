/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer for the ATT&CK Navigator, file format 4.5. The score of a technique is its number of
 * tags. Counts on honeypots span decades, where a linear gradient shows one red cell among white
 * ones; so each cell also has the colour of its decade, and the legend tells them.
 */
#include "base/err.h"
#include "tag/out.h"
#include "tag/tag.h"
#include "tag/tally.h"
#include "tag/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#define MAX_RELEASES_NAMED 8

static const struct {
    uint64_t from;
    const char *color, *label;
} decades[] = {
    {1, "#fee5d9", "1 to 9 tags"},
    {10, "#fcae91", "10 to 99 tags"},
    {100, "#fb6a4a", "100 to 999 tags"},
    {1000, "#de2d26", "1000 to 9999 tags"},
    {10000, "#a50f15", "10000 tags and more"},
};
#define N_DECADES (sizeof(decades) / sizeof(decades[0]))

/* A cell of the matrix: a technique under a tactic. */
typedef struct cell {
    str id;
    str tactic; /* its short name; STR_NULL where the catalogue does not know it: then under each of
                   its tactics */
    size_t order; /* of the tactic in the kill chain */
    bool expanded;
    tally_row seen; /* count 0: only there to show its sub-techniques */
} cell;

typedef struct navigator_sink {
    tag_sink base;
    out out;
    const attack_catalogue *catalogue;
    char *name;
    tally *tally;
    uint64_t left_out;
} navigator_sink;

typedef struct layer {
    str release;
    tally_row *rows; /* sorted by release */
    size_t n_rows;
    cell *cells;
    size_t n_cells;
    uint64_t n_tags, max_count;
} layer;

static int compare_releases(const void *a, const void *b)
{
    const tally_row *x = a, *y = b;

    return str_cmp(x->release, y->release);
}

/* The run of rows of one release that starts at i: its end, and its tags. */
static size_t release_run(const layer *l, size_t i, uint64_t *ret_tags)
{
    size_t start = i;

    *ret_tags = 0;
    for (; i < l->n_rows && str_eq(l->rows[i].release, l->rows[start].release); i++)
        *ret_tags += l->rows[i].count;
    return i;
}

/* Of the release with most tags (of several the first by name) make the layer. */
static void choose_release(layer *l, str otherwise)
{
    uint64_t n_tags;

    l->release = otherwise;
    for (size_t i = 0, next; i < l->n_rows; i = next) {
        next = release_run(l, i, &n_tags);
        if (n_tags > l->n_tags) {
            l->n_tags = n_tags;
            l->release = l->rows[i].release;
        }
    }
}

static int compare_cells(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    int c = str_cmp(x->id, y->id);

    if (c)
        return c;
    return (x->order > y->order) - (x->order < y->order);
}

/* Two rows of one cell: under tactics that the catalogue does not know. */
static void join_rows(tally_row *into, const tally_row *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0) {
        *into = *from;
        return;
    }
    into->count += from->count;
    into->n_rules = from->n_rules > into->n_rules ? from->n_rules : into->n_rules;
    into->confidence = from->confidence > into->confidence ? from->confidence : into->confidence;
    if (from->first_us != TIME_NONE &&
        (into->first_us == TIME_NONE || from->first_us < into->first_us))
        into->first_us = from->first_us;
    if (from->last_us > into->last_us)
        into->last_us = from->last_us;
    if (from->first_made_us < into->first_made_us)
        into->first_made_us = from->first_made_us;
    if (from->last_made_us > into->last_made_us)
        into->last_made_us = from->last_made_us;
    if (from->top_count > into->top_count) {
        into->top_count = from->top_count;
        into->top_rule = from->top_rule;
        into->top_rule_name = from->top_rule_name;
    }
}

static void join_equal_cells(layer *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n_cells; i++) {
        cell *c = &l->cells[i];

        if (n && compare_cells(&l->cells[n - 1], c) == 0) {
            l->cells[n - 1].expanded |= c->expanded;
            join_rows(&l->cells[n - 1].seen, &c->seen);
        } else {
            l->cells[n++] = *c;
        }
    }
    l->n_cells = n;
}

/* Each row makes a cell; a sub-technique's makes one more for its parent, or nobody would see it.
 */
static int make_cells(const navigator_sink *s, layer *l)
{
    l->cells = calloc(2 * l->n_rows + 1, sizeof(*l->cells));
    if (!l->cells)
        return -ENOMEM;
    for (size_t i = 0; i < l->n_rows; i++) {
        const tally_row *r = &l->rows[i];
        const attack_tactic *tactic = attack_find_tactic(s->catalogue, r->tactic);
        cell c = {.id = r->technique_id, .tactic = tactic ? tactic->shortname : STR_NULL};

        if (!str_eq(r->release, l->release))
            continue;
        c.order = tally_tactic_order(s->catalogue, r->tactic);
        if (r->sub_technique_id.ptr) {
            c.expanded = true;
            l->cells[l->n_cells++] = c;
            c.expanded = false;
            c.id = r->sub_technique_id;
        }
        c.seen = *r;
        l->cells[l->n_cells++] = c;
    }
    qsort(l->cells, l->n_cells, sizeof(*l->cells), compare_cells);
    join_equal_cells(l);
    for (size_t i = 0; i < l->n_cells; i++)
        l->max_count = l->cells[i].seen.count > l->max_count ? l->cells[i].seen.count
                                                             : l->max_count;
    return 0;
}

/* A text put together piece by piece, as a JSON string. */
static void put_quoted(buf *b, const buf *text)
{
    buf_put_json(b, buf_str(text));
    b->failed |= text->failed;
}

static void put_comment(buf *b, const tally_row *r)
{
    auto_free(buf) buf text = {0};

    text_put_amount(&text, r->count, "tag");
    buf_put_c(&text, " by ");
    text_put_amount(&text, r->n_rules, "rule");
    buf_put_c(&text, ", most by ");
    buf_put_str(&text, r->top_rule);
    if (r->top_rule_name.len) {
        buf_put_char(&text, ' ');
        buf_put_str(&text, r->top_rule_name);
    }
    put_quoted(b, &text);
}

static void put_time(buf *b, const char *name, int64_t us)
{
    char text[TIME_TEXT_LEN];

    time_format(us, text);
    buf_printf(b, ",{\"name\":\"%s\",\"value\":\"%.*s\"}", name, TIME_TEXT_LEN, text);
}

/* When it happened; where nobody knows, when it was found. */
static void put_times(buf *b, const tally_row *r)
{
    if (r->first_us != TIME_NONE) {
        put_time(b, "first seen", r->first_us);
        put_time(b, "last seen", r->last_us);
    } else {
        put_time(b, "first tagged", r->first_made_us);
        put_time(b, "last tagged", r->last_made_us);
    }
}

static const char *color_of(uint64_t count)
{
    size_t i = N_DECADES - 1;

    while (i > 0 && count < decades[i].from)
        i--;
    return decades[i].color;
}

static void put_cell(buf *b, const cell *c)
{
    buf_put_c(b, "{\"techniqueID\":");
    buf_put_json(b, c->id);
    if (c->tactic.ptr) {
        buf_put_c(b, ",\"tactic\":");
        buf_put_json(b, c->tactic);
    }
    if (c->seen.count) {
        buf_put_c(b, ",\"score\":");
        buf_put_u64(b, c->seen.count);
        buf_printf(b, ",\"color\":\"%s\",\"comment\":", color_of(c->seen.count));
        put_comment(b, &c->seen);
        buf_put_c(b, ",\"metadata\":[{\"name\":\"highest confidence\",\"value\":\"");
        buf_put_double(b, c->seen.confidence);
        buf_put_c(b, "\"}");
        put_times(b, &c->seen);
        buf_put_char(b, ']');
    }
    buf_printf(b, ",\"enabled\":true,\"showSubtechniques\":%s}", c->expanded ? "true" : "false");
}

/* "enterprise-v18.1": the domain's word and the major version; empty where it is not of that form.
 */
static void split_release(str release, str *ret_word, str *ret_major)
{
    const char *v = str_find(release, STR("-v"));
    str rest;

    *ret_word = *ret_major = STR("");
    if (!v)
        return;
    *ret_word = (str){release.ptr, (size_t)(v - release.ptr)};
    rest = (str){v + 2, 0};
    while (rest.ptr + rest.len < release.ptr + release.len &&
           isdigit((unsigned char)rest.ptr[rest.len]))
        rest.len++;
    *ret_major = rest;
}

static void put_versions(buf *b, str release)
{
    bool mobile, ics;
    str word, major;

    split_release(release, &word, &major);
    mobile = str_eq(word, STR("mobile"));
    ics = str_eq(word, STR("ics"));
    buf_put_c(b, "\"versions\":{");
    if (major.len) {
        buf_put_c(b, "\"attack\":");
        buf_put_json(b, major);
        buf_put_char(b, ',');
    }
    buf_printf(b, "\"navigator\":\"5.1.0\",\"layer\":\"4.5\"},\n\"domain\":\"%s-attack\",\n",
               mobile ? "mobile"
               : ics  ? "ics"
                      : "enterprise");
}

/* "; left out: 3 tags of enterprise-v17.1, 1 tag of enterprise-v16.1 (4 in all)" */
static void put_others(buf *text, const navigator_sink *s, const layer *l)
{
    uint64_t n_tags;
    unsigned n_others = 0;

    for (size_t i = 0, next; i < l->n_rows; i = next) {
        next = release_run(l, i, &n_tags);
        if (str_eq(l->rows[i].release, l->release) || n_others++ >= MAX_RELEASES_NAMED)
            continue;
        buf_put_c(text, n_others == 1 ? "; left out: " : ", ");
        text_put_amount(text, n_tags, "tag");
        buf_put_c(text, " of ");
        buf_put_str(text, l->rows[i].release);
    }
    if (n_others > 1)
        buf_printf(text, " (%" PRIu64 " in all)", s->left_out);
}

static void put_description(buf *b, const navigator_sink *s, const layer *l)
{
    auto_free(buf) buf text = {0};

    text_put_amount(&text, l->n_tags, "tag");
    buf_put_c(&text, ", ATT&CK ");
    buf_put_str(&text, l->release);
    put_others(&text, s, l);
    buf_put_c(b, "\"description\":");
    put_quoted(b, &text);
    buf_put_c(b, ",\n");
}

static void put_legend(buf *b, const layer *l)
{
    buf_put_c(b, "\"gradient\":{\"colors\":[\"#fee5d9\",\"#a50f15\"],\"minValue\":0,\"maxValue\":");
    buf_put_u64(b, l->max_count ? l->max_count : 1);
    buf_put_c(b, "},\n\"legendItems\":[");
    for (size_t i = 0; i < N_DECADES && decades[i].from <= l->max_count; i++)
        buf_printf(b, "%s{\"label\":\"%s\",\"color\":\"%s\"}", i ? "," : "", decades[i].label,
                   decades[i].color);
    buf_put_c(b, "],\n");
}

static void put_layer(const navigator_sink *s, const layer *l, buf *b)
{
    buf_put_c(b, "{\n\"name\":");
    buf_put_json(b, str_from(s->name));
    buf_put_c(b, ",\n");
    put_versions(b, l->release);
    put_description(b, s, l);
    buf_put_c(b, "\"sorting\":3,\n" /* by score, falling */
                 "\"layout\":{\"layout\":\"side\",\"aggregateFunction\":\"sum\",\"showID\":true,"
                 "\"showName\":true,\"showAggregateScores\":false,\"countUnscored\":false,"
                 "\"expandedSubtechniques\":\"annotated\"},\n"
                 "\"hideDisabled\":false,\n\"techniques\":[");
    for (size_t i = 0; i < l->n_cells; i++) {
        buf_put_c(b, i ? ",\n" : "\n");
        put_cell(b, &l->cells[i]);
    }
    buf_put_c(b, l->n_cells ? "\n],\n" : "],\n");
    put_legend(b, l);
    buf_put_c(b, "\"metadata\":[{\"name\":\"ATT&CK release\",\"value\":");
    buf_put_json(b, l->release);
    buf_put_c(b,
              "},{\"name\":\"made by\",\"value\":\"decnet-ttp " TTP_VERSION "\"}],\n"
              "\"showTacticRowBackground\":false,\n\"selectTechniquesAcrossTactics\":false,\n"
              "\"selectSubtechniquesWithParent\":false,\n\"selectVisibleTechniques\":false\n}\n");
}

static int render(navigator_sink *s)
{
    layer l = {0};
    int rc = tally_rows(s->tally, &l.rows, &l.n_rows);

    if (!rc) {
        qsort(l.rows, l.n_rows, sizeof(*l.rows), compare_releases);
        choose_release(&l, attack_release(s->catalogue));
        s->left_out = tally_count(s->tally) - l.n_tags;
        rc = make_cells(s, &l);
    }
    if (!rc)
        put_layer(s, &l, &s->out.data); /* a failed allocation shows in the buffer */
    free(l.rows);
    free(l.cells);
    return rc;
}

static int navigator_put(tag_sink *s, const tag *t, ttp_err *err)
{
    int rc = tag_check(t, err);

    if (rc)
        return rc;
    if (tally_add(((navigator_sink *)s)->tally, t))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    return 0;
}

static int navigator_flush(tag_sink *s, ttp_err *err)
{
    navigator_sink *n = (navigator_sink *)s;
    int rc;

    if (n->out.whole) /* a flush before this one failed midway */
        return out_flush(&n->out, err);
    if (render(n))
        n->out.data.failed = true;
    rc = out_commit(&n->out, err);
    return rc ? rc : out_flush(&n->out, err);
}

static void navigator_free(tag_sink *s)
{
    navigator_sink *n = (navigator_sink *)s;

    out_done(&n->out);
    (void)tally_free(n->tally); /* NULL by convention */
    free(n->name);
    free(n);
}

int tag_sink_navigator_new(int fd, const attack_catalogue *catalogue, const char *layer_name,
                           tag_sink **ret_sink)
{
    static const tag_sink_ops ops = {.put = navigator_put,
                                     .flush = navigator_flush,
                                     .free = navigator_free,
                                     .flushes_once = true};
    navigator_sink *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->base.ops = &ops;
    out_init(&s->out, fd);
    s->catalogue = catalogue ? catalogue : attack_builtin();
    s->name = strdup(layer_name ? layer_name : "ATT&CK techniques seen by decoys");
    s->tally = tally_new(true);
    if (!s->name || !s->tally) {
        navigator_free(&s->base);
        return -ENOMEM;
    }
    *ret_sink = &s->base;
    return 0;
}

uint64_t tag_sink_navigator_left_out(const tag_sink *s)
{
    return ((const navigator_sink *)s)->left_out;
}
