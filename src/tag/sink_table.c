/* SPDX-License-Identifier: Apache-2.0 */
/* Summary table for a terminal: one line a tactic and technique, narrowed step by step until it
 * fits. */
#include "base/arena.h"
#include "base/err.h"
#include "tag/out.h"
#include "tag/tag.h"
#include "tag/tally.h"
#include "tag/text.h"

#include <errno.h>
#include <stdio.h>

enum {
    COL_TACTIC,
    COL_TECHNIQUE,
    COL_NAME,
    COL_COUNT,
    COL_FIRST,
    COL_LAST,
    COL_CONFIDENCE,
    COL_RULE,
    N_COLS,
};

#define GAP 2
#define DATE_LEN 10
#define MAX_CELL_CHARS 120

static const char *const titles[N_COLS] = {"TACTIC",     "TECHNIQUE", "NAME", "COUNT",
                                           "FIRST SEEN", "LAST SEEN", "CONF", "TOP RULE"};

typedef struct line {
    const tally_row *row;
    size_t order; /* of its tactic in the kill chain */
    str cells[N_COLS];
} line;

typedef struct table_sink {
    tag_sink base;
    out out;
    const attack_catalogue *catalogue;
    unsigned width;
    bool color;
    tally *tally;
} table_sink;

static int compare_lines(const void *a, const void *b)
{
    const line *x = a, *y = b;
    int c;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    c = str_cmp(x->row->tactic, y->row->tactic);
    if (c)
        return c;
    if (x->row->count != y->row->count)
        return x->row->count > y->row->count ? -1 : 1;
    c = str_cmp(x->row->technique_id, y->row->technique_id);
    return c ? c : str_cmp(x->row->sub_technique_id, y->row->sub_technique_id);
}

/* A copy without anything that could steer a terminal; rule files and bundles come from elsewhere.
 */
static str clean(arena *a, str text)
{
    char quoted[MAX_CELL_CHARS * 8];

    if (!text.len)
        return STR("-");
    return arena_str(
        a, str_from(err_quote(quoted, sizeof(quoted), text.ptr, text.len, MAX_CELL_CHARS)));
}

static str time_cell(arena *a, int64_t us)
{
    char text[TIME_TEXT_LEN];

    if (us == TIME_NONE)
        return STR("-");
    time_format(us, text);
    text[19] = 'Z'; /* whole seconds do for people */
    return arena_str(a, (str){text, 20});
}

static str number_cell(arena *a, const char *format, double value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), format, value); /* at most 20 digits */
    return arena_str(a, str_from(text));
}

static str rule_cell(arena *a, const tally_row *r)
{
    auto_free(buf) buf b = {0};
    str copy = STR_NULL;

    buf_put_str(&b, r->top_rule);
    if (r->top_rule_name.len) {
        buf_put_char(&b, ' ');
        buf_put_str(&b, r->top_rule_name);
    }
    if (!b.failed)
        copy = clean(a, buf_str(&b));
    return copy;
}

/* Returns false when out of memory. */
static bool fill_cells(const table_sink *s, arena *a, line *l)
{
    const tally_row *r = l->row;
    str id = r->sub_technique_id.ptr ? r->sub_technique_id : r->technique_id;
    const attack_tactic *tactic = attack_find_tactic(s->catalogue, r->tactic);
    const attack_technique *technique = attack_find(s->catalogue, id);

    l->cells[COL_TACTIC] = clean(a, tactic ? tactic->name : r->tactic);
    l->cells[COL_TECHNIQUE] = clean(a, id);
    l->cells[COL_NAME] = clean(a, technique ? technique->name : STR_NULL);
    l->cells[COL_COUNT] = number_cell(a, "%.0f", (double)r->count);
    l->cells[COL_FIRST] = time_cell(a, r->first_us);
    l->cells[COL_LAST] = time_cell(a, r->last_us);
    l->cells[COL_CONFIDENCE] = number_cell(a, "%.2f", r->confidence);
    l->cells[COL_RULE] = rule_cell(a, r);
    for (unsigned c = 0; c < N_COLS; c++) {
        if (!l->cells[c].ptr)
            return false;
    }
    return true;
}

