/* What breaks, from the scenario to the rows of its result. */
#include "tests/unit/run/run_fixture.h"

#include <math.h>

static const char *const steady = "[{synth: {process: deterministic, rate_per_s: 1, duration_s: 100}}]";

static const char *stations(const char *faults) {
    return station_scenario("replicas: 2, server: 500ms", steady,
                            arena_printf(&scratch.arena, "  faults: [%s]\n", faults));
}

/* One waits or is served at each date; round robin sends every other request to each. */
static void what_a_replica_holds_when_it_crashes_fails(void **state) {
    (void)state;
    put("crash.yaml", stations("{kind: crash, workload: station, replica: 0, at: 50250ms}"));
    struct outcome o = run("crash.yaml", "out/crash");
    assert_int_equal(o.counts.failed, 1);
    assert_int_equal(o.counts.completed, 99);
    const char *replicas = table("out/crash", "replicas");
    assert_true(number(replicas, 0, "restarts") + number(replicas, 1, "restarts") == 1);
    assert_non_null(strstr(table("out/crash", "events"), "50.25,services/station/0,ContainerDied,"));
}

/* A queue of some 60 in front of the one that dies. */
static void a_full_queue_dies_with_its_replica(void **state) {
    (void)state;
    const char *rush = "[{synth: {process: deterministic, rate_per_s: 10, duration_s: 10}}]";
    put("full.yaml", station_scenario("replicas: 1, server: 1s", rush,
                                      "  faults: [{kind: crash, workload: station, at: 7s}]\n"));
    struct outcome o = run("full.yaml", "out/full");
    assert_int_equal(o.counts.arrived, 101);
    assert_int_equal(o.counts.failed, 63); /* one under way, the others waiting */
    assert_int_equal(o.counts.completed, 38);
}

static void users_who_try_again_lose_nothing(void **state) {
    (void)state;
    const char *rush = "[{synth: {process: deterministic, rate_per_s: 10, duration_s: 10}}]";
    put("retry.yaml",
        station_scenario("replicas: 1, server: 1s", rush,
                         "  faults: [{kind: crash, workload: station, at: 7s}]\n"
                         "  policies: [{service: station, retry: {attempts: 3, budget_per_s: 1000}}]\n"));
    struct outcome o = run("retry.yaml", "out/retry");
    assert_int_equal(o.counts.completed, 101);
    assert_int_equal(o.counts.attempts, 101 + 63);
}

static void one_that_hangs_answers_nobody(void **state) {
    (void)state;
    put("hang.yaml",
        station_scenario("replicas: 2, server: 500ms", steady,
                         "  drain: 10s\n"
                         "  faults: [{kind: hang, workload: station, replica: 1, at: 50100ms}]\n"
                         "  policies: [{service: station, router: round-robin, timeout: 5s}]\n"));
    struct outcome o = run("hang.yaml", "out/hang");
    assert_in_range(o.counts.timed_out, 24, 25);
    assert_int_equal(o.counts.completed + o.counts.timed_out, 100);
}

/* ---- slow ---- */

static double service_s(const char *requests, size_t row) {
    return number(requests, row, "e2e_s") - number(requests, row, "queue_s");
}

static void work_that_begins_while_it_is_slow_takes_longer(void **state) {
    (void)state;
    put("slow.yaml", stations("{kind: slow, workload: station, at: 20200ms, for: 10s, factor: 1.5}"));
    run("slow.yaml", "out/slow");
    const char *requests = table("out/slow", "requests");
    size_t slow = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        double begins_s = number(requests, i, "arrival_s") + number(requests, i, "queue_s");
        bool is_slow = begins_s >= 20.2 && begins_s < 30.2; /* what is under way keeps its time */
        assert_true(fabs(service_s(requests, i) - (is_slow ? 0.75 : 0.5)) < 1e-9);
        slow += is_slow;
    }
    assert_int_equal(slow, 10);
}

/* Two at once multiply: 1.5 x 2. */
static void slow_by_two_is_slow_by_their_product(void **state) {
    (void)state;
    put("twice.yaml",
        stations("{kind: slow, workload: station, at: 20200ms, for: 10s, factor: 1.5}, "
                 "{kind: slow, workload: station, replica: 0, at: 20200ms, for: 10s, factor: 2}"));
    run("twice.yaml", "out/twice");
    const char *requests = table("out/twice", "requests");
    size_t twice = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        twice += fabs(service_s(requests, i) - 1.5) < 1e-9;
    }
    assert_int_equal(twice, 5);
}

static double slowest_s(const char *factor) {
    put("many.yaml",
        stations(arena_printf(&scratch.arena,
                              "{kind: straggler, workload: station, factor: %s}, "
                              "{kind: slow, workload: station, at: 90s, factor: 300}, "
                              "{kind: slow, workload: station, replica: 0, at: 90s, factor: 300}",
                              factor)));
    run("many.yaml", "out/many");
    const char *requests = table("out/many", "requests");
    double slowest = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        double took = service_s(requests, i);
        slowest = took > slowest ? took : slowest;
    }
    return slowest;
}

/* The product alone is bounded, not what is multiplied on the way. */
static void slow_by_many_is_slow_by_a_thousand_at_most(void **state) {
    (void)state;
    assert_true(fabs(slowest_s("0.001") - 0.5 * 90) < 1e-9);
    assert_true(fabs(slowest_s("0.1") - 0.5 * 1000) < 1e-9);
}

