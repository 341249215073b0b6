/* hpa_behavior.json: whole syncs, stabilisation, rate limits (horizontal_test.go). */
#include <string.h>

#include "autoscale/hpa_behavior.h"
#include "tests/conformance/hpa_input.h"

/* ---- pieces of a case ---- */

static simtime seconds(struct trial *trial, const char *key) {
    return hpa_input_duration(trial, trial->input, key, -1);
}

static void read_events(struct trial *trial, const char *key, struct hpa_events *events) {
    struct json_object *list = want_list(trial, trial->input, key, &events->count);
    events->capacity = events->count;
    events->slots = mem_zalloc(events->count + 1, sizeof *events->slots);
    for (size_t i = 0; i < events->count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        events->slots[i].change = want_count(trial, item, "change");
        events->slots[i].at = hpa_input_date(trial, item, "age_s", -1);
    }
}

/* null: there was no sync yet. */
static void read_log(struct trial *trial, struct hpa_recommendations *log) {
    if (!has(trial->input, "recommendations")) {
        return;
    }
    struct json_object *list = want_list(trial, trial->input, "recommendations", &log->count);
    log->begun = true;
    log->capacity = log->count;
    log->slots = mem_zalloc(log->count + 1, sizeof *log->slots);
    for (size_t i = 0; i < log->count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        log->slots[i].replicas = want_count(trial, item, "replicas");
        log->slots[i].at = hpa_input_date(trial, item, "age_s", -1);
    }
}

static void read_behavior(struct trial *trial, struct json_object *behavior, struct hpa *spec) {
    spec->behavior_given = behavior != NULL;
    spec->up = hpa_input_rules(trial, get(behavior, "scale_up"), true);
    spec->down = hpa_input_rules(trial, get(behavior, "scale_down"), false);
}

static void read_bounds(struct trial *trial, struct hpa *spec) {
    spec->min_replicas = count_or(trial, trial->input, "min_replicas", 1);
    spec->max_replicas = want_count(trial, trial->input, "max_replicas");
}

static struct hpa_settings read_settings(struct trial *trial) {
    struct hpa_settings s = hpa_default_settings;
    struct json_object *input = trial->input, *gates = get(input, "feature_gates");
    if (has(input, "tolerance")) {
        s.tolerance = want_number(trial, input, "tolerance");
    }
    if (has(input, "downscale_stabilization_s")) {
        s.downscale_stabilization = seconds(trial, "downscale_stabilization_s");
    }
    if (has(input, "cpu_initialization_period_s")) {
        s.cpu_initialization = seconds(trial, "cpu_initialization_period_s");
    }
    if (has(input, "initial_readiness_delay_s")) {
        s.initial_readiness_delay = seconds(trial, "initial_readiness_delay_s");
    }
    if (has(input, "scale_up_limit_factor")) {
        s.scale_up_factor = want_number(trial, input, "scale_up_limit_factor");
    }
    if (has(input, "scale_up_limit_minimum")) {
        s.scale_up_minimum = want_number(trial, input, "scale_up_limit_minimum");
    }
    if (has(gates, "HPAScaleToZero")) {
        s.scale_to_zero = want_bool(trial, gates, "HPAScaleToZero");
    }
    if (has(gates, "HPAConfigurableTolerance")) {
        s.configurable_tolerance = want_bool(trial, gates, "HPAConfigurableTolerance");
    }
    return s;
}

/* ---- whole syncs ---- */

static void answer_sync(struct trial *trial, const struct hpa_decision *d, const struct hpa_state *state) {
    found_integer(trial, "replicas", d->replicas);
    found_text(trial, "able_to_scale", hpa_reason_name(d->able_to_scale));
    found_text(trial, "scaling_active", hpa_reason_name(d->scaling_active));
    found_text(trial, "scaling_limited", hpa_reason_name(d->scaling_limited));
    found(trial, "scaled_to_zero_condition",
          state->scaled_to_zero == HPA_CONDITION_ABSENT
              ? NULL
              : json_object_new_boolean(state->scaled_to_zero == HPA_CONDITION_TRUE));
    if (d->error != HPA_NO_REASON) {
        found_text(trial, "error", hpa_reason_name(d->error));
    }
}

