/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/err.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_OPTIONS 32

static void print_help(const cli_command *c)
{
    printf("usage: ttp %s%s%s\n\n%s.\n\n%s", c->name, c->synopsis[0] ? " " : "", c->synopsis,
           c->summary, c->help);
}

/* Our options in getopt's form; the values stay with ours. */
static void to_getopt(const cli_option *options, size_t n, struct option *ret_long, char *ret_short)
{
    *ret_short++ = ':'; /* a missing argument is told from an unknown option */
    for (size_t i = 0; i < n; i++) {
        ret_long[i] = (struct option){options[i].name,
                                      options[i].value ? required_argument : no_argument, NULL,
                                      (int)(1000 + i)};
        if (options[i].short_name) {
            *ret_short++ = options[i].short_name;
            if (options[i].value)
                *ret_short++ = ':';
        }
    }
    ret_long[n] = (struct option){"help", no_argument, NULL, 'h'};
    ret_long[n + 1] = (struct option){0};
    *ret_short++ = 'h';
    *ret_short = '\0';
}

static const cli_option *find_option(const cli_option *options, size_t n, int code)
{
    if (code >= 1000)
        return &options[code - 1000];
    for (size_t i = 0; i < n; i++) {
        if (options[i].short_name == code)
            return &options[i];
    }
    return NULL;
}

int cli_parse(const cli_command *c, const cli_option *options, size_t n_options, int argc,
              char **argv, int *ret_first)
{
    struct option long_options[MAX_OPTIONS + 2];
    char short_options[2 * MAX_OPTIONS + 3];
    int code;

    to_getopt(options, n_options < MAX_OPTIONS ? n_options : MAX_OPTIONS, long_options,
              short_options);
    opterr = 0;
    optind = 0;
    while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        const cli_option *o;

        if (code == 'h' && !find_option(options, n_options, 'h')) {
            print_help(c);
            return cli_finish_output(CLI_DONE);
        }
        if (code == ':')
            return cli_usage_error(c, "%s needs an argument", argv[optind - 1]);
        o = code == '?' ? NULL : find_option(options, n_options, code);
        if (!o && options && optopt >= 1000 && (size_t)optopt < 1000 + n_options)
            return cli_usage_error(c, "--%s takes no argument", options[optopt - 1000].name);
        if (!o && optopt && optopt < 256)
            return cli_usage_error(c, "unknown option -%c", optopt);
        if (!o)
            return cli_usage_error(c, "unknown option %s", argv[optind - 1]);
        if (o->value)
            *o->value = optarg;
        else
            *o->flag = true;
    }
    *ret_first = optind;
    return -1;
}

int cli_usage_error(const cli_command *c, const char *fmt, ...)
{
    char text[512], quoted[768];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fprintf(stderr, "ttp %s: %s\nTry: ttp %s --help\n", c->name,
            err_quote(quoted, sizeof(quoted), text, strlen(text), 400), c->name);
    return CLI_USAGE;
}

static void print_err(const char *prefix, const ttp_err *err)
{
    char line[1200], quoted[2400];

    (void)ttp_err_format(err, line, sizeof(line));
    fprintf(stderr, "%s%s\n", prefix,
            err_quote(quoted, sizeof(quoted), line, strlen(line), sizeof(line)));
}

int cli_fail(const ttp_err *err)
{
    print_err("ttp: ", err);
    return CLI_FAILED;
}

void cli_warn(const ttp_err *err)
{
    print_err("ttp: warning: ", err);
}

int cli_choice(const char *word, const char *const *names)
{
    if (!word)
        return 0;
    for (int i = 0; names[i]; i++) {
        if (strcmp(word, names[i]) == 0)
            return i;
    }
    return -1;
}

const char *cli_rules_dir(const char *option)
{
    const char *env = getenv("DECNET_TTP_RULES_DIR");

    if (option)
        return option;
    if (env && *env)
        return env;
    return access("rules/ttp", F_OK) == 0 ? "rules/ttp" : TTP_DATADIR "/rules/ttp";
}

const char *cli_host(const char *option)
{
    static char name[HOST_NAME_MAX + 1];
    const char *env = getenv("DECNET_TTP_HOST");

    if (option && *option)
        return option;
    if (env && *env)
        return env;
    return gethostname(name, sizeof(name) - 1) == 0 && name[0] ? name : "localhost";
}

int cli_catalogue(const char *bundle, const char *release, attack_catalogue **ret_owned,
                  const attack_catalogue **ret_catalogue)
{
    ttp_err err = {0};

    *ret_owned = NULL;
    if (attack_open(bundle, release, ret_owned, &err))
        return cli_fail(&err);
    *ret_catalogue = *ret_owned;
    return CLI_DONE;
}

int cli_finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "ttp: cannot write to standard output: %s\n", strerror(errno));
    return CLI_FAILED;
}
