/* SPDX-License-Identifier: Apache-2.0 */
/* ttp tag: logs in, tags out, and an account of every line. */
#include "cli/commands.h"
#include "cli/live.h"
#include "cli/progress.h"

#include "base/cores.h"
#include "base/err.h"
#include "base/limits.h"
#include "engine/tagging.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SINKS 2
/* by itself; the stages that keep the order feed no more */
#define THREADS_UNASKED 8

typedef struct tag_run {
    const cli_command *command;
    const char *format, *rules, *db, *output, *bundle, *release, *threads, *budget, *host;
    bool quiet;
    unsigned n_threads;
    uint32_t regex_budget; /* as ttp_follower_options has it */
    live_rules live;
    feed *feed;
    tag_sink *sinks[MAX_SINKS];
    size_t n_sinks;
    tag_sink *db_sink; /* one of them, or NULL */
    evaluator_stats stats;

    pthread_mutex_t saying; /* guards standard error and: */
    progress progress;
} tag_run;

static const char *const formats[] = {"auto", "event", "cowrie", NULL};
static const char *const outputs[] = {"table", "jsonl", "ecs", "none", NULL};

static void complain(void *ctx, const ttp_err *err, bool is_bad)
{
    tag_run *run = ctx;

    (void)pthread_mutex_lock(&run->saying); /* cannot fail: this thread does not hold it */
    progress_clear(&run->progress);
    if (is_bad)
        (void)cli_fail(err); /* the status is decided at the end */
    else
        cli_warn(err);
    (void)pthread_mutex_unlock(&run->saying); /* held by this thread */
}

static void log_line(void *ctx, ttp_log_level level, const char *line)
{
    tag_run *run = ctx;

    (void)pthread_mutex_lock(&run->saying); /* as above */
    progress_clear(&run->progress);
    fprintf(stderr, "ttp: %s%s\n", level >= TTP_LOG_WARNING ? "warning: " : "", line);
    (void)pthread_mutex_unlock(&run->saying); /* as above */
}

static void show_progress(void *ctx)
{
    tag_run *run = ctx;

    (void)pthread_mutex_lock(&run->saying); /* as above */
    progress_step(&run->progress, run->feed);
    (void)pthread_mutex_unlock(&run->saying); /* as above */
}

