/* sim/manifest/manifest_set.c: which object a path such as "hpa/chat.spec.minReplicas" means. */
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "manifest/identity.h"

/* ---- the path ---- */

bool object_path_is(const char *text) {
    return text[strcspn(text, "./")] == '/';
}

bool object_path_parse(const char *text, struct arena *arena, struct object_path *path) {
    size_t first = strcspn(text, "/");
    const char *rest = text + first + (text[first] == '/');
    size_t second = strcspn(rest, "./");
    *path = (struct object_path){.kind = arena_strndup(arena, text, first), .rest = rest};
    if (rest[second] == '/') {
        path->namespace_name = path->kind;
        path->kind = arena_strndup(arena, rest, second);
        path->rest = rest + second + 1;
    }
    bool named = path->namespace_name == NULL || path->namespace_name[0] != '\0';
    size_t dot = strcspn(path->rest, "./");
    return named && path->kind[0] != '\0' && dot > 0 && path->rest[dot] == '.' && path->rest[dot + 1] != '\0';
}

/* ---- kinds ---- */

/* As the API makes them: deployments, ingresses, networkpolicies. */
static const char *plural_of(const char *kind, struct arena *arena) {
    size_t n = strlen(kind);
    if (n > 1 && kind[n - 1] == 'y' && strchr("aeiou", kind[n - 2]) == NULL) {
        return arena_printf(arena, "%.*sies", (int)(n - 1), kind);
    }
    return arena_printf(arena, "%s%s", kind, str_ends_with(kind, "s") ? "es" : "s");
}

static bool is_of_kind(const struct identity *object, const char *word, struct arena *arena) {
    const struct manifest_kind *row = identity_kind(object);
    return strcasecmp(word, object->kind) == 0 || strcasecmp(word, plural_of(object->kind, arena)) == 0 ||
           (row != NULL && row->short_name != NULL && strcasecmp(word, row->short_name) == 0);
}

/* ---- objects ---- */

/* What the path may mean. Of the names that fit, the longest: with objects a and a.b, "a.b.spec" is of a.b.
 */
struct candidates {
    struct identity *of_kind; /* of the kind (and namespace), whatever their names */
    size_t of_kind_count;
    struct identity *named; /* the longest name that fits; several where namespaces or groups differ */
    size_t named_count;
};

static bool name_fits(const char *name, const char *rest) {
    size_t n = strlen(name);
    return n > 0 && strncmp(name, rest, n) == 0 && rest[n] == '.';
}

static bool is_modelled(const struct identity *object) {
    const struct manifest_kind *row = identity_kind(object);
    return row != NULL && row->read != NULL;
}

static void keep_named(struct candidates *c, const struct identity *object) {
    if (c->named_count > 0) {
        size_t had = strlen(c->named[0].name), has = strlen(object->name);
        bool had_model = is_modelled(&c->named[0]), has_model = is_modelled(object);
        if (has < had || (has == had && had_model && !has_model)) {
            return;
        }
        if (has > had || (has_model && !had_model)) {
            c->named_count = 0;
        }
    }
    c->named[c->named_count++] = *object;
}

static struct candidates find_candidates(const struct manifests *m, const struct object_path *path,
                                         struct arena *arena) {
    struct candidates c = {.of_kind = arena_array(arena, m->tree_count, sizeof *c.of_kind),
                           .named = arena_array(arena, m->tree_count, sizeof *c.named)};
    for (size_t i = 0; i < m->tree_count; i++) {
        struct identity object = identity_of(m->trees[i]);
        if ((path->namespace_name != NULL && strcmp(path->namespace_name, object.namespace_name) != 0) ||
            !is_of_kind(&object, path->kind, arena)) {
            continue;
        }
        c.of_kind[c.of_kind_count++] = object;
        if (name_fits(object.name, path->rest)) {
            keep_named(&c, &object);
        }
    }
    return c;
}

/* ---- none, or several ---- */

enum { LISTED_MAX = 8 };

static const char *lower_case(const char *text, struct arena *arena) {
    char *copy = arena_strdup(arena, text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return copy;
}

/* "default/deployment/chat, default/deployment/shop ..." */
static const char *list_objects(const struct identity *objects, size_t count, struct arena *arena) {
    const char *text = "";
    for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
        text = arena_printf(arena, "%s%s%s/%s/%s", text, i > 0 ? ", " : "", objects[i].namespace_name,
                            lower_case(objects[i].kind, arena), objects[i].name);
    }
    return count > LISTED_MAX ? arena_printf(arena, "%s ...", text) : text;
}

static const char *nearest_name(const char *word, const struct identity *objects, size_t count,
                                struct arena *arena) {
    const char **names = arena_array(arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = objects[i].name;
    }
    return str_nearest(word, names);
}

/* The words by which the kinds of the objects can be called. */
static const char *nearest_kind(const char *word, const struct identity *objects, size_t count,
                                struct arena *arena) {
    const char **names = arena_array(arena, 2 * count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct manifest_kind *row = identity_kind(&objects[i]);
        names[n++] = lower_case(objects[i].kind, arena);
        if (row != NULL && row->short_name != NULL) {
            names[n++] = row->short_name;
        }
    }
    return str_nearest(lower_case(word, arena), names);
}

