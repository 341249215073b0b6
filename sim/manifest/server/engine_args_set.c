/* One flag of a model server's command line, set anew: the words of `command` and `args` as one list, from
 * which the flag's own are taken out, and into which the new one is put. */
#include <string.h>

#include "manifest/server/engine_flags.h"
#include "manifest/server/engine_parse.h"

struct edit {
    struct server_command *command;
    const struct flag_spans *spans;
    const struct engine_flag *flag;
    const char *name; /* as it is to be written */
    bool negated;
    const struct position *pos;
};

/* ---- which words ---- */

static bool is_model(const struct edit *e) {
    return e->flag->set == engine_set_model;
}

/* "--compilation-config.level" is a flag of its own beside "--compilation-config.mode". */
static bool same_flag(const struct edit *e, const struct flag_span *span) {
    if (span->flag == NULL) {
        return is_model(e);
    }
    const char *ours = strchr(e->name, '.'), *its = strchr(span->name, '.');
    return span->flag == e->flag && strcmp(ours != NULL ? ours : "", its != NULL ? its : "") == 0;
}

/* The span that word `at` of the flags is part of, when it is the flag's; NULL otherwise. */
static const struct flag_span *span_at(const struct edit *e, size_t at) {
    for (size_t i = 0; i < e->spans->count; i++) {
        const struct flag_span *span = &e->spans->items[i];
        if (at >= span->first && at < span->end && same_flag(e, span)) {
            return span;
        }
    }
    return NULL;
}

/* ---- the new word ---- */

static struct yaml_node *new_word(const struct edit *e, const char *text) {
    struct yaml_node *node = arena_alloc(e->command->arena, sizeof *node);
    *node = (struct yaml_node){.kind = YAML_SCALAR, .quoted = true, .text = text, .pos = *e->pos};
    return node;
}

static bool refuse_value(const struct edit *e, const char *expected) {
    return error_at(e->command->err, ERROR_INVALID, e->pos, e->name, "expected %s", expected);
}

/* *word stays NULL when the flag is to go. */
static bool make_word(const struct edit *e, const struct yaml_node *value, bool bare,
                      struct yaml_node **word) {
    struct arena *arena = e->command->arena;
    if (value->kind == YAML_NULL) {
        return true;
    }
    if (value->kind != YAML_SCALAR) {
        refuse_value(e, "one value");
        return error_hint(e->command->err, "put JSON in quotes");
    }
    if (e->flag->form != FLAG_SWITCH) {
        *word = new_word(e, bare ? value->text : arena_printf(arena, "%s=%s", e->name, value->text));
        return true;
    }
    bool on = strcmp(value->text, "true") == 0;
    if (!on && strcmp(value->text, "false") != 0) {
        refuse_value(e, "true or false: it is a switch");
        return error_hint(e->command->err, "null takes the flag away");
    }
    *word = new_word(e, on != e->negated ? e->flag->name : arena_printf(arena, "--no-%s", e->flag->name + 2));
    return true;
}

/* ---- the lists ---- */

static size_t length_of(const struct yaml_node *list) {
    return list != NULL && list->kind == YAML_SEQUENCE ? list->count : 0;
}

/* A list, or none. The reader would say so of what is there, and not of what takes its place. */
static bool check_list(const struct edit *e, const char *key) {
    const struct yaml_node *list = yaml_get(e->command->container, key);
    return list == NULL || list->kind == YAML_SEQUENCE || list->kind == YAML_NULL ||
           error_at(e->command->err, ERROR_INVALID, &list->pos, key, "expected a list of texts");
}

static struct yaml_node *copy_list(const struct edit *e, const struct yaml_node *list, size_t room) {
    struct yaml_node *copy = arena_alloc(e->command->arena, sizeof *copy);
    *copy = (struct yaml_node){.kind = YAML_SEQUENCE, .text = "", .pos = list != NULL ? list->pos : *e->pos};
    copy->items = arena_array(e->command->arena, room, sizeof *copy->items);
    return copy;
}

static void append(struct yaml_node *list, struct yaml_node *item) {
    list->items[list->count++] = item;
}

/* The flags are the last words of both lists together; items that are no texts the reader refuses anyway. */
static bool edit_lists(const struct edit *e, const struct yaml_node *value, struct engine_lists *out) {
    const struct yaml_node *command = yaml_get(e->command->container, "command");
    const struct yaml_node *args = yaml_get(e->command->container, "args");
    size_t in_command = length_of(command), all = in_command + length_of(args);
    size_t before = all - (e->command->flags.count < all ? e->command->flags.count : all);
    struct yaml_node *lists[2] = {copy_list(e, command, all + 1), copy_list(e, args, all + 1)};
    bool placed = false;
    for (size_t i = 0; i < all; i++) {
        struct yaml_node *item = i < in_command ? command->items[i] : args->items[i - in_command];
        struct yaml_node *list = lists[i >= in_command];
        const struct flag_span *span = i >= before ? span_at(e, i - before) : NULL;
        struct yaml_node *word = NULL;
        if (span == NULL) {
            append(list, item);
        } else if (!placed) {
            placed = true;
            if (!make_word(e, value, span->flag == NULL, &word)) {
                return false;
            }
            if (word != NULL) {
                append(list, word);
            }
        }
    }
    struct yaml_node *last = NULL;
    if (!placed && !make_word(e, value, false, &last)) {
        return false;
    }
    if (last != NULL) {
        append(lists[1], last);
    }
    out->command = in_command > 0 ? lists[0] : NULL;
    out->args = lists[1];
    return true;
}

/* ---- the flag ---- */

static bool find_flag(struct edit *e, const char *name) {
    struct server_command *s = e->command;
    e->name = name;
    e->flag = engine_flag_find(s, name, &e->negated);
    if (e->flag != NULL) {
        if (strchr(name, '.') == NULL) {
            e->name = e->flag->name; /* not an alias, a beginning or --no-x */
        }
        return true;
    }
    const char *near = engine_flag_nearest(s, name);
    error_at(s->err, ERROR_INVALID, e->pos, NULL, "unknown %s flag %.80s", s->server->name, name);
    return near != NULL ? error_hint(s->err, "did you mean %s?", near)
                        : error_hint(s->err, "`drydock help engine-flags` lists them");
}

bool engine_args_set(const struct yaml_node *container, const char *flag, const struct yaml_node *value,
                     const struct position *pos, struct engine_lists *lists, struct arena *arena,
                     struct error *err) {
    struct notices unheard = {.arena = arena}; /* the container is read again */
    struct server_command s = {.container = container, .arena = arena, .notices = &unheard, .err = err};
    struct engine_args args = {0};
    struct flag_spans spans = {0};
    struct edit e = {.command = &s, .spans = &spans, .pos = pos};
    if (!server_command_find(&s)) {
        return false;
    }
    if (s.server == NULL) {
        return error_at(err, ERROR_INVALID, pos, NULL, "%s: the container is no model server", flag);
    }
    if (s.scripted) {
        error_at(err, ERROR_INVALID, pos, NULL, "%s: the server's words are those of a shell script", flag);
        return error_hint(err, "set `args` or `command` of the container as a whole");
    }
    return check_list(&e, "command") && check_list(&e, "args") && engine_args_parse(&s, &args, &spans) &&
           find_flag(&e, flag) && edit_lists(&e, value, lists);
}
