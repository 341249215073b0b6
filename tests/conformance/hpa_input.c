#include "tests/conformance/hpa_input.h"

#include <string.h>

simtime hpa_input_duration(struct trial *trial, struct json_object *object, const char *key,
                           int64_t fallback_s) {
    int64_t value_s =
        fallback_s < 0 ? want_count(trial, object, key) : count_or(trial, object, key, fallback_s);
    if (value_s < 0) {
        trial_break(trial, "%s: expected seconds that are not negative", key);
        return 0;
    }
    return simtime_from_s((double)value_s);
}

simtime hpa_input_date(struct trial *trial, struct json_object *object, const char *key, int64_t fallback_s) {
    return -hpa_input_duration(trial, object, key, fallback_s);
}

/* ---- pods ---- */

static enum hpa_phase phase_of(struct trial *trial, const char *name) {
    static const char *const names[] = {[HPA_PENDING] = "Pending",
                                        [HPA_RUNNING] = "Running",
                                        [HPA_SUCCEEDED] = "Succeeded",
                                        [HPA_FAILED] = "Failed",
                                        [HPA_PHASE_UNKNOWN] = "Unknown"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum hpa_phase)i;
        }
    }
    trial_break(trial, "phase: expected the phase of a pod, got \"%s\"", name);
    return HPA_RUNNING;
}

static struct hpa_pod pod_of(struct trial *trial, struct json_object *pod) {
    struct hpa_pod p = {.phase = phase_of(trial, want_text(trial, pod, "phase")),
                        .started = has(pod, "start_age_s"),
                        .deleted = has(pod, "deleted") && want_bool(trial, pod, "deleted"),
                        .started_at = hpa_input_date(trial, pod, "start_age_s", 0),
                        .ready_changed_at = hpa_input_date(trial, pod, "ready_transition_age_s", 0)};
    if (has(pod, "ready")) {
        p.ready = want_bool(trial, pod, "ready") ? HPA_READY_TRUE : HPA_READY_FALSE;
    }
    return p;
}

const char **hpa_input_pods(struct trial *trial, struct json_object *pods, size_t count,
                            struct hpa_observation *obs) {
    struct hpa_pod *made = arena_array(trial->arena, count, sizeof *made);
    const char **names = arena_array(trial->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        struct json_object *pod = json_object_array_get_idx(pods, i);
        made[i] = pod_of(trial, pod);
        names[i] = want_text(trial, pod, "name");
    }
    obs->pods = made;
    obs->pod_count = count;
    return names;
}

/* ---- samples ---- */

/* Every pod of these tables has container1 and container2; one that is not named requests nothing. The
 * resource is kept as cpu, whose requests are held in thousandths. */
static int64_t request_of(struct trial *trial, struct json_object *pod, const char *container) {
    struct json_object *requests = get(pod, "container_requests_milli");
    struct container containers[] = {{.name = "container1"}, {.name = "container2"}};
    struct pod_template template = {.containers = containers, .container_count = 2};
    for (size_t i = 0; i < 2; i++) {
        containers[i].requests.cpu_milli = integer_or(trial, requests, containers[i].name, -1);
    }
    return hpa_request(&template, "cpu", container, HPA_NO_REQUEST);
}

/* Of the container, or of all; false when the metrics API would have no value. */
static bool value_of(struct trial *trial, struct json_object *sample, const char *container, int64_t *value) {
    struct json_object *containers = get(sample, "containers_milli");
    *value = 0;
    if (!json_object_is_type(containers, json_type_object)) {
        *value = want_integer(trial, sample, "value_milli");
        return true;
    }
    if (container != NULL) {
        *value = integer_or(trial, containers, container, 0);
        return has(containers, container);
    }
    json_object_object_foreach(containers, name, amount) {
        (void)amount;
        if (__builtin_add_overflow(*value, want_integer(trial, containers, name), value)) {
            trial_break(trial, "%s: expected a sum within 64 bits", name);
        }
    }
    return json_object_object_length(containers) > 0;
}

static void read_samples(struct trial *trial, struct json_object *list, size_t count, const char *container,
                         const char *const *pod_names, size_t pod_count, struct hpa_sample *samples,
                         struct hpa_reading *reading) {
    struct hpa_sample *strays = arena_array(trial->arena, count, sizeof *strays);
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        const char *name = want_text(trial, item, "pod");
        size_t pod = 0;
        while (pod < pod_count && strcmp(pod_names[pod], name) != 0) {
            pod++;
        }
        struct hpa_sample *sample = pod < pod_count ? &samples[pod] : &strays[reading->stray_count];
        if (value_of(trial, item, container, &sample->value_milli)) {
            sample->present = true;
            sample->at = hpa_input_date(trial, item, "age_s", 0);
            sample->window = hpa_input_duration(trial, item, "window_s", 60);
            reading->stray_count += pod == pod_count;
        }
    }
    reading->strays = strays;
}

/* ---- metrics ---- */

struct spelling {
    const char *name, *type;
    bool by_pod;
};