static unsigned terminal_width(int fd)
{
    struct winsize size;

    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int add_output_sink(tag_run *run, int output)
{
    const attack_catalogue *catalogue = run->live.catalogue;
    tag_sink **sink = &run->sinks[run->n_sinks];
    bool color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    ttp_err err;
    int rc = 0;

    if (output == 3)
        return CLI_DONE;
    if (output == 0)
        rc = tag_sink_table_new(STDOUT_FILENO, catalogue, terminal_width(STDOUT_FILENO), color,
                                sink);
    else if (output == 1)
        rc = tag_sink_jsonl_new(STDOUT_FILENO, sink);
    else
        rc = tag_sink_ecs_new(STDOUT_FILENO, catalogue, sink);
    if (rc) {
        (void)err_set(&err, rc, NULL, "out of memory");
        return cli_fail(&err);
    }
    run->n_sinks++;
    return CLI_DONE;
}

static int add_db_sink(tag_run *run)
{
    ttp_err err = {0};

    if (!run->db)
        return CLI_DONE;
    if (tag_sink_sqlite_new(run->db, &run->db_sink, &err))
        return cli_fail(&err);
    run->sinks[run->n_sinks++] = run->db_sink;
    return CLI_DONE;
}

/* May it go on, as `tail -F log |` does? A file has an end, also as standard input. */
static bool is_stream(const char *path)
{
    struct stat st;
    int rc = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);

    return rc == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* Who reads files to their ends is no host of a fleet, unless it is named. */
static const char *ledger_host(const tag_run *run, char **files, size_t n_files)
{
    bool takes_part = run->host != NULL;

    for (size_t i = 0; i < n_files; i++)
        takes_part |= is_stream(files[i]);
    return takes_part ? cli_host(run->host) : NULL;
}

static int set_up(tag_run *run, int format, int output, char **files, int n_files)
{
    static char dash[] = "-", *standard_input[] = {dash};
    char **inputs = n_files ? files : standard_input;
    size_t n_inputs = n_files ? (size_t)n_files : 1;
    const reader_options options = {(event_format)format, complain, run};
    const ttp_log log = {log_line, run};
    const live_options live = {.rules = run->rules,
                               .bundle = run->bundle,
                               .release = run->release,
                               .host = ledger_host(run, inputs, n_inputs),
                               .regex_budget = run->regex_budget};
    int rc, status = live_start(&run->live, &live, &log);
    ttp_err err;

    if (status == CLI_DONE)
        status = add_output_sink(run, output);
    if (status == CLI_DONE)
        status = add_db_sink(run);
    if (status != CLI_DONE)
        return status;
    rc = feed_new(&options, inputs, n_inputs, &run->feed);
    if (rc) {
        (void)err_set(&err, rc, NULL, "cannot begin to read: %s", strerror(-rc));
        return cli_fail(&err);
    }
    progress_start(&run->progress, !run->quiet && isatty(STDERR_FILENO));
    return CLI_DONE;
}

static void print_counts(const tag_run *run, const char *title, bool bad, bool noted)
{
    const reader_count *counts;
    size_t n = feed_counts(run->feed, &counts);
    bool first = true;

    for (size_t i = 0; i < n; i++) {
        if (counts[i].bad != bad || counts[i].noted != noted || counts[i].count == 0)
            continue;
        fprintf(stderr, "%s%s %llu", first ? title : ", ", counts[i].name,
                (unsigned long long)counts[i].count);
        first = false;
    }
    if (!first)
        fputc('\n', stderr);
}

/* Every line is one of taggable, not taggable, blank, bad. */
static void print_account(const tag_run *run, size_t n_files)
{
    const reader_stats *r = feed_get_stats(run->feed);
    const evaluator_stats *e = &run->stats;
    size_t n_unread = feed_n_unread(run->feed);

    if (n_unread)
        fprintf(stderr, "files: %zu of %zu read to the end\n", n_files - n_unread, n_files);
    fprintf(stderr,
            "lines: %llu read = %llu taggable + %llu not taggable + %llu blank + %llu bad\n",
            (unsigned long long)r->lines, (unsigned long long)r->taggable,
            (unsigned long long)r->not_taggable, (unsigned long long)r->blank,
            (unsigned long long)r->bad);
    print_counts(run, "  not taggable: ", false, false);
    print_counts(run, "  bad: ", true, false);
    print_counts(run, "  odd but read: ", false, true);
    fprintf(stderr, "events: %llu evaluated, %llu tagged; tags: %llu",
            (unsigned long long)e->events, (unsigned long long)e->events_tagged,
            (unsigned long long)e->tags);
    if (run->db_sink)
        fprintf(stderr, ", %llu of them new in the database",
                (unsigned long long)tag_sink_sqlite_inserted(run->db_sink));
    if (e->dropped_floor || e->dropped_anchor)
        fprintf(stderr, "; left out: %llu below confidence %.1f, %llu without an attacker",
                (unsigned long long)e->dropped_floor, TAG_CONFIDENCE_FLOOR,
                (unsigned long long)e->dropped_anchor);
    if (e->regex_cut)
        fprintf(stderr, "; %llu regex searches cut off", (unsigned long long)e->regex_cut);
    fputc('\n', stderr);
}

static int tag_all(tag_run *run, size_t n_files)
{
    const tagging_options options = {
        .feed = run->feed,
        .engine = run->live.engine,
        .sinks = run->sinks,
        .n_sinks = run->n_sinks,
        .n_threads = run->n_threads,
        .log = {log_line, run},
        .step = show_progress,
        .ctx = run,
    };
    const reader_stats *stats;
    ttp_err err;
    int rc = tagging_run(&options, &run->stats, &err);

    progress_clear(&run->progress);
    if (rc)
        return cli_fail(&err);
    if (!run->quiet)
        print_account(run, n_files);
    stats = feed_get_stats(run->feed);
    if (stats->bad || stats->noted || feed_n_unread(run->feed) || run->live.n_refused)
        return CLI_BAD_INPUT;
    return CLI_DONE;
}

static void tear_down(tag_run *run)
{
    for (size_t s = 0; s < run->n_sinks; s++)
        tag_sink_free(run->sinks[s]);
    feed_free(run->feed);
    live_stop(&run->live);
}

/* --threads, else as many as there are cores to use. 0: no number that can be. */
static unsigned read_threads(const char *text)
{
    unsigned n = cores_usable();
    char *end;
    long asked;

    if (!text)
        return n < THREADS_UNASKED ? n : THREADS_UNASKED;
    asked = strtol(text, &end, 10);
    return *end || end == text || asked < 1 || asked > PIPELINE_THREADS_MAX ? 0 : (unsigned)asked;
}

/* --regex-budget: 0 is none at all. */
static bool read_budget(const char *text, uint32_t *ret_budget)
{
    char *end;
    long asked;

    *ret_budget = 0;
    if (!text)
        return true;
    asked = strtol(text, &end, 10);
    *ret_budget = asked ? (uint32_t)asked : TTP_REGEX_BUDGET_OFF;
    return !*end && end != text && asked >= 0 && asked <= 1000000000;
}

static int run_tag(const cli_command *self, int argc, char **argv)
{
    tag_run run = {.command = self, .saying = PTHREAD_MUTEX_INITIALIZER};
    const cli_option options[] = {
        {"format", 'f', &run.format, NULL},
        {"rules", 'r', &run.rules, NULL},
        {"db", 0, &run.db, NULL},
        {"output", 'o', &run.output, NULL},
        {"attack-bundle", 0, &run.bundle, NULL},
        {"attack-release", 0, &run.release, NULL},
        {"threads", 0, &run.threads, NULL},
        {"regex-budget", 0, &run.budget, NULL},
        {"host", 0, &run.host, NULL},
        {"quiet", 'q', NULL, &run.quiet},
    };
    int first, format, output, status;

    status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);
    if (status >= 0)
        return status;
    format = cli_choice(run.format, formats);
    output = cli_choice(run.output, outputs);
    if (format < 0)
        return cli_usage_error(self, "--format is %s; expected auto, event or cowrie", run.format);
    if (output < 0)
        return cli_usage_error(self, "--output is %s; expected table, jsonl, ecs or none",
                               run.output);
    run.n_threads = read_threads(run.threads);
    if (!run.n_threads)
        return cli_usage_error(self, "--threads is %s; expected a number from 1 to %d", run.threads,
                               PIPELINE_THREADS_MAX);
    if (!read_budget(run.budget, &run.regex_budget))
        return cli_usage_error(self, "--regex-budget is %s; expected a number, 0 for none",
                               run.budget);
    if (first == argc && isatty(STDIN_FILENO))
        return cli_usage_error(self, "no file given; expected log files, or - for standard input");
    status = set_up(&run, format, output, argv + first, argc - first);
    if (status == CLI_DONE)
        status = tag_all(&run, first < argc ? (size_t)(argc - first) : 1);
    tear_down(&run);
    return cli_finish_output(status);
}

