#include "scenario/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/capture.h"
#include "base/file.h"

static struct arena arena;
static struct error err;
static struct notices notices;
static char folder[64];

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    err = (struct error){0};
    notices = (struct notices){0};
    snprintf(folder, sizeof folder, "/tmp/scenario-test-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state) {
    (void)state;
    static const char *const files[] = {"scenario.yaml", "chat.yaml", "trace.csv", "again.yaml"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unlink(path_join(&arena, folder, files[i]));
    }
    arena_free(&arena);
    return rmdir(folder);
}

static void put(const char *name, const char *text) {
    assert_true(file_write(path_join(&arena, folder, name), text, strlen(text), &err));
}

static bool load_with(const struct scenario_overrides *overrides, struct scenario *s) {
    err = (struct error){0};
    notices = (struct notices){0};
    return scenario_load(folder, overrides, &arena, s, &notices, &err);
}

static struct scenario load(void) {
    struct scenario s;
    if (!load_with(NULL, &s)) {
        fail_msg("%d:%d: %s: %s", err.line, err.column, err.field, err.expected);
    }
    return s;
}

#define HEAD "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: test}\nspec:\n"
#define STATION "  services:\n    - name: queue\n      server: {law: exponential, mean: 100ms}\n"

static bool noticed(const char *text) {
    for (size_t i = 0; i < notices.count; i++) {
        if (strstr(notices.items[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

static void a_queue_needs_no_more_than_a_dozen_lines(void **state) {
    (void)state;
    put("scenario.yaml", HEAD "  duration: 1h\n  traces:\n    - synth: {process: poisson, rate_per_s: 8}\n"
                              "      service: queue\n" STATION);
    struct scenario s = load();
    assert_string_equal(s.name, "test");
    assert_true(s.duration_s == 3600 && s.drain_s == 3600 && s.warmup_s == 0);
    assert_string_equal(s.start, "warm");
    assert_int_equal(s.service_count, 1);
    assert_int_equal(s.services[0].server.law, DELAY_EXPONENTIAL);
    assert_int_equal(s.services[0].replicas, 1);
    assert_int_equal(s.services[0].concurrency, 1);
    assert_int_equal(s.services[0].queue_limit, -1);
    assert_int_equal(s.trace_count, 1);
    assert_string_equal(yaml_get(s.traces[0].synth, "rate_per_s")->text, "8");
    assert_int_equal(notices.count, 0);
}

static void without_traces_a_preset_is_replayed_and_said(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION);
    struct scenario s = load();
    assert_int_equal(s.trace_count, 1);
    assert_string_equal(s.traces[0].preset, "quickstart");
    assert_true(noticed("the embedded preset quickstart is replayed"));
}

static void a_bare_cluster_is_one_zone_with_links_to_all_that_is_needed(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION);
    struct scenario s = load();
    assert_int_equal(s.region_count, 1);
    assert_string_equal(s.regions[0].name, "local");
    assert_string_equal(s.zones[0].name, "local-a");
    assert_string_equal(s.zones[0].region, "local");
    assert_int_equal(s.link_count, 3);
    assert_string_equal(s.links[0].name, "registry-local-a");
    assert_string_equal(s.links[1].name, "models-local-a");
    assert_string_equal(s.links[2].name, "local-local-a");
    assert_true(s.links[0].bandwidth_bytes_per_s == 1.25e9);
    assert_true(s.links[0].shared);
}

static void links_that_are_given_are_not_doubled(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION "  cluster:\n    regions: [{name: eu}, {name: us}]\n"
                                      "    zones: [{name: eu-a, region: eu}, {name: us-a, region: us}]\n"
                                      "    links:\n      - {from: us-a, to: eu-a, latency: 70ms}\n"
                                      "      - {from: eu, to: eu-a, latency: 3ms, shared: false}\n");
    struct scenario s = load();
    assert_int_equal(s.link_count, 4 + 4 + 1); /* origins, users, zones */
    double between = 0, near = 0, far = 0;
    for (size_t i = 0; i < s.link_count; i++) {
        between += strcmp(s.links[i].name, "us-a-eu-a") == 0 ? s.links[i].latency_s : 0;
        near += strcmp(s.links[i].name, "eu-eu-a") == 0 ? s.links[i].latency_s : 0;
        far += strcmp(s.links[i].name, "us-eu-a") == 0 ? s.links[i].latency_s : 0;
        assert_string_not_equal(s.links[i].name, "eu-a-us-a");
    }
    assert_true(between == 0.07 && near == 0.003 && far == 0.04);
}

static void policies_and_images_end_with_an_entry_for_all(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION "  policies:\n    - {service: queue, router: random, timeout: 5s}\n"
                                      "  cluster:\n    images: [{match: tiny, size: 5MB}]\n");
    struct scenario s = load();
    assert_int_equal(s.policy_count, 2);
    assert_string_equal(s.policies[0].router, "random");
    assert_true(s.policies[0].timeout_s == 5);
    assert_null(s.policies[1].service);
    assert_string_equal(s.policies[1].router, "round-robin");
    assert_int_equal(s.policies[1].queue_limit, -1);
    assert_string_equal(s.images[0].match, "tiny");
    assert_string_equal(s.images[s.image_count - 1].match, "");
}

static void objectives_know_unit_and_sense_of_their_metric(void **state) {
    (void)state;
    put("scenario.yaml",
        HEAD STATION "  objectives:\n    - {metric: ttft_s, limit: 500ms}\n"
                     "    - {metric: latency.queue_s, statistic: mean, limit: 1}\n"
                     "    - {metric: slo.attainment, min: 99%}\n"
                     "    - {metric: gpu.busy_fraction, max: 0.8}\n"
                     "    - {metric: e2e_s, statistic: max, limit: 9, per_request: false, service: queue}\n");
    struct scenario s = load();
    const struct objective_config *o = s.objectives;
    assert_string_equal(o[0].metric, "latency.ttft_s");
    assert_string_equal(o[0].statistic, "p95");
    assert_true(o[0].limit == 0.5 && o[0].per_request && o[0].sense == OBJECTIVE_AT_MOST);
    assert_false(o[1].per_request);
    assert_true(o[2].limit == 0.99 && o[2].sense == OBJECTIVE_AT_LEAST);
    assert_null(o[2].statistic);
    assert_true(o[3].sense == OBJECTIVE_AT_MOST);
    assert_false(o[4].per_request);
    assert_string_equal(o[4].service, "queue");
}

static void attainment_without_a_limit_on_requests_is_warned_of(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION "  objectives:\n    - {metric: slo.attainment, min: 0.9}\n");
    load();
    assert_true(noticed("count every completed request as good"));
}

