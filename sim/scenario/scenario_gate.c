/* Gates: limits of figures that a change must hold. */
#include <math.h>
#include <string.h>

#include "scenario/scenario_parts.h"

static bool is_given(const struct yaml_node *node, const char *key) {
    const struct yaml_node *value = yaml_get(node, key);
    return value != NULL && value->kind != YAML_NULL;
}

/* NaN when the key is not there. */
static bool read_bound(struct field_reader *reader, const struct yaml_node *node, const char *key,
                       const struct figure *figure, double *value) {
    *value = NAN;
    return !is_given(node, key) || scenario_read_limit(reader, node, key, figure, value);
}

static bool check_scope(struct field_reader *reader, const struct yaml_node *node,
                        const struct gate_config *g, const struct figure *figure) {
    if (g->scope == NULL) {
        return true;
    }
    const char *name = strchr(g->scope, '/');
    bool known = strncmp(g->scope, "service/", 8) == 0 || strncmp(g->scope, "tenant/", 7) == 0;
    if (!known || name[1] == '\0') {
        field_error(reader, node, "scope", "expected service/NAME or tenant/NAME, found \"%.60s\"", g->scope);
        return error_hint(reader->err, "leave it out for all requests");
    }
    return !figure->of_run ||
           field_error(reader, node, "scope", "%s is of the whole run: leave it out", figure->path);
}

static bool read_regression(struct field_reader *reader, const struct yaml_node *node, struct gate_config *g,
                            const struct figure *figure) {
    const struct yaml_node *regression = yaml_get(node, "regression");
    g->regression.absolute = NAN;
    if (!g->has_regression) {
        g->regression.relative = NAN;
        return true;
    }
    if (!is_given(regression, "relative") && !is_given(regression, "absolute")) {
        return field_error(reader, node, "regression", "expected relative, absolute or both");
    }
    return read_bound(reader, regression, "absolute", figure, &g->regression.absolute);
}

bool scenario_finish_gate(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct gate_config *g = element;
    struct figure figure;
    if (!scenario_find_figure(reader, node, g->metric, false, &figure) ||
        !check_scope(reader, node, g, &figure) || !read_bound(reader, node, "min", &figure, &g->min) ||
        !read_bound(reader, node, "max", &figure, &g->max) || !read_regression(reader, node, g, &figure)) {
        return false;
    }
    g->metric = figure.path;
    if (isnan(g->min) && isnan(g->max) && !g->has_regression) {
        return field_error(reader, node, NULL, "expected a limit: min, max or regression");
    }
    return !(g->min > g->max) || field_error(reader, node, "min", "expected at most max");
}
