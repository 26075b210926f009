/* SPDX-License-Identifier: Apache-2.0 */
/* ttp attack show: what an id means. ttp attack fetch: a release's bundle from the network. */
#include "attack/fetch.h"
#include "base/err.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/commands.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_parent(str id, const attack_technique *t)
{
    return attack_is_sub_technique_id(t->id) && str_starts(t->id, id) && id.len == 5;
}

/* Whether it belongs in the list under a tactic: techniques that are in force, not their subs. */
static bool is_listed_under(const attack_tactic *tactic, const attack_technique *t)
{
    return attack_is_technique_id(t->id) && !t->revoked && !t->deprecated &&
           attack_has_tactic(t, tactic->id);
}

/* "  label           T1059 Name": the label on the first line only. */
static void print_entry(const char **label, str id, str name)
{
    printf("  %-16s%-10s %s\n", *label, id.ptr, name.ptr);
    *label = "";
}

static void print_field(const char *label, const char *value)
{
    printf("  %-16s%s\n", label, value);
}

static void print_head(const attack_catalogue *c, str id, str name, str url)
{
    printf("%s  %s\n", id.ptr, name.ptr);
    printf("  %-16s%s%s\n", "release", attack_release(c).ptr,
           attack_is_builtin(c) ? " (built-in table, partial)" : "");
    print_field("page", url.ptr);
}

static void print_tactic(const attack_catalogue *c, const attack_tactic *tactic)
{
    const char *label = "techniques";

    print_head(c, tactic->id, tactic->name, tactic->url);
    print_field("short name", tactic->shortname.ptr);
    for (size_t i = 0; i < attack_count(c); i++) {
        const attack_technique *t = attack_at(c, i);

        if (is_listed_under(tactic, t))
            print_entry(&label, t->id, t->name);
    }
}

static void print_fate(const attack_catalogue *c, const attack_technique *t)
{
    const attack_technique *next = t->successor.ptr ? attack_find(c, t->successor) : NULL;

    if (t->revoked && t->successor.ptr)
        printf("  %-16srevoked; now %s %s\n", "status", t->successor.ptr,
               next ? next->name.ptr : "");
    else if (t->revoked)
        print_field("status", "revoked");
    if (t->deprecated)
        print_field("status", "deprecated");
}

static void print_technique(const attack_catalogue *c, const attack_technique *t)
{
    const attack_technique *parent = attack_find(c, (str){t->id.ptr, 5});
    const char *label = "tactics";

    print_head(c, t->id, t->name, t->url);
    print_fate(c, t);
    for (unsigned i = 0; i < t->n_tactics; i++)
        print_entry(&label, t->tactics[i]->id, t->tactics[i]->name);
    label = "part of";
    if (parent && parent != t)
        print_entry(&label, parent->id, parent->name);
    label = "sub-techniques";
    for (size_t i = 0; i < attack_count(c); i++) {
        if (is_parent(t->id, attack_at(c, i)))
            print_entry(&label, attack_at(c, i)->id, attack_at(c, i)->name);
    }
}

static void put_member(buf *b, const char *key, str value)
{
    buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
    if (value.ptr)
        buf_put_json(b, value);
    else
        buf_put_c(b, "null");
}

static void put_element(buf *b, unsigned *n, str value)
{
    if ((*n)++)
        buf_put_char(b, ',');
    buf_put_json(b, value);
}

static void put_head(buf *b, const attack_catalogue *c, str id, str name, str url)
{
    buf_put_char(b, '{');
    put_member(b, "id", id);
    put_member(b, "name", name);
    put_member(b, "attack_release", attack_release(c));
    buf_printf(b, ",\"partial\":%s", attack_is_builtin(c) ? "true" : "false");
    put_member(b, "url", url);
}

static void put_tactic(buf *b, const attack_catalogue *c, const attack_tactic *tactic)
{
    unsigned n = 0;

    put_head(b, c, tactic->id, tactic->name, tactic->url);
    put_member(b, "shortname", tactic->shortname);
    buf_put_c(b, ",\"techniques\":[");
    for (size_t i = 0; i < attack_count(c); i++) {
        if (is_listed_under(tactic, attack_at(c, i)))
            put_element(b, &n, attack_at(c, i)->id);
    }
    buf_put_c(b, "]}\n");
}