static void stragglers_are_drawn_by_name(void **state) {
    (void)state;
    const char *fault = "  faults: [{kind: straggler, workload: station, sigma: 0.3}]\n";
    put("some.yaml", station_scenario("replicas: 2, server: 500ms", steady, fault));
    put("more.yaml", station_scenario("replicas: 4, server: 500ms", steady, fault));
    run("some.yaml", "out/some");
    run("more.yaml", "out/more");
    const char *some = table("out/some", "requests"), *more = table("out/more", "requests");
    double of_some[2] = {0}, of_more[4] = {0};
    for (size_t i = 0; i < rows_of(some); i++) {
        of_some[(size_t)number(some, i, "replica")] = service_s(some, i);
        of_more[(size_t)number(more, i, "replica")] = service_s(more, i);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(fabs(of_some[i] - of_more[i]) < 1e-9 && fabs(of_some[i] - 0.5) > 1e-3);
    }
    assert_true(fabs(of_more[2] - of_more[3]) > 1e-3);
}

/* ---- who is spared ---- */

/* A fault of a replica that serves nobody changes no latency; common random numbers: those of the others
 * stay. */
static void what_befalls_one_that_serves_nobody_changes_no_latency(void **state) {
    (void)state;
    put("alone.yaml", station_scenario("replicas: 2, server: 500ms",
                                       "[{service: station, synth: {rate_per_s: 1, duration_s: 100}}]", ""));
    const char *beside =
        "  services: [{name: station, replicas: 2, server: 500ms}, {name: spare, server: 1s}]\n";
    const char *text =
        arena_printf(&scratch.arena,
                     "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: test}\nspec:\n%s"
                     "  traces: [{service: station, synth: {rate_per_s: 1, duration_s: 100}}]\n"
                     "  faults:\n"
                     "    - {kind: crash, workload: spare, between: {law: exponential, mean: 20s}}\n"
                     "    - {kind: slow, workload: spare, between: 7s, for: 3s, factor: 9}\n",
                     beside);
    put("spare.yaml", text);
    run("alone.yaml", "out/alone");
    run("spare.yaml", "out/spare");
    assert_string_equal(table("out/alone", "requests"), table("out/spare", "requests"));
}

static void random_failures_are_those_of_the_seed(void **state) {
    (void)state;
    put("random.yaml",
        stations("{kind: crash, workload: station, between: {law: weibull, mean: 20s, shape: 2}}"));
    run("random.yaml", "out/one");
    run("random.yaml", "out/two");
    assert_same_bytes("out/one", "out/two");
    run_seed("random.yaml", "out/other", 2);
    assert_string_not_equal(table("out/one", "events"), table("out/other", "events"));
}

static void one_that_finds_nobody_is_said(void **state) {
    (void)state;
    put("nobody.yaml", stations("{kind: crash, workload: station, replica: 7, at: 5s}"));
    struct outcome o = run("nobody.yaml", NULL);
    assert_non_null(strstr(o.warnings, "spec.faults.0: crash found nothing that runs at that date"));
    assert_int_equal(o.counts.failed, 0);
}

/* ---- on nodes ---- */

static void put_chat(const char *name, const char *more) {
    const char *startup = "    startup: {container_start: 2s, engine_init: 30s, warm_up: 20s}\n";
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", name), chat_manifest("chat", 2));
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", name),
        chat_scenario("[{preset: quickstart, service: chat, region: eu}]",
                      arena_printf(&scratch.arena, "%s  duration: 10m\n%s", startup, more)));
}

static void a_crash_takes_a_replica_out_for_as_long_as_it_loads(void **state) {
    (void)state;
    put_chat("chat", "  faults: [{kind: crash, workload: chat, replica: 1, at: 2m}]\n");
    struct outcome o = run("chat", "out/chat");
    assert_true(o.counts.failed > 0);
    const char *replicas = table("out/chat", "replicas");
    double down_s = number(replicas, 1, "down_s");
    assert_true(down_s > 52 && down_s < 60); /* weights are in the page cache */
    assert_true(number(replicas, 0, "down_s") == 0);
    const char *requests = table("out/chat", "requests");
    for (size_t i = 0; i < rows_of(requests); i++) { /* nothing is sent to it meanwhile */
        double at_s = number(requests, i, "arrival_s") + number(requests, i, "to_gateway_s");
        assert_true(at_s < 120 || at_s >= 120 + down_s || number(requests, i, "replica") == 0);
    }
}

static void a_lost_node_takes_its_requests_with_it(void **state) {
    (void)state;
    put_chat("lost", "  faults: [{kind: node-loss, node: h100-0, at: 1m}]\n");
    struct outcome o = run("lost", "out/lost");
    assert_true(o.counts.failed > 10); /* sent for 50 s to where nobody answers */
    const char *events = table("out/lost", "events");
    assert_non_null(strstr(events, "110,h100-0,NodeNotReady,"));
    assert_non_null(strstr(events, "410,default/deployment/chat/0,TaintManagerEviction,"));
    assert_int_equal(rows_of(table("out/lost", "replicas")), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_replica_holds_when_it_crashes_fails),
        cmocka_unit_test(a_full_queue_dies_with_its_replica),
        cmocka_unit_test(users_who_try_again_lose_nothing),
        cmocka_unit_test(one_that_hangs_answers_nobody),
        cmocka_unit_test(work_that_begins_while_it_is_slow_takes_longer),
        cmocka_unit_test(slow_by_two_is_slow_by_their_product),
        cmocka_unit_test(slow_by_many_is_slow_by_a_thousand_at_most),
        cmocka_unit_test(stragglers_are_drawn_by_name),
        cmocka_unit_test(what_befalls_one_that_serves_nobody_changes_no_latency),
        cmocka_unit_test(random_failures_are_those_of_the_seed),
        cmocka_unit_test(one_that_finds_nobody_is_said),
        cmocka_unit_test(a_crash_takes_a_replica_out_for_as_long_as_it_loads),
        cmocka_unit_test(a_lost_node_takes_its_requests_with_it),
    };
    return cmocka_run_group_tests(tests, open_scratch, close_scratch);
}
