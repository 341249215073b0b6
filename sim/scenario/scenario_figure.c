/* Figures that objectives and gates name: found among those of the summary, or refused with the nearest. */
#include <math.h>
#include <string.h>

#include "base/strbuf.h"
#include "scenario/scenario_parts.h"

struct search {
    struct arena *arena;
    const char *wanted;
    bool by_metric; /* metrics, a latency's without its statistic; or whole paths */
    struct figure found;
    const char **names; /* all there are, for suggestions */
    size_t count, capacity;
};

/* "ttft_s" is "latency.ttft_s". */
static bool is_wanted(const struct search *s, const char *name) {
    static const char latency[] = "latency.";
    size_t n = strlen(latency);
    return strcmp(name, s->wanted) == 0 ||
           (strncmp(name, latency, n) == 0 && strcmp(name + n, s->wanted) == 0);
}

static bool look_at(void *context, const struct figure *figure) {
    struct search *s = context;
    const char *name = s->by_metric ? figure->metric : figure->path;
    if (is_wanted(s, name)) {
        s->found = *figure;
        s->found.path = arena_strdup(s->arena, figure->path);
        s->found.metric = arena_strdup(s->arena, figure->metric);
        s->found.statistic = figure->statistic != NULL ? arena_strdup(s->arena, figure->statistic) : NULL;
        return false;
    }
    if (s->count == 0 || strcmp(s->names[s->count - 1], name) != 0) {
        s->names = arena_grow(s->arena, s->names, s->count, s->count + 2, &s->capacity, sizeof *s->names);
        s->names[s->count++] = arena_strdup(s->arena, name);
        s->names[s->count] = NULL;
    }
    return true;
}

/* The first path of which `wanted` is the beginning: "latency.ttft_s" lacks a statistic. */
static const char *completion(const struct search *s) {
    size_t n = strlen(s->wanted);
    for (size_t i = 0; i < s->count; i++) {
        if (strncmp(s->names[i], s->wanted, n) == 0 && s->names[i][n] == '.') {
            return s->names[i];
        }
    }
    return NULL;
}

static bool refuse(struct field_reader *reader, const struct yaml_node *node, const struct search *s) {
    field_error(reader, node, "metric", "unknown metric \"%.60s\"", s->wanted);
    const char *whole = completion(s);
    const char *near = s->count > 0 ? str_nearest(s->wanted, s->names) : NULL;
    if (whole != NULL) {
        return error_hint(reader->err, "it has parts, such as %s", whole);
    }
    if (near == NULL) {
        near =
            s->count > 0 ? str_nearest(arena_printf(reader->arena, "latency.%s", s->wanted), s->names) : NULL;
    }
    return near != NULL ? error_hint(reader->err, "did you mean %s?", near)
                        : error_hint(reader->err, "`drydock schema summary` has all: such as latency.ttft_s, "
                                                  "slo.attainment, cost.total_usd, replicas.max");
}

bool scenario_find_figure(struct field_reader *reader, const struct yaml_node *node, const char *wanted,
                          bool by_metric, struct figure *figure) {
    struct search s = {.arena = reader->arena, .wanted = wanted, .by_metric = by_metric};
    figures_each(look_at, &s);
    *figure = s.found;
    return figure->path != NULL || refuse(reader, node, &s);
}

bool scenario_read_limit(struct field_reader *reader, const struct yaml_node *node, const char *key,
                         const struct figure *figure, double *value) {
    double most = figure->unit == UNIT_FRACTION ? 1 : INFINITY;
    return field_quantity(reader, node, key, figure->unit, 0, most, value);
}
