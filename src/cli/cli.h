/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the commands share: one file per command, each with a cli_command that main.c lists.
 * Results go to standard output, everything else to standard error.
 */
#include "attack/attack.h"
#include "ttp/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum cli_status {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_BAD_INPUT = 3, /* done, but some input was bad */
} cli_status;

typedef struct cli_command cli_command;
struct cli_command {
    const char *name;     /* "tag"; a command of a group has both words, "rules lint" */
    const char *synopsis; /* operands and options behind the name: "[OPTION]... FILE..." */
    const char *summary;  /* one line, no full stop */
    const char *help;     /* the options, a line each, then an example; ends with a newline */
    int (*run)(const cli_command *self, int argc,
               char **argv); /* argv[0] is the name's last word */
};

/* An option: --name, and -s where short_name is not 0. */
typedef struct cli_option {
    const char *name;
    char short_name;
    const char **value; /* takes an argument, left here; the last one counts */
    bool *flag;         /* takes none; set to true */
} cli_option;

/*
 * Read the options of argv[1..); --help prints and ends. Options and operands may be mixed; "--"
 * ends the options; operands are moved behind them and start at argv[*ret_first]. Returns -1 to go
 * on, or the status to exit with.
 */
int cli_parse(const cli_command *c, const cli_option *options, size_t n_options, int argc,
              char **argv, int *ret_first);

/* "ttp NAME: sentence" and where to find help; returns CLI_USAGE. */
int cli_usage_error(const cli_command *c, const char *fmt, ...) TTP_PRINTF(2, 3);
/* "ttp: where:line:column: sentence" on standard error; returns CLI_FAILED. */
int cli_fail(const ttp_err *err);
/* "ttp: warning: ..." */
void cli_warn(const ttp_err *err);

/* One of the words in names (NULL-ended), as its index; -1 where it is none. NULL word: 0. */
int cli_choice(const char *word, const char *const *names);

/* --rules DIR, else $DECNET_TTP_RULES_DIR, else ./rules/ttp, else the installed pack. */
const char *cli_rules_dir(const char *option);

/* The name under which a process tells the fleet what it runs: --host NAME, else $DECNET_TTP_HOST,
 * else this machine's. */
const char *cli_host(const char *option);

/*
 * The catalogue a command works with: bundle (--attack-bundle), else $DECNET_TTP_ATTACK_BUNDLE,
 * else the built-in one. release: --attack-release or NULL. Prints what is wrong. Returns CLI_DONE
 * and a catalogue to attack_free, or CLI_FAILED.
 */
int cli_catalogue(const char *bundle, const char *release, attack_catalogue **ret_owned,
                  const attack_catalogue **ret_catalogue);

/* Flush standard output; a full disk or a closed pipe is a failure that is said once. */
int cli_finish_output(int status);
