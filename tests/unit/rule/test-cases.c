/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the rules tested as data, in tests/cases; the README there says what a case holds. */
#include "rule/rule.h"

#include "rule/yaml.h"

#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#define WARNINGS_MAX 8

typedef struct heard {
    char lines[WARNINGS_MAX][1200];
    unsigned n;
} heard;

static void hear(void *ctx, const ttp_err *warning)
{
    heard *h = ctx;

    if (h->n < WARNINGS_MAX)
        (void)ttp_err_format(warning, h->lines[h->n], sizeof(h->lines[0])); /* returns its buffer */
    h->n++;
}

static str text_of(const yaml_node *c, const char *key)
{
    const yaml_node *n = yaml_get(c, str_from(key));

    return n && n->type == YAML_SCALAR ? n->text : STR_NULL;
}

static void put_indented(buf *b, str text)
{
    bool at_start = true;

    buf_put_char(b, '\n');
    for (size_t i = 0; i < text.len; i++) {
        if (at_start)
            buf_put_c(b, "  ");
        buf_put_char(b, text.ptr[i]);
        at_start = text.ptr[i] == '\n';
    }
}

/* The rule of a case: written whole, or a small one around its match or emits. */
static void put_rule(buf *b, const yaml_node *c, bool lint)
{
    str rule_text = text_of(c, "rule"), match = text_of(c, "match"),
        emits = text_of(c, "emit_list");
    str kind = text_of(c, "kind");

    if (rule_text.ptr) {
        buf_put_str(b, rule_text);
        return;
    }
    buf_put_c(b, "rule_id: CASE\nrule_version: 1\nname: case\napplies_to: ");
    buf_put_str(b, kind.ptr ? kind : STR("command"));
    buf_put_c(b, "\nmatch:");
    if (match.len && memchr(match.ptr, '\n', match.len)) {
        put_indented(b, match);
    } else {
        buf_put_char(b, ' ');
        buf_put_str(b, match.ptr ? match : lint ? STR("{pattern: wget}") : STR("{pattern: x}"));
    }
    buf_put_c(b, "\nemits: ");
    buf_put_str(b,
                emits.ptr ? emits : STR("[{tactic: TA0007, technique_id: T1083, confidence: 1}]"));
    buf_put_c(b, "\ntests: {no_match: [{}]}\n");
}

static const char *full_says(const char *file, str says)
{
    static char line[512];

    (void)snprintf(line, sizeof(line), "%s: %.*s", file, STR_ARG(says));
    return line;
}

static void check_warnings(const char *says, const yaml_node *c, const heard *h)
{
    const yaml_node *want = yaml_get(c, STR("warnings"));
    size_t n = want ? want->n : 0;

    expect_int(says, h->n, n);
    for (unsigned i = 0; i < h->n && i < WARNINGS_MAX; i++)
        expect_c(says, h->lines[i], i < n ? want->items[i]->text.ptr : "(no further warning)");
}

static void put_emitted(buf *b, const rule *r)
{
    for (size_t i = 0; i < r->n_emits; i++) {
        const rule_emit *e = &r->emits[i];

        buf_put_c(b, i ? " " : "");
        buf_put_str(b, e->sub_technique_id.ptr ? e->sub_technique_id : e->technique_id);
    }
}

static void check_emitted(const char *says, const yaml_node *c, const rule *r, arena *a, matcher *m)
{
    const yaml_node *want = yaml_get(c, STR("emits")), *payload = yaml_get(c, STR("payload"));
    str kind = text_of(c, "kind");
    buf got = {0}, wanted = {0};
    int held;

    expect_true(says, want && payload && "a case without error has payload and emits");
    if (!want || !payload)
        return;
    held = rule_holds(r, event_kind_from_name(kind.ptr ? kind : STR("command")),
                      yaml_to_json(payload, a), m);
    expect_int(says, held, want->n > 0);
    if (held == 1)
        put_emitted(&got, r);
    for (size_t i = 0; i < want->n; i++) {
        buf_put_c(&wanted, i ? " " : "");
        buf_put_str(&wanted, want->items[i]->text);
    }
    buf_put_char(&got, '\0');
    buf_put_char(&wanted, '\0');
    expect_c(says, got.ptr, wanted.ptr);
    buf_done(&got);
    buf_done(&wanted);
}

static void run_case(const char *file, const yaml_node *c, arena *a, matcher *m)
{
    const char *says = full_says(file, text_of(c, "says"));
    str want_error = text_of(c, "error");
    auto_free(rule) rule *r = NULL;
    buf text = {0};
    heard warnings = {0};
    rule_context ctx = {.warn = hear, .warn_ctx = &warnings};
    ttp_err err = {0};
    char line[1200];
    int rc;

    if (yaml_get(c, STR("lint")))
        (void)yaml_bool(yaml_get(c, STR("lint")), &ctx.lint); /* false where it is none */
    put_rule(&text, c, ctx.lint);
    rc = rule_read(buf_str(&text), "case.yaml", &ctx, &r, &err);
    if (rc || want_error.ptr) {
        expect_c(says, rc ? ttp_err_format(&err, line, sizeof(line)) : "(loads)",
                 want_error.ptr ? want_error.ptr : "(loads)");
        expect_int(says, rc, rc ? err.code : 0);
    } else {
        check_warnings(says, c, &warnings);
        check_emitted(says, c, r, a, m);
    }
    buf_done(&text);
}

/* A misspelt key would make a case weaker than it reads. */
static void check_case_keys(const char *file, const yaml_node *c)
{
    static const char *const known[] = {"says",  "rule",    "match", "emit_list", "kind", "lint",
                                        "error", "payload", "emits", "warnings",  NULL};

    for (size_t i = 0; i < c->n && c->type == YAML_MAP; i++) {
        bool found = false;

        for (const char *const *k = known; *k && !found; k++)
            found = str_eq(c->pairs[i].key->text, str_from(*k));
        expect_true(full_says(file, c->pairs[i].key->text), found);
    }
}

static str read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = malloc(1 << 20);
    size_t len = 0;

    if (f && text)
        len = fread(text, 1, 1 << 20, f);
    if (f)
        (void)fclose(f); /* was only read from */
    return (str){text, len};
}

static size_t run_file(const char *name, matcher *m)
{
    const yaml_node *cases = NULL;
    arena a = {0};
    char path[4096];
    ttp_err err = {0};
    size_t n = 0;
    str text;

    (void)snprintf(path, sizeof(path), "%s/%s", CASES_DIR, name);
    text = read_file(path);
    expect_int(path, yaml_parse(text, name, &a, &cases, &err), 0);
    expect_c(path, err.text, "");
    expect_true(path, cases && cases->type == YAML_LIST);
    for (; cases && cases->type == YAML_LIST && n < cases->n; n++) {
        check_case_keys(name, cases->items[n]);
        run_case(name, cases->items[n], &a, m);
    }
    arena_done(&a);
    free((void *)text.ptr);
    return n;
}

static int is_case_file(const struct dirent *e)
{
    return str_ends(str_from(e->d_name), STR(".yaml"));
}

static void test_cases(void **state)
{
    matcher *m = matcher_new(NULL);
    struct dirent **names = NULL;
    int n_files = scandir(CASES_DIR, &names, is_case_file, alphasort);
    size_t n = 0;

    (void)state;
    assert_non_null(m);
    for (int i = 0; i < n_files; i++) {
        n += run_file(names[i]->d_name, m);
        free(names[i]);
    }
    free(names);
    (void)matcher_free(m); /* returns NULL */
    print_message("%zu cases of %d files\n", n, n_files);
    expect_true("there are cases", n > 100);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
