#include "cli/help_engine_flags.h"

#include <stdio.h>

#include "manifest/server/engine_args.h"

static const struct {
    enum flag_effect effect;
    const char *title;
} groups[] = {
    {FLAG_MODELLED, "modelled: sets the engine"},
    {FLAG_NO_EFFECT, "known, without effect on timing: a note under --verbose"},
    {FLAG_NOT_MODELLED, "not modelled: a warning with its line, an error under --strict"},
};

static void print_flag(const struct engine_flag *flag) {
    char names[96];
    const char *alias = flag->alias == NULL ? "" : flag->alias;
    snprintf(names, sizeof names, "%s%s%s", flag->name, *alias == '\0' ? "" : ", ", alias);
    printf("    %-44s %s", names, flag->help);
    if (flag->neutral != NULL) {
        printf(" (nothing to say at %s)", flag->neutral);
    }
    printf("\n");
}

static void print_group(const struct engine_server *server, enum flag_effect effect, const char *title) {
    printf("\n  %s\n", title);
    for (const struct engine_flag *flag = server->flags; flag->name != NULL; flag++) {
        if (flag->effect == effect) {
            print_flag(flag);
        }
    }
}

void help_engine_flags(void) {
    for (const struct engine_server *server = engine_servers; server->name != NULL; server++) {
        printf("%s%s\n", server == engine_servers ? "" : "\n", server->help);
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
            print_group(server, groups[i].effect, groups[i].title);
        }
    }
}
