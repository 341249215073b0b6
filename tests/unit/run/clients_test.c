/* Users that try again or stop, and what a gate does to whole runs: dates, counts, and conservation whatever
 * is combined. */
#include "tests/unit/run/run_fixture.h"

#include <math.h>

#include "base/rng.h"

/* A station whose one server takes ten seconds, without a queue; `policy` is what stands in its entry. */
static void put_station(const char *name, const char *queue, const char *rows, const char *policy) {
    put(arena_printf(&scratch.arena, "%s/trace.csv", name),
        arena_printf(&scratch.arena, "arrival_s,input_tokens,output_tokens,tenant\n%s", rows));
    const char *service = arena_printf(&scratch.arena, "server: 10s, queue_limit: %s", queue);
    const char *more = arena_printf(&scratch.arena, "  policies: [{%s}]\n", policy);
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", name),
        station_scenario(service, "[{file: trace.csv, service: station}]", more));
}

/* Turned away at 0.1, 1.1, 3.1 and 7.1 s, let in at 15.1 s: felt from the first send on. */
static void a_repetition_waits_twice_as_long_each_time(void **state) {
    (void)state;
    put_station("again", "0", "0,1,1,a\n0.1,1,1,a\n",
                "retry: {attempts: 5, backoff: 1s, jitter: 0, backoff_max: 1m}");
    struct outcome o = run("again", "again-out");
    assert_int_equal(o.counts.completed, 2);
    assert_int_equal(o.counts.attempts, 6);
    const char *csv = table("again-out", "requests");
    assert_int_equal((int)number(csv, 1, "attempts"), 5);
    assert_true(fabs(number(csv, 1, "e2e_s") - 25.0) < 1e-9);
    assert_true(number(csv, 1, "queue_s") == 0);
}

static void jitter_takes_its_share_at_most(void **state) {
    (void)state;
    const char *rows = "0,1,1,a\n";
    for (int i = 0; i < 50; i++) {
        rows = arena_printf(&scratch.arena, "%s0.1,1,1,a\n", rows);
    }
    put_station("jitter", "0", rows, "retry: {attempts: 2, backoff: 20s, backoff_max: 20s, jitter: 50%}");
    run("jitter", "jitter-out");
    const char *csv = table("jitter-out", "requests");
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < rows_of(csv); i++) {
        bool repeated = number(csv, i, "attempts") == 2 && strcmp(cell(csv, i, "status"), "completed") == 0;
        double waited = number(csv, i, "e2e_s") - 10;
        least = repeated ? fmin(least, waited) : least;
        most = repeated ? fmax(most, waited) : most;
    }
    assert_true(least >= 10 && most <= 20);
}

/* Given up at 2.1, 5.1 and 9.1 s: each attempt has the whole time. */
static void each_attempt_has_the_whole_timeout(void **state) {
    (void)state;
    put_station("patience", "none", "0,1,1,a\n0.1,1,1,a\n",
                "timeout: 2s, retry: {attempts: 3, backoff: 1s, jitter: 0}");
    struct outcome o = run("patience", "patience-out");
    assert_int_equal(o.counts.timed_out, 2); /* the answer comes all at once, after ten seconds */
    assert_int_equal(o.counts.attempts, 6);
    put_station("patient", "none", "0,1,1,a\n0.1,1,1,a\n",
                "timeout: 12s, retry: {attempts: 3, backoff: 1s, jitter: 0}");
    o = run("patient", "patient-out");
    assert_int_equal(o.counts.completed, 2);
    assert_int_equal(o.counts.attempts, 3); /* the second gives up at 12.1 and comes back at 13.1 */
    assert_true(fabs(number(table("patient-out", "requests"), 1, "e2e_s") - 23.0) < 1e-9);
}

static void only_outcomes_that_are_named_are_tried_again(void **state) {
    (void)state;
    put_station("named", "0", "0,1,1,a\n0.1,1,1,a\n", "retry: {attempts: 5, on: [failed, timed_out]}");
    assert_int_equal(run("named", NULL).counts.attempts, 2);
}

