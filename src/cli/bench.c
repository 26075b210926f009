/* SPDX-License-Identifier: Apache-2.0 */
/* ttp bench: runs a benchmark and prints its figures with the machine they were taken on. */
#include "cli/bench.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1e9

/* This thread's time on a core: what others do on the machine counts for neither side. */
static int64_t thread_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts); /* cannot fail for this clock */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double run_for(bench_work *work, void *ctx, unsigned min_ms)
{
    int64_t start = thread_ns(), now = start;
    double units = 0;

    while (now - start < (int64_t)min_ms * 1000000) {
        units += work(ctx);
        now = thread_ns();
    }
    return units * NS_PER_S / (double)(now - start);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare_doubles);
    return values[n / 2];
}

static bench_figure *new_figure(bench_report *r, const char *name, const char *unit)
{
    bench_figure *f = &r->figures[r->n_figures];

    if (r->n_figures + 1 < sizeof(r->figures) / sizeof(r->figures[0]))
        r->n_figures++;
    *f = (bench_figure){0};
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    (void)snprintf(f->unit, sizeof(f->unit), "%s", unit);
    return f;
}

void bench_compare(bench_report *r, const char *name, const char *unit, unsigned min_ms,
                   bench_work *ours, void *our_ctx, bench_work *theirs, void *their_ctx)
{
    double mine[BENCH_ROUNDS], other[BENCH_ROUNDS], ratio[BENCH_ROUNDS];
    bench_figure *f = new_figure(r, name, unit);

    (void)run_for(ours, our_ctx, min_ms / 4); /* warm up */
    for (unsigned i = 0; i < BENCH_ROUNDS; i++) {
        mine[i] = run_for(ours, our_ctx, min_ms);
        other[i] = theirs ? run_for(theirs, their_ctx, min_ms) : 0;
        ratio[i] = theirs ? mine[i] / other[i] : 0;
    }
    f->value = bench_median(mine, BENCH_ROUNDS);
    f->yardstick = bench_median(other, BENCH_ROUNDS);
    f->ratio = bench_median(ratio, BENCH_ROUNDS);
}

void bench_add(bench_report *r, const char *name, double value, const char *unit)
{
    new_figure(r, name, unit)->value = value;
}

void bench_add_ratio(bench_report *r, const char *name, const char *unit, double value,
                     double yardstick, double ratio)
{
    bench_figure *f = new_figure(r, name, unit);

    f->value = value;
    f->yardstick = yardstick;
    f->ratio = ratio;
}

char *bench_shared(const char *name)
{
    const char *root = getenv("TTP_SHARED");
    char *path = NULL;

    if (asprintf(&path, "%s/%s", root && *root ? root : "../shared", name) < 0)
        return NULL;
    if (access(path, R_OK) == 0)
        return path;
    fprintf(stderr, "ttp bench: SKIP: %s is not here; set TTP_SHARED to where it is\n", path);
    free(path);
    return NULL;
}

static void machine_name(char *out, size_t size)
{
    char line[256], model[128] = "unknown CPU";
    struct utsname u;
    FILE *f = fopen("/proc/cpuinfo", "re");

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "model name : %127[^\n]", model) == 1)
            break;
    }
    if (f)
        (void)fclose(f); /* it was only read */
    (void)uname(&u);     /* cannot fail with a valid pointer */
    (void)snprintf(out, size, "%s, %ld cores, %s %.*s %s", model, sysconf(_SC_NPROCESSORS_ONLN),
                   u.sysname, (int)strcspn(u.release, "-"), u.release, u.machine);
}

