/* What is changed of a scenario before it is read: by an arm, by --trace, by --set; in this order, so that
 * the command line has the last word. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "scenario/scenario_parts.h"

/* ---- arms ---- */

/* The arms, before the rest of the file can be read: which one is wanted decides what the rest is. */
static bool read_arms(struct scenario *s, struct arena *arena, struct notices *notices, struct error *err) {
    const struct yaml_pair *arms = yaml_pair_of(yaml_get(s->tree, "spec"), "arms");
    struct field_reader reader = {.arena = arena,
                                  .notices = notices,
                                  .err = err,
                                  .folder = s->folder,
                                  .path = "spec",
                                  .place = {s->path, 0, 0}};
    struct yaml_pair only = arms != NULL ? *arms : (struct yaml_pair){0};
    struct yaml_node spec = {.kind = YAML_MAPPING, .text = "", .count = arms != NULL, .pairs = &only};
    spec.pos = arms != NULL ? arms->pos : reader.place;
    return fields_read(&reader, scenario_arm_list, &spec, s);
}

static bool no_arm(const struct scenario *s, const char *name, struct arena *arena, struct error *err) {
    const char **names = arena_array(arena, s->arm_count + 1, sizeof *names);
    const char *all = "";
    for (size_t i = 0; i < s->arm_count; i++) {
        names[i] = s->arms[i].name;
        all = arena_printf(arena, "%s%s%s", all, i > 0 ? ", " : "", names[i]);
    }
    const char *near = str_nearest(name, names);
    error_set(err, ERROR_USAGE, "--arm %.80s: %.300s has no such arm", name, s->path);
    return near != NULL       ? error_hint(err, "did you mean %s?", near)
           : s->arm_count > 0 ? error_hint(err, "known: %s", all)
                              : error_hint(err, "it has no arms: add spec.arms, a list of {name, set}");
}

static bool choose_arm(struct scenario *s, const char *name, struct arena *arena, struct notices *notices,
                       struct error *err) {
    if (!read_arms(s, arena, notices, err)) {
        return false;
    }
    for (size_t i = 0; i < s->arm_count; i++) {
        if (strcmp(s->arms[i].name, name) == 0) {
            s->arm = name;
            return true;
        }
    }
    return no_arm(s, name, arena, err);
}

/* ---- traces ---- */

/* A scalar node that stands nowhere in the file. */
static struct yaml_node *new_text(const char *text, const char *origin, struct arena *arena) {
    struct yaml_node *node = arena_alloc(arena, sizeof *node);
    *node = (struct yaml_node){.kind = YAML_SCALAR, .quoted = true, .text = text, .pos = {origin, 0, 0}};
    return node;
}

/* What says where rows come from; the rest of an entry (service, region, scales, window, repeat) is how they
 * are used, and stays when the file is another. */
static bool names_the_source(const char *key) {
    static const char *const keys[] = {"file", "preset", "synth", "format", "columns"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* `like` (which may be NULL) with FILE as its source. FILE is made absolute: it is relative to where the user
 * stands, and paths in a scenario are relative to the scenario. */
static struct yaml_node *trace_node(const char *file, const struct yaml_node *like, struct arena *arena) {
    static const char origin[] = "--trace";
    char folder[4096];
    if (file[0] != '/' && getcwd(folder, sizeof folder) != NULL) {
        file = path_join(arena, folder, file);
    }
    size_t old = like != NULL && like->kind == YAML_MAPPING ? like->count : 0;
    struct yaml_node *node = arena_alloc(arena, sizeof *node);
    *node = (struct yaml_node){.kind = YAML_MAPPING, .text = "", .pos = {origin, 0, 0}};
    node->pairs = arena_array(arena, old + 1, sizeof *node->pairs);
    node->pairs[node->count++] = (struct yaml_pair){"file", node->pos, new_text(file, origin, arena), true};
    for (size_t i = 0; i < old; i++) {
        if (!names_the_source(like->pairs[i].key)) {
            node->pairs[node->count++] = like->pairs[i];
        }
    }
    return node;
}

/* --trace FILE replaces the scenario's traces; all take the settings of the first one. */
static bool apply_traces(struct scenario *s, const struct scenario_overrides *o, struct arena *arena,
                         struct error *err) {
    const struct yaml_node *first = yaml_path(s->tree, "spec.traces.0");
    if (!yaml_set(s->tree, "spec.traces", "[]", "--trace", arena, err)) {
        return false;
    }
    struct yaml_node *list = yaml_path(s->tree, "spec.traces");
    list->items = arena_array(arena, o->trace_count, sizeof *list->items);
    for (size_t i = 0; i < o->trace_count; i++) {
        list->items[list->count++] = trace_node(o->traces[i], first, arena);
    }
    return true;
}

/* ---- values ---- */

/* An arm's entries stand in the file; their places are those of the keys. */
static const struct yaml_node *arm_set(const struct scenario *s) {
    for (size_t i = 0; i < s->arm_count; i++) {
        if (s->arm != NULL && strcmp(s->arms[i].name, s->arm) == 0) {
            return s->arms[i].set;
        }
    }
    return NULL;
}

/* A value to be put, and where it stands. */
struct change {
    const char *path; /* below spec, or of an object */
    struct yaml_node *value;
    struct position pos;
};

static bool change_scenario(struct scenario *s, const struct change *c, struct arena *arena,
                            struct error *err) {
    return yaml_put(s->tree, arena_printf(arena, "spec.%s", c->path), c->value, &c->pos, arena, err);
}

static bool change_object(struct scenario *s, const struct change *c, struct arena *arena,
                          struct notices *notices, struct error *err) {
    struct object_path path;
    return object_path_parse(c->path, arena, &path) &&
           manifests_set(&s->manifests, &path, c->value, &c->pos, arena, notices, err);
}

/* --set PATH=VALUE. The first '=' ends the path: no key of a scenario or of a manifest holds one. What it
 * sets stands at "--set", and what it sets of an object at "--set PATH", since messages of objects name the
 * field alone. */
static bool read_set(const char *text, struct arena *arena, struct change *c, struct error *err) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        error_set(err, ERROR_USAGE, "--set %s: expected PATH=VALUE", text);
        return error_hint(err, "for example --set traces.0.rate_scale=2");
    }
    c->path = arena_strndup(arena, text, (size_t)(equals - text));
    c->pos = (struct position){"--set", 0, 0};
    const char *place = arena_printf(arena, "spec.%s", c->path);
    if (object_path_is(c->path)) {
        struct object_path path;
        if (!object_path_parse(c->path, arena, &path)) {
            error_set(err, ERROR_USAGE, "--set %s: expected [NAMESPACE/]KIND/NAME.FIELD=VALUE", text);
            return error_hint(err, "for example --set hpa/chat.spec.minReplicas=4");
        }
        c->pos.file = arena_printf(arena, "--set %s", c->path);
        place = NULL;
    }
    c->value = yaml_value(equals + 1, place, c->pos.file, arena, err);
    return c->value != NULL;
}

