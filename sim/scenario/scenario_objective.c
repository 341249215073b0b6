/* Objectives: what they can be about, and how their limits are written. */
#include <string.h>

#include "scenario/scenario_parts.h"

const char *const objective_statistics[] = {"mean", "p50", "p90", "p95", "p99", "p999", "max", NULL};

static bool is_latency(const struct figure *figure) {
    return figure->statistic != NULL;
}

/* Waiting is the platform's business, and no promise to a user by itself. */
static bool is_per_request(const struct figure *figure) {
    return is_latency(figure) && strcmp(figure->metric, "latency.queue_s") != 0;
}

static bool check_statistic(struct field_reader *reader, const struct yaml_node *node,
                            const struct figure *figure, struct objective_config *o) {
    if (!is_latency(figure)) {
        return o->statistic == NULL ||
               field_error(reader, node, "statistic", "%s has no statistics; leave it out", figure->metric);
    }
    if (o->statistic == NULL) {
        o->statistic = "p95";
    }
    const char *all = "";
    for (size_t i = 0; objective_statistics[i] != NULL; i++) {
        if (strcmp(objective_statistics[i], o->statistic) == 0) {
            return true;
        }
        all = arena_printf(reader->arena, "%s%s%s", all, i > 0 ? ", " : "", objective_statistics[i]);
    }
    return field_error(reader, node, "statistic", "expected one of %s, found \"%.60s\"", all, o->statistic);
}

/* One of limit, min and max; min and max say the sense too. */
static bool read_limit(struct field_reader *reader, const struct yaml_node *node, const struct figure *figure,
                       struct objective_config *o) {
    static const char *const keys[] = {"limit", "min", "max"};
    const char *given = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct yaml_node *value = yaml_get(node, keys[i]);
        if (value == NULL || value->kind == YAML_NULL) {
            continue;
        }
        if (given != NULL) {
            return field_error(reader, node, keys[i], "expected one of limit, min and max, not both");
        }
        given = keys[i];
    }
    if (given == NULL) {
        return field_error(reader, node, NULL, "expected a limit: one of limit, min and max");
    }
    if (yaml_get(node, "sense") == NULL) {
        o->sense = figure->more_is_better ? OBJECTIVE_AT_LEAST : OBJECTIVE_AT_MOST;
    }
    if (strcmp(given, "limit") != 0) {
        o->sense = given[1] == 'i' ? OBJECTIVE_AT_LEAST : OBJECTIVE_AT_MOST;
    }
    struct figure limited = *figure;
    limited.unit = figure_unit(figure->metric);
    return scenario_read_limit(reader, node, given, &limited, &o->limit);
}

bool scenario_finish_objective(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct objective_config *o = element;
    struct figure figure;
    if (!scenario_find_figure(reader, node, o->metric, true, &figure)) {
        return false;
    }
    o->metric = figure.metric;
    if (yaml_get(node, "per_request") == NULL) {
        o->per_request = is_per_request(&figure);
    } else if (o->per_request && !is_latency(&figure)) {
        return field_error(reader, node, "per_request", "expected a latency; %s is not one of a request",
                           figure.metric);
    }
    if (o->service != NULL && figure.of_run) {
        return field_error(reader, node, "service", "%s is of the whole run: leave it out", figure.metric);
    }
    return check_statistic(reader, node, &figure, o) && read_limit(reader, node, &figure, o);
}
