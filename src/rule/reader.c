/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a rule file, and the life of the rule that comes of it. */
#include "rule/reading.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/uuid.h"

#include <errno.h>
#include <stdatomic.h>

/* What rule_read returns: the rule, and what nobody outside needs to see. */
typedef struct owned_rule {
    rule rule; /* first: a rule's address is its owner's */
    atomic_size_t refs;
    arena mem;
} owned_rule;

static int read_rule_id(reading *r, const yaml_node *n)
{
    const char *wanted = "1 to 64 letters, digits and underscores";
    str id;
    int rc = read_word(r, n, "rule_id", wanted, &id);

    if (rc)
        return rc;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return reading_wrong(r, n, "rule_id", wanted);
    }
    if (id.len > RULE_ID_MAX)
        return reading_wrong(r, n, "rule_id", wanted);
    r->rule->rule_id = id;
    return 0;
}

static int read_rule_version(reading *r, const yaml_node *n)
{
    json_node v = {0};

    if (n->type == YAML_SCALAR)
        v = yaml_value(n);
    if (v.type != JSON_INT || v.i < 1)
        return reading_wrong(r, n, "rule_version", "an integer of at least 1");
    r->rule->rule_version = v.i;
    return 0;
}

static int read_name(reading *r, const yaml_node *n)
{
    return read_word(r, n, "name", "a name", &r->rule->name);
}

static int read_description(reading *r, const yaml_node *n)
{
    return read_text(r, n, "description", "text", &r->rule->description);
}

static int read_attack_release(reading *r, const yaml_node *n)
{
    str release = attack_release(r->catalogue);
    char shown[SHOWN_SIZE];
    int rc = read_word(r, n, "attack_release", "a release, as enterprise-v18.1",
                       &r->rule->attack_release);

    if (rc || str_eq(r->rule->attack_release, release))
        return rc;
    if (r->ctx->lint)
        return reading_fail(r, TTP_E_INVALID, n,
                            "attack_release is %s; expected the catalogue's, %.*s",
                            node_shown(shown, n), STR_ARG(release));
    reading_warn(r, n, "attack_release is %s; the catalogue is %.*s", node_shown(shown, n),
                 STR_ARG(release));
    return 0;
}