static void gates_know_the_unit_of_their_figure(void **state) {
    (void)state;
    put("scenario.yaml",
        HEAD STATION "  gates:\n    - {metric: ttft_s.p95, scope: service/queue, max: 500ms}\n"
                     "    - {metric: cost.total_usd, max: $12.50, regression: {relative: 5%, absolute: $1}}\n"
                     "    - {metric: slo.attainment, scope: tenant/search, min: 99%, level: warn}\n"
                     "    - {metric: latency.e2e_s.excluded, regression: {absolute: 3}}\n");
    struct scenario s = load();
    const struct gate_config *g = s.gates;
    assert_int_equal(s.gate_count, 4);
    assert_string_equal(g[0].metric, "latency.ttft_s.p95");
    assert_string_equal(g[0].scope, "service/queue");
    assert_true(g[0].max == 0.5 && isnan(g[0].min) && !g[0].has_regression && g[0].level == GATE_FAIL);
    assert_true(isnan(g[0].regression.relative) && isnan(g[0].regression.absolute));
    assert_true(g[1].max == 12.5 && g[1].regression.relative == 0.05 && g[1].regression.absolute == 1);
    assert_true(g[2].min == 0.99 && isnan(g[2].max) && g[2].level == GATE_WARN);
    assert_true(isnan(g[3].max) && g[3].has_regression && isnan(g[3].regression.relative));
    assert_true(noticed("cost.total_usd has no value without prices: it is not met"));
}