static void put_technique(buf *b, const attack_catalogue *c, const attack_technique *t)
{
    unsigned n = 0;

    put_head(b, c, t->id, t->name, t->url);
    buf_put_c(b, ",\"tactics\":[");
    for (unsigned i = 0; i < t->n_tactics; i++)
        put_element(b, &n, t->tactics[i]->id);
    buf_printf(b, "],\"revoked\":%s,\"deprecated\":%s", t->revoked ? "true" : "false",
               t->deprecated ? "true" : "false");
    put_member(b, "successor", t->successor);
    buf_put_c(b, ",\"sub_techniques\":[");
    n = 0;
    for (size_t i = 0; i < attack_count(c); i++) {
        if (is_parent(t->id, attack_at(c, i)))
            put_element(b, &n, attack_at(c, i)->id);
    }
    buf_put_c(b, "]}\n");
}

static int fail_unknown(const attack_catalogue *c, const char *id)
{
    ttp_err err;

    if (attack_is_builtin(c))
        (void)err_set(&err, TTP_E_NOT_FOUND, id,
                      "is not in the built-in table of %s, which is partial: a whole bundle may "
                      "have it ('ttp attack fetch', then --attack-bundle)",
                      attack_release(c).ptr);
    else
        (void)err_set(&err, TTP_E_NOT_FOUND, id, "is not in %s", attack_release(c).ptr);
    return cli_fail(&err);
}

/* t1059.004 is as good as T1059.004. */
static bool read_id(const char *operand, char ret_id[16])
{
    size_t len = strlen(operand);
    str id = {ret_id, len};

    if (len >= 16)
        return false;
    for (size_t i = 0; i <= len; i++)
        ret_id[i] = (char)toupper((unsigned char)operand[i]);
    return attack_is_tactic_id(id) || attack_is_technique_id(id) || attack_is_sub_technique_id(id);
}

static int show_one(const attack_catalogue *c, const char *operand, bool json)
{
    auto_free(buf) buf b = {0};
    char id[16];
    const attack_technique *technique;
    const attack_tactic *tactic;
    ttp_err err;

    if (!read_id(operand, id)) {
        (void)err_set(&err, TTP_E_INVALID, operand,
                      "is no id of ATT&CK's: expected one like T1059, T1059.004 or TA0002");
        return cli_fail(&err);
    }
    technique = attack_find(c, str_from(id));
    tactic = attack_find_tactic(c, str_from(id));
    if (!technique && !tactic)
        return fail_unknown(c, id);
    if (json && technique)
        put_technique(&b, c, technique);
    else if (json)
        put_tactic(&b, c, tactic);
    else if (technique)
        print_technique(c, technique);
    else
        print_tactic(c, tactic);
    (void)fwrite(buf_str(&b).ptr, 1, b.len, stdout); /* cli_finish_output sees what became of it */
    return CLI_DONE;
}

static void warn_of_skipped(const attack_catalogue *c)
{
    ttp_err err;

    if (attack_skipped(c) == 0)
        return;
    (void)err_set(&err, TTP_E_INVALID, attack_release(c).ptr,
                  "%zu objects of the bundle are not as they should be; the first: %s",
                  attack_skipped(c), attack_first_skipped(c).ptr);
    cli_warn(&err);
}

static int run_show(const cli_command *self, int argc, char **argv)
{
    static const char *const forms[] = {"text", "json", NULL};
    auto_free(attack_catalogue) attack_catalogue *owned = NULL;
    const char *bundle = NULL, *release = NULL, *output = NULL;
    const cli_option options[] = {
        {"attack-bundle", 0, &bundle, NULL},
        {"attack-release", 0, &release, NULL},
        {"output", 0, &output, NULL},
    };
    const attack_catalogue *c;
    int first, form;
    int status = cli_parse(self, options, sizeof(options) / sizeof(*options), argc, argv, &first);

    if (status >= 0)
        return status;
    form = cli_choice(output, forms);
    if (form < 0)
        return cli_usage_error(self, "--output is text or json, not %s", output);
    if (first == argc)
        return cli_usage_error(self, "which id? One like T1059, T1059.004 or TA0002");
    if (cli_catalogue(bundle, release, &owned, &c))
        return CLI_FAILED;
    warn_of_skipped(c);
    status = CLI_DONE;
    for (int i = first; i < argc; i++) {
        if (show_one(c, argv[i], form == 1))
            status = CLI_FAILED;
    }
    return cli_finish_output(status);
}

const cli_command cli_attack_show = {
    .name = "attack show",
    .synopsis = "[OPTION]... ID...",
    .summary = "Tell what an id of ATT&CK's means and what became of it",
    .help =
        "  --attack-bundle FILE     look it up in this STIX bundle, or in a release that was\n"
        "                           fetched (18.1); default: $DECNET_TTP_ATTACK_BUNDLE, else the\n"
        "                           built-in table, which holds what decoys are likely to see\n"
        "  --attack-release NAME    the bundle's release, where it does not say\n"
        "  --output text|json       json: one object a line\n"
        "\n"
        "Example: ttp attack show T1059.004 TA0005\n",
    .run = run_show,
};