static bool no_object(const struct manifests *m, const struct object_path *path, const struct candidates *c,
                      const struct position *pos, struct arena *arena, struct error *err) {
    const char *where = path->namespace_name == NULL
                            ? "among the manifests"
                            : arena_printf(arena, "in namespace %.80s", path->namespace_name);
    const char *name = arena_strndup(arena, path->rest, strcspn(path->rest, "."));
    if (c->of_kind_count > 0) {
        const char *near = nearest_name(name, c->of_kind, c->of_kind_count, arena);
        error_at(err, ERROR_INVALID, pos, NULL, "there is no %.40s/%.80s %s", path->kind, name, where);
        return near != NULL ? error_hint(err, "did you mean %s/%s?", path->kind, near)
                            : error_hint(err, "known: %s", list_objects(c->of_kind, c->of_kind_count, arena));
    }
    struct identity *all = arena_array(arena, m->tree_count, sizeof *all);
    for (size_t i = 0; i < m->tree_count; i++) {
        all[i] = identity_of(m->trees[i]);
    }
    const char *near = nearest_kind(path->kind, all, m->tree_count, arena);
    near = near != NULL && strcasecmp(near, path->kind) == 0 ? NULL : near;
    error_at(err, ERROR_INVALID, pos, NULL, "there is no object of kind \"%.40s\" %s", path->kind, where);
    return near != NULL        ? error_hint(err, "did you mean %s?", near)
           : m->tree_count > 0 ? error_hint(err, "known: %s", list_objects(all, m->tree_count, arena))
                               : error_hint(err, "the scenario names no manifests");
}

static bool several(const struct object_path *path, const struct candidates *c, const struct position *pos,
                    struct arena *arena, struct error *err) {
    error_at(err, ERROR_INVALID, pos, NULL, "%.40s/%.80s names %zu objects: %s", path->kind, c->named[0].name,
             c->named_count, list_objects(c->named, c->named_count, arena));
    return error_hint(err, "say which: NAMESPACE/KIND/NAME.FIELD");
}

/* ---- the field ---- */

/* Another kind or version would be another object. */
static bool is_identity(const char *field) {
    return strcmp(field, "apiVersion") == 0 || strcmp(field, "kind") == 0;
}

/* The first container that is a model server, as workload_model_server() will say; SIZE_MAX for none. */
static size_t find_server(const struct yaml_node *containers, struct arena *arena, struct error *err) {
    for (size_t i = 0; containers != NULL && containers->kind == YAML_SEQUENCE && i < containers->count;
         i++) {
        struct notices unheard = {.arena = arena};
        struct engine_args args;
        if (!engine_args_read(containers->items[i], &args, arena, &unheard, err) || args.present) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool set_flag(const struct identity *object, const char *flag, const struct yaml_node *value,
                     const struct position *pos, struct arena *arena, struct error *err) {
    static const char path[] = "spec.template.spec.containers";
    const struct yaml_node *containers = yaml_path(object->tree, path);
    size_t at = find_server(containers, arena, err);
    if (error_is_set(err)) {
        return false;
    }
    if (at == SIZE_MAX) {
        return error_at(err, ERROR_INVALID, pos, NULL, "%s %s has no model server, whose flag %.80s could be",
                        object->kind, object->name, flag);
    }
    struct engine_lists lists = {0};
    if (!engine_args_set(containers->items[at], flag, value, pos, &lists, arena, err)) {
        return false;
    }
    return (lists.command == NULL || yaml_put(object->tree, arena_printf(arena, "%s.%zu.command", path, at),
                                              lists.command, pos, arena, err)) &&
           yaml_put(object->tree, arena_printf(arena, "%s.%zu.args", path, at), lists.args, pos, arena, err);
}

bool manifests_set(struct manifests *m, const struct object_path *path, struct yaml_node *value,
                   const struct position *pos, struct arena *arena, struct notices *notices,
                   struct error *err) {
    struct candidates c = find_candidates(m, path, arena);
    if (c.named_count == 0) {
        return no_object(m, path, &c, pos, arena, err);
    }
    if (c.named_count > 1) {
        return several(path, &c, pos, arena, err);
    }
    const struct identity *object = &c.named[0];
    const char *field = path->rest + strlen(object->name) + 1;
    if (is_identity(field)) {
        return error_at(err, ERROR_INVALID, pos, field,
                        "expected a field that can change, not what the object is");
    }
    if (!is_modelled(object)) {
        notice_add(notices, NOTICE_WARNING, pos, "%s %s is not modelled: setting %s changes nothing",
                   object->kind, object->name, field);
    }
    if (strncmp(field, "args.-", 6) == 0) {
        return set_flag(object, field + strlen("args."), value, pos, arena, err);
    }
    return yaml_put(object->tree, field, value, pos, arena, err);
}
