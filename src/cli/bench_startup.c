/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp bench startup: from a directory of rule files to an engine that evaluates, through the real
 * store, and what its parts take:
 *
 *     list, read, hash, parse, validate, compile patterns, run the rules' own tests, index
 *
 * The yardstick reads the same files, parses each with libfyaml, and hashes it: nothing else.
 */
#include "cli/bench_rules.h"

#include "base/time.h"
#include "base/uuid.h"
#include "engine/engine.h"
#include "rule/yaml.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7

typedef enum part {
    PART_LIST,
    PART_READ,
    PART_HASH,
    PART_PARSE,
    PART_VALIDATE,
    PART_COMPILE,
    PART_TESTS,
    PART_INDEX,
    N_PARTS,
} part;

static const char *const part_names[N_PARTS] = {
    "list", "read", "hash", "parse", "validate", "compile patterns", "run their tests", "index",
};

typedef struct files {
    char **names;
    buf *texts;
    size_t n, cap;
} files;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_files(const char *path, files *f)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (!rule_file_name_counts(str_from(entry->d_name)))
            continue;
        if (mem_grow(f->names, f->cap, f->n + 1))
            break;
        f->names[f->n++] = strdup(entry->d_name);
    }
    if (dir)
        (void)closedir(dir); /* it was only read */
    if (f->n > 1)
        qsort(f->names, f->n, sizeof(*f->names), by_name);
    f->texts = calloc(f->n + 1, sizeof(*f->texts));
    return dir && f->n && f->texts;
}

static bool read_file(const char *path, buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t n = -1;

    buf_clear(text);
    if (fd >= 0 && fstat(fd, &st) == 0 && buf_reserve(text, (size_t)st.st_size + 1))
        n = read(fd, text->ptr, (size_t)st.st_size + 1);
    text->len = n > 0 ? (size_t)n : 0;
    if (fd >= 0)
        (void)close(fd); /* it was only read */
    return n > 0;
}

static bool read_files(const char *dir, files *f)
{
    bool done = true;

    for (size_t i = 0; i < f->n; i++) {
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, f->names[i]); /* rule files' names fit */
        done &= read_file(path, &f->texts[i]);
    }
    return done;
}

static void free_files(files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->names[i]);
        if (f->texts)
            buf_done(&f->texts[i]);
    }
    free(f->names);
    free(f->texts);
    *f = (files){0};
}

/* libfyaml's own way from a text to a document. */
static bool parse_bare(str text)
{
    const struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 |
                                              FYPCF_SLOPPY_FLOW_INDENTATION};
    struct fy_document *doc = fy_document_build_from_string(&cfg, text.ptr, text.len);

    fy_document_destroy(doc);
    return doc;
}

static bool read_parse_hash(const char *dir)
{
    files f = {0};
    bool done = list_files(dir, &f) && read_files(dir, &f);

    for (size_t i = 0; done && i < f.n; i++) {
        uint8_t hash[20];

        done = parse_bare(buf_str(&f.texts[i]));
        sha1(f.texts[i].ptr, f.texts[i].len, hash);
    }
    free_files(&f);
    return done;
}

static engine_index *make_index(const ttp_store_rules *loaded)
{
    size_t n = ttp_store_rules_count(loaded);
    rule **rules = calloc(n + 1, sizeof(*rules));
    engine_index *index = NULL;

    for (size_t i = 0; rules && i < n; i++)
        rules[i] = ttp_store_rules_at(loaded, i, NULL);
    if (rules && engine_index_new(rules, n, STR("bench"), &index))
        index = NULL;
    free(rules);
    return index;
}

/* All work of a start is done one after the other, so the time that this process spent on a core
 * leaves out what others do on the machine; the clock on the wall also has the waits. */
typedef struct instant {
    int64_t wall_ns, cpu_ns;
} instant;

static int64_t cpu_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* cannot fail for this clock */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static instant now(void)
{
    return (instant){time_monotonic_ns(), cpu_ns()};
}

static instant since(instant begun)
{
    instant n = now();

    return (instant){n.wall_ns - begun.wall_ns, n.cpu_ns - begun.cpu_ns};
}

/* From nothing to an index over what the store gives; what is done afterwards does not count. */
static bool start(const char *dir, instant *ret_took, size_t *ret_n_rules)
{
    const ttp_store_options options = {.type = "filesystem", .rules_dir = dir};
    instant begun = now();
    ttp_store *store = NULL;
    ttp_store_rules *rules = NULL;
    engine_index *index = NULL;
    ttp_err err = {0};

    if (ttp_store_open(&options, &store, &err) == 0 && ttp_store_load(store, &rules, &err) == 0)
        index = make_index(rules);
    *ret_took = since(begun);
    if (err.code)
        (void)cli_fail(&err); /* the caller has a status of its own */
    *ret_n_rules = index ? engine_index_count(index) : 0;
    engine_index_unref(index);
    ttp_store_rules_free(rules);
    ttp_store_close(store);
    return index;
}

/* The parts, one after the other over all files. */
typedef struct parts {
    double ms[N_PARTS];
    rule **rules;
    size_t n_rules;
} parts;

static void lap(parts *p, part which, int64_t *begun)
{
    int64_t ns = cpu_ns();

    p->ms[which] += (double)(ns - *begun) / 1e6;
    *begun = ns;
}

static void parse_all(const files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const yaml_node *root;
        ttp_err err;
        arena a = {0};

        (void)yaml_parse(buf_str(&f->texts[i]), NULL, &a, &root, &err); /* the reader says it */
        arena_done(&a);
    }
}