static void run_reconcile(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    struct hpa_settings settings = read_settings(trial);
    struct hpa_observation obs = {.spec_replicas = want_count(trial, trial->input, "spec_replicas"),
                                  .status_replicas = want_count(trial, trial->input, "status_replicas")};
    size_t pod_count;
    struct json_object *pods = want_list(trial, trial->input, "pods", &pod_count);
    struct json_object *metrics = want_list(trial, trial->input, "metrics", &spec->metric_count);
    const char **names = hpa_input_pods(trial, pods, pod_count, &obs);
    struct hpa_reading *readings = arena_array(trial->arena, spec->metric_count, sizeof *readings);
    spec->metrics = arena_array(trial->arena, spec->metric_count, sizeof *spec->metrics);
    for (size_t i = 0; i < spec->metric_count; i++) {
        struct json_object *item = json_object_array_get_idx(metrics, i);
        hpa_input_metric(trial, item, want_text(trial, item, "type"), "samples", pods, names, pod_count,
                         &spec->metrics[i], &readings[i]);
    }
    obs.readings = readings;
    read_bounds(trial, spec);
    read_behavior(trial, get(trial->input, "behavior"), spec);
    read_log(trial, &state->recommendations);
    if (has(trial->input, "scaled_to_zero_condition")) {
        bool scaled = want_bool(trial, trial->input, "scaled_to_zero_condition");
        state->scaled_to_zero = scaled ? HPA_CONDITION_TRUE : HPA_CONDITION_FALSE;
    }
    if (trial->broken == NULL) {
        struct hpa_decision d = hpa_decide(spec, &settings, &obs, state);
        answer_sync(trial, &d, state);
    }
}

/* One proposal of the metrics a sync; sync k is at k periods. */
static void run_trace(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    struct hpa_settings settings = read_settings(trial);
    size_t count;
    struct json_object *raw = want_list(trial, trial->input, "raw_desired", &count);
    struct json_object *replicas = json_object_new_array();
    struct hpa_decision d = {.replicas = want_count(trial, trial->input, "initial_replicas")};
    simtime now = 0, period = seconds(trial, "sync_period_s");
    found(trial, "replicas", replicas);
    read_bounds(trial, spec);
    read_behavior(trial, get(trial->input, "behavior"), spec);
    hpa_begin_log(&state->recommendations, d.replicas, now);
    for (size_t i = 0; i < count && trial->broken == NULL; i++, now += period) {
        d = (struct hpa_decision){.current = d.replicas,
                                  .proposed = json_object_get_int64(json_object_array_get_idx(raw, i))};
        hpa_normalize(spec, &settings, state, now, &d);
        if (d.replicas != d.current) {
            hpa_record_change(spec, state, now, &d);
        }
        json_object_array_add(replicas, json_object_new_int64(d.replicas));
    }
}

/* ---- parts of a sync ---- */

static void answer_bounded(struct trial *trial, struct hpa_bounded bounded) {
    found_integer(trial, "replicas", bounded.replicas);
    found_text(trial, "scaling_limited", hpa_reason_name(bounded.reason));
}

static void run_convert(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    (void)state;
    struct hpa_settings settings = read_settings(trial);
    read_bounds(trial, spec);
    answer_bounded(trial, hpa_bound(spec, &settings, want_count(trial, trial->input, "current_replicas"),
                                    want_count(trial, trial->input, "desired_replicas")));
}

static void run_rate(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    read_bounds(trial, spec);
    read_behavior(trial, trial->input, spec);
    read_events(trial, "up_events", &state->ups);
    read_events(trial, "down_events", &state->downs);
    answer_bounded(trial, hpa_bound_rate(spec, state, want_count(trial, trial->input, "current_replicas"),
                                         want_count(trial, trial->input, "desired_replicas"), 0));
}

