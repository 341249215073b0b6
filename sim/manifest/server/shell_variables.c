/* Variables of a container, and $(VAR) as Kubernetes expands it. */
#include "manifest/server/shellwords.h"

#include <string.h>

#include "base/strbuf.h"

void shell_set(struct shell_variables *v, struct arena *arena, const char *name, const char *value) {
    v->items = arena_grow(arena, v->items, v->count, v->count + 1, &v->capacity, sizeof *v->items);
    v->items[v->count++] = (struct shell_variable){.name = name, .value = value};
}

const struct shell_variable *shell_get(const struct shell_variables *v, const char *name) {
    for (size_t i = v->count; i > 0; i--) {
        if (strcmp(v->items[i - 1].name, name) == 0) {
            return &v->items[i - 1];
        }
    }
    return NULL;
}

const char *kubernetes_expand(const char *text, const struct shell_variables *variables, struct arena *arena,
                              const char **unresolved) {
    *unresolved = NULL;
    if (strchr(text, '$') == NULL) {
        return text;
    }
    struct strbuf out = {0};
    while (*text != '\0' && out.length <= SHELL_TEXT_MAX) {
        if (text[0] == '$' && text[1] == '$') {
            strbuf_char(&out, '$');
            text += 2;
            continue;
        }
        const char *close = text[0] == '$' && text[1] == '(' ? strchr(text, ')') : NULL;
        if (close == NULL) {
            strbuf_char(&out, *text++);
            continue;
        }
        const char *name = arena_strndup(arena, text + 2, (size_t)(close - text - 2));
        const struct shell_variable *v = shell_get(variables, name);
        size_t whole = (size_t)(close + 1 - text);
        if (v != NULL && v->value != NULL) {
            strbuf_append(&out, v->value);
        } else {
            strbuf_append_n(&out, text, whole);
            *unresolved =
                *unresolved == NULL ? arena_strndup(arena, text, whole > 60 ? 60 : whole) : *unresolved;
        }
        text = close + 1;
    }
    const char *result = out.length > SHELL_TEXT_MAX
                             ? NULL
                             : arena_strndup(arena, out.length == 0 ? "" : out.text, out.length);
    strbuf_free(&out);
    return result;
}