static volatile sig_atomic_t caught_signal;

static void note_signal(int number)
{
    caught_signal = number;
}

typedef struct progress {
    bool terminal;
    int64_t begin_ns, told_ns;
} progress;

static void tell_progress(progress *p, uint64_t done, uint64_t total, int64_t now_ns)
{
    double seconds = (double)(now_ns - p->begin_ns) / 1e9;
    double speed = seconds > 0 ? (double)done / seconds : 0;

    fprintf(stderr, "\r  %.1f MB", (double)done / 1e6);
    if (total)
        fprintf(stderr, " of %.1f MB", (double)total / 1e6);
    fprintf(stderr, ", %.1f MB/s", speed / 1e6);
    if (total > done && speed > 0)
        fprintf(stderr, ", %.0f s left", (double)(total - done) / speed);
    fputs("\033[K", stderr);
}

/* Five times a second will do; a signal ends the download, which then tidies up. */
static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    progress *p = ctx;
    int64_t now_ns = time_monotonic_ns();

    if (p->terminal && now_ns - p->told_ns >= 200 * 1000 * 1000) {
        p->told_ns = now_ns;
        tell_progress(p, done, total, now_ns);
    }
    return caught_signal != 0;
}

static void catch_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    (void)sigaction(SIGINT, &action, NULL); /* these exist and can be caught */
    (void)sigaction(SIGTERM, &action, NULL);
}

static int fetch(const attack_fetch_options *options, attack_fetched *ret, ttp_err *err)
{
    attack_fetch_options o = *options;
    progress p = {.terminal = isatty(STDERR_FILENO), .begin_ns = time_monotonic_ns()};
    int rc;

    o.progress = on_progress;
    o.ctx = &p;
    catch_signals(note_signal);
    rc = attack_fetch(&o, ret, err);
    catch_signals(SIG_DFL);
    if (p.terminal && p.told_ns)
        fputs("\r\033[K", stderr);
    if (rc == -ECANCELED && caught_signal)
        (void)raise(caught_signal); /* end as whoever sent it expects */
    return rc;
}

static void print_fetched(const attack_fetched *f, bool default_dir)
{
    printf("%s: %zu techniques and sub-techniques, %.1f MB, in %s\n", f->release, f->n_techniques,
           (double)f->n_bytes / 1e6, f->path);
    if (f->n_skipped)
        fprintf(stderr, "ttp: warning: %zu objects of the bundle are not as they should be\n",
                f->n_skipped);
    fprintf(stderr, "To use it: --attack-bundle %s, or DECNET_TTP_ATTACK_BUNDLE\n",
            default_dir ? f->release : f->path);
}

static int run_fetch(const cli_command *self, int argc, char **argv)
{
    attack_fetch_options o = {0};
    const cli_option options[] = {
        {"url", 0, &o.url, NULL},
        {"dir", 0, &o.dir, NULL},
    };
    attack_fetched fetched;
    ttp_err err = {0};
    int first;
    int status = cli_parse(self, options, sizeof(options) / sizeof(*options), argc, argv, &first);

    if (status >= 0)
        return status;
    if (argc - first > 1)
        return cli_usage_error(self, "one release at a time, not also %s", argv[first + 1]);
    if (first < argc)
        o.release = argv[first];
    if (fetch(&o, &fetched, &err))
        return cli_fail(&err);
    print_fetched(&fetched, !o.dir);
    return cli_finish_output(CLI_DONE);
}

const cli_command cli_attack_fetch = {
    .name = "attack fetch",
    .synopsis = "[OPTION]... [RELEASE]",
    .summary = "Download a release's ATT&CK bundle, check it and keep it",
    .help =
        "RELEASE is one like 18.1 or enterprise-v18.1; without it the latest is fetched.\n"
        "\n"
        "  --url URL    where bundles are, laid out as MITRE's repository is, or one bundle's\n"
        "               own address (.json); https, or http on this host;\n"
        "               default: " ATTACK_FETCH_URL "\n"
        "  --dir DIR    where to keep it; default: $XDG_DATA_HOME/ttp/attack, else\n"
        "               ~/.local/share/ttp/attack, where --attack-bundle finds it by its release\n"
        "\n"
        "Example: ttp attack fetch 18.1 && ttp attack show --attack-bundle 18.1 T1562\n",
    .run = run_fetch,
};
