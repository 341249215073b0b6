/* The parameters of a synthesised trace: traces/ knows them by name and text, here they get their places. */
#include <string.h>

#include "base/strbuf.h"
#include "scenario/scenario_parts.h"
#include "traces/traces.h"

enum { PARAMETERS_MAX = 64 };

static bool check_parameter_name(const struct yaml_pair *pair, const char *field, struct error *err) {
    const char *names[PARAMETERS_MAX + 1] = {NULL};
    for (size_t i = 0; synth_parameters[i].name != NULL && i < PARAMETERS_MAX; i++) {
        names[i] = synth_parameters[i].name;
        if (strcmp(names[i], pair->key) == 0) {
            return true;
        }
    }
    error_at(err, ERROR_INVALID, &pair->pos, field, "unknown key");
    const char *near = str_nearest(pair->key, names);
    return near != NULL ? error_hint(err, "did you mean %s?", near)
                        : error_hint(err, "`drydock trace list` names the parameters");
}

/* The same failure at its place in the scenario. Some are phrases ("a rate above 0"), some whole sentences.
 */
static bool relocate(const struct error *inner, const struct position *pos, const char *field,
                     struct error *err) {
    bool phrase = strstr(inner->expected, "expected") == NULL;
    error_at(err, ERROR_INVALID, pos, field, "%s%s", phrase ? "expected " : "", inner->expected);
    return inner->hint[0] != 0 ? error_hint(err, "%s", inner->hint) : false;
}

static bool check_parameter(struct synth_spec *spec, const struct yaml_pair *pair, const char *field,
                            struct arena *arena, struct error *err) {
    struct error inner = {0};
    if (!check_parameter_name(pair, field, err)) {
        return false;
    }
    if (pair->value->kind != YAML_SCALAR) {
        return error_at(err, ERROR_INVALID, &pair->value->pos, field, "expected a text or a number");
    }
    return synth_set(spec, arena, pair->key, pair->value->text, &inner) ||
           relocate(&inner, &pair->value->pos, field, err);
}

bool scenario_check_synth(const struct trace_config *trace, size_t index, struct arena *arena,
                          struct error *err) {
    struct synth_spec *spec = arena_alloc(arena, sizeof *spec);
    const struct yaml_node *node = trace->synth;
    synth_defaults(spec);
    for (size_t i = 0; i < node->count; i++) {
        const char *field = arena_printf(arena, "spec.traces.%zu.synth.%s", index, node->pairs[i].key);
        if (!check_parameter(spec, &node->pairs[i], field, arena, err)) {
            return false;
        }
    }
    struct error inner = {0};
    if (synth_check(spec, &inner)) {
        return true;
    }
    const struct yaml_node *value = yaml_get(node, inner.field);
    return relocate(&inner, value != NULL ? &value->pos : &node->pos,
                    arena_printf(arena, "spec.traces.%zu.synth.%s", index, inner.field), err);
}
