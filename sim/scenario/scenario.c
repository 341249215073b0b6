#include "scenario/scenario.h"

#include <string.h>

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

static bool load_manifests(struct scenario *s, const struct scenario_overrides *overrides,
                           struct arena *arena, struct notices *notices, struct error *err) {
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
    return scenario_override_objects(s, overrides, arena, notices, err) &&
           manifests_finish(&s->manifests, arena, notices, err);
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
    return load_tree(s, arena, err) && scenario_override(s, overrides, arena, notices, err) &&
           read_fields(s, arena, notices, err) && scenario_fill(s, arena, err) &&
           load_manifests(s, overrides, arena, notices, err) && scenario_check(s, arena, notices, err);
}
