/* SPDX-License-Identifier: Apache-2.0 */
/* ttp tag: logs in, tags out, and an account of every line. */
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/progress.h"

#include "base/err.h"
#include "event/reader.h"
#include "tag/tag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_SINKS 2

typedef struct tag_run {
    const cli_command *command;
    const char *format, *rules, *db, *output, *bundle, *release;
    bool quiet;
    loaded_rules loaded;
    evaluator *evaluator;
    reader *reader;
    tag_sink *sinks[MAX_SINKS];
    size_t n_sinks;
    tag_sink *db_sink; /* one of them, or NULL */
    progress progress;
    size_t n_files, n_unread; /* all; those that could not be read to their end */
} tag_run;

static const char *const formats[] = {"auto", "event", "cowrie", NULL};
static const char *const outputs[] = {"table", "jsonl", "ecs", "none", NULL};

static void complain(void *ctx, const ttp_err *err, bool is_bad)
{
    tag_run *run = ctx;

    progress_clear(&run->progress);
    if (is_bad)
        (void)cli_fail(err); /* the status is decided at the end */
    else
        cli_warn(err);
}

static void log_line(void *ctx, ttp_log_level level, const char *line)
{
    tag_run *run = ctx;

    progress_clear(&run->progress);
    fprintf(stderr, "ttp: %s%s\n", level >= TTP_LOG_WARNING ? "warning: " : "", line);
}

static unsigned terminal_width(int fd)
{
    struct winsize size;

    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int add_output_sink(tag_run *run, int output)
{
    const attack_catalogue *catalogue = run->loaded.catalogue;
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

static int set_up(tag_run *run, int format, int output)
{
    const ttp_log log = {log_line, run};
    const reader_options options = {(event_format)format, complain, run};
    int status = cli_load_rules(run->rules, run->bundle, run->release, &run->loaded);
    ttp_err err;

    if (status == CLI_DONE)
        status = add_output_sink(run, output);
    if (status == CLI_DONE)
        status = add_db_sink(run);
    if (status != CLI_DONE)
        return status;
    run->evaluator = evaluator_new(NULL, &log);
    if (!run->evaluator || reader_new(&options, &run->reader)) {
        (void)err_set(&err, -ENOMEM, NULL, "out of memory");
        return cli_fail(&err);
    }
    progress_start(&run->progress, !run->quiet && isatty(STDERR_FILENO));
    return CLI_DONE;
}

static int put_event(tag_run *run, const event *ev)
{
    const tag *tags;
    ttp_err err = {0};
    size_t n;

    if (evaluator_run(run->evaluator, run->loaded.index, ev, &tags, &n)) {
        (void)err_set(&err, -ENOMEM, NULL, "out of memory");
        return cli_fail(&err);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t s = 0; s < run->n_sinks; s++) {
            if (tag_sink_put(run->sinks[s], &tags[i], &err))
                return cli_fail(&err);
        }
    }
    progress_step(&run->progress, run->reader);
    return CLI_DONE;
}

/* A file that breaks off is reported; the next one is read all the same. */
static int tag_file(tag_run *run, const char *path)
{
    const event *ev;
    ttp_err err = {0};
    int rc = reader_open(run->reader, path, &err);

    while (!rc) {
        rc = reader_next(run->reader, &ev, &err);
        if (!rc && put_event(run, ev) != CLI_DONE)
            return CLI_FAILED;
    }
    run->n_files++;
    if (rc != TTP_E_END) {
        complain(run, &err, true);
        run->n_unread++;
    }
    return CLI_DONE;
}

static int tag_rest(tag_run *run)
{
    const event *ev;
    ttp_err err = {0};
    int rc;

    while ((rc = reader_finish(run->reader, &ev, &err)) == 0) {
        if (put_event(run, ev) != CLI_DONE)
            return CLI_FAILED;
    }
    if (rc != TTP_E_END)
        return cli_fail(&err);
    for (size_t s = 0; s < run->n_sinks; s++) {
        if (tag_sink_flush(run->sinks[s], &err))
            return cli_fail(&err);
    }
    return CLI_DONE;
}

static void print_counts(const tag_run *run, const char *title, bool bad, bool noted)
{
    const reader_count *counts;
    size_t n = reader_counts(run->reader, &counts);
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
static void print_account(const tag_run *run)
{
    const reader_stats *r = reader_get_stats(run->reader);
    const evaluator_stats *e = evaluator_get_stats(run->evaluator);

    if (run->n_unread)
        fprintf(stderr, "files: %zu of %zu read to the end\n", run->n_files - run->n_unread,
                run->n_files);
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

static int tag_all(tag_run *run, int n_files, char **files)
{
    static char dash[] = "-", *standard_input[] = {dash};
    const reader_stats *stats;
    int status = CLI_DONE;

    if (n_files == 0) {
        n_files = 1;
        files = standard_input;
    }
    for (int i = 0; status == CLI_DONE && i < n_files; i++)
        status = tag_file(run, files[i]);
    if (status == CLI_DONE)
        status = tag_rest(run);
    progress_clear(&run->progress);
    if (status != CLI_DONE)
        return status;
    if (!run->quiet)
        print_account(run);
    stats = reader_get_stats(run->reader);
    if (stats->bad || stats->noted || run->n_unread || run->loaded.n_refused)
        return CLI_BAD_INPUT;
    return CLI_DONE;
}

static void tear_down(tag_run *run)
{
    for (size_t s = 0; s < run->n_sinks; s++)
        tag_sink_free(run->sinks[s]);
    reader_free(run->reader);
    evaluator_free(run->evaluator);
    cli_unload_rules(&run->loaded);
}

static int run_tag(const cli_command *self, int argc, char **argv)
{
    tag_run run = {.command = self};
    const cli_option options[] = {
        {"format", 'f', &run.format, NULL},
        {"rules", 'r', &run.rules, NULL},
        {"db", 0, &run.db, NULL},
        {"output", 'o', &run.output, NULL},
        {"attack-bundle", 0, &run.bundle, NULL},
        {"attack-release", 0, &run.release, NULL},
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
    if (first == argc && isatty(STDIN_FILENO))
        return cli_usage_error(self, "no file given; expected log files, or - for standard input");
    status = set_up(&run, format, output);
    if (status == CLI_DONE)
        status = tag_all(&run, argc - first, argv + first);
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
        "  -q, --quiet             no progress, no account; mistakes are still reported\n"
        "\n"
        "Example:\n"
        "  ttp tag --output jsonl --db tags.db cowrie.json cowrie.json.1.gz\n",
    .run = run_tag,
};