/* Days instead of seconds. */
static void shorten_times(line *lines, size_t n, unsigned widths[N_COLS])
{
    for (size_t i = 0; i < n; i++) {
        for (unsigned c = COL_FIRST; c <= COL_LAST; c++) {
            if (lines[i].cells[c].len > DATE_LEN)
                lines[i].cells[c].len = DATE_LEN;
        }
    }
    widths[COL_FIRST] = widths[COL_LAST] = DATE_LEN;
}

/* Rules by id alone, which tells more than half an id and an ellipsis. */
static void drop_rule_names(line *lines, size_t n, unsigned widths[N_COLS])
{
    widths[COL_RULE] = 1;
    for (size_t i = 0; i < n; i++) {
        str *cell = &lines[i].cells[COL_RULE];
        const char *space = memchr(cell->ptr, ' ', cell->len);

        cell->len = space ? (size_t)(space - cell->ptr) : cell->len;
        if (text_width(*cell) > widths[COL_RULE])
            widths[COL_RULE] = text_width(*cell);
    }
}

static unsigned total_width(const unsigned widths[N_COLS])
{
    unsigned total = GAP * (N_COLS - 1);

    for (unsigned c = 0; c < N_COLS; c++)
        total += widths[c];
    return total;
}

/* Take from the columns that can spare it, in this order, until the table fits. */
static void narrow(line *lines, size_t n, unsigned limit, unsigned widths[N_COLS])
{
    static const struct {
        void (*shorten)(line *lines, size_t n, unsigned widths[N_COLS]); /* or: */
        unsigned column, least;
    } steps[] = {
        {NULL, COL_RULE, 20},    {NULL, COL_NAME, 28},   {shorten_times, 0, 0},
        {NULL, COL_RULE, 12},    {NULL, COL_NAME, 20},   {NULL, COL_TACTIC, 12},
        {drop_rule_names, 0, 0}, {NULL, COL_TACTIC, 10}, {NULL, COL_NAME, 8},
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        unsigned total = total_width(widths);
        unsigned *width = &widths[steps[i].column];
        unsigned over = total > limit ? total - limit : 0;

        if (!over)
            return;
        if (steps[i].shorten)
            steps[i].shorten(lines, n, widths);
        else if (*width > steps[i].least)
            *width = *width - steps[i].least > over ? *width - over : steps[i].least;
    }
}

