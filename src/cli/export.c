/* SPDX-License-Identifier: Apache-2.0 */
/* ttp export navigator: tags that were written before, as a layer for the ATT&CK Navigator. */
#include "cli/cli.h"
#include "cli/commands.h"

#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "event/lines.h"
#include "tag/tag.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* bad lines that are shown one by one; further ones are counted */
#define MAX_SHOWN 10

typedef struct export_run {
    const char *db, *name, *bundle, *release, *output;
    attack_catalogue *owned;
    const attack_catalogue *catalogue;
    tag_sink *sink;
    int fd;
    bool made_file; /* --output was not there before */
    json_doc *doc;
    buf evidence;
    lines lines;
    uint64_t n_tags, n_bad;
    size_t n_unread; /* files that could not be read, or not to their end */
} export_run;

static int out_of_memory(void)
{
    ttp_err err;

    (void)err_set(&err, -ENOMEM, NULL, "out of memory"); /* passed on below */
    return cli_fail(&err);
}

static void show_bad(export_run *run, const ttp_err *err)
{
    if (run->n_bad++ < MAX_SHOWN)
        (void)cli_fail(err); /* the status is decided at the end */
}

static int put_tag(void *ctx, const tag *t, ttp_err *err)
{
    export_run *run = ctx;

    run->n_tags++;
    return tag_sink_put(run->sink, t, err);
}

/* Is it one of the blanks that people leave between lines? */
static bool is_blank(str s)
{
    while (s.len && strchr(" \t\r", s.ptr[0]) && s.ptr[0])
        s = (str){s.ptr + 1, s.len - 1};
    return s.len == 0;
}

/* What one line says. Returns 0, an outcome that makes it a bad line, or -errno. */
static int read_line(export_run *run, const line *l, const char *path, tag *ret_tag, ttp_err *err)
{
    const json_node *root;
    int rc;

    if (l->too_long)
        return err_at(err, TTP_E_LIMIT, path, (unsigned)l->number, 0,
                      "the line is longer than %u bytes", TTP_EVENT_MAX);
    if (l->open_array)
        return err_at(err, TTP_E_SYNTAX, path, (unsigned)l->number, 0,
                      "the file ends in the middle of a list");
    rc = json_parse(run->doc, l->text, &root, NULL, err);
    if (rc) {
        (void)snprintf(err->where, sizeof(err->where), "%s", path);
        err->line = (unsigned)l->number;
        return rc;
    }
    return tag_read_json(root, &run->evidence, ret_tag, path, (unsigned)l->number, err);
}

static int export_line(export_run *run, const line *l, const char *path)
{
    ttp_err err = {0};
    tag t;
    int rc;

    if (!l->too_long && !l->open_array && is_blank(l->text))
        return CLI_DONE;
    rc = read_line(run, l, path, &t, &err);
    if (rc > 0) {
        show_bad(run, &err);
        return CLI_DONE;
    }
    if (!rc)
        rc = put_tag(run, &t, &err);
    return rc ? cli_fail(&err) : CLI_DONE;
}

/* A file that cannot be read is reported; the next one is read all the same. */
static int export_file(export_run *run, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    ttp_err err = {0};
    line l;
    int rc = lines_open(&run->lines, path, &err);

    while (!rc) {
        rc = lines_next(&run->lines, &l, &err);
        if (!rc && export_line(run, &l, name) != CLI_DONE)
            return CLI_FAILED;
    }
    lines_close(&run->lines);
    if (rc != TTP_E_END) {
        (void)cli_fail(&err); /* the status is decided at the end */
        run->n_unread++;
    }
    return CLI_DONE;
}

static int export_database(export_run *run)
{
    ttp_err err = {0}, first_bad;
    int rc = tag_read_sqlite(run->db, put_tag, run, &run->n_bad, &first_bad, &err);

    if (rc)
        return cli_fail(&err);
    if (run->n_bad)
        (void)cli_fail(&first_bad); /* the status is decided at the end */
    return CLI_DONE;
}

/* The file is opened before the work and emptied after it: a failure leaves an old layer as it was.
 */
