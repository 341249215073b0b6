/* hpa_replicas.json: what one metric asks for (replica_calculator_test.go). */
#include <stdlib.h>
#include <string.h>

#include "autoscale/hpa_pods.h"
#include "autoscale/hpa_replicas.h"
#include "tests/conformance/hpa_input.h"

/* The tables give the controller's words; ours are our own, so the condition is what is compared. */
static const struct {
    const char *words;
    enum hpa_fault faults[3];
} conditions[] = {
    {"no metrics returned from", {HPA_NO_SAMPLES}},
    {"did not receive metrics for", {HPA_NO_READY_SAMPLES}},
    {"no pods returned by selector", {HPA_NO_PODS}},
    {"missing request for", {HPA_REQUEST_MISSING}},
    {"missing pod-level request for", {HPA_REQUEST_MISSING}},
    {"not found in Pod", {HPA_CONTAINER_MISSING}},
    {"no metrics returned matched known pods", {HPA_ONLY_STRAYS}},
    /* A container that no sample has: a sample without it counts as no sample. */
    {"not present in metrics", {HPA_NO_SAMPLES, HPA_NO_READY_SAMPLES, HPA_CONTAINER_MISSING}},
};

static bool compare(const char *key, struct json_object *want, struct json_object *got, bool *match) {
    if (strcmp(key, "error") != 0 || !json_object_is_type(want, json_type_string)) {
        return false;
    }
    *match = got != NULL; /* of words that no row has, only that it is an error */
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions && got != NULL; i++) {
        if (strstr(json_object_get_string(want), conditions[i].words) == NULL) {
            continue;
        }
        *match = false;
        for (size_t j = 0; j < 3; j++) {
            enum hpa_fault fault = conditions[i].faults[j];
            *match = *match || (fault != HPA_NO_FAULT &&
                                strcmp(json_object_get_string(got), hpa_fault_text(fault)) == 0);
        }
        break;
    }
    return true;
}

static struct hpa_settings settings_of(struct trial *trial) {
    struct hpa_settings s = hpa_default_settings;
    s.cpu_initialization = hpa_input_duration(trial, trial->input, "cpu_initialization_period_s", 300);
    s.initial_readiness_delay = hpa_input_duration(trial, trial->input, "initial_readiness_delay_s", 30);
    return s;
}

/* ---- groupPods ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(json_object_get_string(*(struct json_object *const *)a),
                  json_object_get_string(*(struct json_object *const *)b));
}

/* Names in any order. */
static bool compare_groups(const char *key, struct json_object *want, struct json_object *got, bool *match) {
    if (json_object_is_type(want, json_type_array) && json_object_is_type(got, json_type_array)) {
        json_object_array_sort(want, compare_names);
        json_object_array_sort(got, compare_names);
        return false;
    }
    return compare(key, want, got, match);
}

static void run_groups(struct trial *trial, const struct hpa_observation *obs,
                       const struct hpa_metric *metric, const struct hpa_reading *reading,
                       const char *const *names) {
    static const char *const keys[] = {
        [HPA_GROUP_UNREADY] = "unready", [HPA_GROUP_MISSING] = "missing", [HPA_GROUP_IGNORED] = "ignored"};
    struct hpa_settings settings = settings_of(trial);
    int64_t ready = 0;
    for (int group = HPA_GROUP_UNREADY; group <= HPA_GROUP_IGNORED; group++) {
        found(trial, keys[group], json_object_new_array());
    }
    for (size_t i = 0; i < obs->pod_count; i++) {
        enum hpa_group group = hpa_group(&obs->pods[i], &reading->samples[i], &settings,
                                         strcmp(metric->name, "cpu") == 0, obs->now);
        if (group == HPA_GROUP_READY) {
            ready++;
        } else {
            json_object_array_add(get(trial->got, keys[group]), json_object_new_string(names[i]));
        }
    }
    found_integer(trial, "ready_count", ready);
}

/* ---- calculateRequests ---- */

