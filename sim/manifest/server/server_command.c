/* The command line is found in list or shell form, then the model server in it. */
#include "manifest/server/server_command.h"

#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

/* A chain of variables that double each other stays below this. */
enum { EXPANDED_MAX = 4 << 20, SCRIPT_DEPTH_MAX = 4 };

/* What a system would start at all is far below. */
enum { WORDS_MAX = 10000 };

static void append(struct server_words *list, struct arena *arena, struct server_word a) {
    list->items =
        arena_grow(arena, list->items, list->count, list->count + 1, &list->capacity, sizeof *list->items);
    list->items[list->count++] = a;
}

/* ---- the command line ---- */

static const char *expand(struct server_command *s, const struct yaml_node *node, const char **unresolved) {
    const char *text = kubernetes_expand(node->text, &s->variables, s->arena, unresolved);
    s->expanded_bytes += text == NULL || text == node->text ? 0 : strlen(text);
    if (text == NULL || s->expanded_bytes > EXPANDED_MAX) {
        error_at(s->err, ERROR_INVALID, &node->pos, NULL,
                 "expected at most 1 MiB once variables are expanded");
        return NULL;
    }
    return text;
}

static bool read_variables(struct server_command *s) {
    const struct yaml_node *env = yaml_get(s->container, "env");
    for (size_t i = 0; env != NULL && env->kind == YAML_SEQUENCE && i < env->count; i++) {
        const struct yaml_node *name = yaml_get(env->items[i], "name");
        const struct yaml_node *value = yaml_get(env->items[i], "value");
        if (name == NULL || name->kind != YAML_SCALAR) {
            continue;
        }
        if (i >= SHELL_VARIABLES_MAX) {
            return error_at(s->err, ERROR_INVALID, &env->pos, "env", "expected at most %d variables",
                            SHELL_VARIABLES_MAX);
        }
        const char *unresolved = NULL;
        const char *text = yaml_get(env->items[i], "valueFrom") == NULL ? "" : NULL;
        if (value != NULL && value->kind == YAML_SCALAR) {
            text = expand(s, value, &unresolved);
            if (text == NULL) {
                return false;
            }
        }
        shell_set(&s->variables, s->arena, name->text, text);
    }
    return true;
}

static bool append_list(struct server_command *s, const char *key, struct server_words *out) {
    const struct yaml_node *list = yaml_get(s->container, key);
    for (size_t i = 0; list != NULL && list->kind == YAML_SEQUENCE && i < list->count; i++) {
        const struct yaml_node *item = list->items[i];
        if (item->kind != YAML_SCALAR) {
            continue;
        }
        if (i >= WORDS_MAX) {
            return error_at(s->err, ERROR_INVALID, &list->pos, key, "expected at most %d words", WORDS_MAX);
        }
        struct server_word a = {.pos = item->pos, .literal = item->literal};
        a.text = expand(s, item, &a.unresolved);
        if (a.text == NULL) {
            return false;
        }
        append(out, s->arena, a);
    }
    return true;
}

/* ---- the server in it ---- */

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

static const struct engine_server *server_named(const char *name) {
    const struct engine_server *server = engine_servers;
    while (server->name != NULL && strcmp(server->name, name) != 0) {
        server++;
    }
    return server;
}

/* At word i: the server's name when one starts here, and how many words that takes. */
static const char *server_at(const struct server_words *words, size_t i, size_t *used) {
    const char *word = words->items[i].text;
    const char *base = path_base(word);
    const char *next = i + 1 < words->count ? words->items[i + 1].text : "";
    *used = 2;
    if (is(word, "-m") &&
        (is(next, "vllm.entrypoints.openai.api_server") || is(next, "vllm.entrypoints.api_server"))) {
        return "vllm";
    }
    if (is(word, "-m") && is(next, "sglang.launch_server")) {
        return "sglang";
    }
    if (is(next, "serve") &&
        (is(base, "vllm") || is(base, "sglang") || (i > 0 && is(word, "vllm.entrypoints.cli.main")))) {
        return is(base, "sglang") ? "sglang" : "vllm";
    }
    *used = 1;
    if (str_ends_with(word, "vllm/entrypoints/openai/api_server.py")) {
        return "vllm";
    }
    return is(base, "text-generation-launcher") ? "tgi" : NULL;
}

/* Commands that only talk about a server. */
static bool only_mentions(const char *command) {
    static const char *const words[] = {"echo", "printf", "[", "[[",  "test", "which", "command",
                                        "pip",  "pip3",   ":", "cat", "grep", "pkill", "pgrep"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (is(path_base(command), words[i])) {
            return true;
        }
    }
    return false;
}

static void found(struct server_command *s, const char *name, const struct server_words *words, size_t first,
                  bool scripted) {
    if (s->server != NULL) {
        const struct position *pos = first > 0 ? &words->items[first - 1].pos : NULL;
        notice_add(s->notices, NOTICE_WARNING, pos,
                   "a second command that starts a model server; the first one counts");
        return;
    }
    s->server = server_named(name);
    s->scripted = scripted;
    s->model_first = first > 0 && is(words->items[first - 1].text, "serve");
    for (size_t i = first; i < words->count; i++) {
        append(&s->flags, s->arena, words->items[i]);
    }
}

static bool is_shell(const char *word) {
    static const char *const shells[] = {"sh", "bash", "ash", "dash", "zsh", "ksh"};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (is(path_base(word), shells[i])) {
            return true;
        }
    }
    return false;
}

