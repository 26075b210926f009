/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence: what of the event a tag keeps, so that a person sees why. The rule's evidence_fields
 * that the payload has, who ran a command and from where, and, where the rule names them, what its
 * leaves matched:
 *
 *     matched_tokens  the texts that its leaves matched, each once, in the order of the leaves
 *     matched_groups  the groups of its first regex with groups, by name, else by number
 *     rule_pattern    the pattern of the first leaf that held
 *
 * Leaves below a `not` say why a rule did not hold, and so are no evidence.
 */
#include "engine/evaluator.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <errno.h>

#define SPANS_MAX 100 /* groups of one regex that are shown */

/* A string of the payload, cut at a character where it is longer than evidence may be. */
static void put_string(buf *b, str s)
{
    if (s.len > EVIDENCE_STRING_MAX) {
        s.len = EVIDENCE_STRING_MAX;
        while (s.len > 0 && ((unsigned char)s.ptr[s.len] & 0xC0) == 0x80)
            s.len--;
    }
    buf_put_json(b, s);
}

static void put_value(buf *b, const json_node *n)
{
    const json_node *kid = n + 1;
    bool is_object = n->type == JSON_OBJECT;
    uint32_t n_kids = n->len < EVIDENCE_ITEMS_MAX ? n->len : EVIDENCE_ITEMS_MAX;

    if (n->type == JSON_STRING) {
        put_string(b, json_str(n));
        return;
    }
    if (n->type < JSON_ARRAY) {
        json_write(b, n);
        return;
    }
    buf_put_char(b, is_object ? '{' : '[');
    for (uint32_t i = 0; i < n_kids; i++) {
        if (i)
            buf_put_char(b, ',');
        if (is_object) {
            put_string(b, json_str(kid++));
            buf_put_char(b, ':');
        }
        put_value(b, kid);
        kid = json_next(kid);
    }
    buf_put_char(b, is_object ? '}' : ']');
}

/* A member's key in the object that starts at byte start of b. */
static void put_key(buf *b, size_t start, str key)
{
    if (b->len > start + 1)
        buf_put_char(b, ',');
    buf_put_json(b, key);
    buf_put_char(b, ':');
}

/* What the leaves matched, gathered in one walk over the expression. */
typedef struct findings {
    evaluator *e;
    const kind_rule *kr;
    const event *ev;
    bool wants_tokens, wants_groups, wants_pattern;
    str *tokens;
    size_t n_tokens, cap_tokens;
    buf groups; /* an object's members */
    bool has_groups;
    str pattern; /* STR_NULL: no leaf yet */
    int rc;
} findings;

static void note_groups(findings *f, const pattern *p, str text, const match_span *spans,
                        unsigned n_groups)
{
    for (unsigned g = 1; g <= n_groups && g < SPANS_MAX; g++) {
        str name = pattern_group_name(p, g);

        if (g > 1)
            buf_put_char(&f->groups, ',');
        if (name.ptr)
            buf_put_json(&f->groups, name);
        else
            buf_printf(&f->groups, "\"%u\"", g);
        buf_put_char(&f->groups, ':');
        if (spans[g].start == SIZE_MAX)
            buf_put_c(&f->groups, "null");
        else
            put_string(&f->groups, (str){text.ptr + spans[g].start, spans[g].end - spans[g].start});
    }
    f->has_groups = true;
}

/* Each text once, in the order they come. */
static void note_token(findings *f, str token)
{
    for (size_t i = 0; i < f->n_tokens; i++) {
        if (str_eq(f->tokens[i], token))
            return;
    }
    if (f->n_tokens == EVIDENCE_ITEMS_MAX)
        return;
    if (mem_grow(f->tokens, f->cap_tokens, f->n_tokens + 1)) {
        f->rc = -ENOMEM;
        return;
    }
    f->tokens[f->n_tokens++] = token;
}

typedef struct search {
    findings *f;
    const leaf *leaf;
} search;

/* One value of a leaf's field: the first of its patterns that matches ends the walk. */
static int find_in_value(void *ctx, const json_node *value)
{
    const search *s = ctx;
    match_span spans[SPANS_MAX];

    if (value->type != JSON_STRING)
        return 0;
    for (size_t i = 0; i < s->leaf->n_patterns; i++) {
        const pattern *p = s->leaf->patterns[i];
        unsigned n_groups = pattern_n_groups(p);
        str text = json_str(value);
        int rc = pattern_find(p, s->f->e->matcher, text, spans,
                              n_groups + 1 < SPANS_MAX ? n_groups + 1 : SPANS_MAX);

        if (rc < 0)
            return rc;
        if (rc == TTP_E_LIMIT)
            evaluator_note_cut(s->f->e, s->f->kr);
        if (rc)
            continue;
        if (s->f->wants_tokens)
            note_token(s->f, (str){text.ptr + spans[0].start, spans[0].end - spans[0].start});
        if (s->f->wants_groups && !s->f->has_groups && n_groups)
            note_groups(s->f, p, text, spans, n_groups);
        return 1;
    }
    return 0;
}