static void print_json(const bench_report *r)
{
    char machine[256];
    auto_free(buf) buf b = {0};

    machine_name(machine, sizeof(machine));
    buf_put_c(&b, "{\"machine\":");
    buf_put_json(&b, str_from(machine));
    buf_put_c(&b, ",\"figures\":[");
    for (size_t i = 0; i < r->n_figures; i++) {
        const bench_figure *f = &r->figures[i];

        buf_put_c(&b, i ? ",\n{\"name\":" : "\n{\"name\":");
        buf_put_json(&b, str_from(f->name));
        buf_printf(&b, ",\"value\":%.6g,\"unit\":", f->value);
        buf_put_json(&b, str_from(f->unit));
        if (f->ratio > 0)
            buf_printf(&b, ",\"yardstick\":%.6g,\"ratio\":%.3f}", f->yardstick, f->ratio);
        else
            buf_put_c(&b, ",\"yardstick\":null,\"ratio\":null}");
    }
    buf_put_c(&b, "\n]}\n");
    (void)fwrite(b.ptr, 1, b.len, stdout); /* cli_finish_output says what went wrong */
}

static void print_text(const bench_report *r)
{
    char machine[256];

    machine_name(machine, sizeof(machine));
    printf("%s\n", machine);
    for (size_t i = 0; i < r->n_figures; i++) {
        const bench_figure *f = &r->figures[i];

        printf("%-40s %12.4g %-10s", f->name, f->value, f->unit);
        if (f->ratio > 0)
            printf(" yardstick %12.4g  ratio %.2f", f->yardstick, f->ratio);
        putchar('\n');
    }
}

static const struct {
    const char *name;
    int (*run)(bench_report *r);
} benches[] = {
    {"engine", bench_engine},   {"tag", bench_tag},   {"startup", bench_startup},
    {"reload", bench_reload},   {"swap", bench_swap}, {"tail", bench_tail},
    {"hostile", bench_hostile},
};

#define N_BENCHES (sizeof(benches) / sizeof(benches[0]))

static int unknown(const cli_command *self, const char *name)
{
    auto_free(buf) buf known = {0};

    for (size_t i = 0; i < N_BENCHES; i++)
        buf_printf(&known, "%s%s",
                   i == 0              ? ""
                   : i + 1 < N_BENCHES ? ", "
                                       : " or ",
                   benches[i].name);
    if (!buf_c_str(&known))
        return CLI_FAILED;
    if (!name)
        return cli_usage_error(self, "expected one benchmark: %s", known.ptr);
    return cli_usage_error(self, "unknown benchmark %s; expected %s", name, known.ptr);
}

static int run_bench(const cli_command *self, int argc, char **argv)
{
    bool json = false;
    const cli_option options[] = {{"json", 0, NULL, &json}};
    bench_report report = {0};
    int first, status = cli_parse(self, options, 1, argc, argv, &first);

    if (status >= 0)
        return status;
    if (first + 1 != argc)
        return unknown(self, NULL);
    for (size_t i = 0; i < N_BENCHES; i++) {
        if (strcmp(argv[first], benches[i].name) != 0)
            continue;
        status = benches[i].run(&report);
        if (json)
            print_json(&report);
        else
            print_text(&report);
        return cli_finish_output(status);
    }
    return unknown(self, argv[first]);
}

const cli_command cli_bench = {
    .name = "bench",
    .synopsis = "[--json] NAME",
    .summary = "Measure this build against yardsticks",
    .help = "  engine    events/s against bare Hyperscan: 60, 1,000 and 10,000 patterns\n"
            "  tag       a log from file to tags, against simdjson's DOM alone\n"
            "  startup   rule files to ready: the pack, 60, 1,000 and 10,000, against reading,\n"
            "            parsing and hashing them\n"
            "  reload    an edit, a state, a burst to its effect under load, against the floor\n"
            "  swap      a live engine: memory, a million changes, 100 edits/s, two threads\n"
            "  tail      another process's change to its effect, 8 workers on one database\n"
            "  hostile   time a byte for what attackers would send, against ordinary commands\n"
            "\n"
            "      --json    figures as one JSON object\n"
            "\n"
            "The data comes from $TTP_SHARED/data, else ../shared/data.\n"
            "\n"
            "Example:\n"
            "  ttp bench engine --json\n",
    .run = run_bench,
};
