/* The table of commands, and what all of them share: finding one, parsing its options. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "cli/command.h"
#include "drydock.h"

extern const struct command command_run;
extern const struct command command_validate;
extern const struct command command_trace;
extern const struct command command_export;
extern const struct command command_report;
extern const struct command command_profile;
extern const struct command command_schema;

/* In the order in which help lists them. */
const struct command *const commands[] = {
    &command_run,    &command_validate, &command_trace, &command_report, &command_export, &command_profile,
    &command_schema, &command_help,     NULL,
};

/* Commands that scripts may already know from the contract and that this version does not have. */
static const char *const not_yet[] = {"diff", "calibrate", "plan", "tune", "sweep", NULL};

enum { COMMANDS_MAX = 32 };

const struct command *command_find(const char *name) {
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

bool command_unknown(const char *name, struct error *err) {
    for (size_t i = 0; not_yet[i]; i++) {
        if (strcmp(not_yet[i], name) == 0) {
            error_set(err, ERROR_USAGE, "%s: not in this version (%s)", name, dd_version());
            return error_hint(err, "drydock help lists what is");
        }
    }
    const char *names[COMMANDS_MAX + 1] = {NULL};
    for (size_t i = 0; i < COMMANDS_MAX && commands[i]; i++) {
        names[i] = commands[i]->name;
    }
    error_set(err, ERROR_USAGE, "unknown command \"%s\"", name);
    const char *near = str_nearest(name, names);
    return near ? error_hint(err, "did you mean %s?", near) : error_hint(err, "see drydock help");
}

bool command_parse(const struct command *command, int argc, char **argv, void *options, int *operands,
                   bool *done, struct error *err) {
    *done = false;
    if (!option_parse(command->options, argc, argv, options, operands, err)) {
        return error_hint(err, "see drydock help %s", command->name);
    }
    const struct common_options *common = options;
    if (common->help) {
        command_print_help(command);
        *done = true;
        return true;
    }
    if (common->quiet && common->verbose) {
        return error_set(err, ERROR_USAGE, "--quiet and --verbose exclude each other");
    }
    log_configure(common->quiet ? LOG_ERROR : common->verbose ? LOG_NOTE : LOG_INFO, !common->no_color);
    return true;
}