/* 100 first attempts within a second, nearly all turned away: a quarter of them may come again, and as many
 * more as budget_per_s x budget_window allows. */
static void a_budget_is_a_share_of_first_attempts(void **state) {
    (void)state;
    const char *rows = "";
    for (int i = 0; i < 100; i++) {
        rows = arena_printf(&scratch.arena, "%s0.%02d,1,1,a\n", rows, i);
    }
    put_station("budget", "0", rows,
                "retry: {attempts: 9, backoff: 2s, budget: 25%, budget_per_s: 0, budget_window: 1m}");
    assert_int_equal(run("budget", NULL).counts.attempts, 125);
    put_station("floor", "0", rows,
                "retry: {attempts: 9, backoff: 2s, budget: 25%, budget_per_s: 0.5, budget_window: 1m}");
    assert_int_equal(run("floor", NULL).counts.attempts, 155);
}

/* ---- stopping ---- */

static void put_chat(const char *name, const char *traces, const char *policy) {
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", name), chat_manifest("chat", 1));
    const char *more = arena_printf(&scratch.arena, "  policies: [{%s}]\n", policy);
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", name), chat_scenario(traces, more));
}

/* The answer of 2,000 tokens takes some 13 s; its user stops a second after the first one. */
static void who_stops_frees_the_engine_and_has_completed(void **state) {
    (void)state;
    put_chat("stop",
             "[{synth: {process: deterministic, rate_per_s: 0.1, duration_s: 60, input_tokens: 100, "
             "output_tokens: 2000}, service: chat}]",
             "cancel: {share: 100%, after: 1s}");
    struct outcome o = run("stop", "stop-out");
    assert_int_equal(o.counts.completed, o.counts.arrived);
    assert_int_equal(o.counts.cancelled, o.counts.arrived);
    const char *csv = table("stop-out", "requests");
    for (size_t i = 0; i < rows_of(csv); i++) {
        double read = number(csv, i, "e2e_s") - number(csv, i, "ttft_s");
        assert_true(read > 0.95 && read < 1.02); /* tokens on their way then still come */
        assert_true(number(csv, i, "output_tokens") < 400);
        assert_int_equal((int)number(csv, i, "cancelled"), 1);
    }
    const char *replicas = table("stop-out", "replicas");
    assert_true(number(replicas, 0, "busy_s") < 1.1 * (double)o.counts.arrived); /* and no longer */
}

static void as_many_stop_as_the_share_says(void **state) {
    (void)state;
    put_chat("share",
             "[{synth: {rate_per_s: 2, duration_s: 500, input_tokens: 20, output_tokens: 200}, "
             "service: chat}]",
             "cancel: {share: 30%, after: 10ms}");
    struct outcome o = run("share", NULL);
    double n = (double)o.counts.arrived;
    double error = sqrt(0.3 * 0.7 / n);
    assert_true(fabs((double)o.counts.cancelled / n - 0.3) < 4 * error);
}

/* ---- all of it together ---- */

static const char *const policies[] = {
    "{policy: vtc}",
    "{policy: vtc, options: {in_flight: 3, weights: {noisy: 0.5}}}",
    "{policy: fifo, options: {release: 2}}",
    "{policy: token-bucket, options: {rate: 3, by: tenant}}",
    "{policy: token-bucket, options: {rate: 200, burst: 50, unit: tokens}}",
    "{policy: concurrency, options: {limit: 6, by: tenant}}",
    "{policy: tiers, options: {tiers: {noisy: sheddable}, shed_at: 1}}",
    "{policy: deadline, options: {limit: 1s}}",
};
enum { POLICIES = sizeof policies / sizeof *policies };

