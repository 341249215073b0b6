/* What one HPA sync costs. tests/e2e/hpa_cost.sh runs it under callgrind, which counts the instructions of
 * counted_sync alone.
 *
 *     hpa_bench KIND PODS SYNCS    after 400 syncs that fill the logs; KIND: cpu, behavior, pods, external
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoscale/hpa.h"
#include "base/arena.h"

enum { SYNC_S = 15, WARM_SYNCS = 400 };

struct bench {
    struct hpa spec;
    struct hpa_metric metric;
    struct hpa_reading reading;
    struct hpa_observation obs;
    struct hpa_state state;
    struct hpa_pod *pods;
    struct hpa_sample *samples;
    int64_t value_milli;
    int64_t size; /* that the load goes up and down around */
};

static const struct hpa_policy up_policies[] = {{"Pods", 4, 15}, {"Percent", 100, 15}};
static const struct hpa_policy down_policies[] = {{"Pods", 5, 60}, {"Percent", 10, 60}};

static bool choose(struct bench *b, const char *kind) {
    static const struct {
        const char *kind;
        struct hpa_metric metric;
        bool behavior;
    } kinds[] = {
        {"cpu",
         {.type = "Resource", .name = "cpu", .target_type = "Utilization", .target_milli = 60000},
         false},
        {"behavior",
         {.type = "Resource", .name = "cpu", .target_type = "Utilization", .target_milli = 60000},
         true},
        {"pods",
         {.type = "Pods",
          .name = "vllm:num_requests_waiting",
          .target_type = "AverageValue",
          .target_milli = 600},
         false},
        {"external",
         {.type = "External",
          .name = "vllm:num_requests_waiting",
          .target_type = "Value",
          .target_milli = 600},
         true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            b->metric = kinds[i].metric;
            b->spec.behavior_given = kinds[i].behavior;
            return true;
        }
    }
    return false;
}

static void set_up(struct bench *b, size_t pods) {
    b->pods = mem_zalloc(pods, sizeof *b->pods);
    b->samples = mem_zalloc(pods, sizeof *b->samples);
    b->size = (int64_t)pods;
    b->spec.min_replicas = 1;
    b->spec.max_replicas = 4 * b->size;
    b->spec.metrics = &b->metric;
    b->spec.metric_count = 1;

    b->spec.up = (struct hpa_rules){.select_policy = "Max", .policy_count = 2, .tolerance = -1};
    b->spec.up.policies = mem_alloc(sizeof up_policies);
    memcpy(b->spec.up.policies, up_policies, sizeof up_policies);
    b->spec.down = (struct hpa_rules){.select_policy = "Min", .policy_count = 2, .tolerance = -1};
    b->spec.down.policies = mem_alloc(sizeof down_policies);
    memcpy(b->spec.down.policies, down_policies, sizeof down_policies);
    for (size_t i = 0; i < pods; i++) {
        b->pods[i] = (struct hpa_pod){.phase = HPA_RUNNING, .ready = HPA_READY_TRUE, .started = true};
        b->samples[i] = (struct hpa_sample){
            .present = i % 16 != 15, .request_milli = 1000, .window = 30 * SIMTIME_SECOND};
    }
    b->reading =
        (struct hpa_reading){.samples = b->samples, .values_milli = &b->value_milli, .value_count = 1};
    b->obs.pods = b->pods;
    b->obs.pod_count = pods;
    b->obs.readings = &b->reading;
    b->obs.spec_replicas = b->size;
}

/* Load goes up for ten minutes and down for ten. */
static void next_observation(struct bench *b, int64_t sync) {
    int64_t busy = sync / 40 % 2 == 0 ? 900 : 300;
    b->obs.now = (100000 + sync * SYNC_S) * SIMTIME_SECOND;
    b->obs.status_replicas = b->obs.spec_replicas;
    b->value_milli = busy;
    for (size_t i = 0; i < b->obs.pod_count; i++) {
        b->samples[i].value_milli = busy + (int64_t)(i % 7);
        b->samples[i].at = b->obs.now;
    }
}

static __attribute__((noinline)) int64_t uncounted_sync(struct bench *b) {
    return hpa_decide(&b->spec, &hpa_default_settings, &b->obs, &b->state).replicas;
}

/* The decision with its words, as a row of /decisions has them. */
static __attribute__((noinline)) int64_t counted_sync(struct bench *b) {
    char formula[HPA_TEXT_BYTES], cause[HPA_TEXT_BYTES];
    struct hpa_decision d = hpa_decide(&b->spec, &hpa_default_settings, &b->obs, &b->state);
    hpa_formula(&b->spec, &d, formula);
    hpa_cause(&b->spec, &d, cause);
    return d.replicas + (formula[0] == '\0') + (cause[0] == '!');
}

int main(int argc, char **argv) {
    struct bench b = {0};
    long pods = argc == 4 ? strtol(argv[2], NULL, 10) : 0, syncs = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (pods < 1 || pods > 1000000 || syncs < 1 || !choose(&b, argv[1])) {
        fprintf(stderr, "usage: hpa_bench cpu|behavior|pods|external PODS SYNCS\n");
        return 1;
    }
    set_up(&b, (size_t)pods);
    for (long i = 0; i < WARM_SYNCS + syncs; i++) {
        next_observation(&b, i);
        b.obs.spec_replicas = i < WARM_SYNCS ? uncounted_sync(&b) : counted_sync(&b);
    }
    printf("%ld\n", (long)b.obs.spec_replicas);
    hpa_state_free(&b.state);
    free(b.pods);
    free(b.samples);
    free(b.spec.up.policies);
    free(b.spec.down.policies);
    return 0;
}
