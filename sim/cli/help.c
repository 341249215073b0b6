/* Help and the man page, printed from the same tables that the parser reads. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/command.h"
#include "drydock.h"

static const struct {
    int code;
    const char *meaning;
} exit_codes[] = {
    {ERROR_NONE, "Done, and every gate held."},
    {ERROR_OBJECTIVE, "A gate or an objective failed (run --check)."},
    {ERROR_USAGE, "The command line is wrong."},
    {ERROR_INVALID, "An input is wrong; the message gives file:line:column: field: what was expected."},
    {ERROR_FAILED, "Could not do it: I/O, memory, an external tool."},
    {ERROR_INTERRUPTED, "Interrupted by SIGINT or SIGTERM."},
};

static const struct {
    const char *name;
    const char *meaning;
} environment[] = {
    {"NO_COLOR", "When set and not empty, messages have no colour."},
    {"DRYDOCK_SIMGRID_CONTEXTS", "SimGrid's context factory (raw, ucontext, boost, thread); for sanitizers."},
};

static const struct {
    const char *command;
    const char *meaning;
} examples[] = {
    {"drydock run scenarios/quickstart", "Replay the embedded trace; results in out/quickstart."},
    {"drydock validate scenarios/quickstart --show-defaults", "Check a scenario and show every default."},
    {"drydock export csv out/quickstart", "The table of requests, as CSV on standard output."},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void help_print_commands(FILE *out) {
    fprintf(out, "drydock %s: a discrete-event testbed for AI inference platforms\n\n", dd_version());
    fprintf(out, "Usage: drydock COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(out, "\ndrydock help COMMAND tells more; drydock --version prints the version.\n");
}

/* Wraps `text` at the width of a terminal page; a line that begins with a blank is kept as it is. */
static void print_paragraphs(const char *text) {
    enum { WIDTH = 92 };
    int column = 0;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > 0 && column + 1 + (int)n > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += printf("%s%.*s", column > 0 ? " " : "", (int)n, text);
        text += n;
        if (*text == '\n') {
            putchar('\n');
            column = 0;
        }
        text += *text != '\0';
    }
    putchar('\n');
}

void command_print_help(const struct command *command) {
    printf("Usage: drydock %s %s\n\n%s\n", command->name, command->synopsis, command->summary);
    if (command->details) {
        putchar('\n');
        print_paragraphs(command->details);
    }
    putchar('\n');
    option_print_help(command->options);
}

/* ---- the man page ---- */

/* roff reads '-' as a hyphen, '\' as an escape and a '.' or quote at the beginning of a line as a request. */
static void roff(const char *text) {
    bool line_begins = true;
    for (; *text; text++) {
        if (line_begins && (*text == '.' || *text == '\'')) {
            fputs("\\&", stdout);
        }
        line_begins = *text == '\n';
        if (*text == '\\') {
            fputs("\\e", stdout);
        } else if (*text == '-') {
            fputs("\\-", stdout);
        } else {
            putchar(*text);
        }
    }
}

/* A tagged paragraph: the tag in bold, then its text. */
static void roff_item(const char *tag, const char *text) {
    fputs(".TP\n\\fB", stdout);
    roff(tag);
    fputs("\\fR\n", stdout);
    roff(text);
    putchar('\n');
}

static void man_command(const struct command *command) {
    printf(".SS ");
    roff(command->name);
    fputs("\n.B drydock ", stdout);
    roff(command->name);
    putchar(' ');
    roff(command->synopsis);
    fputs("\n.PP\n", stdout);
    roff(command->summary);
    putchar('\n');
    if (command->details) {
        fputs(".PP\n", stdout);
        roff(command->details);
        putchar('\n');
    }
    option_print_man(command->options);
}

static void print_man(void) {
    printf(".TH DRYDOCK 1 \"\" \"drydock %s\" \"User Commands\"\n", dd_version());
    puts(".SH NAME\ndrydock \\- discrete\\-event testbed for AI inference platforms");
    puts(".SH SYNOPSIS\n.B drydock\n.I COMMAND\n[options]\n.br\n.B drydock \\-\\-version");
    puts(".SH DESCRIPTION\nDrydock replays request traces against a modelled cluster that is defined by "
         "Kubernetes manifests, and writes what every request saw to result.h5 and summary.json. Results go "
         "to "
         "standard output, messages to standard error.");
    puts(".SH COMMANDS");
    for (size_t i = 0; commands[i]; i++) {
        man_command(commands[i]);
    }
    puts(".SH EXIT STATUS");
    for (size_t i = 0; i < COUNT(exit_codes); i++) {
        char code[16];
        snprintf(code, sizeof code, "%d", exit_codes[i].code);
        roff_item(code, exit_codes[i].meaning);
    }
    puts(".SH ENVIRONMENT");
    for (size_t i = 0; i < COUNT(environment); i++) {
        roff_item(environment[i].name, environment[i].meaning);
    }
    puts(".SH EXAMPLES");
    for (size_t i = 0; i < COUNT(examples); i++) {
        roff_item(examples[i].command, examples[i].meaning);
    }
}

/* ---- the command ---- */

/* What help can tell beside the commands. */
static const struct topic {
    const char *name;
    const char *summary;
    void (*print)(void);
} topics[] = {
    {NULL, NULL, NULL},
};

struct help_options {
    struct common_options common;
    bool man;
};

static const struct option help_options[] = {
    COMMON_OPTIONS,
    {"man", OPTION_FLAG, NULL, "Print the man page (roff).", offsetof(struct help_options, man), 0, 0,
     UNIT_NUMBER},
    OPTION_END,
};

static bool print_subject(const char *subject, struct error *err) {
    const struct command *command = command_find(subject);
    if (command) {
        command_print_help(command);
        return true;
    }
    for (const struct topic *topic = topics; topic->name; topic++) {
        if (strcmp(topic->name, subject) == 0) {
            topic->print();
            return true;
        }
    }
    return command_unknown(subject, err);
}

static enum error_code run_help(int argc, char **argv, struct error *err) {
    struct help_options options = {0};
    int operands;
    bool done;
    if (!command_parse(&command_help, argc, argv, &options, &operands, &done, err)) {
        return err->code;
    }
    if (done) {
        return ERROR_NONE;
    }
    if (operands > 1) {
        error_set(err, ERROR_USAGE, "help takes one subject, got \"%s\" as well", argv[2]);
        return err->code;
    }
    if (options.man) {
        print_man();
    } else if (operands == 1) {
        print_subject(argv[1], err);
    } else {
        help_print_commands(stdout);
    }
    return err->code;
}

const struct command command_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "Tell about a command.",
    .options = help_options,
    .run = run_help,
};