static const char *drawn_policy(struct rng *rng) {
    const char *first = policies[rng_below(rng, POLICIES)];
    const char *second = policies[3 + rng_below(rng, POLICIES - 3)]; /* one that does not hold */
    const char *retry = arena_printf(
        &scratch.arena, "retry: {attempts: %d, backoff: %dms, budget: %s}, cancel: {share: %d%%, after: %s}",
        1 + (int)rng_below(rng, 4), 1 + (int)rng_below(rng, 3000), rng_below(rng, 2) ? "none" : "20%",
        (int)rng_below(rng, 2) * 50, rng_below(rng, 2) ? "0s" : "{law: exponential, mean: 500ms}");
    return arena_printf(&scratch.arena, "router: %s, %s admission: [%s, %s], timeout: %s, %s",
                        rng_below(rng, 2) ? "least-outstanding" : "random",
                        rng_below(rng, 3) ? "" : "queue_limit: 5,", first, second,
                        rng_below(rng, 2) ? "none" : "700ms", retry);
}

static const char *drawn_traces(struct rng *rng, const char *service) {
    return arena_printf(
        &scratch.arena,
        "[{synth: {rate_per_s: %d, duration_s: 20, tenant: quiet, input_tokens: 50, "
        "output_tokens: 30}, service: %s}, {synth: {process: mmpp, states: \"0.1:5s,1:3s\", rate_per_s: %d, "
        "duration_s: 20, tenant: noisy, input_tokens: 400, output_tokens: 60}, service: %s}]",
        1 + (int)rng_below(rng, 5), service, 1 + (int)rng_below(rng, 40), service);
}

static void check_sums(const struct outcome *o) {
    uint64_t arrived = 0, attempts = 0, completed = 0, cancelled = 0;
    for (size_t i = 0; i < o->tenant_count; i++) {
        arrived += o->tenants[i].arrived;
        attempts += o->tenants[i].attempts;
        completed += o->tenants[i].completed;
        cancelled += o->tenants[i].cancelled;
    }
    assert_int_equal(arrived, o->counts.arrived);
    assert_int_equal(attempts, o->counts.attempts);
    assert_int_equal(completed, o->counts.completed);
    assert_int_equal(cancelled, o->counts.cancelled);
    assert_true(attempts >= arrived && cancelled <= completed);
}

/* Every run checks conservation, Little's law and the utilisation law by itself (docs/serving.md) and fails
 * if one breaks; changes of replicas kill some under their requests. */
static void everything_is_conserved_whatever_is_combined(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        struct rng rng = rng_stream_id(11, RNG_TEST, i);
        bool chat = i % 3 == 0;
        const char *name = arena_printf(&scratch.arena, "any-%u", i);
        const char *policy = drawn_policy(&rng);
        const char *traces = drawn_traces(&rng, chat ? "chat" : "station");
        if (chat) {
            put_chat(name, traces, policy);
        } else {
            const char *more =
                arena_printf(&scratch.arena,
                             "  drain: 5s\n  policies: [{%s}]\n  changes: [{at: 7s, workload: station, "
                             "replicas: 1}, {at: 12s, workload: station, replicas: 4}]\n",
                             policy);
            put(arena_printf(&scratch.arena, "%s/scenario.yaml", name),
                station_scenario("server: {law: exponential, mean: 400ms}, concurrency: 2, queue_limit: 20, "
                                 "replicas: 3",
                                 traces, more));
        }
        struct outcome o = run_seed(name, NULL, i);
        check_sums(&o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repetition_waits_twice_as_long_each_time),
        cmocka_unit_test(jitter_takes_its_share_at_most),
        cmocka_unit_test(each_attempt_has_the_whole_timeout),
        cmocka_unit_test(only_outcomes_that_are_named_are_tried_again),
        cmocka_unit_test(a_budget_is_a_share_of_first_attempts),
        cmocka_unit_test(who_stops_frees_the_engine_and_has_completed),
        cmocka_unit_test(as_many_stop_as_the_share_says),
        cmocka_unit_test(everything_is_conserved_whatever_is_combined),
    };
    return cmocka_run_group_tests_name("run/clients", tests, open_scratch, close_scratch);
}
