/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_rules.h"

#include "match/pattern.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MATCHES_MAX 4

bool bench_make_dir(char *out, size_t size)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(out, size, "%s/ttp-bench-XXXXXX",
                   tmp && strlen(tmp) < size / 2 ? tmp : "/tmp"); /* it fits */
    if (mkdtemp(out))
        return true;
    fprintf(stderr, "ttp bench: %s: cannot make a directory: %s\n", out, strerror(errno));
    return false;
}

void bench_remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;

    while (d && (entry = readdir(d)))
        (void)unlinkat(dirfd(d), entry->d_name, 0); /* "." and "..": refused */
    if (d)
        (void)closedir(d); /* it was only read */
    if (rmdir(dir))
        fprintf(stderr, "ttp bench: %s: cannot remove it: %s\n", dir, strerror(errno));
}

bool bench_write(const char *path, str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len;

    if (fd >= 0 && close(fd))
        done = false;
    if (!done)
        fprintf(stderr, "ttp bench: %s: cannot write: %s\n", path, strerror(errno));
    return done;
}

static void put_quoted(buf *b, const char *text)
{
    buf_put_char(b, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_put_char(b, '\'');
        buf_put_char(b, *text);
    }
    buf_put_char(b, '\'');
}

static void put_tests(buf *b, const char *key, const char *const *texts)
{
    if (!texts || !*texts)
        return;
    buf_printf(b, "  %s:\n", key);
    for (; *texts; texts++) {
        buf_put_c(b, "    - command_text: ");
        put_quoted(b, *texts);
        buf_put_char(b, '\n');
    }
}

void bench_rule_put(buf *b, const bench_rule *r)
{
    buf_printf(
        b,
        "# SPDX-License-Identifier: Apache-2.0\n"
        "rule_id: %s\n"
        "rule_version: %u\n"
        "name: bench_%s\n"
        "description: >-\n"
        "  One public pattern as a rule of its own, with as much around it as a rule of the\n"
        "  pack has: what attackers do here and how it is told from what operators do (T1059).\n"
        "attack_release: enterprise-v18.1\n"
        "applies_to: [command]\n"
        "match:\n"
        "  field: command_text\n"
        "  pattern: ",
        r->rule_id, r->version, r->rule_id);
    put_quoted(b, r->pattern);
    buf_put_c(b, r->ignore_case ? "\n  ignore_case: true\n" : "\n");
    buf_put_c(b, "emits:\n"
                 "  - {tactic: TA0002, technique_id: T1059, confidence: 0.85}\n"
                 "evidence_fields: [command_text]\n"
                 "references:\n"
                 "  - https://attack.mitre.org/techniques/T1059/\n"
                 "tests:\n");
    if (!r->match && !r->no_match)
        buf_put_c(b, "  no_match:\n    - command_text: 'exit'\n");
    put_tests(b, "match", r->match);
    put_tests(b, "no_match", r->no_match);
}

/* The text that a pattern of escaped characters stands for; false where it is a real expression. */
static bool plain_text(const char *source, buf *b)
{
    if (*source == '^')
        source++;
    for (; *source && !(source[0] == '$' && !source[1]); source++) {
        if (*source == '\\') {
            source++;
            if (!*source || (*source >= '0' && *source <= '9') ||
                ((*source | 0x20) >= 'a' && (*source | 0x20) <= 'z'))
                return false;
        } else if (strchr(".^$*+?{}[]|()", *source)) {
            return false;
        }
        buf_put_char(b, *source);
    }
    return buf_c_str(b) && b->len;
}

static bool holds(const pattern *p, matcher *m, const char *text)
{
    matcher_new_event(m);
    return pattern_holds(p, m, str_from(text)) == 0;
}

/* Tests that are true of the pattern, as many as a rule of the pack has. */
typedef struct test_texts {
    buf plain, inside;
    const char *match[MATCHES_MAX + 1], *no_match[MATCHES_MAX + 1];
} test_texts;

