#include "analysis/report/source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/report/html.h"
#include "base/file.h"
#include "record/record.h"

enum { ARMS_BYTES_MAX = 64 << 20 };

/* ---- JSON ---- */

struct json_object *json_read_member(struct json_object *o, const char *name) {
    struct json_object *member = NULL;
    if (json_object_is_type(o, json_type_object)) {
        json_object_object_get_ex(o, name, &member);
    }
    return member;
}

struct json_object *json_read_at(struct json_object *o, const char *path) {
    struct json_object *member = NULL;
    return summary_member(o, path, &member) ? member : NULL;
}

const char *json_read_text(struct json_object *o, const char *path) {
    struct json_object *at = json_read_at(o, path);
    return json_object_is_type(at, json_type_string) ? json_object_get_string(at) : "";
}

bool json_read_flag(struct json_object *o, const char *path) {
    struct json_object *at = json_read_at(o, path);
    return json_object_is_type(at, json_type_boolean) && json_object_get_boolean(at);
}

/* The text as an object; NULL when it is none. */
static struct json_object *parse(const char *text, size_t length) {
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *o = length <= INT32_MAX ? json_tokener_parse_ex(tokener, text, (int)length) : NULL;
    if (o && (json_tokener_get_error(tokener) != json_tokener_success ||
              !json_object_is_type(o, json_type_object))) {
        json_object_put(o);
        o = NULL;
    }
    json_tokener_free(tokener);
    return o;
}

/* ---- opening ---- */

static bool invalid(struct error *err, const char *path, const char *what) {
    struct position pos = {.file = path};
    return error_at(err, ERROR_INVALID, &pos, NULL, "%s", what);
}

static bool open_source(struct source *s, struct arena *arena, struct error *err) {
    const char *text = NULL;
    s->result = result_open(s->path, err);
    if (!s->result || !result_text(s->result, "summary", arena, &text, err)) {
        return false;
    }
    s->summary = text ? parse(text, strlen(text)) : NULL;
    if (!s->summary) {
        return invalid(err, s->path, "its summary is missing or damaged");
    }
    s->scenario = json_read_text(s->summary, "scenario");
    const char *const *services;
    size_t n = source_services(s, arena, &services);
    return distributions_read(&s->distributions, s->result, services, n, arena, err);
}

static struct source *add(struct sources *sources, struct error *err) {
    if (sources->count == SOURCES_MAX) {
        error_set(err, ERROR_USAGE, "more than %d results in one report", SOURCES_MAX);
        return NULL;
    }
    return &sources->items[sources->count++];
}

static bool add_result(struct sources *sources, const char *argument, struct arena *arena,
                       struct error *err) {
    struct source *s = add(sources, err);
    if (!s || !result_path(argument, arena, &s->path, err)) {
        return false;
    }
    const char *folder = path_directory(arena, s->path);
    sources->folder = sources->folder ? sources->folder : folder;
    s->name = path_base(folder);
    return open_source(s, arena, err);
}

