/* SPDX-License-Identifier: Apache-2.0 */
/* ttp: finds the command and hands over. */
#include "cli/cli.h"
#include "cli/commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const cli_command *const commands[] = {
    &cli_tag,         &cli_explain,          &cli_rules_lint,   &cli_rules_test,  &cli_rules_list,
    &cli_rules_show,  &cli_export_navigator, &cli_attack_fetch, &cli_attack_show, &cli_doctor,
    &cli_state_list,  &cli_state_get,        &cli_state_set,    &cli_state_clear, &cli_sync,
    &cli_rules_watch, &cli_rules_status,
#ifdef TTP_BENCH
    &cli_bench,
#endif
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_overview(FILE *f)
{
    fprintf(f, "usage: ttp COMMAND [OPTION]... [FILE]...\n\n"
               "Tells which MITRE ATT&CK techniques attackers showed on decoys.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  %-18s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(f, "\n  ttp COMMAND --help tells more, with an example.\n"
               "  ttp --version prints the version.\n\n"
               "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but some input was bad.\n");
    return f == stdout ? cli_finish_output(CLI_DONE) : CLI_USAGE;
}

/* How many words of argv the command's name takes; 0 where it is another. */
static int words_matched(const cli_command *c, int argc, char **argv)
{
    const char *space = strchr(c->name, ' ');
    size_t first = space ? (size_t)(space - c->name) : strlen(c->name);

    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0)
        return 0;
    if (!space)
        return 1;
    return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

/* "ttp rules" alone, or with a word that is none of its commands. */
static int print_group(const char *group, bool asked)
{
    size_t n = strlen(group), found = 0;
    FILE *f = asked ? stdout : stderr;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strncmp(commands[i]->name, group, n) != 0 || commands[i]->name[n] != ' ')
            continue;
        if (found++ == 0)
            fprintf(f, "usage: ttp %s COMMAND [OPTION]...\n\n", group);
        fprintf(f, "  %-18s %s\n", commands[i]->name, commands[i]->summary);
    }
    if (found)
        return asked ? cli_finish_output(CLI_DONE) : CLI_USAGE;
    fprintf(stderr, "ttp: unknown command; ttp --help lists them\n");
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    /* a reader that has gone is an error of writing, which is said, and ends with 1 */
    (void)signal(SIGPIPE, SIG_IGN); /* it exists and can be ignored */
    if (argc < 2)
        return print_overview(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return print_overview(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("ttp %s\n", TTP_VERSION);
        return cli_finish_output(CLI_DONE);
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        int n = words_matched(commands[i], argc - 1, argv + 1);

        if (n)
            return commands[i]->run(commands[i], argc - n, argv + n);
    }
    return print_group(argv[1], argc > 2 && strcmp(argv[2], "--help") == 0);
}