bool scenario_override(struct scenario *s, const struct scenario_overrides *o, struct arena *arena,
                       struct notices *notices, struct error *err) {
    if (o == NULL) {
        return true;
    }
    if (o->arm != NULL && !choose_arm(s, o->arm, arena, notices, err)) {
        return false;
    }
    s->set = o->set;
    s->set_count = o->set_count;
    const struct yaml_node *set = arm_set(s);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct yaml_pair *pair = &set->pairs[i];
        struct change c = {pair->key, pair->value, pair->pos};
        if (!object_path_is(c.path) && !change_scenario(s, &c, arena, err)) {
            return false;
        }
    }
    if (o->trace_count > 0 && !apply_traces(s, o, arena, err)) {
        return false;
    }
    for (size_t i = 0; i < o->set_count; i++) {
        struct change c = {.path = ""};
        if (!read_set(o->set[i], arena, &c, err) ||
            (!object_path_is(c.path) && !change_scenario(s, &c, arena, err))) {
            return false;
        }
    }
    return true;
}

bool scenario_override_objects(struct scenario *s, const struct scenario_overrides *o, struct arena *arena,
                               struct notices *notices, struct error *err) {
    const struct yaml_node *set = arm_set(s);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct yaml_pair *pair = &set->pairs[i];
        struct change c = {pair->key, pair->value, pair->pos};
        if (object_path_is(c.path) && !change_object(s, &c, arena, notices, err)) {
            return false;
        }
    }
    for (size_t i = 0; o != NULL && i < o->set_count; i++) {
        struct change c = {.path = ""};
        if (!read_set(o->set[i], arena, &c, err) ||
            (object_path_is(c.path) && !change_object(s, &c, arena, notices, err))) {
            return false;
        }
    }
    return true;
}

/* ---- whose doing it was ---- */

/* The node or something in it stands at the error's place. */
static bool stands_in(const struct yaml_node *node, const struct error *err) {
    if (node->pos.line == err->line && node->pos.column == err->column) {
        return true;
    }
    for (size_t i = 0; i < node->count; i++) {
        bool list = node->kind == YAML_SEQUENCE;
        const struct position *key = list ? NULL : &node->pairs[i].pos;
        if ((key != NULL && key->line == err->line && key->column == err->column) ||
            stands_in(list ? node->items[i] : node->pairs[i].value, err)) {
            return true;
        }
    }
    return false;
}

void scenario_blame_arm(const struct scenario *s, struct error *err) {
    for (size_t i = 0; i < s->arm_count; i++) {
        const struct arm_config *arm = &s->arms[i];
        if (s->arm == NULL || strcmp(s->arm, arm->name) != 0 || err->code != ERROR_INVALID) {
            continue;
        }
        char field[64];
        snprintf(field, sizeof field, "spec.arms.%zu", i);
        const struct yaml_node *node = yaml_path(s->tree, field);
        if (node != NULL && strcmp(err->file, s->path) == 0 && stands_in(node, err)) {
            return;
        }
        char text[sizeof err->expected];
        struct error inner = *err;
        inner.hint[0] = '\0';
        error_text(&inner, text, sizeof text);
        memcpy(inner.hint, err->hint, sizeof inner.hint);
        *err = (struct error){0};
        error_at(err, inner.code, &arm->pos, field, "with the arm %s: %s", arm->name, text);
        error_hint(err, "%s", inner.hint);
    }
}
