/* Replicas that somebody changes by hand (spec.changes): scale-up, cold start and drain, from the scenario to
 * the rows of its result. */
#include "tests/unit/run/run_fixture.h"

static const char *const traffic = "[{preset: quickstart, service: chat, region: eu}]";

/* All delays constant: a cold start takes 60 (node) + 10 GB / 1.25 GB/s + 2 + 94 + 16 GB / 1.25 GB/s ... */
static void put_chat(const char *name, const char *changes) {
    const char *startup = "    startup: {container_start: 2s, engine_init: 30s, warm_up: 20s}\n";
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", name), chat_manifest("chat", 1));
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", name),
        chat_scenario(traffic, arena_printf(&scratch.arena, "%s  duration: 10m\n%s", startup, changes)));
}

static void scaling_up_starts_pods_cold_and_they_take_requests_when_ready(void **state) {
    (void)state;
    put_chat("up", "  changes: [{at: 1m, workload: chat, replicas: 3}]\n");
    struct outcome o = run("up", "out/up");
    assert_int_equal(o.counts.completed, o.counts.arrived);
    const char *events = table("out/up", "events");
    assert_non_null(strstr(events, "60,default/deployment/chat,ScaledByHand,replicas from 1 to 3\n"));
    const char *replicas = table("out/up", "replicas");
    assert_int_equal(rows_of(replicas), 3);
    for (size_t i = 1; i < 3; i++) {
        assert_true(number(replicas, i, "created_s") == 60);
        assert_true(number(replicas, i, "bound_s") == 120);         /* its node took a minute */
        assert_true(number(replicas, i, "pulled_s") > 120 + 2 * 8); /* two share the registry's 10 Gbit/s */
        assert_true(number(replicas, i, "ready_s") > number(replicas, i, "loaded_s") + 20);
        assert_true(number(replicas, i, "completed") > 50);
    }
    const char *requests = table("out/up", "requests");
    for (size_t i = 0; i < rows_of(requests); i++) {
        size_t replica = (size_t)number(requests, i, "replica");
        assert_true(number(requests, i, "arrival_s") + number(requests, i, "e2e_s") >=
                    number(replicas, replica, "ready_s"));
    }
}

static void scaling_down_drains_and_loses_nothing(void **state) {
    (void)state;
    put_chat("down", "  changes:\n"
                     "    - {at: 1m, workload: deployment/chat, replicas: 3}\n"
                     "    - {at: 5m, workload: default/deployment/chat, replicas: 1}\n");
    struct outcome o = run("down", "out/down");
    assert_int_equal(o.counts.completed, o.counts.arrived);
    const char *replicas = table("out/down", "replicas");
    for (size_t i = 1; i < 3; i++) {
        assert_true(number(replicas, i, "terminating_s") == 300);
        assert_true(number(replicas, i, "gone_s") >= 300 && number(replicas, i, "gone_s") < 330);
    }
    assert_true(number(replicas, 0, "gone_s") == -1);
}

static void scaled_to_nothing_requests_wait_for_the_next_cold_start(void **state) {
    (void)state;
    put_chat("zero", "  changes:\n"
                     "    - {at: 2m, workload: chat, replicas: 0}\n"
                     "    - {at: 3m, workload: chat, replicas: 1}\n");
    struct outcome o = run("zero", "out/zero");
    assert_int_equal(o.counts.completed, o.counts.arrived);
    const char *replicas = table("out/zero", "replicas");
    assert_string_equal(cell(replicas, 1, "name"), cell(replicas, 0, "name"));
    double ready_s = number(replicas, 1, "ready_s");
    const char *requests = table("out/zero", "requests");
    size_t waited = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        double arrival_s = number(requests, i, "arrival_s");
        if (arrival_s > 120 && arrival_s < ready_s - 1) {
            waited++;
            assert_true(arrival_s + number(requests, i, "ttft_s") > ready_s);
        }
    }
    assert_true(waited > 100);
}

static void who_overstays_the_grace_period_fails(void **state) {
    (void)state;
    put("grace.yaml", station_scenario("replicas: 2, server: 100s",
                                       "[{synth: {process: poisson, rate_per_s: 0.02, duration_s: 1000}}]",
                                       "  changes: [{at: 500s, workload: station, replicas: 0}]\n"));
    struct outcome o = run("grace.yaml", "out/grace");
    const char *requests = table("out/grace", "requests");
    size_t failed = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        failed += strcmp(cell(requests, i, "status"), "failed") == 0;
    }
    assert_int_equal(failed, o.counts.failed);
    assert_true(o.counts.failed > 0 && o.counts.unfinished > 0); /* later ones find nobody until the end */
    assert_non_null(strstr(table("out/grace", "events"), "530,services/station/0,Killed,"));
}

static void stations_may_grow_and_shrink(void **state) {
    (void)state;
    static const char *const load = "[{synth: {process: poisson, rate_per_s: 1.8, duration_s: 2000}}]";
    put("fixed.yaml", station_scenario("replicas: 1, server: 1s, concurrency: 2", load, ""));
    put("grown.yaml", station_scenario("replicas: 1, server: 1s, concurrency: 2", load,
                                       "  changes:\n"
                                       "    - {at: 1500s, workload: station, replicas: 1}\n"
                                       "    - {at: 100s, workload: station, replicas: 3}\n"));
    struct outcome fixed = run("fixed.yaml", NULL);
    struct outcome grown = run("grown.yaml", "out/grown");
    assert_int_equal(grown.counts.completed, fixed.counts.completed);
    assert_true(grown.queue_s < fixed.queue_s);
    const char *events = table("out/grown", "events");
    assert_true(strstr(events, "replicas from 1 to 3") < strstr(events, "replicas from 3 to 1"));
}

static void a_change_after_the_end_is_warned_of(void **state) {
    (void)state;
    put_chat("late", "  changes: [{at: 10m, workload: chat, replicas: 3}]\n");
    struct outcome o = run("late", NULL);
    assert_non_null(strstr(o.warnings, "spec.changes.0.at lies after the end"));
    put_chat("late", "  changes: [{at: 9m, workload: chat, replicas: 3}]\n");
    assert_null(strstr(run("late", NULL).warnings, "lies after the end"));
}

static void nobody_elses_requests_see_a_change(void **state) {
    (void)state;
    put("other/manifests/chat.yaml", chat_manifest("chat", 1));
    put("other/manifests/zoo.yaml", chat_manifest("zoo", 1));
    put("other/scenario.yaml", chat_scenario(traffic, "  duration: 4m\n"));
    run("other", "out/still");
    put("other/scenario.yaml", chat_scenario(traffic, "  duration: 4m\n  changes:\n"
                                                      "    - {at: 1m, workload: zoo, replicas: 4}\n"
                                                      "    - {at: 2m, workload: zoo, replicas: 0}\n"));
    run("other", "out/moved");
    assert_string_equal(table("out/still", "requests"), table("out/moved", "requests"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaling_up_starts_pods_cold_and_they_take_requests_when_ready),
        cmocka_unit_test(scaling_down_drains_and_loses_nothing),
        cmocka_unit_test(scaled_to_nothing_requests_wait_for_the_next_cold_start),
        cmocka_unit_test(who_overstays_the_grace_period_fails),
        cmocka_unit_test(stations_may_grow_and_shrink),
        cmocka_unit_test(a_change_after_the_end_is_warned_of),
        cmocka_unit_test(nobody_elses_requests_see_a_change),
    };
    return cmocka_run_group_tests_name("run/changes", tests, open_scratch, close_scratch);
}
