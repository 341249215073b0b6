/* sim/cli/command.h: one file a command, one row a command in commands.c; help and man page print from the
 * rows. */
#ifndef DRYDOCK_CLI_COMMAND_H
#define DRYDOCK_CLI_COMMAND_H

#include <stdio.h>

#include "base/error.h"
#include "base/option.h"

/* Every command's options struct begins with this, and its table with COMMON_OPTIONS. */
struct common_options {
    bool help;
    bool quiet;
    bool json;
    bool no_color;
    bool verbose;
};

#define COMMON_FLAG(name, field, help)                                                                       \
    { name, OPTION_FLAG, NULL, help, offsetof(struct common_options, field), 0, 0, UNIT_NUMBER }

#define COMMON_OPTIONS                                                                                       \
    COMMON_FLAG("help", help, "Show this help and exit."),                                                   \
        COMMON_FLAG("quiet", quiet, "Only errors, and what --check fails for; no table."),                   \
        COMMON_FLAG("json", json, "Machine-readable result on stdout."),                                     \
        COMMON_FLAG("no-color", no_color, "No colour in messages."),                                         \
        COMMON_FLAG("verbose", verbose, "Notes as well as warnings.")

struct command {
    const char *name;
    const char *synopsis; /* "SCENARIO [options]" */
    const char *summary;  /* one line, for the list of commands */
    const char *details;  /* paragraphs of the help and man page; may be NULL */
    const struct option *options;
    /* argv[0] is the command's name. Answers an exit code; on failure `err` is filled and main prints it. */
    enum error_code (*run)(int argc, char **argv, struct error *err);
};

extern const struct command *const commands[]; /* ended by NULL */
const struct command *command_find(const char *name);

/* Parses a command's options into `options` (which begins with struct common_options), handles --help
 * (prints, and *done becomes true) and configures log and progress from the common ones. */
bool command_parse(const struct command *command, int argc, char **argv, void *options, int *operands,
                   bool *done, struct error *err);

void command_print_help(const struct command *command);

/* Fills `err` for a name that is no command: not in this version, or the nearest one. Always false. */
bool command_unknown(const char *name, struct error *err);

extern const struct command command_help;
void help_print_commands(FILE *out);
void man_print(void); /* roff on stdout */

#endif
