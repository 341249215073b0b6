/* sim/manifest/server/engine_parse.h: private to engine_args*.c: a command line's flags and where they stand.
 */
#ifndef DRYDOCK_MANIFEST_ENGINE_PARSE_H
#define DRYDOCK_MANIFEST_ENGINE_PARSE_H

#include "manifest/server/server_command.h"

/* A flag with its values: words first to end - 1 of the command's flags. */
struct flag_span {
    const struct engine_flag *flag; /* NULL for the bare word that is the model */
    const char *name;               /* as written, without "=value" */
    size_t first, end;
};

struct flag_spans {
    struct flag_span *items;
    size_t count, capacity;
};

/* Reads the flags and the environment of a server that was found. `spans` may be NULL; unknown flags are not
 * among them. */
bool engine_args_parse(struct server_command *command, struct engine_args *args, struct flag_spans *spans);

/* The row of a flag of the server found; NULL for none. *negated: "--no-x" of a switch x. */
const struct engine_flag *engine_flag_find(const struct server_command *command, const char *name,
                                           bool *negated);

/* The row whose name is nearest; NULL when none is near. */
const char *engine_flag_nearest(const struct server_command *command, const char *name);

#endif
