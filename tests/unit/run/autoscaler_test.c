/* HorizontalPodAutoscalers in a running simulation: what they see, when, and what the cluster makes of it. */
#include "tests/unit/run/run_fixture.h"

/* Service times of a second on a plain server, so that load is easy to reason about. */
static void put_scaled(const char *name, const char *metric, const char *rest) {
    const char *hpa =
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: chat}\nspec:\n"
        "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}\n"
        "  minReplicas: 1\n  maxReplicas: 4\n  metrics:\n";
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", name),
        arena_printf(&scratch.arena, "%s%s%s", chat_manifest("chat", 1), hpa, metric));
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", name),
        chat_scenario("[{synth: {rate_per_s: 6, duration_s: 600, output_tokens: 400}, service: chat}]",
                      rest));
}

static const char *const on_running =
    "    - {type: Pods, pods: {metric: {name: vllm:num_requests_running}, target: {type: AverageValue, "
    "averageValue: \"5\"}}}\n";

static const char *const quick = "    startup: {container_start: 1s, engine_init: 5s, warm_up: 5s}\n";

static void load_adds_pods_and_each_decision_is_a_row(void **state) {
    (void)state;
    put_scaled("up", on_running, quick);
    struct outcome o = run("up", "out/up");
    assert_int_equal(o.counts.completed, o.counts.arrived);
    const char *decisions = table("out/up", "decisions");
    assert_true(rows_of(decisions) >= 600 / 15 - 1);
    bool grew = false;
    for (size_t i = 0; i < rows_of(decisions); i++) {
        assert_true(number(decisions, i, "time_s") == 15 * (double)(i + 1));
        double current = number(decisions, i, "current");
        double replicas = number(decisions, i, "replicas");
        assert_true(replicas >= 1 && replicas <= 4);
        assert_true(i == 0 || current == number(decisions, i - 1, "replicas"));
        assert_true(cell(decisions, i, "reason")[0] && cell(decisions, i, "formula")[0]);
        grew = grew || replicas > current;
    }
    assert_true(grew);
    assert_true(rows_of(table("out/up", "replicas")) > 1);
}

/* Nothing is known of a pod before its first scrape: the first sync has no sample and changes nothing. */
static void a_controller_knows_nothing_newer_than_the_last_scrape(void **state) {
    (void)state;
    put_scaled("late", on_running,
               arena_printf(&scratch.arena, "%s  telemetry: {scrape_interval: 2m, hpa_sync: 5s}\n", quick));
    run("late", "out/late");
    const char *decisions = table("out/late", "decisions");
    size_t i = 0;
    while (i < rows_of(decisions) && number(decisions, i, "replicas") == 1) {
        i++;
    }
    assert_true(i < rows_of(decisions));
    const char *first_ready = table("out/late", "replicas");
    assert_true(number(first_ready, 0, "ready_s") == 0);
    assert_true(number(decisions, i, "time_s") >
                5); /* blind until the scrape, within the first two minutes */
    assert_true(number(decisions, i, "time_s") <= 240 + 5);
    assert_non_null(strstr(cell(decisions, 0, "reason"), "FailedGetPodsMetric"));
}

static void a_metric_that_nothing_exposes_is_warned_of_and_fails_as_in_a_cluster(void **state) {
    (void)state;
    put_scaled(
        "none",
        "    - {type: Pods, pods: {metric: {name: my_own_metric}, target: {type: AverageValue, averageValue: "
        "\"5\"}}}\n",
        quick);
    run("none", "out/none");
    const char *decisions = table("out/none", "decisions");
    for (size_t i = 0; i < rows_of(decisions); i++) {
        assert_true(number(decisions, i, "replicas") == 1);
        assert_string_equal(cell(decisions, i, "reason"), "FailedGetPodsMetric");
    }
}

static void an_object_that_is_not_there_is_warned_of(void **state) {
    (void)state;
    static const char *const names[] = {"nobody", "chat"};
    for (size_t i = 0; i < 2; i++) {
        put_scaled(
            names[i],
            arena_printf(&scratch.arena,
                         "    - {type: Object, object: {describedObject: {apiVersion: v1, kind: Service, "
                         "name: %s}, metric: {name: vllm:num_requests_running}, target: {type: "
                         "AverageValue, averageValue: \"5\"}}}\n",
                         names[i]),
            quick);
        const char *out = arena_printf(&scratch.arena, "out/of-%s", names[i]);
        run(names[i], out);
        size_t length;
        const char *summary = get(at(arena_printf(&scratch.arena, "%s/summary.json", out)), &length);
        assert_true((strstr(summary, "describes Service nobody") != NULL) == (i == 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_adds_pods_and_each_decision_is_a_row),
        cmocka_unit_test(a_controller_knows_nothing_newer_than_the_last_scrape),
        cmocka_unit_test(a_metric_that_nothing_exposes_is_warned_of_and_fails_as_in_a_cluster),
        cmocka_unit_test(an_object_that_is_not_there_is_warned_of),
    };
    return cmocka_run_group_tests_name("run/autoscaler", tests, open_scratch, close_scratch);
}
