#include "cli/help_engine_flags.h"

#include <stdio.h>

#include "base/cell.h"
#include "manifest/server/engine_args.h"

static const struct {
    enum flag_effect effect;
    const char *title;
} groups[] = {
    {FLAG_MODELLED, "modelled: sets the engine"},
    {FLAG_NO_EFFECT, "known, without effect on timing: a note under --verbose"},
    {FLAG_NOT_MODELLED, "not modelled: a warning with its line, an error under --strict"},
};

enum { HELP_COLUMN = 40, LINE_COLUMNS = 100 };

/* A name that leaves no room for its help stands on a line of its own. */
static void print_flag(const struct engine_flag *flag) {
    struct strbuf line = {0};
    struct strbuf help = {0};
    strbuf_printf(&line, "    %s%s%s ", flag->name, flag->alias ? ", " : "", flag->alias ? flag->alias : "");
    strbuf_append(&help, flag->help);
    if (flag->neutral != NULL) {
        strbuf_printf(&help, " (nothing to say at %s)", flag->neutral);
    }
    if (line.length > HELP_COLUMN) {
        line.text[line.length - 1] = '\n';
        strbuf_printf(&line, "%*s", HELP_COLUMN, "");
    } else {
        strbuf_printf(&line, "%*s", (int)(HELP_COLUMN - line.length), "");
    }
    cell_append_wrapped(&line, help.text, HELP_COLUMN, LINE_COLUMNS);
    fputs(line.text, stdout);
    strbuf_free(&line);
    strbuf_free(&help);
}

static void print_table(const struct engine_flag *flags, enum flag_effect effect) {
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (flags->effect == effect) {
            print_flag(flags);
        }
    }
}

static void print_group(const struct engine_server *server, enum flag_effect effect, const char *title) {
    printf("\n  %s\n", title);
    print_table(server->flags, effect);
    print_table(server->minor, effect);
}

void help_engine_flags(void) {
    for (const struct engine_server *server = engine_servers; server->name != NULL; server++) {
        printf("%s%s\n", server == engine_servers ? "" : "\n", server->help);
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
            print_group(server, groups[i].effect, groups[i].title);
        }
    }
}