static void find_tests(const bench_rule *r, matcher *m, test_texts *t)
{
    static const char *const ordinary[] = {"uname -a", "ls -la /tmp", "cat /proc/cpuinfo",
                                           "echo ok; exit"};
    const char *match[2];
    size_t n = 0, n_no = 0;
    pattern *p = NULL;
    ttp_err err;

    if (pattern_from_regex(str_from(r->pattern), r->ignore_case ? PATTERN_IGNORE_CASE : 0, &p,
                           &err))
        return;
    if (plain_text(r->pattern, &t->plain)) {
        buf_printf(&t->inside, "sudo %s /var/tmp", t->plain.ptr);
        match[0] = t->plain.ptr;
        match[1] = buf_c_str(&t->inside);
        for (size_t i = 0; i < 2; i++)
            if (match[i] && holds(p, m, match[i]))
                t->match[n++] = match[i];
    }
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++)
        if (!holds(p, m, ordinary[i]))
            t->no_match[n_no++] = ordinary[i];
    pattern_unref(p);
}

static bool write_rule(bench_rules *rules, const char *source, bool ignore_case, matcher *m)
{
    auto_free(buf) buf text = {0}, path = {0};
    bench_rule r = {.version = 1, .pattern = source, .ignore_case = ignore_case};
    test_texts tests = {0};
    char rule_id[32];
    bool done;

    (void)snprintf(rule_id, sizeof(rule_id), "B%05zu", rules->n); /* it fits */
    r.rule_id = rule_id;
    find_tests(&r, m, &tests);
    r.match = tests.match;
    r.no_match = tests.no_match;
    bench_rule_put(&text, &r);
    buf_done(&tests.plain);
    buf_done(&tests.inside);
    if (asprintf(&rules->names[rules->n], "%s.yaml", rule_id) < 0)
        return false;
    buf_printf(&path, "%s/%s", rules->dir, rules->names[rules->n]);
    done = !text.failed && buf_c_str(&path) && bench_write(path.ptr, buf_str(&text));
    rules->n++;
    rules->n_bytes += text.len;
    return done;
}

/* Lines of flags, a tab, a pattern, until there are n rules. */
static bool write_from(bench_rules *rules, size_t n, const char *path, matcher *m)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    bool done = f;

    while (done && rules->n < n && (len = getline(&line, &cap, f)) > 0) {
        const char *tab = strchr(line, '\t');

        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (tab)
            done = write_rule(rules, tab + 1, line[0] == 'i', m);
    }
    free(line);
    if (f)
        (void)fclose(f); /* it was only read */
    return done;
}

bool bench_rules_make(size_t n, bench_rules *rules)
{
    char *small = bench_shared("data/patterns/sigma_1k.tsv");
    char *large = bench_shared("data/patterns/sigma_10k.tsv");
    matcher *m = matcher_new(NULL);
    bool done = small && large && m && bench_make_dir(rules->dir, sizeof(rules->dir));

    rules->n = rules->n_bytes = 0;
    rules->names = calloc(n, sizeof(*rules->names));
    if (done)
        done = rules->names && write_from(rules, n, n > 1000 ? large : small, m) &&
               write_from(rules, n, n > 1000 ? small : large, m);
    matcher_free(m);
    free(small);
    free(large);
    return done;
}

bool bench_rules_edit(const bench_rules *r, size_t number, unsigned version)
{
    auto_free(buf) buf text = {0}, path = {0};
    char rule_id[32], source[64];
    const bench_rule edited = {.rule_id = rule_id, .version = version, .pattern = source};

    (void)snprintf(rule_id, sizeof(rule_id), "B%05zu", number); /* both fit */
    (void)snprintf(source, sizeof(source), "\\bedited_%zu_%u\\b", number, version);
    bench_rule_put(&text, &edited);
    buf_printf(&path, "%s/%s", r->dir, r->names[number]);
    return !text.failed && buf_c_str(&path) && bench_write(path.ptr, buf_str(&text));
}

void bench_rules_remove(bench_rules *rules)
{
    if (rules->dir[0])
        bench_remove_dir(rules->dir);
    for (size_t i = 0; i < rules->n; i++)
        free(rules->names[i]);
    free(rules->names);
    *rules = (bench_rules){0};
}
