/* Help, printed from the tables that the parser reads. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help_engine_flags.h"
#include "config/field.h"
#include "drydock.h"
#include "gateway/admission.h"
#include "gateway/options.h"
#include "gateway/router.h"
#include "serving/service_time.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void print_policies(void) {
    printf("Routers (policies[].router in a scenario): which replica a request goes to; below a router what\n"
           "it can be told (policies[].options).\n\n");
    for (size_t i = 0; routers[i]; i++) {
        printf("  %-20s%s\n", routers[i]->name, routers[i]->help);
        options_print(routers[i]->options);
    }
    printf("  %-20s%s\n", "./FILE.so", "A router of your own (sim/drydock_policy.h), under --allow-exec.");
    printf("\nAdmission (policies[].admission in a scenario: a list of {policy, options}): who is let in, "
           "and when.\n\n");
    for (size_t i = 0; admissions[i]; i++) {
        printf("  %-20s%s\n", admissions[i]->name, admissions[i]->help);
        options_print(admissions[i]->options);
    }
}

/* What help can tell beside the commands. */
static void print_models(void) {
    puts("Architectures whose service times are known (a model server's --model, or "
         "service_times[].model):\n");
    for (const struct architecture *a = architectures; a->name; a++) {
        printf("  %-20s%5.1f B parameters, up to %lld tokens\n", a->name, a->parameters / 1e9,
               (long long)a->max_positions);
    }
    puts("\nGPUs (a pool's gpu, or service_times[].gpu):\n");
    static const char *const basis[] = {"from measured kernels", "from measured kernels and the H100's",
                                        "unmeasured: from its datasheet"};
    for (const struct gpu_kind *g = gpu_kinds; g->name; g++) {
        printf("  %-20s%5.1f GiB, %s\n", g->name, g->memory_bytes / 1073741824.0, basis[g->basis]);
    }
}

static const struct topic {
    const char *name;
    const char *summary;
    void (*print)(void);
} topics[] = {
    {"policies", "Routers to name in a scenario.", print_policies},
    {"models", "Models and GPUs whose service times are known.", print_models},
    {"engine-flags", "Model servers' flags and what each does to a run.", help_engine_flags},
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

/* Wraps `text` at the width of a terminal page; its own line breaks stay. */
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

static void json_member(const char *before, const char *name, const char *text) {
    printf("%s\"%s\": ", before, name);
    if (text) {
        field_print_json_text(stdout, text);
    } else {
        printf("null");
    }
}

/* For completion scripts: [{"name", "synopsis", "summary", "options": [{"name", "value", "help"}]}] */
static void print_json(void) {
    for (size_t i = 0; commands[i]; i++) {
        json_member(i ? ",\n {" : "[{", "name", commands[i]->name);
        json_member(", ", "synopsis", commands[i]->synopsis);
        json_member(", ", "summary", commands[i]->summary);
        printf(",\n  \"options\": [");
        for (const struct option *row = commands[i]->options; row->name; row++) {
            json_member(row == commands[i]->options ? "{" : ",\n   {", "name", row->name);
            json_member(", ", "value", row->value_name);
            json_member(", ", "help", row->help);
            putchar('}');
        }
        printf("]}");
    }
    printf("]\n");
}

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
        man_print();
    } else if (options.common.json) {
        print_json();
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
    .summary = "Tell about a command or a topic.",
    .options = help_options,
    .run = run_help,
};