static int leaf_held(const findings *f, uint32_t index)
{
    const leaf *l = &f->kr->of->rule->leaves[index];

    if (f->kr->is_one_leaf)
        return 1; /* it has no slot: that the rule fired says it */
    if (f->kr->ways[index] == LEAF_IN_TABLE)
        return bitset_has(&f->e->slots, f->kr->first_slot + index);
    return leaf_holds(l, f->ev->kind, f->ev->payload, f->e->matcher);
}

static void note_leaf(findings *f, uint32_t index)
{
    const leaf *l = &f->kr->of->rule->leaves[index];
    int held = leaf_held(f, index);
    search s = {f, l};

    if (held < 0)
        f->rc = held;
    if (held <= 0)
        return;
    if (!f->pattern.ptr)
        f->pattern = l->pattern_source;
    if (l->n_patterns && (f->wants_tokens || f->wants_groups) &&
        field_each(f->ev->payload, leaf_field(l, f->ev->kind), find_in_value, &s) < 0)
        f->rc = -ENOMEM;
}

static void note_expr(findings *f, const expr *x)
{
    if (x->type == EXPR_LEAF)
        note_leaf(f, x->leaf);
    if (x->type == EXPR_LEAF || x->type == EXPR_NOT)
        return;
    for (uint32_t i = 0; !f->rc && i < x->n_kids; i++)
        note_expr(f, x->kids[i]);
}

static bool names(const rule *r, str field)
{
    for (size_t i = 0; i < r->n_evidence_fields; i++) {
        if (str_eq(r->evidence_fields[i], field))
            return true;
    }
    return false;
}

static const str tokens_name = {"matched_tokens", 14};
static const str groups_name = {"matched_groups", 14};
static const str pattern_name = {"rule_pattern", 12};

static void put_fields(buf *b, size_t start, const rule *r, const event *ev)
{
    static const str about_command[] = {{"uid", 3}, {"user", 4}, {"src", 3}, {"pwd", 3}};

    for (size_t i = 0; i < r->n_evidence_fields; i++) {
        str field = r->evidence_fields[i];
        const json_node *value = json_get_path(ev->payload, field);

        if (!value || str_eq(field, tokens_name) || str_eq(field, groups_name) ||
            str_eq(field, pattern_name))
            continue;
        put_key(b, start, field);
        put_value(b, value);
    }
    for (unsigned i = 0; ev->kind == EVENT_COMMAND && i < 4; i++) {
        const json_node *value = json_get(ev->payload, about_command[i]);

        if (!value || names(r, about_command[i]))
            continue;
        put_key(b, start, about_command[i]);
        put_value(b, value);
    }
}

static int put_findings(buf *b, findings *f)
{
    note_expr(f, f->kr->of->rule->match);
    if (f->wants_tokens) {
        put_key(b, 0, tokens_name);
        buf_put_char(b, '[');
        for (size_t i = 0; i < f->n_tokens; i++) {
            if (i)
                buf_put_char(b, ',');
            put_string(b, f->tokens[i]);
        }
        buf_put_char(b, ']');
    }
    if (f->wants_groups) {
        put_key(b, 0, groups_name);
        buf_put_char(b, '{');
        buf_put_str(b, buf_str(&f->groups));
        buf_put_char(b, '}');
    }
    if (f->wants_pattern && f->pattern.ptr) {
        put_key(b, 0, pattern_name);
        put_string(b, f->pattern);
    }
    if (f->groups.failed)
        f->rc = -ENOMEM;
    free(f->tokens);
    buf_done(&f->groups);
    return f->rc;
}

bool evidence_names_findings(const rule *r)
{
    return names(r, tokens_name) || names(r, groups_name) || names(r, pattern_name);
}

void evidence_put(buf *b, const tag *t)
{
    size_t start = b->len;

    buf_put_char(b, '{');
    put_fields(b, start, t->rule, t->event);
    buf_put_char(b, '}');
}

int evidence_write(evaluator *e, const kind_rule *kr, const event *ev, str *ret_evidence)
{
    const rule *r = kr->of->rule;
    findings f = {
        .e = e,
        .kr = kr,
        .ev = ev,
        .wants_tokens = names(r, tokens_name),
        .wants_groups = names(r, groups_name),
        .wants_pattern = names(r, pattern_name),
    };
    buf *b = &e->text;
    int rc = 0;

    buf_clear(b);
    buf_put_char(b, '{');
    put_fields(b, 0, r, ev);
    if (f.wants_tokens || f.wants_groups || f.wants_pattern)
        rc = put_findings(b, &f);
    buf_put_char(b, '}');
    if (rc || b->failed)
        return -ENOMEM;
    *ret_evidence = arena_str(&e->mem, buf_str(b));
    return ret_evidence->ptr ? 0 : -ENOMEM;
}
