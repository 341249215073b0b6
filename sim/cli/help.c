/* Help and the man page, printed from the same tables that the parser reads. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/command.h"
#include "cli/help_engine_flags.h"
#include "drydock.h"
#include "serving/router.h"

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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void print_policies(void) {
    printf("Routers (policies[].router in a scenario): which replica a request goes to.\n\n");
    for (size_t i = 0; routers[i]; i++) {
        printf("  %-20s%s\n", routers[i]->name, routers[i]->help);
    }
    printf("  %-20s%s\n", "./FILE.so", "A router of your own (sim/drydock_policy.h), under --allow-exec.");
}

/* What help can tell beside the commands. */
static const struct topic {
    const char *name;
    const char *summary;
    void (*print)(void);
} topics[] = {
    {"policies", "Routers to name in a scenario", print_policies},
    {"engine-flags", "Model servers' flags and what each does to a run", help_engine_flags},
};

void help_print_commands(FILE *out) {
    fprintf(out, "drydock %s: a discrete-event testbed for AI inference platforms\n\n", dd_version());
    fprintf(out, "Usage: drydock COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "  %-14s%s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(out, "\nTopics:\n");
    for (size_t i = 0; i < COUNT(topics); i++) {
        fprintf(out, "  %-14s%s\n", topics[i].name, topics[i].summary);
    }
    fprintf(out, "\ndrydock help COMMAND or TOPIC tells more; drydock --version prints the version.\n");
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

enum { OPTIONS_MAX = 64 };
static const struct option common_options[] = {COMMON_OPTIONS, OPTION_END};

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

/* ---- the command ---- */

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
    for (size_t i = 0; i < COUNT(topics); i++) {
        if (strcmp(topics[i].name, subject) == 0) {
            topics[i].print();
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
    .synopsis = "[COMMAND | TOPIC]",
    .summary = "Tell about a command or a topic",
    .options = help_options,
    .run = run_help,
};
