/* Whole syncs of the HPA: the cases are text, in tests/cases/hpa. */
#include "sync_case.h"

/* Units of a template's requests, and which containers count. */
static void requests_add_up_over_containers_and_sidecars(void **state) {
    (void)state;
    struct container main_containers[] = {{.name = "a"}, {.name = "b"}};
    struct container init_containers[] = {{.name = "setup"}, {.name = "proxy", .sidecar = true}};
    struct pod_template pod = {.containers = main_containers,
                               .container_count = 2,
                               .init_containers = init_containers,
                               .init_container_count = 2};
    main_containers[0].requests =
        (struct resources){.cpu_milli = 250, .memory_bytes = 1 << 20, .ephemeral_bytes = -1, .gpus = -1};
    main_containers[1].requests = (struct resources){.cpu_milli = 500,
                                                     .memory_bytes = 1,
                                                     .ephemeral_bytes = -1,
                                                     .gpus = 2,
                                                     .gpu_resource = "nvidia.com/gpu"};
    init_containers[0].requests = (struct resources){.cpu_milli = 4000, .memory_bytes = 5};
    init_containers[1].requests = (struct resources){.cpu_milli = 10, .memory_bytes = 3};
    assert_int_equal(hpa_request(&pod, "cpu", NULL, HPA_NO_REQUEST), 760);
    assert_int_equal(hpa_request(&pod, "memory", "", HPA_NO_REQUEST), ((1 << 20) + 4) * 1000LL);
    assert_int_equal(hpa_request(&pod, "cpu", "b", HPA_NO_REQUEST), 500);
    assert_int_equal(hpa_request(&pod, "cpu", "proxy", HPA_NO_REQUEST), 10);
    assert_int_equal(hpa_request(&pod, "nvidia.com/gpu", "b", HPA_NO_REQUEST), 2000);
    assert_int_equal(hpa_request(&pod, "nvidia.com/gpu", "a", HPA_NO_REQUEST), HPA_NO_REQUEST);
    assert_int_equal(hpa_request(&pod, "ephemeral-storage", NULL, HPA_NO_REQUEST), HPA_NO_REQUEST);
    /* An init container that ends is not one of the pod's containers. */
    assert_int_equal(hpa_request(&pod, "cpu", "setup", HPA_NO_REQUEST), HPA_NO_CONTAINER);
    assert_int_equal(hpa_request(&pod, "cpu", "c", HPA_NO_REQUEST), HPA_NO_CONTAINER);
    assert_int_equal(hpa_request(&pod, "cpu", NULL, 64000), 64000);
    assert_int_equal(hpa_request(&pod, "cpu", "a", 64000), 250);
}

static void a_text_that_does_not_fit_is_cut_and_ended(void **state) {
    (void)state;
    char name[2 * HPA_TEXT_BYTES], out[HPA_TEXT_BYTES + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    out[HPA_TEXT_BYTES] = '!';
    struct hpa_metric metric = {.type = "Pods", .name = name, .target_type = "AverageValue"};
    struct hpa spec = {.metrics = &metric, .metric_count = 1};
    struct hpa_decision d = {.path = HPA_PATH_METRICS, .proposed = 2, .proposal = {.rule = HPA_RULE_TOTAL}};
    assert_int_equal(strlen(hpa_formula(&spec, &d, out)), HPA_TEXT_BYTES - 1);
    assert_int_equal(strlen(hpa_cause(&spec, &d, out)), HPA_TEXT_BYTES - 1);
    assert_int_equal(out[HPA_TEXT_BYTES], '!');
}

/* The log is bounded by the window, however long the run. */
static void the_log_of_recommendations_stops_growing(void **state) {
    (void)state;
    int64_t value = 5000;
    struct hpa_reading reading = {.values_milli = &value, .value_count = 1};
    struct hpa_metric metric = {
        .type = "External", .name = "m", .target_type = "AverageValue", .target_milli = 1000};
    struct hpa spec = {.min_replicas = 1, .max_replicas = 100, .metrics = &metric, .metric_count = 1};
    struct hpa_state s = {0};
    for (int64_t i = 0; i < 10000; i++) {
        struct hpa_observation obs = {
            .now = i * 15 * SIMTIME_SECOND, .spec_replicas = 5, .status_replicas = 5, .readings = &reading};
        assert_int_equal(hpa_decide(&spec, &hpa_default_settings, &obs, &s).replicas, 5);
    }
    /* The size found at first, 20 syncs of 300 s, and the one of exactly 300 s ago. */
    assert_int_equal(s.recommendations.count, 22);
    hpa_state_free(&s);
    assert_null(s.recommendations.slots);
}

int main(void) {
    ADD_TEST(requests_add_up_over_containers_and_sidecars);
    ADD_TEST(a_text_that_does_not_fit_is_cut_and_ended);
    ADD_TEST(the_log_of_recommendations_stops_growing);
    add_cases("tests/cases/hpa/metrics.cases", dump_syncs);
    add_cases("tests/cases/hpa/pods.cases", dump_syncs);
    add_cases("tests/cases/hpa/behavior.cases", dump_syncs);
    add_cases("tests/cases/hpa/zero.cases", dump_syncs);
    return run_all_tests("hpa");
}