static void set_changes_the_tree_before_it_is_read(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION);
    const char *set[] = {"duration=90s", "services.0.replicas=3", "policies=[{router: random}]"};
    struct scenario_overrides o = {.set = set, .set_count = 3};
    struct scenario s;
    assert_true(load_with(&o, &s));
    assert_true(s.duration_s == 90);
    assert_int_equal(s.services[0].replicas, 3);
    assert_string_equal(s.policies[0].router, "random");
    assert_string_equal(yaml_path(s.tree, "spec.duration")->text, "90s");
    set[0] = "duration";
    assert_false(load_with(&o, &s));
    assert_int_equal(err.code, ERROR_USAGE);
    set[0] = "services.0.replica=2";
    assert_false(load_with(&o, &s));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.file, "--set");
    assert_string_equal(err.field, "spec.services.0.replica");
}

static void trace_replaces_traces_and_keeps_the_settings_of_the_first(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION "  traces:\n    - {preset: quickstart, service: queue, rate_scale: 5}\n"
                                      "    - {preset: quickstart}\n");
    put("trace.csv", "arrival_s,input_tokens,output_tokens\n0,1,1\n");
    const char *file = path_join(&arena, folder, "trace.csv");
    struct scenario_overrides o = {.traces = &file, .trace_count = 1};
    struct scenario s;
    assert_true(load_with(&o, &s));
    assert_int_equal(s.trace_count, 1);
    assert_string_equal(s.traces[0].file, file);
    assert_null(s.traces[0].preset);
    assert_string_equal(s.traces[0].service, "queue");
    assert_true(s.traces[0].rate_scale == 5);
    assert_false(noticed("no traces are given"));
    file = "nowhere.csv";
    assert_false(load_with(&o, &s));
    assert_string_equal(err.file, "--trace");
    assert_non_null(strstr(err.expected, "nowhere.csv"));
}

static void paths_are_relative_to_the_scenario(void **state) {
    (void)state;
    put("trace.csv", "arrival_s,input_tokens,output_tokens\n0,1,1\n");
    put("scenario.yaml", HEAD STATION "  traces: [{file: trace.csv}]\n");
    struct scenario s = load();
    assert_string_equal(s.traces[0].file, path_join(&arena, folder, "trace.csv"));
    assert_string_equal(s.folder, folder);
}

static const char deployment[] =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\nspec:\n"
    "  selector: {matchLabels: {app: chat}}\n  template:\n    metadata: {labels: {app: chat}}\n"
    "    spec:\n      nodeSelector: {disk: fast}\n      containers:\n"
    "        - {name: s, image: nginx, resources: {limits: {nvidia.com/gpu: 1, cpu: 2, memory: 8Gi}}}\n";

static void pods_fit_a_pool_that_has_what_they_ask_for(void **state) {
    (void)state;
    put("chat.yaml", deployment);
    put("scenario.yaml",
        HEAD "  manifests: chat.yaml\n  traces: [{preset: quickstart, service: chat}]\n"
             "  service_times: [{workload: deployment/chat, server: 10ms}]\n"
             "  cluster:\n    pools:\n"
             "      - {name: cpu, instance_type: m, cpu: 8, memory: 32Gi}\n"
             "      - {name: gpu, instance_type: g, cpu: 2, memory: 8Gi, gpu: L4, min: 2}\n");
    struct scenario s = load();
    assert_int_equal(s.manifests.workload_count, 1);
    assert_int_equal(s.pools[0].gpus, 0);
    assert_int_equal(s.pools[0].max, 1);
    assert_int_equal(s.pools[1].gpus, 1);
    assert_int_equal(s.pools[1].max, 2);
    assert_string_equal(s.pools[1].zone, "local-a");
    assert_true(s.service_times[0].has_server);
    assert_true(s.service_times[0].overhead_s == -1);
}

