/* tests/unit/autoscale/sync_case.h: HPA syncs as text. The input is the spec of a HorizontalPodAutoscaler,
 * then, after "---" lines, one sync each:
 *
 *     at: 15                    seconds; default 15 after the last
 *     replicas: 3               spec.replicas of the target; default what the last sync decided
 *     status: 4                 status.replicas; default the same
 *     pods: [ready x3, pending] default all ready. ready: for long; unready: not now, was before; new:
 * started 20 s ago and ready since 10; never: started long ago, never ready; pending, failed, succeeded,
 * deleted metrics: [[500m, ~], 12]  one a metric of the spec: a list has a value a pod, ~ for none, further
 * values are of pods that are gone; a number is the metric's value; a text is why it cannot be read. Windows
 * are 30 s and end now. requests: [1, ~]          of each pod; default 1 zero: true                the
 * condition ScaledToZero gates: off                HPAScaleToZero and HPAConfigurableTolerance are off
 *     ambiguous: yes            another HPA selects these pods
 *
 * What is said of each, after the second: the change and its formula, the conditions, the cause. */
#ifndef DRYDOCK_TESTS_AUTOSCALE_SYNC_CASE_H
#define DRYDOCK_TESTS_AUTOSCALE_SYNC_CASE_H

#include "../manifest/case_file.h"

#include "autoscale/hpa.h"
#include "base/units.h"

enum { PODS_MAX = 4096 };

/* What lasts from sync to sync. */
struct sync_run {
    struct arena *arena;
    struct hpa *spec;
    struct hpa_settings settings;
    struct hpa_state state;
    int64_t at_s, replicas;
    bool begun;
};

static inline const char *text_at(const struct yaml_node *sync, const char *key, const char *fallback) {
    const struct yaml_node *node = yaml_get(sync, key);
    return node != NULL && node->kind == YAML_SCALAR ? node->text : fallback;
}

static inline int64_t number_at(const struct yaml_node *sync, const char *key, int64_t fallback) {
    const char *text = text_at(sync, key, NULL);
    return text == NULL ? fallback : strtoll(text, NULL, 10);
}

static inline bool is_none(const struct yaml_node *node) {
    return node->kind == YAML_NULL || strcmp(node->text, "~") == 0;
}

static inline struct hpa_pod pod_named(const char *word, size_t length, simtime now) {
    const simtime s = SIMTIME_SECOND;
    struct hpa_pod pod = {.phase = HPA_RUNNING,
                          .ready = HPA_READY_TRUE,
                          .started = true,
                          .started_at = now - 100000 * s,
                          .ready_changed_at = now - 99000 * s};
    static const char *const words[] = {"ready",   "unready", "new",       "never",
                                        "pending", "failed",  "succeeded", "deleted"};
    size_t i = 0;
    while (i < 8 && (strlen(words[i]) != length || strncmp(words[i], word, length) != 0)) {
        i++;
    }
    assert_in_range(i, 0, 7);
    pod.ready = i == 1 || i == 3 ? HPA_READY_FALSE : HPA_READY_TRUE;
    pod.started_at = i == 2 ? now - 20 * s : pod.started_at;
    pod.ready_changed_at = i == 2 ? now - 10 * s : i == 3 ? pod.started_at : pod.ready_changed_at;
    pod.phase = i == 4 ? HPA_PENDING : i == 5 ? HPA_FAILED : i == 6 ? HPA_SUCCEEDED : HPA_RUNNING;
    pod.deleted = i == 7;
    return pod;
}

static inline size_t add_pods(struct hpa_pod *pods, size_t count, const char *words, simtime now) {
    size_t length = strcspn(words, " ");
    const char *times = strstr(words, " x");
    long n = times == NULL ? 1 : strtol(times + 2, NULL, 10);
    while (n-- > 0 && count < PODS_MAX) {
        pods[count++] = pod_named(words, length, now);
    }
    return count;
}

static inline void read_pods(const struct sync_run *run, const struct yaml_node *sync,
                             struct hpa_observation *obs) {
    const struct yaml_node *list = yaml_get(sync, "pods");
    struct hpa_pod *pods = arena_array(run->arena, PODS_MAX, sizeof *pods);
    if (list == NULL) {
        while ((int64_t)obs->pod_count < obs->spec_replicas) {
            obs->pod_count = add_pods(pods, obs->pod_count, "ready", obs->now);
        }
    }
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        obs->pod_count = add_pods(pods, obs->pod_count, list->items[i]->text, obs->now);
    }
    obs->pods = pods;
}

static inline int64_t milli_of(const struct yaml_node *node) {
    int64_t milli = 0;
    assert_true(unit_parse_milli(node->text, &milli));
    return milli;
}

static inline struct hpa_sample *read_samples(const struct sync_run *run, const struct yaml_node *sync,
                                              const struct hpa_observation *obs,
                                              const struct yaml_node *values) {
    const struct yaml_node *requests = yaml_get(sync, "requests");
    size_t count = values->count > obs->pod_count ? values->count : obs->pod_count;
    struct hpa_sample *samples = arena_array(run->arena, count, sizeof *samples);
    for (size_t i = 0; i < count; i++) {
        samples[i] =
            (struct hpa_sample){.request_milli = 1000, .at = obs->now, .window = 30 * SIMTIME_SECOND};
        if (requests != NULL && i < requests->count) {
            samples[i].request_milli =
                is_none(requests->items[i]) ? HPA_NO_REQUEST : milli_of(requests->items[i]);
        }
        if (i < values->count && !is_none(values->items[i])) {
            samples[i].present = true;
            samples[i].value_milli = milli_of(values->items[i]);
        }
    }
    return samples;
}