/* A name that leads elsewhere is none that a run has written. */
static bool is_arm_name(const char *name) {
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool add_arms(struct sources *sources, const char *folder, const char *path, struct arena *arena,
                     struct error *err) {
    char *text = NULL;
    size_t length = 0;
    if (!file_read(path, ARMS_BYTES_MAX, arena, &text, &length, err)) {
        return false;
    }
    sources->arms = parse(text, length);
    struct json_object *arms = json_read_at(sources->arms, "arms");
    if (strcmp(json_read_text(sources->arms, "schema"), "drydock.arms/1") != 0 ||
        !json_object_is_type(arms, json_type_array) || json_object_array_length(arms) == 0) {
        return invalid(err, path, "expected arms of the schema drydock.arms/1");
    }
    sources->folder = folder;
    for (size_t i = 0; i < json_object_array_length(arms); i++) {
        struct json_object *arm = json_object_array_get_idx(arms, i);
        struct source *s = add(sources, err);
        if (!s || !is_arm_name(json_read_text(arm, "name"))) {
            return invalid(err, path, "expected a name for each arm");
        }
        s->name = json_read_text(arm, "name");
        const char *description = json_read_text(arm, "description");
        s->description = *description ? description : NULL;
        s->settings = json_read_at(arm, "set");
        if (!result_path(path_join(arena, folder, s->name), arena, &s->path, err) ||
            !open_source(s, arena, err)) {
            return false;
        }
    }
    return true;
}

/* ---- labels ---- */

static bool is_taken(const struct sources *sources, size_t i, const char *label) {
    for (size_t k = 0; k < sources->count; k++) {
        if (k != i && sources->items[k].label && strcmp(sources->items[k].label, label) == 0) {
            return true;
        }
    }
    return false;
}

static bool scenarios_differ(const struct sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(sources->items[i].scenario, sources->items[k].scenario) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* Results go by their scenario's name where that tells them apart, by their folder's where not, and by a
 * number where that does not either. */
static void name_all(struct sources *sources, struct arena *arena) {
    bool by_scenario = !sources->arms && scenarios_differ(sources);
    for (size_t i = 0; i < sources->count; i++) {
        struct source *s = &sources->items[i];
        const char *name = by_scenario ? s->scenario : s->name;
        const char *label = html_label(arena, *name ? name : "result", LABEL_CHARACTERS);
        for (int number = 2; is_taken(sources, i, label); number++) {
            label = html_label(arena, arena_printf(arena, "%d: %s", number, name), LABEL_CHARACTERS);
        }
        s->label = label;
    }
}

bool sources_open(const char *const *arguments, size_t count, struct arena *arena, struct sources *sources,
                  struct error *err) {
    *sources = (struct sources){.items = arena_array(arena, SOURCES_MAX, sizeof *sources->items)};
    for (size_t i = 0; i < count; i++) {
        const char *arms = path_join(arena, arguments[i], "arms.json");
        bool compared = file_is_directory(arguments[i]) && file_exists(arms);
        if (compared && count > 1) {
            error_set(err, ERROR_USAGE, "%s holds several arms: report it alone", arguments[i]);
            return error_hint(err, "or name its arms: %s/NAME", arguments[i]);
        }
        if (compared ? !add_arms(sources, arguments[i], arms, arena, err)
                     : !add_result(sources, arguments[i], arena, err)) {
            return false;
        }
    }
    name_all(sources, arena);
    return true;
}

void sources_close(struct sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        distributions_free(&sources->items[i].distributions);
        json_object_put(sources->items[i].summary);
        result_close(sources->items[i].result);
    }
    json_object_put(sources->arms);
    sources->count = 0;
    sources->arms = NULL;
}

bool sources_same_scenario(const struct sources *sources) {
    for (size_t i = 1; i < sources->count; i++) {
        if (strcmp(sources->items[i].scenario, sources->items[0].scenario) != 0) {
            return false;
        }
    }
    return true;
}

bool sources_same_traffic(const struct sources *sources) {
    double first = summary_figure(sources->items[0].summary, "requests.arrived");
    for (size_t i = 1; i < sources->count; i++) {
        if (summary_figure(sources->items[i].summary, "requests.arrived") != first) {
            return false;
        }
    }
    return true;
}

struct json_object *source_scope(const struct source *s, const char *service) {
    return service ? json_read_member(json_read_at(s->summary, "services"), service) : s->summary;
}

size_t source_services(const struct source *s, struct arena *arena, const char *const **names) {
    struct json_object *services = json_read_at(s->summary, "services");
    size_t count = 0;
    if (!json_object_is_type(services, json_type_object)) {
        *names = NULL;
        return 0;
    }
    const char **list = arena_array(arena, (size_t)json_object_object_length(services) + 1, sizeof *list);
    json_object_object_foreach(services, name, value) {
        (void)value;
        list[count++] = name;
    }
    *names = list;
    return count;
}

struct estimate source_estimate(const struct source *s, const char *path) {
    struct replicated_figure f =
        replicated_figure(json_read_at(json_read_at(s->summary, "replicated"), path));
    return f.n > 0 ? (struct estimate){f.mean, f.half}
                   : (struct estimate){summary_figure(s->summary, path), NAN};
}