static void read_rules(const files *f, parts *p)
{
    p->rules = calloc(f->n + 1, sizeof(*p->rules));
    for (size_t i = 0; p->rules && i < f->n; i++) {
        ttp_err err = {0};

        if (rule_read(buf_str(&f->texts[i]), NULL, NULL, &p->rules[p->n_rules], &err))
            (void)cli_fail(&err); /* the others count */
        else
            p->n_rules++;
    }
}

static void compile_again(const parts *p)
{
    for (size_t i = 0; i < p->n_rules; i++) {
        for (size_t l = 0; l < p->rules[i]->n_leaves; l++) {
            const leaf *at = &p->rules[i]->leaves[l];

            for (size_t k = 0; k < at->n_patterns; k++) {
                const pattern *was = at->patterns[k];
                pattern *again = NULL;
                ttp_err err;

                if (pattern_is_regex(was))
                    (void)pattern_from_regex(pattern_source(was), pattern_flags(was), &again,
                                             &err); /* it did compile */
                else
                    (void)pattern_from_literal(pattern_source(was), pattern_flags(was), &again);
                pattern_unref(again);
            }
        }
    }
}

static void run_tests(const parts *p)
{
    matcher *m = matcher_new(NULL);

    for (size_t i = 0; m && i < p->n_rules; i++) {
        ttp_err err;

        (void)store_gate(p->rules[i], m, &err); /* the store says what is wrong */
    }
    matcher_free(m);
}

/* What reading a rule takes beyond its parse, its hash and its patterns is the validation. */
static bool measure_parts(const char *dir, parts *p)
{
    int64_t begun = cpu_ns();
    engine_index *index = NULL;
    files f = {0};
    bool done = list_files(dir, &f);

    lap(p, PART_LIST, &begun);
    done = done && read_files(dir, &f);
    lap(p, PART_READ, &begun);
    for (size_t i = 0; done && i < f.n; i++) {
        uint8_t hash[20];

        sha1(f.texts[i].ptr, f.texts[i].len, hash);
    }
    lap(p, PART_HASH, &begun);
    parse_all(&f);
    lap(p, PART_PARSE, &begun);
    read_rules(&f, p);
    lap(p, PART_VALIDATE, &begun);
    compile_again(p);
    lap(p, PART_COMPILE, &begun);
    p->ms[PART_VALIDATE] -= p->ms[PART_PARSE] + p->ms[PART_HASH] + p->ms[PART_COMPILE];
    run_tests(p);
    lap(p, PART_TESTS, &begun);
    done = done && engine_index_new(p->rules, p->n_rules, STR("bench"), &index) == 0;
    lap(p, PART_INDEX, &begun);
    engine_index_unref(index);
    for (size_t i = 0; i < p->n_rules; i++)
        rule_unref(p->rules[i]);
    free(take(p->rules));
    p->n_rules = 0;
    free_files(&f);
    return done;
}

/* One clock's rounds. */
typedef struct rounds {
    double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS];
} rounds;

static void set_round(rounds *r, unsigned i, int64_t our_ns, int64_t their_ns)
{
    r->ours[i] = (double)our_ns / 1e6;
    r->theirs[i] = (double)their_ns / 1e6;
    r->ratios[i] = r->ours[i] / r->theirs[i];
}

static void add_rounds(bench_report *report, const char *name, const char *what, rounds *r)
{
    char figure[64];

    (void)snprintf(figure, sizeof(figure), "start, %s%s", name, what);
    bench_add_ratio(report, figure, "ms", bench_median(r->ours, ROUNDS),
                    bench_median(r->theirs, ROUNDS), bench_median(r->ratios, ROUNDS));
}

static bool measure(bench_report *report, const char *name, const char *dir)
{
    double part_ms[N_PARTS][ROUNDS];
    rounds cpu, wall;
    size_t n_rules = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        parts p = {0};
        instant ours, begun, theirs;

        if (!start(dir, &ours, &n_rules))
            return false;
        begun = now();
        if (!read_parse_hash(dir))
            return false;
        theirs = since(begun);
        set_round(&cpu, i, ours.cpu_ns, theirs.cpu_ns);
        set_round(&wall, i, ours.wall_ns, theirs.wall_ns);
        if (!measure_parts(dir, &p))
            return false;
        for (part k = 0; k < N_PARTS; k++)
            part_ms[k][i] = p.ms[k];
    }
    add_rounds(report, name, "", &cpu);
    add_rounds(report, name, ", by the clock", &wall);
    fprintf(stderr, "start, %s: %zu rules live\n", name, n_rules);
    for (part k = 0; k < N_PARTS; k++) {
        char figure[64];

        (void)snprintf(figure, sizeof(figure), "start, %s: %s", name, part_names[k]);
        bench_add(report, figure, bench_median(part_ms[k], ROUNDS), "ms");
    }
    return true;
}

static bool measure_generated(bench_report *report, const char *name, size_t n)
{
    bench_rules rules = {0};
    bool done = bench_rules_make(n, &rules) && measure(report, name, rules.dir);

    bench_rules_remove(&rules);
    return done;
}

int bench_startup(bench_report *r)
{
    static const struct {
        const char *name;
        size_t n;
    } sizes[] = {{"60 rules", 60}, {"1,000 rules", 1000}, {"10,000 rules", 10000}};
    bool done = measure(r, "the pack", cli_rules_dir(NULL));

    for (size_t i = 0; done && i < sizeof(sizes) / sizeof(sizes[0]); i++)
        done = measure_generated(r, sizes[i].name, sizes[i].n);
    return done ? CLI_DONE : CLI_FAILED;
}
