/* sim/manifest/server/server_command.h: where in a container's command line a model server starts. */
#ifndef DRYDOCK_MANIFEST_SERVER_COMMAND_H
#define DRYDOCK_MANIFEST_SERVER_COMMAND_H

#include "manifest/server/engine_args.h"
#include "manifest/server/shellwords.h"

/* A word of the command line. */
struct server_word {
    const char *text;
    struct position pos;
    const char *unresolved; /* see shellwords.h */
    bool literal;           /* a script whose lines stand below pos, one by one */
};

struct server_words {
    struct server_word *items;
    size_t count, capacity;
};

struct server_command {
    const struct yaml_node *container;
    struct shell_variables variables;
    struct arena *arena;
    struct notices *notices;
    struct error *err;
    const struct engine_server *server; /* NULL until found */
    struct server_words flags;          /* what stands behind the server's name */
    bool model_first;                   /* a bare word in front is the model */
    bool scripted;                      /* the words are a shell script's, not items of command and args */
    size_t expanded_bytes;
};

/* Fills `variables`, and `server` and its words when there is one: `container`, `arena`, `notices` and `err`
 * are the caller's. False when a script is no script. */
bool server_command_find(struct server_command *s);

#endif