static const struct spelling spellings[] = {
    {"Resource", "Resource", true},
    {"ContainerResource", "ContainerResource", true},
    {"Pods", "Pods", true},
    {"Object", "Object", false},
    {"External", "External", false},
    {"ObjectPerPod", "Object", false},
    {"ExternalPerPod", "External", false},
    {"group_pods", "Resource", true},
    {"invalid", "invalid", false},
    {NULL, NULL, false},
};

static void read_target(struct trial *trial, struct json_object *source, struct hpa_metric *metric) {
    metric->target_type = "Value";
    if (has(source, "target_utilization_pct")) {
        metric->target_type = "Utilization";
        metric->target_milli = want_count(trial, source, "target_utilization_pct") * 1000;
    } else if (has(source, "target_average_milli")) {
        metric->target_type = "AverageValue";
        metric->target_milli = want_integer(trial, source, "target_average_milli");
    } else if (has(source, "target_value_milli")) {
        metric->target_milli = want_integer(trial, source, "target_value_milli");
    }
}

static void read_values(struct trial *trial, struct json_object *source, struct hpa_reading *reading) {
    size_t count;
    if (has(source, "value_milli")) {
        int64_t *value = arena_array(trial->arena, 1, sizeof *value);
        *value = want_integer(trial, source, "value_milli");
        reading->values_milli = value;
        reading->value_count = 1;
        return;
    }
    struct json_object *list = want_list(trial, source, "values_milli", &count);
    int64_t *values = arena_array(trial->arena, count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = json_object_get_int64(json_object_array_get_idx(list, i));
    }
    reading->values_milli = values;
    reading->value_count = count;
}

void hpa_input_metric(struct trial *trial, struct json_object *source, const char *spec_type,
                      const char *samples_key, struct json_object *pods, const char *const *pod_names,
                      size_t pod_count, struct hpa_metric *metric, struct hpa_reading *reading) {
    const struct spelling *s = spellings;
    while (s->name != NULL && strcmp(s->name, spec_type) != 0) {
        s++;
    }
    if (s->name == NULL) {
        trial_break(trial, "unknown type of metric \"%s\"", spec_type);
        return;
    }
    *metric = (struct hpa_metric){.type = s->type, .name = s->name, .described_kind = "Object"};
    if (has(source, "resource")) {
        metric->name = want_text(trial, source, "resource");
    }
    if (has(source, "container")) {
        const char *container = want_text(trial, source, "container");
        metric->container = container[0] == '\0' ? NULL : container;
    }
    read_target(trial, source, metric);
    if (has(source, "error")) {
        reading->error = want_text(trial, source, "error");
    } else if (s->by_pod) {
        size_t count;
        struct json_object *list = want_list(trial, source, samples_key, &count);
        struct hpa_sample *samples = arena_array(trial->arena, pod_count, sizeof *samples);
        for (size_t i = 0; i < pod_count; i++) {
            samples[i].request_milli =
                request_of(trial, json_object_array_get_idx(pods, i), metric->container);
        }
        read_samples(trial, list, count, metric->container, pod_names, pod_count, samples, reading);
        reading->samples = samples;
    } else if (strcmp(s->type, "invalid") != 0) {
        read_values(trial, source, reading);
    }
}

/* ---- rules ---- */

static void read_policies(struct trial *trial, struct json_object *object, struct hpa_rules *rules) {
    struct json_object *list = want_list(trial, object, "policies", &rules->policy_count);
    rules->policies = arena_array(trial->arena, rules->policy_count, sizeof *rules->policies);
    for (size_t i = 0; i < rules->policy_count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        const char *type = want_text(trial, item, "type");
        if (strcmp(type, "Pods") != 0 && strcmp(type, "Percent") != 0) {
            trial_break(trial, "type: expected Pods or Percent, got \"%s\"", type);
        }
        rules->policies[i] = (struct hpa_policy){.type = type,
                                                 .value = want_count(trial, item, "value"),
                                                 .period_s = want_count(trial, item, "period_s")};
    }
}

struct hpa_rules hpa_input_rules(struct trial *trial, struct json_object *object, bool up) {
    static const struct hpa_policy up_policies[] = {{"Pods", 4, 15}, {"Percent", 100, 15}};
    static const struct hpa_policy down_policies[] = {{"Percent", 100, 15}};
    struct hpa_rules rules = {.select_policy = "Max", .policy_count = up ? 2 : 1, .tolerance = -1};
    rules.policies = arena_array(trial->arena, rules.policy_count, sizeof *rules.policies);
    memcpy(rules.policies, up ? up_policies : down_policies, rules.policy_count * sizeof *rules.policies);
    rules.stabilization_given = has(object, "stabilization_window_s");
    rules.stabilization_s = count_or(trial, object, "stabilization_window_s", up ? 0 : 300);
    if (has(object, "select_policy")) {
        rules.select_policy = want_text(trial, object, "select_policy");
    }
    if (has(object, "policies")) {
        read_policies(trial, object, &rules);
    }
    if (has(object, "tolerance")) {
        rules.tolerance = want_number(trial, object, "tolerance");
    }
    return rules;
}
