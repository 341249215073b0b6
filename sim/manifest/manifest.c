#include "manifest/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "manifest/manifest_fields.h"

enum {
    FOLDER_DEPTH_MAX = 32, /* also ends loops of symbolic links */
    FOLDER_FILES_MAX = 10000,
    OBJECTS_MAX = 20000, /* in all; services are matched against workloads pair by pair */
    LIST_DEPTH_MAX = 8,
};

/* ---- objects ---- */

/* "apps/v1" -> "apps"; "v1" -> "". */
static const char *group_of(struct arena *arena, const char *api_version) {
    const char *slash = strchr(api_version, '/');
    return slash == NULL ? "" : arena_strndup(arena, api_version, (size_t)(slash - api_version));
}

static bool read_kind(const struct reading *r, const struct place *object, const char **api_version,
                      const char **kind) {
    struct place version_at = place_get(r, object, "apiVersion");
    struct place kind_at = place_get(r, object, "kind");
    if (object->node->kind != YAML_MAPPING) {
        place_fail(r, object, "expected a Kubernetes object, got %s", describe_node(r->arena, object->node));
        return error_hint(r->err, "an object is a mapping with apiVersion, kind and metadata");
    }
    if (version_at.node == NULL && kind_at.node == NULL) {
        place_fail(r, object, "expected a Kubernetes object, got a mapping without apiVersion and kind");
        return error_hint(r->err, "values for a template (Helm) are no manifest: render first, "
                                  "`helm template CHART -f values.yaml > manifests.yaml`");
    }
    return expect_present(r, &version_at, "the object's apiVersion, such as apps/v1") &&
           read_text(r, &version_at, api_version) &&
           expect_present(r, &kind_at, "the object's kind, such as Deployment") &&
           read_text(r, &kind_at, kind);
}

static bool refuse_kustomization(const struct reading *r, const struct place *object) {
    place_fail(r, object,
               "expected Kubernetes objects, got a kustomization, which describes how to build them");
    return error_hint(r->err, "render first, `kustomize build FOLDER > manifests.yaml`, and load the result");
}

static bool add_object(const struct reading *r, struct yaml_node *object, struct manifests *into, int depth);

