/* sim/manifest/server/shellwords.h: a shell script of a container into simple commands, and $(VAR) as
 * Kubernetes expands it.
 *
 * Understood: quotes, escapes, line continuations, comments, here-documents (skipped), redirections (left
 * out), the separators ; & && || | and newlines, grouping and keywords (if, then, do ...), assignments that
 * stand alone or after `export`, $VAR, ${VAR}, ${VAR:-default} and its kin, "$@" and $1. Every branch is
 * taken as if it ran, in the order of the text: a manifest's script is read for the command lines in it, not
 * run. What only a run could tell (command substitution, arithmetic, variables from elsewhere) marks the
 * word.
 */
#ifndef DRYDOCK_MANIFEST_SHELLWORDS_H
#define DRYDOCK_MANIFEST_SHELLWORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum {
    SHELL_TEXT_MAX = 1 << 20,   /* bytes of all expanded words together */
    SHELL_DEPTH_MAX = 16,       /* of ${A:-${B:-...}} */
    SHELL_VARIABLES_MAX = 5000, /* they are looked up one by one */
};

struct shell_variable {
    const char *name;
    const char *value; /* NULL: set, but from somewhere the manifest does not show */
};

/* Later entries win. Grows as scripts assign. */
struct shell_variables {
    struct shell_variable *items;
    size_t count, capacity;
};

void shell_set(struct shell_variables *v, struct arena *arena, const char *name, const char *value);
const struct shell_variable *shell_get(const struct shell_variables *v, const char *name);

struct shell_word {
    const char *text;
    int line;               /* of its first character: newlines before it in the script */
    const char *unresolved; /* what could not be known, such as "$EXTRA_ARGS"; NULL */
};

struct shell_command {
    struct shell_word *words;
    size_t count, capacity;
};

struct shell_script {
    struct shell_command *commands;
    size_t count, capacity;
};

/* Splits `text`. `positional` are $0, $1 ... False with a problem such as "a quote that is closed" and its
 * line when the shell would refuse the script or a limit is exceeded. */
bool shell_parse(const char *text, struct shell_variables *variables, const char *const *positional,
                 size_t positional_count, struct arena *arena, struct shell_script *out, const char **problem,
                 int *problem_line);

/* $(VAR) replaced where VAR is known, $$ becoming $; other $(...) stay, as in Kubernetes. *unresolved is set
 * to the first reference that stayed (NULL when none did). NULL when the result would exceed SHELL_TEXT_MAX.
 */
const char *kubernetes_expand(const char *text, const struct shell_variables *variables, struct arena *arena,
                              const char **unresolved);

#endif
