/* Where requests come from: the files, presets and syntheses of the scenario, scaled and mixed to one stream.
 */
#include <string.h>

#include "world/world.h"

enum { TRACES_MAX = 63 }; /* the bits of a request's id that tell its trace */

struct source_plan {
    struct world *w;
    const struct trace_config *config;
    struct synth_spec *spec; /* NULL for files */
};

static struct trace_source *open_plain(void *context, struct error *err) {
    const struct source_plan *plan = context;
    if (plan->spec) {
        return trace_synth(plan->spec, &plan->w->names, err);
    }
    struct trace_open_options options = {.format = plan->config->format, .columns = plan->config->columns};
    return trace_open(plan->config->file, &options, &plan->w->names, err);
}

/* Sets every parameter of the scenario's synth block. */
static bool read_synth(struct world *w, const struct trace_config *config, struct synth_spec *spec,
                       struct error *err) {
    synth_defaults(spec);
    for (size_t i = 0; i < config->synth->count; i++) {
        const struct yaml_pair *pair = &config->synth->pairs[i];
        struct error inner = {0};
        if (pair->value->kind != YAML_SCALAR) {
            return error_at(err, ERROR_INVALID, &pair->value->pos, "spec.traces.synth",
                            "expected a text or number");
        }
        if (!synth_set(spec, w->arena, pair->key, pair->value->text, &inner)) {
            error_at(err, ERROR_INVALID, &pair->value->pos, inner.field[0] ? inner.field : pair->key, "%s",
                     inner.expected);
            return error_hint(err, "%s", inner.hint);
        }
    }
    return true;
}

static bool plan_synth(struct world *w, struct source_plan *plan, size_t index, struct error *err) {
    const struct trace_config *config = plan->config;
    plan->spec = arena_alloc(w->arena, sizeof *plan->spec);
    if (config->synth) {
        if (!read_synth(w, config, plan->spec, err)) {
            return false;
        }
    } else {
        const struct trace_preset *preset = trace_preset_find(config->preset);
        if (!preset) {
            error_at(err, ERROR_INVALID, &config->pos, "spec.traces.preset", "there is no preset '%s'",
                     config->preset);
            return error_hint(err, "`drydock trace list` names them");
        }
        *plan->spec = *preset->spec;
    }
    bool states_duration = config->synth && yaml_get(config->synth, "duration_s");
    if (!states_duration && w->duration_ps > 0) {
        plan->spec->duration_s = simtime_to_s(w->duration_ps); /* it goes on as long as the run */
    }
    plan->spec->seed = w->seed;
    plan->spec->name = arena_printf(w->arena, "%s/%s/%zu", config->service ? config->service : "",
                                    config->preset ? config->preset : "synth", index);
    return synth_check(plan->spec, err);
}

static struct trace_source *open_source(struct world *w, size_t index, struct error *err) {
    const struct trace_config *config = &w->scenario.traces[index];
    struct source_plan *plan = arena_alloc(w->arena, sizeof *plan);
    plan->w = w;
    plan->config = config;
    if (!config->file && !plan_synth(w, plan, index, err)) {
        return NULL;
    }
    struct trace_source *inner = open_plain(plan, err);
    if (!inner) {
        return NULL;
    }
    struct trace_transform t = TRACE_TRANSFORM_NONE;
    t.start_ps = simtime_from_s(config->start_s);
    t.length_ps = simtime_from_s(config->length_s);
    t.rate_scale = config->rate_scale;
    t.time_scale = config->time_scale;
    t.repeat = (uint64_t)config->repeat;
    t.seed = w->seed;
    t.service = config->service;
    return trace_transformed(inner, &t, &w->names, open_plain, plan, err);
}

bool world_arrivals(struct world *w, struct error *err) {
    size_t count = w->scenario.trace_count;
    if (count > TRACES_MAX) {
        return error_at(err, ERROR_INVALID, &w->scenario.traces[TRACES_MAX].pos, "spec.traces",
                        "expected at most %d traces, found %zu", TRACES_MAX, count);
    }
    struct trace_source **sources = arena_array(w->arena, count, sizeof *sources);
    w->source_region = arena_array(w->arena, count, sizeof *w->source_region);
    for (size_t i = 0; i < count; i++) {
        const char *region = w->scenario.traces[i].region;
        w->source_region[i] = region ? trace_names_intern(&w->names, region, strlen(region)) : 0;
        sources[i] = open_source(w, i, err);
        if (!sources[i]) {
            for (size_t k = 0; k < i; k++) {
                trace_close(sources[k]);
            }
            return false;
        }
    }
    w->source = count == 1 ? sources[0] : trace_mixed(sources, count, err);
    return w->source != NULL;
}
