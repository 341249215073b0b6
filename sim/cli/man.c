/* The man page, printed from the tables that the parser reads. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "drydock.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
    {"DRYDOCK_MODULE_DIR", "The folder of drydock-simgrid.so, where it is not beside the program."},
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

enum { OPTIONS_MAX = 64 };
static const struct option common_options[] = {COMMON_OPTIONS, OPTION_END};

/* roff reads '-' as a hyphen, '\' as an escape and a '.' or quote at the beginning of a line as a request. An
 * empty line is a new paragraph. */
static void roff(const char *text) {
    bool line_begins = true;
    for (; *text; text++) {
        if (text[0] == '\n' && text[1] == '\n') {
            fputs("\n.PP", stdout);
            continue;
        }
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

/* A command's options without those that every command has. */
static void own_options(const struct option *rows, struct option own[OPTIONS_MAX + 1]) {
    size_t count = 0;
    for (; rows->name && count < OPTIONS_MAX; rows++) {
        bool shared = false;
        for (size_t i = 0; common_options[i].name; i++) {
            shared |= strcmp(common_options[i].name, rows->name) == 0;
        }
        if (!shared) {
            own[count++] = *rows;
        }
    }
    own[count] = (struct option)OPTION_END;
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
    struct option own[OPTIONS_MAX + 1];
    own_options(command->options, own);
    option_print_man(own);
}

void man_print(void) {
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
    puts(".SH OPTIONS OF EVERY COMMAND");
    option_print_man(common_options);
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