static void a_label_of_the_pool_must_match_the_node_selector(void **state) {
    (void)state;
    put("chat.yaml", deployment);
    put("scenario.yaml", HEAD "  manifests: chat.yaml\n  cluster:\n    pools:\n"
                              "      - {name: gpu, instance_type: g, cpu: 2, memory: 8Gi, gpu: L4, "
                              "labels: {disk: slow}}\n");
    struct scenario s;
    assert_false(load_with(NULL, &s));
    assert_non_null(strstr(err.file, "chat.yaml"));
    assert_non_null(strstr(err.expected, "nodeSelector disk is fast, the node's is slow"));
}

#define ARMS_AND_MORE                                                                                        \
    HEAD "  manifests: chat.yaml\n  traces: [{preset: quickstart, service: chat}]\n"                         \
         "  service_times: [{workload: deployment/chat, server: 10ms}]\n"                                    \
         "  cluster: {pools: [{name: g, instance_type: g, cpu: 8, memory: 32Gi, gpu: L4, labels: {disk: "    \
         "fast}}]}\n"

static void an_arm_sets_keys_and_fields_before_trace_and_set_do(void **state) {
    (void)state;
    put("chat.yaml", deployment);
    put("scenario.yaml",
        ARMS_AND_MORE "  arms:\n    - name: plain\n    - name: big\n      description: more\n"
                      "      set:\n        deployment/chat.spec.replicas: 3\n"
                      "        deploy/chat.spec.minReadySeconds: 7\n        duration: 10m\n"
                      "        traces.0: {preset: quickstart, service: chat, rate_scale: 2}\n");
    const char *set[] = {"Deployment/chat.spec.replicas=4", "warmup=30s"};
    struct scenario_overrides o = {.arm = "big", .set = set, .set_count = 2};
    struct scenario s;
    assert_true(load_with(&o, &s));
    assert_string_equal(s.arm, "big");
    assert_int_equal(s.arm_count, 2);
    assert_null(s.arms[0].set);
    assert_string_equal(s.arms[1].description, "more");
    assert_int_equal(s.manifests.workloads[0].replicas, 4);
    assert_true(s.manifests.workloads[0].min_ready_s == 7);
    assert_true(s.duration_s == 600 && s.warmup_s == 30);
    assert_true(s.traces[0].rate_scale == 2);
    assert_string_equal(yaml_path(s.manifests.trees[0], "spec.replicas")->text, "4");
    o.arm = "plain";
    o.set_count = 0;
    assert_true(load_with(&o, &s));
    assert_int_equal(s.manifests.workloads[0].replicas, 1);
    s = load();
    assert_null(s.arm);
    assert_true(s.duration_s == 0);
}

static void an_arm_that_is_none_is_wrong_usage(void **state) {
    (void)state;
    put("scenario.yaml", HEAD STATION "  arms: [{name: small}, {name: large}]\n");
    struct scenario_overrides o = {.arm = "smal"};
    struct scenario s;
    assert_false(load_with(&o, &s));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_string_equal(err.hint, "did you mean small?");
    o.arm = "zzzzzz";
    assert_false(load_with(&o, &s));
    assert_string_equal(err.hint, "known: small, large");
    put("scenario.yaml", HEAD STATION);
    assert_false(load_with(&o, &s));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.hint, "no arms"));
}

static void what_an_arm_does_wrong_stands_at_its_line(void **state) {
    (void)state;
    put("chat.yaml", deployment);
    put("scenario.yaml",
        ARMS_AND_MORE "  arms:\n    - name: a\n      set: {deploy/chat.spec.replicas: many}\n"
                      "    - name: b\n      set: {cluster.pools.0.cpu: 1}\n");
    struct scenario_overrides o = {.arm = "a"};
    struct scenario s;
    assert_false(load_with(&o, &s));
    scenario_blame_arm(&s, &err);
    assert_string_equal(err.file, path_join(&arena, folder, "scenario.yaml"));
    assert_int_equal(err.line, 11);
    assert_string_equal(err.field, "spec.replicas");
    o.arm = "b";
    assert_false(load_with(&o, &s));
    assert_non_null(strstr(err.file, "chat.yaml"));
    scenario_blame_arm(&s, &err);
    assert_non_null(strstr(err.file, "scenario.yaml"));
    assert_int_equal(err.line, 12);
    assert_string_equal(err.field, "spec.arms.1");
    assert_non_null(strstr(err.expected, "with the arm b: "));
    assert_non_null(strstr(err.expected, "cpu 2 of 1"));
}