/* The index of the script behind `sh -c`, `bash -euo pipefail -c`, ... at word i; 0 when there is none. */
static size_t script_behind(const struct server_words *words, size_t i) {
    bool script = false;
    for (i++; i < words->count; i++) {
        const char *word = words->items[i].text;
        if (word[0] != '-' && word[0] != '+') {
            return script ? i : 0;
        }
        if (word[1] == '-') {
            continue; /* --login, -- */
        }
        script = script || (word[0] == '-' && strchr(word, 'c') != NULL);
        if (word[strlen(word) - 1] == 'o') { /* -o pipefail */
            i++;
        }
    }
    return 0;
}

static bool search_words(struct server_command *s, const struct server_words *words, int depth);

/* Only in a literal block scalar are lines of the text lines of the file. */
static struct position script_position(const struct server_word *script, int line) {
    struct position pos = script->pos;
    if (script->literal) {
        pos.line += line + 1;
        pos.column = 1;
    }
    return pos;
}

static bool search_script(struct server_command *s, const struct server_word *script,
                          const struct server_words *words, size_t first_positional, int depth) {
    size_t positional_count = words->count - first_positional;
    const char **positional = arena_array(s->arena, positional_count, sizeof *positional);
    for (size_t i = 0; i < positional_count; i++) {
        positional[i] = words->items[first_positional + i].text;
    }
    struct shell_script parsed = {0};
    const char *problem = NULL;
    int problem_line = 0;
    if (!shell_parse(script->text, &s->variables, positional, positional_count, s->arena, &parsed, &problem,
                     &problem_line)) {
        struct position pos = script_position(script, problem_line);
        return error_at(s->err, ERROR_INVALID, &pos, NULL, "%s", problem);
    }
    for (size_t i = 0; i < parsed.count; i++) {
        const struct shell_command *command = &parsed.commands[i];
        struct server_words line = {0};
        for (size_t j = 0; j < command->count; j++) {
            struct shell_word word = command->words[j];
            append(
                &line, s->arena,
                (struct server_word){word.text, script_position(script, word.line), word.unresolved, false});
        }
        if (!search_words(s, &line, depth + 1)) {
            return false;
        }
    }
    return true;
}

/* `eval "vllm serve $ARGS"`: the words are joined and parsed once more. */
static bool search_eval(struct server_command *s, const struct server_words *words, int depth) {
    struct strbuf text = {0};
    for (size_t i = 1; i < words->count; i++) {
        strbuf_append(&text, i > 1 ? " " : "");
        strbuf_append(&text, words->items[i].text);
    }
    struct server_word script = {.text = arena_strdup(s->arena, text.length == 0 ? "" : text.text),
                                 .pos = words->items[0].pos};
    strbuf_free(&text);
    return search_script(s, &script, words, words->count, depth);
}

static bool search_words(struct server_command *s, const struct server_words *words, int depth) {
    if (words->count == 0 || depth > SCRIPT_DEPTH_MAX || only_mentions(words->items[0].text)) {
        return true;
    }
    if (is(words->items[0].text, "eval")) {
        return search_eval(s, words, depth);
    }
    for (size_t i = 0; i < words->count; i++) {
        size_t used = 0;
        const char *name = server_at(words, i, &used);
        if (name != NULL) {
            found(s, name, words, i + used, depth > 0);
            return true;
        }
        size_t script = is_shell(words->items[i].text) ? script_behind(words, i) : 0;
        if (script > 0) {
            return search_script(s, &words->items[script], words, script + 1, depth);
        }
    }
    return true;
}

/* ---- images that start a server themselves ---- */

/* "registry/vllm/vllm-openai:v0.9" -> "vllm-openai". */
static const char *image_name(struct arena *arena, const char *image) {
    const char *base = path_base(image);
    return arena_strndup(arena, base, strcspn(base, ":@"));
}

/* `part` between the ends of the name or separators: vllm in vllm-cpu, not in vllme. */
static bool has_part(const char *name, const char *part) {
    size_t n = strlen(part);
    for (const char *at = strstr(name, part); at != NULL; at = strstr(at + 1, part)) {
        if ((at == name || strchr("-_.", at[-1]) != NULL) &&
            (at[n] == '\0' || strchr("-_.", at[n]) != NULL)) {
            return true;
        }
    }
    return false;
}

static void search_image(struct server_command *s, const struct server_words *words) {
    const struct yaml_node *image = yaml_get(s->container, "image");
    if (s->server != NULL || image == NULL || image->kind != YAML_SCALAR) {
        return;
    }
    const char *name = image_name(s->arena, image->text);
    bool bare = words->count == 0;
    const char *first = bare ? "" : words->items[0].text;
    if (has_part(name, "text-generation-inference") && (bare || *first == '-')) {
        found(s, "tgi", words, 0, false);
    } else if (has_part(name, "vllm") && !is_shell(first) && strncmp(path_base(first), "python", 6) != 0 &&
               (bare ? has_part(name, "vllm-openai") : !is(first, "bench") && !is(first, "sleep"))) {
        found(s, "vllm", words, is(first, "serve"), false);
        s->model_first = true;
    }
}

bool server_command_find(struct server_command *s) {
    const struct yaml_node *command = yaml_get(s->container, "command");
    struct server_words words = {0};
    bool entrypoint = command == NULL || command->kind != YAML_SEQUENCE || command->count == 0;
    if (!read_variables(s) || !append_list(s, "command", &words) || !append_list(s, "args", &words) ||
        !search_words(s, &words, 0)) {
        return false;
    }
    if (entrypoint) {
        search_image(s, &words);
    }
    return true;
}