static struct container *containers_of(struct trial *trial, struct json_object *pod, const char *key,
                                       size_t *count) {
    struct json_object *list = want_list(trial, pod, key, count);
    struct container *containers = arena_array(trial->arena, *count, sizeof *containers);
    for (size_t i = 0; i < *count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        containers[i].name = want_text(trial, item, "name");
        containers[i].requests.cpu_milli = integer_or(trial, item, "request_milli", -1);
        containers[i].sidecar = has(item, "restart_always") && want_bool(trial, item, "restart_always");
    }
    return containers;
}

static void run_requests(struct trial *trial) {
    size_t count;
    struct json_object *pods = want_list(trial, trial->input, "pods", &count);
    struct json_object *requests = json_object_new_object();
    const char *container = want_text(trial, trial->input, "container");
    bool gate = want_bool(trial, trial->input, "pod_level_resources_gate");
    found(trial, "requests_milli", requests);
    for (size_t i = 0; i < count; i++) {
        struct json_object *pod = json_object_array_get_idx(pods, i);
        struct pod_template template = {0};
        template.containers = containers_of(trial, pod, "containers", &template.container_count);
        template.init_containers =
            containers_of(trial, pod, "init_containers", &template.init_container_count);
        int64_t level = integer_or(trial, pod, "pod_level_request_milli", HPA_NO_REQUEST);
        int64_t request = hpa_request(&template, "cpu", container, gate ? level : HPA_NO_REQUEST);
        if (request < 0) {
            json_object_object_del(trial->got, "requests_milli");
            found_text(
                trial, "error",
                hpa_fault_text(request == HPA_NO_CONTAINER ? HPA_CONTAINER_MISSING : HPA_REQUEST_MISSING));
            return;
        }
        json_object_object_add(requests, want_text(trial, pod, "name"), json_object_new_int64(request));
    }
}

/* ---- replicas ---- */

static void run_replicas(struct trial *trial, struct hpa_observation *obs, const struct hpa_metric *metric,
                         const struct hpa_reading *reading) {
    struct json_object *tolerance = get(trial->input, "tolerance");
    struct hpa_settings settings = settings_of(trial);
    struct hpa_tolerances tolerances = {.down = want_number(trial, tolerance, "scale_down"),
                                        .up = want_number(trial, tolerance, "scale_up")};
    obs->spec_replicas = obs->status_replicas = want_count(trial, trial->input, "current_replicas");
    struct hpa_proposal p = hpa_propose(metric, &settings, &tolerances, obs, reading);
    if (p.fault != HPA_NO_FAULT) {
        found_text(trial, "error", hpa_fault_text(p.fault));
        return;
    }
    found_integer(trial, "replicas", p.replicas);
    found_integer(trial, "utilization_pct", p.utilization_pct);
    found_integer(trial, "raw_average_milli", p.usage_milli);
    found_integer(trial, "usage_milli", p.usage_milli);
}

static void run(struct trial *trial) {
    const char *type = want_text(trial, trial->input, "metric_type");
    struct json_object *pods = get(trial->input, "pods");
    struct hpa_observation obs = {0};
    struct hpa_metric metric = {0};
    struct hpa_reading reading = {0};
    if (strcmp(type, "pod_requests") == 0) {
        run_requests(trial);
        return;
    }
    size_t count = json_object_is_type(pods, json_type_array) ? json_object_array_length(pods) : 0;
    const char **names = hpa_input_pods(trial, pods, count, &obs);
    hpa_input_metric(trial, trial->input, type, "metrics", pods, names, count, &metric, &reading);
    if (trial->broken != NULL) {
        return;
    }
    if (strcmp(type, "group_pods") == 0) {
        run_groups(trial, &obs, &metric, &reading, names);
    } else {
        run_replicas(trial, &obs, &metric, &reading);
    }
}

const struct subject subject_hpa_replicas = {
    .file = "hpa_replicas.json", .run = run, .compare = compare_groups};