static void measure(const line *lines, size_t n, unsigned widths[N_COLS])
{
    for (unsigned c = 0; c < N_COLS; c++) {
        widths[c] = (unsigned)strlen(titles[c]);
        for (size_t i = 0; i < n; i++) {
            unsigned w = text_width(lines[i].cells[c]);

            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
}

static void put_colored(const table_sink *s, buf *b, const char *escape)
{
    if (s->color)
        buf_put_c(b, escape);
}

/* One line; whatever still does not fit is cut off at the terminal's edge. */
static void put_line(const table_sink *s, buf *b, const str cells[N_COLS],
                     const unsigned widths[N_COLS], const char *first_color)
{
    unsigned left = s->width ? s->width : UINT32_MAX;
    size_t end = b->len;

    for (unsigned c = 0; c < N_COLS && left > 0; c++) {
        unsigned width = widths[c] < left ? widths[c] : left;

        if (c == 0)
            put_colored(s, b, first_color);
        text_put_cell(b, cells[c], width, c == COL_COUNT || c == COL_CONFIDENCE);
        if (c == 0)
            put_colored(s, b, "\033[0m");
        left -= width;
        for (unsigned g = 0; g < GAP && left > 0 && c + 1 < N_COLS; g++, left--)
            buf_put_char(b, ' ');
    }
    while (b->len > end && b->ptr[b->len - 1] == ' ')
        b->len--;
    buf_put_char(b, '\n');
}

static void put_header(const table_sink *s, buf *b, const unsigned widths[N_COLS])
{
    str cells[N_COLS];
    table_sink plain = *s;

    for (unsigned c = 0; c < N_COLS; c++)
        cells[c] = str_from(titles[c]);
    plain.color = false; /* bold as a whole, not cell by cell */
    put_colored(s, b, "\033[1m");
    put_line(&plain, b, cells, widths, "");
    put_colored(s, b, "\033[0m");
}

static int compare_ids(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Techniques may stand under several tactics, and count once. */
static int count_techniques(const line *lines, size_t n, size_t *ret_n)
{
    auto_free(mem) str *ids = malloc((n + 1) * sizeof(*ids));

    if (!ids)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ids[i] = lines[i].row->sub_technique_id.ptr ? lines[i].row->sub_technique_id
                                                    : lines[i].row->technique_id;
    qsort(ids, n, sizeof(*ids), compare_ids);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++)
        *ret_n += i == 0 || !str_eq(ids[i], ids[i - 1]);
    return 0;
}

static int put_totals(const table_sink *s, buf *b, const line *lines, size_t n)
{
    size_t n_techniques, n_rules, n_tactics = 0;
    auto_free(buf) buf text = {0};

    if (count_techniques(lines, n, &n_techniques) || tally_count_rules(s->tally, &n_rules))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        n_tactics += i == 0 || !str_eq(lines[i].row->tactic, lines[i - 1].row->tactic);
    text_put_amount(&text, tally_count(s->tally), "tag");
    buf_put_c(&text, ", ");
    text_put_amount(&text, n_techniques, "technique");
    buf_put_c(&text, ", ");
    text_put_amount(&text, n_tactics, "tactic");
    buf_put_c(&text, ", ");
    text_put_amount(&text, n_rules, "rule");
    if (tally_beyond(s->tally)) {
        buf_put_c(&text, "; not shown: ");
        text_put_amount(&text, tally_beyond(s->tally), "tag");
    }
    if (text.failed)
        return -ENOMEM;
    put_colored(s, b, "\033[1m");
    text_put_cell(b, buf_str(&text), s->width && text.len > s->width ? s->width : 0, false);
    put_colored(s, b, "\033[0m");
    buf_put_char(b, '\n');
    return 0;
}

static int render(table_sink *s)
{
    auto_free(mem) tally_row *rows = NULL;
    auto_free(mem) line *lines = NULL;
    auto_free(arena) arena a = {0};
    buf *b = &s->out.data;
    unsigned widths[N_COLS];
    size_t n;

    if (tally_rows(s->tally, &rows, &n) || !(lines = calloc(n + 1, sizeof(*lines))))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        lines[i].row = &rows[i];
        lines[i].order = tally_tactic_order(s->catalogue, rows[i].tactic);
        if (!fill_cells(s, &a, &lines[i]))
            return -ENOMEM;
    }
    qsort(lines, n, sizeof(*lines), compare_lines);
    if (n) {
        measure(lines, n, widths);
        if (s->width)
            narrow(lines, n, s->width, widths);
        put_header(s, b, widths);
        for (size_t i = 0; i < n; i++)
            put_line(s, b, lines[i].cells, widths, "\033[36m");
        buf_put_char(b, '\n');
    }
    return put_totals(s, b, lines, n);
}

static int table_put(tag_sink *s, const tag *t, ttp_err *err)
{
    int rc = tag_check(t, err);

    if (rc)
        return rc;
    if (tally_add(((table_sink *)s)->tally, t))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    return 0;
}

static int table_flush(tag_sink *s, ttp_err *err)
{
    table_sink *table = (table_sink *)s;
    int rc;

    if (table->out.whole) /* a flush before this one failed midway */
        return out_flush(&table->out, err);
    if (render(table))
        table->out.data.failed = true;
    rc = out_commit(&table->out, err);
    return rc ? rc : out_flush(&table->out, err);
}

static void table_free(tag_sink *s)
{
    table_sink *table = (table_sink *)s;

    out_done(&table->out);
    (void)tally_free(table->tally); /* NULL by convention */
    free(table);
}

int tag_sink_table_new(int fd, const attack_catalogue *catalogue, unsigned width, bool color,
                       tag_sink **ret_sink)
{
    static const tag_sink_ops ops = {
        .put = table_put, .flush = table_flush, .free = table_free, .flushes_once = true};
    table_sink *s = calloc(1, sizeof(*s));

    if (!s || !(s->tally = tally_new(false))) {
        free(s);
        return -ENOMEM;
    }
    s->base.ops = &ops;
    s->catalogue = catalogue ? catalogue : attack_builtin();
    s->width = width;
    s->color = color;
    out_init(&s->out, fd);
    *ret_sink = &s->base;
    return 0;
}