static inline void read_metric_values(const struct sync_run *run, const struct yaml_node *sync,
                                      const struct hpa_observation *obs, const struct yaml_node *values,
                                      struct hpa_reading *reading) {
    int64_t milli;
    if (values->kind == YAML_SEQUENCE) {
        struct hpa_sample *samples = read_samples(run, sync, obs, values);
        reading->samples = samples;
        reading->strays = samples + obs->pod_count;
        reading->stray_count = values->count > obs->pod_count ? values->count - obs->pod_count : 0;
    } else if (unit_parse_milli(values->text, &milli)) {
        int64_t *value = arena_array(run->arena, 1, sizeof *value);
        *value = milli;
        reading->values_milli = value;
        reading->value_count = 1;
    } else {
        reading->error = values->text;
    }
}

static inline struct hpa_observation read_sync(const struct sync_run *run, const struct yaml_node *sync) {
    const struct yaml_node *metrics = yaml_get(sync, "metrics");
    struct hpa_observation obs = {.now = run->at_s * SIMTIME_SECOND, .spec_replicas = run->replicas};
    struct hpa_reading *readings = arena_array(run->arena, run->spec->metric_count, sizeof *readings);
    obs.status_replicas = number_at(sync, "status", obs.spec_replicas);
    obs.ambiguous = yaml_get(sync, "ambiguous") != NULL;
    read_pods(run, sync, &obs);
    assert_true(metrics == NULL || metrics->count == run->spec->metric_count);
    for (size_t i = 0; i < run->spec->metric_count; i++) {
        readings[i].error = "no answer";
        if (metrics != NULL) {
            readings[i].error = NULL;
            read_metric_values(run, sync, &obs, metrics->items[i], &readings[i]);
        }
    }
    obs.readings = readings;
    return obs;
}

static inline void tell(const struct sync_run *run, const struct hpa_decision *d, struct strbuf *out) {
    static const char *const zero[] = {"", ", not ScaledToZero", ", ScaledToZero"};
    char formula[HPA_TEXT_BYTES], cause[HPA_TEXT_BYTES];
    strbuf_printf(out, "%lld: %lld -> %lld: %s\n", (long long)run->at_s, (long long)d->current,
                  (long long)d->replicas, hpa_formula(run->spec, d, formula));
    strbuf_printf(out, "%lld: %s, %s, %s%s%s\n", (long long)run->at_s, hpa_reason_name(d->able_to_scale),
                  hpa_reason_name(d->scaling_active), d->limited ? "limited: " : "",
                  hpa_reason_name(d->scaling_limited), zero[run->state.scaled_to_zero]);
    strbuf_printf(out, "%lld: because %s\n", (long long)run->at_s, hpa_cause(run->spec, d, cause));
    if (d->error != HPA_NO_REASON) {
        strbuf_printf(out, "%lld: error %s\n", (long long)run->at_s, hpa_reason_name(d->error));
    }
}

static inline void run_sync(struct sync_run *run, const struct yaml_node *sync, struct strbuf *out) {
    run->at_s = number_at(sync, "at", run->begun ? run->at_s + 15 : 0);
    run->begun = true;
    run->replicas = number_at(sync, "replicas", run->replicas);
    if (strcmp(text_at(sync, "gates", ""), "off") == 0) {
        run->settings.scale_to_zero = run->settings.configurable_tolerance = false;
    }
    if (yaml_get(sync, "zero") != NULL) {
        run->state.scaled_to_zero = HPA_CONDITION_TRUE;
    }
    struct hpa_observation obs = read_sync(run, sync);
    struct hpa_decision d = hpa_decide(run->spec, &run->settings, &obs, &run->state);
    run->replicas = d.replicas;
    tell(run, &d, out);
}

static const char sync_head[] = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
                                "metadata: {name: h}\nspec:\n  scaleTargetRef: {kind: Deployment, name: d}\n";

/* The input's lines to the first "---", indented below `spec`; the rest as it is. */
static inline const char *as_manifest(struct arena *arena, const char *input) {
    struct strbuf text = {0};
    bool in_spec = true;
    strbuf_append(&text, sync_head);
    for (const char *line = input; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        in_spec = in_spec && strncmp(line, "---", 3) != 0;
        strbuf_append(&text, in_spec ? "  " : "");
        strbuf_append_n(&text, line, n);
        strbuf_char(&text, '\n');
        line += n + (line[n] == '\n');
    }
    const char *kept = arena_strdup(arena, text.text);
    strbuf_free(&text);
    return kept;
}

static inline void dump_syncs(const char *input, struct strbuf *out) {
    struct arena arena = {0};
    struct error err = {0};
    struct notices notices = {.arena = &arena};
    struct manifests manifests = {0};
    struct yaml_file file;
    char message[512];
    const char *text = as_manifest(&arena, input);
    struct sync_run run = {.arena = &arena, .settings = hpa_default_settings};
    if (yaml_parse("case", text, strlen(text), &arena, &file, &err) &&
        manifests_add(file.documents[0], &manifests, &arena, &notices, &err) &&
        manifests_finish(&manifests, &arena, &notices, &err)) {
        run.spec = &manifests.hpas[0];
        run.replicas = run.spec->min_replicas;
        for (size_t i = 1; i < file.count; i++) {
            run_sync(&run, file.documents[i], out);
        }
    } else {
        strbuf_printf(out, "error: %s\n", error_text(&err, message, sizeof message));
    }
    hpa_state_free(&run.state);
    arena_free(&arena);
}

#endif