static int open_output(export_run *run)
{
    ttp_err err;

    run->fd = STDOUT_FILENO;
    if (!run->output || strcmp(run->output, "-") == 0)
        return CLI_DONE;
    run->made_file = access(run->output, F_OK) != 0;
    run->fd = open(run->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (run->fd >= 0)
        return CLI_DONE;
    run->made_file = false;
    (void)err_set(&err, -errno, run->output, "cannot write: %s", strerror(errno));
    return cli_fail(&err);
}

static int close_output(export_run *run, int status)
{
    ttp_err err;

    if (run->fd < 0 || run->fd == STDOUT_FILENO)
        return status;
    if (close(run->fd) && status != CLI_FAILED) {
        (void)err_set(&err, -errno, run->output, "cannot write: %s", strerror(errno));
        status = cli_fail(&err);
    }
    if (status == CLI_FAILED && run->made_file)
        (void)unlink(run->output); /* the failure is told already */
    return status;
}

static int write_layer(export_run *run)
{
    ttp_err err = {0};
    struct stat st;

    if (run->fd != STDOUT_FILENO && fstat(run->fd, &st) == 0 && S_ISREG(st.st_mode) &&
        ftruncate(run->fd, 0)) {
        (void)err_set(&err, -errno, run->output, "cannot write: %s", strerror(errno));
        return cli_fail(&err);
    }
    if (tag_sink_flush(run->sink, &err)) {
        if (run->fd != STDOUT_FILENO)
            (void)snprintf(err.where, sizeof(err.where), "%s", run->output);
        return cli_fail(&err);
    }
    return CLI_DONE;
}

/* What is not in the layer, and why. */
static int report(const export_run *run)
{
    uint64_t left_out = tag_sink_navigator_left_out(run->sink);

    if (left_out)
        fprintf(stderr,
                "ttp: warning: %" PRIu64 " of %" PRIu64
                " tags are of another ATT&CK release and not in the layer\n",
                left_out, run->n_tags);
    if (run->n_bad)
        fprintf(stderr, "ttp: %" PRIu64 " %s no tags and left out; expected %s\n", run->n_bad,
                run->db ? "rows are" : "lines are",
                run->db ? "rows that ttp wrote" : "what `ttp tag --output jsonl` prints");
    return run->n_bad || run->n_unread ? CLI_BAD_INPUT : CLI_DONE;
}

static int set_up(export_run *run)
{
    int status = cli_catalogue(run->bundle, run->release, &run->owned, &run->catalogue);

    if (status == CLI_DONE)
        status = open_output(run);
    if (status != CLI_DONE)
        return status;
    run->doc = json_doc_new();
    if (!run->doc || tag_sink_navigator_new(run->fd, run->catalogue, run->name, &run->sink))
        return out_of_memory();
    return CLI_DONE;
}

static int export_all(export_run *run, int n_files, char **files)
{
    static char dash[] = "-", *standard_input[] = {dash};
    int status = CLI_DONE;

    if (n_files == 0) {
        n_files = 1;
        files = standard_input;
    }
    if (run->db)
        status = export_database(run);
    for (int i = 0; !run->db && status == CLI_DONE && i < n_files; i++)
        status = export_file(run, files[i]);
    if (status != CLI_DONE || run->n_unread == (size_t)n_files)
        return CLI_FAILED;
    status = write_layer(run);
    return status == CLI_DONE ? report(run) : status;
}

static void tear_down(export_run *run)
{
    (void)tag_sink_free(run->sink); /* enders return NULL */
    (void)json_doc_free(run->doc);  /* the same */
    (void)attack_free(run->owned);  /* the same */
    buf_done(&run->evidence);
    lines_done(&run->lines);
}

static int run_export_navigator(const cli_command *self, int argc, char **argv)
{
    export_run run = {.fd = -1};
    const cli_option options[] = {
        {"db", 0, &run.db, NULL},
        {"name", 'n', &run.name, NULL},
        {"attack-bundle", 0, &run.bundle, NULL},
        {"attack-release", 0, &run.release, NULL},
        {"output", 'o', &run.output, NULL},
    };
    int first, status;

    status = cli_parse(self, options, sizeof(options) / sizeof(options[0]), argc, argv, &first);
    if (status >= 0)
        return status;
    if (run.db && first < argc)
        return cli_usage_error(self, "expected --db or files, not both");
    if (!run.db && first == argc && isatty(STDIN_FILENO))
        return cli_usage_error(self, "no file given; expected --db PATH, files of tags, or - for "
                                     "standard input");
    status = set_up(&run);
    if (status == CLI_DONE)
        status = export_all(&run, argc - first, argv + first);
    status = close_output(&run, status);
    tear_down(&run);
    return status;
}

const cli_command cli_export_navigator = {
    .name = "export navigator",
    .synopsis = "[OPTION]... [FILE]...",
    .summary = "Write tags as a layer for the ATT&CK Navigator",
    .help =
        "Reads the lines that `ttp tag --output jsonl` prints (plain, gzip or zstd; - or no FILE "
        "is\n"
        "standard input), or the database of `ttp tag --db`, and writes a layer of format 4.5: "
        "each\n"
        "technique's score is its number of tags. A layer shows one ATT&CK release, the one of "
        "most\n"
        "tags. Open it at https://mitre-attack.github.io/attack-navigator/, \"Open Existing "
        "Layer\".\n"
        "\n"
        "      --db PATH           read a SQLite database instead of files\n"
        "  -n, --name NAME         the layer's name\n"
        "  -o, --output FILE       write to a file instead of standard output\n"
        "      --attack-bundle F   MITRE's STIX bundle, for the names of tactics that the "
        "built-in\n"
        "                          catalogue does not know\n"
        "      --attack-release R  the bundle's release, where it names none: enterprise-v18.1\n"
        "\n"
        "Example:\n"
        "  ttp tag --output jsonl cowrie.json | ttp export navigator -o layer.json\n",
    .run = run_export_navigator,
};
