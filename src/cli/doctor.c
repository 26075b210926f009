/* SPDX-License-Identifier: Apache-2.0 */
/* ttp doctor: what this build is made of, what the machine has, what is missing. */
#include "cli/commands.h"

#include "attack/attack.h"
#include "base/err.h"
#include "base/json.h"
#include "match/scan_path.h"
#include "rule/rule.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <libfyaml.h>
#include <pcre2.h>
#include <sqlite3.h>
#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif
#if HAVE_CURL
#include <curl/curl.h>
#endif

typedef struct findings {
    bool json;
    buf out;
    unsigned n_problems;
} findings;

/* One finding: in JSON a member, else a line. problem: NULL where all is well. */
static void note(findings *f, const char *name, const char *value, const char *problem)
{
    if (problem)
        f->n_problems++;
    if (!f->json) {
        buf_printf(&f->out, "%-4s %-18s %s\n", problem ? "FAIL" : "ok", name, value);
        if (problem)
            buf_printf(&f->out, "     %-18s %s\n", "", problem);
        return;
    }
    buf_put_c(&f->out, f->out.len > 1 ? ",{\"name\":" : "{\"name\":");
    buf_put_json(&f->out, str_from(name));
    buf_put_c(&f->out, ",\"value\":");
    buf_put_json(&f->out, str_from(value));
    buf_put_c(&f->out, ",\"problem\":");
    if (problem)
        buf_put_json(&f->out, str_from(problem));
    else
        buf_put_c(&f->out, "null");
    buf_put_char(&f->out, '}');
}

static void note_machine(findings *f)
{
    char text[512];
    struct utsname u;

    (void)uname(&u); /* cannot fail with a valid pointer */
    (void)snprintf(text, sizeof(text), "%s %s, %s, %ld cores", u.sysname, u.release, u.machine,
                   sysconf(_SC_NPROCESSORS_ONLN));
    note(f, "machine", text, NULL);
#if defined(__x86_64__)
    (void)snprintf(text, sizeof(text), "sse4.2 %s, avx2 %s, avx512bw %s",
                   __builtin_cpu_supports("sse4.2") ? "yes" : "no",
                   __builtin_cpu_supports("avx2") ? "yes" : "no",
                   __builtin_cpu_supports("avx512bw") ? "yes" : "no");
    note(f, "CPU features", text, NULL);
#endif
}

static void note_scan_path(findings *f)
{
    const char *asked = getenv(SCAN_PATH_VARIABLE);
    auto_free(buf) buf text = {0};

    buf_printf(&text, "%s, of", scan_path_best()->name);
    for (size_t i = 0; i < n_scan_paths; i++) {
        if (scan_paths[i]->is_usable())
            buf_printf(&text, " %s", scan_paths[i]->name);
    }
    note(f, "scan path", buf_c_str(&text) ? text.ptr : "out of memory",
         asked && !scan_path_named(asked)
             ? "$" SCAN_PATH_VARIABLE " names none of them; set it to one of them, or unset it"
             : NULL);
}

static void note_libraries(findings *f)
{
    char text[128] = "";
    uint32_t jit = 0;

    (void)pcre2_config(PCRE2_CONFIG_VERSION, text); /* room was asked of the manual: 24 bytes */
    (void)pcre2_config(PCRE2_CONFIG_JIT, &jit);
    note(f, "PCRE2", text, NULL);
    note(f, "PCRE2 JIT", jit ? "yes" : "no: backtracking patterns run slower", NULL);
    note(f, "libfyaml", fy_library_version(), NULL);
    note(f, "SQLite", sqlite3_libversion(), NULL);
    note(f, "simdjson", json_library_version(), NULL);
#if HAVE_ZLIB
    note(f, "zlib", zlibVersion(), NULL);
#else
    note(f, "zlib", "built without: gzip logs cannot be read", NULL);
#endif
#if HAVE_ZSTD
    note(f, "zstd", ZSTD_versionString(), NULL);
#else
    note(f, "zstd", "built without: zstd logs cannot be read", NULL);
#endif
#if HAVE_CURL
    note(f, "libcurl", curl_version_info(CURLVERSION_NOW)->version, NULL);
#else
    note(f, "libcurl", "built without: no ttp attack fetch", NULL);
#endif
}

static void note_rules(findings *f, const char *path, const attack_catalogue *catalogue)
{
    const rule_context ctx = {.catalogue = catalogue};
    rule_dir dir = {0};
    ttp_err err = {0};
    char text[512];

    if (rule_dir_read(path, &ctx, &dir, &err)) {
        (void)ttp_err_format(&err, text, sizeof(text));
        note(f, "rules", path, text);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s: %zu rules, %zu refused", path, dir.n_rules,
                   dir.n_errors);
    note(f, "rules", text,
         dir.n_errors       ? "run ttp rules lint to see why"
         : dir.n_rules == 0 ? "no rule files; give --rules DIR or set DECNET_TTP_RULES_DIR"
                            : NULL);
    rule_dir_done(&dir);
}

static void note_catalogue(findings *f, const char *rules)
{
    attack_catalogue *owned = NULL;
    const attack_catalogue *catalogue = NULL;
    char text[256];

    if (cli_catalogue(NULL, NULL, &owned, &catalogue) != CLI_DONE) {
        note(f, "ATT&CK", "$DECNET_TTP_ATTACK_BUNDLE cannot be used",
             "set it to a STIX 2.1 bundle that can be read, or unset it");
        return;
    }
    (void)snprintf(text, sizeof(text), "%.*s, %zu techniques, %s",
                   STR_ARG(attack_release(catalogue)), attack_count(catalogue),
                   attack_is_builtin(catalogue) ? "built-in table" : "from a bundle");
    note(f, "ATT&CK", text, NULL);
    note_rules(f, cli_rules_dir(rules), catalogue);
    attack_free(owned);
}

static int run_doctor(const cli_command *self, int argc, char **argv)
{
    static const char *const outputs[] = {"text", "json", NULL};
    const char *output = NULL, *rules = NULL;
    const cli_option options[] = {{"output", 'o', &output, NULL}, {"rules", 'r', &rules, NULL}};
    findings f = {0};
    int first, status = cli_parse(self, options, 2, argc, argv, &first);

    if (status >= 0)
        return status;
    if (cli_choice(output, outputs) < 0 || first < argc)
        return cli_usage_error(self, first < argc ? "takes no operands"
                                                  : "--output is unknown; expected text or json");
    f.json = cli_choice(output, outputs) == 1;
    if (f.json)
        buf_put_char(&f.out, '[');
    note(&f, "ttp", TTP_VERSION, NULL);
    note_machine(&f);
    note_scan_path(&f);
    note_libraries(&f);
    note_catalogue(&f, rules);
    if (f.json)
        buf_put_c(&f.out, "]\n");
    (void)fwrite(f.out.ptr, 1, f.out.len, stdout); /* cli_finish_output says what went wrong */
    buf_done(&f.out);
    return cli_finish_output(f.n_problems ? CLI_FAILED : CLI_DONE);
}

const cli_command cli_doctor = {
    .name = "doctor",
    .synopsis = "[OPTION]...",
    .summary = "Tell versions, CPU features and what is missing",
    .help =
        "  -o, --output FORM   text (default) or json\n"
        "  -r, --rules DIR     rule files (default: $DECNET_TTP_RULES_DIR, ./rules/ttp, the pack)\n"
        "\n"
        "Exit status 1 where something is amiss.\n"
        "\n"
        "Example:\n"
        "  ttp doctor\n",
    .run = run_doctor,
};