static void run_limit(struct trial *trial, struct hpa_state *state, bool up) {
    struct hpa_rules rules = hpa_input_rules(trial, get(trial->input, "rules"), up);
    int64_t current = want_count(trial, trial->input, "current_replicas");
    read_events(trial, "up_events", &state->ups);
    read_events(trial, "down_events", &state->downs);
    found_integer(trial, "limit",
                  up ? hpa_up_limit(&rules, &state->ups, &state->downs, current, 0, NULL)
                     : hpa_down_limit(&rules, &state->ups, &state->downs, current, 0, NULL));
}

static void run_up_limit(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    (void)spec;
    run_limit(trial, state, true);
}

static void run_down_limit(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    (void)spec;
    run_limit(trial, state, false);
}

static void run_stabilize(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    (void)spec;
    read_log(trial, &state->recommendations);
    int64_t desired = want_count(trial, trial->input, "desired_replicas");
    found_integer(
        trial, "replicas",
        hpa_stabilize(&state->recommendations, desired, seconds(trial, "downscale_stabilization_s"), 0));
    found_integer(trial, "log_length", (int64_t)state->recommendations.count);
}

static void run_stabilize_both(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    (void)spec;
    struct hpa_recommendations *log = &state->recommendations;
    struct json_object *stored = json_object_new_array();
    read_log(trial, log);
    found_integer(trial, "replicas",
                  hpa_stabilize_both(log, want_count(trial, trial->input, "current_replicas"),
                                     want_count(trial, trial->input, "desired_replicas"),
                                     seconds(trial, "up_window_s"), seconds(trial, "down_window_s"), 0));
    found(trial, "stored", stored);
    for (size_t i = 0; i < log->count; i++) {
        json_object_array_add(stored, json_object_new_int64(log->slots[i].replicas));
    }
}

static void run_store(struct trial *trial, struct hpa *spec, struct hpa_state *state) {
    bool up = strcmp(want_text(trial, trial->input, "direction"), "up") == 0;
    struct hpa_events *events = up ? &state->ups : &state->downs;
    int64_t change = want_count(trial, trial->input, "new_change");
    int64_t before = 1000000; /* any size: only the change is stored */
    struct hpa_decision d = {.current = before, .replicas = up ? before + change : before - change};
    struct json_object *list = json_object_new_array();
    read_events(trial, "previous", events);
    spec->behavior_given = has(trial->input, "rules");
    spec->up = spec->down = hpa_input_rules(trial, get(trial->input, "rules"), up);
    found_integer(trial, "replica_change_in_period",
                  hpa_changed_within(events, want_count(trial, trial->input, "query_period_s"), 0));
    hpa_record_change(spec, state, 0, &d);
    found(trial, "events", list);
    for (size_t i = 0; i < events->count; i++) {
        struct json_object *item = json_object_new_object();
        json_object_object_add(item, "change", json_object_new_int64(events->slots[i].change));
        json_object_object_add(item, "outdated", json_object_new_boolean(events->slots[i].outdated));
        json_object_array_add(list, item);
    }
}

/* ---- by operation ---- */

static const struct {
    const char *name;
    void (*run)(struct trial *trial, struct hpa *spec, struct hpa_state *state);
} operations[] = {
    {"reconcile", run_reconcile},         {"trace", run_trace},
    {"convert_no_behavior", run_convert}, {"stabilize_no_behavior", run_stabilize},
    {"behavior_rate", run_rate},          {"scale_up_limit", run_up_limit},
    {"scale_down_limit", run_down_limit}, {"stabilize_behavior", run_stabilize_both},
    {"store_scale_event", run_store},
};

static void run(struct trial *trial) {
    const char *name = want_text(trial, trial->input, "op");
    struct hpa spec = {0};
    struct hpa_state state = {0};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            operations[i].run(trial, &spec, &state);
            hpa_state_free(&state);
            return;
        }
    }
    trial_break(trial, "op: unknown operation \"%s\"", name);
}

const struct subject subject_hpa_behavior = {.file = "hpa_behavior.json", .run = run};
