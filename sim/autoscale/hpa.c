#include "autoscale/hpa.h"

#include <string.h>

#include "autoscale/hpa_behavior.h"
#include "autoscale/hpa_replicas.h"

const struct hpa_settings hpa_default_settings = {
    .tolerance = 0.1,
    .downscale_stabilization = 300 * SIMTIME_SECOND,
    .cpu_initialization = 300 * SIMTIME_SECOND,
    .initial_readiness_delay = 30 * SIMTIME_SECOND,
    .scale_up_factor = 2,
    .scale_up_minimum = 4,
    .scale_to_zero = true,
    .configurable_tolerance = true,
};

/* A metric that exists without pods can call the first one. */
static bool any_metric_without_pods(const struct hpa *spec) {
    for (size_t i = 0; i < spec->metric_count; i++) {
        const char *type = spec->metrics[i].type;
        if (strcmp(type, "Object") == 0 || strcmp(type, "External") == 0) {
            return true;
        }
    }
    return false;
}

static struct hpa_tolerances tolerances_of(const struct hpa *spec, const struct hpa_settings *settings) {
    struct hpa_tolerances t = {.down = settings->tolerance, .up = settings->tolerance};
    if (settings->configurable_tolerance && spec->behavior_given) {
        t.down = spec->down.tolerance >= 0 ? spec->down.tolerance : t.down;
        t.up = spec->up.tolerance >= 0 ? spec->up.tolerance : t.up;
    }
    return t;
}

/* ---- the metrics together ---- */

/* The largest of what the metrics ask for. One that fails never stops growing; since it might have asked for
 * more, it does stop shrinking. */
static void ask_metrics(const struct hpa *spec, const struct hpa_settings *settings,
                        const struct hpa_observation *obs, struct hpa_decision *d) {
    const struct hpa_tolerances tolerances = tolerances_of(spec, settings);
    struct hpa_proposal failed = {0};
    size_t failed_metric = 0, failures = 0;
    int64_t most = 0;
    for (size_t i = 0; i < spec->metric_count; i++) {
        struct hpa_proposal p = hpa_propose(&spec->metrics[i], settings, &tolerances, obs, &obs->readings[i]);
        if (p.fault != HPA_NO_FAULT) {
            if (failures++ == 0) {
                failed = p;
                failed_metric = i;
                d->error = hpa_failure_of(&spec->metrics[i]);
            }
        } else if (most == 0 || p.replicas > most) {
            most = p.replicas;
            d->proposal = p;
            d->metric = i;
        }
    }
    d->scaling_active = HPA_VALID_METRIC_FOUND;
    d->proposed = most > 0 ? most : 0; /* a negative value asks for nothing */
    if (failures == spec->metric_count || (failures > 0 && most < d->current)) {
        d->path = HPA_PATH_FAILED;
        d->scaling_active = d->error;
        d->proposal = failed;
        d->metric = failed_metric;
        d->proposed = d->current;
    }
}

static void decide_by_metrics(const struct hpa *spec, const struct hpa_settings *settings,
                              const struct hpa_observation *obs, struct hpa_state *state,
                              struct hpa_decision *d) {
    if (obs->ambiguous) {
        d->path = HPA_PATH_FAILED;
        d->scaling_active = d->error = HPA_AMBIGUOUS_SELECTOR;
        return;
    }
    ask_metrics(spec, settings, obs, d);
    if (d->path == HPA_PATH_FAILED) {
        return;
    }
    hpa_normalize(spec, settings, state, obs->now, d);
    /* minReplicas was raised while it was at zero. */
    if (d->current == 0 && d->replicas < spec->min_replicas) {
        d->replicas = spec->min_replicas;
    }
}

/* ---- one sync ---- */

static enum hpa_path path_of(const struct hpa *spec, const struct hpa_state *state, int64_t current) {
    if (current == 0) {
        bool own_doing = state->scaled_to_zero == HPA_CONDITION_TRUE;
        bool can_leave = spec->min_replicas != 0 || any_metric_without_pods(spec);
        return own_doing && can_leave ? HPA_PATH_METRICS : HPA_PATH_DISABLED;
    }
    return current > spec->max_replicas   ? HPA_PATH_ABOVE_MAX
           : current < spec->min_replicas ? HPA_PATH_BELOW_MIN
                                          : HPA_PATH_METRICS;
}

static void apply(const struct hpa *spec, const struct hpa_settings *settings, struct hpa_state *state,
                  simtime now, struct hpa_decision *d) {
    if (d->replicas == d->current) {
        return;
    }
    d->able_to_scale = HPA_SUCCEEDED_RESCALE;
    hpa_record_change(spec, state, now, d);
    if (settings->scale_to_zero) {
        bool to_zero = d->replicas == 0 && spec->min_replicas == 0 && any_metric_without_pods(spec);
        state->scaled_to_zero = to_zero ? HPA_CONDITION_TRUE : HPA_CONDITION_FALSE;
    }
}

struct hpa_decision hpa_decide(const struct hpa *spec, const struct hpa_settings *settings,
                               const struct hpa_observation *obs, struct hpa_state *state) {
    int64_t current = obs->spec_replicas;
    struct hpa_decision d = {.current = current,
                             .replicas = current,
                             .proposed = current,
                             .stabilized = current,
                             .metric = spec->metric_count,
                             .able_to_scale = HPA_SUCCEEDED_GET_SCALE};
    if (!settings->scale_to_zero) {
        state->scaled_to_zero = HPA_CONDITION_ABSENT; /* without the gate, the condition is taken away */
    }
    hpa_begin_log(&state->recommendations, current, obs->now);
    d.path = path_of(spec, state, current);
    switch (d.path) {
    case HPA_PATH_DISABLED:
        d.scaling_active = HPA_SCALING_DISABLED;
        break;
    case HPA_PATH_ABOVE_MAX:
        d.replicas = spec->max_replicas;
        break;
    case HPA_PATH_BELOW_MIN:
        d.replicas = spec->min_replicas;
        break;
    default:
        decide_by_metrics(spec, settings, obs, state, &d);
        break;
    }
    apply(spec, settings, state, obs->now, &d);
    return d;
}