const cli_command cli_tag = {
    .name = "tag",
    .synopsis = "[OPTION]... [FILE]...",
    .summary = "Tell which ATT&CK techniques a log shows",
    .help =
        "Reads event JSON Lines and Cowrie's JSON logs, plain, gzip or zstd; - or no FILE is "
        "standard\n"
        "input. Every line is accounted for on standard error.\n"
        "\n"
        "  -f, --format FORMAT     auto (default), event or cowrie\n"
        "  -r, --rules DIR         rule files (default: $DECNET_TTP_RULES_DIR, ./rules/ttp, the "
        "pack)\n"
        "  -o, --output FORM       table (default), jsonl, ecs or none\n"
        "      --db PATH           also write the tags to a SQLite database, each once\n"
        "      --attack-bundle F   MITRE's STIX bundle instead of the built-in catalogue\n"
        "      --attack-release R  the bundle's release, where it names none: enterprise-v18.1\n"
        "      --threads N         threads that share the work (default: the cores this process "
        "may use,\n"
        "                          at most 8); what is written is the same for any N\n"
        "      --regex-budget N    a rule whose searches hit their bound N times within a minute "
        "is\n"
        "                          disabled for 10 minutes (default: 100; 0: never)\n"
        "      --host NAME         as whom what runs here is told in the ledger of a database of "
        "rules\n"
        "                          (default: $DECNET_TTP_HOST, else this machine's name; of plain "
        "files,\n"
        "                          nobody)\n"
        "  -q, --quiet             no progress, no account; mistakes are still reported\n"
        "\n"
        "Example:\n"
        "  ttp tag --output jsonl --db tags.db cowrie.json cowrie.json.1.gz\n",
    .run = run_tag,
};