static bool add_list(const struct reading *r, const struct place *list, struct manifests *into, int depth) {
    struct place items = place_get(r, list, "items");
    if (depth >= LIST_DEPTH_MAX) {
        return place_fail(r, list, "expected lists nested at most %d deep", LIST_DEPTH_MAX);
    }
    if (!expect_list(r, &items)) {
        return false;
    }
    for (size_t i = 0; items.node != NULL && i < items.node->count; i++) {
        if (!add_object(r, items.node->items[i], into, depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool add_object(const struct reading *r, struct yaml_node *object, struct manifests *into, int depth) {
    struct place p = place_of(object);
    const char *api_version = "";
    const char *kind = "";
    if (!read_kind(r, &p, &api_version, &kind)) {
        return false;
    }
    if (str_ends_with(kind, "List") && yaml_get(object, "items") != NULL) {
        return add_list(r, &p, into, depth);
    }
    const char *group = group_of(r->arena, api_version);
    if (strcmp(group, "drydock") == 0) { /* a scenario beside its manifests */
        notice_add(r->notices, NOTICE_NOTE, &p.pos, "a %s is no Kubernetes object; not read here", kind);
        return true;
    }
    if (strcmp(group, "kustomize.config.k8s.io") == 0) {
        return refuse_kustomization(r, &p);
    }
    if (into->object_count >= OBJECTS_MAX) {
        return place_fail(r, &p, "expected at most %d objects", OBJECTS_MAX);
    }
    into->trees = arena_grow(r->arena, into->trees, into->tree_count, into->tree_count + 1,
                             &into->tree_capacity, sizeof *into->trees);
    into->trees[into->tree_count++] = object;
    into->object_count++;
    return true;
}

bool manifests_add(struct yaml_node *document, struct manifests *into, struct arena *arena,
                   struct notices *notices, struct error *err) {
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    return add_object(&r, document, into, 0);
}

/* ---- files ---- */

static struct position position_at(const char *file, const char *bytes, const char *at) {
    struct position pos = {.file = file, .line = 1, .column = 1};
    for (const char *c = bytes; c < at; c++) {
        pos.column = *c == '\n' ? 1 : pos.column + 1;
        pos.line += *c == '\n';
    }
    return pos;
}

static bool in_comment(const char *bytes, const char *at) {
    while (at > bytes && at[-1] != '\n') {
        at--;
    }
    at += strspn(at, " \t");
    return *at == '#';
}

static bool is_helm_expression(const char *after_braces) {
    static const char *const words[] = {".Values",       ".Release", ".Chart",
                                        ".Capabilities", "include ", "$.Values"};
    const char *t = after_braces;
    t += *t == '-';
    t += strspn(t, " \t");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(t, words[i], strlen(words[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The first "{{" outside comments; only Helm's own when `helm_only`. Other programs (Argo, Prometheus rules)
 * keep braces in quoted texts, which is good YAML. */
static const char *find_braces(const char *bytes, bool helm_only) {
    for (const char *at = strstr(bytes, "{{"); at != NULL; at = strstr(at + 2, "{{")) {
        if (!in_comment(bytes, at) && (!helm_only || is_helm_expression(at + 2))) {
            return at;
        }
    }
    return NULL;
}

static bool refuse_template(const char *file, const char *bytes, const char *at, struct error *err) {
    struct position pos = position_at(file, bytes, at);
    error_at(err, ERROR_INVALID, &pos, NULL, "expected plain YAML, got template braces {{ }}");
    return error_hint(err, "render first, `helm template CHART > manifests.yaml`, and load the result");
}

static bool refuse_by_name(const char *path, struct error *err) {
    const struct position pos = {.file = path};
    const char *name = path_base(path);
    if (strcmp(name, "Chart.yaml") == 0) {
        error_at(err, ERROR_INVALID, &pos, NULL, "expected plain manifests, got a Helm chart");
        return error_hint(err, "render first, `helm template CHART > manifests.yaml`, and load the result");
    }
    if (strcmp(name, "kustomization.yaml") == 0 || strcmp(name, "kustomization.yml") == 0) {
        error_at(err, ERROR_INVALID, &pos, NULL, "expected plain manifests, got a kustomization");
        return error_hint(err,
                          "render first, `kustomize build FOLDER > manifests.yaml`, and load the result");
    }
    return true;
}

static bool load_file(const char *path, struct manifests *into, struct arena *arena, struct notices *notices,
                      struct error *err) {
    char *bytes = NULL;
    size_t length = 0;
    struct yaml_file file = {0};
    struct error yaml_error = {0};
    if (!refuse_by_name(path, err) || !file_read(path, YAML_FILE_BYTES_MAX, arena, &bytes, &length, err)) {
        return false;
    }
    bool parsed = yaml_parse(path, bytes, length, arena, &file, &yaml_error);
    const char *braces = find_braces(bytes, parsed);
    if (braces != NULL) {
        return refuse_template(arena_strdup(arena, path), bytes, braces, err);
    }
    if (!parsed) {
        *err = error_is_set(err) ? *err : yaml_error;
        return false;
    }
    if (file.count == 0) {
        const struct position pos = {.file = path};
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected at least one Kubernetes object, got none");
    }
    for (size_t i = 0; i < file.count; i++) {
        if (!manifests_add(file.documents[i], into, arena, notices, err)) {
            return false;
        }
    }
    return true;
}

/* ---- folders ---- */

struct file_list {
    const char **paths;
    size_t count;
    size_t capacity;
};

static bool is_manifest_name(const char *name) {
    return str_ends_with(name, ".yaml") || str_ends_with(name, ".yml") || str_ends_with(name, ".json");
}

static bool keep_path(const char *path, struct file_list *list, struct arena *arena, struct error *err) {
    if (list->count >= FOLDER_FILES_MAX) {
        const struct position pos = {.file = path};
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected at most %d files in a folder of manifests",
                        FOLDER_FILES_MAX);
    }
    list->paths =
        arena_grow(arena, list->paths, list->count, list->count + 1, &list->capacity, sizeof *list->paths);
    list->paths[list->count++] = path;
    return true;
}

static bool collect(const char *folder, int depth, struct file_list *list, struct arena *arena,
                    struct error *err) {
    const struct position pos = {.file = folder};
    if (depth > FOLDER_DEPTH_MAX) {
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected folders nested at most %d deep",
                        FOLDER_DEPTH_MAX);
    }
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected a folder that can be read: %s",
                        strerror(errno));
    }
    bool good = true;
    for (struct dirent *entry = readdir(dir); good && entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char *path = path_join(arena, folder, entry->d_name);
        if (file_is_directory(path)) {
            good = collect(path, depth + 1, list, arena, err);
        } else if (is_manifest_name(entry->d_name)) {
            good = keep_path(path, list, arena, err);
        }
    }
    closedir(dir);
    return good;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool load_folder(const char *folder, struct manifests *into, struct arena *arena,
                        struct notices *notices, struct error *err) {
    struct file_list list = {0};
    if (!collect(folder, 0, &list, arena, err)) {
        return false;
    }
    if (list.count == 0) {
        const struct position pos = {.file = folder};
        return error_at(err, ERROR_INVALID, &pos, NULL, "expected *.yaml, *.yml or *.json files, got none");
    }
    qsort(list.paths, list.count, sizeof *list.paths, compare_paths);
    /* A chart or a kustomization explains whatever its other files would fail with. */
    for (size_t i = 0; i < list.count; i++) {
        if (!refuse_by_name(list.paths[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!load_file(list.paths[i], into, arena, notices, err)) {
            return false;
        }
    }
    return true;
}

bool manifests_load(const char *path, struct manifests *into, struct arena *arena, struct notices *notices,
                    struct error *err) {
    if (file_is_directory(path)) {
        return load_folder(path, into, arena, notices, err);
    }
    return load_file(path, into, arena, notices, err);
}