static void a_field_of_a_manifest_that_is_set_wrong_stands_at_set(void **state) {
    (void)state;
    put("chat.yaml", deployment);
    put("scenario.yaml", ARMS_AND_MORE);
    const char *set[] = {"deploy/chat.spec.replica=4"};
    struct scenario_overrides o = {.set = set, .set_count = 1};
    struct scenario s;
    assert_false(load_with(&o, &s));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.file, "--set deploy/chat.spec.replica");
    assert_string_equal(err.hint, "did you mean replicas?");
    static const char *const wrong[] = {"deploy/chat=4", "deploy/.spec=4", "a/b/c/d.e=1",
                                        "deploy/chat.spec.replicas"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set[0] = wrong[i];
        assert_false(load_with(&o, &s));
        assert_int_equal(err.code, ERROR_USAGE);
    }
}

static void the_resolved_scenario_loads_again_and_prints_the_same(void **state) {
    (void)state;
    static struct capture first, second;
    put("chat.yaml", deployment);
    put("trace.csv", "arrival_s,input_tokens,output_tokens\n0,1,1\n");
    put("scenario.yaml",
        HEAD STATION "  manifests: [chat.yaml]\n  traces:\n    - {file: trace.csv, service: chat}\n"
                     "    - synth: {process: poisson, rate_per_s: 8}\n      service: queue\n"
                     "  policies: [{router: random, queue_limit: 5, timeout: 2500ms}]\n"
                     "  objectives: [{metric: ttft_s, limit: 0.3}, {metric: slo.attainment, min: 0.9}, "
                     "{metric: requests.rejected, limit: 0}]\n"
                     "  cluster:\n    pools:\n      - {name: gpu, instance_type: g, cpu: 2500m, memory: 8Gi, "
                     "gpu: L4, labels: {disk: fast}, taints: {a: 'b:NoSchedule'}}\n"
                     "  gates: [{metric: ttft_s.p95, max: 300ms, regression: {absolute: 10ms}}, {metric: "
                     "requests.failed, max: 0, level: warn}]\n"
                     "  arms: [{name: a}, {name: b, set: {deploy/chat.spec.replicas: 2, policies: [{router: "
                     "random}]}}]\n");
    struct scenario s = load();
    capture_begin(&first, stdout);
    scenario_print(&s);
    capture_end(&first);
    put("again.yaml", first.text);
    struct scenario again;
    assert_true(scenario_load(path_join(&arena, folder, "again.yaml"), NULL, &arena, &again, &notices, &err));
    capture_begin(&second, stdout);
    scenario_print(&again);
    capture_end(&second);
    assert_string_equal(first.text, second.text);
    assert_true(strlen(first.text) > 1000 && strlen(first.text) + 1 < sizeof first.text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_queue_needs_no_more_than_a_dozen_lines),
        TEST(without_traces_a_preset_is_replayed_and_said),
        TEST(a_bare_cluster_is_one_zone_with_links_to_all_that_is_needed),
        TEST(links_that_are_given_are_not_doubled),
        TEST(policies_and_images_end_with_an_entry_for_all),
        TEST(objectives_know_unit_and_sense_of_their_metric),
        TEST(attainment_without_a_limit_on_requests_is_warned_of),
        TEST(gates_know_the_unit_of_their_figure),
        TEST(set_changes_the_tree_before_it_is_read),
        TEST(trace_replaces_traces_and_keeps_the_settings_of_the_first),
        TEST(paths_are_relative_to_the_scenario),
        TEST(pods_fit_a_pool_that_has_what_they_ask_for),
        TEST(a_label_of_the_pool_must_match_the_node_selector),
        TEST(an_arm_sets_keys_and_fields_before_trace_and_set_do),
        TEST(an_arm_that_is_none_is_wrong_usage),
        TEST(what_an_arm_does_wrong_stands_at_its_line),
        TEST(a_field_of_a_manifest_that_is_set_wrong_stands_at_set),
        TEST(the_resolved_scenario_loads_again_and_prints_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