static void warn_unknown_kind(reading *r, const yaml_node *n)
{
    const char *names[EVENT_N_KINDS + 1] = {0};
    const char *meant;
    char shown[SHOWN_SIZE];

    for (unsigned kind = 0; kind < EVENT_N_KINDS; kind++)
        names[kind] = event_kind_name((event_kind)kind);
    meant = nearest_word(n->text, names);
    reading_warn(r, n, "unknown source kind %s%s%s%s", str_shown(shown, n->text),
                 meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

/* One entry of applies_to: a kind's name, or {source_kind: name}. */
static int read_kind(reading *r, const yaml_node *n)
{
    const char *wanted = "the name of a source kind, as command";
    const yaml_node *entry = n;
    rule *ru = r->rule;
    event_kind kind;
    str name;
    int rc;

    if (n->type == YAML_MAP) {
        n = yaml_get(n, STR("source_kind"));
        if (!n)
            return reading_fail(r, TTP_E_INVALID, entry,
                                "applies_to holds a mapping without source_kind; expected %s",
                                wanted);
    }
    rc = read_word(r, n, "applies_to", wanted, &name);
    if (rc)
        return rc;
    kind = event_kind_from_name(name);
    if (kind == EVENT_UNKNOWN_KIND) {
        warn_unknown_kind(r, n);
        ru->other_kinds[ru->n_other_kinds++] = name;
        return 0;
    }
    if (r->first_kind == EVENT_UNKNOWN_KIND)
        r->first_kind = kind;
    ru->applies_to |= 1u << kind;
    return 0;
}

static int read_applies_to(reading *r, const yaml_node *n)
{
    size_t n_kinds = n->type == YAML_LIST ? n->n : 1;
    int rc = 0;

    if (n_kinds == 0)
        return reading_wrong(r, n, "applies_to", "a list of at least one source kind");
    r->rule->other_kinds = arena_calloc(r->own, n_kinds, sizeof(str));
    if (!r->rule->other_kinds)
        return -ENOMEM;
    if (n->type != YAML_LIST)
        return read_kind(r, n);
    for (size_t i = 0; !rc && i < n->n; i++)
        rc = read_kind(r, n->items[i]);
    return rc;
}

static int read_evidence_fields(reading *r, const yaml_node *n)
{
    const char *wanted = "the name of a payload field";
    size_t n_fields = n->type == YAML_LIST ? n->n : 1;
    str *fields = arena_calloc(r->own, n_fields, sizeof(*fields));
    int rc = 0;

    if (!fields)
        return -ENOMEM;
    for (size_t i = 0; !rc && i < n_fields; i++)
        rc = read_word(r, n->type == YAML_LIST ? n->items[i] : n, "evidence_fields", wanted,
                       &fields[i]);
    r->rule->evidence_fields = fields;
    r->rule->n_evidence_fields = rc ? 0 : n_fields;
    return rc;
}

static int pass_over(reading *r, const yaml_node *n)
{
    (void)r;
    (void)n;
    return 0;
}

/* In the order of reading: match needs to know applies_to. */
static const struct {
    const char *key;
    int (*read)(reading *r, const yaml_node *n);
    const char *required; /* what is expected, where a rule must have it */
} fields[] = {
    {"rule_id", read_rule_id, "1 to 64 letters, digits and underscores"},
    {"rule_version", read_rule_version, "an integer of at least 1"},
    {"name", read_name, "a name"},
    {"description", read_description, NULL},
    {"attack_release", read_attack_release, NULL},
    {"applies_to", read_applies_to, "a list of source kinds"},
    {"match", read_match, "a mapping: field and pattern (or another operator), all, any or not"},
    {"emits", read_emits, "a list with at least one technique"},
    {"evidence_fields", read_evidence_fields, NULL},
    {"references", pass_over, NULL},
    {"tests", read_tests, NULL},
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static bool is_known_key(str key)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (str_eq(key, str_from(fields[i].key)))
            return true;
    }
    return false;
}

static void warn_unknown_key(reading *r, const yaml_node *key)
{
    const char *names[N_FIELDS + 1] = {0};
    const char *meant;
    char shown[SHOWN_SIZE];

    for (size_t i = 0; i < N_FIELDS; i++)
        names[i] = fields[i].key;
    meant = nearest_word(key->text, names);
    reading_warn(r, key, "unknown key %s%s%s%s", str_shown(shown, key->text),
                 meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

/* references and keys that we do not know are kept as they are. */
static int keep_extra(reading *r, const yaml_node *root)
{
    yaml_node extra = {.type = YAML_MAP, .n_nodes = 1};

    extra.pairs = arena_calloc(r->tmp, root->n, sizeof(*extra.pairs));
    if (!extra.pairs)
        return -ENOMEM;
    for (size_t i = 0; i < root->n; i++) {
        const yaml_pair *p = &root->pairs[i];
        bool known = is_known_key(p->key->text);

        if (known && !str_eq(p->key->text, STR("references")))
            continue;
        if (!known)
            warn_unknown_key(r, p->key);
        extra.pairs[extra.n++] = *p;
        extra.n_nodes += 1 + p->value->n_nodes;
    }
    if (extra.n == 0)
        return 0;
    r->rule->extra = yaml_to_json(&extra, r->own);
    return r->rule->extra ? 0 : -ENOMEM;
}

static int read_fields(reading *r, const yaml_node *root)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const yaml_node *n = yaml_get(root, str_from(fields[i].key));
        int rc;

        if (!n && fields[i].required)
            return reading_fail(r, TTP_E_INVALID, root, "%s is missing; expected %s", fields[i].key,
                                fields[i].required);
        if (!n || (!fields[i].required && yaml_is_null(n)))
            continue;
        rc = fields[i].read(r, n);
        if (rc)
            return rc;
    }
    return 0;
}

/* What the tree of most rule files takes for each byte of the file. */
#define TREE_BYTES_PER_BYTE 12
#define TREE_TEXT_MAX 8192 /* larger files take more as they need it */

static int read_document(reading *r, str text)
{
    size_t expected = TREE_BYTES_PER_BYTE * (text.len < TREE_TEXT_MAX ? text.len : TREE_TEXT_MAX);
    const yaml_node *root;
    char shown[SHOWN_SIZE];
    int rc;

    if (!arena_reserve(r->tmp, expected))
        return -ENOMEM;
    rc = yaml_parse(text, r->where, r->tmp, &root, r->err);
    if (rc)
        return rc;
    if (yaml_is_null(root))
        return reading_fail(r, TTP_E_SYNTAX, root, "the file is empty; expected a rule");
    if (root->type != YAML_MAP)
        return reading_fail(r, TTP_E_INVALID, root,
                            "the document is %s; expected a rule: a mapping with rule_id and so on",
                            node_shown(shown, root));
    rc = keep_extra(r, root);
    if (!rc)
        rc = read_fields(r, root);
    if (!rc && r->rule->match && r->rule->n_tests == 0)
        reading_lint(r, root, "the rule has no tests; expected tests with match and no_match");
    return rc;
}

static int read_into(owned_rule *o, str text, const char *path, const rule_context *ctx,
                     ttp_err *err)
{
    static const rule_context defaults;
    arena tmp = {0};
    reading r = {
        .ctx = ctx ? ctx : &defaults,
        .where = path ? path : "",
        .err = err,
        .tmp = &tmp,
        .own = &o->mem,
        .rule = &o->rule,
        .first_kind = EVENT_UNKNOWN_KIND,
    };
    int rc;

    r.catalogue = r.ctx->catalogue ? r.ctx->catalogue : attack_builtin();
    if (path) {
        o->rule.path = arena_str(r.own, str_from(path));
        if (!o->rule.path.ptr)
            return -ENOMEM;
    }
    rc = read_document(&r, text);
    arena_done(&tmp);
    if (rc || !r.ctx->keep_source)
        return rc;
    o->rule.source = arena_str(r.own, text);
    return o->rule.source.ptr ? 0 : -ENOMEM;
}

/* Most rules have one leaf, and there was room for eight. */
static void fit_leaves(rule *r)
{
    leaf *fitting = r->n_leaves ? realloc(r->leaves, r->n_leaves * sizeof(*r->leaves)) : NULL;

    if (fitting)
        r->leaves = fitting;
}

int rule_read(str text, const char *path, const rule_context *ctx, rule **ret_rule, ttp_err *err)
{
    owned_rule *o;
    int rc;

    if (text.len > RULE_FILE_MAX)
        return err_set(err, TTP_E_LIMIT, path, "the rule has %zu bytes; expected at most %u",
                       text.len, RULE_FILE_MAX);
    o = calloc(1, sizeof(*o));
    if (!o)
        return err_set(err, -ENOMEM, path, "out of memory");
    atomic_init(&o->refs, 1);
    rc = read_into(o, text.ptr ? text : STR(""), path, ctx, err);
    if (rc) {
        (void)rule_unref(&o->rule); /* returns NULL */
        return rc < 0 ? err_set(err, rc, path, "cannot read the rule: %s", strerror(-rc)) : rc;
    }
    fit_leaves(&o->rule);
    if (ctx && ctx->content_hash)
        memcpy(o->rule.content_hash, ctx->content_hash, sizeof(o->rule.content_hash));
    else
        sha1(text.ptr, text.len, o->rule.content_hash);
    *ret_rule = &o->rule;
    return 0;
}

rule *rule_ref(rule *r)
{
    atomic_fetch_add_explicit(&((owned_rule *)r)->refs, 1, memory_order_relaxed);
    return r;
}

static void free_rule(owned_rule *o)
{
    for (size_t i = 0; i < o->rule.n_leaves; i++) {
        const leaf *l = &o->rule.leaves[i];

        for (size_t k = 0; k < l->n_patterns; k++)
            (void)pattern_unref(l->patterns[k]); /* returns NULL */
    }
    free(o->rule.leaves);
    arena_done(&o->mem);
    free(o);
}

rule *rule_unref(rule *r)
{
    owned_rule *o = (owned_rule *)r;

    if (o && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        free_rule(o);
    return NULL;
}
