#include "scenario/scenario.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "scenario/scenario_parts.h"

/* The file behind a path: itself, or scenario.yaml in a folder. */
static const char *scenario_file(const char *path, struct arena *arena, struct error *err) {
    if (!file_is_directory(path)) {
        return arena_strdup(arena, path);
    }
    const char *file = path_join(arena, path, "scenario.yaml");
    if (!file_exists(file)) {
        struct position pos = {path, 0, 0};
        error_at(err, ERROR_INVALID, &pos, NULL, "expected a folder with a scenario.yaml in it");
        return NULL;
    }
    return file;
}

static bool load_tree(struct scenario *s, struct arena *arena, struct error *err) {
    char *text;
    struct yaml_file file;
    if (!file_read(s->path, YAML_FILE_BYTES_MAX, arena, &text, &s->text_length, err) ||
        !yaml_parse(s->path, text, s->text_length, arena, &file, err)) {
        return false;
    }
    struct position pos = {s->path, 0, 0};
    s->text = text;
    if (file.count == 0) {
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected a scenario, the file holds no object");
    }
    if (file.count > 1) {
        return error_at(err, ERROR_INVALID, &file.documents[1]->pos, NULL,
                        "expected one document, a scenario's manifests lie in files of their own");
    }
    s->tree = file.documents[0];
    if (s->tree->kind != YAML_MAPPING) {
        return error_at(err, ERROR_INVALID, &s->tree->pos, NULL,
                        "expected a scenario: a mapping with apiVersion, kind, metadata and spec");
    }
    return true;
}

/* --set PATH=VALUE, the path being below spec. */
static bool apply_set(struct scenario *s, const char *text, struct arena *arena, struct error *err) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        error_set(err, ERROR_USAGE, "--set %s: expected PATH=VALUE", text);
        return error_hint(err, "for example --set traces.0.rate_scale=2");
    }
    const char *path = arena_printf(arena, "spec.%.*s", (int)(equals - text), text);
    return yaml_set(s->tree, path, equals + 1, "--set", arena, err);
}

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
    node->pairs[node->count++] = (struct yaml_pair){"file", node->pos, new_text(file, origin, arena), false};
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

static bool apply_overrides(struct scenario *s, const struct scenario_overrides *o, struct arena *arena,
                            struct error *err) {
    if (o == NULL) {
        return true;
    }
    if (o->trace_count > 0 && !apply_traces(s, o, arena, err)) {
        return false;
    }
    for (size_t i = 0; i < o->set_count; i++) {
        if (!apply_set(s, o->set[i], arena, err)) {
            return false;
        }
    }
    return true;
}

/* Before the rest, so that another kind of object is told by its kind and not by its unknown keys. */
static bool check_kind(const struct scenario *s, struct error *err) {
    const struct yaml_node *kind = yaml_get(s->tree, "kind");
    if (kind == NULL || kind->kind != YAML_SCALAR || strcmp(kind->text, "Scenario") == 0) {
        return true;
    }
    return error_at(err, ERROR_INVALID, &kind->pos, "kind", "expected Scenario, found \"%.60s\"", kind->text);
}

static bool read_fields(struct scenario *s, struct arena *arena, struct notices *notices, struct error *err) {
    struct field_reader reader = {
        .arena = arena, .notices = notices, .err = err, .folder = s->folder, .place = {s->path, 0, 0}};
    if (!check_kind(s, err) || !fields_read(&reader, scenario_fields, s->tree, s)) {
        return false;
    }
    const struct yaml_node *traces = yaml_path(s->tree, "spec.traces");
    if (traces == NULL || traces->kind == YAML_NULL) {
        struct position pos = {s->path, 0, 0};
        notice_add(notices, NOTICE_WARNING, &pos, "no traces are given: the embedded preset %s is replayed",
                   s->traces[0].preset);
    }
    return true;
}

static bool load_manifests(struct scenario *s, struct arena *arena, struct notices *notices,
                           struct error *err) {
    for (size_t i = 0; i < s->manifest_path_count; i++) {
        if (!file_exists(s->manifest_paths[i]) && !file_is_directory(s->manifest_paths[i])) {
            const struct yaml_node *node = yaml_path(s->tree, "spec.manifests");
            const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->items[i] : node;
            return error_at(err, ERROR_INVALID, &item->pos, "spec.manifests", "there is no file or folder %s",
                            s->manifest_paths[i]);
        }
        if (!manifests_load(s->manifest_paths[i], &s->manifests, arena, notices, err)) {
            return false;
        }
    }
    return manifests_finish(&s->manifests, arena, notices, err);
}

bool scenario_load(const char *path, const struct scenario_overrides *overrides, struct arena *arena,
                   struct scenario *s, struct notices *notices, struct error *err) {
    *s = (struct scenario){0};
    if (notices->arena == NULL) {
        notices->arena = arena;
    }
    s->path = scenario_file(path, arena, err);
    if (s->path == NULL) {
        return false;
    }
    s->folder = path_directory(arena, s->path);
    return load_tree(s, arena, err) && apply_overrides(s, overrides, arena, err) &&
           read_fields(s, arena, notices, err) && scenario_fill(s, arena, err) &&
           load_manifests(s, arena, notices, err) && scenario_check(s, arena, notices, err);
}
